"""Mails of `greenroom serve` as a mail server that nobody here wrote (aiosmtpd) gets them."""

import datetime
import json
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from mailserver import MailServer
from stage import GREENROOM, SMTP_PORT, stage, use_link
from support import check, expect, http, run_checks

SENDER = "Example Interviews <interviews@example.com>"
CONTACT = "recruiting@example.com"
MAIL = {
    "EMAIL_HOST": "127.0.0.1",
    "EMAIL_PORT": str(SMTP_PORT),
    "DEFAULT_FROM_EMAIL": SENDER,
    "GREENROOM_RECRUITING_CONTACT": CONTACT,
}


class Walk:
    """What one check hands to the next."""

    def __init__(self, serving, server):
        self.serving, self.server = serving, server
        self.first = None

    def ask(self, email):
        """The first version's call that mails a manager the link to grant access."""
        form = {"manager_email": email, "notify": "true"}
        status, _, text = http("POST", f"{GREENROOM}/api/admin/oauth/setup/", form=form)
        expect(status == 200 and json.loads(text)["requires_authorization"], f"setup was answered with {status}: {text}")

    def deliveries(self, email):
        """(message, answer) of every attempt to deliver to this address, oldest first."""
        return [(message, answer) for _, to, message, answer in self.server.deliveries if to == [email]]

    def key(self):
        """An API key, made on the dashboard by the first administrator."""
        link = re.search(r"http://\S+/login/\S+", self.serving.output()).group()
        status, headers, _ = use_link(link)
        expect(status == 303, f"the log-in was answered with {status}")
        cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
        csrf = re.search(r'name="csrf" value="([^"]+)"', http("GET", f"{GREENROOM}/keys", headers=cookie)[2]).group(1)
        form = {"csrf": csrf, "action": "create", "name": "suite", "days": "30", "right": "read"}
        return re.search(r"grk_[A-Za-z0-9_-]{43}", http("POST", f"{GREENROOM}/keys", form=form, headers=cookie)[2]).group()


def until(ask, what, seconds=60):
    """The first answer of `ask()` that is not empty."""
    end = time.monotonic() + seconds
    while not (found := ask()):
        expect(time.monotonic() < end, f"{what} did not come within {seconds} s")
        time.sleep(0.1)
    return found


@check
def setup_with_notify_mails_the_link(walk):
    walk.ask("ana@example.com")
    mail = walk.first = walk.server.wait_for(lambda mail: "ana@example.com" in mail["To"])
    text = mail.get_body(("plain",)).get_content()
    page = re.search(rf"{GREENROOM}/p/\S+", text)
    expect(page, f"the text holds no link to the permission page: {text}")
    expect(page.group() in mail.get_body(("html",)).get_content(), "the HTML holds another link than the text")
    status, _, shown = http("GET", page.group())
    expect(status == 200 and "<form" in shown, f"the link was answered with {status}")


@check
def its_envelope_and_headers_are_whole(walk):
    mail = walk.first
    envelope = next((sender, to) for sender, to, message, _ in walk.server.deliveries if message is mail)
    expect(envelope == ("interviews@example.com", ["ana@example.com"]), f"the envelope is {envelope}")
    expect(mail["From"] == SENDER, f"From is {mail['From']}")
    expect(CONTACT in mail["Reply-To"], f"Reply-To is {mail['Reply-To']}")
    expect(re.fullmatch(r"<[A-Za-z0-9._-]+@[A-Za-z0-9.-]+>", mail["Message-ID"]), f"Message-ID is {mail['Message-ID']}")
    age = datetime.datetime.now(datetime.UTC) - mail["Date"].datetime
    expect(abs(age) < datetime.timedelta(minutes=5), f"Date is {mail['Date']}")
    expect(mail["Auto-Submitted"] == "auto-generated", f"Auto-Submitted is {mail['Auto-Submitted']}")
    expect(not mail.defects, f"a mail reader would complain: {mail.defects}")


@check
def asking_again_mails_nothing_again(walk):
    walk.ask("ana@example.com")
    walk.ask("bruno@example.com")
    walk.server.wait_for(lambda mail: "bruno@example.com" in mail["To"])
    expect(len(walk.deliveries("ana@example.com")) == 1, "the second call mailed her again")


@check
def a_passing_refusal_is_tried_again_as_the_same_message(walk):
    walk.server.answers.append("451 4.3.0 Try later")
    walk.ask("chandra@example.com")
    walk.server.wait_for(lambda mail: "chandra@example.com" in mail["To"], seconds=90)
    tries = walk.deliveries("chandra@example.com")
    expect([answer[:3] for _, answer in tries] == ["451", "250"], f"the tries ended with {[answer for _, answer in tries]}")
    ids = [message["Message-ID"] for message, _ in tries]
    expect(ids[0] == ids[1], f"the second try is another message: {ids}")
    expect(ids[0] != walk.first["Message-ID"], "two messages share a Message-ID")


@check
def a_final_refusal_is_a_dead_job_that_people_can_see(walk):
    walk.server.answers.append("550 5.1.1 <nobody@example.org>: Recipient address rejected")
    walk.ask("nobody@example.org")
    key = {"Authorization": f"Bearer {walk.key()}"}

    def dead():
        return json.loads(http("GET", f"{GREENROOM}/api/v1/jobs/dead", headers=key)[2])["items"]

    jobs = until(dead, "the dead job")
    expect([job["kind"] for job in jobs] == ["mail"], f"the dead jobs are {jobs}")
    expect("550" in jobs[0]["last_error"] and "nobody@" not in jobs[0]["last_error"], f"its error is {jobs[0]['last_error']}")
    walk.server.wait_for(lambda mail: CONTACT in mail["To"] and "refused a message for good" in mail["Subject"])
    expect(len(walk.deliveries("nobody@example.org")) == 1, "what is refused for good is not tried again")


@check
def no_address_is_in_the_log(walk):
    log = walk.serving.output()
    expect("given up" in log and "again later" in log, f"the log does not tell of the refusals:\n{log}")
    named = [line for line in log.splitlines() if re.search(r"(ana|bruno|chandra|nobody|recruiting)(@|%40)", line)]
    expect(not named, f"addresses stand in the log: {named}")


with MailServer(SMTP_PORT) as server, stage(**MAIL) as serving:
    code = run_checks(Walk(serving, server))
sys.exit(code)
