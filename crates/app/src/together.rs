//! When several people can meet: calendars at an age the caller accepts, read within the time the caller gives, and for any time that is
//! not offered the reasons, by the same rules that offer.

mod ready;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{EmailAddress, Id, TimeRange, Timestamp, Zone, people::Person, rounds::Need};
pub(crate) use ready::ReadyPeople;
use scheduling::{Busy, CellSet, Explanation, Group, Panel, Request, SlotLength};
use tokio::task::JoinSet;

use self::ready::Ready;
use crate::{
    App, Error, Result,
    calendars::{agenda_window, bounded},
    draft::later,
};

/// Most people in one question.
pub const MOST_TOGETHER: usize = 100;
/// Most times in one answer.
pub const MOST_TIMES: usize = 2_000;
/// How old a calendar may be where the caller does not say, in seconds.
const USUAL_AGE: i64 = 60;

/// Who is to meet, for how long, and how sure it must be.
#[derive(Debug, Clone)]
pub struct Meeting {
    /// Addresses of those of whom `need` must come.
    pub people: Vec<String>,
    /// Addresses of those who may come.
    pub optional: Vec<String>,
    /// How many of `people`.
    pub need: Need,
    /// For how long.
    pub minutes: i64,
    /// How many seconds ago a calendar may have been read; a minute where absent, read now where 0.
    pub max_age: Option<i64>,
    /// How many milliseconds reading may take; what is not read by then is unknown.
    pub deadline: Option<u64>,
}

/// How far the calendar of one of them is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOf {
    /// Who.
    pub person: Id<Person>,
    /// Their address as it was asked for.
    pub email: String,
    /// `known` or `unknown`.
    pub source: &'static str,
    /// When it was read.
    pub as_of: Option<Timestamp>,
    /// Why it is not known; `deadline` where there was no time to read it.
    pub why: Option<String>,
    /// The zone of their working hours.
    pub zone: Zone,
    /// Whether they are one of those who may come.
    pub optional: bool,
}

/// A time at which enough of them can meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeTogether {
    /// When.
    pub range: TimeRange,
    /// Addresses of those who can, as they were asked for.
    pub who: Vec<String>,
}

/// When they can meet, and how far that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TogetherView {
    /// `known`: every calendar was read; `partial`: some were, and what is offered rests on those; `unknown`: too few for anybody to be
    /// offered a time.
    pub source: &'static str,
    /// When the oldest of the calendars was read.
    pub as_of: Option<Timestamp>,
    /// Whether every calendar was read before the deadline.
    pub complete: bool,
    /// Each of them.
    pub people: Vec<KnownOf>,
    /// The times, by start; they may overlap.
    pub times: Vec<TimeTogether>,
}

/// What keeps one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptBy {
    /// Who, and how far their calendar is known.
    pub who: KnownOf,
    /// What is in the way of their coming; nothing if they can.
    pub reasons: Vec<Explanation>,
}

/// Whether they can meet at one time, and what keeps them.
#[derive(Debug, Clone, PartialEq)]
pub struct WhyView {
    /// The time.
    pub range: TimeRange,
    /// Whether it is offered.
    pub offered: bool,
    /// How many must come.
    pub needed: usize,
    /// How many of those can.
    pub can: usize,
    /// Each of them.
    pub people: Vec<KeptBy>,
    /// The least that would have to change: for as many as are missing, those with the fewest reasons.
    pub smallest: Vec<KeptBy>,
}

/// Somebody with everything that says when they can.
struct Member {
    known: KnownOf,
    ready: Arc<Ready>,
    busy: Arc<Busy>,
}

impl App {
    /// Every time within `window` at which enough of them can meet, `most` at most.
    pub async fn together(&self, meeting: &Meeting, window: TimeRange, most: usize) -> Result<TogetherView> {
        bounded(window)?;
        let (request, needed) = read(meeting)?;
        let members = self.gathered(meeting).await?;
        let now = self.now();
        let starts: Vec<CellSet> = members.iter().map(|member| member.ready.starts(&member.busy, &request, window, now)).collect();
        let group = Group { members: (0..meeting.people.len()).collect(), need: needed };
        let panel = Panel::new(vec![group], members.len()).map_err(|error| Error::Internal(error.to_string()))?;
        let common = panel.starts(&starts);
        let times = common.iter().take(most.min(MOST_TIMES)).filter_map(|cell| {
            let start = cell.start()?;
            let range = TimeRange::new(start, later(start, meeting.minutes).ok()?).ok()?;
            let can = members.iter().zip(&starts).filter(|(_, starts)| starts.contains(cell));
            Some(TimeTogether { range, who: can.map(|(member, _)| member.known.email.clone()).collect() })
        });
        let times = times.collect();
        let known = |member: &&Member| member.known.as_of.is_some();
        let required = members.iter().filter(|member| !member.known.optional);
        let source = match (members.iter().all(|member| known(&member)), required.filter(known).count() >= needed) {
            (true, _) => "known",
            (false, true) => "partial",
            (false, false) => "unknown",
        };
        Ok(TogetherView {
            source,
            as_of: members.iter().filter_map(|member| member.known.as_of).min(),
            complete: members.iter().all(|member| member.known.why.as_deref() != Some(DEADLINE)),
            people: members.into_iter().map(|member| member.known).collect(),
            times,
        })
    }

    /// Whether they can meet at the time that begins at `start`; otherwise everything that keeps each of them.
    pub async fn why_not_together(&self, meeting: &Meeting, start: Timestamp) -> Result<WhyView> {
        let (request, needed) = read(meeting)?;
        let end = later(start, meeting.minutes)?;
        let range = TimeRange::new(start, end).map_err(|error| Error::invalid("start", error))?;
        let members = self.gathered(meeting).await?;
        let now = self.now();
        let people: Vec<KeptBy> = members
            .into_iter()
            .map(|member| KeptBy { reasons: member.ready.query(&member.busy, &request, now).explain(range), who: member.known })
            .collect();
        let can = people.iter().filter(|kept| !kept.who.optional && kept.reasons.is_empty()).count();
        let mut kept: Vec<&KeptBy> = people.iter().filter(|kept| !kept.who.optional && !kept.reasons.is_empty()).collect();
        kept.sort_by_key(|kept| kept.reasons.len());
        let smallest = kept.into_iter().take(needed.saturating_sub(can)).cloned().collect();
        Ok(WhyView { range, offered: can >= needed, needed, can, people, smallest })
    }

    /// Everybody with their rules, bookings and calendar. Calendars are read side by side; one that is not read by the deadline is unknown
    /// in this answer, and goes on being read for the next.
    async fn gathered(&self, meeting: &Meeting) -> Result<Vec<Member>> {
        let max_age = meeting.max_age.unwrap_or(USUAL_AGE);
        let now = self.now();
        let of = |email: &String, field| email.parse::<EmailAddress>().map_err(|error| Error::invalid(field, error));
        let people = meeting.people.iter().map(|email| of(email, "people"));
        let addresses: Vec<EmailAddress> =
            people.chain(meeting.optional.iter().map(|email| of(email, "optional"))).collect::<Result<_>>()?;
        let standings = self.store().standings(&addresses, agenda_window(now)?, now).await?;
        let mut members = Vec::with_capacity(addresses.len());
        let mut reading = JoinSet::new();
        for (index, (email, standing)) in meeting.people.iter().chain(&meeting.optional).zip(standings).enumerate() {
            let standing = standing.ok_or_else(|| Error::missing("person", email))?;
            let ready = self.as_they_stand(standing, now).await?;
            let person = ready.person();
            let unknown = |why: &str| Arc::new(Busy::Unknown { why: why.to_owned() });
            let busy = match &ready.source {
                None => unknown("not_connected"),
                Some(source) => self.0.looks.not_older(source, now, max_age).unwrap_or_else(|| {
                    let app = self.clone();
                    reading.spawn(async move { (index, app.look(person).await) });
                    unknown(DEADLINE)
                }),
            };
            let (zone, optional) = (ready.zone.clone(), index >= meeting.people.len());
            let known = KnownOf { person, email: email.clone(), source: "unknown", as_of: None, why: None, zone, optional };
            members.push(Member { known, ready, busy });
        }
        let read_all = async {
            while let Some(done) = reading.join_next().await {
                let (index, busy) = done.map_err(|error| Error::Internal(error.to_string()))?;
                members[index].busy = busy?;
            }
            Ok::<(), Error>(())
        };
        match meeting.deadline {
            None => read_all.await?,
            Some(milliseconds) => match tokio::time::timeout(Duration::from_millis(milliseconds), read_all).await {
                Ok(read) => read?,
                Err(_) => reading.detach_all(),
            },
        }
        for member in &mut members {
            (member.known.source, member.known.as_of, member.known.why) = match &*member.busy {
                Busy::Known { as_of, .. } => ("known", Some(*as_of), None),
                Busy::Assumed { policy, .. } => ("unknown", None, Some(policy.clone())),
                Busy::Unknown { why } => ("unknown", None, Some(why.clone())),
            };
        }
        Ok(members)
    }
}

/// Why a calendar is unknown that there was no time to read.
const DEADLINE: &str = "deadline";

/// The length that is asked for, and how many must come.
fn read(meeting: &Meeting) -> Result<(Request, usize)> {
    let size = meeting.people.len();
    if size == 0 {
        return Err(Error::invalid("people", "name at least one person by address"));
    }
    if size + meeting.optional.len() > MOST_TOGETHER {
        return Err(Error::invalid("people", format!("name at most {MOST_TOGETHER} people")));
    }
    let every: BTreeSet<String> = meeting.people.iter().chain(&meeting.optional).map(|email| email.to_lowercase()).collect();
    if every.len() < size + meeting.optional.len() {
        return Err(Error::invalid("people", "somebody is named twice"));
    }
    let needed = meeting.need.of(size);
    if !(1..=size).contains(&needed) {
        return Err(Error::invalid("need", format!("{needed} of {size} people cannot come; ask for 1 to {size}, `all` or `any`")));
    }
    if meeting.max_age.is_some_and(|age| age < 0) {
        return Err(Error::invalid("max_age", "use 0 or more seconds"));
    }
    let length = u32::try_from(meeting.minutes).ok().and_then(|minutes| SlotLength::from_minutes(minutes).ok());
    let length = length.ok_or_else(|| Error::invalid("minutes", "use a multiple of 5 from 5 to 1440"))?;
    Ok((Request::of(length), needed))
}
