//! What administrators and auditors look at: jobs given up, mails sent, readiness.

use domain::{
    EmailAddress, Id,
    jobs::{Job, JobState},
    mails::SentMail,
};
use ports::{change::JobStep, store::Page};
use serde_json::json;

use crate::{App, Caller, Error, Result};

/// Whether this process can do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Whether there is no problem.
    pub ok: bool,
    /// What is wrong and how to mend it.
    pub problems: Vec<String>,
    /// Lines of the audit log that wait to be sealed; `None` where the database does not answer.
    pub audit_unsealed: Option<i64>,
    /// What is not wrong, and should not stay so.
    pub warnings: Vec<String>,
}

impl App {
    /// Jobs that were given up, newest first.
    pub async fn dead_jobs(&self, limit: u32) -> Result<Vec<Job>> {
        Ok(self.store().jobs(JobState::Dead, limit).await?)
    }

    /// Tries a job again that was given up.
    pub async fn retry_job(&self, id: Id<Job>, caller: &Caller) -> Result<()> {
        let job = self.store().job(id).await?.ok_or_else(|| Error::missing("job", id))?;
        if job.state != JobState::Dead {
            return Err(Error::Refused {
                code: "job_not_dead",
                problem: "the job was not given up; there is nothing to retry".to_owned(),
            });
        }
        let mut draft = self.draft(caller);
        draft.audit("job.retried", id, json!({"kind": job.work.kind()}));
        let due = draft.now;
        draft.job(JobStep::Revive { id, due });
        self.commit(draft.finish()).await.map_err(Error::from)
    }

    /// Sent mails, newest first.
    pub async fn mails(&self, to: Option<&str>, page: Page) -> Result<Vec<SentMail>> {
        let to: Option<EmailAddress> = to.map(str::parse).transpose().map_err(|error| Error::invalid("to", error))?;
        Ok(self.store().mails(to.as_ref(), page).await?)
    }

    /// One sent mail.
    pub async fn mail(&self, id: Id<SentMail>) -> Result<SentMail> {
        self.store().mail(id).await?.ok_or_else(|| Error::missing("mail", id))
    }

    /// Whether messages stay on this machine (the mailbox page shows them).
    pub fn keeps_mail(&self) -> bool {
        self.0.parts.mailer.keeps_local()
    }

    async fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        match (self.held().await, self.backup_records().await) {
            (Ok(held), Ok(records)) => {
                if held.is_some() {
                    warnings.push(
                        "the installation is held after a restore: nothing goes out until an administrator releases it on the page /backups"
                            .to_owned(),
                    );
                }
                if !self.makes_backups() {
                    warnings.push("no backups are made here; set GREENROOM_BACKUP_DIR".to_owned());
                }
                if records.is_overdue(self.now()) {
                    warnings.push("there is no backup of the last 26 hours; look at the page /backups".to_owned());
                }
                if records.drill.as_ref().is_some_and(|drill| !drill.passed()) {
                    warnings.push("the last restore drill failed; look at the page /backups".to_owned());
                }
            }
            (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "the state of backups cannot be read"),
        }
        warnings
    }

    /// Whether this process can do its work, and what to mend where it cannot.
    pub async fn ready(&self) -> Readiness {
        let mut problems = Vec::new();
        if let Err(error) = self.store().ping().await {
            tracing::error!(%error, "not ready");
            problems.push(
                "the database does not answer or cannot be written; check DATABASE_URL, the disk and the file's owner".to_owned(),
            );
        }
        match self.store().grants(Page::first(200)).await {
            Ok(grants) => {
                let misconfigured = grants.iter().any(|grant| grant.refresh.last_failure.as_deref() == Some("misconfigured"));
                if misconfigured {
                    problems.push(
                        "Zoho refuses the client id or secret; correct ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET and start again"
                            .to_owned(),
                    );
                }
            }
            Err(error) => tracing::error!(%error, "grants cannot be read"),
        }
        let audit_unsealed = match self.store().audit_tally().await {
            Ok(tally) => Some(tally.unsealed),
            Err(error) => {
                tracing::error!(%error, "the audit log cannot be counted");
                None
            }
        };
        Readiness { ok: problems.is_empty(), problems, audit_unsealed, warnings: self.warnings().await }
    }
}
