//! Removing what we made in a calendar for somebody who is being erased: also where the interview is over.

use domain::{
    Id,
    grants::Grant,
    interviews::{Command, Interview, Role},
    people::Person,
};
use ports::calendar::{Event, FailureClass, ProviderError};

use crate::{App, Error, Result};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nothing of ours stands there.
    Gone,
    /// The manager's permission has ended.
    Unreachable {
        /// Whose calendar it is.
        manager: Id<Person>,
    },
    /// The provider does not answer, or somebody changed the event at this moment.
    Later,
}

impl App {
    /// One attempt at removing an interview's event, found by its uid or, after an unclear create, by its marker.
    pub(crate) async fn remove_event(&self, interview: &Interview) -> Result<Removal> {
        let id = interview.id;
        let manager = interview.with_role(Role::Manager).ok_or_else(|| Error::missing("manager", id))?;
        let unreachable = Removal::Unreachable { manager };
        let Some(bench) = self.bench(id).await? else { return Ok(unreachable) };
        if !Grant::is_usable(&bench.grant) {
            return Ok(unreachable);
        }
        let found = match (&interview.event, &interview.attempt) {
            (Some(event), _) => {
                let live = self.live_event(&bench, event).await?;
                live.map(|live| live.into_iter().map(|live| (event.calendar.clone(), live)).collect::<Vec<_>>())
            }
            (None, Some(attempt)) => {
                let marked = self.marked(&bench, &attempt.calendar, attempt.at).await?;
                marked.map(|events| events.into_iter().map(|event| (attempt.calendar.clone(), event)).collect())
            }
            (None, None) => return Ok(Removal::Gone),
        };
        let found: Vec<(String, Event)> = match found {
            Ok(found) => found,
            Err(error) => return Ok(failed(id, &error, unreachable)),
        };
        for (calendar, event) in &found {
            let provider = bench.provider;
            let (uid, etag) = (event.uid.as_str(), event.etag.as_deref().unwrap_or_default());
            let answer =
                self.with_access(bench.grant.id, |access| async move { provider.delete(&access, calendar, uid, etag).await }).await;
            match answer {
                Ok(()) => {}
                Err(error) if error.class == FailureClass::Gone => {}
                Err(error) => return Ok(failed(id, &error, unreachable)),
            }
        }
        self.apply(id, "interview.erased", Command::Erased).await?;
        Ok(Removal::Gone)
    }
}

fn failed(id: Id<Interview>, error: &ProviderError, unreachable: Removal) -> Removal {
    tracing::warn!(interview = %id, class = ?error.class, detail = error.detail, "an event cannot be removed now");
    match error.class {
        FailureClass::Revoked | FailureClass::WrongDataCentre => unreachable,
        _ => Removal::Later,
    }
}
