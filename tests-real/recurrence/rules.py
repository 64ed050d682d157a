"""Random recurrence rules with a stated seed, in zones with odd clock changes, and what our own engine makes of them.

Shared by the suites that ask somebody else: python-dateutil here, libical in the folder beside.
"""

import datetime
import json
import os
import pathlib
import random
import subprocess
import zoneinfo

from support import TOP, expect

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

    def ended(self, walls):
        """Of the rule's wall clock what its start and its end leave."""
        walls = sorted({self.start, *(wall for wall in walls if wall >= self.start)})
        if self.count:
            walls = walls[: self.count]
        if self.until:
            walls = [wall for wall in walls if self.instant(wall) <= seconds(self.until) or wall == self.start]
        return walls

    def expected(self, walls):
        """What a wall clock comes to: start, end, zone and window."""
        begin, end = map(self.instant, self.window)
        return [at for at in sorted({self.instant(wall) for wall in self.ended(walls)}) if begin <= at < end]

    def instant(self, wall):
        return instant(self.zone, wall)


def some(chance, values, most):
    return sorted(chance.sample(values, chance.randint(1, min(most, len(values)))), key=str)


def instant(zone, wall):
    """Section 3.3.5, and what `fold=0` means in Python: a skipped time moves on, of a repeated one the first is meant."""
    return int(wall.replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp())


def wall_clock(zone, second):
    return datetime.datetime.fromtimestamp(second, zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)


def seconds(wall):
    return int((wall - EPOCH).total_seconds())


def cases(count):
    chance = random.Random(SEED)
    return [Case(chance, number) for number in range(count)]


def differing(ours, theirs):
    only_ours, only_theirs = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
    return {"only ours": only_ours[:3], "only theirs": only_theirs[:3], "of": [len(ours), len(theirs)]}
