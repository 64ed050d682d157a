"""Recurring times as Greenroom works them out, against python-dateutil, which nobody here wrote.

Random rules with a stated seed, in zones with odd clock changes. dateutil is asked for the wall clock of each rule; what a zone makes of it,
RFC 5545 section 3.3.5 says (a time that is skipped moves on by the gap, of a repeated one the first is meant), and Python's zoneinfo does.
Three classes of rules that dateutil reads otherwise than the RFC are put right in `dateutil`, each where it says why.

Ends are applied here: dateutil does not count a DTSTART that its rule does not have, and section 3.3.10 does.
"""

import datetime
import itertools
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from dateutil import rrule
from events import events
from rules import CASES, SEED, WEEKDAYS, ask, cases, differing, wall_clock
from support import check, expect, run_checks


def dateutil(case):
    """The wall clock by dateutil, up to the horizon; classes of rules that it reads otherwise are put right by the RFC first."""
    # It looks for the next occurrence up to this year, which takes long where there is none.
    datetime.MAXYEAR = case.horizon.year + 1
    rule, weeks = case.rule(ends=False, without="BYWEEKNO"), case.parts.get("BYWEEKNO")
    if weeks and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & set(case.parts):
        # dateutil takes all seven days. Section 3.3.10: what the rule leaves open is as DTSTART has it.
        rule += f";BYDAY={WEEKDAYS[case.start.weekday()]}"
    start = case.start
    if case.frequency == "WEEKLY" and "BYSETPOS" in case.parts:
        # dateutil counts from DTSTART on in the first week. Section 3.3.10: the set is that of the whole interval.
        start -= datetime.timedelta(days=(start.weekday() - WEEKDAYS.index(case.parts.get("WKST", "MO"))) % 7)
        if "BYDAY" not in case.parts:
            rule += f";BYDAY={WEEKDAYS[case.start.weekday()]}"
    try:
        walked = rrule.rrulestr(rule, dtstart=start, cache=False)
    except ValueError as error:
        # It refuses sub-daily rules that never come round.
        expect("Invalid" in str(error) or "never" in str(error), f"{rule}: {error}")
        return []
    walked = walked.replace(until=case.horizon)
    # dateutil miscounts the weeks of the year before in the first days of January (2011-01-01 is in week 52 of 2010, not 53).
    return [wall for wall in itertools.islice(walked, 20_000) if not weeks or in_weeks(case, wall, weeks)]


def in_weeks(case, wall, weeks):
    """Whether a day lies in one of these weeks: a week belongs to the year that has its fourth day."""
    first_day = WEEKDAYS.index(case.parts.get("WKST", "MO"))

    def week(day):
        fourth = day - datetime.timedelta(days=(day.weekday() - first_day) % 7 - 3)
        return fourth.year, (fourth.timetuple().tm_yday - 1) // 7 + 1

    year, number = week(wall.date())
    return number in weeks or number - 1 - week(datetime.date(year, 12, 28))[1] in weeks


@check
def python_dateutil_agrees():
    every = cases(CASES)
    wrong, compared, empty = [], 0, 0
    for case, answer in zip(every, ask([case.question() for case in every]), strict=True):
        expected = case.expected(dateutil(case))
        compared += len(expected)
        empty += not expected
        if answer != expected:
            wrong.append((case.question(), answer if isinstance(answer, dict) else differing(answer, expected)))
    print(f"        {CASES} rules (seed {SEED}), {compared} occurrences compared, {empty} windows without any")
    expect(not wrong, f"{len(wrong)} differ; the first: {json.dumps(wrong[:5], indent=1)}")
    expect(compared > CASES and empty < CASES * 0.5, "too little was compared")


@check
def python_dateutil_agrees_on_dates_added_and_taken_away():
    """RDATE and EXDATE by its `rruleset`; what is moved is one date taken away and one added, which it does not know otherwise."""
    chance = random.Random(SEED)
    chosen = [case for case in cases(CASES // 4) if case.frequency not in ("HOURLY", "MINUTELY", "SECONDLY")]
    every = events([(case, tuple(case.instant(wall) for wall in case.window)) for case in chosen], chance)
    wrong, compared = [], 0
    for event, ours in zip(every, ask([event.question() for event in every]), strict=True):
        case, walls = event.case, rrule.rruleset()
        for wall in case.ended(dateutil(case)):
            walls.rdate(wall)
        for at in event.added:
            walls.rdate(wall_clock(case.zone, at))
        for at in [*event.removed, *(of for of, _ in event.moved)]:
            walls.exdate(wall_clock(case.zone, at))
        begin, end = event.window
        found = {case.instant(wall) for wall in walls} | {to for _, to in event.moved}
        expected = sorted(at for at in found if begin <= at < end)
        compared += len(expected)
        if sorted(set(ours)) != expected:
            wrong.append((event.question(), differing(ours, expected)))
    print(f"        {len(every)} events (seed {SEED}), {compared} occurrences compared")
    expect(not wrong, f"{len(wrong)} differ; the first: {json.dumps(wrong[:3], indent=1)}")
    expect(len(every) > CASES * 0.1, "too little was compared")


if __name__ == "__main__":
    sys.exit(run_checks())
