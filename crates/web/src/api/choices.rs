//! Candidates who pick their own time: ask them, see the offers, hold a time for them, confirm it, give it back.

use app::{ChoiceView, HoldInput};
use axum::extract::{Path, State};
use domain::{Id, TimeRange, access::Right, candidacies::Candidacy, choices::Hold};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Authorized, Endpoint, delete, get, post},
    input::{DryRun, IfMatch, Json, Query, id, instant, invalid, missing},
    interviews::{InterviewDetail, resource},
    output::{Answer, Moment, Resource},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let commit = Right::Commit;
    vec![
        post(
            "/vacancies/{id}/candidates/{place}/choice",
            commit,
            "Asks the candidate to pick a time: makes or prolongs their link, mails it, reminds; anew after a cancellation",
            ask,
        )
        .body::<Ask>()
        .answers::<ChoiceBody>()
        .secret(),
        get("/vacancies/{id}/candidates/{place}/choice", Right::Read, "How far the candidate is with picking a time", show)
            .query::<Round>()
            .answers::<ChoiceBody>(),
        delete("/vacancies/{id}/candidates/{place}/choice", commit, "Ends the candidate's link and what is held", end)
            .query::<Round>()
            .answers::<ChoiceBody>(),
        get(
            "/vacancies/{id}/candidates/{place}/offers",
            Right::Read,
            "The times that can be picked for the candidate, and how far that can be trusted",
            offers,
        )
        .query::<OffersWindow>()
        .answers::<Offers>(),
        post(
            "/vacancies/{id}/candidates/{place}/hold",
            commit,
            "Holds a time for the candidate for a while; what was held before is given back",
            hold,
        )
        .query::<DryRun>()
        .body::<NewHold>()
        .answers::<ChoiceBody>(),
        delete("/vacancies/{id}/candidates/{place}/hold", commit, "Gives back what is held; twice is once", release)
            .query::<Round>()
            .answers::<ChoiceBody>(),
        post(
            "/vacancies/{id}/candidates/{place}/hold/confirm",
            commit,
            "Books what is held, if it still is; the calendar is read once more",
            confirm,
        )
        .query::<DryRun>()
        .if_match()
        .body::<Confirm>()
        .answers::<InterviewDetail>(),
    ]
}

/// A candidate's choice of a time for one round.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Choice)]
struct ChoiceBody {
    id: String,
    /// The ETag.
    revision: i64,
    vacancy_id: String,
    /// The place on the shortlist.
    candidate_place_id: String,
    /// Which round, from 1.
    round: i64,
    /// `waiting`, `held`, `chosen`, `wishes` (none fits, they gave times of their own), `silent` (reminded, no answer) or `ended`.
    state: &'static str,
    /// The candidate's page, while it opens; only where it was asked for, not in answers to holds.
    page_url: Option<String>,
    page_until: Option<Moment>,
    asked_at: Option<Moment>,
    reminders: i64,
    next_reminder_at: Option<Moment>,
    hold: Option<HoldBody>,
    /// What was chosen.
    interview_id: Option<String>,
    wishes: Option<WishesBody>,
}

/// A time that is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
struct HoldBody {
    start: Moment,
    end: Moment,
    /// When it ends by itself.
    expires_at: Moment,
    /// The id that the interview will have.
    interview_id: String,
}

impl From<&Hold> for HoldBody {
    fn from(hold: &Hold) -> Self {
        Self {
            start: hold.range.start().into(),
            end: hold.range.end().into(),
            expires_at: hold.expires_at.into(),
            interview_id: hold.interview.to_string(),
        }
    }
}

/// Times of the candidate's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wishes)]
struct WishesBody {
    /// The zone in which they gave them.
    zone: String,
    at: Moment,
    times: Vec<WishBody>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wish)]
struct WishBody {
    start: Moment,
    end: Moment,
    /// Why no interview fits into it, as codes, most frequent first.
    reasons: Vec<String>,
}

impl From<&ChoiceView> for ChoiceBody {
    fn from(view: &ChoiceView) -> Self {
        let choice = &view.choice;
        Self {
            id: choice.id.to_string(),
            revision: choice.rev,
            vacancy_id: choice.vacancy.to_string(),
            candidate_place_id: choice.candidacy.to_string(),
            round: choice.round,
            state: view.state,
            page_url: view.page.as_ref().map(ToString::to_string),
            page_until: view.until.map(Moment),
            asked_at: choice.asked_at.map(Moment),
            reminders: choice.reminders,
            next_reminder_at: choice.next_reminder().map(Moment),
            hold: choice.hold.as_ref().map(HoldBody::from),
            interview_id: choice.interview.map(|id| id.to_string()),
            wishes: choice.wishes.as_ref().map(|wishes| WishesBody {
                zone: wishes.zone.name().to_owned(),
                at: wishes.at.into(),
                times: wishes
                    .times
                    .iter()
                    .map(|wish| WishBody {
                        start: wish.range.start().into(),
                        end: wish.range.end().into(),
                        reasons: wish.reasons.clone(),
                    })
                    .collect(),
            }),
        }
    }
}

fn choice(view: &ChoiceView) -> Resource<ChoiceBody> {
    Resource::new(view.choice.rev, view.into())
}

/// The same without the page: its link is a secret, and this answer is kept for a repeated call.
fn kept(view: ChoiceView) -> Resource<ChoiceBody> {
    choice(&ChoiceView { page: None, ..view })
}

/// The place of a path, on the vacancy of the path.
async fn place(state: &WebState, (vacancy, place): &(String, String)) -> Answer<Id<Candidacy>> {
    let candidacy = id::<Candidacy>("place on the shortlist", place)?;
    let view = state.app.vacancy(id("vacancy", vacancy)?).await?;
    let known = view.shortlist.iter().any(|item| item.candidacy.id == candidacy);
    if known { Ok(candidacy) } else { Err(missing("place on this shortlist", place)) }
}

const fn first() -> i64 {
    1
}

const fn yes() -> bool {
    true
}

/// Which round.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Round {
    /// From 1; the first where absent.
    #[serde(default = "first")]
    #[param(required = false)]
    round: i64,
}

/// How to ask.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AskToChoose)]
struct Ask {
    /// Which round, from 1; the first where absent.
    #[serde(default = "first")]
    #[schema(required = false)]
    round: i64,
    /// Whether Greenroom mails the link; true where absent. With false you hand it over yourself; reminders are mailed all the same.
    #[serde(default = "yes")]
    #[schema(required = false)]
    mail: bool,
}

async fn ask(
    State(state): State<WebState>,
    by: Authorized,
    Path(path): Path<(String, String)>,
    Json(ask): Json<Ask>,
) -> Answer<Resource<ChoiceBody>> {
    let place = place(&state, &path).await?;
    Ok(choice(&state.app.ask_to_choose(place, ask.round, ask.mail, &by.caller).await?))
}

async fn show(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Query(asked): Query<Round>,
) -> Answer<Resource<ChoiceBody>> {
    let place = place(&state, &path).await?;
    Ok(choice(&state.app.choice(place, asked.round).await?))
}

async fn end(
    State(state): State<WebState>,
    by: Authorized,
    Path(path): Path<(String, String)>,
    Query(asked): Query<Round>,
) -> Answer<Resource<ChoiceBody>> {
    let place = place(&state, &path).await?;
    Ok(choice(&state.app.end_choice(place, asked.round, &by.caller).await?))
}

/// Which offers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OffersWindow {
    /// From 1; the first where absent.
    #[serde(default = "first")]
    #[param(required = false)]
    round: i64,
    /// RFC 3339: only times that start then or later.
    #[param(required = false)]
    start: Option<String>,
    /// RFC 3339: only times that end by then.
    #[param(required = false)]
    end: Option<String>,
    /// At most so many, 1 to 2000; 100 where absent.
    #[param(required = false)]
    limit: Option<usize>,
}

/// The most offers that are given at once.
const MOST_OFFERS: usize = 2_000;

/// Times that can be picked.
#[derive(Debug, Serialize, ToSchema)]
struct Offers {
    /// `known` or `unknown`; unknown offers nothing.
    source: &'static str,
    /// When the calendar was read.
    as_of: Option<Moment>,
    /// Why it is not known.
    why: Option<String>,
    /// The interview's zone: the manager's calendar's.
    zone: String,
    minutes: i64,
    /// By start; they may overlap.
    times: Vec<Offer>,
    /// Whether there are more.
    more: bool,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
struct Offer {
    start: Moment,
    end: Moment,
}

async fn offers(
    State(state): State<WebState>,
    Path(path): Path<(String, String)>,
    Query(window): Query<OffersWindow>,
) -> Answer<axum::Json<Offers>> {
    let limit = window.limit.unwrap_or(100);
    if !(1..=MOST_OFFERS).contains(&limit) {
        return Err(invalid("limit", format!("use 1 to {MOST_OFFERS}")));
    }
    let from = window.start.as_deref().map(|text| instant("start", text)).transpose()?;
    let until = window.end.as_deref().map(|text| instant("end", text)).transpose()?;
    let found = state.app.offers(place(&state, &path).await?, window.round).await?;
    let within = |time: &&TimeRange| from.is_none_or(|from| time.start() >= from) && until.is_none_or(|until| time.end() <= until);
    let mut times: Vec<TimeRange> = found.times.iter().filter(within).copied().take(limit.saturating_add(1)).collect();
    let more = times.len() > limit;
    times.truncate(limit);
    Ok(axum::Json(Offers {
        source: found.source,
        as_of: found.as_of.map(Moment),
        why: found.why,
        zone: found.zone.name().to_owned(),
        minutes: found.minutes,
        times: times.iter().map(|time| Offer { start: time.start().into(), end: time.end().into() }).collect(),
        more,
    }))
}

/// What to hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHold {
    /// RFC 3339 with an offset; as long as the round.
    #[schema(format = DateTime)]
    start: String,
    /// For how long, 1 to 4320 (72 hours); 10 where absent.
    #[schema(required = false)]
    minutes: Option<i64>,
    /// Which round, from 1; the first where absent.
    #[serde(default = "first")]
    #[schema(required = false)]
    round: i64,
}

async fn hold(
    State(state): State<WebState>,
    by: Authorized,
    Path(path): Path<(String, String)>,
    Query(dry): Query<DryRun>,
    Json(new): Json<NewHold>,
) -> Answer<Resource<ChoiceBody>> {
    let input = HoldInput { start: instant("start", &new.start)?, minutes: new.minutes };
    let place = place(&state, &path).await?;
    Ok(kept(state.app.hold(place, new.round, input, dry.dry_run, &by.caller).await?))
}

async fn release(
    State(state): State<WebState>,
    by: Authorized,
    Path(path): Path<(String, String)>,
    Query(asked): Query<Round>,
) -> Answer<Resource<ChoiceBody>> {
    let place = place(&state, &path).await?;
    Ok(kept(state.app.release_hold(place, asked.round, &by.caller).await?))
}

/// Which hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmHold)]
struct Confirm {
    /// Which round, from 1; the first where absent.
    #[serde(default = "first")]
    #[schema(required = false)]
    round: i64,
}

async fn confirm(
    State(state): State<WebState>,
    by: Authorized,
    Path(path): Path<(String, String)>,
    Query(dry): Query<DryRun>,
    if_match: IfMatch,
    Json(which): Json<Confirm>,
) -> Answer<Resource<InterviewDetail>> {
    let place = place(&state, &path).await?;
    Ok(resource(&state.app.confirm_hold(place, which.round, if_match.0, dry.dry_run, &by.caller).await?))
}
