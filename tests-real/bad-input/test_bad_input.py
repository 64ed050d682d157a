"""Bad input at `greenroom serve`: each mistake gets its status and its own sentence, and no table is changed by any of them."""

import json
import pathlib
import sqlite3
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from stage import GREENROOM, ZOHO, log_in, make_key, simulator, stage
from support import SCRATCH, check, expect, http, run_checks

ANA = "ana@example.com"
OLD = f"{GREENROOM}/api/admin/oauth"
API = f"{GREENROOM}/api/v1"
NOWHERE = "00000000000000000000000000000007"
# Nine in the evening in New York, next year: nothing of the simulator's is there.
EVENT = {"title": "Chat", "start": "2027-06-01T21:00:00", "end": "2027-06-01T21:30:00"}


class Walk:
    """What one check hands to the next."""

    def __init__(self, serving):
        self.cookie = log_in(serving)
        self.serving = serving
        self.key = make_key(self.cookie, "read", "propose", "commit")
        self.reader = make_key(self.cookie, "read")
        # Ana is connected; one vacancy lacks a place, one lacks candidates.
        asked = json.loads(http("POST", f"{OLD}/setup/", form={"manager_email": ANA})[2])
        url = asked["authorization_url"]
        form = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)) | {"user": ANA, "decision": "accept"}
        self.callback = http("POST", f"{ZOHO}/oauth/v2/auth/decide", form=form)[1]["Location"]
        expect(http("GET", self.callback)[0] == 303, "the callback failed")
        until(lambda: '"is_active":true' in http("GET", f"{OLD}/status/?manager_email={ANA}")[2], "Ana is not connected")
        kim = [{"name": "Kim Lee", "email": "kim@example.net"}]
        self.placeless = self.make({"title": "A", "manager_email": ANA, "candidates": kim, "external_id": "ats-1"})
        self.empty = self.make({"title": "B", "manager_email": ANA, "place": {"kind": "zoho_meeting"}})
        expect(self.call("POST", f"managers/{ANA}/calendars/primary/events", EVENT)[0] == 201, "the event was not made")

    def call(self, method, path, body=None, headers=None):
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        status, headers, text = http(method, f"{API}/{path}", body=body, headers=sent)
        return status, headers, text

    def make(self, body):
        status, _, text = self.call("POST", "vacancies", body)
        expect(status == 201, text)
        return json.loads(text)["id"]


def until(condition, otherwise, seconds=20):
    """Waits for something that happens by itself."""
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, f"{otherwise} after {seconds} s")
        time.sleep(0.1)


def dump():
    """Every row of every table that holds what people and callers did. Left out is what the program notes by itself: counts of calls,
    attempts and uses, pauses of providers, alerts, settings of its processes, its own jobs, that a key was used or refused, and where the sealer puts the log's lines."""
    own = ("audit", "audit_head", "audit_keys", "audit_checkpoints", "alerts", "calls", "gates", "last_uses", "settings", "throttles", "jobs")
    with sqlite3.connect(f"file:{SCRATCH / 'greenroom.db'}?mode=ro", uri=True) as database:
        skipped = tuple(f'INSERT INTO "{table}"' for table in own)
        skipped += ("INSERT INTO \"names\" VALUES('alert'",)
        rows = [line for line in database.iterdump() if not line.startswith(skipped)]
        log = database.execute(
            "SELECT id, action, subject, payload FROM audit WHERE action NOT IN"
            " ('audit.key_recorded', 'provider.called', 'key.used', 'key.refused', 'account.login_refused')"
            " AND action NOT LIKE 'alert.%' ORDER BY id"
        )
        work = database.execute(
            "SELECT id, kind, work, state FROM jobs WHERE kind IN ('arrange', 'settle', 'exchange', 'revoke', 'mail', 'refresh') ORDER BY id"
        )
        return "\n".join(rows + [repr(row) for row in log] + [repr(row) for row in work])


def quiet():
    """No job is due, so that nothing changes by itself."""
    with sqlite3.connect(f"file:{SCRATCH / 'greenroom.db'}?mode=ro", uri=True) as database:
        now = int(time.time() * 1_000_000)
        return database.execute("SELECT count(*) FROM jobs WHERE state = 'open' AND due <= ?", (now,)).fetchone() == (0,)


def all_refused(mistakes):
    """Each (what, answer, status, part of the sentence): refused as expected, with a sentence of its own; and no table was changed."""
    until(quiet, "jobs are still due")
    before = dump()
    sentences = {}
    for what, ask, status, part in mistakes:
        answered, _, text = ask()
        expect(answered == status, f"{what}: {answered} instead of {status}: {text[:500]}")
        if text.startswith("{"):
            answer = json.loads(text)
            sentence = answer.get("detail") or answer.get("error")
            expect(part in sentence, f"{what}: {sentence}")
            sentences.setdefault(sentence, []).append(what)
        else:
            expect(part in text and "<html" in text, f"{what}: {text[:2000]}")
        changed = sorted(set(dump().splitlines()) ^ set(before.splitlines()))
        expect(not changed, f"{what} changed the database: {changed[:4]}")
    return sentences


def old(path, body=None, **more):
    return lambda: http("POST" if body is not None else "GET", f"{OLD}/{path}", form=body, **more)


@check
def the_old_endpoints(walk):
    all_refused([
        ("a malformed address", old("setup/", {"manager_email": "ana"}), 400, "name@example.com"),
        ("a plus as a space", old("status/?manager_email=ana+hr@example.com"), 400, "%2B"),
        ("no address", old("refresh/", {}), 400, "manager_email is missing"),
        ("a megabyte", old("setup/", {"manager_email": "a" * 1_000_000}), 413, "KiB"),
        ("broken JSON", lambda: http("POST", f"{OLD}/setup/", form={"{": ""}, headers={"Content-Type": "application/json"}), 400, "JSON"),
        ("the wrong method", lambda: http("PUT", f"{OLD}/setup/", form={}), 405, "POST"),
        ("a wrong key", old("setup/", {"manager_email": ANA}, headers={"Authorization": "Bearer grk_no"}), 401, "API key"),
        ("a foreign page", old("setup/", {"manager_email": ANA}, headers={"Origin": "https://evil.example.org"}), 403, "another"),
        ("an unknown name", old("setup/", {"manager_email": ANA}, headers={"Host": "evil.example.org"}), 421, ""),
    ])
    # An address never seen is no mistake, and asking makes nobody known.
    before = dump()
    expect(http("GET", f"{OLD}/status/?manager_email=never@example.com")[0] == 200, "an address never seen")
    expect(dump() == before, "asking for a status changed the database")


@check
def the_api(walk):
    def api(method, path, body=None, headers=None):
        return lambda: walk.call(method, path, body, headers)

    def vacancy(**fields):
        return api("POST", "vacancies", {"title": "C", "manager_email": ANA, **fields})

    events = f"managers/{ANA}/calendars/primary/events"
    zone = [{"name": "Kim", "email": "k@example.net", "zone": "Mars/Base"}]
    twice = [{"name": "Kim", "email": "k@example.net"}, {"name": "Kim", "email": "K@example.net"}]
    sentences = all_refused([
        ("an unknown vacancy", api("GET", f"vacancies/vac_{NOWHERE}"), 404, "vacancy"),
        ("approving an unknown vacancy", api("POST", f"vacancies/vac_{NOWHERE}/approve"), 404, "vacancy"),
        ("an unknown interview", api("POST", f"interviews/itv_{NOWHERE}/cancel", {}), 404, "interview"),
        ("an unknown manager", api("GET", "managers/never@example.com/calendars"), 404, "PUT /api/v1/managers"),
        ("a malformed address", vacancy(manager_email="ana"), 422, "name@example.com"),
        ("a bad zone", vacancy(candidates=zone), 422, "Mars/Base"),
        ("the same candidate twice", vacancy(candidates=twice), 409, "shortlist"),
        ("a bad length", vacancy(minutes=7), 422, "multiple of 5"),
        ("a bad place", vacancy(place={"kind": "url", "value": "not a url"}), 422, "URL"),
        ("an unknown field", vacancy(colour="red"), 422, "colour"),
        ("an empty title", vacancy(title=""), 422, "empty"),
        ("a title of two lines", vacancy(title="a\nb"), 422, "one line"),
        ("a megabyte", vacancy(title="a" * 1_000_000), 413, "KiB"),
        ("an external id that is taken", vacancy(external_id="ats-1"), 409, "ats-1"),
        ("bad rules", api("PUT", "managers", {"email": ANA, "rules": {"zone": "Europe/Madrid", "week": "never"}}), 422, "never"),
        ("an empty shortlist", api("POST", f"vacancies/{walk.empty}/approve"), 409, "shortlist is empty"),
        ("no place", api("POST", f"vacancies/{walk.placeless}/approve"), 409, "no place"),
        ("a stale revision", api("PATCH", f"vacancies/{walk.empty}", {"title": "D"}, {"If-Match": '"7"'}), 412, "read it again"),
        ("a bad revision", api("PATCH", f"vacancies/{walk.empty}", {"title": "D"}, {"If-Match": "new"}), 400, "ETag"),
        ("a bad repeat key", api("POST", "vacancies", {}, {"Idempotency-Key": "a b"}), 400, "Idempotency-Key"),
        ("a slot taken a second ago", api("POST", events, EVENT), 409, "allow_conflict"),
        ("a time that is none", api("POST", events, EVENT | {"start": "noon"}), 422, "noon"),
        ("an end before the start", api("POST", events, EVENT | {"end": "2027-06-01T20:00:00"}), 422, ""),
        ("a key without the right", api("POST", "vacancies", {}, {"Authorization": f"Bearer {walk.reader}"}), 403, "`propose`"),
        ("no key", lambda: http("GET", f"{API}/vacancies"), 401, "Authorization: Bearer"),
        ("no such address", api("GET", "vacancy"), 404, "openapi.json"),
        ("the wrong method", api("DELETE", "vacancies"), 405, "DELETE"),
    ])
    shared = [whats for whats in sentences.values() if len(whats) > 1]
    same = [["an unknown vacancy", "approving an unknown vacancy"]]
    expect(shared == same, f"these share a sentence: {shared}")


@check
def links_that_do_not_open(walk):
    login = urllib.parse.urlsplit(next(word for word in walk.serving.output().split() if "/login/" in word)).path

    def page(method, path):
        return lambda: http(method, GREENROOM + path, form={} if method == "POST" else None)

    mistakes = [(f"/{folder}/wrong", page("GET", f"/{folder}/wrong"), 404, "") for folder in ("p", "c", "m", "f", "o", "d", "connect", "login")]
    all_refused([
        *mistakes,
        ("a log-in that was used", page("GET", login), 410, "used"),
        ("a log-in that was used, again", page("POST", login), 410, "used"),
        ("a consent that was used", lambda: http("GET", walk.callback), 410, "used"),
        ("a callback without a state", page("GET", "/api/oauth/callback/?code=x"), 404, ""),
        ("a page that is not there", page("GET", "/nothing"), 404, ""),
    ])


@check
def a_provider_that_fails(walk):
    def struck(**fault):
        def ask():
            # A call that is repeated after a failure fails again.
            simulator("faults", {"path": "/api/v1/calendars", "method": "GET", "times": 5, **fault})
            try:
                return walk.call("GET", f"managers/{ANA}/calendars")
            finally:
                http("DELETE", f"{ZOHO}/_sim/faults")
                # A call that goes well: failures in a row would suspend the data centre, which is tested elsewhere.
                status, _, text = walk.call("GET", f"managers/{ANA}/calendars")
                expect(status == (429 if fault.get("status") == 429 else 200), f"after {fault}: {status}: {text}")
        return ask

    all_refused([
        ("HTML", struck(kind="html200"), 502, "makes no sense"),
        ("500", struck(kind="status", status=500), 502, "does not answer"),
        ("{}", struck(kind="empty_object"), 502, "makes no sense"),
        ("nothing", struck(kind="empty_body"), 502, "makes no sense"),
        ("a broken connection", struck(kind="reset"), 502, "does not answer"),
        ("429", struck(kind="status", status=429), 429, "try again in"),
    ])


with stage() as serving:
    sys.exit(run_checks(Walk(serving)))
