//! `/vacancies/{id}`: one vacancy with its shortlist, its buttons and its trail.

use std::collections::HashMap;

use app::{CandidateInput, Error, ShortlistItem, VacancyView};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Id,
    audit::Entry,
    candidacies::Unplaced,
    choices::Wish,
    feedback::Answers,
    interviews::{FeedbackState, Interview, InterviewState},
    people::Person,
    rounds::{Need, Round},
    vacancies::{Scheduling, Vacancy},
};

use super::{
    Asked, Failure, OrFail,
    failure::{dashboard_error, sentence},
    forms::Fields,
    frame::{Frame, Section},
    id_of, links, page_with,
    participant::is_over,
    session::{Admin, AdminForm},
    shown::{
        Action, Badge, TrailLine, WaitingLine, action, attention_short, grant_badge, interview_badge, place_text, reasons,
        recommendation_badge, trail, vacancy_badge, waiting_lines,
    },
    times::{self, Moment, moment},
};
use crate::{
    WebState, error,
    security::see_other,
    texts::{code, filters, t},
};

/// Lines of the trail that the page shows; the audit page has all.
pub(super) const TRAIL_LINES: u32 = 50;

const WAITING_LINES: usize = 12;

/// Feedback that the page looks up.
const RESULTS: usize = 100;

/// See `vacancy.html`.
#[derive(Debug, Template)]
#[template(path = "vacancy.html")]
pub(super) struct VacancyPage {
    pub(super) frame: Frame,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) state: Badge,
    pub(super) manager: String,
    pub(super) manager_id: String,
    pub(super) grant: Badge,
    pub(super) requested_by: String,
    /// Each in words.
    pub(super) rounds: Vec<String>,
    pub(super) place: String,
    pub(super) policy: String,
    pub(super) approved_at: Option<Moment>,
    /// Why it does not go on.
    pub(super) problem: Option<String>,
    pub(super) waiting: Vec<WaitingLine>,
    pub(super) actions: Vec<Action>,
    pub(super) shortlist: Vec<ShortlistRow>,
    pub(super) can_add: bool,
    pub(super) form: Vec<FormField>,
    pub(super) trail: Vec<TrailLine>,
}

/// One line of the shortlist.
#[derive(Debug)]
pub(super) struct ShortlistRow {
    pub(super) candidacy: String,
    pub(super) position: i64,
    pub(super) person: String,
    pub(super) name: String,
    pub(super) email: String,
    /// One of each round.
    pub(super) interviews: Vec<InterviewBrief>,
    pub(super) state: Badge,
    pub(super) provisional: bool,
    /// Why it needs a person, or why there is no time.
    pub(super) why: Option<String>,
    /// What the manager answered.
    pub(super) result: Option<ResultBrief>,
    pub(super) withdrawn: bool,
    pub(super) can_withdraw: bool,
}

/// The feedback in two words.
#[derive(Debug)]
pub(super) struct ResultBrief {
    pub(super) recommendation: Badge,
    pub(super) overall: String,
}

/// The feedback on the interviews of a shortlist.
pub(super) type Results = HashMap<Id<Interview>, Answers>;

impl ResultBrief {
    fn new(answers: &Answers) -> Self {
        let overall = t("shortlist.overall").with("mark", i64::from(answers.overall)).to_string();
        Self { recommendation: recommendation_badge(answers.recommendation), overall }
    }
}

/// When an interview is, for a table.
#[derive(Debug)]
pub(super) struct InterviewBrief {
    pub(super) id: String,
    /// The round's name.
    pub(super) round: String,
    pub(super) iso: String,
    pub(super) time: String,
    pub(super) zone: String,
}

/// A field of the form, with what was typed and what is wrong with it.
#[derive(Debug)]
pub(super) struct FormField {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) value: String,
    pub(super) required: bool,
    pub(super) error: Option<String>,
}

impl ShortlistRow {
    fn new(item: &ShortlistItem, vacancy: &Vacancy, open: bool, results: &Results) -> Self {
        let candidacy = &item.candidacy;
        let interview = item.interview.as_ref();
        let brief = |interview: &Interview| InterviewBrief {
            id: interview.id.to_string(),
            round: vacancy.round_at(interview.round).map(|round| round.name.clone()).unwrap_or_default(),
            iso: times::iso(interview.range.start()),
            time: times::short(interview.range, &interview.zone),
            zone: times::city(&interview.zone),
        };
        let withdrawn = candidacy.withdrawn_at.is_some();
        let live = interview.filter(|interview| interview.state != InterviewState::Cancelled);
        let unplaced = candidacy.unplaced.as_ref().filter(|_| live.is_none() && !withdrawn);
        Self {
            candidacy: candidacy.id.to_string(),
            position: candidacy.position,
            person: item.candidate.id.to_string(),
            name: item.candidate.name.clone(),
            email: item.candidate.email().map(ToString::to_string).unwrap_or_default(),
            interviews: item.interviews.iter().map(brief).collect(),
            state: candidacy_badge(item),
            provisional: live.is_some_and(|interview| interview.provisional),
            why: live.and_then(attention_short).or_else(|| unplaced.map(|unplaced| unplaced_why(item, unplaced))),
            result: live.and_then(|interview| results.get(&interview.id)).map(ResultBrief::new),
            withdrawn,
            can_withdraw: open && !withdrawn && !live.is_some_and(|interview| is_over(interview.state)),
        }
    }
}

/// Why somebody has no time, with the times that they gave themselves.
fn unplaced_why(item: &ShortlistItem, unplaced: &Unplaced) -> String {
    let why = reasons(&unplaced.reasons);
    let Some(wishes) = item.choice.as_ref().and_then(|choice| choice.wishes.as_ref()) else { return why };
    let given = |wish: &Wish| format!("{} {}", times::short(wish.range, &wishes.zone), times::city(&wishes.zone));
    let given: Vec<String> = wishes.times.iter().map(given).collect();
    format!("{why} {}", t("shortlist.wishes").with("times", given.join("; ")))
}

/// The interview's state where there is one, otherwise the place's own.
fn candidacy_badge(item: &ShortlistItem) -> Badge {
    let own = |tone, name| Badge { tone, text: code("state.candidacy", name) };
    match &item.interview {
        _ if item.candidacy.withdrawn_at.is_some() => own("plain", "withdrawn"),
        Some(interview) => interview_badge(interview.state),
        None if item.candidacy.unplaced.is_some() => own("bad", "unplaced"),
        None => own("plain", "waiting"),
    }
}

impl VacancyPage {
    pub(super) fn new(frame: Frame, view: &VacancyView, results: &Results, entries: &[Entry], form: Vec<FormField>) -> Self {
        let vacancy = &view.vacancy;
        let can = |name: &str| view.allowed_actions.contains(&name);
        let buttons = [("approve", "primary"), ("resume", "primary"), ("pause", "plain"), ("close", "danger")];
        Self {
            frame,
            id: vacancy.id.to_string(),
            title: vacancy.title.clone(),
            state: vacancy_badge(vacancy),
            manager: view.manager.name.clone(),
            manager_id: view.manager.id.to_string(),
            grant: grant_badge(view.grant.as_ref().map(|grant| grant.state)),
            requested_by: vacancy.requested_by.clone(),
            rounds: vacancy.rounds.iter().map(|round| round_text(round, view)).collect(),
            place: place_text(vacancy.place.as_ref()),
            policy: policy(vacancy),
            approved_at: vacancy.approved_at.map(moment),
            problem: vacancy.stuck.as_ref().map(|stuck| code("reason", &stuck.code)),
            waiting: waiting_lines(&view.waiting_for, WAITING_LINES),
            actions: buttons.into_iter().filter(|(name, _)| can(name)).map(|(name, tone)| action(name, tone)).collect(),
            shortlist: view.shortlist.iter().map(|item| ShortlistRow::new(item, vacancy, can("add_candidate"), results)).collect(),
            can_add: can("add_candidate"),
            form,
            trail: trail(entries),
        }
    }
}

/// A round in one line: its name and length, and who sits in it.
fn round_text(round: &Round, view: &VacancyView) -> String {
    let names = |people: &[Id<Person>]| {
        let known = |id: &Id<Person>| view.panelists.iter().find(|person| person.id == *id).map(|person| person.name.clone());
        people.iter().filter_map(known).collect::<Vec<_>>().join(", ")
    };
    let mut text = t("vacancy.round.text").with("name", &round.name).with("minutes", round.minutes).to_string();
    for seats in &round.panel.seats {
        let people = names(&seats.people);
        let line = match seats.need {
            Need::All => t("vacancy.seats.all").with("people", people),
            Need::Any => t("vacancy.seats.any").with("people", people),
            Need::AtLeast(count) => t("vacancy.seats.some").with("count", i64::from(count)).with("people", people),
        };
        text = format!("{text}; {line}");
        if !seats.skills.is_empty() {
            let skills = seats.skills.iter().cloned().collect::<Vec<_>>().join(", ");
            text = format!("{text} {}", t("vacancy.seats.skills").with("skills", skills));
        }
    }
    if !round.panel.optional.is_empty() {
        text = format!("{text}; {}", t("vacancy.seats.optional").with("people", names(&round.panel.optional)));
    }
    text
}

fn policy(vacancy: &Vacancy) -> String {
    if vacancy.policy.scheduling == Scheduling::Candidate {
        t("policy.candidate").with("hours", vacancy.policy.change_notice_hours).to_string()
    } else if vacancy.policy.provisional {
        t("vacancy.policy.provisional").with("hours", vacancy.policy.provisional_after_hours).to_string()
    } else {
        t("vacancy.policy.wait").to_string()
    }
}

/// The form to add a candidate, with what was typed and the field that was refused.
pub(super) fn candidate_form(typed: &Fields, wrong: Option<(&str, String)>) -> Vec<FormField> {
    let fields = [
        ("name", "text", t("candidate_form.name"), t("candidate_form.name.hint"), true),
        ("email", "email", t("candidate_form.email"), t("candidate_form.email.hint"), true),
        ("zone", "text", t("candidate_form.zone"), t("candidate_form.zone.hint"), false),
    ];
    let field = |(name, kind, label, hint, required): (&'static str, _, crate::texts::Text, crate::texts::Text, _)| FormField {
        name,
        kind,
        label: label.to_string(),
        hint: hint.to_string(),
        value: typed.get(name).to_owned(),
        required,
        error: wrong.as_ref().filter(|(field, _)| *field == name).map(|(_, problem)| problem.clone()),
    };
    fields.into_iter().map(field).collect()
}

/// What managers answered, for the first interviews that have an answer.
async fn results(state: &WebState, view: &VacancyView) -> app::Result<Results> {
    let mut results = Results::new();
    let given = |interview: &&Interview| matches!(interview.feedback, FeedbackState::Given | FeedbackState::Closed);
    for interview in view.shortlist.iter().filter_map(|item| item.interview.as_ref()).filter(given).take(RESULTS) {
        if let Some(feedback) = state.app.interview(interview.id).await?.feedback {
            results.insert(interview.id, feedback.answers);
        }
    }
    Ok(results)
}

async fn render(
    state: &WebState,
    admin: &Admin,
    id: Id<Vacancy>,
    done: Option<&str>,
    status: StatusCode,
    form: Vec<FormField>,
) -> Result<Response, Failure> {
    let view = state.app.vacancy(id).await.or_fail(state)?;
    let results = results(state, &view).await.or_fail(state)?;
    let entries = state.app.trail(&id.to_string(), TRAIL_LINES).await.or_fail(state)?;
    let frame = Frame::new(state, admin, Section::Vacancies, done).await.or_fail(state)?;
    page_with(status, &VacancyPage::new(frame, &view, &results, &entries, form))
}

pub(super) async fn show(
    State(state): State<WebState>,
    admin: Admin,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let id = id_of(&state, "vacancy", &id)?;
    render(&state, &admin, id, asked.0.given("done"), StatusCode::OK, candidate_form(&Fields::default(), None)).await
}

pub(super) async fn act(State(state): State<WebState>, Path(id): Path<String>, form: AdminForm) -> Result<Response, Failure> {
    let id: Id<Vacancy> = id_of(&state, "vacancy", &id)?;
    let caller = form.admin.caller(&state);
    let done = match form.fields.get("action") {
        "approve" => state.app.approve(id, false, &caller).await.map(|_| "approve"),
        "pause" => state.app.pause(id, &caller).await.map(|_| "pause"),
        "resume" => state.app.resume(id, &caller).await.map(|_| "resume"),
        "close" => state.app.close(id, &caller).await.map(|_| "close"),
        "withdraw" => {
            let candidacy = id_of(&state, "candidacy", form.fields.get("candidacy"))?;
            state.app.withdraw(candidacy, &caller).await.map(|()| "withdraw")
        }
        "add_candidate" => return add_candidate(&state, id, &form).await,
        _ => return Ok(links::unknown_action()),
    };
    let here = format!("/vacancies/{id}");
    let done = done.map_err(|error| dashboard_error(&state, &error, &here))?;
    Ok(see_other(&format!("{here}?done={done}")))
}

async fn add_candidate(state: &WebState, id: Id<Vacancy>, form: &AdminForm) -> Result<Response, Failure> {
    let typed = &form.fields;
    if let Some(empty) = ["name", "email"].into_iter().find(|name| typed.get(name).is_empty()) {
        let fields = candidate_form(typed, Some((empty, t("candidate_form.missing").to_string())));
        return render(state, &form.admin, id, None, StatusCode::UNPROCESSABLE_ENTITY, fields).await;
    }
    let input = CandidateInput {
        name: typed.get("name").to_owned(),
        email: typed.get("email").to_owned(),
        zone: typed.given("zone").map(str::to_owned),
        external_id: None,
    };
    match state.app.add_candidate(id, input, &form.admin.caller(state)).await {
        Ok(_) => Ok(see_other(&format!("/vacancies/{id}?done=add_candidate"))),
        Err(problem) => {
            let (field, text) = match &problem {
                Error::Invalid { field, problem } => (field.rsplit('.').next().unwrap_or("email"), problem.clone()),
                Error::Refused { code: "taken", .. } => ("email", t("candidate_form.taken").to_string()),
                other => return Err(dashboard_error(state, other, &format!("/vacancies/{id}"))),
            };
            let field = if ["name", "email", "zone"].contains(&field) { field } else { "email" };
            let fields = candidate_form(typed, Some((field, sentence(&text))));
            render(state, &form.admin, id, None, error::status(&problem), fields).await
        }
    }
}
