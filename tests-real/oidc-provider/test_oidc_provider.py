"""The OAuth side of `greenroom serve` against oidc-provider, which rotates refresh tokens and ends a grant whose used token comes back.

Two processes on one SQLite file: consent by oidc-provider's own pages, code exchange with PKCE, then a hundred refreshes asked for by ten
callers at once. One refresh token sent twice would be the end of the grant; the last check sends one by hand to show that it is.

Not covered here: calendars beyond their list, revocation (oidc-provider wants a client's name there, Zoho none), several data centres.
PostgreSQL has the same protocol; `cargo xtask chaos` runs it there, against the simulator.
"""

import contextlib
import html
import http.cookiejar
import itertools
import json
import pathlib
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from stage import GREENROOM, REDIRECT, hidden_fields, log_in, make_key
from support import PORT, SCRATCH, NoRedirect, Program, check, expect, http as request, run_checks

SERVER = f"http://localhost:{PORT}"
CALENDAR = f"http://localhost:{PORT + 1}"
SECOND = f"http://localhost:{PORT + 4}"
BOTH = [GREENROOM, SECOND]
ANA = "ana@example.com"
CLIENT = {"client_id": "1000.SUITE", "client_secret": "suite-secret"}
CALLERS, REFRESHES, OF_EACH = 10, 100, 10


@contextlib.contextmanager
def two_processes():
    """The authorization server, and two processes that share a database."""
    script = str(pathlib.Path(__file__).with_name("server.mjs"))
    with Program(str(PORT), REDIRECT, ports=[PORT, PORT + 1], command=["node", script], name="oidc-provider"):
        variables = {
            "ZOHO_CLIENT_ID": CLIENT["client_id"],
            "ZOHO_CLIENT_SECRET": CLIENT["client_secret"],
            "ZOHO_REDIRECT_URI": REDIRECT,
            "ZOHO_ACCOUNTS_URL": SERVER,
            "GREENROOM_ZOHO_HOSTS": f"us={SERVER}|{CALENDAR}",
            "ZOHO_SCOPES": "openid,offline_access,AaaServer.profile.READ,ZohoCalendar.calendar.READ,"
            "ZohoCalendar.event.ALL,ZohoCalendar.freebusy.READ",
            # A hundred refreshes are no matter of patience here.
            "ZOHO_REFRESH_LIMIT": "1000",
            "GREENROOM_OPEN_OAUTH_FROM": "127.0.0.0/8,::1/128",
            "DATABASE_URL": f"sqlite:{SCRATCH / 'greenroom.db'}",
            "GREENROOM_KEY_FILE": str(SCRATCH / "keys/greenroom.key"),
            "GREENROOM_MAIL_DIR": str(SCRATCH / "mail"),
            "GREENROOM_LOG": "debug",
        }
        with Program("serve", ports=[PORT + 2], environment=variables, name="first") as first:
            cookie = log_in(first)
            listen = {"GREENROOM_LISTEN": f"127.0.0.1:{PORT + 4}", "GREENROOM_PUBLIC_URL": GREENROOM}
            with Program("serve", ports=[PORT + 4], environment=variables | listen, name="second"):
                yield make_key(cookie, "read", "metrics")


class Walk:
    """What one check hands to the next."""

    def __init__(self, key):
        self.key = {"Authorization": f"Bearer {key}"}
        self.links = 0

    def api(self, path, at=GREENROOM):
        status, _, text = request("GET", f"{at}{path}", headers=self.key)
        expect(status == 200, f"{path} was answered with {status}: {text}")
        return text

    def alerts(self):
        return {alert["kind"]: alert["details"] for alert in json.loads(self.api("/api/v1/alerts"))["items"]}

    def refreshes_of(self, process):
        """Refreshes that this process made by its own count."""
        rows = re.findall(r"^greenroom_provider_call_seconds_count\{(.*)\} (\d+)$", self.api("/metrics", process), re.MULTILINE)
        return sum(int(count) for labels, count in rows if 'operation="refresh"' in labels)


def calls(grant_type=None):
    """Calls of the token endpoint, as the server read them."""
    found = json.loads(request("GET", f"{CALENDAR}/_suite/calls")[2])
    return [call for call in found if grant_type in (None, call["grant_type"])]


def refresh(process=GREENROOM):
    status, _, text = request("POST", f"{process}/api/admin/oauth/refresh/", form={"manager_email": ANA})
    return status, json.loads(text)


def connection():
    return json.loads(request("GET", f"{GREENROOM}/api/admin/oauth/status/?manager_email={ANA}")[2])


def until(ask, what, seconds):
    """The first answer of `ask()` that is not empty."""
    end = time.monotonic() + seconds
    while not (found := ask()):
        expect(time.monotonic() < end, f"{what} did not come within {seconds} s")
        time.sleep(0.2)
    return found


def consent():
    """The manager logs in and accepts on oidc-provider's own pages; gives the page she ends on."""
    _, _, text = request("POST", f"{GREENROOM}/api/admin/oauth/setup/", form={"manager_email": ANA})
    url = json.loads(text)["authorization_url"]
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect, cookies)
    form, seen = None, []
    for _ in range(20):
        data = form and urllib.parse.urlencode(form).encode()
        try:
            with browser.open(url, data=data, timeout=20) as answer:
                page = answer.read().decode()
        except urllib.error.HTTPError as answer:
            expect(answer.code in (302, 303), f"{url} was answered with {answer.code}: {answer.read()[:500]}")
            url, form = urllib.parse.urljoin(url, answer.headers["Location"]), None
            continue
        if not url.startswith(SERVER):
            return seen, page
        action = re.search(r'<form[^>]* action="([^"]+)"', page).group(1)
        url, form = urllib.parse.urljoin(url, html.unescape(action)), hidden_fields(page)
        seen.append(form["prompt"])
        if form["prompt"] == "login":
            form |= {"login": ANA, "password": "any"}
    raise AssertionError(f"the consent does not end; it is at {url}")


@check
def a_manager_consents_and_the_code_is_exchanged_with_pkce(walk):
    seen, page = consent()
    expect(seen == ["login", "consent"], f"the server's pages were {seen}")
    until(lambda: connection()["is_active"], f"the connection (the page says {page[:300]})", 30)
    exchanged = calls("authorization_code")
    expect(len(exchanged) == 1 and exchanged[0]["status"] == 200, f"{exchanged}")
    expect(exchanged[0]["pkce"] and len(exchanged[0]["issued"]) == 3, "no verifier, or no tokens")


@check
def a_hundred_refreshes_of_ten_callers_at_once_send_no_token_twice(walk):
    start, numbers, answers = threading.Barrier(CALLERS), itertools.count(), []

    def enough(process):
        # Whoever has the lease is asked again first, so that one process may win nearly all of a race; the other then catches up.
        return len(calls("refresh_token")) >= REFRESHES and walk.refreshes_of(process) >= OF_EACH

    def caller(process):
        start.wait()
        asked = 0
        while asked < REFRESHES // CALLERS or (not enough(process) and next(numbers) < 5_000):
            answers.append(refresh(process))
            asked += 1

    threads = [threading.Thread(target=caller, args=(BOTH[number % 2],)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = calls("refresh_token")
    wrong = [answer for answer in answers if answer[0] != 200 or not answer[1].get("has_valid_token")]
    expect(not wrong, f"{len(wrong)} of {len(answers)} callers were refused: {wrong[:3]}")
    expect(len(made) >= REFRESHES, f"{len(made)} refreshes for {len(answers)} callers")
    refused = [call["error"] for call in made if call["status"] != 200]
    expect(not refused, f"the server refused {refused}")
    expect(len({call["presented"] for call in made}) == len(made), "a refresh token was sent twice")
    each = [walk.refreshes_of(process) for process in BOTH]
    expect(min(each) >= OF_EACH and sum(each) == len(made), f"the processes made {each} of {len(made)}")
    print(f"        {len(made)} refreshes for {len(answers)} callers, {each[0]} by one process and {each[1]} by the other")


@check
def the_grant_survives(walk):
    for process in BOTH:
        before = len(calls("refresh_token"))
        status, answer = refresh(process)
        expect(status == 200 and answer["is_active"] and answer["has_valid_token"], f"{status}: {answer}")
        expect(len(calls("refresh_token")) == before + 1, "no refresh was made")
        calendars = json.loads(walk.api(f"/api/v1/managers/{ANA}/calendars", process))
        expect(len(calendars["items"]) == 1, f"the newest access token is not accepted: {calendars}")
    expect(walk.alerts() == {}, f"{walk.alerts()}")


@check
def a_used_token_sent_once_more_ends_the_grant_and_the_manager_is_asked(walk):
    used = calls("refresh_token")[0]["presented"]
    form = {"grant_type": "refresh_token", "refresh_token": used, **CLIENT}
    status, _, text = request("POST", f"{SERVER}/oauth/v2/token", form=form)
    expect(status == 400 and json.loads(text)["error"] == "invalid_grant", f"the server does not punish: {status} {text}")
    status, answer = refresh()
    expect(status == 502, f"the refusal was answered with {status}: {answer}")
    expect(connection()["is_active"], "one refusal was believed")
    until(lambda: not connection()["is_active"], "the second refusal", 150)
    alerts = walk.alerts()
    expect(alerts.get("access_lost", {}).get("why") == "revoked", f"{alerts}")
    mails = until(lambda: list((SCRATCH / "mail").glob("fresh_permission_link.*.eml")), "the mail with a new link", 30)
    expect(len(mails) == 1 and f"To: ana <{ANA}>" in mails[0].read_text(), f"{mails}")
    status, answer = refresh(SECOND)
    expect(status == 200 and answer["requires_authorization"] and answer["authorization_url"], f"{status}: {answer}")


@check
def the_manager_consents_again_and_all_is_well(walk):
    consent()
    until(lambda: connection()["is_active"], "the connection", 30)
    for process in BOTH:
        status, answer = refresh(process)
        expect(status == 200 and answer["has_valid_token"], f"{status}: {answer}")
    expect(walk.alerts() == {}, f"{walk.alerts()}")


@check
def no_token_is_in_a_log_a_mail_or_the_database(_walk):
    tokens = {token.encode() for call in calls() for token in call["issued"]} | {CLIENT["client_secret"].encode()}
    expect(len(tokens) > REFRESHES, "there were too few tokens to look for")
    files = [file for file in SCRATCH.rglob("*") if file.is_file() and file.name != "oidc-provider.log"]
    expect(any(file.suffix == ".db" for file in files) and any(file.suffix == ".log" for file in files), f"{files}")
    for file in files:
        text = file.read_bytes()
        expect(not any(token in text for token in tokens), f"a token is in {file.name}")


if __name__ == "__main__":
    with two_processes() as key:
        code = run_checks(Walk(key))
    sys.exit(code)
