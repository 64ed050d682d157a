"""Recurring events with dates added, taken away and moved (RDATE, EXDATE, RECURRENCE-ID), made of random rules."""

import datetime

from rules import ask, instant, wall_clock

FORMAT = "%Y%m%dT%H%M%S"
DAY = datetime.timedelta(days=1)


class Event:
    """A rule's occurrences in its window, as Greenroom has them, give what is taken away and moved."""

    def __init__(self, case, window, starts, chance):
        self.case, self.window = case, window
        zone = case.zone
        # Where clocks change, which occurrence a wall-clock time names is the wall clock's own question.
        plain = [at for at in starts if instant(zone, wall_clock(zone, at)) == at and calm(zone, at)]
        chosen = chance.sample(plain, min(len(plain), chance.randint(0, 8)))
        kept = [at for at in chosen if chance.random() < 0.6]
        begin = max(window[0], instant(zone, case.start))

        def somewhere():
            wall = wall_clock(zone, chance.randrange(begin, window[1])).replace(second=0, microsecond=0)
            at = instant(zone, wall)
            return at if calm(zone, at) else begin

        self.removed = sorted({at for at in chosen if at not in kept} | {somewhere() for _ in range(chance.randint(0, 2))})
        moves = {of: somewhere() for of in kept}
        self.moved = sorted((of, to) for of, to in moves.items() if of not in self.removed)
        self.added = sorted({somewhere() for _ in range(chance.randint(0, 4))} | set(chance.sample(plain, min(len(plain), 1))))

    def question(self):
        parts = {"from": self.window[0], "to": self.window[1], "rdates": self.added, "exdates": self.removed, "moved": self.moved}
        return self.case.question() | parts

    def text(self, rule):
        """The iCalendar object, `|` for its line ends: the event, and one component for each occurrence that is elsewhere."""
        local = f";TZID={self.case.zone}:"
        written = lambda at: wall_clock(self.case.zone, at).strftime(FORMAT)
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:suite", "BEGIN:VEVENT", "UID:one", "DTSTAMP:20260101T000000Z"]
        lines += [f"DTSTART{local}{self.case.start.strftime(FORMAT)}", f"RRULE:{rule}"]
        # In UTC, since libical finds the zone of an RDATE only where the object has a VTIMEZONE (section 3.8.5.2 allows both).
        lines += [f"RDATE:{wall_clock('UTC', at).strftime(FORMAT)}Z" for at in self.added]
        lines += [f"EXDATE{local}{written(at)}" for at in self.removed]
        lines += ["END:VEVENT"]
        for of, to in self.moved:
            lines += ["BEGIN:VEVENT", "UID:one", "DTSTAMP:20260101T000000Z", f"RECURRENCE-ID{local}{written(of)}"]
            lines += [f"DTSTART{local}{written(to)}", "END:VEVENT"]
        return "|".join([*lines, "END:VCALENDAR"])


def calm(zone, at):
    """Does the clock not change within a day of this instant?"""
    day = int(DAY.total_seconds())
    return wall_clock(zone, at + day) - wall_clock(zone, at - day) == 2 * DAY


def events(looks, chance):
    """For each `(case, window)`: an event, where there is more than the start in the window."""
    plain = ask([case.question() | {"from": begin, "to": end} for case, (begin, end) in looks])
    found = zip(looks, plain, strict=True)
    return [Event(case, window, starts, chance) for (case, window), starts in found if isinstance(starts, list) and len(starts) > 1]
