//! Intent and reality: what a manager's calendars showed of their interviews when they were last looked at, and what follows from it.
//!
//! One [`Look`] per grant. Of other people's events it holds busy times only, and only those that overlap an interview.

use scheduling::TimeRange;
use serde::{Deserialize, Serialize};

use crate::{
    Id, Rev, Timestamp,
    grants::Grant,
    id::Kind,
    interviews::{AttentionReason, Interview, InterviewState},
};

/// Seconds between two looks where an interview starts within [`NEAR_SECONDS`]: what is done by hand is noticed within a minute.
pub const NEAR_EVERY: i64 = 50;
/// Seconds between two looks at what is further away: noticed within five minutes.
pub const FAR_EVERY: i64 = 240;
/// What counts as near.
pub const NEAR_SECONDS: i64 = 24 * 3_600;
/// Seconds after which an event that is not found is looked for again.
pub const AGAIN_SECONDS: i64 = 15;
/// Seconds for which an unchanged change tag is taken for an unchanged calendar. The tag is a hint: nothing promises that it always changes.
pub const TRUSTED_SECONDS: i64 = 900;
/// Events that must have changed at once, and be more than half of those that stand, before nothing is believed without a person.
pub const MASS: usize = 4;

/// What the lead's calendar shows of an interview; of one that somebody sits in beside the lead, whether they can still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "seen")]
pub enum Seen {
    /// Where it should be.
    AsIntended,
    /// The event lies at another time.
    Elsewhere {
        /// When.
        at: TimeRange,
    },
    /// The event is not there.
    Missing {
        /// At so many looks in a row.
        looks: u32,
        /// Since when.
        since: Timestamp,
    },
    /// Greenroom has not written it yet.
    NotWritten,
    /// The event stands in somebody else's calendar.
    Beside,
}

impl Seen {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AsIntended => "as_intended",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Missing { .. } => "missing",
            Self::NotWritten => "not_written",
            Self::Beside => "beside",
        }
    }
}

/// One interview in one person's calendars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Which.
    pub interview: Id<Interview>,
    /// The time that it was compared with.
    pub range: TimeRange,
    /// The event.
    pub seen: Seen,
    /// Whether the owner declined it.
    pub declined: bool,
    /// Busy times of other events that overlap it.
    pub overlaps: Vec<TimeRange>,
    /// When this was read.
    pub at: Timestamp,
}

/// The last look at the calendars behind a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Whose calendars.
    pub grant: Id<Grant>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// The last attempt.
    pub tried_at: Timestamp,
    /// When interviews that are near were last read.
    pub near_at: Option<Timestamp>,
    /// When all interviews were last read, or the change tags said that nothing changed.
    pub far_at: Option<Timestamp>,
    /// When all were last read without trusting a change tag.
    pub read_at: Option<Timestamp>,
    /// Each calendar's change tag then; empty where one has none.
    pub tags: Vec<(String, String)>,
    /// When these tags were seen first.
    pub tags_at: Option<Timestamp>,
    /// Why the last attempt failed, as a code.
    pub problem: Option<String>,
    /// Since when nothing is believed because so much changed at once.
    pub held_at: Option<Timestamp>,
    /// Whether a person said that it is to be believed.
    pub admitted: bool,
    /// What was seen.
    pub sights: Vec<Sight>,
}

impl Kind for Look {
    const PREFIX: &'static str = "lok";
}

/// What a look shows that was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finding {
    /// The event lies at another time than the one last written.
    Moved,
    /// The event is not there, seen at one look: to be looked for again.
    Unsure,
    /// The event is not there, seen twice.
    Deleted,
    /// The owner declined.
    Declined,
    /// Something new overlaps.
    Overlapped,
    /// What overlapped is gone.
    ClashOver,
    /// The event that was missing is back.
    Back,
}

impl Finding {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Unsure => "unsure",
            Self::Deleted => "deleted",
            Self::Declined => "declined",
            Self::Overlapped => "overlapped",
            Self::ClashOver => "clash_over",
            Self::Back => "back",
        }
    }

    /// Whether many of these at once are rather a fault of the calendar's, or of its owner's hand, than what it seems.
    pub const fn is_drastic(self) -> bool {
        matches!(self, Self::Moved | Self::Unsure | Self::Deleted)
    }
}

impl Look {
    /// Before the first look.
    pub const fn new(grant: Id<Grant>, now: Timestamp) -> Self {
        Self {
            grant,
            rev: 0,
            tried_at: now,
            near_at: None,
            far_at: None,
            read_at: None,
            tags: Vec::new(),
            tags_at: None,
            problem: None,
            held_at: None,
            admitted: false,
            sights: Vec::new(),
        }
    }

    /// What was seen of an interview.
    pub fn sight(&self, interview: Id<Interview>) -> Option<&Sight> {
        self.sights.iter().find(|sight| sight.interview == interview)
    }

    /// Whether so much changed at once that a person must look: `drastic` of `standing` events.
    pub const fn is_mass(drastic: usize, standing: usize) -> bool {
        drastic >= MASS && drastic * 2 > standing
    }
}

/// What is new. `before` is the last sight of the same interview in the same person's calendars.
pub fn judge(before: Option<&Sight>, now: &Sight, interview: &Interview) -> Vec<Finding> {
    let mut found = Vec::new();
    let alarmed = interview.attention.map(|(reason, _)| reason);
    let written = interview.event.as_ref().map(|event| event.written);
    match now.seen {
        Seen::Elsewhere { at } if written != Some(at) => return vec![Finding::Moved],
        Seen::Missing { looks: 1, .. } => return vec![Finding::Unsure],
        Seen::Missing { .. } if alarmed != Some(AttentionReason::EventDeleted) => return vec![Finding::Deleted],
        Seen::Missing { .. } => return found,
        Seen::AsIntended if alarmed == Some(AttentionReason::EventDeleted) => found.push(Finding::Back),
        _ => {}
    }
    // While a person is asked to decide about something else, a second question waits until that is answered.
    let undecided = interview.state == InterviewState::Attention;
    let same = before.filter(|before| before.range == now.range);
    if now.declined && !same.is_some_and(|before| before.declined) && !undecided {
        found.push(Finding::Declined);
    }
    let known = same.map(|before| before.overlaps.as_slice()).unwrap_or_default();
    if now.overlaps.iter().any(|range| !known.contains(range)) && !undecided {
        found.push(Finding::Overlapped);
    }
    if now.overlaps.is_empty() && !known.is_empty() && alarmed == Some(AttentionReason::Clash) {
        found.push(Finding::ClashOver);
    }
    found
}

/// The sight as it is kept: what a person has not been asked about yet stays news.
#[must_use]
pub fn kept(before: Option<&Sight>, mut now: Sight, interview: &Interview) -> Sight {
    if interview.state == InterviewState::Attention && !matches!(now.seen, Seen::Elsewhere { .. }) {
        let same = before.filter(|before| before.range == now.range);
        let asked = interview.attention.is_some_and(|(reason, _)| reason == AttentionReason::Clash);
        if !asked {
            now.overlaps.retain(|range| same.is_some_and(|before| before.overlaps.contains(range)));
        }
        let asked = interview.attention.is_some_and(|(reason, _)| reason == AttentionReason::ManagerCannot);
        now.declined &= asked || same.is_some_and(|before| before.declined);
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interviews::{EventRef, NewInterview};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(at(from), at(to)).unwrap()
    }

    fn interview(state: InterviewState, attention: Option<AttentionReason>) -> Interview {
        let id = |number| Id::new(uuid::Uuid::from_u128(number));
        let (interview, _) = Interview::new(NewInterview {
            id: Id::new(uuid::Uuid::from_u128(1)),
            vacancy: Id::new(uuid::Uuid::from_u128(2)),
            candidacy: Id::new(uuid::Uuid::from_u128(3)),
            round: 1,
            manager: id(4),
            interviewers: Vec::new(),
            candidate: id(5),
            range: range(60, 120),
            zone: scheduling::Zone::utc(),
            provisional: false,
            at: at(0),
        });
        let written = range(60, 120);
        let text = || "x".to_owned();
        let event = Some(EventRef { calendar: text(), uid: text(), etag: text(), written, url: None, meeting_url: None });
        Interview { state, attention: attention.map(|reason| (reason, at(1))), event, ..interview }
    }

    fn sight(seen: Seen, overlaps: &[TimeRange]) -> Sight {
        let interview = Id::new(uuid::Uuid::from_u128(1));
        Sight { interview, range: range(60, 120), seen, declined: false, overlaps: overlaps.to_vec(), at: at(2) }
    }

    #[test]
    fn what_stands_as_intended_is_no_news() {
        let booked = interview(InterviewState::Booked, None);
        assert_eq!(judge(None, &sight(Seen::AsIntended, &[]), &booked), []);
        assert_eq!(judge(None, &sight(Seen::Beside, &[]), &booked), []);
        assert_eq!(judge(None, &sight(Seen::NotWritten, &[]), &booked), []);
    }

    #[test]
    fn a_move_is_one_only_where_it_is_not_what_was_last_written() {
        let booked = interview(InterviewState::Booked, None);
        assert_eq!(judge(None, &sight(Seen::Elsewhere { at: range(200, 260) }, &[range(90, 95)]), &booked), [Finding::Moved]);
        // Ours was moved and the calendar has not been told yet.
        let moved = Interview { range: range(300, 360), ..booked };
        assert_eq!(judge(None, &sight(Seen::Elsewhere { at: range(60, 120) }, &[]), &moved), []);
    }

    #[test]
    fn a_deletion_is_believed_at_the_second_look_and_asked_about_once() {
        let booked = interview(InterviewState::Booked, None);
        let missing = |looks| sight(Seen::Missing { looks, since: at(1) }, &[]);
        assert_eq!(judge(None, &missing(1), &booked), [Finding::Unsure]);
        assert_eq!(judge(Some(&missing(1)), &missing(2), &booked), [Finding::Deleted]);
        let asked = interview(InterviewState::Attention, Some(AttentionReason::EventDeleted));
        assert_eq!(judge(Some(&missing(2)), &missing(3), &asked), []);
        assert_eq!(judge(Some(&missing(3)), &sight(Seen::AsIntended, &[]), &asked), [Finding::Back]);
    }

    #[test]
    fn what_overlaps_is_news_once_and_over_when_it_is_gone() {
        let booked = interview(InterviewState::Booked, None);
        let (free, board) = (sight(Seen::AsIntended, &[]), sight(Seen::AsIntended, &[range(90, 150)]));
        assert_eq!(judge(Some(&free), &board, &booked), [Finding::Overlapped]);
        assert_eq!(judge(Some(&board), &board, &booked), [], "a person keeps it, and is not asked again");
        let both = sight(Seen::AsIntended, &[range(90, 150), range(70, 80)]);
        assert_eq!(judge(Some(&board), &both, &booked), [Finding::Overlapped]);
        let asked = interview(InterviewState::Attention, Some(AttentionReason::Clash));
        assert_eq!(judge(Some(&board), &free, &asked), [Finding::ClashOver]);
        assert_eq!(judge(Some(&board), &free, &booked), []);
        // What overlapped another time says nothing of this one.
        let other = Sight { range: range(0, 30), ..board.clone() };
        assert_eq!(judge(Some(&other), &board, &booked), [Finding::Overlapped]);
    }

    #[test]
    fn a_second_question_waits_until_the_first_is_answered() {
        let busy = interview(InterviewState::Attention, Some(AttentionReason::CandidateCannot));
        let free = sight(Seen::AsIntended, &[]);
        let board = Sight { declined: true, ..sight(Seen::AsIntended, &[range(90, 150)]) };
        assert_eq!(judge(Some(&free), &board, &busy), []);
        let stored = kept(Some(&free), board.clone(), &busy);
        assert_eq!((stored.declined, stored.overlaps.len()), (false, 0));
        let answered = interview(InterviewState::Booked, None);
        assert_eq!(judge(Some(&stored), &board, &answered), [Finding::Declined, Finding::Overlapped]);
        assert_eq!(kept(Some(&free), board.clone(), &answered), board);
    }

    #[test]
    fn many_at_once_are_more_than_half_and_four_at_least() {
        assert!(!Look::is_mass(3, 3) && Look::is_mass(4, 4) && Look::is_mass(4, 7) && !Look::is_mass(4, 8));
    }
}
