//! Everything that says when somebody can be booked, kept while it stands: a question about people who were asked about a moment ago reads
//! three lists of revisions and copies bits.
//!
//! **Invariant:** nothing kept is used without its [`Standing`] read in the same question, and that was read before what it stands for. So
//! whatever was committed before the question began is in the answer; there is no time for which an old agenda may serve.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{Id, Timestamp, Zone, grants::Grant, people::Person};
use ports::store::Standing;
use scheduling::{Agenda, Busy, CellSet, Prepared, Query, Request, Rules, SlotLength, TimeRange};

use crate::{App, Result, choices::Source};

/// How long somebody about whom nobody asks stays ready, in seconds.
const KEEP_SECONDS: i64 = 300;
/// People who are ready at most; beyond, all are read anew.
const MOST_READY: usize = 5_000;
/// Lengths for which somebody's starts are kept at most.
const MOST_LENGTHS: usize = 4;

/// Somebody with everything that says when they can, but for their calendar.
pub(super) struct Ready {
    standing: Standing,
    /// What their calendar is read with; `None` where it is not connected.
    pub source: Option<Source>,
    pub zone: Zone,
    rules: Rules,
    agenda: Agenda,
    starts: Mutex<Vec<Kept>>,
}

/// Starts of one length, by the calendar as it was read once.
struct Kept {
    length: SlotLength,
    busy: Arc<Busy>,
    prepared: Arc<Prepared>,
}

impl Ready {
    pub fn person(&self) -> Id<Person> {
        self.standing.person
    }

    pub fn query<'a>(&'a self, busy: &'a Busy, request: &'a Request, now: Timestamp) -> Query<'a> {
        Query { rules: &self.rules, busy, agenda: &self.agenda, now, request }
    }

    /// The starts within `window`, of a request without a guest.
    pub fn starts(&self, busy: &Arc<Busy>, request: &Request, window: TimeRange, now: Timestamp) -> CellSet {
        if busy.set().is_none() {
            return CellSet::within(window);
        }
        match self.kept(busy, request.length, now).or_else(|| self.prepare(busy, request, now)) {
            Some(prepared) => prepared.starts(window, now),
            None => self.query(busy, request, now).start_cells(window),
        }
    }

    fn kept(&self, busy: &Arc<Busy>, length: SlotLength, now: Timestamp) -> Option<Arc<Prepared>> {
        let starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = starts.iter().find(|kept| kept.length == length && Arc::ptr_eq(&kept.busy, busy))?;
        let span = kept.prepared.span();
        (span.start() <= now && self.rules.latest(now) <= span.end()).then(|| Arc::clone(&kept.prepared))
    }

    /// All that the rules leave open from now on, so that any window is a part of it.
    fn prepare(&self, busy: &Arc<Busy>, request: &Request, now: Timestamp) -> Option<Arc<Prepared>> {
        let span = TimeRange::new(now, self.rules.latest(now)).ok()?;
        let prepared = Arc::new(Prepared::new(&self.query(busy, request, now), span));
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        starts.retain(|kept| kept.length != request.length && Arc::ptr_eq(&kept.busy, busy));
        starts.truncate(MOST_LENGTHS - 1);
        starts.insert(0, Kept { length: request.length, busy: Arc::clone(busy), prepared: Arc::clone(&prepared) });
        Some(prepared)
    }
}

/// When somebody was asked about last, and what is kept of them.
type Asked = (Timestamp, Arc<Ready>);

/// Who is ready.
#[derive(Default)]
pub(crate) struct ReadyPeople(Mutex<HashMap<Id<Person>, Asked>>);

impl ReadyPeople {
    fn get(&self, standing: &Standing, now: Timestamp) -> Option<Arc<Ready>> {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, ready) = people.get_mut(&standing.person).filter(|(_, ready)| ready.standing == *standing)?;
        *asked = now;
        Some(Arc::clone(ready))
    }

    fn keep(&self, ready: &Arc<Ready>, now: Timestamp) {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        people.retain(|_, (asked, _)| now.as_second() - asked.as_second() < KEEP_SECONDS);
        if people.len() >= MOST_READY {
            people.clear();
        }
        people.insert(ready.person(), (now, Arc::clone(ready)));
    }
}

impl App {
    /// Somebody as they stand; reads what was not read since that changed.
    pub(super) async fn as_they_stand(&self, standing: Standing, now: Timestamp) -> Result<Arc<Ready>> {
        if let Some(ready) = self.0.ready.get(&standing, now) {
            return Ok(ready);
        }
        let person = self.person(standing.person).await?;
        let grant = self.grant_of(person.id).await?.filter(Grant::is_usable);
        let zone = Self::zone_of(&person, grant.as_ref());
        let rules = person.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
        let agenda = self.agenda_for(person.id).await?;
        let source = grant.as_ref().map(|grant| Source::of(&person, grant));
        let ready = Arc::new(Ready { standing, source, zone, rules, agenda, starts: Mutex::default() });
        self.0.ready.keep(&ready, now);
        Ok(ready)
    }

    /// Reads somebody's calendars and keeps what they say for the next who asks.
    pub(super) async fn look(&self, person: Id<Person>) -> Result<Arc<Busy>> {
        let now = self.now();
        let person = self.person(person).await?;
        let grant = self.grant_of(person.id).await?.filter(Grant::is_usable);
        let zone = Self::zone_of(&person, grant.as_ref());
        let busy = Arc::new(Box::pin(self.busy_of(&person, grant.as_ref(), zone)).await?);
        if let Some(grant) = &grant {
            self.0.looks.keep(Source::of(&person, grant), now, &busy);
        }
        Ok(busy)
    }
}
