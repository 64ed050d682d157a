//! An interview: what is intended, what the calendar is known to hold, and the one function that decides what happens next.
//!
//! `state` says how far the booking is; beside it, not in it, stand `provisional`, the pair `intent_rev` / `written_rev` (what should be
//! on the calendar, and what is) and the feedback. [`decide`] takes a command and returns the interview as it should be stored together
//! with the effects that must leave in the same commit.

mod decide;

pub use decide::{Refused, decide};
use scheduling::{TimeRange, Zone};
use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, candidacies::Candidacy, id::Kind, mails::Notice, people::Person, vacancies::Vacancy};

/// How far an interview is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterviewState {
    /// A provisional time is proposed to the manager; the candidate knows nothing.
    Proposed,
    /// Time is claimed; the calendar does not have it yet.
    Booking,
    /// The calendar has it (or, accepted by mail, the invitation counts as it).
    Booked,
    /// It took place.
    Done,
    /// The candidate did not come.
    NoShow,
    /// It will not take place.
    Cancelled,
    /// Something contradicts the plan: a person must decide.
    Attention,
}

/// What a participant is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks; owns the calendar the event is written to.
    Manager,
    /// Is asked.
    Candidate,
    /// Asks beside the manager.
    Interviewer,
}

/// One person in an interview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub person: Id<Person>,
    /// As what.
    pub role: Role,
    /// When they confirmed by their page, if they did.
    pub confirmed_at: Option<Timestamp>,
}

/// The event as we last wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    /// The provider's calendar.
    pub calendar: String,
    /// The provider's uid.
    pub uid: String,
    /// The etag of our last write.
    pub etag: String,
    /// The time we last wrote (or accepted from the manager).
    pub written: TimeRange,
    /// Where people see it.
    pub url: Option<String>,
    /// The meeting the provider made for it, if it was asked to.
    pub meeting_url: Option<String>,
}

/// A create whose outcome is not known yet. Journalled before the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAttempt {
    /// When the call was about to be made.
    pub at: Timestamp,
    /// The calendar it went to.
    pub calendar: String,
    /// How often the marker has been looked for since.
    pub searches: u32,
}

/// How the feedback stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackState {
    /// The interview is not over.
    NotDue,
    /// Asked for.
    Requested,
    /// Given; may still be edited.
    Given,
    /// Closed: no more edits.
    Closed,
}

/// Why a person must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttentionReason {
    /// The candidate said they cannot come.
    CandidateCannot,
    /// The manager said they cannot.
    ManagerCannot,
    /// The manager deleted the event from the calendar.
    EventDeleted,
    /// Another meeting overlaps.
    Clash,
    /// No other time could be found.
    NoTime,
    /// The calendar refused the event for good.
    CalendarRefused,
}

/// Who caused a cancellation or an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The recruiter or an administrator.
    Recruiter,
    /// The candidate.
    Candidate,
    /// The manager.
    Manager,
    /// Greenroom by a rule.
    System,
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interview {
    /// Names the interview; also the marker in the calendar event.
    pub id: Id<Interview>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// The vacancy.
    pub vacancy: Id<Vacancy>,
    /// The place on the shortlist.
    pub candidacy: Id<Candidacy>,
    /// Which round, from 1.
    pub round: i64,
    /// Everybody in it.
    pub participants: Vec<Participant>,
    /// How far it is.
    pub state: InterviewState,
    /// Not confirmed by a real calendar.
    pub provisional: bool,
    /// When.
    pub range: TimeRange,
    /// The interview's zone: the manager's calendar's.
    pub zone: Zone,
    /// Grows with every change that the calendar must learn.
    pub intent_rev: i64,
    /// The intent the calendar is known to hold; 0 for none.
    pub written_rev: i64,
    /// The iCalendar SEQUENCE: grows when the time changes or it is cancelled.
    pub sequence: i64,
    /// Whether the candidate has been told of it.
    pub invited: bool,
    /// The event.
    pub event: Option<EventRef>,
    /// A create in flight.
    pub attempt: Option<CreateAttempt>,
    /// How the feedback stands.
    pub feedback: FeedbackState,
    /// Why it needs a person, and since when.
    pub attention: Option<(AttentionReason, Timestamp)>,
    /// Who cancelled it, when, and a reason in words.
    pub cancelled: Option<(By, Timestamp, String)>,
    /// When the calendar first had it.
    pub booked_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
}

impl Kind for Interview {
    const PREFIX: &'static str = "itv";
}

/// What a new interview is made of.
#[derive(Debug, Clone)]
pub struct NewInterview {
    /// Its id.
    pub id: Id<Interview>,
    /// The vacancy.
    pub vacancy: Id<Vacancy>,
    /// The place on the shortlist.
    pub candidacy: Id<Candidacy>,
    /// Which round.
    pub round: i64,
    /// Who asks; the event is written to their calendar.
    pub manager: Id<Person>,
    /// Who asks beside them.
    pub interviewers: Vec<Id<Person>>,
    /// Who is asked.
    pub candidate: Id<Person>,
    /// When.
    pub range: TimeRange,
    /// The interview's zone.
    pub zone: Zone,
    /// Whether it rests on an assumed calendar.
    pub provisional: bool,
    /// Now.
    pub at: Timestamp,
}

/// What may be asked of an interview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The calendar holds the intent `intent_rev`.
    Written {
        /// Which intent was written.
        intent_rev: i64,
        /// The event.
        event: EventRef,
    },
    /// The event is gone from the calendar, as intended.
    Erased,
    /// A create is about to be made.
    Attempting(CreateAttempt),
    /// The journalled create is known not to have happened.
    AttemptFailed,
    /// Another time, by whom.
    Move {
        /// The new time.
        range: TimeRange,
        /// Who wants it.
        by: By,
    },
    /// The manager moved the event in the calendar.
    MovedByHand {
        /// The event's time now, with its etag.
        event: EventRef,
    },
    /// The manager moved the event onto time that belongs to another interview.
    ClashByHand {
        /// The event's time now, with its etag.
        event: EventRef,
    },
    /// It will not take place.
    Cancel {
        /// Who says so.
        by: By,
        /// Why, in words; may be empty.
        why: String,
    },
    /// The manager accepted a provisional time: booked by mailed invitation.
    AcceptProvisional,
    /// The real calendar can be read and the time is free: write it.
    ConfirmProvisional,
    /// Something contradicts the plan.
    Alarm(AttentionReason),
    /// A person looked and keeps the interview as it is.
    Resolve,
    /// What contradicted the plan does so no more: the clash is gone, the event is back.
    Mended(AttentionReason),
    /// A participant confirmed by their page.
    Confirm(Id<Person>),
    /// Its end has passed.
    Finish,
    /// The candidate did not come.
    NoShow,
    /// Feedback was stored.
    FeedbackGiven,
    /// The author withdrew the feedback.
    FeedbackWithdrawn,
    /// No more edits.
    CloseFeedback,
}

/// What must leave in the same commit as the interview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make the calendar equal.
    Settle,
    /// Take exactly the cells of `range` for every participant.
    Claim,
    /// Take the cells of `range` besides those it has: the time that the calendar shows stays taken until it shows the new one.
    ClaimBeside,
    /// Give back the cells outside of `range`: the calendar has it.
    Narrow,
    /// Give all cells back.
    Release,
    /// Tell the manager.
    TellManager(Notice),
    /// Tell the candidate.
    TellCandidate(Notice),
    /// Propose the time to the manager by mail.
    Propose,
    /// Reminders and the end of the interview, for this sequence.
    Schedule,
    /// Ask for feedback.
    AskFeedback,
    /// Put it before the recruiter.
    Alert(AttentionReason),
}

impl Interview {
    /// A new interview with the effects of making it: claims, and either the calendar write or the proposal.
    pub fn new(new: NewInterview) -> (Self, Vec<Effect>) {
        let participant = |person, role| Participant { person, role, confirmed_at: None };
        let mut participants = vec![participant(new.manager, Role::Manager), participant(new.candidate, Role::Candidate)];
        participants.extend(new.interviewers.iter().map(|person| participant(*person, Role::Interviewer)));
        let (state, effects) = if new.provisional {
            (InterviewState::Proposed, vec![Effect::Claim, Effect::Propose])
        } else {
            (InterviewState::Booking, vec![Effect::Claim, Effect::Settle])
        };
        let interview = Self {
            id: new.id,
            rev: 1,
            vacancy: new.vacancy,
            candidacy: new.candidacy,
            round: new.round,
            participants,
            state,
            provisional: new.provisional,
            range: new.range,
            zone: new.zone,
            intent_rev: 1,
            written_rev: 0,
            sequence: 0,
            invited: false,
            event: None,
            attempt: None,
            feedback: FeedbackState::NotDue,
            attention: None,
            cancelled: None,
            booked_at: None,
            created_at: new.at,
        };
        (interview, effects)
    }

    /// The first participant with `role`.
    pub fn with_role(&self, role: Role) -> Option<Id<Person>> {
        self.participants.iter().find(|participant| participant.role == role).map(|participant| participant.person)
    }

    /// Everybody who asks: the manager, then those beside them.
    pub fn panel(&self) -> impl Iterator<Item = Id<Person>> {
        let asks = |participant: &&Participant| participant.role != Role::Candidate;
        self.participants.iter().filter(asks).map(|participant| participant.person)
    }

    /// Whether it holds time of its participants.
    pub fn holds_time(&self) -> bool {
        self.state != InterviewState::Cancelled
    }

    /// Whether an event should stand on the calendar.
    pub fn wants_event(&self) -> bool {
        match self.state {
            InterviewState::Proposed | InterviewState::Cancelled => false,
            // Accepted by mail: the manager's own mail client holds it until the calendar can be written.
            _ => !self.provisional,
        }
    }

    /// Whether the calendar is known to hold the intent.
    pub fn is_settled(&self) -> bool {
        if self.wants_event() { self.written_rev == self.intent_rev } else { self.event.is_none() && self.attempt.is_none() }
    }

    /// What callers may ask for in this state, as codes.
    pub fn allowed_actions(&self, now: Timestamp) -> Vec<&'static str> {
        let mut actions = Vec::new();
        match self.state {
            InterviewState::Proposed => actions.extend(["accept", "move", "cancel"]),
            InterviewState::Booking | InterviewState::Booked => actions.extend(["move", "cancel"]),
            InterviewState::Attention => actions.extend(["resolve", "move", "cancel"]),
            InterviewState::Done => actions.push("no_show"),
            InterviewState::NoShow | InterviewState::Cancelled => {}
        }
        if self.state == InterviewState::Booked && self.range.end() <= now {
            actions.extend(["finish", "no_show"]);
        }
        if matches!(self.feedback, FeedbackState::Requested | FeedbackState::Given) {
            actions.push("feedback");
        }
        actions
    }
}

#[cfg(test)]
mod tests;
