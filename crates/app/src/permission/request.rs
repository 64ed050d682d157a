//! Asking a manager for permission: at once, again after 2, 4 and 7 days, and then the vacancy needs attention.

use domain::{
    Id,
    grants::{Grant, PermissionRequest},
    jobs::{Dedupe, Work},
    links::Purpose,
    mails::MailOrder,
    people::Person,
    vacancies::Vacancy,
};
use ports::Put;
use serde_json::json;

use crate::{
    App, Caller, Error, Result,
    draft::{Draft, later, touched},
    worker::Verdict,
};

/// Days after the first mail at which the request is repeated.
const REPEAT_AFTER_DAYS: [i64; 3] = [2, 4, 7];
/// The same for a permission that was lost: once a day for a week.
const DAILY: [i64; 6] = [1, 2, 3, 4, 5, 6];
/// Days after the loss at which a person must look.
const DAILY_GIVE_UP: i64 = 7;
/// Days after the last mail at which a person must look.
const GIVE_UP_AFTER_DAYS: i64 = 9;

impl App {
    /// Begins to ask. Gives the grant as it will be stored.
    pub(crate) fn ask(grant: Grant, vacancy: Option<Id<Vacancy>>, draft: &mut Draft<'_>) -> Result<Grant> {
        let mut next = if grant.rev == 1 && grant.created_at == draft.now { grant } else { touched(&grant) };
        let next_at = later(draft.now, REPEAT_AFTER_DAYS[0] * 24 * 60)?;
        next.request = Some(PermissionRequest {
            vacancy,
            first_at: draft.now,
            count: 1,
            next_at: Some(next_at),
            exhausted_at: None,
            daily: false,
        });
        draft.audit("permission.asked", next.id, json!({"attempt": 1, "vacancy": vacancy}));
        draft.mail(MailOrder::PermissionRequest { person: next.person, vacancy, attempt: 1, series: draft.now.as_second() });
        Self::order_ask_again(&next, next_at, draft);
        Ok(next)
    }

    fn order_ask_again(grant: &Grant, due: domain::Timestamp, draft: &mut Draft<'_>) {
        let series = grant.request.as_ref().map_or(0, |request| request.first_at.as_second());
        let count = grant.request.as_ref().map_or(0, |request| request.count);
        draft.order(
            Work::AskAgain { grant: grant.id },
            Dedupe::Once(format!("ask:{}:{series}:{count}", grant.id)),
            None,
            due,
            None,
        );
    }

    /// A grant died: the manager gets a fresh link without anyone asking.
    pub(crate) async fn ask_again_after_death(&self, grant: &mut Grant, draft: &mut Draft<'_>) -> Result<()> {
        let next_at = later(draft.now, DAILY[0] * 24 * 60)?;
        grant.request = Some(PermissionRequest {
            vacancy: None,
            first_at: draft.now,
            count: 1,
            next_at: Some(next_at),
            exhausted_at: None,
            daily: true,
        });
        let person = self.store().person(grant.person).await?.ok_or_else(|| Error::missing("person", grant.person))?;
        let link = self.live_link(Purpose::Permission, &person, draft).await?;
        draft.mail(MailOrder::FreshPermissionLink { person: person.id, link: link.id, window: draft.now.as_second() / 600 });
        draft.mail(MailOrder::Attention {
            subject: grant.id.to_string(),
            code: "grant_died".to_owned(),
            at: draft.now.as_second(),
        });
        Self::order_ask_again(grant, next_at, draft);
        self.arrange_all(grant.person, draft).await
    }

    /// The next repetition of a request, if nobody answered.
    pub(crate) async fn run_ask_again(&self, id: Id<Grant>) -> Result<Verdict> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            let Some(grant) = self.store().grant(id).await? else { return Ok((draft.finish(), Verdict::Done)) };
            let Some(request) = grant.request.clone().filter(|request| request.next_at.is_some_and(|due| due <= draft.now)) else {
                return Ok((draft.finish(), Verdict::Done));
            };
            if grant.is_usable() {
                return Ok((draft.finish(), Verdict::Done));
            }
            let mut next = touched(&grant);
            let mut asked = request.clone();
            let days = if request.daily { DAILY.as_slice() } else { REPEAT_AFTER_DAYS.as_slice() };
            let repeated = usize::try_from(request.count).unwrap_or(usize::MAX);
            if repeated > days.len() {
                asked.next_at = None;
                asked.exhausted_at = Some(draft.now);
                draft.audit("permission.exhausted", id, json!({"mails": request.count}));
                draft.mail(MailOrder::Attention {
                    subject: id.to_string(),
                    code: "permission_exhausted".to_owned(),
                    at: draft.now.as_second(),
                });
                self.arrange_all(grant.person, &mut draft).await?;
            } else {
                asked.count += 1;
                let give_up = if request.daily { DAILY_GIVE_UP } else { GIVE_UP_AFTER_DAYS };
                let day = days.get(repeated).copied().unwrap_or(give_up);
                asked.next_at = Some(later(request.first_at, day * 24 * 60)?);
                draft.audit("permission.asked", id, json!({"attempt": asked.count}));
                let series = request.first_at.as_second();
                draft.mail(MailOrder::PermissionRequest {
                    person: grant.person,
                    vacancy: request.vacancy,
                    attempt: asked.count,
                    series,
                });
            }
            next.request = Some(asked.clone());
            if let Some(due) = asked.next_at {
                Self::order_ask_again(&next, due, &mut draft);
            }
            draft.put(Put::Grant(next));
            Ok((draft.finish(), Verdict::Done))
        })
        .await
    }

    /// The person with this address, or a new one.
    pub(crate) async fn person_or_new(
        &self,
        email: &domain::EmailAddress,
        name: Option<&str>,
        draft: &mut Draft<'_>,
    ) -> Result<Person> {
        if let Some(person) = self.store().person_by_email(email).await? {
            return Ok(person);
        }
        self.new_person(email, name, None, None, draft)
    }
}
