//! Small things that many pages show: badges, waiting lines, trails, buttons. Codes of the domain become words here.

use domain::{
    audit::{Actor, Entry},
    feedback::Recommendation,
    grants::GrantState,
    interviews::{AttentionReason, By, Interview, InterviewState},
    vacancies::{Place, Vacancy, VacancyState, Waiting},
};

use super::times::{Moment, moment};
use crate::texts::{code, known_code, t};

/// A word in a coloured pill. `tone` is a class of the style sheet: `good`, `warn`, `bad`, `plain`.
#[derive(Debug, Clone)]
pub struct Badge {
    /// Class.
    pub tone: &'static str,
    /// Word.
    pub text: String,
}

/// Whom something waits for, since when, and what happens next.
#[derive(Debug, Clone)]
pub struct WaitingLine {
    /// A sentence.
    pub what: String,
    /// Since when; `None` for what is only coming up.
    pub since: Option<Moment>,
    /// What happens next.
    pub next: Option<String>,
    /// When.
    pub next_at: Option<Moment>,
}

/// One line of an audit trail.
#[derive(Debug, Clone)]
pub struct TrailLine {
    /// When.
    pub at: Moment,
    /// Who.
    pub who: String,
    /// What, in words.
    pub what: String,
    /// Why, where somebody said.
    pub why: Option<String>,
}

/// A button that posts `code` as the field `action`.
#[derive(Debug, Clone)]
pub struct Action {
    /// The field's value.
    pub code: &'static str,
    /// What stands on it.
    pub label: String,
    /// Class.
    pub tone: &'static str,
}

/// An action with its words from the message files.
pub fn action(code_of: &'static str, tone: &'static str) -> Action {
    Action { code: code_of, label: code("action", code_of), tone }
}

/// How a vacancy stands.
pub fn vacancy_badge(vacancy: &Vacancy) -> Badge {
    let (tone, state) = match vacancy.state {
        VacancyState::Approved if vacancy.paused_at.is_some() => ("warn", "paused"),
        VacancyState::Draft => ("plain", "draft"),
        VacancyState::Approved => ("good", "approved"),
        VacancyState::Closed => ("plain", "closed"),
    };
    Badge { tone, text: code("state.vacancy", state) }
}

/// How an interview stands.
pub fn interview_badge(state: InterviewState) -> Badge {
    let (tone, name) = match state {
        InterviewState::Proposed => ("plain", "proposed"),
        InterviewState::Booking => ("warn", "booking"),
        InterviewState::Booked => ("good", "booked"),
        InterviewState::Done => ("good", "done"),
        InterviewState::NoShow => ("bad", "no_show"),
        InterviewState::Cancelled => ("plain", "cancelled"),
        InterviewState::Attention => ("bad", "attention"),
    };
    Badge { tone, text: code("state.interview", name) }
}

/// How a manager's permission stands; `None`: never asked.
pub fn grant_badge(state: Option<GrantState>) -> Badge {
    let (tone, name) = match state {
        None => ("plain", "none"),
        Some(GrantState::Requested) => ("warn", "requested"),
        Some(GrantState::Refused) => ("bad", "refused"),
        Some(GrantState::Unverified) => ("warn", "unverified"),
        Some(GrantState::Active) => ("good", "active"),
        Some(GrantState::Dead) => ("bad", "dead"),
        Some(GrantState::Disconnected) => ("plain", "disconnected"),
    };
    Badge { tone, text: code("state.grant", name) }
}

/// The manager's conclusion.
pub fn recommendation_badge(recommendation: Recommendation) -> Badge {
    let (tone, name) = match recommendation {
        Recommendation::StrongHire => ("good", "strong_hire"),
        Recommendation::Hire => ("good", "hire"),
        Recommendation::Maybe => ("warn", "maybe"),
        Recommendation::NoHire => ("bad", "no_hire"),
    };
    Badge { tone, text: code("mark", name) }
}

/// The stable name of a recommendation, as forms send it.
pub fn recommendation_code(recommendation: Recommendation) -> &'static str {
    match recommendation {
        Recommendation::StrongHire => "strong_hire",
        Recommendation::Hire => "hire",
        Recommendation::Maybe => "maybe",
        Recommendation::NoHire => "no_hire",
    }
}

const fn attention_code(reason: AttentionReason) -> &'static str {
    match reason {
        AttentionReason::CandidateCannot => "candidate_cannot",
        AttentionReason::ManagerCannot => "manager_cannot",
        AttentionReason::EventDeleted => "event_deleted",
        AttentionReason::Clash => "clash",
        AttentionReason::NoTime => "no_time",
        AttentionReason::CalendarRefused => "calendar_refused",
    }
}

/// Why an interview needs a person and what they can do.
pub fn attention_sentence(interview: &Interview) -> Option<String> {
    interview.attention.map(|(reason, _)| code("attention.reason", attention_code(reason)))
}

/// The same in two or three words, for tables.
pub fn attention_short(interview: &Interview) -> Option<String> {
    interview.attention.map(|(reason, _)| code("attention.short", attention_code(reason)))
}

/// Who cancelled and why.
pub fn cancelled_sentence(interview: &Interview) -> Option<String> {
    let (by, _, why) = interview.cancelled.as_ref()?;
    let by = match by {
        By::Recruiter => "recruiter",
        By::Candidate => "candidate",
        By::Manager => "manager",
        By::System => "system",
    };
    let text = if why.is_empty() { t("interview.cancelled.text_no_why") } else { t("interview.cancelled.text").with("why", why) };
    Some(text.with("by", code("cancelled_by", by)).to_string())
}

/// Where an interview takes place, for people who run it.
pub fn place_text(place: Option<&Place>) -> String {
    match place {
        None => t("vacancy.place.none").to_string(),
        Some(Place::ZohoMeeting) => t("vacancy.place.zoho_meeting").to_string(),
        Some(Place::Address(text) | Place::Url(text)) => text.clone(),
    }
}

/// Waiting lines in words, at most `limit` of them; those that need somebody stand before interviews that are simply coming up.
pub fn waiting_lines(waiting: &[Waiting], limit: usize) -> Vec<WaitingLine> {
    let mut sorted: Vec<&Waiting> = waiting.iter().collect();
    sorted.sort_by_key(|waiting| (waiting.on == "interview", waiting.next_at.unwrap_or(waiting.since)));
    sorted.into_iter().take(limit).map(waiting_line).collect()
}

fn waiting_line(waiting: &Waiting) -> WaitingLine {
    let who = waiting.who.clone().unwrap_or_else(|| t("waiting.somebody").to_string());
    let what =
        known_code("waiting", &waiting.on).map_or_else(|| code("waiting", &waiting.on), |text| text.with("who", who).to_string());
    WaitingLine {
        what,
        since: (waiting.on != "interview").then(|| moment(waiting.since)),
        // What comes next is a step of ours, or the reason why there is none.
        next: waiting
            .next
            .as_ref()
            .map(|next| known_code("next", next).map_or_else(|| code("reason", next), |text| text.to_string())),
        next_at: waiting.next_at.map(moment),
    }
}

/// Reason codes as sentences; unknown ones stay readable.
pub fn reasons(codes: &[String]) -> String {
    codes.iter().map(|reason| code("reason", reason)).collect::<Vec<_>>().join(" ")
}

/// Who acted.
pub fn actor(actor: &Actor) -> String {
    match actor {
        Actor::System => t("who.system").to_string(),
        Actor::ApiKey(id) if id == "open" => t("who.open").to_string(),
        Actor::ApiKey(id) => t("who.api_key").with("id", id).to_string(),
        Actor::Administrator(name) if name.starts_with("ses_") => t("who.dashboard").to_string(),
        Actor::Administrator(name) => t("who.administrator").with("name", name).to_string(),
        Actor::Account(id) => t("who.account").with("id", short_id(id)).to_string(),
        Actor::Person(_) => t("who.person").to_string(),
        Actor::Operator => t("who.operator").to_string(),
    }
}

/// An audit action in words: its own sentence, or the code made readable.
pub fn deed(action: &str) -> String {
    if let Some(known) = known_code("deed", action) {
        return known.to_string();
    }
    let readable = action.replace(['.', '_'], " ");
    let mut letters = readable.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Lines of a trail.
pub fn trail(entries: &[Entry]) -> Vec<TrailLine> {
    let line =
        |entry: &Entry| TrailLine { at: moment(entry.at), who: actor(&entry.actor), what: deed(&entry.action), why: detail(entry) };
    entries.iter().map(line).collect()
}

/// What a line says beyond its action: the reason that somebody gave, the note of a participant, the kind of a mail, the code of a problem.
pub fn detail(entry: &Entry) -> Option<String> {
    let text = |name: &str| entry.payload.get(name).and_then(serde_json::Value::as_str);
    let said = entry.reason.as_deref().or_else(|| text("note")).map(str::to_owned);
    said.or_else(|| text("kind").map(|kind| code("kind", kind))).or_else(|| text("code").map(|problem| code("reason", problem)))
}

/// The dashboard page of an id, by its prefix.
pub fn href_of(id: &str) -> Option<String> {
    let folder = match id.split_once('_')?.0 {
        "vac" => "vacancies",
        "itv" => "interviews",
        "per" => "managers",
        "mai" => "mailbox",
        _ => return None,
    };
    Some(format!("/{folder}/{id}"))
}

/// An id in few letters: what it is of, and its end. `vac_01a2…4b5c` becomes `vacancy …4b5c`.
pub fn short_id(id: &str) -> String {
    let Some((prefix, hex)) = id.split_once('_').filter(|(_, hex)| hex.len() == 32 && hex.is_ascii()) else { return id.to_owned() };
    format!("{} …{}", code("noun", prefix), &hex[26..])
}

/// Text cut into links (`http://`, `https://`) and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The words, or the address.
    pub text: String,
    /// Whether it is an address.
    pub link: bool,
}

/// Finds the addresses in a plain text. A full stop or bracket behind an address does not belong to it.
pub fn linkified(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while let Some(at) = [rest.find("http://"), rest.find("https://")].into_iter().flatten().min() {
        let (before, from) = rest.split_at(at);
        let long = from.find(|letter: char| letter.is_whitespace() || "<>\"".contains(letter)).unwrap_or(from.len());
        let link = from[..long].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        if !before.is_empty() {
            pieces.push(Piece { text: before.to_owned(), link: false });
        }
        pieces.push(Piece { text: link.to_owned(), link: true });
        rest = &from[link.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece { text: rest.to_owned(), link: false });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_a_text_become_links_and_nothing_is_lost() {
        let text = "Open https://greenroom.example.com/c/a-b_c.\nOr (http://localhost:8040/x?y=1&z=2), please.";
        let pieces = linkified(text);
        let links: Vec<&str> = pieces.iter().filter(|piece| piece.link).map(|piece| piece.text.as_str()).collect();
        assert_eq!(links, ["https://greenroom.example.com/c/a-b_c", "http://localhost:8040/x?y=1&z=2"]);
        assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
        assert_eq!(linkified("nothing here"), [Piece { text: "nothing here".to_owned(), link: false }]);
        assert!(linkified("").is_empty());
    }

    #[test]
    fn ids_lead_to_their_pages() {
        assert_eq!(href_of("vac_1").as_deref(), Some("/vacancies/vac_1"));
        assert_eq!(href_of("job_1"), None);
        assert_eq!(href_of("nonsense"), None);
    }

    #[test]
    fn ids_are_shortened_and_other_texts_are_not() {
        assert_eq!(short_id("vac_01a20a5b7119708fa3658f5686306d1c"), "vacancy …306d1c");
        assert_eq!(short_id("xyz_01a20a5b7119708fa3658f5686306d1c"), "xyz …306d1c");
        assert_eq!(short_id("installation"), "installation");
    }

    #[test]
    fn deeds_are_readable() {
        assert_eq!(deed("vacancy.approved"), "Vacancy approved");
        assert_eq!(deed("never.heard_of"), "Never heard of");
    }
}
