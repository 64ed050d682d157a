//! `/keys`: API keys, made here (shown once), rolled here and revoked here.

use std::collections::BTreeSet;

use app::NewKey;
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    Id, Timestamp,
    access::{ApiKey, Right, Role},
};
use jiff::SignedDuration;

use super::{
    Asked, Failure, OrFail,
    failure::dashboard_error,
    forms::Fields,
    frame::{Frame, Section},
    id_of, links, page_with,
    session::{Admin, AdminForm},
    shown::Badge,
    times::{Moment, moment},
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters, t},
};

/// See `keys.html`.
#[derive(Debug, Template)]
#[template(path = "keys.html")]
pub(super) struct KeysPage {
    pub(super) frame: Frame,
    /// The key that was just made.
    pub(super) created: Option<String>,
    pub(super) rows: Vec<KeyRow>,
    pub(super) name: String,
    pub(super) name_error: Option<String>,
    pub(super) roles: Vec<Choice>,
    pub(super) rights: Vec<RightChoice>,
    pub(super) rights_error: Option<String>,
    pub(super) days: Vec<Choice>,
}

/// One key.
#[derive(Debug)]
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) rights: String,
    pub(super) created: Moment,
    pub(super) expires: Option<Moment>,
    pub(super) ends_soon: bool,
    /// The last day on which it was used.
    pub(super) used: Option<String>,
    /// Until when the key before the last roll is accepted.
    pub(super) previous: Option<Moment>,
    pub(super) state: Badge,
    pub(super) live: bool,
}

/// A right to tick.
#[derive(Debug)]
pub(super) struct RightChoice {
    pub(super) code: &'static str,
    pub(super) label: String,
    pub(super) checked: bool,
}

/// One of a list.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) label: String,
    pub(super) checked: bool,
}

/// What is wrong with the form.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) name: Option<String>,
    pub(super) rights: Option<String>,
}

fn role_choices(chosen: &str) -> Vec<Choice> {
    let all = [
        ("", t("keys.role.none")),
        ("admin", t("keys.role.admin")),
        ("recruiter", t("keys.role.recruiter")),
        ("agent", t("keys.role.agent")),
        ("auditor", t("keys.role.auditor")),
        ("metrics", t("keys.role.metrics")),
    ];
    all.map(|(value, label)| Choice { value, label: label.to_string(), checked: value == chosen }).into()
}

fn right_label(right: Right) -> String {
    let text = match right {
        Right::Read => t("keys.right.read"),
        Right::Propose => t("keys.right.propose"),
        Right::Commit => t("keys.right.commit"),
        Right::CalendarTitles => t("keys.right.calendar_titles"),
        Right::Lend => t("keys.right.lend"),
        Right::Audit => t("keys.right.audit"),
        Right::Metrics => t("keys.right.metrics"),
        Right::Administer => t("keys.right.administer"),
    };
    text.to_string()
}

impl KeyRow {
    pub(super) fn new(key: &ApiKey, used: Option<Timestamp>, now: Timestamp) -> Self {
        let (tone, name) = match key {
            key if key.revoked_at.is_some() => ("plain", "revoked"),
            key if key.is_live(now) => ("good", "live"),
            _ => ("warn", "expired"),
        };
        let rights: Vec<String> = key.rights.iter().map(|right| right.code().replace('_', " ")).collect();
        let rights = rights.join(", ");
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            rights: match key.role {
                Some(role) => format!("{}: {rights}", code("role", role.code())),
                None => rights,
            },
            ends_soon: key.ends_soon(now),
            used: used.map(|at| at.strftime("%Y-%m-%d").to_string()),
            previous: key.previous.as_ref().map(|(_, until)| *until).filter(|until| key.is_live(now) && now < *until).map(moment),
            created: moment(key.created_at),
            expires: key.expires_at.map(moment),
            state: Badge { tone, text: code("state.key", name) },
            live: key.is_live(now),
        }
    }
}

impl KeysPage {
    pub(super) fn new(frame: Frame, rows: Vec<KeyRow>, typed: &Fields, problems: Problems, created: Option<String>) -> Self {
        let chosen: Vec<&str> = typed.all("right").collect();
        let days = [
            ("30", t("keys.new.days.30")),
            ("90", t("keys.new.days.90")),
            ("365", t("keys.new.days.365")),
            ("never", t("keys.new.days.never")),
        ];
        Self {
            frame,
            created,
            rows,
            roles: role_choices(typed.get("role")),
            name: typed.get("name").to_owned(),
            name_error: problems.name,
            rights: Right::ALL
                .into_iter()
                .map(|right| RightChoice { code: right.code(), label: right_label(right), checked: chosen.contains(&right.code()) })
                .collect(),
            rights_error: problems.rights,
            days: days
                .into_iter()
                .map(|(value, label)| Choice {
                    value,
                    label: label.to_string(),
                    checked: typed.given("days").unwrap_or("90") == value,
                })
                .collect(),
        }
    }
}

async fn render(
    state: &WebState,
    admin: &Admin,
    done: Option<&str>,
    typed: &Fields,
    problems: Problems,
    created: Option<String>,
) -> Result<Response, Failure> {
    let keys = state.app.api_keys().await.or_fail(state)?;
    let frame = Frame::new(state, admin, Section::Keys, done).await.or_fail(state)?;
    let mut rows = Vec::new();
    for key in &keys {
        let used = state.app.api_key_used(key.id).await.or_fail(state)?;
        rows.push(KeyRow::new(key, used, state.app.now()));
    }
    let wrong = problems.name.is_some() || problems.rights.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page_with(status, &KeysPage::new(frame, rows, typed, problems, created))
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    render(&state, &admin, asked.0.given("done"), &Fields::default(), Problems::default(), None).await
}

pub(super) async fn act(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    match form.fields.get("action") {
        "create" => create(&state, &form).await,
        "roll" => {
            let id: Id<ApiKey> = id_of(&state, "API key", form.fields.get("key"))?;
            let grace = form.fields.given("grace").map_or(60, |text| text.parse().unwrap_or(-1));
            let rolled = state.app.roll_api_key(id, grace, &form.admin.caller(&state)).await;
            let (_, key) = rolled.map_err(|error| dashboard_error(&state, &error, "/keys"))?;
            render(&state, &form.admin, None, &Fields::default(), Problems::default(), Some(key)).await
        }
        "revoke" => {
            let id: Id<ApiKey> = id_of(&state, "API key", form.fields.get("key"))?;
            state
                .app
                .revoke_api_key(id, &form.admin.caller(&state))
                .await
                .map_err(|error| dashboard_error(&state, &error, "/keys"))?;
            Ok(see_other("/keys?done=revoke"))
        }
        _ => Ok(links::unknown_action()),
    }
}

/// The answer shows the key, so it is a page and no redirect: an address would stand in the browser's history.
async fn create(state: &WebState, form: &AdminForm) -> Result<Response, Failure> {
    let typed = &form.fields;
    let name = typed.get("name");
    let rights: BTreeSet<Right> =
        Right::ALL.into_iter().filter(|right| typed.all("right").any(|chosen| chosen == right.code())).collect();
    let role: Option<Role> = typed.given("role").and_then(|text| text.parse().ok());
    let problems = Problems {
        name: (name.is_empty() || name.chars().count() > 100).then(|| t("keys.new.name.missing").to_string()),
        rights: (rights.is_empty() && role.is_none()).then(|| t("keys.new.rights.missing").to_string()),
    };
    if problems.name.is_some() || problems.rights.is_some() {
        return render(state, &form.admin, None, typed, problems, None).await;
    }
    let days = match typed.given("days").unwrap_or("90") {
        "30" => Some(30),
        "365" => Some(365),
        "never" => None,
        _ => Some(90),
    };
    let expires = days.and_then(|days| state.app.now().saturating_add(SignedDuration::from_hours(days * 24)).ok());
    // A role brings its rights; of those ticked beside it only lending counts, and only for administrators.
    let rights = match role {
        None => rights,
        Some(role) => rights.into_iter().filter(|right| role == Role::Admin && *right == Right::Lend).collect(),
    };
    let new = NewKey { name: name.to_owned(), role, rights, expires_at: expires };
    let made = state.app.make_api_key(new, &form.admin.caller(state)).await;
    let (_, key) = made.map_err(|error| dashboard_error(state, &error, "/keys"))?;
    render(state, &form.admin, None, &Fields::default(), Problems::default(), Some(key)).await
}
