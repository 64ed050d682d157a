//! What surrounds the content of a page: the company's name for people, navigation and banners for the dashboard.

use app::Settings;
use axum::http::Method;
use domain::{
    EmailAddress,
    access::{Right, Role},
};

use super::{needs_of, session::Admin, times::moment};
use crate::{
    WebState,
    texts::{known_code, t},
};

/// Around pages that people reach by a link.
#[derive(Debug, Clone)]
pub struct PersonFrame {
    /// The company, as people read it.
    pub company: String,
    /// Where to write.
    pub contact: Option<String>,
}

impl PersonFrame {
    /// From the installation's settings.
    pub fn new(settings: &Settings) -> Self {
        Self { company: settings.company.clone(), contact: settings.recruiting_contact.as_ref().map(EmailAddress::to_string) }
    }

    /// For refusals that know nothing of the installation.
    pub fn anonymous() -> Self {
        Self { company: t("product").to_string(), contact: None }
    }
}

/// A section of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `/`
    Vacancies,
    /// `/interviews`
    Interviews,
    /// `/managers`
    Managers,
    /// `/attention`
    Attention,
    /// `/reality`
    Reality,
    /// `/alerts`
    Alerts,
    /// `/health`
    Health,
    /// `/jobs`
    Jobs,
    /// `/keys`
    Keys,
    /// `/accounts`
    Accounts,
    /// `/account`
    Account,
    /// `/audit`
    Audit,
    /// `/backups`
    Backups,
    /// `/erasures`
    Erasures,
    /// `/mailbox`
    Mailbox,
}

/// An entry of the navigation.
#[derive(Debug, Clone)]
pub struct NavItem {
    /// Where it leads.
    pub href: &'static str,
    /// What stands on it.
    pub label: String,
    /// Whether the page belongs to it.
    pub current: bool,
    /// How much waits there, in a number and in words.
    pub count: Option<(usize, String)>,
}

/// Around pages of the dashboard.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The company.
    pub company: String,
    /// Which entry of the navigation is current.
    pub section: Section,
    /// What the reader may do.
    pub role: Role,
    /// The form token of this log-in.
    pub csrf: String,
    /// How many alerts last.
    pub alerts: usize,
    /// Whether messages stay on this machine.
    pub mail_local: bool,
    /// The demo's clock.
    pub demo: Option<String>,
    /// Whether everything is paused.
    pub paused_all: bool,
    /// Whether the installation is held after a restore.
    pub held: bool,
    /// What a button on the page before has done.
    pub done: Option<String>,
    /// The path of this page, to come back to.
    pub here: String,
}

impl Frame {
    /// Of one request. `done` is the code that the page before handed over.
    pub async fn new(state: &WebState, admin: &Admin, section: Section, done: Option<&str>) -> app::Result<Self> {
        let settings = state.app.settings();
        Ok(Self {
            company: settings.company.clone(),
            section,
            role: admin.session.role(),
            csrf: admin.csrf.clone(),
            alerts: state.app.count_alerts().await?,
            mail_local: state.app.keeps_mail(),
            demo: settings.demo.then(|| moment(state.app.now()).text),
            paused_all: state.app.paused_all().await?,
            held: state.app.held().await?.is_some(),
            done: done.and_then(|code| known_code("done", code)).map(|text| text.to_string()),
            here: admin.path.clone(),
        })
    }

    /// A class of the page's body for readers who only look: the style sheet hides forms that would be refused.
    pub fn looks_only(&self) -> bool {
        !self.role.may(Right::Commit)
    }

    /// Whether the reader sees what is for administrators.
    pub fn administers(&self) -> bool {
        self.role.may(Right::Administer)
    }

    /// The navigation: the sections that the reader's role may see.
    pub fn nav(&self) -> Vec<NavItem> {
        let all = [
            (Section::Vacancies, "/", t("nav.vacancies")),
            (Section::Interviews, "/interviews", t("nav.interviews")),
            (Section::Managers, "/managers", t("nav.managers")),
            (Section::Attention, "/attention", t("nav.attention")),
            (Section::Reality, "/reality", t("nav.reality")),
            (Section::Alerts, "/alerts", t("nav.alerts")),
            (Section::Health, "/health", t("nav.health")),
            (Section::Jobs, "/jobs", t("nav.jobs")),
            (Section::Keys, "/keys", t("nav.keys")),
            (Section::Accounts, "/accounts", t("nav.accounts")),
            (Section::Audit, "/audit", t("nav.audit")),
            (Section::Backups, "/backups", t("nav.backups")),
            (Section::Erasures, "/erasures", t("nav.erasures")),
            (Section::Mailbox, "/mailbox", t("nav.mailbox")),
            (Section::Account, "/account", t("nav.account")),
        ];
        let words = || t("nav.alerts.count").with("count", self.alerts).to_string();
        let count = |section| (section == Section::Alerts && self.alerts > 0).then(|| (self.alerts, words()));
        let sees = |href: &str| needs_of(href).is_some_and(|needs| needs.admits(self.role, &Method::GET));
        all.into_iter()
            .filter(|(_, href, _)| sees(href))
            .map(|(section, href, label)| NavItem {
                href,
                label: label.to_string(),
                current: section == self.section,
                count: count(section),
            })
            .collect()
    }
}
