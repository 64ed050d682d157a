//! `/managers`: who has given permission, how it stands, and what an administrator can do about it.

use app::{GrantView, ManagerView, RefreshOutcome, Setup};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Id, Timestamp,
    audit::Entry,
    grants::{GrantState, PendingReason},
    people::Person,
};

use super::{
    Asked, Failure, OrFail,
    failure::dashboard_error,
    frame::{Frame, Section},
    id_of, links, page,
    session::{Admin, AdminForm},
    shown::{Badge, TrailLine, grant_badge, trail},
    times::{Moment, moment},
    vacancies::{asked_page, next_page},
    vacancy::TRAIL_LINES,
};
use crate::{
    WebState,
    security::see_other,
    texts::{Text, code, filters, t},
};

/// See `managers.html`.
#[derive(Debug, Template)]
#[template(path = "managers.html")]
pub(super) struct ManagersPage {
    pub(super) frame: Frame,
    pub(super) rows: Vec<ManagerRow>,
    pub(super) next: Option<String>,
}

/// One manager of the list.
#[derive(Debug)]
pub(super) struct ManagerRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) grant: Badge,
    pub(super) pending: bool,
    pub(super) data_centre: String,
    pub(super) calendar: String,
    pub(super) refreshed: Option<Moment>,
    pub(super) next_refresh: Option<Moment>,
}

/// See `manager_card.html`.
#[derive(Debug, Template)]
#[template(path = "manager_card.html")]
pub(super) struct ManagerCard {
    pub(super) frame: Frame,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) grant: Badge,
    pub(super) pending: Option<PendingShown>,
    pub(super) facts: Vec<Fact>,
    pub(super) scopes: Vec<String>,
    pub(super) connected: bool,
    pub(super) trail: Vec<TrailLine>,
}

/// A connection that waits.
#[derive(Debug)]
pub(super) struct PendingShown {
    pub(super) why: String,
    pub(super) account: String,
    pub(super) since: Moment,
}

/// A label with a text or an instant.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) at: Option<Moment>,
}

/// A cell without a value.
fn or_none(text: Option<&str>) -> String {
    text.map_or_else(|| t("none").to_string(), str::to_owned)
}

impl ManagerRow {
    pub(super) fn new(view: &ManagerView) -> Self {
        let grant = view.grant.as_ref();
        Self {
            id: view.person.id.to_string(),
            name: view.person.name.clone(),
            email: view.person.email().map(ToString::to_string).unwrap_or_default(),
            grant: grant_badge(grant.map(|grant| grant.state)),
            pending: grant.is_some_and(|grant| grant.pending.is_some()),
            data_centre: or_none(grant.and_then(|grant| grant.data_centre.as_deref())),
            calendar: or_none(grant.and_then(|grant| grant.calendar.as_deref())),
            refreshed: grant.and_then(|grant| grant.refreshed_at).map(moment),
            next_refresh: grant.and_then(|grant| grant.next_refresh_at).map(moment),
        }
    }
}

/// Why a connection waits, in words.
pub(super) fn pending_sentence(why: PendingReason) -> String {
    let name = match why {
        PendingReason::OtherAccount => "other_account",
        PendingReason::OtherAddress => "other_address",
        PendingReason::AliasOnly => "alias_only",
    };
    code("pending", name)
}

impl ManagerCard {
    pub(super) fn new(frame: Frame, view: &ManagerView, entries: &[Entry], lent_until: Option<Timestamp>) -> Self {
        let grant = view.grant.as_ref();
        let pending = grant.and_then(|grant| grant.pending.as_ref());
        let mut facts = person_facts(&view.person);
        facts.extend(grant.map(grant_facts).unwrap_or_default());
        facts.extend(lent_until.map(|until| Fact {
            label: t("manager.lent_until").to_string(),
            value: String::new(),
            at: Some(moment(until)),
        }));
        Self {
            frame,
            id: view.person.id.to_string(),
            name: view.person.name.clone(),
            grant: grant_badge(grant.map(|grant| grant.state)),
            pending: pending.map(|(account, why, since)| PendingShown {
                why: pending_sentence(*why),
                account: account.to_string(),
                since: moment(*since),
            }),
            facts,
            scopes: grant.map(|grant| grant.scopes.clone()).unwrap_or_default(),
            connected: grant.is_some_and(|grant| grant.state == GrantState::Active),
            trail: trail(entries),
        }
    }
}

fn fact(label: Text, value: impl ToString) -> Fact {
    Fact { label: label.to_string(), value: value.to_string(), at: None }
}

fn person_facts(person: &Person) -> Vec<Fact> {
    let mut emails = person.emails.iter().map(ToString::to_string);
    let mut facts = vec![fact(t("manager.email"), emails.next().unwrap_or_default())];
    let aliases: Vec<String> = emails.collect();
    if !aliases.is_empty() {
        facts.push(fact(t("manager.aliases"), aliases.join(", ")));
    }
    if let Some(zone) = &person.zone {
        facts.push(fact(t("manager.zone"), zone));
    }
    facts.push(fact(t("manager.hours"), if person.rules.is_some() { t("manager.hours.own") } else { t("manager.hours.default") }));
    facts
}

/// A provider as people write it.
fn provider_name(registered: &str) -> &str {
    match registered {
        "zoho" => "Zoho",
        "caldav" => "CalDAV",
        other => other,
    }
}

fn grant_facts(grant: &GrantView) -> Vec<Fact> {
    let mut facts = Vec::new();
    let texts = [
        (t("manager.account").with("provider", provider_name(&grant.provider)), grant.account.as_ref().map(ToString::to_string)),
        (t("col.data_centre"), grant.data_centre.clone()),
        (t("col.calendar"), grant.calendar.clone()),
    ];
    facts.extend(texts.into_iter().filter_map(|(label, value)| value.map(|value| fact(label, value))));
    if let Some((count, next)) = grant.asked.filter(|_| grant.state != GrantState::Active) {
        facts.push(fact(t("manager.asked"), count));
        facts.extend(next.map(|next| Fact {
            label: t("manager.ask_next").to_string(),
            value: String::new(),
            at: Some(moment(next)),
        }));
    }
    let times = [
        (t("manager.connected_at"), grant.connected_at),
        (t("manager.token_ends"), grant.expires_at),
        (t("col.refreshed"), grant.refreshed_at),
        (t("col.next_refresh"), grant.next_refresh_at),
    ];
    facts.extend(
        times
            .into_iter()
            .filter_map(|(label, at)| at.map(|at| Fact { label: label.to_string(), value: String::new(), at: Some(moment(at)) })),
    );
    if grant.failures > 0 {
        facts.push(fact(t("manager.failures"), grant.failures));
        facts.extend(grant.last_failure.as_ref().map(|class| fact(t("manager.last_failure"), code("reason", class))));
    }
    facts
}

pub(super) async fn list(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let views = state.app.managers(asked_page(&asked)).await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Managers, asked.0.given("done")).await.or_fail(&state)?;
    let last = views.last().and_then(|view| view.grant.as_ref()).map(|grant| grant.id.to_string());
    page(&ManagersPage {
        frame,
        rows: views.iter().map(ManagerRow::new).collect(),
        next: next_page("/managers", views.len(), last),
    })
}

pub(super) async fn show(
    State(state): State<WebState>,
    admin: Admin,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let id: Id<Person> = id_of(&state, "person", &id)?;
    let view = state.app.manager(id).await.or_fail(&state)?;
    // What happened to a grant stands under the grant's id, what happened to the person under the person's.
    let mut entries = state.app.trail(&id.to_string(), TRAIL_LINES).await.or_fail(&state)?;
    if let Some(grant) = &view.grant {
        entries.extend(state.app.trail(&grant.id.to_string(), TRAIL_LINES).await.or_fail(&state)?);
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    }
    let frame = Frame::new(&state, &admin, Section::Managers, asked.0.given("done")).await.or_fail(&state)?;
    let lent_until = match &view.grant {
        Some(grant) => state.app.lent_until(grant.id).await.or_fail(&state)?,
        None => None,
    };
    page(&ManagerCard::new(frame, &view, &entries, lent_until))
}

pub(super) async fn act(State(state): State<WebState>, Path(id): Path<String>, form: AdminForm) -> Result<Response, Failure> {
    let id: Id<Person> = id_of(&state, "person", &id)?;
    let here = format!("/managers/{id}");
    let caller = form.admin.caller(&state);
    let done = match form.fields.get("action") {
        "resend" => resend(&state, id, &caller).await,
        "refresh" => refresh(&state, id, &caller).await,
        "disconnect" => state.app.disconnect(id, &caller).await.map(|()| "disconnect"),
        "accept_pending" => Box::pin(decide(&state, id, true, &caller)).await.map(|()| "accept_pending"),
        "refuse_pending" => Box::pin(decide(&state, id, false, &caller)).await.map(|()| "refuse_pending"),
        _ => return Ok(links::unknown_action()),
    };
    let done = done.map_err(|error| dashboard_error(&state, &error, &here))?;
    Ok(see_other(&format!("{here}?done={done}")))
}

async fn resend(state: &WebState, id: Id<Person>, caller: &app::Caller) -> app::Result<&'static str> {
    let person = state.app.person(id).await?;
    let email = person.email().ok_or_else(|| app::Error::missing("address", id))?;
    let setup = state.app.setup(email.as_str(), None, true, caller).await?;
    Ok(if matches!(setup, Setup::Connected(_)) { "resend_connected" } else { "resend" })
}

/// Asks the provider for a fresh token: the one check that proves that a connection works.
async fn refresh(state: &WebState, id: Id<Person>, caller: &app::Caller) -> app::Result<&'static str> {
    let person = state.app.person(id).await?;
    let email = person.email().ok_or_else(|| app::Error::missing("address", id))?;
    let outcome = state.app.refresh_now(email.as_str(), caller).await?;
    Ok(if matches!(outcome, RefreshOutcome::Fresh(_)) { "refresh" } else { "refresh_lost" })
}

async fn decide(state: &WebState, id: Id<Person>, accept: bool, caller: &app::Caller) -> app::Result<()> {
    let view = state.app.manager(id).await?;
    let grant = view.grant.ok_or_else(|| app::Error::missing("grant", id))?;
    state.app.decide_pending(grant.id, accept, caller).await
}
