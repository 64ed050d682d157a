//! Pausing, resuming and closing: per vacancy, and for everything.

use domain::{
    Id,
    vacancies::{Vacancy, VacancyState},
};
use ports::{Put, store::Page};
use serde_json::json;

use super::VacancyView;
use crate::{App, Caller, Result};

impl App {
    /// Starts nothing new for the vacancy until it is resumed.
    pub async fn pause(&self, id: Id<Vacancy>, caller: &Caller) -> Result<VacancyView> {
        let now = self.now();
        self.change_vacancy(id, None, caller, "vacancy.paused", None, |next| {
            next.paused_at.get_or_insert(now);
            Ok(())
        })
        .await
    }

    /// Goes on after a pause.
    pub async fn resume(&self, id: Id<Vacancy>, caller: &Caller) -> Result<VacancyView> {
        self.change_vacancy(id, None, caller, "vacancy.resumed", None, |next| {
            next.paused_at = None;
            Ok(())
        })
        .await
    }

    /// Ends the vacancy: nothing new is started; interviews that are booked stay.
    pub async fn close(&self, id: Id<Vacancy>, caller: &Caller) -> Result<VacancyView> {
        self.change_vacancy(id, None, caller, "vacancy.closed", None, |next| {
            next.state = VacancyState::Closed;
            next.stuck = None;
            Ok(())
        })
        .await
    }

    /// Whether everything is paused.
    pub async fn paused_all(&self) -> Result<bool> {
        Ok(self.store().setting("paused").await?.as_deref() == Some("true"))
    }

    /// Pauses everything, or goes on.
    pub async fn pause_all(&self, paused: bool, caller: &Caller) -> Result<()> {
        let mut draft = self.draft(caller);
        draft.put(Put::Setting("paused".to_owned(), paused.to_string()));
        draft.audit(if paused { "all.paused" } else { "all.resumed" }, "installation", json!({}));
        if !paused {
            let mut page = Page::first(200);
            loop {
                let vacancies = self.store().vacancies(page.clone()).await?;
                for vacancy in vacancies.iter().filter(|vacancy| vacancy.state == VacancyState::Approved) {
                    draft.arrange(vacancy.id, draft.now);
                }
                let Some(last) = vacancies.last().filter(|_| vacancies.len() == 200) else { break };
                page.after = Some(last.id.to_string());
            }
        }
        self.commit(draft.finish()).await?;
        Ok(())
    }
}
