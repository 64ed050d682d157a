"""Recurring times as Greenroom works them out, against python-dateutil, which nobody here wrote.

Random rules with a stated seed, in zones with odd clock changes. dateutil is asked for the wall clock of each rule; what a zone makes of it,
RFC 5545 section 3.3.5 says (a time that is skipped moves on by the gap, of a repeated one the first is meant), and Python's zoneinfo does.
Three classes of rules that dateutil reads otherwise than the RFC are put right in `Case.dateutil`, each where it says why.

Ends are applied here: dateutil does not count a DTSTART that its rule does not have, and section 3.3.10 does.
"""

import datetime
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from dateutil import rrule
from support import TOP, check, expect, run_checks

SEED = int(os.environ.get("RECURRENCE_SEED", "5545"))
CASES = int(os.environ.get("RECURRENCE_CASES", "20000"))
ZONES = [
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca",
    "Pacific/Auckland", "Pacific/Apia", "Asia/Kolkata", "UTC",
]
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
EPOCH = datetime.datetime(1970, 1, 1)
# How far each frequency is looked at, in days.
REACH = {"YEARLY": 8_000, "MONTHLY": 2_500, "WEEKLY": 900, "DAILY": 400, "HOURLY": 25, "MINUTELY": 2, "SECONDLY": 0.05}


def engine():
    """Our own side: an example program of the crate."""
    command = ["cargo", "build", "--quiet", "--release", "--package", "scheduling", "--example", "expand"]
    subprocess.run(command, cwd=TOP, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target"))
    return target / "release/examples/expand"


def ask(questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    ran = subprocess.run([engine()], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    expect(len(answers) == len(questions), "an answer is missing")
    return answers


class Case:
    """One rule, its start and zone, and the window that is asked for."""

    def __init__(self, chance, number):
        self.frequency = list(REACH)[number % len(REACH)] if number % 5 == 0 else chance.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"])
        self.zone = chance.choice(ZONES)
        start = datetime.datetime(chance.randint(1997, 2030), chance.randint(1, 12), chance.randint(1, 28), chance.choice([0, 1, 2, 3, 9, 23]))
        self.start = start + datetime.timedelta(minutes=chance.choice([0, 15, 30]), days=chance.choice([0, 0, 1, 2, 3]))
        self.parts = {"FREQ": self.frequency}
        if chance.random() < 0.5:
            self.parts["INTERVAL"] = chance.randint(2, 5)
        self.parts |= self.choices(chance)
        by = any(name.startswith("BY") for name in self.parts)
        if by and self.frequency != "SECONDLY" and "BYWEEKNO" not in self.parts and chance.random() < 0.15:
            # Below a day a set has one member mostly; one that has no third never comes round, which we refuse to look for.
            few = self.frequency in ("HOURLY", "MINUTELY")
            self.parts["BYSETPOS"] = some(chance, [1, -1] if few else [1, 2, 3, -1, -2], 2)
        if chance.random() < 0.2:
            self.parts["WKST"] = chance.choice(WEEKDAYS)
        reach = datetime.timedelta(days=REACH[self.frequency])
        self.horizon = self.start + reach
        self.count = chance.randint(1, 60) if chance.random() < 0.25 else None
        self.until = self.start + reach * chance.random() if self.count is None and chance.random() < 0.3 else None
        begin = self.start + (reach * chance.random() * 0.7 if chance.random() < 0.7 else -datetime.timedelta(days=1))
        self.window = (begin.replace(microsecond=0), min(self.horizon, begin + reach * 0.3).replace(microsecond=0))
        if self.until:
            self.until = self.until.replace(microsecond=0)

    def choices(self, chance):
        parts = {}

        def perhaps(name, share, values, most):
            if chance.random() < share:
                parts[name] = some(chance, values, most)
                if frequency in ("HOURLY", "MINUTELY", "SECONDLY") and name in now:
                    # dateutil looks through the years second by second for a rule that hardly ever comes round.
                    parts[name] = sorted({*parts[name], now[name]}, key=str)

        frequency, start = self.frequency, self.start
        now = {"BYMONTH": start.month, "BYMONTHDAY": start.day, "BYYEARDAY": start.timetuple().tm_yday, "BYDAY": WEEKDAYS[start.weekday()]}
        now |= {"BYHOUR": start.hour, "BYMINUTE": start.minute, "BYSECOND": 0}
        ordinals = [f"{number}{day}" for number in (1, 2, 3, 4, 5, -1, -2) for day in WEEKDAYS]
        perhaps("BYMONTH", 0.3, list(range(1, 13)), 4)
        if frequency == "YEARLY":
            perhaps("BYWEEKNO", 0.15, [1, 2, 10, 20, 52, 53, -1, -2], 3)
            # dateutil fails where a month is asked for its 20th Monday.
            far = [] if "BYMONTH" in parts else ["20MO", "-20TU"]
            perhaps("BYDAY", 0.4, WEEKDAYS if "BYWEEKNO" in parts or chance.random() < 0.4 else ordinals + far, 3)
        elif frequency == "MONTHLY":
            perhaps("BYDAY", 0.5, ordinals if chance.random() < 0.5 else WEEKDAYS, 3)
        else:
            perhaps("BYDAY", 0.4, WEEKDAYS, 4)
        if frequency != "WEEKLY":
            perhaps("BYMONTHDAY", 0.25, [1, 2, 13, 15, 28, 29, 30, 31, -1, -2, -31], 4)
        if frequency not in ("DAILY", "WEEKLY", "MONTHLY"):
            perhaps("BYYEARDAY", 0.1, [1, 60, 100, 200, 365, 366, -1, -366, -100], 4)
        perhaps("BYHOUR", 0.2, [0, 1, 2, 3, 9, 17, 23], 3)
        perhaps("BYMINUTE", 0.15, [0, 10, 30, 45], 3)
        perhaps("BYSECOND", 0.05, [0, 20, 59], 2)
        return parts

    def rule(self, *, ends=True, without=None):
        parts = {name: value for name, value in self.parts.items() if name != without}
        if ends and self.count:
            parts["COUNT"] = self.count
        if ends and self.until:
            parts["UNTIL"] = self.until.strftime("%Y%m%dT%H%M%SZ")
        return ";".join(f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in parts.items())

    def question(self):
        return {
            "rule": self.rule(),
            "start": self.start.isoformat(),
            "zone": self.zone,
            "from": self.instant(self.window[0]),
            "to": self.instant(self.window[1]),
        }

    def dateutil(self):
        """The wall clock by dateutil, up to the horizon; classes of rules that it reads otherwise are put right by the RFC first."""
        # It looks for the next occurrence up to this year, which takes long where there is none.
        datetime.MAXYEAR = self.horizon.year + 1
        rule, weeks = self.rule(ends=False, without="BYWEEKNO"), self.parts.get("BYWEEKNO")
        if weeks and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & set(self.parts):
            # dateutil takes all seven days. Section 3.3.10: what the rule leaves open is as DTSTART has it.
            rule += f";BYDAY={WEEKDAYS[self.start.weekday()]}"
        start = self.start
        if self.frequency == "WEEKLY" and "BYSETPOS" in self.parts:
            # dateutil counts from DTSTART on in the first week. Section 3.3.10: the set is that of the whole interval.
            start -= datetime.timedelta(days=(start.weekday() - WEEKDAYS.index(self.parts.get("WKST", "MO"))) % 7)
            if "BYDAY" not in self.parts:
                rule += f";BYDAY={WEEKDAYS[self.start.weekday()]}"
        try:
            walked = rrule.rrulestr(rule, dtstart=start, cache=False)
        except ValueError as error:
            # It refuses sub-daily rules that never come round.
            expect("Invalid" in str(error) or "never" in str(error), f"{rule}: {error}")
            return []
        walked = walked.replace(until=self.horizon)
        # dateutil miscounts the weeks of the year before in the first days of January (2011-01-01 is in week 52 of 2010, not 53).
        return [wall for wall in itertools.islice(walked, 20_000) if not weeks or self.in_weeks(wall, weeks)]

    def in_weeks(self, wall, weeks):
        """Whether a day lies in one of these weeks: a week belongs to the year that has its fourth day."""
        first_day = WEEKDAYS.index(self.parts.get("WKST", "MO"))

        def week(day):
            fourth = day - datetime.timedelta(days=(day.weekday() - first_day) % 7 - 3)
            return fourth.year, (fourth.timetuple().tm_yday - 1) // 7 + 1

        year, number = week(wall.date())
        return number in weeks or number - 1 - week(datetime.date(year, 12, 28))[1] in weeks

    def expected(self, walls):
        """What dateutil's wall clock comes to: start, end, zone and window."""
        walls = sorted({self.start, *(wall for wall in walls if wall >= self.start)})
        if self.count:
            walls = walls[: self.count]
        first = self.instant(self.start)
        instants = sorted({self.instant(wall) for wall in walls})
        if self.until:
            instants = [instant for instant in instants if instant <= seconds(self.until) or instant == first]
        begin, end = map(self.instant, self.window)
        return [instant for instant in instants if begin <= instant < end]

    def instant(self, wall):
        return int(wall.replace(tzinfo=zoneinfo.ZoneInfo(self.zone)).timestamp())


def some(chance, values, most):
    return sorted(chance.sample(values, chance.randint(1, min(most, len(values)))), key=str)


def seconds(wall):
    return int((wall - EPOCH).total_seconds())


def cases(count):
    chance = random.Random(SEED)
    return [Case(chance, number) for number in range(count)]


@check
def python_dateutil_agrees():
    every = cases(CASES)
    wrong, compared, empty = [], 0, 0
    for case, answer in zip(every, ask([case.question() for case in every]), strict=True):
        expected = case.expected(case.dateutil())
        compared += len(expected)
        empty += not expected
        if answer != expected:
            wrong.append((case.question(), answer if isinstance(answer, dict) else differing(answer, expected)))
    print(f"        {CASES} rules (seed {SEED}), {compared} occurrences compared, {empty} windows without any")
    expect(not wrong, f"{len(wrong)} differ; the first: {json.dumps(wrong[:5], indent=1)}")
    expect(compared > CASES and empty < CASES * 0.5, "too little was compared")


def differing(ours, theirs):
    only_ours, only_theirs = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
    return {"only ours": only_ours[:3], "only theirs": only_theirs[:3], "of": [len(ours), len(theirs)]}


if __name__ == "__main__":
    sys.exit(run_checks())
