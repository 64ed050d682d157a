//! For supervisors and load balancers: is the process alive, and can it do its work.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::WebState;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Response {
    Json(json!({"ok": true})).into_response()
}

/// `GET /readyz`: 200, or 503 with what to mend.
pub(super) async fn ready(State(state): State<WebState>) -> Response {
    let readiness = state.app.ready().await;
    let status = if readiness.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let answer = json!({
        "ok": readiness.ok, "problems": readiness.problems, "warnings": readiness.warnings, "audit_unsealed": readiness.audit_unsealed,
    });
    (status, Json(answer)).into_response()
}
