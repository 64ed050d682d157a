//! What `greenroom check` needs besides the everyday use cases: whether a provider's own free/busy answer agrees with the events that
//! Greenroom plans by, and taking back an event that was made through the API.

use domain::{TimeRange, Timestamp, grants::Grant};
use jiff::SignedDuration;
use ports::calendar::{Event, ListMode};
use scheduling::BusySet;
use serde_json::json;

use crate::{App, Caller, Error, Result, calendars::bounded};

/// Days in a provider's answer may mean anybody's midnight, so around whole days this much is nobody's mistake.
const DAY_MARGIN_MINUTES: u32 = 24 * 60;
/// Differences shorter than this come from rounding.
const NOTICEABLE: SignedDuration = SignedDuration::from_mins(1);

/// Free/busy beside the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeBusyView {
    /// What was compared.
    pub window: TimeRange,
    /// Names of the calendars that the provider's answer covers.
    pub calendars: Vec<String>,
    /// Whether the account shares free/busy at all. Where it does not, nothing was compared.
    pub shared: bool,
    /// Busy by the events.
    pub by_events: Vec<TimeRange>,
    /// Busy by the provider's answer.
    pub by_provider: Vec<TimeRange>,
    /// Busy by the events, free for the provider.
    pub only_events: Vec<TimeRange>,
    /// Busy for the provider, free by the events.
    pub only_provider: Vec<TimeRange>,
}

impl FreeBusyView {
    /// Whether both say the same.
    pub const fn agrees(&self) -> bool {
        self.only_events.is_empty() && self.only_provider.is_empty()
    }
}

impl App {
    /// Reads busy times both ways and lists where they differ. Greenroom plans by the events; a difference is worth knowing because it
    /// shows a calendar that is not read, or a kind of event that is read wrongly.
    pub async fn compare_free_busy(&self, email: &str, window: TimeRange) -> Result<FreeBusyView> {
        bounded(window)?;
        let (_, grant) = self.connected_grant(email).await?;
        let account = grant.account.as_ref().map(|account| account.email.clone());
        let account = account.ok_or_else(|| Error::Internal(format!("the grant {} in use has no account", grant.id)))?;
        let provider = self.provider_named(&grant.provider)?;
        let list = self.with_access(grant.id, |access| async move { provider.calendars(&access).await });
        // What others share is theirs: an account's free/busy speaks of its own calendars.
        let covered = list.await.map_err(|error| Error::provider(&error))?.into_iter();
        let covered: Vec<_> = covered.filter(|known| known.writable && known.in_free_busy != Some(false)).collect();
        let mut events = Vec::new();
        for calendar in &covered {
            let uid = calendar.uid.as_str();
            let list = self
                .with_access(grant.id, |access| async move { provider.events(&access, uid, window, ListMode::Instances).await });
            events.extend(list.await.map_err(|error| Error::provider(&error))?);
        }
        let account = &account;
        let answer = self.with_access(grant.id, |access| async move { provider.free_busy(&access, account, window).await });
        let answer = answer.await.map_err(|error| Error::provider(&error))?;
        let calendars = covered.into_iter().map(|calendar| calendar.name).collect();
        Ok(compared(window, calendars, &events, answer))
    }

    /// Deletes an event that was made by [`App::create_calendar_event`]; every other event of a calendar is its owner's.
    pub async fn delete_calendar_event(&self, email: &str, calendar: Option<&str>, uid: &str, caller: &Caller) -> Result<()> {
        let (_, grant) = self.connected_grant(email).await?;
        let made = self.store().audit_of(uid, 10).await?;
        if !made.iter().any(|entry| entry.action == "calendar.event_created" && entry.payload["grant"] == grant.id.to_string()) {
            return Err(Error::Refused {
                code: "not_ours",
                problem: "this event was not made through the API, so only its owner may delete it, in the calendar".to_owned(),
            });
        }
        let calendar = Self::calendar_uid(&grant, calendar)?;
        let (provider, calendar) = (self.provider_named(&grant.provider)?, calendar.as_str());
        let found = self.with_access(grant.id, |access| async move { provider.event(&access, calendar, uid).await });
        let found = found.await.map_err(|error| Error::provider(&error))?.ok_or_else(|| Error::missing("event", uid))?;
        let etag = found.etag.unwrap_or_default();
        let etag = etag.as_str();
        let gone = self.with_access(grant.id, |access| async move { provider.delete(&access, calendar, uid, etag).await });
        gone.await.map_err(|error| Error::provider(&error))?;
        self.log_deleted(&grant, uid, found.range.start(), caller).await
    }

    async fn log_deleted(&self, grant: &Grant, uid: &str, start: Timestamp, caller: &Caller) -> Result<()> {
        let mut log = self.draft(caller);
        log.audit("calendar.event_deleted", uid, json!({"grant": grant.id, "start": start}));
        self.commit(log.finish()).await.map_err(Error::from)
    }
}

/// `answer` is the provider's, `None` where it shares nothing.
fn compared(window: TimeRange, calendars: Vec<String>, events: &[Event], answer: Option<Vec<TimeRange>>) -> FreeBusyView {
    let within = |range: TimeRange| range.intersection(window);
    let by_events: BusySet = events.iter().filter(|event| event.busy).filter_map(|event| within(event.range)).collect();
    let Some(answer) = answer else {
        let by_events = by_events.ranges().to_vec();
        return FreeBusyView {
            window,
            calendars,
            shared: false,
            by_events,
            by_provider: Vec::new(),
            only_events: Vec::new(),
            only_provider: Vec::new(),
        };
    };
    let by_provider: BusySet = answer.into_iter().filter_map(within).collect();
    let explained = |event: &Event| {
        let margin = if event.all_day { DAY_MARGIN_MINUTES } else { 0 };
        event.range.padded(margin, margin)
    };
    let explained: BusySet = events.iter().filter(|event| event.busy).map(explained).collect();
    FreeBusyView {
        window,
        calendars,
        shared: true,
        only_events: beyond(&by_events, &by_provider),
        only_provider: beyond(&by_provider, &explained),
        by_events: by_events.ranges().to_vec(),
        by_provider: by_provider.ranges().to_vec(),
    }
}

/// What is in `one` and not in `other`, as far as anybody would notice.
fn beyond(one: &BusySet, other: &BusySet) -> Vec<TimeRange> {
    let mut left = Vec::new();
    for range in one.ranges() {
        let mut from = range.start();
        for covered in other.ranges().iter().filter(|covered| covered.overlaps(*range)) {
            left.extend(TimeRange::new(from, covered.start()).ok());
            from = from.max(covered.end());
        }
        left.extend(TimeRange::new(from, range.end()).ok());
    }
    left.retain(|range| range.duration() >= NOTICEABLE);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 / 86_400 * 86_400 + hour * 3_600).unwrap()
    }

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(at(from), at(to)).unwrap()
    }

    fn event(range: TimeRange, all_day: bool, busy: bool) -> Event {
        Event {
            uid: "1@zoho".to_owned(),
            etag: None,
            range,
            all_day,
            busy,
            declined: false,
            private: false,
            title: String::new(),
            description: None,
            url: None,
            view_url: None,
            meeting_url: None,
            recurrence: None,
        }
    }

    fn check(events: &[Event], answer: &[TimeRange]) -> FreeBusyView {
        compared(range(0, 240), Vec::new(), events, Some(answer.to_vec()))
    }

    #[test]
    fn the_same_times_agree_however_they_are_cut_and_free_events_do_not_count() {
        let events = [event(range(9, 10), false, true), event(range(10, 12), false, true), event(range(14, 15), false, false)];
        assert!(check(&events, &[range(9, 11), range(11, 12)]).agrees());
    }

    #[test]
    fn each_side_alone_is_listed_with_its_exact_hours() {
        let view = check(&[event(range(9, 12), false, true)], &[range(10, 11), range(20, 21)]);
        assert_eq!((view.only_events, view.only_provider), (vec![range(9, 10), range(11, 12)], vec![range(20, 21)]));
    }

    #[test]
    fn a_whole_day_in_anybodys_midnight_agrees_but_has_to_be_there() {
        let day = [event(range(24 + 5, 48 + 5), true, true)];
        assert!(check(&day, &[range(24, 53)]).agrees());
        assert_eq!(check(&day, &[]).only_events, [range(29, 53)]);
        assert_eq!(check(&day, &[range(24, 53), range(90, 91)]).only_provider, [range(90, 91)]);
    }

    #[test]
    fn who_shares_nothing_is_not_compared_and_what_lies_outside_the_window_does_not_count() {
        let view = compared(range(0, 24), Vec::new(), &[event(range(9, 10), false, true)], None);
        assert!(!view.shared && view.agrees() && view.by_events == [range(9, 10)]);
        assert!(check(&[event(range(-2, 1), false, true)], &[range(0, 1), range(300, 301)]).agrees());
    }
}
