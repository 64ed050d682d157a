"""`greenroom serve` as somebody runs it for real, against `greenroom simulate zoho`, each in an empty folder of its own.

For the suites that need the whole product from outside: the mails it sends, the Python client that calls it.
"""

import contextlib
import html
import json
import re

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


def log_in(serving):
    """The first administrator follows the link that `serve` printed; gives the cookie."""
    # It listens before it is ready; what it answers comes after what it prints.
    http("GET", f"{GREENROOM}/healthz")
    link = re.search(r"http://\S+/login/\S+", serving.output()).group()
    status, headers, page = use_link(link)
    expect(status == 303, f"the log-in was answered with {status}: {page[:500]}")
    return headers["Set-Cookie"].split(";")[0]


def use_link(link):
    """Opens a one-time link and presses its button, as a browser does: with the cookie and the token of its page."""
    _, headers, page = http("GET", link)
    return http("POST", link, form=hidden_fields(page), headers={"Cookie": headers["Set-Cookie"].split(";")[0]})


def make_key(cookie, *rights):
    """Makes an API key on the dashboard's page, as a person does."""
    page = http("GET", f"{GREENROOM}/keys", headers={"Cookie": cookie})[2]
    form = hidden_fields(page) | {"action": "create", "name": "suite", "days": "never", "right": rights}
    status, _, page = http("POST", f"{GREENROOM}/keys", form=form, headers={"Cookie": cookie})
    found = re.search(r"grk_[A-Za-z0-9_-]{43}", page)
    expect(status == 200 and found, f"the key was answered with {status}: {page[:1000]}")
    return found.group()


def hidden_fields(page):
    """The hidden fields of the forms on a page."""
    found = {}
    for tag in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page):
        name, value = (re.search(rf'{part}="([^"]*)"', tag) for part in ("name", "value"))
        found.setdefault(name.group(1), html.unescape(value.group(1)))
    return found
