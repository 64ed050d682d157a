"""Recurring times as Greenroom works them out, against libical, the C library that most calendars on Linux use.

The same random rules as python-dateutil gets (`recurrence/rules.py`), looked at twice: from the start on, and far behind it. Where libical
answers otherwise the rule must belong to a class of `classes.py`, which says why and who is right by RFC 5545; anything else fails.
"""

import datetime
import json
import os
import pathlib
import random
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "recurrence"), str(HERE)]

import examples
from classes import BELOW_A_DAY, CLASSES, EXAMPLES_THAT_DIFFER, in_order


from events import events
from rules import REACH, SEED, ask, cases, differing, instant, seconds, wall_clock
from support import SCRATCH, check, expect, run_checks

DAY = datetime.timedelta(days=1)
# Fewer than python-dateutil gets: two windows of each, and libical is started again behind each rule that it gives up.
CASES = int(os.environ.get("RECURRENCE_CASES", "3000"))
FORMAT = "%Y%m%dT%H%M%S"
MALFORMED = "error MALFORMEDDATA: An input string was not correctly formed or a component has missing or extra properties"


def libical(questions):
    """libical's side: `expand.c`, started again behind each question that it gives up."""
    program = SCRATCH / "expand"
    SCRATCH.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, HERE / "expand.c", "-lical"], check=True)
    answers = []
    while len(answers) < len(questions):
        few = questions[len(answers) : len(answers) + 500]
        lines = "".join("\t".join(map(str, question)) + "\n" for question in few)
        ran = subprocess.run([program], input=lines, stdout=subprocess.PIPE, text=True)
        complete = ran.stdout.split("\n")[:-1]
        ended = {0: [], 3: ["error gave up"], -signal.SIGSEGV: ["error crashed"]}
        expect(ran.returncode in ended and (ran.returncode or len(complete) == len(few)), f"{ran.returncode} at {few[len(complete) :][:1]}")
        answers += complete + ended[ran.returncode]
    return answers


class Look:
    """A rule and a window, for both sides."""

    def __init__(self, case, begin, end):
        self.case, self.begin, self.end = case, begin.replace(microsecond=0), end.replace(microsecond=0)
        self.window = [instant(case.zone, wall) for wall in (self.begin, self.end)]

    def ours(self):
        return self.case.question() | {"from": self.window[0], "to": self.window[1]}

    def theirs(self):
        """On a wall clock without a zone: an UNTIL is said on that clock too."""
        case = self.case
        rule = in_order(case)
        if case.count:
            rule += f";COUNT={case.count}"
        if case.until:
            rule += f";UNTIL={wall_clock(case.zone, seconds(case.until)).strftime(FORMAT)}"
        # Its leap to a window forgets where an INTERVAL below the day stands: there it walks. What a COUNT leaves is seen from the start on.
        leap = int(case.frequency not in BELOW_A_DAY)
        # What a gap moves may come from before the window.
        margin = datetime.timedelta(minutes=65) if case.frequency in BELOW_A_DAY and case.zone != "Pacific/Apia" else 2 * DAY
        begin = min(self.begin, case.start) if case.count else self.begin
        return ["walk", "UTC", case.start.strftime(FORMAT), rule, (begin - margin).strftime(FORMAT), (self.end + margin).strftime(FORMAT), leap]

    def expected(self, answer):
        """What libical's wall clock comes to. It does not count a DTSTART that its rule does not have; section 3.3.10 does."""
        case = self.case
        walls = [datetime.datetime.strptime(text, FORMAT) for text in answer.split()]
        walls = sorted({*walls, case.start})
        if case.count:
            walls = walls[: case.count]
        first = instant(case.zone, case.start)
        found = {instant(case.zone, wall) for wall in walls}
        ended = seconds(case.until) if case.until else max(found)
        return sorted(at for at in found if self.window[0] <= at < self.window[1] and (at <= ended or at == first))


def looks(case, chance):
    reach = datetime.timedelta(days=REACH[case.frequency])
    far = case.start + reach * chance.uniform(0.7, 3)
    return [Look(case, case.start - DAY, case.start + reach * 0.25), Look(case, far, far + reach * 0.15)]


def class_of(case):
    return next((one for one in CLASSES if one.covers(case)), None)


def no_answer(look, ours, answer):
    """libical looks for a first occurrence up to the year 20582 and calls the rule malformed, or goes on for ever, where there is none."""
    return answer in ("error gave up", MALFORMED) and isinstance(ours, list) and set(ours) <= {instant(look.case.zone, look.case.start)}


def compare(every, theirs, wrong):
    """Adds to `wrong` what no class explains; returns how many windows agree, their occurrences, and how many differ by class."""
    agreed, compared, excused = 0, 0, {}
    for look, ours, answer in zip(every, ask([look.ours() for look in every]), theirs, strict=True):
        expected = None if "error" in answer else look.expected(answer)
        if ours == expected:
            agreed, compared = agreed + 1, compared + len(expected)
            continue
        found = class_of(look.case)
        if found:
            name = found.name
        elif answer == "error gave up" and look.case.frequency in BELOW_A_DAY:
            name = "(below a day, given up after 30 ms)"
        elif no_answer(look, ours, answer):
            name = "(no occurrence but the start: no answer)"
        else:
            wrong.append((look.ours(), answer if expected is None or isinstance(ours, dict) else differing(ours, expected), look.theirs()))
            continue
        excused[name] = excused.get(name, 0) + 1
    return agreed, compared, excused


@check
def libical_agrees_on_the_wall_clock():
    chance = random.Random(SEED)
    every = [look for case in cases(CASES) for look in looks(case, chance)]
    wrong = []
    agreed, compared, excused = compare(every, libical([look.theirs() for look in every]), wrong)
    print(f"        {CASES} rules (seed {SEED}), {len(every)} windows: {agreed} agree, {compared} occurrences compared")
    for name, number in sorted(excused.items(), key=lambda pair: -pair[1]):
        print(f"        {number:6} differ: {name}")
    expect(not wrong, f"{len(wrong)} differ without a class; the first: {json.dumps(wrong[:5], indent=1)}")
    expect(agreed > len(every) * 0.8 and compared > CASES, "too little was compared")


def plain_cases(count):
    """Rules from days on that no class covers, and no COUNT whose first may be a DTSTART that libical does not count."""

    def plain(case):
        by = any(name.startswith("BY") for name in case.parts)
        return case.frequency not in BELOW_A_DAY and not class_of(case) and not (case.count and by)

    return [case for case in cases(count) if plain(case)]


def in_utc(case):
    """The rule with its end as the event says it."""
    end = f";COUNT={case.count}" if case.count else f";UNTIL={case.until.strftime(FORMAT)}Z" if case.until else ""
    return in_order(case) + end


@check
def libical_agrees_on_events():
    """RDATE, EXDATE and RECURRENCE-ID, with libical's own reading of zones and of an UNTIL in UTC."""
    chance = random.Random(SEED)
    chosen = [(case, looks(case, chance)[0].window) for case in plain_cases(CASES)]
    every = events(chosen, chance)
    theirs = libical([["event", event.window[0] - 172_800, event.window[1] + 172_800, event.text(in_utc(event.case))] for event in every])
    wrong, agreed, compared, excused = [], 0, 0, 0
    for event, ours, answer in zip(every, ask([event.question() for event in every]), theirs, strict=True):
        begin, end = event.window
        # Section 3.8.2.4: DTSTART is the first instance. libical leaves it out where the rule has it not.
        first = {instant(event.case.zone, event.case.start)} - set(event.removed) - {of for of, _ in event.moved}
        expected = sorted({at for at in {*map(int, answer.split()), *first} if begin <= at < end}) if "error" not in answer else []
        if sorted(set(ours)) == expected:
            agreed, compared = agreed + 1, compared + len(expected)
        elif expected and by_the_clock(event, set(ours), set(expected)):
            excused += 1
        else:
            wrong.append((event.question(), differing(ours, expected) if expected else answer, event.text(in_utc(event.case))))
    print(f"        {len(every)} events (seed {SEED}): {agreed} agree, {compared} occurrences compared; {excused} differ where clocks change")
    expect(not wrong, f"{len(wrong)} differ; the first: {json.dumps(wrong[:3], indent=1)}")
    expect(agreed > len(every) * 0.9 and len(every) > CASES * 0.3, "too little was compared")


def by_the_clock(event, ours, theirs):
    """Section 3.3.5: a skipped time moves on by the gap, of a repeated one the first is meant, each for itself.

    libical takes the second, and goes on from where a gap has moved it, also to occurrences after it or in the same month. So all
    that differ must do so by the clock's change alone, near one. Samoa's lost day moves its weeks for good.
    """
    zone, jumps = event.case.zone, (1_800, 3_600)
    if zone == "Pacific/Apia" and event.window[0] < seconds(datetime.datetime(2012, 1, 1)) < event.window[1]:
        return True

    # One period of the rule back, of which the day need not be an occurrence.
    reach = (366 if event.case.frequency == "YEARLY" else 45) * event.case.parts.get("INTERVAL", 1)

    def near(at, others):
        days = [at + day * 86_400 for day in range(-reach, 41)]
        changing = len({wall_clock(zone, day) - wall_clock("UTC", day) for day in days}) > 1
        return changing and any(at + sign * jump in others for jump in jumps for sign in (1, -1))

    known = ours | set(event.removed) | {of for of, _ in event.moved}
    return all(near(at, theirs) for at in ours - theirs) and all(near(at, known) for at in theirs - ours)


def moment(text, start):
    return datetime.datetime.strptime(text if "T" in text else text + start[8:], FORMAT)


@check
def libical_agrees_on_the_examples():
    """Those of RFC 5545 and rules at the calendar's edges, with libical's own reading of New York's clock."""
    every = list(examples.windows())
    at = lambda wall: instant(examples.ZONE, wall)
    questions = [
        {"rule": rule, "start": start.isoformat(), "zone": examples.ZONE, "from": at(begin), "to": at(end)} for start, rule, begin, end in every
    ]
    walks = []
    for start, rule, begin, end in every:
        leap = int(not any(name in rule for name in BELOW_A_DAY))
        walks.append(["walk", examples.ZONE, start.strftime(FORMAT), rule, begin.strftime(FORMAT), end.strftime(FORMAT), leap])
    wrong, compared = {}, 0
    for question, (start, rule, begin, _), ours, answer in zip(questions, every, ask(questions), libical(walks), strict=True):
        found = set() if "error" in answer else {int(text.split("=")[1]) for text in answer.split()}
        expected = sorted(found | {at(start)} if begin == start else found)
        compared += len(expected)
        if ours != expected:
            wrong[rule] = (question, answer[:60], ours if isinstance(ours, dict) else differing(ours, expected))
    print(f"        {len(every)} windows, {compared} occurrences compared")
    rest = {rule: found for rule, found in wrong.items() if rule not in EXAMPLES_THAT_DIFFER}
    expect(not rest, json.dumps(rest, indent=1))
    expect(set(wrong) == set(EXAMPLES_THAT_DIFFER), f"libical agrees now on one of {set(EXAMPLES_THAT_DIFFER)}")


@check
def each_class_still_stands():
    """Its rule: Greenroom's answer is the RFC's, libical's is not. A class that libical has mended goes."""
    for one in CLASSES:
        dates = sorted({moment(date, one.start) for date in one.dates})
        start, end = moment(one.start, one.start), dates[-1] + datetime.timedelta(seconds=1)
        window = {"from": seconds(start), "to": seconds(end)}
        [ours] = ask([{"rule": one.rule, "start": start.isoformat(), "zone": "UTC"} | window])
        expect(ours == [seconds(date) for date in dates], f"{one.name}: ours is {ours}, not {dates}")
        [theirs] = libical([["walk", "UTC", one.start, one.rule, one.start, end.strftime(FORMAT), 0]])
        walls = [] if "error" in theirs else [datetime.datetime.strptime(text, FORMAT) for text in theirs.split()]
        expect(sorted({start, *walls}) != dates, f"{one.name}: libical agrees now; {one.section}")


if __name__ == "__main__":
    sys.exit(run_checks())
