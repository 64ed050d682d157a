//! The first version's four endpoints, to the letter: paths with and without the trailing slash, form and JSON bodies, keys and their
//! order, and errors as `{"success": false, "error": "…"}`. Integrators call them already; nothing here may change.
//!
//! Rights of an API key: `propose` for setup, `read` for status, `commit` for refresh. Networks of `GREENROOM_OPEN_OAUTH_FROM` need no
//! key. The callback is the manager's browser and needs none either.

mod answer;
mod input;

use std::{future::ready, net::IpAddr};

use app::{Callback, RefreshOutcome, Setup};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use domain::{access::Right, audit::Actor};
use url::form_urlencoded;

use self::{
    answer::{Connected, Consent, Refused, StatusAnswer, failed, refused},
    input::Input,
};
use crate::{WebState, api::access, error::refusal, pages, security::see_other, texts::t};

/// All four, each at both of its addresses.
pub fn routes() -> Router<WebState> {
    let all: [(&str, MethodRouter<WebState>); 4] = [
        ("/api/admin/oauth/setup", post(setup).fallback(|| ready(wrong_method("POST")))),
        ("/api/admin/oauth/status", get(status).fallback(|| ready(wrong_method("GET")))),
        ("/api/admin/oauth/refresh", post(refresh).fallback(|| ready(wrong_method("POST")))),
        ("/api/oauth/callback", get(callback).fallback(callback_wrong_method)),
    ];
    let router = all
        .into_iter()
        .fold(Router::new(), |router, (path, answer)| router.route(path, answer.clone()).route(&format!("{path}/"), answer));
    router.route("/api/admin/oauth/{*rest}", axum::routing::any(unknown))
}

fn wrong_method(right: &'static str) -> Response {
    refused(StatusCode::METHOD_NOT_ALLOWED, format!("this address answers {right} only; send the request again with {right}"))
}

async fn unknown() -> Response {
    refused(StatusCode::NOT_FOUND, "there is nothing at this address; use setup/, status/ or refresh/")
}

async fn callback_wrong_method(uri: Uri) -> Response {
    refusal(Some(&uri), StatusCode::METHOD_NOT_ALLOWED, "wrong_method", &t("error.title"), &t("refused.method"))
}

/// Who calls, if they may: a key with `right`, or an address that needs none.
async fn caller(state: &WebState, headers: &HeaderMap, peer: IpAddr, right: Right) -> Result<app::Caller, Refused> {
    let key = match access::authenticate(state, headers, peer).await? {
        Some(key) if key.rights.contains(&right) => key,
        Some(key) => return Err(access::lacks(state, &key, right).await.into()),
        None if access::is_open_to(state, headers, peer) => return Ok(state.caller(Actor::ApiKey("open".to_owned()))),
        None => return Err(access::Denied::NoKey.into()),
    };
    Ok(state.caller(Actor::ApiKey(key.id.to_string())))
}

/// `POST /api/admin/oauth/setup/`: a live link to the consent page, or the status of a connection that stands.
async fn setup(State(state): State<WebState>, request: Request) -> Result<Response, Refused> {
    let caller = caller(&state, request.headers(), access::peer(request.extensions()), Right::Propose).await?;
    let input = Input::of_body(request).await?;
    let (email, notify) = (input.text("manager_email")?, input.flag("notify")?);
    let name = input.optional("manager_name")?;
    match state.app.setup(&email, name.as_deref(), notify, &caller).await.map_err(|error| failed(&error))? {
        Setup::Connected(status) => Ok(Connected::new(&status).into_response()),
        Setup::NeedsAuthorization { email, url } => Ok(Consent::new(&email, &url).into_response()),
    }
}

/// `GET /api/admin/oauth/status/`: reads the store only.
async fn status(State(state): State<WebState>, request: Request) -> Result<Response, Refused> {
    caller(&state, request.headers(), access::peer(request.extensions()), Right::Read).await?;
    let input = Input::of_query(request.uri());
    let email = input.text("manager_email")?;
    let status = state.app.status(&email).await.map_err(|error| failed(&error))?;
    Ok(StatusAnswer::new(&status).into_response())
}

/// `POST /api/admin/oauth/refresh/`: refreshes now.
async fn refresh(State(state): State<WebState>, request: Request) -> Result<Response, Refused> {
    let caller = caller(&state, request.headers(), access::peer(request.extensions()), Right::Commit).await?;
    let input = Input::of_body(request).await?;
    let email = input.text("manager_email")?;
    match state.app.refresh_now(&email, &caller).await.map_err(|error| failed(&error))? {
        RefreshOutcome::Fresh(status) => Ok(StatusAnswer::new(&status).into_response()),
        RefreshOutcome::NeedsAuthorization { status, url } => Ok(answer::Renewal::new(email.trim(), &url, &status).into_response()),
    }
}

/// `GET /api/oauth/callback/`: the manager's browser comes back from the consent page.
async fn callback(State(state): State<WebState>, uri: Uri) -> Response {
    let mut callback = Callback::default();
    for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let field = match key.as_ref() {
            "code" => &mut callback.code,
            "state" => &mut callback.state,
            "location" => &mut callback.location,
            "accounts-server" => &mut callback.accounts_server,
            "error" => &mut callback.error,
            _ => continue,
        };
        *field = Some(value.into_owned());
    }
    let state_token = callback.state.clone().unwrap_or_default();
    match state.app.callback(callback, &state.caller(Actor::ApiKey("open".to_owned()))).await {
        Ok(token) => see_other(&format!("/connect/{token}")),
        Err(error) => pages::link_problem_page(&state, &state_token, &error).into_response(),
    }
}
