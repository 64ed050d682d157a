"""`greenroom serve` as somebody runs it for real, against `greenroom simulate zoho`, each in an empty folder of its own.

For the suites that need the whole product from outside: the mails it sends, the Python client that calls it.
"""

import contextlib
import json

from support import PORT, SCRATCH, Program, expect, http

ZOHO = f"http://localhost:{PORT}"  # the second data centre has the port after it
GREENROOM = f"http://localhost:{PORT + 2}"
SMTP_PORT = PORT + 3
REDIRECT = f"{GREENROOM}/api/oauth/callback/"
CLIENT = {"client_id": "1000.STAGE", "secret": "stage-secret", "redirect_uris": [REDIRECT]}


@contextlib.contextmanager
def stage(**environment):
    """Both programs, running; yields the one that serves. Further variables of `serve` by name."""
    with Program("simulate", "zoho", "--port", str(PORT), ports=[PORT, PORT + 1]):
        simulator("clients", CLIENT)
        variables = {
            "ZOHO_CLIENT_ID": CLIENT["client_id"],
            "ZOHO_CLIENT_SECRET": CLIENT["secret"],
            "ZOHO_REDIRECT_URI": REDIRECT,
            "ZOHO_ACCOUNTS_URL": ZOHO,
            "GREENROOM_ZOHO_HOSTS": f"us={ZOHO},eu=http://localhost:{PORT + 1}",
            # The first version's callers have no key; here they are on loopback.
            "GREENROOM_OPEN_OAUTH_FROM": "127.0.0.0/8,::1/128",
            "DATABASE_URL": f"sqlite:{SCRATCH / 'greenroom.db'}",
            "GREENROOM_KEY_FILE": str(SCRATCH / "keys/greenroom.key"),
            **environment,
        }
        with Program("serve", ports=[PORT + 2], environment=variables) as serving:
            yield serving


def simulator(path, body):
    """Sets the simulator's stage by its control interface, for example `simulator("users", {...})`."""
    status, _, text = http("POST", f"{ZOHO}/_sim/{path}", body=body)
    expect(status in (200, 201), f"/_sim/{path} answered {status}: {text}")
    return json.loads(text)
