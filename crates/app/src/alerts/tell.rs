//! Telling people: by mail and webhook, in digests.
//!
//! What is told is noted on the alerts in the same change that orders the messages, so two nodes that look at once do not both tell. How
//! often, and of how many, [`domain::alerts::digest`] decides.

use domain::{
    EmailAddress, Id, Timestamp,
    alerts::{AlertKind, Digest, News, Section},
    grants::Grant,
    jobs::{Dedupe, Work},
    mails::MailOrder,
    people::Person,
};
use ports::{
    Put,
    mail::{Addressee, AlertLine, AlertSection, Body, Letter},
    poster::{Post, PostError},
};
use serde_json::{Value, json};

use crate::{
    App, Result,
    draft::{later, touched},
    worker::Verdict,
};

/// Hours after which an alert that still lasts is told of again.
const REMINDED_HOURS: i64 = 24;
/// Alerts that are looked through at once.
const LOOK_AT: u32 = 1_000;
/// Attempts at one webhook before a person must look: with the growing pauses between them, about a day.
const MAX_POSTS: i64 = 30;

impl App {
    /// Tells of what is news, if it is time to.
    pub(crate) async fn tell_alerts(&self) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let now = draft.now;
            let day_ago = later(now, -REMINDED_HOURS * 60)?;
            let untold = self.store().untold_alerts(day_ago, LOOK_AT).await?;
            if untold.is_empty() {
                return Ok((draft.finish(), ()));
            }
            let told = self.store().alerts_told(day_ago).await?;
            let Some((digest, ids)) = domain::alerts::digest(&untold, &told, now) else { return Ok((draft.finish(), ())) };
            for alert in untold.iter().filter(|alert| ids.contains(&alert.id)) {
                let mut next = touched(alert);
                if next.ended_at.is_some() {
                    next.ended_told_at = Some(now);
                } else {
                    next.told_at = Some(now);
                }
                draft.put(Put::Alert(next));
            }
            if self.alerts_to().is_some() {
                draft.mail(MailOrder::Alerts { digest: digest.clone() });
            }
            if self.settings().alerts.webhook.is_some() {
                let key = format!("alert_post:{}", now.as_microsecond());
                draft.order(Work::AlertPost { digest }, Dedupe::Once(key), None, now, None);
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    fn alerts_to(&self) -> Option<EmailAddress> {
        let settings = self.settings();
        settings.alerts.to.clone().or_else(|| settings.recruiting_contact.clone())
    }

    /// The letter of a digest. Grants are named by their manager.
    pub(crate) async fn alerts_letter(&self, digest: &Digest) -> Result<Option<(Addressee, Body)>> {
        let Some(email) = self.alerts_to() else { return Ok(None) };
        let mut sections = Vec::new();
        for section in &digest.sections {
            sections.push(self.section(section, true).await?);
        }
        let to = Addressee { name: String::new(), email, zone: None };
        Ok(Some((to, Body::Alerts { sections, page: self.our_url("alerts")? })))
    }

    async fn section(&self, section: &Section, names: bool) -> Result<AlertSection> {
        let lists = [&section.began, &section.lasting, &section.over];
        let mut filled: [Vec<AlertLine>; 3] = Default::default();
        for (list, lines) in lists.into_iter().zip(&mut filled) {
            for news in list {
                let subject = if names { self.named(&news.subject).await? } else { news.subject.clone() };
                lines.push(AlertLine { subject, since: news.since, until: news.until });
            }
        }
        let [began, lasting, over] = filled;
        Ok(AlertSection { kind: section.kind, began, lasting, over, more: section.more })
    }

    /// The manager's name for a grant, anything else as it is.
    pub(crate) async fn named(&self, subject: &str) -> Result<String> {
        let Ok(id) = subject.parse::<Id<Grant>>() else { return Ok(subject.to_owned()) };
        let Some(grant) = self.store().grant(id).await? else { return Ok(subject.to_owned()) };
        let person = self.store().person(grant.person).await?.map(|person: Person| person.name);
        Ok(person.filter(|name| !name.is_empty()).unwrap_or_else(|| subject.to_owned()))
    }

    /// Posts one digest. Names stay here: the message has ids, codes and the sentences that belong to them.
    pub(crate) async fn run_alert_post(&self, digest: &Digest, attempt: i64) -> Result<Verdict> {
        let Some(url) = self.settings().alerts.webhook.clone() else { return Ok(Verdict::Done) };
        let mut sections = Vec::new();
        for section in &digest.sections {
            sections.push(self.section(section, false).await?);
        }
        let id = format!("alerts-{}-{}", self.0.parts.installation, digest.at.as_microsecond());
        let page = self.our_url("alerts")?;
        // The receiver is no address; the letter is made for its words.
        let nobody: EmailAddress =
            "alerts@greenroom.invalid".parse().map_err(|error| crate::Error::Internal(format!("{error}")))?;
        let letter = Letter {
            message_id: id.clone(),
            kind: "alerts".to_owned(),
            at: digest.at,
            to: Addressee { name: String::new(), email: nobody, zone: None },
            reply_to: None,
            company: self.settings().company.clone(),
            body: Body::Alerts { sections, page: page.clone() },
        };
        let words = self.0.parts.mailer.compose(&letter).map_err(|error| crate::Error::Internal(error.to_string()))?;
        let body = json!({
            "type": "greenroom.alerts",
            "timestamp": digest.at,
            "data": {
                "title": words.subject,
                "text": words.text,
                "page": page.as_str(),
                "alerts": digest.sections.iter().map(section_json).collect::<Vec<_>>(),
            },
        });
        match self.0.parts.poster.post(&Post { url: url.0, id, at: self.now(), body: body.to_string() }).await {
            Ok(()) => Ok(Verdict::Done),
            Err(error @ PostError::Refused(_)) => Ok(Verdict::Fail(error.to_string())),
            Err(error) if attempt >= MAX_POSTS => Ok(Verdict::Fail(error.to_string())),
            Err(error) => Ok(Verdict::backoff(attempt, error)),
        }
    }
}

fn section_json(section: &Section) -> Value {
    let news = |list: &[News]| list.iter().map(|news| news_json(section.kind, news)).collect::<Vec<_>>();
    json!({
        "kind": section.kind.code(),
        "severity": section.kind.severity(),
        "began": news(&section.began),
        "lasting": news(&section.lasting),
        "over": news(&section.over),
        "more": section.more,
    })
}

fn news_json(kind: AlertKind, news: &News) -> Value {
    let until: Option<Timestamp> = news.until;
    json!({"name": format!("{}:{}", kind.code(), news.subject), "subject": news.subject, "since": news.since, "until": until})
}
