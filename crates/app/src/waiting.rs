//! Whom a vacancy waits for, since when, what happens next and when. Pure.

use domain::{
    Timestamp,
    grants::{Grant, GrantState},
    interviews::{FeedbackState, InterviewState},
    people::Person,
    vacancies::{Vacancy, VacancyState, Waiting},
};
use jiff::SignedDuration;

use crate::vacancies::ShortlistItem;

/// Everything the vacancy waits for, most pressing first.
pub fn of(
    vacancy: &Vacancy,
    manager: &Person,
    grant: Option<&Grant>,
    shortlist: &[ShortlistItem],
    paused_all: bool,
    now: Timestamp,
) -> Vec<Waiting> {
    match vacancy.state {
        VacancyState::Closed => return Vec::new(),
        VacancyState::Draft => {
            return vec![waiting("recruiter", Some(&vacancy.requested_by), vacancy.created_at, Some("approve"), None)];
        }
        VacancyState::Approved => {}
    }
    let approved = vacancy.approved_at.unwrap_or(vacancy.created_at);
    if let Some(since) = vacancy.paused_at.or_else(|| paused_all.then_some(now)) {
        return vec![waiting("recruiter", Some(&vacancy.requested_by), since, Some("resume"), None)];
    }
    let mut all = Vec::new();
    if vacancy.has_panels() {
        // A panel may do without its manager: what it lacks was noted when it was last looked at.
        all.extend(vacancy.stuck.as_ref().map(|stuck| {
            let on = if stuck.code == "panel_permission" { "permission" } else { "calendar" };
            waiting(on, None, stuck.since, Some(&stuck.code), stuck.retry_at)
        }));
    } else if !grant.is_some_and(Grant::is_usable) {
        all.push(permission(vacancy, manager, grant, approved));
    } else if let Some(stuck) = &vacancy.stuck {
        all.push(waiting("calendar", Some(&manager.name), stuck.since, Some(&stuck.code), stuck.retry_at));
    }
    all.extend(
        shortlist
            .iter()
            .filter(|item| item.candidacy.withdrawn_at.is_none())
            .filter_map(|item| candidate(item, manager, vacancy, approved)),
    );
    all
}

fn permission(vacancy: &Vacancy, manager: &Person, grant: Option<&Grant>, approved: Timestamp) -> Waiting {
    let request = grant.and_then(|grant| grant.request.as_ref());
    if let Some(pending) = grant.and_then(|grant| grant.pending.as_ref()) {
        let end = pending.since.saturating_add(SignedDuration::from_hours(72)).ok();
        return waiting("administrator", None, pending.since, Some("decide_account"), end);
    }
    let since = request.map_or(approved, |request| request.first_at);
    if let Some(exhausted) = request.and_then(|request| request.exhausted_at) {
        return waiting("recruiter", Some(&vacancy.requested_by), exhausted, Some("permission_exhausted"), None);
    }
    let refused = grant.is_some_and(|grant| grant.state == GrantState::Refused);
    let next = if refused { Some("refused") } else { Some("ask_again") };
    waiting("permission", Some(&manager.name), since, next, request.and_then(|request| request.next_at))
}

fn candidate(item: &ShortlistItem, manager: &Person, vacancy: &Vacancy, approved: Timestamp) -> Option<Waiting> {
    let Some(interview) = item.interview.as_ref().filter(|interview| interview.state != InterviewState::Cancelled) else {
        let asked = item.choice.as_ref().filter(|choice| choice.interview.is_none() && choice.wishes.is_none());
        if let Some((choice, next)) = asked.and_then(|choice| Some((choice, choice.next_reminder()?))) {
            let since = choice.asked_at.unwrap_or(approved);
            return Some(waiting("candidate", Some(&item.candidate.name), since, Some("remind"), Some(next)));
        }
        let unplaced = item.candidacy.unplaced.as_ref()?;
        return Some(waiting("time", Some(&manager.name), unplaced.since, unplaced.reasons.first().map(String::as_str), None));
    };
    let since = interview.booked_at.unwrap_or(interview.created_at).max(approved);
    Some(match (interview.state, interview.feedback) {
        (InterviewState::Proposed, _) => {
            waiting("manager", Some(&manager.name), interview.created_at, Some("accept_proposal"), Some(interview.range.start()))
        }
        (InterviewState::Booking, _) => waiting("calendar", Some(&manager.name), interview.created_at, Some("write_event"), None),
        (InterviewState::Booked, _) => {
            waiting("interview", Some(&item.candidate.name), since, Some("interview_starts"), Some(interview.range.start()))
        }
        (InterviewState::Attention, _) => {
            let at = interview.attention.map_or(since, |(_, at)| at);
            waiting("recruiter", Some(&vacancy.requested_by), at, Some("decide"), None)
        }
        (InterviewState::Done, FeedbackState::Requested) => {
            waiting("feedback", Some(&manager.name), interview.range.end(), Some("remind"), None)
        }
        _ => return None,
    })
}

fn waiting(on: &str, who: Option<&str>, since: Timestamp, next: Option<&str>, next_at: Option<Timestamp>) -> Waiting {
    Waiting { on: on.to_owned(), who: who.map(ToOwned::to_owned), since, next: next.map(ToOwned::to_owned), next_at }
}
