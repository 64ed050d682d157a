//! One event. The answer may hold several entries (a master, its exceptions, deleted placeholders), and there are four ways in which
//! Zoho may say that an event is gone.

use ports::calendar::{Access, Answer, Event};
use serde_json::Value;

use super::{
    Ask,
    entry::{self, is_deleted},
    event_path,
};
use crate::zoho::{Zoho, refusal::entries, value::text};

const WHAT: &str = "read event";

impl Zoho {
    /// See `CalendarProvider::event`.
    pub(in crate::zoho) async fn read_event(&self, access: &Access, calendar: &str, uid: &str) -> Answer<Option<Event>> {
        let Some(found) = self.fetch(access, calendar, uid, false).await? else {
            return Ok(None);
        };
        let found = [found];
        let lens = self.lens(access, calendar, &found).await?;
        entry::read(WHAT, &found[0], &lens).map(Some)
    }

    /// The entry that stands for an event, as Zoho wrote it. `None`: gone, which is a 404 from Calendar itself, a 400 whose code does
    /// not blame the request, an empty answer, or one with nothing but deleted entries. A page that says 404 is a wrong path instead.
    pub(super) async fn fetch(&self, access: &Access, calendar: &str, uid: &str, large: bool) -> Answer<Option<Value>> {
        let ask = Ask { large, ..Ask::get(WHAT, event_path(calendar, uid)?) };
        match self.call(access, ask).await {
            Ok(body) => Ok(pick(entries(WHAT, &body, "events", false)?)),
            Err(refusal) if refusal.says_gone() || refusal.is_unclear() => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// Neither deleted nor an exception, with an etag, and rather the one with the rule.
fn pick(entries: Vec<Value>) -> Option<Value> {
    let rank = |entry: &Value| {
        let whole = text(entry, "recurrenceid").is_none();
        (whole, text(entry, "etag").is_some(), text(entry, "rrule").is_some())
    };
    let live = entries.into_iter().filter(|entry| !is_deleted(entry));
    // `max_by_key` gives the last of equals; the first is meant.
    live.rev().max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_master_is_picked_from_among_its_exceptions() {
        let body: Value = serde_json::from_str(include_str!("../../../tests/golden/event_series_with_placeholder.json")).unwrap();
        let picked = pick(entries(WHAT, &body, "events", false).unwrap()).unwrap();
        assert_eq!(picked["etag"], json!(1_772_500_000_300_i64));
    }

    #[test]
    fn deleted_entries_are_no_event() {
        assert_eq!(pick(vec![json!({"uid": "a@zoho.com", "estatus": "deleted"})]), None);
        assert_eq!(pick(Vec::new()), None);
        let first = json!({"uid": "a@zoho.com", "etag": "1", "n": 1});
        assert_eq!(pick(vec![first.clone(), json!({"uid": "a@zoho.com", "etag": "1", "n": 2})]), Some(first));
    }
}
