//! Who authorised (`user/info`) and where the data centres are (`serverinfo`).

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::model::{Scope, TokenRefusal, User};
use crate::{
    gate,
    sim::Site,
    switches::{MissingScopeBody, Switches},
};

/// `GET /oauth/serverinfo`
pub async fn serverinfo(State(site): State<Site>) -> Json<Value> {
    site.sim.with(|world, _| Json(json!({"result": "success", "locations": world.origins})))
}

/// `GET /oauth/user/info`
pub async fn user(State(site): State<Site>, headers: HeaderMap) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    site.sim.with(|world, now| {
        let known = world
            .authorize(&site.location, authorization.as_deref(), now, Scope("AaaServer.profile.READ"))
            .and_then(|id| world.accounts.user(id).ok_or(TokenRefusal::BadToken));
        match known {
            Ok(user) => Json(shown(user, &world.switches)).into_response(),
            Err(TokenRefusal::NoTicket) => {
                (StatusCode::BAD_REQUEST, Json(error("INVALID_TICKET", "Invalid ticket."))).into_response()
            }
            Err(TokenRefusal::BadToken) => {
                (StatusCode::UNAUTHORIZED, Json(error("INVALID_OAUTHTOKEN", "Invalid OAuth token."))).into_response()
            }
            Err(TokenRefusal::MissingScope) => missing_scope(&world.switches),
        }
    })
}

fn shown(user: &User, switches: &Switches) -> Value {
    let zuid = if switches.userinfo_zuid_text { json!(user.zuid.0.to_string()) } else { json!(user.zuid.0) };
    let mut shown = Map::new();
    shown.insert("First_Name".to_owned(), json!(user.first_name));
    shown.insert("Last_Name".to_owned(), json!(user.last_name));
    shown.insert("Display_Name".to_owned(), json!(user.display_name()));
    shown.insert(switches.userinfo_email_key.clone(), json!(user.email));
    shown.insert("ZUID".to_owned(), zuid);
    Value::Object(shown)
}

fn missing_scope(switches: &Switches) -> Response {
    let status = gate::status(switches.userinfo_missing_scope_status);
    let body = match switches.userinfo_missing_scope_body {
        MissingScopeBody::Calendar => error("INVALID_OAUTHSCOPE", "Invalid OAuth scope."),
        MissingScopeBody::Accounts => json!({"error": "invalid_scope"}),
        MissingScopeBody::Message => json!({"response": "error", "message": "The OAuth scope does not allow this."}),
        MissingScopeBody::Empty => return status.into_response(),
    };
    (status, Json(body)).into_response()
}

/// An error as Zoho's APIs word it: an array of one.
fn error(code: &str, message: &str) -> Value {
    json!({"error": [{"error_code": code, "message": message, "description": message}]})
}
