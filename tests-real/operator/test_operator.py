"""An operator's year in a minute, with the binary as a stranger would use it: backups, keys, the audit log, erasure, a restore, and
what `doctor` says when something is broken. Against `greenroom simulate zoho` and a mail server that nobody here wrote."""

import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "smtp")]

from mailserver import MailServer
from stage import CLIENT, GREENROOM, REDIRECT, SMTP_PORT, ZOHO, log_in, make_key, simulator
from support import BINARY, PORT, SCRATCH, Program, check, expect, http, run_checks

ANA, KIM, KIM_NAME = "ana@example.com", "kim.quillonia@example.net", "Kim Xyzzander"
BACKUPS = SCRATCH / "backups"
WITNESS = SCRATCH / "witness/checkpoints.jsonl"
DATABASE = SCRATCH / "data/greenroom.db"
KEYS = SCRATCH / "keys/greenroom.key"
SAFE = SCRATCH / "safe/greenroom.key"
# The line of the log that is changed by hand.
WITNESS_LINE = 3


def environment(database=DATABASE, **more):
    """What the operator has written into the unit file."""
    return {
        "ZOHO_CLIENT_ID": CLIENT["client_id"],
        "ZOHO_CLIENT_SECRET": CLIENT["secret"],
        "ZOHO_REDIRECT_URI": REDIRECT,
        "ZOHO_ACCOUNTS_URL": ZOHO,
        "GREENROOM_ZOHO_HOSTS": f"us={ZOHO},eu=http://localhost:{PORT + 1}",
        "DATABASE_URL": f"sqlite:{database}",
        "GREENROOM_KEY_FILE": str(KEYS),
        "GREENROOM_BACKUP_DIR": str(BACKUPS),
        "GREENROOM_AUDIT_FILE": str(WITNESS),
        "GREENROOM_RECRUITING_CONTACT": "recruiting@example.com",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(SMTP_PORT),
        "DEFAULT_FROM_EMAIL": "Example Interviews <interviews@example.com>",
        **more,
    }


class Year:
    """What one check hands to the next."""

    def __init__(self, mails):
        self.mails = mails
        self.said = []  # everything that a program has printed, with where it stands
        self.serving = None
        self.starts = 0

    def serve(self, **named):
        self.stop()
        self.serving = Program("serve", ports=[PORT + 2], environment=environment(**named))
        return self.serving

    def stop(self):
        if self.serving:
            self.serving.stop()
            self.starts += 1
            self.said.append((f"serve, start {self.starts}", self.serving.output()))
            self.serving = None

    def run(self, *arguments, code=0, **named):
        """One command; its output. `code` is what it must end with; None: either."""
        ran = subprocess.run(
            [BINARY, *arguments],
            env={**os.environ, **environment(**named)},
            cwd=SCRATCH,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        out = ran.stdout + ran.stderr
        self.said.append((f"greenroom {' '.join(arguments)}", out))
        expect(code is None or ran.returncode == code, f"{arguments} ended with {ran.returncode}:\n{out}")
        return out

    def kill_in_the_middle(self, seconds, *arguments):
        """The command, killed after so many seconds unless it was faster."""
        process = subprocess.Popen(
            [BINARY, *arguments],
            env={**os.environ, **environment()},
            cwd=SCRATCH,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, _ = process.communicate()
        self.said.append((f"killed: greenroom {' '.join(arguments)}", out))

    def api(self, method, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {key or self.key}"}
        status, _, text = http(method, f"{GREENROOM}/api/v1{path}", body=body, headers=headers)
        return status, json.loads(text)

    def interview(self):
        """Kim's."""
        return self.api("GET", f"/vacancies/{self.vacancy}")[1]["shortlist"][0]["interview"]


def until(ask, what, seconds=60):
    """The first answer of `ask()` that is not empty."""
    end = time.monotonic() + seconds
    while not (found := ask()):
        expect(time.monotonic() < end, f"{what} did not come within {seconds} s")
        time.sleep(0.1)
    return found


def doctor(year, *, code, **named):
    """Condition by what was looked at."""
    found = json.loads(year.run("doctor", "--json", code=code, **named))
    return {finding["what"]: finding for finding in found["findings"]}


def broken(findings):
    return {what: finding["says"] for what, finding in findings.items() if finding["condition"] == "bad"}


def key_ids():
    """The ids in the key file, oldest first."""
    return [line.split(":", 1)[0] for line in KEYS.read_text().splitlines() if ":" in line]


def backups():
    return sorted(path.name for path in BACKUPS.glob("*.backup"))


def calls():
    """Requests that the simulated Zoho has seen since it last forgot them."""
    return json.loads(http("GET", f"{ZOHO}/_sim/journal")[2])["requests"]


@check
def a_manager_connects_and_an_interview_is_booked(year):
    cookie = log_in(year.serve())
    year.key = make_key(cookie, "read", "propose", "commit", "administer", "calendar_titles")
    year.metrics = make_key(cookie, "metrics")
    asked = year.api("POST", f"/managers/{ANA}/authorization", {})[1]
    form = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(asked["authorization_url"]).query)) | {"user": ANA, "decision": "accept"}
    _, headers, _ = http("POST", f"{ZOHO}/oauth/v2/auth/decide", form=form)
    expect(http("GET", headers["Location"])[0] == 303, "the callback refused her")
    until(lambda: year.api("GET", f"/managers/{ANA}")[1]["grant"]["has_valid_token"], "the connection")
    vacancy = {
        "title": "Platform engineer",
        "manager_email": ANA,
        "place": {"kind": "url", "value": "https://meet.example.com/room"},
        "candidates": [{"name": KIM_NAME, "email": KIM}, {"name": "Sam Ray", "email": "sam@example.net"}],
    }
    year.vacancy = year.api("POST", "/vacancies", vacancy)[1]["id"]
    expect(year.api("POST", f"/vacancies/{year.vacancy}/approve", {})[0] == 200, "it was not approved")
    until(lambda: (year.interview() or {}).get("state") == "booked", "the booking")
    year.mails.wait_for(lambda mail: KIM in mail["To"])


@check
def the_doctor_finds_nothing_broken(year):
    found = doctor(year, code=0)
    expect(not broken(found), broken(found))
    for what in ["configuration", "redirect URI", "mail", "disk", "database and key"]:
        expect(found[what]["condition"] == "ok", f"{what}: {found.get(what)}")


@check
def metrics_are_read_with_a_metrics_key(year):
    status, _, text = http("GET", f"{GREENROOM}/metrics", headers={"Authorization": f"Bearer {year.metrics}"})
    expect(status == 200 and "greenroom_database_up 1" in text, f"{status}: {text[:300]}")
    expect(http("GET", f"{GREENROOM}/metrics", headers={"Authorization": f"Bearer {year.key}"})[0] == 403, "another key reads them")


@check
def a_backup_is_made_while_requests_run_and_a_killed_one_leaves_nothing_half(year):
    stop, statuses = threading.Event(), []

    def ask():
        while not stop.is_set():
            statuses.append(year.api("GET", f"/vacancies/{year.vacancy}")[0])
            statuses.append(year.api("PATCH", f"/vacancies/{year.vacancy}", {"title": f"Engineer {len(statuses)}"})[0])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        before = backups()
        for seconds in [0.05, 0.1, 0.2, 0.3]:
            year.kill_in_the_middle(seconds, "backup")
        year.run("backup")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    expect(len(statuses) > 10 and set(statuses) <= {200, 409}, f"while the backup was made: {sorted(set(statuses))}, {len(statuses)}")
    made = [name for name in backups() if name not in before]
    expect(made, "no backup was made")
    for name in backups():
        year.run("backup", "verify", str(BACKUPS / name))
    year.run("backup", "drill")
    year.backup = BACKUPS / made[-1]


@check
def one_flipped_bit_in_a_backup_is_named(year):
    damaged = SCRATCH / "damaged.backup"
    content = bytearray(year.backup.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    out = year.run("backup", "verify", str(damaged), code=1)
    expect("damaged.backup" in out, out)


@check
def a_key_is_added_rotated_in_spite_of_kills_and_retired(year):
    expect("make another one active first" in year.run("keys", "retire", key_ids()[0], code=1), "the only key was retired")
    year.run("keys", "add")
    old, new = key_ids()
    # As docs/keys.md says: what is retired is kept, in another place.
    SAFE.parent.mkdir(mode=0o700)
    shutil.copy(KEYS, SAFE)
    for seconds in [0.05, 0.2, 0.5]:
        year.kill_in_the_middle(seconds, "keys", "rotate")
    year.run("keys", "rotate")
    listed = year.run("keys", "list")
    line = next(line.split() for line in listed.splitlines() if line.startswith(new))
    expect(line[1] == "active", listed)
    expect("--links-too" in year.run("keys", "retire", old, code=1), "links that were mailed were not named")
    year.run("keys", "retire", old, "--links-too")
    expect(key_ids() == [new], key_ids())
    refreshed = year.api("POST", f"/managers/{ANA}/refresh")
    expect(refreshed[0] == 200 and refreshed[1]["has_valid_token"], f"the grant does not open: {refreshed}")
    expect(year.api("GET", f"/managers/{ANA}/calendars")[0] == 200, "her calendars cannot be read")


@check
def who_changes_the_log_is_found_by_line(year):
    until(lambda: WITNESS.exists() and WITNESS.read_text().strip(), "a checkpoint outside the database")
    kept = {"GREENROOM_KEY_FILE": str(SAFE)}
    year.run("audit", "verify", "--against", str(WITNESS), **kept)
    copy = SCRATCH / "copy/greenroom.db"
    copy.parent.mkdir()
    with sqlite3.connect(DATABASE) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    line = WITNESS_LINE
    with sqlite3.connect(copy) as target:
        changed = target.execute("UPDATE audit SET action = 'vacancy.closed' WHERE seq = ?", (line,)).rowcount
    target.close()
    expect(changed == 1, "there is no such line")
    out = year.run("audit", "verify", "--against", str(WITNESS), database=copy, code=1, **kept)
    expect(re.search(rf"\b{line}\b", out), f"line {line} is not named:\n{out}")


@check
def a_candidate_is_erased_and_the_log_stays_whole(year):
    interview = year.interview()["id"]
    expect(KIM_NAME in live_titles(), "her event is not there: the check would prove nothing")
    out = year.run("erase", "person", KIM)
    expect("cannot be taken back" in out and "Nothing was changed" in out, out)
    expect(KIM in year.run("export", "person", KIM).lower(), "the export does not hold her address")
    year.said.pop()  # the export is hers, and holds what is hers
    out = year.run("erase", "person", KIM, "--yes")
    year.kim = re.search(r"per_[0-9a-f]{32}", out).group()
    year.mails.wait_for(lambda mail: KIM in mail["To"] and "ancel" in mail["Subject"])
    until(lambda: "people are told" not in year.run("erase", "person", year.kim), "the end of telling")
    expect(year.kim in (BACKUPS / "erasures.jsonl").read_text(), "she is not on the list")
    state, kim = year.api("GET", f"/interviews/{interview}")[1], KIM_NAME.split()[1].lower()
    expect(state["state"] == "cancelled" and state["candidate"]["name"] == "(erased)", state)
    until(lambda: KIM_NAME not in live_titles(), "the end of her event")
    expect("Sam Ray" in live_titles(), "the other candidate's event is gone too")
    year.stop()
    for path in [*DATABASE.parent.iterdir(), WITNESS]:
        text = path.read_bytes().lower()
        expect(KIM.encode() not in text and kim.encode() not in text, f"{path.name} still names her")
    year.run("audit", "verify", "--against", str(WITNESS), GREENROOM_KEY_FILE=str(SAFE))


def live_titles():
    """Titles of what stands in Ana's calendars."""
    found = []

    def look(value):
        if isinstance(value, dict):
            if "title" in value and not value.get("deleted"):
                found.append(str(value["title"]))
            value = list(value.values())
        for item in value if isinstance(value, list) else []:
            look(item)

    look(json.loads(http("GET", f"{ZOHO}/_sim/calendars/{ANA}")[2]))
    return " ".join(found)


@check
def the_backup_of_before_is_restored_held_and_nothing_leaves_until_it_is_released(year):
    place = {"database": SCRATCH / "restored/greenroom.db", "GREENROOM_KEY_FILE": str(SAFE)}
    refused = year.run("restore", str(year.backup), database=place["database"], code=1)
    expect("does not hold" in refused, f"without its key: {refused}")
    http("DELETE", f"{ZOHO}/_sim/journal")
    sent = len(year.mails.deliveries)
    out = year.run("restore", str(year.backup), "--erasures", str(BACKUPS / "erasures.jsonl"), **place)
    expect("HELD" in out and "Erased again" in out, out)
    held = subprocess.run([BINARY, "erase", "person", KIM], env={**os.environ, **environment(**place)}, capture_output=True, text=True)
    expect(held.returncode == 1 and "there is no person" in held.stdout + held.stderr, held.stdout + held.stderr)
    year.serve(**place)
    status, problem = year.api("POST", f"/vacancies/{year.vacancy}/pause", {})
    expect((status, problem["code"]) == (503, "held"), f"{status} {problem}")
    expect(year.api("GET", f"/vacancies/{year.vacancy}")[0] == 200, "reading does not go on")
    until(lambda: "NOT FINISHED" not in year.run("held", **place), "the comparison")
    writes = [call for call in calls() if call["method"] != "GET" and "/token" not in call["path"]]
    expect(not writes, f"a held installation has written: {writes}")
    expect(len(year.mails.deliveries) == sent, f"it has mailed: {year.mails.deliveries[sent:]}")
    expect(year.kim in year.run("erase", "person", year.kim, **place), "she came back")
    year.run("release", **place)
    until(lambda: year.api("POST", f"/vacancies/{year.vacancy}/pause", {})[0] == 200, "changes after the release")
    expect(not [to for _, to, _, _ in year.mails.deliveries[sent:] if KIM in to], "she was written to again")


@check
def the_doctor_names_what_is_broken(year):
    year.stop()
    other = SCRATCH / "keys/other.key"
    other.write_text(os.urandom(32).hex() + "\n")
    other.chmod(0o600)
    says = broken(doctor(year, code=1, GREENROOM_KEY_FILE=str(other)))
    expect("database and key" in says and key_ids()[0] in says["database and key"], says)
    says = broken(doctor(year, code=1, ZOHO_REDIRECT_URI=f"{GREENROOM}/nowhere"))
    expect(any("/api/oauth/callback" in text for text in says.values()), says)
    says = broken(doctor(year, code=1, EMAIL_PORT=str(SMTP_PORT + 1)))
    expect("mail" in says, says)


@check
def nothing_that_was_printed_holds_a_secret(year):
    year.stop()
    secrets = {CLIENT["secret"], year.key, year.metrics}
    for path in [KEYS, SAFE]:
        secrets |= {line.split(":", 1)[1] for line in path.read_text().splitlines() if ":" in line}
    tokens = json.loads(http("GET", f"{ZOHO}/_sim/tokens")[2])["tokens"]
    secrets |= {value for token in tokens for name, value in token.items() if name in ("token", "value") and isinstance(value, str)}
    expect(len(year.said) > 30, "too little was looked at")
    for where, text in year.said:
        for secret in secrets:
            expect(secret not in text, f"{where} prints a secret")
        expect(not re.search(r"1000\.[0-9a-f]{32}\.[0-9a-f]{32}", text), f"{where} prints a token")
    for where, text in year.said:
        if where.startswith("serve"):
            expect(KIM not in text and ANA not in text, f"{where} prints an address")


with Program("simulate", "zoho", "--port", str(PORT), ports=[PORT, PORT + 1]), MailServer(SMTP_PORT) as mails:
    simulator("clients", CLIENT)
    for folder in [DATABASE.parent, SCRATCH / "keys", SCRATCH / "restored", BACKUPS, WITNESS.parent]:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    year = Year(mails)
    try:
        failed = run_checks(year)
    finally:
        year.stop()
sys.exit(failed)
