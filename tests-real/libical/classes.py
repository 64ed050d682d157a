"""Where libical 3.0 reads a rule otherwise than RFC 5545, or not at all, and Greenroom does not follow.

Each class says what the RFC has, names the rules that it covers as narrowly as it can, and carries one rule with the answer by the RFC;
the suite sees to it that Greenroom gives that answer and that libical still does not. python-dateutil, which has the same rules, reads all
of them as Greenroom does or is put right there.
"""

from rules import WEEKDAYS

BELOW_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
TIMES = {"BYHOUR", "BYMINUTE", "BYSECOND"}
DAYS = {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"}


def in_order(case):
    """The rule without its end, lists in order: see the last class."""

    def text(name, values):
        if not isinstance(values, list):
            return str(values)
        key = (lambda day: (int(day[:-2] or 0), WEEKDAYS.index(day[-2:]))) if name == "BYDAY" else None
        return ",".join(map(str, sorted(values, key=key)))

    return ";".join(f"{name}={text(name, values)}" for name, values in case.parts.items())


class Class:
    def __init__(self, name, section, covers, start, rule, *dates):
        """`dates`: the first occurrences of the rule that the RFC has; a date alone is at the time of the start."""
        self.name, self.section, self.covers, self.start, self.rule, self.dates = name, section, covers, start, rule, dates


def day_parts(case):
    return DAYS & set(case.parts)


def negative(case, name):
    return any(number < 0 for number in case.parts.get(name, []))


def outside(case):
    """Is DTSTART none of the rule's own occurrences?"""
    start = case.start
    now = {"BYMONTH": start.month, "BYDAY": WEEKDAYS[start.weekday()], "BYHOUR": start.hour, "BYMINUTE": start.minute, "BYSECOND": 0}
    return any(value not in case.parts.get(name, [value]) for name, value in now.items())


CLASSES = [
    Class(
        "a year's BYMONTHDAY without BYMONTH: only DTSTART's month",
        # The table lets BYMONTHDAY expand a year. The sentence that a missing BYMONTH comes from DTSTART can be read against it.
        "3.3.10, table of BYxxx: YEARLY, BYMONTHDAY expands",
        lambda case: case.frequency == "YEARLY" and "BYMONTHDAY" in case.parts and "BYMONTH" not in case.parts,
        "20260115T090000", "FREQ=YEARLY;BYMONTHDAY=15", "20260115", "20260215", "20260315",
    ),
    Class(
        "BYWEEKNO without BYDAY: refused, the week's wrong day, or a crash",
        "3.3.10: what a rule leaves open is as DTSTART has it, so DTSTART's day of the week",
        lambda case: "BYWEEKNO" in case.parts and "BYDAY" not in case.parts,
        "20300514T233000", "FREQ=YEARLY;BYWEEKNO=10", "20300514", "20310304", "20320302",
    ),
    Class(
        "BYWEEKNO in the first and last weeks of a year: days lost, or of another week",
        "3.3.10, BYWEEKNO: a week belongs to the year that has four days of it; 1 is its first, -1 its last",
        lambda case: any(week < 2 or week > 51 for week in case.parts.get("BYWEEKNO", [])),
        "20111211T230000", "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=FR,SU", "20111211", "20111230", "20120101", "20121228", "20121230",
    ),
    Class(
        "BYWEEKNO with INTERVAL at a turn of the year",
        # The RFC is silent; we and dateutil take the calendar's years, libical the years of the weeks.
        "3.3.10: the year of an INTERVAL is a year of the calendar",
        lambda case: "BYWEEKNO" in case.parts and "INTERVAL" in case.parts,
        "20130101T090000", "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO,TU", "20130101", "20131230", "20131231",
    ),
    Class(
        "BYYEARDAY or BYWEEKNO with another part that chooses days: refused",
        "3.3.10, table of BYxxx: they are taken one after the other",
        lambda case: {"BYYEARDAY", "BYWEEKNO"} & set(case.parts) and (len(day_parts(case)) > 1 or "BYMONTH" in case.parts),
        "20141214T090000", "FREQ=YEARLY;BYMONTH=10,12;BYYEARDAY=1,200,365", "20141214", "20141231", "20151231", "20161230",
    ),
    Class(
        "BYSETPOS: read for days of months and years only, not for times of day nor below a month",
        "3.3.10, BYSETPOS: chooses within one interval of FREQ, whichever",
        lambda case: "BYSETPOS" in case.parts and (case.frequency not in ("MONTHLY", "YEARLY") or TIMES & set(case.parts)),
        "20260301T090000", "FREQ=DAILY;BYHOUR=9,12,15;BYSETPOS=-1", "20260301", "20260301T150000", "20260302T150000",
    ),
    Class(
        "BYSETPOS with a negative BYMONTHDAY or BYYEARDAY: counted out of order, or one day twice",
        "3.3.10, BYSETPOS: the nth of the set of occurrences, in which a day is once",
        lambda case: "BYSETPOS" in case.parts and (negative(case, "BYMONTHDAY") or negative(case, "BYYEARDAY")),
        "20220415T231500", "FREQ=MONTHLY;BYMONTHDAY=-1,15,30;BYSETPOS=-2", "20220415", "20220530", "20220615",
    ),
    Class(
        "a negative BYMONTHDAY of a day or below: ignored",
        "3.3.10, BYMONTHDAY: -10 is the tenth to the last day of the month; limits DAILY and below",
        lambda case: case.frequency in ("DAILY", *BELOW_A_DAY) and negative(case, "BYMONTHDAY"),
        "20080422T001500", "FREQ=DAILY;BYMONTHDAY=-2", "20080422", "20080429", "20080530", "20080629",
    ),
    Class(
        "INTERVAL below a day with BYxxx: the parts' own times, whatever the interval",
        "3.3.10, table of BYxxx: they limit HOURLY, MINUTELY and SECONDLY; INTERVAL counts from DTSTART",
        lambda case: case.frequency in BELOW_A_DAY
        and ("INTERVAL" in case.parts or {"BYHOUR", "BYSECOND"} <= set(case.parts))
        and any(name.startswith("BY") for name in case.parts),
        "20261228T093000", "FREQ=HOURLY;INTERVAL=3;BYHOUR=1,2,3,9", "20261228", "20261228T093000", "20261229T033000", "20261229T093000",
    ),
    Class(
        "INTERVAL of weeks where DTSTART is no occurrence of the rule: counted from another week",
        "3.3.10, INTERVAL and WKST: counted from DTSTART's own week",
        lambda case: case.frequency == "WEEKLY" and "INTERVAL" in case.parts and outside(case),
        "20270730T023000", "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU", "20270730", "20270801", "20270822", "20270912",
    ),
    Class(
        "lists that are not in order: walked as written, and ended by the first value behind UNTIL",
        "3.3.10: a list of values, of which no order is asked",
        # The suite puts every list in order before libical gets it, so that this covers nothing.
        lambda case: False,
        "20230721T033000", "FREQ=DAILY;BYHOUR=2,23,3;UNTIL=20230722T040000",
        "20230721", "20230721T233000", "20230722T023000", "20230722T033000",
    ),
]

# Where the zone's clock changes, libical differs from section 3.3.5 too: `by_the_clock` in the suite.

# Of the examples in `recurrence/examples.py`, none of which is the RFC's own.
EXAMPLES_THAT_DIFFER = {
    "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO": "BYWEEKNO in the last weeks: 2025-12-29 is in week 1 of 2026",
    "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO": "BYWEEKNO in the first weeks: 1997-12-30 is a Tuesday",
    # Section 3.3.10 speaks of the computed local start time. libical counts the hours that pass, so that summer is an hour off.
    "FREQ=HOURLY;INTERVAL=1000": "hours are the wall clock's, whatever it does meanwhile",
}
