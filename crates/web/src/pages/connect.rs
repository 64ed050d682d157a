//! `/connect/{token}`: how an authorization stands. The page may be reloaded, and does so by itself until the outcome is known.

use app::ConnectView;
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::links::ConnectOutcome;

use super::{Failure, frame::PersonFrame, links, page};
use crate::{
    WebState,
    texts::{code, filters, known_code, t},
};

/// See `connect.html`.
#[derive(Debug, Template)]
#[template(path = "connect.html")]
pub(super) struct ConnectPage {
    pub(super) person: PersonFrame,
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) next: String,
    pub(super) tone: &'static str,
    pub(super) calendar: Option<String>,
    /// Whether the page asks again by itself.
    pub(super) refresh: bool,
    /// The link to start again with.
    pub(super) retry: Option<String>,
}

/// The message key of an outcome, its colour, and whether starting again can help.
const fn traits(outcome: ConnectOutcome) -> (&'static str, &'static str, bool) {
    match outcome {
        ConnectOutcome::Working => ("working", "plain", false),
        ConnectOutcome::Connected => ("connected", "good", false),
        ConnectOutcome::Refused => ("refused", "plain", true),
        ConnectOutcome::AwaitingAdministrator => ("awaiting_administrator", "warn", true),
        ConnectOutcome::NoRefreshToken => ("no_refresh_token", "bad", true),
        ConnectOutcome::WrongDataCentre => ("wrong_data_centre", "bad", true),
        ConnectOutcome::CodeExpired => ("code_expired", "bad", true),
        ConnectOutcome::ScopeMissing => ("scope_missing", "bad", true),
        ConnectOutcome::Misconfigured => ("misconfigured", "bad", true),
        ConnectOutcome::NoCalendar => ("no_calendar", "bad", true),
        ConnectOutcome::ProviderDown => ("provider_down", "warn", false),
        ConnectOutcome::PasswordRefused => ("password_refused", "bad", true),
        ConnectOutcome::OtherCalendar => ("other_calendar", "warn", false),
    }
}

impl ConnectPage {
    pub(super) fn new(person: PersonFrame, view: ConnectView) -> Self {
        let (key, tone, again) = traits(view.outcome);
        let text = |part: &str| {
            let key = format!("{key}.{part}");
            // Where a password was typed in here, nobody came back from Zoho.
            let typed = view.server.as_ref().and_then(|server| Some(known_code("connect.typed", &key)?.with("server", server)));
            let filled = typed
                .or_else(|| known_code("connect", &key))
                .map(|text| text.with("manager", &view.manager).with("company", &view.company).to_string());
            filled.unwrap_or_else(|| code("connect", &key))
        };
        let connected = view.outcome == ConnectOutcome::Connected;
        Self {
            title: text("title"),
            lead: text("lead"),
            next: text("next"),
            tone,
            calendar: view
                .calendar
                .as_ref()
                .filter(|_| connected)
                .map(|name| t("connect.connected.calendar").with("calendar", name).to_string()),
            refresh: matches!(view.outcome, ConnectOutcome::Working | ConnectOutcome::ProviderDown),
            retry: view.retry_token.filter(|_| again),
            person,
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    let view = state.app.connect_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    page(&ConnectPage::new(PersonFrame::new(state.app.settings()), view))
}
