"""A mail server for the suite: keeps what it gets, and answers as it is told to.

aiosmtpd, not a fake of ours: it checks the dialogue as a mail server does. `answers` is a script: each entry is
what one delivery is answered with, for example "451 4.3.0 Try later"; when it is used up, everything is taken.
"""

import collections
import email
import email.policy
import threading

from aiosmtpd.controller import Controller


class MailServer:
    """Listens on a loopback port while it is open."""

    def __init__(self, port, *, answers=()):
        self.answers = collections.deque(answers)
        self.deliveries = []  # (envelope sender, recipients, message, answer), refused ones too
        self._arrived = threading.Condition()
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_):
        self._controller.stop()

    async def handle_DATA(self, _server, _session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        answer = self.answers.popleft() if self.answers else "250 2.0.0 Taken"
        with self._arrived:
            self.deliveries.append((envelope.mail_from, list(envelope.rcpt_tos), message, answer))
            self._arrived.notify_all()
        return answer

    def taken(self):
        """The messages that this server has taken, oldest first."""
        return [message for _, _, message, answer in self.deliveries if answer.startswith("250")]

    def wait_for(self, wanted, seconds=30):
        """The first taken message that `wanted(message)` is true for; an error that lists the subjects if none comes."""

        def find():
            return next((message for message in self.taken() if wanted(message)), None)

        with self._arrived:
            if not self._arrived.wait_for(lambda: find() is not None, timeout=seconds):
                raise AssertionError(f"no such mail within {seconds} s; there are {[m['Subject'] for m in self.taken()]}")
            return find()
