//! `/s/{token}`: a candidate picks a time, sees how it stands, moves or cancels it, or gives times of their own. Works without JavaScript.

mod offers;

use app::{ChoicePage, Error, OffersView, WishOutcome};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Timestamp, Zone,
    choices::{WishError, Wishes},
    interviews::InterviewState,
};
use jiff::civil::Date;

use self::offers::{OffersShown, View, href};
use super::{
    Asked, Failure,
    forms::Fields,
    frame::PersonFrame,
    links, page_with,
    participant::{Meeting, Reader, is_over},
    times,
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters, t},
};

/// Lines for times of their own.
const WISH_LINES: usize = 4;

/// Zones that are suggested; any other IANA name can be typed.
const ZONES: [&str; 48] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Lima",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "Asia/Bangkok",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Moscow",
    "Europe/Paris",
    "Pacific/Auckland",
    "Pacific/Honolulu",
];

/// See `choice.html`.
#[derive(Debug, Template)]
#[template(path = "choice.html")]
pub(super) struct ChoiceShown {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) vacancy: String,
    pub(super) lead: String,
    /// What went wrong with what was just sent.
    pub(super) problem: Option<String>,
    /// How it stands.
    pub(super) note: Option<String>,
    pub(super) tone: &'static str,
    /// Whether the page looks again by itself.
    pub(super) refresh: bool,
    pub(super) meeting: Option<Meeting>,
    /// Where to see the times to move to.
    pub(super) move_href: Option<String>,
    pub(super) can_cancel: bool,
    pub(super) offers: Option<OffersShown>,
    pub(super) zone: String,
    /// Whether nobody said which zone: a script may ask for the browser's.
    pub(super) zone_is_guess: bool,
    pub(super) zones: &'static [&'static str],
    pub(super) wish: Option<WishForm>,
    /// Times of their own that were kept, each in words.
    pub(super) kept: Vec<KeptLine>,
}

/// The form for times of their own.
#[derive(Debug)]
pub(super) struct WishForm {
    pub(super) lines: Vec<WishLine>,
    pub(super) error: Option<String>,
    pub(super) earliest: String,
}

/// One line of it.
#[derive(Debug)]
pub(super) struct WishLine {
    pub(super) number: usize,
    pub(super) date: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) wrong: bool,
}

/// A time of their own, and what is in its way.
#[derive(Debug)]
pub(super) struct KeptLine {
    pub(super) when: String,
    pub(super) why: String,
}

/// What was asked for and what was just sent.
#[derive(Debug, Default)]
struct Request {
    zone: Option<Zone>,
    zone_problem: Option<String>,
    from: Option<Date>,
    day: Option<Date>,
    all: bool,
    moving: bool,
    problem: Option<String>,
    typed: Vec<(String, String, String)>,
    wish_error: Option<WishError>,
    /// Whether it answers a form: the address then lacks what a script would keep.
    posted: bool,
}

impl Request {
    fn read(fields: &Fields) -> Self {
        let zone = fields.given("zone").map(Zone::new);
        let date = |name| fields.given(name).and_then(|text| text.parse().ok());
        Self {
            zone_problem: zone.as_ref().and_then(|zone| zone.as_ref().err()).map(|_| t("choice.zone.wrong").to_string()),
            zone: zone.and_then(Result::ok),
            from: date("from"),
            day: date("day"),
            all: fields.get("all") == "1",
            moving: fields.get("move") == "1",
            ..Self::default()
        }
    }
}

/// Renders the page; reads the calendar only where times are shown.
async fn render(state: &WebState, token: String, request: Request, status: StatusCode) -> Result<Response, Failure> {
    let failed = |error| links::problem_page(state, &token, &error);
    let view = state.app.choice_page(&token).await.map_err(failed)?;
    let now = state.app.now();
    let may_change = view.change_until.is_some_and(|end| now < end);
    let wants_offers = view.open || (request.moving && may_change);
    let offers = if wants_offers { Some(state.app.choice_offers(&token).await.map_err(failed)?) } else { None };
    let shown = shown(PersonFrame::new(state.app.settings()), token.clone(), &view, offers.as_ref(), request, now);
    page_with(status, &shown)
}

fn shown(
    person: PersonFrame,
    token: String,
    view: &ChoicePage,
    offers: Option<&OffersView>,
    request: Request,
    now: Timestamp,
) -> ChoiceShown {
    let may_change = view.change_until.is_some_and(|end| now < end);
    let known = request.zone.clone().or_else(|| view.reader_zone.clone());
    let interview_zone = view.interview.as_ref().map(|interview| interview.zone.clone());
    let zone = known.clone().or_else(|| offers.map(|offers| offers.zone.clone())).or(interview_zone).unwrap_or_else(Zone::utc);
    let (tone, note) = standing(view, now);
    let meeting = view.interview.as_ref().map(|interview| {
        let reader_zone = Some(zone.clone()).filter(|_| known.is_some());
        Meeting::new(&app::ParticipantView { reader_zone, ..interview.clone() }, Reader::Candidate)
    });
    let window = View { token: &token, zone: &zone, from: request.from, day: request.day, all: request.all, moving: !view.open };
    let pending = view.interview.as_ref().is_some_and(|interview| interview.state == InterviewState::Booking);
    let lead = t("choice.lead")
        .with("candidate", &view.candidate)
        .with("company", &view.company)
        .with("round", &view.round)
        .with("manager", &view.manager)
        .with("minutes", view.minutes);
    ChoiceShown {
        lead: lead.to_string(),
        vacancy: view.vacancy.clone(),
        problem: request.problem.or(request.zone_problem),
        note,
        tone,
        refresh: pending && !request.posted && offers.is_none(),
        meeting,
        move_href: may_change.then(|| href(&token, &[("zone", zone.name()), ("move", "1")])).filter(|_| offers.is_none()),
        can_cancel: may_change,
        offers: offers.map(|offers| OffersShown::new(offers, &window)),
        zone_is_guess: known.is_none() && !request.posted,
        zones: &ZONES,
        wish: view.open.then(|| WishForm::new(&request.typed, request.wish_error.as_ref(), &zone, now)),
        kept: view.choice.wishes.as_ref().filter(|_| view.open).map(kept_lines).unwrap_or_default(),
        zone: zone.name().to_owned(),
        person,
        token,
    }
}

/// How it stands, truthfully: booked is what the calendar has.
fn standing(view: &ChoicePage, now: Timestamp) -> (&'static str, Option<String>) {
    let contact = view.contact.as_ref().map_or_else(|| view.company.clone(), ToString::to_string);
    let Some(interview) = &view.interview else {
        return match view.open {
            true if view.choice.wishes.is_some() => ("good", Some(t("choice.kept").with("company", &view.company).to_string())),
            true => ("plain", None),
            false => ("warn", Some(t("choice.closed").with("contact", contact).to_string())),
        };
    };
    let over = is_over(interview.state) || interview.range.end() <= now;
    let late = view.change_until.is_some_and(|end| now >= end);
    let text = match interview.state {
        InterviewState::Cancelled => ("bad", t("choice.state.cancelled").with("contact", contact)),
        _ if over => ("plain", t("candidate.state.over")),
        InterviewState::Attention => ("warn", t("candidate.state.attention").with("company", &view.company)),
        InterviewState::Proposed => ("plain", t("candidate.state.not_yet")),
        InterviewState::Booking if view.moving => ("plain", t("choice.state.moving")),
        InterviewState::Booking => ("plain", t("choice.state.booking")),
        _ if late => ("good", t("choice.state.late").with("contact", contact)),
        _ => ("good", t("choice.state.booked")),
    };
    (text.0, Some(text.1.to_string()))
}

fn kept_lines(wishes: &Wishes) -> Vec<KeptLine> {
    let line = |wish: &domain::choices::Wish| KeptLine {
        when: times::when(wish.range, &wishes.zone, None)
            .first()
            .map(|line| format!("{}, {} ({})", line.day, line.hours, line.zone))
            .unwrap_or_default(),
        why: wish.reasons.first().map(|reason| code("reason", reason)).unwrap_or_default(),
    };
    wishes.times.iter().map(line).collect()
}

impl WishForm {
    fn new(typed: &[(String, String, String)], error: Option<&WishError>, zone: &Zone, now: Timestamp) -> Self {
        let empty = || (String::new(), String::new(), String::new());
        let lines = (0..WISH_LINES.max(typed.len()))
            .map(|at| {
                let (date, start, end) = typed.get(at).cloned().unwrap_or_else(empty);
                WishLine { number: at + 1, date, start, end, wrong: error.is_some_and(|error| error.line == at + 1) }
            })
            .collect();
        let error = error.map(|error| {
            let sentence = code("wish", error.problem.code());
            match error.line {
                0 => sentence,
                line => t("wish.line").with("line", line).with("problem", sentence).to_string(),
            }
        });
        Self { lines, error, earliest: zone.date(now).to_string() }
    }
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>, asked: Asked) -> Result<Response, Failure> {
    render(&state, token, Request::read(&asked.0), StatusCode::OK).await
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    let request = Request { posted: true, ..Request::read(&fields) };
    let zone = request.zone.clone();
    let here = href(&token, &zone.as_ref().map(|zone| vec![("zone", zone.name())]).unwrap_or_default());
    let start = || fields.get("start").parse::<Timestamp>().map_err(|error| Error::invalid("start", error));
    let done = match fields.get("action") {
        "pick" => match start() {
            Ok(start) => state.app.choose(&token, start, zone.as_ref()).await.map(drop),
            Err(error) => Err(error),
        },
        "move" => match start() {
            Ok(start) => state.app.choice_move(&token, start).await.map(drop),
            Err(error) => Err(error),
        },
        "cancel" => state.app.choice_cancel(&token, fields.get("note")).await.map(drop),
        "wish" => return Box::pin(wish(&state, token, &fields, request, &here)).await,
        _ => return Ok(links::unknown_action()),
    };
    match done {
        Ok(()) => Ok(see_other(&here)),
        Err(error) => again(&state, token, request, &fields, &error).await,
    }
}

/// What can be mended on this page is said on it, with fresh times; the rest has pages of its own.
async fn again(state: &WebState, token: String, request: Request, fields: &Fields, error: &Error) -> Result<Response, Failure> {
    let problem = match error.code() {
        "time_not_available" => t("choice.problem.taken"),
        "conflict" => t("choice.problem.busy"),
        "calendar_unknown" => t("choice.problem.unknown"),
        "already_chosen" => t("choice.problem.chosen"),
        "too_late" => t("choice.problem.late"),
        "not_approved" | "paused" | "withdrawn" => t("choice.problem.closed"),
        _ => return Err(links::problem_page(state, &token, error)),
    };
    let moving = fields.get("action") == "move";
    let request = Request { problem: Some(problem.to_string()), moving, ..request };
    render(state, token, request, StatusCode::CONFLICT).await
}

async fn wish(state: &WebState, token: String, fields: &Fields, request: Request, here: &str) -> Result<Response, Failure> {
    let (starts, ends): (Vec<_>, Vec<_>) = (fields.all("from_time").collect(), fields.all("to_time").collect());
    let part = |parts: &[&str], at: usize| parts.get(at).map(|text| text.trim().to_owned()).unwrap_or_default();
    let typed: Vec<_> = fields
        .all("date")
        .take(2 * domain::choices::MOST_WISHES)
        .enumerate()
        .map(|(at, date)| (date.trim().to_owned(), part(&starts, at), part(&ends, at)))
        .collect();
    let Some(zone) = request.zone.clone() else {
        let problem = request.zone_problem.clone().unwrap_or_else(|| t("choice.zone.wrong").to_string());
        let request = Request { problem: Some(problem), typed, ..request };
        return render(state, token, request, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    match state.app.choice_wish(&token, &typed, &zone).await {
        Ok(WishOutcome::Booked(_) | WishOutcome::Kept(_)) => Ok(see_other(here)),
        Ok(WishOutcome::Unreadable(error)) => {
            let request = Request { typed, wish_error: Some(error), ..request };
            render(state, token, request, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => again(state, token, Request { typed, ..request }, fields, &error).await,
    }
}

#[cfg(test)]
mod tests;
