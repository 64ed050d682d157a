//! Every time that can be offered, in order. The search jumps from one possible start to the next and over whatever is in the way.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Agenda, Busy, Explanation, Reason, Request, Rules, TimeRange,
    check::judge,
    instants::{ceil_second, plus_minutes, plus_seconds},
    rulebook::Rulebook,
};

/// What is asked: somebody's time, and what is wanted of it.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// When they can be booked.
    pub rules: &'a Rules,
    /// What their calendar says; events of ours left out.
    pub busy: &'a Busy,
    /// What is booked already; a booking that is being moved left out.
    pub agenda: &'a Agenda,
    /// The present.
    pub now: Timestamp,
    /// How long, and with whom.
    pub request: &'a Request,
}

impl<'a> Query<'a> {
    /// Like [`check`](crate::check), with the guest's time judged too. The range may have another length than the request.
    pub fn check(&self, range: TimeRange) -> Result<(), Vec<Reason>> {
        judge(&self.rulebook(), range)
    }

    /// Everything against `range`, with who could change it; nothing if it can be booked. The same judgement as [`Query::check`] and
    /// [`slots`]: a time is offered, or it has reasons.
    pub fn explain(&self, range: TimeRange) -> Vec<Explanation> {
        self.check(range).err().into_iter().flatten().map(Explanation::from).collect()
    }

    /// The earliest slot that starts at or after `window`'s start and ends by its end. Calls `in_the_way` for each rule that the
    /// search ran into.
    pub(crate) fn earliest(&self, window: TimeRange, mut in_the_way: impl FnMut(Reason)) -> Option<TimeRange> {
        let rulebook = self.rulebook();
        let mut from = window.start();
        loop {
            let start = self.next_start(from, window.end())?;
            let slot = TimeRange::new(start, plus_minutes(start, i64::from(self.request.length.minutes()))).ok()?;
            if slot.end() > window.end() {
                return None;
            }
            let mut clear_from = Some(start);
            let mut passes = true;
            for block in rulebook.blocks(slot) {
                passes = false;
                // `None`, which is never, is the latest of all.
                clear_from = clear_from.zip(block.clear_from).map(|(one, other)| one.max(other));
                in_the_way(block.reason);
            }
            if passes {
                return Some(slot);
            }
            from = clear_from?.max(plus_seconds(start, 1));
        }
    }

    /// The first point of the step grid at or after `from`, and before `end`.
    fn next_start(&self, from: Timestamp, end: Timestamp) -> Option<Timestamp> {
        let (zone, step) = (&self.rules.zone, i64::from(self.rules.step_minutes) * 60);
        // An evening that comes twice belongs to the next date.
        let (mut date, last) = (zone.date(from), zone.date(end).saturating_add(SignedDuration::from_hours(24)));
        while date <= last {
            for working in self.rules.hours_on(date) {
                let steps = (ceil_second(from) - working.start().as_second() + step - 1).div_euclid(step).max(0);
                let start = plus_seconds(working.start(), steps * step);
                if start < working.end() {
                    return Some(start).filter(|start| *start < end);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    pub(crate) const fn rulebook(&self) -> Rulebook<'a> {
        Rulebook { rules: self.rules, busy: self.busy, agenda: self.agenda, now: self.now, guest: Some(&self.request.guest) }
    }
}

/// Every slot within `window` that [`Query::check`] accepts, in order. They lie on the step grid and may overlap each other: each is
/// an offer, not a booking.
pub const fn slots<'a>(query: &Query<'a>, window: TimeRange) -> Slots<'a> {
    Slots { query: *query, rest: Some(window) }
}

/// See [`slots`].
#[derive(Debug, Clone)]
pub struct Slots<'a> {
    query: Query<'a>,
    rest: Option<TimeRange>,
}

impl Iterator for Slots<'_> {
    type Item = TimeRange;

    fn next(&mut self) -> Option<TimeRange> {
        let window = self.rest.take()?;
        let slot = self.query.earliest(window, |_| ())?;
        self.rest = TimeRange::new(plus_seconds(slot.start(), 1), window.end()).ok();
        Some(slot)
    }
}

impl std::iter::FusedIterator for Slots<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BusySet, RulesDraft, SlotLength, Zone};

    fn range(start: &str, end: &str) -> TimeRange {
        TimeRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
    }

    fn offered(draft: RulesDraft, busy: &[TimeRange], booked: &[TimeRange], minutes: u32, window: TimeRange) -> Vec<String> {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let (rules, agenda) = (Rules::new(draft).unwrap(), booked.iter().copied().collect());
        let busy = Busy::Known { as_of: now, set: busy.iter().copied().collect::<BusySet>().within(window) };
        let request = Request::of(SlotLength::from_minutes(minutes).unwrap());
        let query = Query { rules: &rules, busy: &busy, agenda: &agenda, now, request: &request };
        slots(&query, window).map(|slot| rules.zone.wall_clock(slot.start()).strftime("%a %H:%M").to_string()).collect()
    }

    fn berlin(week: &str) -> RulesDraft {
        RulesDraft {
            week: week.parse().unwrap(),
            minimum_notice_minutes: 0,
            ..RulesDraft::usual(Zone::new("Europe/Berlin").unwrap())
        }
    }

    const MONDAY: (&str, &str) = ("2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z");

    #[test]
    fn the_grid_starts_anew_with_each_span() {
        let day = range(MONDAY.0, MONDAY.1);
        let draft = RulesDraft { step_minutes: 45, ..berlin("mon 09:00-11:00,11:20-12:30") };
        assert_eq!(offered(draft, &[], &[], 30, day), ["Mon 09:00", "Mon 09:45", "Mon 10:30", "Mon 11:20"]);
    }

    #[test]
    fn spans_that_touch_carry_a_slot_across() {
        let draft = RulesDraft { step_minutes: 60, ..berlin("mon 22:00-24:00; tue 00:00-01:00") };
        let night = range("2026-11-23T20:00:00Z", "2026-11-24T03:00:00Z");
        assert_eq!(offered(draft, &[], &[], 90, night), ["Mon 22:00", "Mon 23:00"]);
    }

    #[test]
    fn busy_time_bookings_and_buffers_are_kept_free() {
        let day = range(MONDAY.0, MONDAY.1);
        let meeting = range("2026-11-23T09:00:00Z", "2026-11-23T09:30:00Z"); // 10:00 to 10:30 there
        let draft = RulesDraft { buffer_before_minutes: 5, buffer_after_minutes: 15, ..berlin("mon 09:00-13:00") };
        let every = ["Mon 09:00", "Mon 11:00", "Mon 11:30", "Mon 12:00", "Mon 12:30"];
        assert_eq!(offered(draft.clone(), &[meeting], &[], 30, day), every);
        // After a booking of ours its own buffer counts as well: 15 minutes on either side.
        assert_eq!(
            offered(RulesDraft { step_minutes: 10, ..draft.clone() }, &[], &[meeting], 30, day)[..3],
            ["Mon 09:00", "Mon 09:10", "Mon 10:50"]
        );
        assert_eq!(
            offered(RulesDraft { step_minutes: 10, ..draft }, &[meeting], &[], 30, day)[..3],
            ["Mon 09:00", "Mon 09:10", "Mon 10:40"]
        );
    }

    #[test]
    fn nothing_is_offered_beyond_what_was_read() {
        let morning = range("2026-11-23T08:00:00Z", "2026-11-23T10:00:00Z"); // until 11:00 there
        assert_eq!(offered(berlin("mon 09:00-17:00"), &[], &[], 60, morning), ["Mon 09:00", "Mon 09:30", "Mon 10:00"]);
    }

    #[test]
    fn an_unreadable_calendar_offers_nothing() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let (rules, busy) = (Rules::usual(Zone::utc()), Busy::Unknown { why: "grant_dead".to_owned() });
        let request = Request::of(SlotLength::from_minutes(30).unwrap());
        let query = Query { rules: &rules, busy: &busy, agenda: &Agenda::empty(), now, request: &request };
        assert_eq!(slots(&query, range("2026-11-22T12:00:00Z", "2026-12-22T12:00:00Z")).next(), None);
        let reasons = query.check(range("2026-11-24T10:00:00Z", "2026-11-24T10:30:00Z")).unwrap_err();
        assert_eq!(reasons, [Reason::UnknownCalendar { why: "grant_dead".to_owned() }]);
    }
}
