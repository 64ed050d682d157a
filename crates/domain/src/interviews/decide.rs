//! What a command does to an interview: one pure function, and a helper for each command with more than one line to it.

use scheduling::TimeRange;

use super::{AttentionReason, By, Command, Effect, EventRef, FeedbackState, Interview, InterviewState};
use crate::{Timestamp, mails::Notice};

/// A command that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// The interview is over.
    #[error("the interview is over; it can no longer be changed")]
    Over,
    /// It is cancelled.
    #[error("the interview is cancelled; book a new one instead")]
    Cancelled,
    /// It has not ended.
    #[error("the interview has not taken place yet")]
    NotYet,
    /// It is not provisional.
    #[error("the interview is not a provisional one")]
    NotProvisional,
    /// Feedback is closed.
    #[error("the feedback is closed and can no longer be changed")]
    FeedbackClosed,
    /// There is no feedback.
    #[error("there is no feedback to withdraw or close")]
    NoFeedback,
    /// The person takes no part in it.
    #[error("this person takes no part in the interview")]
    Stranger,
}

impl Refused {
    /// A stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Over => "interview_over",
            Self::Cancelled => "interview_cancelled",
            Self::NotYet => "not_yet",
            Self::NotProvisional => "not_provisional",
            Self::FeedbackClosed => "feedback_closed",
            Self::NoFeedback => "no_feedback",
            Self::Stranger => "stranger",
        }
    }
}

/// Decides what a command does. Pure: the same interview, command and time give the same answer.
///
/// # Errors
/// [`Refused`] where the state does not allow the command; nothing changes then.
pub fn decide(interview: &Interview, command: Command, now: Timestamp) -> Result<(Interview, Vec<Effect>), Refused> {
    let mut next = interview.clone();
    next.rev += 1;
    let effects = match command {
        Command::Written { intent_rev, event } => written(&mut next, intent_rev, event, now),
        Command::Erased => {
            next.event = None;
            next.attempt = None;
            next.written_rev = next.intent_rev;
            Vec::new()
        }
        Command::Attempting(attempt) => {
            next.attempt = Some(attempt);
            Vec::new()
        }
        Command::AttemptFailed => {
            next.attempt = None;
            Vec::new()
        }
        Command::Move { range, .. } => moved(&mut next, range)?,
        Command::MovedByHand { event } => moved_by_hand(&mut next, event)?,
        Command::ClashByHand { event } => {
            // What the calendar shows now is the baseline for whatever the person decides; nothing of ours is written yet.
            next.event = Some(event);
            next.written_rev = 0;
            alarmed(&mut next, AttentionReason::Clash, now)?
        }
        Command::Cancel { by, why } => cancelled(&mut next, by, why, now)?,
        Command::AcceptProvisional => accepted(&mut next, now)?,
        Command::ConfirmProvisional => confirmed(&mut next)?,
        Command::Alarm(reason) => alarmed(&mut next, reason, now)?,
        Command::Resolve => resolved(&mut next)?,
        Command::Mended(reason) => mended(&mut next, reason)?,
        Command::Confirm(person) => {
            open(&next)?;
            let participant =
                next.participants.iter_mut().find(|participant| participant.person == person).ok_or(Refused::Stranger)?;
            participant.confirmed_at.get_or_insert(now);
            Vec::new()
        }
        Command::Finish => finished(&mut next, now)?,
        Command::NoShow => no_show(&mut next, now)?,
        Command::FeedbackGiven => {
            match next.feedback {
                FeedbackState::NotDue => return Err(Refused::NotYet),
                FeedbackState::Closed => return Err(Refused::FeedbackClosed),
                FeedbackState::Requested | FeedbackState::Given => next.feedback = FeedbackState::Given,
            }
            Vec::new()
        }
        Command::FeedbackWithdrawn => {
            match next.feedback {
                FeedbackState::Given => next.feedback = FeedbackState::Requested,
                FeedbackState::Closed => return Err(Refused::FeedbackClosed),
                FeedbackState::NotDue | FeedbackState::Requested => {
                    return Err(Refused::NoFeedback);
                }
            }
            Vec::new()
        }
        Command::CloseFeedback => {
            if next.feedback != FeedbackState::Given {
                return Err(Refused::NoFeedback);
            }
            next.feedback = FeedbackState::Closed;
            Vec::new()
        }
    };
    Ok((next, effects))
}

/// Neither over nor cancelled.
fn open(interview: &Interview) -> Result<(), Refused> {
    match interview.state {
        state if is_over(state) => Err(Refused::Over),
        InterviewState::Cancelled => Err(Refused::Cancelled),
        _ => Ok(()),
    }
}

fn written(next: &mut Interview, intent_rev: i64, event: EventRef, now: Timestamp) -> Vec<Effect> {
    let behind = next.written_rev != next.intent_rev;
    next.event = Some(event);
    next.attempt = None;
    next.written_rev = intent_rev;
    if intent_rev < next.intent_rev || !next.wants_event() {
        // Changed while the write was under way: the calendar is behind, so go on settling and tell nobody yet.
        return vec![Effect::Settle];
    }
    // Whatever was moved may still hold the times it had before.
    let mut effects = if behind && next.sequence > 0 { vec![Effect::Narrow] } else { Vec::new() };
    // A write while a person is asked to decide is told too: the calendar says so to whoever reads it.
    if next.state == InterviewState::Booking || (next.state == InterviewState::Attention && behind) {
        if next.state == InterviewState::Booking {
            next.state = InterviewState::Booked;
        }
        next.booked_at.get_or_insert(now);
        let notice = if next.invited { Notice::Moved } else { Notice::Booked };
        next.invited = true;
        effects.extend([Effect::TellManager(notice), Effect::TellCandidate(notice), Effect::Schedule]);
    }
    effects
}

fn moved(next: &mut Interview, range: TimeRange) -> Result<Vec<Effect>, Refused> {
    open(next)?;
    if next.range == range && next.state != InterviewState::Attention {
        return Ok(Vec::new());
    }
    next.range = range;
    next.intent_rev += 1;
    next.sequence += 1;
    next.attention = None;
    for participant in &mut next.participants {
        participant.confirmed_at = None;
    }
    if next.provisional && next.invited {
        // Accepted by mail before: both hold the old time, so both hear of the new one.
        next.state = InterviewState::Booked;
        let (manager, candidate) = (Effect::TellManager(Notice::Moved), Effect::TellCandidate(Notice::Moved));
        return Ok(vec![Effect::Claim, manager, candidate, Effect::Schedule]);
    }
    if next.provisional {
        next.state = InterviewState::Proposed;
        return Ok(vec![Effect::Claim, Effect::Propose]);
    }
    next.state = InterviewState::Booking;
    let claim = if next.event.is_some() || next.attempt.is_some() { Effect::ClaimBeside } else { Effect::Claim };
    Ok(vec![claim, Effect::Settle])
}

fn moved_by_hand(next: &mut Interview, event: EventRef) -> Result<Vec<Effect>, Refused> {
    open(next)?;
    next.range = event.written;
    next.event = Some(event);
    next.intent_rev += 1;
    next.written_rev = next.intent_rev;
    next.sequence += 1;
    next.state = InterviewState::Booked;
    next.attention = None;
    let notice = if next.invited { Notice::Moved } else { Notice::Booked };
    next.invited = true;
    Ok(vec![Effect::Claim, Effect::TellCandidate(notice), Effect::Schedule])
}

fn cancelled(next: &mut Interview, by: By, why: String, now: Timestamp) -> Result<Vec<Effect>, Refused> {
    if next.state == InterviewState::Cancelled {
        return Ok(Vec::new());
    }
    open(next)?;
    let had_event = next.event.is_some() || next.attempt.is_some() || next.state == InterviewState::Booking;
    let told = next.invited;
    next.state = InterviewState::Cancelled;
    next.cancelled = Some((by, now, why));
    next.attention = None;
    next.intent_rev += 1;
    next.sequence += 1;
    let mut effects = vec![Effect::Release];
    if had_event {
        effects.push(Effect::Settle);
    }
    if told {
        effects.extend([Effect::TellManager(Notice::Cancelled), Effect::TellCandidate(Notice::Cancelled)]);
    }
    Ok(effects)
}

fn accepted(next: &mut Interview, now: Timestamp) -> Result<Vec<Effect>, Refused> {
    open(next)?;
    if !next.provisional {
        return Err(Refused::NotProvisional);
    }
    if next.state != InterviewState::Proposed {
        return Ok(Vec::new());
    }
    next.state = InterviewState::Booked;
    next.booked_at.get_or_insert(now);
    let notice = if next.invited { Notice::Moved } else { Notice::Booked };
    next.invited = true;
    Ok(vec![Effect::TellManager(notice), Effect::TellCandidate(notice), Effect::Schedule])
}

fn confirmed(next: &mut Interview) -> Result<Vec<Effect>, Refused> {
    open(next)?;
    if !next.provisional {
        return Err(Refused::NotProvisional);
    }
    next.provisional = false;
    next.intent_rev += 1;
    if next.state == InterviewState::Proposed {
        next.state = InterviewState::Booking;
    }
    Ok(vec![Effect::Settle])
}

fn alarmed(next: &mut Interview, reason: AttentionReason, now: Timestamp) -> Result<Vec<Effect>, Refused> {
    open(next)?;
    if next.attention.is_some_and(|(known, _)| known == reason) {
        return Ok(Vec::new());
    }
    next.state = InterviewState::Attention;
    next.attention = Some((reason, now));
    Ok(vec![Effect::Alert(reason)])
}

fn resolved(next: &mut Interview) -> Result<Vec<Effect>, Refused> {
    open(next)?;
    let Some((reason, _)) = next.attention.take() else {
        return Ok(Vec::new());
    };
    if reason == AttentionReason::EventDeleted && !next.provisional {
        // Kept although the event is gone: it is written again. Where everybody knew the time, nobody is told anything new.
        let known = next.is_settled() && next.invited;
        next.event = None;
        next.intent_rev += 1;
        next.state = if known { InterviewState::Booked } else { InterviewState::Booking };
        return Ok(vec![Effect::Settle]);
    }
    Ok(on_again(next))
}

/// The state that goes on from here.
fn on_again(next: &mut Interview) -> Vec<Effect> {
    if next.provisional {
        next.state = if next.invited { InterviewState::Booked } else { InterviewState::Proposed };
        return Vec::new();
    }
    next.state = if next.is_settled() { InterviewState::Booked } else { InterviewState::Booking };
    if next.is_settled() { Vec::new() } else { vec![Effect::Settle] }
}

/// Nobody is told: whoever was alarmed sees that it is over, and the time they all know holds.
fn mended(next: &mut Interview, reason: AttentionReason) -> Result<Vec<Effect>, Refused> {
    open(next)?;
    if next.attention.is_none_or(|(known, _)| known != reason) {
        return Ok(Vec::new());
    }
    next.attention = None;
    Ok(on_again(next))
}

fn finished(next: &mut Interview, now: Timestamp) -> Result<Vec<Effect>, Refused> {
    if is_over(next.state) {
        return Ok(Vec::new());
    }
    open(next)?;
    if now < next.range.end() {
        return Err(Refused::NotYet);
    }
    next.state = InterviewState::Done;
    next.feedback = FeedbackState::Requested;
    Ok(vec![Effect::AskFeedback])
}

fn no_show(next: &mut Interview, now: Timestamp) -> Result<Vec<Effect>, Refused> {
    match next.state {
        InterviewState::NoShow => return Ok(Vec::new()),
        InterviewState::Cancelled => return Err(Refused::Cancelled),
        _ if now < next.range.start() => return Err(Refused::NotYet),
        _ => {}
    }
    next.state = InterviewState::NoShow;
    next.attention = None;
    if next.feedback == FeedbackState::Requested {
        next.feedback = FeedbackState::NotDue;
    }
    Ok(Vec::new())
}

/// Whether it lies in the past, held or missed.
const fn is_over(state: InterviewState) -> bool {
    matches!(state, InterviewState::Done | InterviewState::NoShow)
}
