//! When several people can meet: calendars at an age the caller accepts, read within the time the caller gives, and for any time that is
//! not offered the reasons, by the same rules that offer.

use std::{collections::BTreeSet, time::Duration};

use domain::{Id, TimeRange, Timestamp, Zone, grants::Grant, people::Person, rounds::Need};
use scheduling::{Agenda, Busy, Cell, Explanation, Query, Request, Rules, SlotLength};
use tokio::task::JoinSet;

use crate::{App, Error, Result, calendars::bounded, draft::later};

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
    rules: Rules,
    busy: Busy,
    agenda: Agenda,
}

impl App {
    /// Every time within `window` at which enough of them can meet, `most` at most.
    pub async fn together(&self, meeting: &Meeting, window: TimeRange, most: usize) -> Result<TogetherView> {
        bounded(window)?;
        let (request, needed) = read(meeting)?;
        let members = self.gathered(meeting).await?;
        let now = self.now();
        let starts: Vec<Vec<Timestamp>> = members.iter().map(|member| member.query(&request, now).starts(window)).collect();
        let times = common(&members, &starts, needed, window)
            .take(most.min(MOST_TIMES))
            .filter_map(|start| {
                let range = TimeRange::new(start, later(start, meeting.minutes).ok()?).ok()?;
                let can = members.iter().zip(&starts).filter(|(_, starts)| starts.binary_search(&start).is_ok());
                Some(TimeTogether { range, who: can.map(|(member, _)| member.known.email.clone()).collect() })
            })
            .collect();
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
            .map(|member| KeptBy { reasons: member.query(&request, now).explain(range), who: member.known })
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
        let mut members = Vec::new();
        let mut reading = JoinSet::new();
        let every = meeting.people.iter().map(|email| (email, false)).chain(meeting.optional.iter().map(|email| (email, true)));
        for (index, (email, optional)) in every.enumerate() {
            let person = self.person_by(email, if optional { "optional" } else { "people" }).await?;
            let grant = self.grant_of(person.id).await?.filter(Grant::is_usable);
            let zone = Self::zone_of(&person, grant.as_ref());
            let rules = person.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
            let recent = grant.as_ref().and_then(|_| self.0.looks.not_older(person.id, now, max_age));
            let busy = match (grant, recent) {
                (None, _) => Busy::Unknown { why: "not_connected".to_owned() },
                (Some(_), Some(busy)) => busy,
                (Some(grant), None) => {
                    let (app, person, zone) = (self.clone(), person.clone(), zone.clone());
                    reading.spawn(async move { (index, app.look(&person, &grant, zone).await) });
                    Busy::Unknown { why: DEADLINE.to_owned() }
                }
            };
            let agenda = self.agenda_for(person.id).await?;
            let known =
                KnownOf { person: person.id, email: email.clone(), source: "unknown", as_of: None, why: None, zone, optional };
            members.push(Member { known, rules, busy, agenda });
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
            (member.known.source, member.known.as_of, member.known.why) = match &member.busy {
                Busy::Known { as_of, .. } => ("known", Some(*as_of), None),
                Busy::Assumed { policy, .. } => ("unknown", None, Some(policy.clone())),
                Busy::Unknown { why } => ("unknown", None, Some(why.clone())),
            };
        }
        Ok(members)
    }

    /// Reads somebody's calendars and keeps what they say for the next who asks.
    async fn look(&self, person: &Person, grant: &Grant, zone: Zone) -> Result<Busy> {
        let now = self.now();
        let busy = Box::pin(self.busy_of(person, Some(grant), zone)).await?;
        self.0.looks.keep(person.id, now, &busy);
        Ok(busy)
    }
}

/// The starts that at least `needed` of those who must come have in common, in order. Counted by five-minute cell, since every start lies
/// on one.
fn common(members: &[Member], starts: &[Vec<Timestamp>], needed: usize, window: TimeRange) -> impl Iterator<Item = Timestamp> {
    let first = Cell::at(window.start()).number();
    let index = |at: Timestamp| usize::try_from(Cell::at(at).number() - first).unwrap_or(usize::MAX);
    let mut counts = vec![0_usize; index(window.end()).saturating_add(1)];
    for starts in members.iter().zip(starts).filter(|(member, _)| !member.known.optional).map(|(_, starts)| starts) {
        for start in starts {
            if let Some(count) = counts.get_mut(index(*start)) {
                *count += 1;
            }
        }
    }
    let enough = counts.into_iter().zip(first..).filter(move |(count, _)| *count >= needed);
    enough.filter_map(|(_, cell)| Cell::from_number(cell).start())
}

/// Why a calendar is unknown that there was no time to read.
const DEADLINE: &str = "deadline";

impl Member {
    fn query<'a>(&'a self, request: &'a Request, now: Timestamp) -> Query<'a> {
        Query { rules: &self.rules, busy: &self.busy, agenda: &self.agenda, now, request }
    }
}

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
