//! `/accounts`: who may log in: made, changed and switched off here.

use app::AccountView;
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    Id,
    access::{Account, Role},
};

use super::{
    Asked, Failure, OrFail,
    failure::{dashboard_error, sentence},
    forms::Fields,
    frame::{Frame, Section},
    id_of,
    keys::Choice,
    links, page_with,
    session::{Admin, AdminForm},
    shown::Badge,
    times::{Moment, moment},
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters, t},
};

/// See `accounts.html`.
#[derive(Debug, Template)]
#[template(path = "accounts.html")]
pub(super) struct AccountsPage {
    pub(super) frame: Frame,
    /// A one-time link that was just made.
    pub(super) link: Option<String>,
    /// Whether passwords open accounts, so that there are links to set them.
    pub(super) passwords: bool,
    pub(super) rows: Vec<AccountRow>,
    pub(super) error: Option<String>,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) roles: Vec<Choice>,
}

/// One account.
#[derive(Debug)]
pub(super) struct AccountRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) roles: Vec<Choice>,
    pub(super) sessions: usize,
    pub(super) seen: Option<Moment>,
    pub(super) state: Badge,
    pub(super) live: bool,
}

fn role_choices(chosen: Role) -> Vec<Choice> {
    let choice = |role: Role| Choice { value: role.code(), label: code("role", role.code()), checked: role == chosen };
    Role::OF_ACCOUNTS.into_iter().map(choice).collect()
}

impl AccountRow {
    fn new(view: &AccountView) -> Self {
        let account = &view.account;
        let (tone, text) = match account {
            account if !account.is_live() => ("plain", t("accounts.state.disabled")),
            account if account.password.is_none() && account.subject.is_none() => ("warn", t("accounts.state.invited")),
            _ => ("good", t("accounts.state.live")),
        };
        Self {
            id: account.id.to_string(),
            name: account.name.clone(),
            email: account.email.to_string(),
            role: code("role", account.role.code()),
            roles: role_choices(account.role),
            sessions: view.sessions,
            seen: view.seen_at.map(moment),
            state: Badge { tone, text: text.to_string() },
            live: account.is_live(),
        }
    }
}

/// What is shown besides the list.
#[derive(Default)]
struct Shown<'a> {
    done: Option<&'a str>,
    link: Option<String>,
    error: Option<String>,
}

async fn render(state: &WebState, admin: &Admin, typed: &Fields, shown: Shown<'_>) -> Result<Response, Failure> {
    let accounts = state.app.accounts().await.or_fail(state)?;
    let frame = Frame::new(state, admin, Section::Accounts, shown.done).await.or_fail(state)?;
    let status = if shown.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = AccountsPage {
        frame,
        link: shown.link,
        passwords: state.app.takes_passwords(),
        rows: accounts.iter().map(AccountRow::new).collect(),
        error: shown.error,
        email: typed.get("email").to_owned(),
        name: typed.get("name").to_owned(),
        roles: role_choices(typed.get("role").parse().unwrap_or(Role::Recruiter)),
    };
    page_with(status, &page)
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    render(&state, &admin, &Fields::default(), Shown { done: asked.0.given("done"), ..Shown::default() }).await
}

/// Links are shown in the answer, not in an address: that would stand in the browser's history.
pub(super) async fn act(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    let (fields, caller) = (&form.fields, form.admin.caller(&state));
    let action = fields.get("action");
    let failed = |error: app::Error| dashboard_error(&state, &error, "/accounts");
    if action == "add_account" {
        let role: Result<Role, _> = fields.get("role").parse();
        let added = match role {
            Ok(role) => state.app.add_account(fields.get("email"), fields.get("name"), role, &caller).await,
            Err(error) => Err(app::Error::invalid("role", error)),
        };
        return match added {
            Ok((_, None)) => Ok(see_other("/accounts?done=add_account")),
            Ok((_, Some(link))) => {
                let shown = Shown { link: Some(link.to_string()), ..Shown::default() };
                render(&state, &form.admin, &Fields::default(), shown).await
            }
            Err(app::Error::Invalid { problem, .. }) => {
                render(&state, &form.admin, fields, Shown { error: Some(sentence(&problem)), ..Shown::default() }).await
            }
            Err(error) => Err(failed(error)),
        };
    }
    if !["account_link", "change_role", "disable_account", "enable_account"].contains(&action) {
        return Ok(links::unknown_action());
    }
    let id: Id<Account> = id_of(&state, "account", fields.get("account"))?;
    match action {
        "account_link" => {
            let link = state.app.account_link(id, &caller).await.map_err(failed)?;
            let shown = Shown { link: Some(link.to_string()), ..Shown::default() };
            return render(&state, &form.admin, &Fields::default(), shown).await;
        }
        "change_role" => {
            let role = fields.get("role").parse().map_err(|error| failed(app::Error::invalid("role", error)))?;
            state.app.change_role(id, role, &caller).await.map_err(failed)?;
        }
        _ => state.app.switch_account(id, action == "enable_account", &caller).await.map_err(failed)?,
    }
    Ok(see_other(&format!("/accounts?done={action}")))
}
