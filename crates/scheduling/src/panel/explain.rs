//! Why a panel cannot meet at a time, and the least that would have to change.

use serde::Serialize;

use super::Panel;
use crate::{Explanation, Query, Reason, TimeRange};

/// How a time looks to a panel. It can be offered, or it has reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PanelExplanation {
    /// Each group, in order.
    pub groups: Vec<GroupStanding>,
    /// Everybody of the panel who cannot come, by number, with everything against it.
    pub cannot: Vec<MemberReasons>,
    /// The fewest reasons that would have to go for the panel to meet; none if it can. Exact, also where groups share members. What
    /// nobody can change counts as much as any other reason: see the owners.
    pub to_open: Vec<MemberReason>,
}

/// How many of a group can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GroupStanding {
    /// How many of the members can.
    pub can: usize,
    /// How many are needed.
    pub need: usize,
    /// How many members there are.
    pub members: usize,
}

/// Everything against a time for one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberReasons {
    /// Who, by number.
    pub member: usize,
    /// What stands in the way, at least one reason.
    pub reasons: Vec<Explanation>,
}

/// One reason of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberReason {
    /// Who, by number.
    pub member: usize,
    /// What stands in the way.
    pub reason: Explanation,
}

impl PanelExplanation {
    /// Whether the panel can meet then.
    pub const fn is_offered(&self) -> bool {
        self.to_open.is_empty()
    }
}

impl Panel {
    /// How `range` looks to the panel, by the judgement of [`Query::explain`] on each person. Of whom there is no query, nothing is known,
    /// and they cannot come.
    pub fn explain(&self, range: TimeRange, people: &[Query<'_>]) -> PanelExplanation {
        let unknown = || vec![Explanation::from(Reason::UnknownCalendar { why: "not_read".to_owned() })];
        let mut of_panel = vec![false; self.people];
        self.groups.iter().flat_map(|group| &group.members).for_each(|member| of_panel[*member] = true);
        let reasons: Vec<Vec<Explanation>> = of_panel
            .iter()
            .enumerate()
            .map(|(member, asked)| match people.get(member) {
                _ if !asked => Vec::new(),
                Some(query) => query.explain(range),
                None => unknown(),
            })
            .collect();
        let groups = self.groups.iter().map(|group| GroupStanding {
            can: group.members.iter().filter(|member| reasons[**member].is_empty()).count(),
            need: group.need,
            members: group.members.len(),
        });
        let groups = groups.collect();
        // With as many reasons as the cost of a seat, the cheapest seating of all is the one that the fewest reasons keep from meeting.
        let cost = |member: usize| u64::try_from(reasons[member].len()).unwrap_or(u64::MAX);
        let seated = self.cheapest((0..self.people).collect(), cost).unwrap_or_default();
        let of = |member: usize| reasons[member].iter().map(move |reason| MemberReason { member, reason: reason.clone() });
        let to_open = seated.into_iter().flat_map(of).collect();
        let reasons = reasons.into_iter().enumerate().filter(|(_, reasons)| !reasons.is_empty());
        let cannot = reasons.map(|(member, reasons)| MemberReasons { member, reasons }).collect();
        PanelExplanation { groups, cannot, to_open }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{Agenda, Busy, BusySet, Group, Request, Rules, SlotLength, Zone};

    #[test]
    fn says_how_many_can_and_the_least_that_would_have_to_change() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (now, slot) = (at("2026-11-23T08:00:00Z"), (at("2026-11-24T10:00:00Z"), at("2026-11-24T10:30:00Z")));
        let slot = TimeRange::new(slot.0, slot.1).unwrap();
        let (rules, agenda, request) =
            (Rules::usual(Zone::utc()), Agenda::empty(), Request::of(SlotLength::from_minutes(30).unwrap()));
        let busy = |ranges: &[TimeRange]| Busy::Known { as_of: now, set: ranges.iter().copied().collect::<BusySet>() };
        let (free, taken, dead) = (busy(&[]), busy(&[slot]), Busy::Unknown { why: "grant_dead".to_owned() });
        let booked = Agenda::from_iter([slot]);
        let query = |busy, agenda| Query { rules: &rules, busy, agenda, now, request: &request };
        let people = [query(&free, &agenda), query(&taken, &booked), query(&dead, &agenda)];
        let group = |members: &[usize], need| Group { members: members.to_vec(), need };
        // The fourth is asked about nobody.
        let panel = Panel::new(vec![group(&[0], 1), group(&[1, 2, 3], 1)], 4).unwrap();
        let explanation = panel.explain(slot, &people);
        let range = serde_json::json!({ "start": slot.start(), "end": slot.end() });
        let dead = serde_json::json!({ "code": "unknown_calendar", "why": "grant_dead", "owner": "calendar" });
        assert_eq!(
            serde_json::to_value(&explanation).unwrap(),
            serde_json::json!({
                "groups": [{ "can": 1, "need": 1, "members": 1 }, { "can": 0, "need": 1, "members": 3 }],
                "cannot": [
                    { "member": 1, "reasons": [
                        { "code": "busy", "range": range, "owner": "calendar" }, { "code": "agenda", "range": range, "owner": "operator" },
                    ] },
                    { "member": 2, "reasons": [dead] },
                    { "member": 3, "reasons": [{ "code": "unknown_calendar", "why": "not_read", "owner": "calendar" }] },
                ],
                "to_open": [{ "member": 2, "reason": dead }],
            })
        );
        assert!(!explanation.is_offered());
        let alone = Panel::new(vec![group(&[0, 1], 1)], 4).unwrap();
        assert!(alone.explain(slot, &people).is_offered());
        assert!(!alone.explain(slot, &[]).is_offered());
    }
}
