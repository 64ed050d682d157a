//! Reading what a look needs, with as few calls as will do: near interviews every time, the others by the change tags.

use std::collections::BTreeSet;

use domain::{
    TimeRange, Timestamp,
    grants::Grant,
    interviews::Interview,
    reality::{FAR_EVERY, Look, Seen, Sight, TRUSTED_SECONDS},
};
use ports::calendar::{Answer, CalendarInfo, Event, FailureClass, ListMode};

use super::{GRAIN_SECONDS, leads};
use crate::{
    App, Error, Result,
    arrange::{OurEvent, is_named},
    draft::later,
    grants::failure,
};

/// How far around an interview is read, so that most events that were dragged away are found by the same call.
const AROUND_MINUTES: i64 = 12 * 60;
/// Windows that lie this close are one call.
const TOGETHER_MINUTES: i64 = 3 * 24 * 60;

/// An event, and the calendar it was found in.
type Found = (String, Event);

impl App {
    /// Reads what is due and puts it into `next`.
    pub(super) async fn read_look(
        &self,
        grant: &Grant,
        interviews: &[Interview],
        is_near: impl Fn(&Interview) -> bool,
        next: &mut Look,
    ) -> Result<Answer<()>> {
        if grant.busy_calendars.is_empty() {
            // An empty list of calendars is not a free calendar.
            return Ok(Err(failure(FailureClass::Protocol, "no calendar is chosen")));
        }
        let now = next.tried_at;
        let interviews = self.reached(grant, interviews).await?;
        next.sights.retain(|sight| interviews.iter().any(|interview| interview.id == sight.interview));
        let needed = needed(grant, &interviews);
        let age = |at: Option<Timestamp>| at.map_or(i64::MAX, |at| now.as_second() - at.as_second());
        let far_due = age(next.far_at) >= FAR_EVERY - GRAIN_SECONDS;
        let mut unchanged = false;
        if far_due || !needed.iter().all(|uid| next.tags.iter().any(|(known, _)| known == uid)) {
            // Read before the events: what changes in between is read twice rather than never.
            let tags = match self.change_tags(grant, &needed).await? {
                Ok(tags) => tags,
                Err(error) => return Ok(Err(error)),
            };
            // Believed from the second reading under the same tags on: a tag that counts in seconds says nothing of the second it was made in.
            let known = tags.iter().all(|(_, tag)| !tag.is_empty()) && tags == next.tags && next.read_at > next.tags_at;
            unchanged = far_due && known && age(next.read_at) < TRUSTED_SECONDS;
            if tags != next.tags {
                next.tags_at = Some(now);
            }
            next.tags = tags;
        }
        if next.tags.is_empty() {
            // Calendars that are all gone at once are an answer that cannot be meant, not an empty calendar.
            return Ok(Err(failure(FailureClass::Protocol, "none of the calendars is in the account's list")));
        }
        let due: Vec<&Interview> = interviews
            .into_iter()
            .filter(|interview| {
                let sight = next.sight(interview.id).filter(|sight| sight.range == interview.range);
                let doubtful = sight.is_none_or(|sight| matches!(sight.seen, Seen::Missing { .. } | Seen::NotWritten));
                is_near(interview) || doubtful || (far_due && !unchanged)
            })
            .collect();
        let found = match self.events_around(grant, &next.tags, &due).await? {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        if unchanged {
            next.sights.iter_mut().for_each(|sight| sight.at = now);
        }
        let ours = match due.iter().map(|interview| interview.range).reduce(spanning) {
            Some(all) => self.our_events(grant.person, all).await?,
            None => Vec::new(),
        };
        for interview in due {
            let before = next.sight(interview.id).cloned();
            match self.sight(grant, interview, &next.tags, &found, &ours, before.as_ref(), now).await? {
                Ok(sight) => {
                    next.sights.retain(|known| known.interview != interview.id);
                    next.sights.push(sight);
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        next.near_at = Some(now);
        if far_due {
            next.far_at = Some(now);
            next.read_at = if unchanged { next.read_at } else { Some(now) };
        }
        Ok(Ok(()))
    }

    /// The interviews whose event this grant could show: one that was written with an earlier grant is not looked for in another account.
    async fn reached<'a>(&self, grant: &Grant, interviews: &'a [Interview]) -> Result<Vec<&'a Interview>> {
        let mut reached = Vec::new();
        for interview in interviews {
            let event =
                interview.event.as_ref().filter(|event| leads(interview, grant.person) && !grant.knows_calendar(&event.calendar));
            let elsewhere = match event {
                Some(event) => {
                    self.grant_reaching(grant.person, Some(&event.calendar)).await?.is_some_and(|other| other.id != grant.id)
                }
                None => false,
            };
            if !elsewhere {
                reached.push(interview);
            }
        }
        Ok(reached)
    }

    /// The change tags of those of the calendars that the account still has.
    async fn change_tags(&self, grant: &Grant, needed: &BTreeSet<String>) -> Result<Answer<Vec<(String, String)>>> {
        let provider = self.provider_named(&grant.provider)?;
        let list = self.with_access(grant.id, |access| async move { provider.calendars(&access).await }).await;
        let known = |known: Vec<CalendarInfo>| {
            let mut tags: Vec<(String, String)> = known
                .into_iter()
                .filter(|calendar| needed.contains(&calendar.uid))
                .map(|calendar| (calendar.uid, calendar.change_tag.unwrap_or_default()))
                .collect();
            tags.sort_unstable();
            tags
        };
        Ok(list.map(known))
    }

    /// The events around these interviews in these calendars.
    async fn events_around(
        &self,
        grant: &Grant,
        calendars: &[(String, String)],
        interviews: &[&Interview],
    ) -> Result<Answer<Vec<Found>>> {
        let provider = self.provider_named(&grant.provider)?;
        let mut found = Vec::new();
        for window in windows(interviews.iter().map(|interview| interview.range))? {
            for (calendar, _) in calendars {
                let calendar = calendar.as_str();
                let list = self.with_access(grant.id, |access| async move {
                    provider.events(&access, calendar, window, ListMode::Instances).await
                });
                match list.await {
                    Ok(events) => found.extend(events.into_iter().map(|event| (calendar.to_owned(), event))),
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        Ok(Ok(found))
    }

    /// One interview among the events around it.
    #[expect(clippy::too_many_arguments, reason = "each is read once for all interviews of a look")]
    async fn sight(
        &self,
        grant: &Grant,
        interview: &Interview,
        calendars: &[(String, String)],
        found: &[Found],
        ours: &[OurEvent],
        before: Option<&Sight>,
        now: Timestamp,
    ) -> Result<Answer<Sight>> {
        let lead = leads(interview, grant.person);
        let mut range = interview.range;
        let (mut seen, mut declined) = (if lead { Seen::NotWritten } else { Seen::Beside }, false);
        if let Some(event) = interview.event.as_ref().filter(|_| lead) {
            let listed = found.iter().find(|(calendar, listed)| *calendar == event.calendar && listed.uid == event.uid);
            let live = match listed {
                Some((_, live)) => Some(live.clone()),
                // The calendar itself is gone, and everything in it.
                None if !calendars.iter().any(|(known, _)| *known == event.calendar) => None,
                // Far away, or gone: asked for by its uid, and in the list around it once more.
                None => match self.live_elsewhere(interview).await? {
                    Ok(live) => live,
                    Err(error) => return Ok(Err(error)),
                },
            };
            match live {
                Some(live) => {
                    declined = live.declined;
                    seen = if live.range == interview.range { Seen::AsIntended } else { Seen::Elsewhere { at: live.range } };
                    // Whatever lies where the owner dragged it was there for them to see.
                    range = live.range;
                }
                None => seen = missing(before, now),
            }
        } else if !lead {
            let marker = interview.id.to_string();
            declined = found.iter().any(|(_, event)| event.declined && is_named(event, &marker, None));
        }
        let taken = found.iter().filter(|(_, event)| event.busy && event.range.overlaps(range));
        let others = taken.filter(|(_, event)| !ours.iter().any(|known| known.names(event)));
        let overlaps: BTreeSet<(Timestamp, Timestamp)> =
            others.map(|(_, event)| (event.range.start(), event.range.end())).collect();
        let overlaps = if seen == Seen::NotWritten { BTreeSet::new() } else { overlaps };
        let mut overlaps: Vec<TimeRange> =
            overlaps.into_iter().filter_map(|(start, end)| TimeRange::new(start, end).ok()).collect();
        if !grant.busy_calendars.iter().all(|uid| calendars.iter().any(|(known, _)| known == uid)) {
            // What a calendar showed that is not listed now is unknown, not over.
            let known = before.filter(|before| before.range == range).map(|before| before.overlaps.as_slice()).unwrap_or_default();
            overlaps.extend(known.iter().filter(|known| !overlaps.contains(known)).copied().collect::<Vec<_>>());
        }
        Ok(Ok(Sight { interview: interview.id, range, seen, declined, overlaps, at: now }))
    }

    async fn live_elsewhere(&self, interview: &Interview) -> Result<Answer<Option<Event>>> {
        let (Some(bench), Some(event)) = (self.bench(interview.id).await?, &interview.event) else {
            return Ok(Err(failure(FailureClass::Passing, "the interview or its grant changed while it was looked at")));
        };
        self.live_event(&bench, event).await
    }
}

/// The calendars that take the owner's time, and those that our events stand in.
fn needed(grant: &Grant, interviews: &[&Interview]) -> BTreeSet<String> {
    let theirs = interviews.iter().filter(|interview| leads(interview, grant.person));
    let events = theirs.filter_map(|interview| interview.event.as_ref()).map(|event| event.calendar.clone());
    grant.busy_calendars.iter().cloned().chain(events).collect()
}

/// Seen at one more look.
fn missing(before: Option<&Sight>, now: Timestamp) -> Seen {
    match before.map(|before| before.seen) {
        Some(Seen::Missing { looks, since }) => Seen::Missing { looks: looks.saturating_add(1), since },
        _ => Seen::Missing { looks: 1, since: now },
    }
}

fn spanning(one: TimeRange, other: TimeRange) -> TimeRange {
    TimeRange::new(one.start().min(other.start()), one.end().max(other.end())).unwrap_or(one)
}

/// As few windows as will do.
fn windows(ranges: impl Iterator<Item = TimeRange>) -> Result<Vec<TimeRange>> {
    let around = |range: TimeRange| {
        let (start, end) = (later(range.start(), -AROUND_MINUTES)?, later(range.end(), AROUND_MINUTES)?);
        TimeRange::new(start, end).map_err(|error| Error::Internal(error.to_string()))
    };
    let mut padded = ranges.map(around).collect::<Result<Vec<_>>>()?;
    padded.sort_by_key(|range| range.start());
    let mut windows: Vec<TimeRange> = Vec::new();
    for range in padded {
        match windows.last_mut() {
            Some(last) if range.start() <= later(last.end(), TOGETHER_MINUTES)? => *last = spanning(*last, range),
            _ => windows.push(range),
        }
    }
    Ok(windows)
}

#[cfg(test)]
mod tests {
    use domain::Id;

    use super::*;

    fn range(from: i64, to: i64) -> TimeRange {
        let at = |hours: i64| Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap();
        TimeRange::new(at(from), at(to)).unwrap()
    }

    #[test]
    fn what_lies_close_is_one_window_and_what_lies_apart_is_not() {
        let close = windows([range(200, 201), range(0, 1), range(90, 91)].into_iter()).unwrap();
        assert_eq!(close, [range(-12, 103), range(188, 213)].map(|window| window), "a gap of 85 hours is two calls");
        assert_eq!(windows(std::iter::empty()).unwrap(), []);
    }

    #[test]
    fn looks_at_which_an_event_is_missing_are_counted() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let first = missing(None, at(5));
        assert_eq!(first, Seen::Missing { looks: 1, since: at(5) });
        let interview: Id<Interview> = "itv_00000000000000000000000000000007".parse().unwrap();
        let before = Sight { interview, range: range(0, 1), seen: first, declined: false, overlaps: Vec::new(), at: at(5) };
        assert_eq!(missing(Some(&before), at(20)), Seen::Missing { looks: 2, since: at(5) });
        let there = Sight { seen: Seen::AsIntended, ..before };
        assert_eq!(missing(Some(&there), at(20)), Seen::Missing { looks: 1, since: at(20) });
    }
}
