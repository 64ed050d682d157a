//! `Idempotency-Key`: the first use of a key is recorded before the work begins, its answer when it is there, and the same request
//! gets the same answer from then on.

use domain::{Id, access::ApiKey};
use ports::{
    Change, Put,
    change::{Conflict, Name, Scope},
    store::CommitError,
};
use serde::{Deserialize, Serialize};

use crate::{App, Error, Result};

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The revision in the answer's ETag, if it has one.
    pub etag: Option<String>,
    /// The body; `None` where it held a secret and was not kept.
    pub body: Option<String>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeat {
    /// Never used: do the work, then call [`App::finish_once`] or [`App::forget_once`] with this.
    First(Once),
    /// Used for the same request: give the same answer.
    Again(KeptAnswer),
    /// Used for the same request, which has no answer yet or was interrupted.
    InProgress,
    /// Used for another request.
    Other,
}

/// The first use of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    name: String,
    owner: String,
}

impl App {
    /// Records the first use of `text` by a caller for the request with this digest, or says what is known of it.
    pub async fn begin_once(&self, caller: Id<ApiKey>, text: &str, digest: &str) -> Result<Repeat> {
        let name = format!("{caller}:{text}");
        // The random part tells two callers with the same request apart: only one of them is the first.
        let owner = format!("{digest}:{:032x}", u128::from_be_bytes(self.entropy().bytes()));
        let mut change = Change::at(self.now());
        change.names.push(Name::Take { scope: Scope::Idempotency, name: name.clone(), owner: owner.clone() });
        match self.store().commit(change).await {
            Ok(()) => return Ok(Repeat::First(Once { name, owner })),
            Err(CommitError::Conflict(Conflict::Taken { .. })) => {}
            Err(error) => return Err(error.into()),
        }
        let Some(first) = self.store().owner(Scope::Idempotency, &name).await? else { return Err(Error::Busy) };
        if first.split_once(':').map(|(known, _)| known) != Some(digest) {
            return Ok(Repeat::Other);
        }
        match self.store().setting(&setting(&name)).await? {
            None => Ok(Repeat::InProgress),
            Some(text) => {
                let kept = serde_json::from_str(&text).map_err(|error| Error::Internal(format!("{}: {error}", setting(&name))))?;
                Ok(Repeat::Again(kept))
            }
        }
    }

    /// Keeps the answer of the first use.
    pub async fn finish_once(&self, once: &Once, answer: &KeptAnswer) -> Result<()> {
        let text = serde_json::to_string(answer).map_err(|error| Error::Internal(error.to_string()))?;
        let mut change = Change::at(self.now());
        change.puts.push(Put::Setting(setting(&once.name), text));
        self.store().commit(change).await.map_err(Error::from)
    }

    /// The work failed on our side or at the provider: the key may be used again.
    pub async fn forget_once(&self, once: &Once) -> Result<()> {
        let mut change = Change::at(self.now());
        change.names.push(Name::Release { scope: Scope::Idempotency, name: once.name.clone(), owner: once.owner.clone() });
        self.store().commit(change).await.map_err(Error::from)
    }
}

fn setting(name: &str) -> String {
    format!("idempotency:{name}")
}

/// What takes the place of an answer that held the data of somebody who was erased.
pub(crate) fn erased_answer() -> Result<String> {
    let body = serde_json::json!({
        "type": "urn:greenroom:problem:erased",
        "code": "erased",
        "title": "The answer was erased",
        "status": 410,
        "detail": "this request was done, and somebody its answer was about has been erased since; read what you need anew",
    });
    let answer = KeptAnswer { status: 410, etag: None, body: Some(body.to_string()) };
    serde_json::to_string(&answer).map_err(|error| Error::Internal(error.to_string()))
}
