//! Intent and reality: the calendars of everybody who interviews are looked at again and again while an interview is to come. What differs
//! from what is intended is mended where that is safe, and put before a person where it is not.
//!
//! A look only reads. What it finds goes the ways there are: a move by hand to the one writer of events, everything else as a command.

mod reading;
mod repair;

use domain::{
    Id, TimeRange, Timestamp,
    alerts::AlertKind,
    grants::Grant,
    interviews::{AttentionReason, Command, Interview, Role},
    jobs::{Dedupe, Work},
    people::Person,
    reality::{self, AGAIN_SECONDS, FAR_EVERY, Finding, Look, NEAR_EVERY, NEAR_SECONDS, Seen, Sight},
};
use ports::{Put, calendar::ProviderError, store::Page};
use serde_json::json;

use crate::{
    App, Caller, Error, InterviewView, Result,
    draft::{Draft, later, touched},
    grants::after,
    monitoring::class_code,
    settle::upcoming,
    worker::Verdict,
};

/// How far ahead interviews are looked at.
const AHEAD_MINUTES: i64 = 366 * 24 * 60;
/// Seconds until a grant that is not in use is asked about again.
const WAIT_SECONDS: i64 = 600;
/// Interviews that the page shows.
const SHOWN: u32 = 500;
/// Seconds by which a look may come early: the worker's own grain.
const GRAIN_SECONDS: i64 = 5;

/// What is intended and what the calendars show.
#[derive(Debug, Clone, PartialEq)]
pub struct RealityView {
    /// Now.
    pub at: Timestamp,
    /// The calendars that are looked at, by name of their owner.
    pub looks: Vec<LookView>,
    /// Interviews to come, by start.
    pub interviews: Vec<RealityRow>,
}

/// How the calendars behind one grant were last looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct LookView {
    /// The look.
    pub look: Look,
    /// Whose calendars.
    pub person: Person,
}

/// One interview, with what the calendar of each who interviews showed.
#[derive(Debug, Clone, PartialEq)]
pub struct RealityRow {
    /// The interview.
    pub view: InterviewView,
    /// What was seen, and in whose calendars; nobody's before the first look.
    pub sights: Vec<(Id<Person>, Sight)>,
}

impl RealityRow {
    /// Whether anything differs from what is intended.
    pub fn differs(&self) -> bool {
        let differs = |sight: &Sight| {
            matches!(sight.seen, Seen::Elsewhere { .. } | Seen::Missing { .. }) || sight.declined || !sight.overlaps.is_empty()
        };
        self.view.interview.attention.is_some() || self.sights.iter().any(|(_, sight)| differs(sight))
    }

    /// When the oldest of the calendars was read.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.sights.iter().map(|(_, sight)| sight.at).min()
    }
}

impl App {
    /// Orders the looks at every calendar in use; those with nothing to look at end by themselves. Called at every start.
    pub async fn start_looks(&self) -> Result<()> {
        let mut page = Page::first(200);
        loop {
            let grants = self.store().grants(page).await?;
            let mut draft = self.draft(&Self::by_job());
            for grant in grants.iter().filter(|grant| grant.is_usable()) {
                let due = draft.now;
                order(&mut draft, grant.id, due);
            }
            let change = draft.finish();
            if !change.is_empty() {
                self.commit(change).await?;
            }
            let Some(last) = grants.last().filter(|_| grants.len() == 200) else { return Ok(()) };
            page = Page { after: Some(last.id.to_string()), limit: 200 };
        }
    }

    /// Orders looks at the calendars of everybody who interviews.
    pub(crate) async fn order_looks(&self, draft: &mut Draft<'_>, interview: &Interview) -> Result<()> {
        for person in interview.panel() {
            if let Some(grant) = self.grant_of(person).await?.filter(Grant::is_usable) {
                let due = after(draft.now, NEAR_EVERY);
                order(draft, grant.id, due);
            }
        }
        Ok(())
    }

    /// One look.
    pub(crate) async fn run_look(&self, id: Id<Grant>) -> Result<Verdict> {
        let Some(grant) = self.store().grant(id).await? else { return Ok(Verdict::Done) };
        let now = self.now();
        let interviews = self.to_come(grant.person, now).await?;
        let before = self.store().look(id).await?.unwrap_or_else(|| Look::new(id, now));
        if interviews.is_empty() {
            return self.nothing_to_see(before).await;
        }
        if !grant.is_usable() {
            return Ok(Verdict::Again { seconds: WAIT_SECONDS, error: None });
        }
        let is_near = |interview: &Interview| interview.range.start().as_second() - now.as_second() <= NEAR_SECONDS;
        let pause = if interviews.iter().any(is_near) { NEAR_EVERY } else { FAR_EVERY };
        let mut next = touched(&before);
        next.tried_at = now;
        match self.read_look(&grant, &interviews, is_near, &mut next).await? {
            Ok(()) => next.problem = None,
            Err(error) => {
                next.problem = Some(class_code(error.class).to_owned());
                self.keep(next, None).await?;
                return Ok(again_after(&error, pause));
            }
        }
        let unsure = self.act(&before, &mut next, &interviews).await?;
        let held = (next.held_at.is_some() != before.held_at.is_some()).then_some(next.held_at.is_some());
        self.keep(next, held).await?;
        Ok(Verdict::Again { seconds: if unsure { AGAIN_SECONDS } else { pause }, error: None })
    }

    /// Interviews in which somebody sits, and that have not begun.
    async fn to_come(&self, person: Id<Person>, now: Timestamp) -> Result<Vec<Interview>> {
        let window = TimeRange::new(now, later(now, AHEAD_MINUTES)?).map_err(|error| Error::Internal(error.to_string()))?;
        let mut interviews = self.store().agenda(person, window).await?;
        interviews.retain(|interview| {
            let counts = upcoming(interview.state) || interview.attention.is_some();
            counts && interview.range.start() > now && interview.panel().any(|sits| sits == person)
        });
        Ok(interviews)
    }

    /// The last interview is over: what was seen of it is of no use any more.
    async fn nothing_to_see(&self, before: Look) -> Result<Verdict> {
        if before.rev > 0 && (!before.sights.is_empty() || before.held_at.is_some()) {
            let held = before.held_at.is_some().then_some(false);
            let next = Look { rev: before.rev + 1, ..Look::new(before.grant, self.now()) };
            self.keep(next, held).await?;
        }
        Ok(Verdict::Done)
    }

    /// Acts on what is new, then forgets nothing of it: a run that is cut in between finds the same again, and acting twice is acting once.
    /// Whether something must be looked for again soon.
    async fn act(&self, before: &Look, next: &mut Look, interviews: &[Interview]) -> Result<bool> {
        let mut found = Vec::new();
        for interview in interviews {
            let Some(sight) = next.sight(interview.id) else { continue };
            let findings = reality::judge(before.sight(interview.id), sight, interview);
            found.extend(findings.into_iter().map(|finding| (interview, finding)));
        }
        let drastic = found.iter().filter(|(_, finding)| finding.is_drastic()).count();
        let standing = next.sights.iter().filter(|sight| !matches!(sight.seen, Seen::Beside | Seen::NotWritten)).count();
        if Look::is_mass(drastic, standing) && !next.admitted {
            next.held_at.get_or_insert(next.tried_at);
            found.retain(|(_, finding)| !finding.is_drastic());
        } else {
            next.held_at = None;
            next.admitted &= drastic > 0;
        }
        let unsure = found.iter().any(|(_, finding)| *finding == Finding::Unsure);
        for (interview, finding) in found {
            // Changed since it was read: what was seen is compared with the new intention at the next look.
            let same = |now: &Interview| now.intent_rev == interview.intent_rev && now.range == interview.range;
            if self.store().interview(interview.id).await?.as_ref().is_some_and(same) {
                self.act_on(next.grant, interview, finding).await?;
            }
        }
        for sight in &mut next.sights {
            if let Some(interview) = interviews.iter().find(|interview| interview.id == sight.interview) {
                *sight = reality::kept(before.sight(sight.interview), sight.clone(), interview);
            }
        }
        Ok(unsure)
    }

    async fn act_on(&self, grant: Id<Grant>, interview: &Interview, finding: Finding) -> Result<()> {
        let id = interview.id;
        tracing::info!(interview = %id, %grant, finding = finding.code(), "a calendar differs from what was known");
        match finding {
            Finding::Unsure => {}
            Finding::Moved => {
                let mut draft = self.draft(&Self::by_job());
                draft.settle(id);
                self.commit(draft.finish()).await?;
            }
            Finding::Deleted => {
                self.apply(id, "interview.event_deleted", Command::Alarm(AttentionReason::EventDeleted)).await?;
            }
            Finding::Declined => {
                self.apply(id, "interview.declined", Command::Alarm(AttentionReason::ManagerCannot)).await?;
            }
            Finding::Overlapped => {
                self.apply(id, "interview.clash", Command::Alarm(AttentionReason::Clash)).await?;
                Box::pin(self.make_way(id)).await?;
            }
            Finding::ClashOver => {
                if !self.clashes_elsewhere(grant, interview).await? {
                    self.apply(id, "interview.clash_over", Command::Mended(AttentionReason::Clash)).await?;
                }
            }
            Finding::Back => {
                self.apply(id, "interview.event_back", Command::Mended(AttentionReason::EventDeleted)).await?;
            }
        }
        Ok(())
    }

    /// Whether somebody else who interviews has something else then.
    async fn clashes_elsewhere(&self, grant: Id<Grant>, interview: &Interview) -> Result<bool> {
        for person in interview.panel() {
            let Some(other) = self.grant_of(person).await?.filter(|other| other.id != grant) else {
                continue;
            };
            let look = self.store().look(other.id).await?;
            if look.as_ref().and_then(|look| look.sight(interview.id)).is_some_and(|sight| !sight.overlaps.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the looks have seen this overlap, so that it was put before a person before.
    pub(crate) async fn is_known_clash(&self, interview: &Interview, overlap: TimeRange) -> Result<bool> {
        for person in interview.panel() {
            let Some(grant) = self.grant_of(person).await? else { continue };
            let look = self.store().look(grant.id).await?;
            let sight = look.as_ref().and_then(|look| look.sight(interview.id)).filter(|sight| sight.range == interview.range);
            if sight.is_some_and(|sight| sight.overlaps.contains(&overlap)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Stores a look. `held`: whether it began (or ended) that nothing is believed.
    async fn keep(&self, look: Look, held: Option<bool>) -> Result<()> {
        let (look, grant) = (&look, look.grant.to_string());
        self.transact(None, || async {
            let mut draft = self.draft(&Self::by_job());
            match held {
                Some(true) => {
                    draft.audit("look.held", &grant, json!({"interviews": look.sights.len()}));
                    self.raise(&mut draft, AlertKind::MassChange, &grant, json!({"interviews": look.sights.len()})).await?;
                }
                Some(false) => self.clear(&mut draft, AlertKind::MassChange, &grant).await?,
                None => {}
            }
            draft.put(Put::Look(look.clone()));
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Whether nothing that this calendar shows is believed at the moment.
    pub(crate) async fn disbelieved(&self, grant: Id<Grant>) -> Result<bool> {
        Ok(self.store().look(grant).await?.is_some_and(|look| look.held_at.is_some() && !look.admitted))
    }

    /// What is intended and what the calendars show.
    pub async fn reality(&self) -> Result<RealityView> {
        let at = self.now();
        let mut looks = Vec::new();
        for look in self.store().looks().await? {
            if let Some(grant) = self.store().grant(look.grant).await?.filter(|_| !look.sights.is_empty() || look.problem.is_some())
            {
                looks.push(LookView { person: self.person(grant.person).await?, look });
            }
        }
        looks.sort_by(|one, other| (&one.person.name, one.person.id).cmp(&(&other.person.name, other.person.id)));
        let window = TimeRange::new(at, later(at, AHEAD_MINUTES)?).map_err(|error| Error::Internal(error.to_string()))?;
        let mut interviews = Vec::new();
        for interview in self.store().interviews_between(window, SHOWN).await? {
            if !(upcoming(interview.state) || interview.attention.is_some()) || interview.range.start() <= at {
                continue;
            }
            let sights = looks.iter().filter_map(|seen| Some((seen.person.id, seen.look.sight(interview.id)?.clone())));
            let sights = sights.collect();
            interviews.push(RealityRow { view: self.interview_view(interview).await?, sights });
        }
        Ok(RealityView { at, looks, interviews })
    }

    /// A person says that so many changes at once are what they seem: the next look, at once, acts on them.
    pub async fn admit_changes(&self, grant: Id<Grant>, caller: &Caller) -> Result<()> {
        self.transact(None, || async move {
            let look = self.store().look(grant).await?.ok_or_else(|| Error::missing("look", grant))?;
            let mut draft = self.draft(caller);
            if look.held_at.is_none() {
                return Err(Error::Refused {
                    code: "nothing_held",
                    problem: "this calendar is not held back: what it shows is believed already".to_owned(),
                });
            }
            if !look.admitted {
                draft.audit("look.admitted", grant, json!({}));
                draft.put(Put::Look(Look { admitted: true, ..touched(&look) }));
            }
            let due = draft.now;
            order(&mut draft, grant, due);
            Ok((draft.finish(), ()))
        })
        .await
    }
}

fn order(draft: &mut Draft<'_>, grant: Id<Grant>, due: Timestamp) {
    draft.order(Work::Look { grant }, Dedupe::Open(format!("look:{grant}")), None, due, None);
}

/// When a look that could not be made is made again. Waiting for a provider is not failing.
fn again_after(error: &ProviderError, pause: i64) -> Verdict {
    tracing::warn!(class = ?error.class, detail = error.detail, "a calendar could not be looked at");
    Verdict::Again { seconds: pause.max(error.retry_after.unwrap_or(0)).min(3_600), error: None }
}

/// Who owns the calendar that the event stands in.
fn leads(interview: &Interview, person: Id<Person>) -> bool {
    interview.with_role(Role::Manager) == Some(person)
}
