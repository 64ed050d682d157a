//! Events in a window. Zoho lists at most 31 days at a time, so a window is cut into overlapping pieces; one failed piece fails all.

use std::collections::BTreeMap;

use domain::TimeRange;
use ports::calendar::{Access, Answer, Event, FailureClass, ListMode};
use serde_json::{Value, json};

use super::{
    Ask, calendar_path,
    entry::{self, Lens},
};
use crate::{
    failure::failure,
    zoho::{Zoho, refusal::entries, times},
};

const WHAT: &str = "list events";

impl Zoho {
    /// See `CalendarProvider::events`.
    pub(in crate::zoho) async fn list_events(
        &self,
        access: &Access,
        calendar: &str,
        window: TimeRange,
        mode: ListMode,
    ) -> Answer<Vec<Event>> {
        let path = format!("{}/events", calendar_path(calendar)?);
        let pieces = times::pieces(window.start(), window.end())
            .ok_or_else(|| failure(FailureClass::Refused, format!("{WHAT}: the window is longer than five years")))?;
        let mut found: Vec<Value> = Vec::new();
        for (from, to) in pieces {
            let range = json!({"start": times::utc(from), "end": times::utc(to)}).to_string();
            let mut query = vec![("range", range)];
            if mode == ListMode::Instances {
                query.push(("byinstance", "true".to_owned()));
            }
            let ask = Ask { query, large: mode == ListMode::WithDescription, ..Ask::get(WHAT, path.clone()) };
            found.extend(entries(WHAT, &self.call(access, ask).await?, "events", false)?);
        }
        found.retain(|entry| !entry::is_deleted(entry));
        let lens = self.lens(access, calendar, &found).await?;
        select(&found, &lens, window)
    }

    /// Fetches what these entries need and do not say; usually nothing.
    pub(super) async fn lens(&self, access: &Access, calendar: &str, found: &[Value]) -> Answer<Lens> {
        let mut lens = Lens::default();
        if found.iter().any(entry::needs_zone) {
            lens.zone = self.read_calendar(access, calendar).await?.zone;
        }
        if found.iter().any(entry::needs_owner) {
            lens.owner = match self.user_info(access).await {
                Ok(owner) => Some(owner),
                // Not known who owns the calendar: invitations stay busy.
                Err(error) if error.class == FailureClass::ScopeMissing => None,
                Err(error) => return Err(error),
            };
        }
        Ok(lens)
    }
}

/// Reads all entries, drops what the pieces have in common and what only their margins caught. Masters are kept wherever they start.
fn select(found: &[Value], lens: &Lens, window: TimeRange) -> Answer<Vec<Event>> {
    let mut events = BTreeMap::new();
    for entry in found {
        let event = entry::read(WHAT, entry, lens)?;
        if event.range.overlaps(window) || event.recurrence.is_some() {
            events.insert((event.range.start(), event.uid.clone()), event);
        }
    }
    Ok(events.into_values().collect())
}

#[cfg(test)]
mod tests {
    use domain::{Timestamp, Zone};

    use super::*;

    fn window(start: &str, end: &str) -> TimeRange {
        TimeRange::new(start.parse::<Timestamp>().unwrap(), end.parse::<Timestamp>().unwrap()).unwrap()
    }

    fn golden() -> Vec<Value> {
        let body: Value = serde_json::from_str(include_str!("../../../tests/golden/events_by_instance.json")).unwrap();
        let mut found = entries(WHAT, &body, "events", false).unwrap();
        found.retain(|entry| !entry::is_deleted(entry));
        found
    }

    fn madrid() -> Lens {
        Lens { zone: Zone::new("Europe/Madrid").ok(), owner: None }
    }

    #[test]
    fn a_list_of_instances_is_read() {
        let events = select(&golden(), &madrid(), window("2026-03-09T00:00:00Z", "2026-03-14T00:00:00Z")).unwrap();
        let shown: Vec<String> = events
            .iter()
            .map(|event| {
                let flags = [(event.busy, "busy"), (event.private, "private"), (event.all_day, "all-day")];
                let flags: Vec<_> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
                format!("{} to {} {} [{}]", event.range.start(), event.range.end(), event.uid, flags.join(" "))
            })
            .collect();
        let expected = [
            "2026-03-09T09:00:00Z to 2026-03-09T09:30:00Z weekly@zoho.com [busy]",
            "2026-03-10T09:00:00Z to 2026-03-10T09:30:00Z single@zoho.com [busy]",
            "2026-03-11T12:00:00Z to 2026-03-11T13:00:00Z free@zoho.com []",
            "2026-03-11T14:00:00Z to 2026-03-11T15:00:00Z private@zoho.com [busy private]",
            "2026-03-11T23:00:00Z to 2026-03-13T23:00:00Z holiday@zoho.com [busy all-day]",
            "2026-03-12T09:00:00Z to 2026-03-12T10:00:00Z declined@zoho.com []",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_two_pieces_show_is_one_event_and_instances_are_several() {
        let mut twice = golden();
        twice.extend(golden());
        let march = window("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");
        assert_eq!(select(&twice, &madrid(), march).unwrap(), select(&golden(), &madrid(), march).unwrap());
        let weekly = select(&twice, &madrid(), march).unwrap().into_iter().filter(|event| event.uid == "weekly@zoho.com").count();
        assert_eq!(weekly, 2);
    }

    #[test]
    fn what_only_touches_the_window_is_outside() {
        let touching = select(&golden(), &madrid(), window("2026-03-10T09:30:00Z", "2026-03-11T12:00:00Z")).unwrap();
        assert_eq!(touching, []);
    }

    #[test]
    fn masters_are_kept_wherever_they_start() {
        let master = json!({"uid": "m@zoho.com", "rrule": "FREQ=WEEKLY", "dateandtime": {"start": "20250310T090000Z", "end": "20250310T093000Z"}});
        assert_eq!(select(&[master], &madrid(), window("2026-03-09T00:00:00Z", "2026-03-14T00:00:00Z")).unwrap().len(), 1);
    }

    #[test]
    fn one_unreadable_entry_fails_the_list() {
        let mut found = golden();
        found.push(json!({"uid": "x@zoho.com", "dateandtime": {"start": "tomorrow", "end": "later"}}));
        let error = select(&found, &madrid(), window("2026-03-09T00:00:00Z", "2026-03-14T00:00:00Z")).unwrap_err();
        assert_eq!(error.class, FailureClass::Protocol);
    }
}
