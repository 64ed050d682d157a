//! Why an interview lies where it lies and with whom: said when it is placed, from the plan that placed it, and kept in the log.

use domain::{Id, audit::Actor, interviews::Interview, people::Person};
use scheduling::planner::{EarlierStarts, MeetingReasons, Standing};
use serde_json::{Value, json};

use crate::{App, Error, Result};

/// What was decisive when a time was placed, as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedBecause {
    /// The interview.
    pub interview: Interview,
    /// By a plan of the whole shortlist (`plan`), as the earliest time for this candidate (`earliest`), or by somebody (`person`).
    pub by: &'static str,
    /// What was said; null where nothing was.
    pub reasons: Value,
}

/// How each person of a round's groups stood, by id, and what kept earlier starts.
pub(super) fn reasons(found: &MeetingReasons, people: &[Id<Person>]) -> Value {
    let standing = |standing: &Standing| match standing {
        Standing::Sits => json!({"code": "sits"}),
        Standing::Declined => json!({"code": "declined"}),
        Standing::NotFree => json!({"code": "not_free"}),
        Standing::Elsewhere { .. } => json!({"code": "elsewhere"}),
        Standing::LimitReached => json!({"code": "limit_reached"}),
        Standing::CarriesMore { minutes, seated_minutes } => {
            json!({"code": "carries_more", "minutes": minutes, "seated_minutes": seated_minutes})
        }
        Standing::Dearer { .. } => json!({"code": "dearer"}),
        Standing::AsGood => json!({"code": "as_good"}),
    };
    let member = |(person, how): &(usize, Standing)| {
        let mut said = standing(how);
        said["person"] = json!(people.get(*person));
        said
    };
    let groups: Vec<Vec<Value>> = found.groups.iter().map(|group| group.iter().map(member).collect()).collect();
    let EarlierStarts { guest, order, people, taken, dearer, as_good } = found.earlier;
    let earlier = json!({
        "candidate_not_free": guest, "round_order": order, "too_few_people": people, "taken": taken, "dearer": dearer, "as_good": as_good,
    });
    json!({"groups": groups, "earlier": earlier})
}

impl App {
    /// Why an interview was placed as it was.
    pub async fn placed_because(&self, id: Id<Interview>) -> Result<PlacedBecause> {
        let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
        let log = self.store().audit_of(&id.to_string(), 200).await?;
        // Newest first: whoever gave it the time that it has now.
        let placed = log.into_iter().find(|entry| {
            matches!(
                entry.action.as_str(),
                "interview.placed" | "interview.moved" | "interview.moved_by_hand" | "interview.slot_taken"
            )
        });
        let (by, reasons) = match placed {
            Some(entry) if entry.action == "interview.placed" => match entry.payload.get("why") {
                Some(why) => ("plan", why.clone()),
                None => ("earliest", Value::Null),
            },
            // Found by Greenroom: the time was taken before the event was written, or the interview made way.
            Some(entry)
                if entry.action == "interview.slot_taken" || entry.action == "interview.moved" && entry.actor == Actor::System =>
            {
                ("earliest", Value::Null)
            }
            _ => ("person", Value::Null),
        };
        Ok(PlacedBecause { interview, by, reasons })
    }
}
