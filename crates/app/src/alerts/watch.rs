//! The rules that are looked at from outside, once a minute, by one node: what nobody notices while it happens.
//!
//! Everything else raises its own alert where it is seen; the rules here also end theirs.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use domain::{
    Timestamp,
    alerts::AlertKind,
    calls::{self, CallCount, Share},
    grants::Grant,
    jobs::{Dedupe, JobState, Work},
};
use ports::{Change, Put, store::Page};
use serde_json::{Value, json};

use crate::{App, Result, draft::later, worker::Verdict};

/// How often the rules are looked at.
const EVERY_SECONDS: i64 = 60;
/// Minutes that count as recent for a share of failures; the hour before them is its past.
const RECENT_MINUTES: i64 = 10;
/// Minutes a refresh may be late before somebody must know.
const OVERDUE_MINUTES: i64 = 15;
/// Looks in a row at which refreshes must be late.
const OVERDUE_LOOKS: u32 = 3;
/// Hours for which a missed reminder is shown.
const MISSED_HOURS: i64 = 24;
/// Days that counts of calls and lendings are kept.
const KEPT_DAYS: i64 = 30;

/// What a rule says of one subject.
struct Finding {
    kind: AlertKind,
    subject: String,
    /// `Some`: it is wrong, with the numbers of the sentence; `None`: it is not, or not any more.
    wrong: Option<Value>,
}

impl App {
    /// Orders the job that looks at the rules, if no node has; called at every start.
    pub async fn order_watch(&self) -> Result<()> {
        let mut draft = self.draft(&Self::by_job());
        let due = draft.now;
        draft.order(Work::Watch, Dedupe::Open("watch".to_owned()), None, due, None);
        Ok(self.commit(draft.finish()).await?)
    }

    /// One look. A rule that fails leaves the others alone and is looked at again in a minute.
    pub(crate) async fn run_watch(&self) -> Result<Verdict> {
        for (name, ran) in [
            ("grants", self.watch_grants().await),
            ("jobs", self.watch_jobs().await),
            ("error rates", self.watch_error_rates().await),
            ("telling", self.tell_alerts().await),
            ("forgetting", self.forget_counts().await),
        ] {
            if let Err(error) = ran {
                tracing::error!(rule = name, %error, "a rule could not be looked at");
            }
        }
        Ok(Verdict::Again { seconds: EVERY_SECONDS, error: None })
    }

    async fn settle_findings(&self, findings: &[Finding]) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            for finding in findings {
                match &finding.wrong {
                    Some(details) => {
                        self.raise(&mut draft, finding.kind, &finding.subject, details.clone()).await?;
                    }
                    None => self.clear(&mut draft, finding.kind, &finding.subject).await?,
                }
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Ends alerts of `kind` whose subject is not in `wrong`, and raises those that are.
    async fn settle_kind(&self, kind: AlertKind, wrong: BTreeMap<String, Value>) -> Result<()> {
        let lasting = self.store().alerts(true, 1_000).await?;
        let over = lasting.into_iter().filter(|alert| alert.kind == kind && !wrong.contains_key(&alert.subject));
        let mut findings: Vec<Finding> = over.map(|alert| Finding { kind, subject: alert.subject, wrong: None }).collect();
        findings.extend(wrong.into_iter().map(|(subject, details)| Finding { kind, subject, wrong: Some(details) }));
        self.settle_findings(&findings).await
    }

    /// A scope that is missing, and refreshes that are due although nobody makes them.
    async fn watch_grants(&self) -> Result<()> {
        let now = self.now();
        let (mut missing, mut overdue) = (BTreeMap::new(), 0_i64);
        let mut page = Page::first(200);
        loop {
            let grants = self.store().grants(page).await?;
            for grant in &grants {
                let scopes = self.missing_scopes(grant)?;
                if !scopes.is_empty() {
                    missing.insert(grant.id.to_string(), json!({"scopes": scopes}));
                }
                overdue += i64::from(is_overdue(grant, now));
            }
            let Some(last) = grants.last().filter(|_| grants.len() == 200) else { break };
            page = Page { after: Some(last.id.to_string()), limit: 200 };
        }
        self.settle_kind(AlertKind::ScopeMissing, missing).await?;
        // Seen at three looks in a row: where the clock was set forward, or a machine slept, everything is late for a moment.
        let looks = if overdue > 0 { self.0.overdue_looks.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        self.0.overdue_looks.store(looks, Ordering::Relaxed);
        let wrong = (looks >= OVERDUE_LOOKS).then(|| ("worker".to_owned(), json!({"grants": overdue, "minutes": OVERDUE_MINUTES})));
        self.settle_kind(AlertKind::RefreshOverdue, wrong.into_iter().collect()).await
    }

    /// Jobs that were given up, and reminders that came too late.
    async fn watch_jobs(&self) -> Result<()> {
        let tallies = self.store().job_tallies().await?;
        let dead = tallies.iter().filter(|tally| tally.state == JobState::Dead);
        let given_up = dead.map(|tally| (tally.kind.clone(), json!({"jobs": tally.count}))).collect();
        self.settle_kind(AlertKind::JobsGivenUp, given_up).await?;
        let since = later(self.now(), -MISSED_HOURS * 60)?;
        let stale = self.store().jobs(JobState::Stale, 200).await?;
        let missed = stale.iter().filter(|job| matches!(job.work, Work::Mail { .. }) && job.due >= since).count();
        let wrong = (missed > 0).then(|| ("reminders".to_owned(), json!({"reminders": missed})));
        self.settle_kind(AlertKind::RemindersMissed, wrong.into_iter().collect()).await
    }

    /// The share of failed calls, for each data centre against its own past hour.
    async fn watch_error_rates(&self) -> Result<()> {
        let recent_from = later(self.now(), -RECENT_MINUTES)?;
        let rows = self.counted(later(recent_from, -60)?, calls::SPAN_SECONDS).await?;
        let mut places: BTreeMap<String, (Share, Share)> = BTreeMap::new();
        for row in &rows {
            let place = places.entry(format!("{}:{}", row.provider, row.data_centre)).or_default();
            add(if row.since >= recent_from { &mut place.0 } else { &mut place.1 }, row);
        }
        let lasting = self.store().alerts(true, 1_000).await?;
        let mut findings = Vec::new();
        for (subject, (recent, before)) in &places {
            if calls::error_rate_rises(*recent, *before) {
                let details = json!({
                    "failed": recent.failed, "calls": recent.calls, "percent": recent.percent(), "before_percent": before.percent(),
                });
                findings.push(Finding { kind: AlertKind::ErrorRateRising, subject: subject.clone(), wrong: Some(details) });
            }
        }
        for alert in lasting.into_iter().filter(|alert| alert.kind == AlertKind::ErrorRateRising) {
            let recent = places.get(&alert.subject).map_or(Share::default(), |(recent, _)| *recent);
            if calls::error_rate_is_low(recent) {
                findings.push(Finding { kind: alert.kind, subject: alert.subject, wrong: None });
            }
        }
        self.settle_findings(&findings).await
    }

    async fn forget_counts(&self) -> Result<()> {
        let now = self.now();
        let change = Change { puts: vec![Put::ForgetCounts(later(now, -KEPT_DAYS * 24 * 60)?)], ..Change::at(now) };
        Ok(self.write(change).await?)
    }
}

fn add(share: &mut Share, row: &CallCount) {
    share.calls += row.count;
    if calls::is_trouble(&row.class) {
        share.failed += row.count;
    }
}

/// Whether a refresh was due long ago and nobody has tried since. One that fails is another matter: it is tried, and due again later.
fn is_overdue(grant: &Grant, now: Timestamp) -> bool {
    let late = |due: Timestamp| now.as_second() - due.as_second() > OVERDUE_MINUTES * 60;
    grant.is_usable() && grant.refresh.next_at.is_some_and(late) && grant.refresh.attempted_at.is_none_or(late)
}
