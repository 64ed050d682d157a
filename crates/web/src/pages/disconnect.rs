//! `/d/{token}`: a manager ends the permission.

use app::DisconnectView;
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{
    Failure,
    forms::Fields,
    frame::PersonFrame,
    links, page,
    times::{Moment, moment},
};
use crate::{
    WebState,
    texts::{filters, t},
};

/// See `disconnect.html`.
#[derive(Debug, Template)]
#[template(path = "disconnect.html")]
pub(super) struct DisconnectPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) manager: String,
    pub(super) calendar: Option<String>,
    pub(super) lent_until: Option<Moment>,
    /// Whether an app password is what ends.
    pub(super) by_password: bool,
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    let view = state.app.disconnect_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    let person = PersonFrame::new(state.app.settings());
    let lent_until = view.lent_until.map(moment);
    let DisconnectView { manager, calendar, by_password, .. } = view;
    page(&DisconnectPage { person, token, manager, calendar, lent_until, by_password })
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    match fields.get("action") {
        "disconnect" => {
            let failed = |error| links::problem_page(&state, &token, &error);
            let view = state.app.disconnect_page(&token).await.map_err(failed)?;
            state.app.disconnect_by_link(&token).await.map_err(failed)?;
            let lead = match view.lent_until {
                Some(until) => t("disconnect.done.lent").with("until", moment(until).text),
                None if view.by_password => t("disconnect.done.password"),
                None => t("disconnect.done.lead"),
            };
            links::notice(&state, "good", t("disconnect.done.title"), lead)
        }
        "fresh" => links::send_fresh(&state, &token).await,
        _ => Ok(links::unknown_action()),
    }
}
