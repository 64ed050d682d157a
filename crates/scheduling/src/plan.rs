//! Several slots in one go: each in turn gets the earliest time that is left.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Agenda, Busy, Query, Reason, Request, Rules, TimeRange};

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "placement", rename_all = "snake_case")]
pub enum Placement {
    /// The earliest time that passes every rule, given those placed before.
    Slot {
        /// That time.
        range: TimeRange,
    },
    /// No time within the horizon passes.
    Nowhere {
        /// What stood in the way, the most frequent first.
        obstacles: Vec<Obstacle>,
    },
}

impl Placement {
    /// The time, if there is one.
    pub const fn slot(&self) -> Option<TimeRange> {
        match self {
            Self::Slot { range } => Some(*range),
            Self::Nowhere { .. } => None,
        }
    }
}

/// A rule that the search for a slot ran into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// The rule, with the parameters of the first time it stood in the way.
    pub reason: Reason,
    /// How often it stood in the way of a start that was tried. A long absence counts once.
    pub times: u32,
}

/// Places the requests in their order. Each gets the earliest slot within the horizon that passes every rule, given the agenda and
/// those placed before it: nobody could start earlier without moving one who comes first.
pub fn plan(rules: &Rules, busy: &Busy, agenda: &Agenda, now: Timestamp, shortlist: &[Request]) -> Vec<Placement> {
    let mut agenda = agenda.clone();
    let mut place = |request: &Request| {
        let query = Query { rules, busy, agenda: &agenda, now, request };
        let mut obstacles = Vec::new();
        // A slot that ends after the horizon is tried too, so that the horizon is named where it is what stands in the way.
        let window = TimeRange::new(now, rules.latest(now)).map(|window| window.padded(0, 7 * 24 * 60));
        let found = window.ok().and_then(|window| query.earliest(window, |reason| note(&mut obstacles, reason)));
        if let Some(range) = found {
            agenda.add(range);
            Placement::Slot { range }
        } else {
            if obstacles.is_empty() {
                // Nothing was tried: weeks of a pattern, or dates, without any hours.
                note(&mut obstacles, Reason::OutsideHours);
            }
            obstacles.sort_by_key(|obstacle| std::cmp::Reverse(obstacle.times));
            Placement::Nowhere { obstacles }
        }
    };
    shortlist.iter().map(&mut place).collect()
}

fn note(obstacles: &mut Vec<Obstacle>, reason: Reason) {
    match obstacles.iter_mut().find(|obstacle| obstacle.reason.code() == reason.code()) {
        Some(known) => known.times += 1,
        None => obstacles.push(Obstacle { reason, times: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BusySet, CivilHours, Guest, RulesDraft, SlotLength, Zone, all_day};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn request(minutes: u32) -> Request {
        Request::of(SlotLength::from_minutes(minutes).unwrap())
    }

    const NOW: &str = "2026-11-23T08:00:00Z"; // a Monday

    fn berlin() -> RulesDraft {
        RulesDraft { horizon_days: 14, ..RulesDraft::usual(Zone::new("Europe/Berlin").unwrap()) }
    }

    fn known(busy: &[TimeRange]) -> Busy {
        Busy::Known { as_of: at(NOW), set: busy.iter().copied().collect() }
    }

    fn starts(draft: RulesDraft, busy: &Busy, shortlist: &[Request]) -> Vec<String> {
        let placed = plan(&Rules::new(draft).unwrap(), busy, &Agenda::empty(), at(NOW), shortlist);
        placed.iter().map(|placement| placement.slot().map_or("nowhere".to_owned(), |slot| slot.start().to_string())).collect()
    }

    #[test]
    fn each_gets_the_earliest_that_is_left() {
        let list = [request(60), request(60), request(30)];
        let want = ["2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z"];
        assert_eq!(starts(berlin(), &known(&[]), &list), want);
        let spread = RulesDraft { daily_limit: Some(1), weekly_limit: Some(2), ..berlin() };
        let want = ["2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z", "2026-11-30T08:00:00Z"];
        assert_eq!(starts(spread, &known(&[]), &list), want);
    }

    #[test]
    fn the_guest_is_asked_for_hours_they_are_awake_and_free() {
        let zone = Zone::new("America/Los_Angeles").unwrap();
        let civil_hours = Some(CivilHours::daily(zone, "07:00-22:00".parse().unwrap(), true));
        let far = Request { guest: Guest { civil_hours, ..Guest::default() }, ..request(60) };
        // Seven in the morning there is four in the afternoon here, the last hour of the day.
        assert_eq!(starts(berlin(), &known(&[]), &[far.clone(), far]), ["2026-11-24T15:00:00Z", "2026-11-25T15:00:00Z"]);
        let busy = BusySet::from_iter([TimeRange::new(at("2026-11-24T00:00:00Z"), at("2026-11-24T10:15:00Z")).unwrap()]);
        let taken = Request { guest: Guest { busy, ..Guest::default() }, ..request(60) };
        assert_eq!(starts(berlin(), &known(&[]), &[taken]), ["2026-11-24T10:30:00Z"]);
    }

    #[test]
    fn says_what_stood_in_the_way() {
        let zone = berlin().zone;
        let away = all_day("2026-11-01".parse().unwrap(), "2026-12-31".parse().unwrap(), &zone).unwrap();
        let rules = Rules::new(berlin()).unwrap();
        let placed = plan(&rules, &known(&[away]), &Agenda::empty(), at(NOW), &[request(60)]);
        let [Placement::Nowhere { obstacles }] = &placed[..] else { panic!("{placed:?}") };
        assert!(obstacles.iter().any(|obstacle| obstacle.reason == Reason::Busy { range: away }), "{obstacles:?}");
        let unknown = Busy::Unknown { why: "timeout".to_owned() };
        let placed = plan(&rules, &unknown, &Agenda::empty(), at(NOW), &[request(60)]);
        let [Placement::Nowhere { obstacles }] = &placed[..] else { panic!("{placed:?}") };
        assert!(obstacles.iter().any(|obstacle| obstacle.reason.code() == "unknown_calendar"), "{obstacles:?}");
        // Longer than any working day.
        let placed = plan(&rules, &known(&[]), &Agenda::empty(), at(NOW), &[request(600)]);
        let [Placement::Nowhere { obstacles }] = &placed[..] else { panic!("{placed:?}") };
        assert_eq!(obstacles[0].reason, Reason::OutsideHours);
        assert!(obstacles.iter().any(|obstacle| obstacle.reason.code() == "horizon"), "{obstacles:?}");
    }

    #[test]
    fn travels_with_stable_codes() {
        let nowhere = Placement::Nowhere { obstacles: vec![Obstacle { reason: Reason::OutsideHours, times: 3 }] };
        let text = r#"{"placement":"nowhere","obstacles":[{"reason":{"code":"outside_hours"},"times":3}]}"#;
        assert_eq!(serde_json::to_string(&nowhere).unwrap(), text);
        assert_eq!(serde_json::from_str::<Placement>(text).unwrap(), nowhere);
    }
}
