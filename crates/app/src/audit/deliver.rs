//! Checkpoints leave the database: into a file, by mail, by webhook. Each way is a job of its own, so that one that fails holds up no other.

use domain::{
    audit::Checkpoint,
    jobs::{Dedupe, Way, Work},
    mails::MailOrder,
};
use ports::{
    mail::{Addressee, Body},
    poster::{Post, PostError},
};
use serde_json::json;

use crate::{App, Error, Result, draft::Draft, worker::Verdict};

impl App {
    /// Owes the checkpoint to every way there is.
    pub(super) fn order_deliveries(&self, draft: &mut Draft<'_>, seq: i64) {
        let settings = &self.settings().audit;
        if settings.mail.is_some() {
            draft.mail(MailOrder::Checkpoint { seq });
        }
        for (way, wanted) in [(Way::File, settings.file), (Way::Webhook, settings.webhook.is_some())] {
            if wanted {
                let work = Work::GiveOutCheckpoint { seq, way };
                let due = draft.now;
                // Of one way in the order they were signed.
                let stream = Some(format!("audit:{}", way.code()));
                draft.order(work, Dedupe::Once(format!("audit:{}:{seq}", way.code())), stream, due, None);
            }
        }
    }

    /// The checkpoint as one line of JSON.
    pub(crate) async fn checkpoint_line(&self, seq: i64) -> Result<String> {
        let checkpoint = self.store().audit_checkpoint(seq).await?.ok_or_else(|| Error::missing("checkpoint", seq))?;
        serde_json::to_string(&checkpoint).map_err(|error| Error::Internal(format!("a checkpoint cannot be written: {error}")))
    }

    /// The checkpoint for whoever keeps such mails; `None` where nobody does any more.
    pub(crate) async fn checkpoint_letter(&self, seq: i64) -> Result<Option<(Addressee, Body)>> {
        let Some(email) = self.settings().audit.mail.clone() else { return Ok(None) };
        let to = Addressee { name: self.settings().company.clone(), email, zone: None };
        Ok(Some((to, Body::Checkpoint { lines: seq, json: self.checkpoint_line(seq).await? })))
    }

    /// One way out.
    pub(crate) async fn run_give_out_checkpoint(&self, seq: i64, way: Way, attempt: i64) -> Result<Verdict> {
        let line = self.checkpoint_line(seq).await?;
        match way {
            Way::File => {
                let Some(witness) = &self.0.parts.witness else { return Ok(Verdict::Done) };
                match witness.keep(&line).await {
                    Ok(()) => Ok(Verdict::Done),
                    Err(error) => Ok(Verdict::backoff(attempt, error)),
                }
            }
            Way::Webhook => {
                let Some(url) = self.settings().audit.webhook.clone() else { return Ok(Verdict::Done) };
                let checkpoint: Checkpoint = serde_json::from_str(&line)
                    .map_err(|error| Error::Internal(format!("a checkpoint cannot be read: {error}")))?;
                let at = self.now();
                let body = json!({"type": "audit.checkpoint", "timestamp": checkpoint.at, "data": checkpoint}).to_string();
                let id = format!("{}_audit_{seq}", self.0.parts.installation);
                match self.0.parts.poster.post(&Post { url, id, at, body }).await {
                    Ok(()) => Ok(Verdict::Done),
                    Err(PostError::Refused(why)) => Ok(Verdict::Fail(why)),
                    Err(error) => Ok(Verdict::backoff(attempt, error)),
                }
            }
        }
    }
}
