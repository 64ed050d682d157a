//! One time, judged: it can be booked, or here is everything against it.

use jiff::{SignedDuration, Timestamp};

use crate::{Agenda, Busy, Reason, Rules, SlotLength, TimeRange, rulebook::Rulebook};

/// Whether `range` can be booked with somebody who has these rules, this calendar and this agenda. Otherwise every reason why not, in
/// a stable order. With a guest, ask [`Query::check`](crate::Query::check).
pub fn check(rules: &Rules, busy: &Busy, agenda: &Agenda, now: Timestamp, range: TimeRange) -> Result<(), Vec<Reason>> {
    judge(&Rulebook { rules, busy, agenda, now, guest: None }, range)
}

pub fn judge(rulebook: &Rulebook<'_>, range: TimeRange) -> Result<(), Vec<Reason>> {
    // The rules walk over every date of a range: a range of centuries is refused before that.
    if range.duration() > SignedDuration::from_mins(i64::from(SlotLength::MOST_MINUTES)) {
        return Err(vec![Reason::TooLong { most_minutes: SlotLength::MOST_MINUTES }]);
    }
    let reasons: Vec<Reason> = rulebook.blocks(range).map(|block| block.reason).collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BusySet, RulesDraft, Zone};

    fn codes(draft: RulesDraft, start: &str, end: &str) -> Vec<&'static str> {
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let meeting = TimeRange::new("2026-11-24T09:00:00Z".parse().unwrap(), "2026-11-24T10:00:00Z".parse().unwrap()).unwrap();
        let busy = Busy::Known { as_of: now, set: BusySet::from_iter([meeting]) };
        let range = TimeRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap();
        let verdict = check(&Rules::new(draft).unwrap(), &busy, &Agenda::empty(), now, range);
        verdict.err().into_iter().flatten().map(|reason| reason.code()).collect()
    }

    fn usual() -> RulesDraft {
        RulesDraft::usual(Zone::new("Europe/Berlin").unwrap())
    }

    #[test]
    fn every_reason_is_told_at_once() {
        assert!(codes(usual(), "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z").is_empty());
        assert_eq!(codes(usual(), "2026-11-24T08:30:00Z", "2026-11-24T09:30:00Z"), ["busy"]);
        assert_eq!(codes(usual(), "2026-11-23T21:07:00Z", "2026-11-23T22:00:00Z"), ["not_five_minutes", "notice", "outside_hours"]);
        let pause = RulesDraft { breaks: vec!["09:30-10:00".parse().unwrap()], buffer_before_minutes: 60, ..usual() };
        assert_eq!(codes(pause.clone(), "2026-11-24T08:10:00Z", "2026-11-24T09:30:00Z"), ["not_on_step", "break", "busy"]);
        assert_eq!(codes(pause, "2026-11-24T10:30:00Z", "2026-11-24T11:00:00Z"), ["buffer"]);
        assert_eq!(codes(usual(), "2027-11-24T08:00:00Z", "2027-11-24T09:00:00Z"), ["horizon"]);
    }

    #[test]
    fn a_fraction_of_a_second_is_off_the_grid() {
        assert_eq!(codes(usual(), "2026-11-24T08:00:00.5Z", "2026-11-24T08:30:00.5Z"), ["not_five_minutes", "not_on_step"]);
    }

    /// Whichever of two possible hours is meant, a break stays free.
    #[test]
    fn breaks_stay_free_where_clocks_change() {
        let blocked = |zone: &str, pause: &str, now: &str, start: &str| {
            let zone = Zone::new(zone).unwrap();
            let week = "mon-sun 00:00-24:00".parse().unwrap();
            let draft = RulesDraft { week, breaks: vec![pause.parse().unwrap()], step_minutes: 5, ..RulesDraft::usual(zone) };
            let busy = Busy::Known { as_of: Timestamp::UNIX_EPOCH, set: BusySet::empty() };
            let start: Timestamp = start.parse().unwrap();
            let range = TimeRange::new(start, crate::instants::plus_minutes(start, 15)).unwrap();
            let verdict = check(&Rules::new(draft).unwrap(), &busy, &Agenda::empty(), now.parse().unwrap(), range);
            let codes: Vec<_> = verdict.err().into_iter().flatten().map(|reason| reason.code()).collect();
            assert!(codes.is_empty() || codes == ["break"], "{codes:?}");
            !codes.is_empty()
        };
        // Berlin, autumn: 02:30 to 02:45 comes at 00:30 and again at 01:30 UTC.
        let autumn = |start| blocked("Europe/Berlin", "02:30-02:45", "2026-10-20T00:00:00Z", start);
        assert!(!autumn("2026-10-25T00:15:00Z") && autumn("2026-10-25T00:30:00Z") && autumn("2026-10-25T01:30:00Z"));
        assert!(!autumn("2026-10-25T01:45:00Z"));
        // Berlin, spring: the clocks skip the start of the break, not its end (03:00, at 01:00 UTC).
        let spring = |start| blocked("Europe/Berlin", "02:30-03:00", "2026-03-25T00:00:00Z", start);
        assert!(!spring("2026-03-29T00:15:00Z") && spring("2026-03-29T00:45:00Z") && !spring("2026-03-29T01:00:00Z"));
        // Nuuk: 23:15 to 23:45 on Saturday is skipped; read with the old offset it falls on Sunday, from 00:15 to 00:45.
        let nuuk = |start| blocked("America/Nuuk", "23:15-23:45", "2026-03-25T00:00:00Z", start);
        assert!(nuuk("2026-03-29T01:30:00Z") && !nuuk("2026-03-29T01:45:00Z"));
    }

    /// The clocks of St. John's went from one past midnight back to 23:01: the last minutes of Saturday came twice.
    #[test]
    fn an_evening_that_comes_twice_is_worked_and_is_off_with_the_day_after_it() {
        let now: Timestamp = "2010-11-05T12:00:00Z".parse().unwrap();
        let codes = |off: i8| {
            let mut draft = RulesDraft {
                step_minutes: 5,
                minimum_notice_minutes: 0,
                ..RulesDraft::usual(Zone::new("America/St_Johns").unwrap())
            };
            draft.week = "mon-sun 00:00-24:00".parse().unwrap();
            draft.days_off.insert(jiff::civil::date(2010, 11, off));
            let busy = Busy::Known { as_of: now, set: BusySet::empty() };
            let range = TimeRange::new("2010-11-07T02:45:00Z".parse().unwrap(), "2010-11-07T03:00:00Z".parse().unwrap()).unwrap();
            let verdict = check(&Rules::new(draft).unwrap(), &busy, &Agenda::empty(), now, range);
            verdict.err().into_iter().flatten().map(|reason| reason.code()).collect::<Vec<_>>()
        };
        assert_eq!((codes(6), codes(7)), (vec![], vec!["day_off"]));
    }

    #[test]
    fn a_range_of_centuries_is_refused_unread() {
        let always = RulesDraft { week: "mon-sun 00:00-24:00".parse().unwrap(), ..usual() };
        assert_eq!(codes(always.clone(), "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"), ["too_long"]);
        assert!(codes(always, "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z").is_empty());
    }
}
