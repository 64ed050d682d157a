"""A manager connects her calendar at Radicale by the form on `greenroom serve`'s page; interviews are booked there and nowhere else."""

import datetime
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import uuid

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "caldav")]

from objects import NEW_YORK, calendar, event
from servers import PASSWORD, USER, Server, radicale
from stage import GREENROOM, log_in, make_key, stage
from support import BINARY, PORT, SCRATCH, check, expect, http, run_checks

DAV_PORT = PORT + 4
SERVERS = f"work=http://127.0.0.1:{DAV_PORT}/"


def until(what, asked, seconds=30):
    """Asks until there is an answer; gives it."""
    end = time.monotonic() + seconds
    while True:
        found = asked()
        if found:
            return found
        expect(time.monotonic() < end, f"{what} did not come within {seconds} s")
        time.sleep(0.1)


class Walk:
    """What one check hands to the next."""

    def __init__(self, serving):
        self.serving = serving
        self.cookie = log_in(serving)
        self.key = make_key(self.cookie, "read", "propose", "commit")
        self.server = Server("radicale", DAV_PORT, "/ana%40example.com/")
        self.path = self.server.make_calendar("work", zone=calendar(zones=[NEW_YORK.format(name="America/New_York")]))
        self.vacancy = self.interview = None

    def api(self, method, path, body=None):
        status, _, text = http(method, f"{GREENROOM}/api/v1/{path}", body=body, headers={"Authorization": f"Bearer {self.key}"})
        expect(200 <= status < 300, f"{method} {path} was answered with {status}: {text[:800]}")
        return json.loads(text) if text else None

    def page(self, path):
        return http("GET", f"{GREENROOM}{path}", headers={"Cookie": self.cookie})[2]

    def linked(self, kind, folder):
        """The path of a link in the newest mail of a kind."""

        def find():
            mails = [mail for mail in self.api("GET", f"mails?to={urllib.parse.quote(USER)}")["items"] if mail["kind"] == kind]
            return mails and re.search(rf"/{folder}/[A-Za-z0-9_-]+", self.page(f"/mailbox/{mails[0]['id']}"))

        return until(f"the mail {kind}", find).group()

    def send(self, path, password, **fields):
        """Sends the form; gives the page of the outcome once it is known."""
        form = {"action": "password", "server": "work", "user": USER, "password": password} | fields
        status, headers, page = http("POST", GREENROOM + path, form=form)
        expect(status == 303, f"the form was answered with {status}: {page[:800]}")
        target = urllib.parse.urljoin(GREENROOM, headers["Location"])
        return until("the outcome", lambda: (page := http("GET", target)[2]) and 'http-equiv="refresh"' not in page and page)

    def is_active(self):
        return self.status()["is_active"]

    def status(self):
        address = f"{GREENROOM}/api/admin/oauth/status/?manager_email={urllib.parse.quote(USER)}"
        return json.loads(http("GET", address, headers={"Authorization": f"Bearer {self.key}"})[2])

    def events(self):
        """The interviews in her calendar, each as a dictionary of its lines without parameters."""
        text = (self.server.get(self.path) or "").replace("\r\n ", "").replace("\r\n", "\n")
        blocks = re.findall(r"BEGIN:VEVENT\n(.*?)END:VEVENT", text, re.S)
        parsed = [{line.split(":")[0].split(";")[0]: line.partition(":")[2] for line in block.splitlines()} for block in blocks]
        return [found for found in parsed if found.get("SUMMARY", "").startswith("Interview with")]


@check
def the_page_offers_a_form_beside_zoho(walk):
    status, _, text = http(
        "POST", f"{GREENROOM}/api/admin/oauth/setup/", form={"manager_email": USER, "notify": "true"},
        headers={"Authorization": f"Bearer {walk.key}"},
    )
    expect(status == 200, text)
    walk.form = walk.linked("fresh_permission_link", "p")
    page = http("GET", GREENROOM + walk.form)[2]
    expect("work (127.0.0.1)" in page and 'value="connect"' in page and 'autocomplete="off"' in page, page)


@check
def a_wrong_password_is_told(walk):
    page = walk.send(walk.form, "not-this-one")
    expect("refuses the user name or the app password" in page and walk.form in page, page)
    expect("not-this-one" not in page and not walk.is_active(), page)


@check
def the_right_one_connects(walk):
    page = walk.send(walk.form, PASSWORD)
    expect("Your calendar is connected" in page and "Interviews go into the calendar “work”" in page, page)
    expect(walk.is_active() and walk.status()["has_valid_token"], f"{walk.status()}")


@check
def an_interview_is_booked_where_she_is_free(walk):
    # Busy for the next three days; the calendar is read before anything is offered.
    start = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    free_from = start + datetime.timedelta(days=3)
    busy = event(str(uuid.uuid4()), f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{free_from:%Y%m%dT%H%M%SZ}", "SUMMARY:Away")
    walk.server.put(f"{walk.path}away.ics", calendar(busy))
    made = walk.api("POST", "vacancies", {
        "title": "Platform engineer", "manager_email": USER, "place": {"kind": "url", "value": "https://meet.example.com/1"},
        "candidates": [{"name": "Noor Haddad", "email": "noor@example.net"}],
    })
    walk.vacancy = made["id"]
    walk.api("POST", f"vacancies/{walk.vacancy}/approve")

    def booked():
        interview = walk.api("GET", f"vacancies/{walk.vacancy}")["shortlist"][0]["interview"]
        return interview if interview and interview["state"] == "booked" else None

    walk.interview = until("the booking", booked)
    found = walk.events()
    expect(len(found) == 1, f"her calendar has {found}")
    begins = datetime.datetime.fromisoformat(walk.interview["start"].replace("Z", "+00:00"))
    expect(found[0]["DTSTART"] == f"{begins.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}", f"{found[0]} is not {walk.interview}")
    expect(begins >= free_from, f"{begins} is while she is away")


@check
def every_step_of_check_is_well_with_an_event_of_its_own(walk):
    done = subprocess.run(
        [BINARY, "check", USER, "--write"], capture_output=True, text=True, timeout=60, cwd=SCRATCH,
        env={"GREENROOM_URL": GREENROOM, "GREENROOM_API_KEY": walk.key, "PATH": "/usr/bin:/bin"},
    )
    expect(done.returncode == 0 and "steps ok" in done.stdout, done.stdout + done.stderr)
    expect(len(walk.events()) == 1, "the event of the check is still there")


@check
def zoho_is_refused_while_this_one_is_connected(walk):
    page = http("GET", GREENROOM + walk.form)[2]
    expect('value="connect"' not in page and "disconnect this one first" in page, page)
    status, _, page = http("POST", GREENROOM + walk.form, form={"action": "connect"})
    expect(status == 409 and "isconnect it first" in page, f"{status}: {page}")


@check
def a_cancelled_interview_leaves_her_calendar(walk):
    walk.api("POST", f"interviews/{walk.interview['id']}/cancel", {"reason": "The place is taken"})
    until("the deletion", lambda: not walk.events())
    expect("SUMMARY:Away" in walk.server.get(walk.path), "her own event is gone")


@check
def disconnected_by_the_mailed_link_it_is_forgotten(walk):
    link = walk.linked("connected", "d")
    expect("forgets the app password" in http("GET", GREENROOM + link)[2], "the page speaks of something else")
    status, _, page = http("POST", GREENROOM + link, form={"action": "disconnect"})
    expect(status == 200 and "has forgotten the app password" in page, f"{status}: {page}")
    expect(not walk.is_active(), f"{walk.status()}")
    page = http("GET", GREENROOM + walk.form)[2]
    expect('value="connect"' in page and 'name="password"' in page, "both ways are open again")


@check
def the_password_stands_nowhere(walk):
    searched = 0
    for path in SCRATCH.rglob("*"):
        if path.is_file() and "radicale" not in str(path.relative_to(SCRATCH)):
            searched += 1
            data = path.read_bytes()
            for secret in (PASSWORD, "not-this-one"):
                expect(secret.encode() not in data, f"a password stands in {path.name}")
    expect(searched >= 3, f"{searched} files were searched")


with radicale(DAV_PORT), stage(GREENROOM_CALDAV_SERVERS=SERVERS, GREENROOM_LOG="debug") as serving:
    sys.exit(run_checks(Walk(serving)))
