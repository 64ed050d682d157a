//! What a manager thought of a candidate.

use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, id::Kind, interviews::Interview, people::Person};

/// The manager's conclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    /// Hire, with conviction.
    StrongHire,
    /// Hire.
    Hire,
    /// Undecided.
    Maybe,
    /// Do not hire.
    NoHire,
}

/// A mark from 1 (poor) to 10 (excellent).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Score(u8);

/// A mark outside 1–10.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a mark: marks go from 1 to 10")]
pub struct BadScore(i64);

impl TryFrom<i64> for Score {
    type Error = BadScore;
    fn try_from(value: i64) -> Result<Self, BadScore> {
        u8::try_from(value).ok().filter(|mark| (1..=10).contains(mark)).map(Self).ok_or(BadScore(value))
    }
}
impl From<Score> for i64 {
    fn from(score: Score) -> Self {
        Self::from(score.0)
    }
}

/// The answers of the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Technical skill.
    pub technical: Score,
    /// Communication.
    pub communication: Score,
    /// Problem solving.
    pub problem_solving: Score,
    /// Fit with the team.
    pub culture: Score,
    /// Overall impression.
    pub overall: Score,
    /// What was strong. At most [`Answers::MAX_TEXT`] characters, as the next two.
    pub strengths: String,
    /// What to improve.
    pub to_improve: String,
    /// Anything else.
    pub notes: String,
    /// The conclusion.
    pub recommendation: Recommendation,
}

impl Answers {
    /// Longest free text, in characters.
    pub const MAX_TEXT: usize = 5_000;

    /// The name of the first text that is too long.
    pub fn too_long(&self) -> Option<&'static str> {
        [("strengths", &self.strengths), ("to_improve", &self.to_improve), ("notes", &self.notes)]
            .into_iter()
            .find(|(_, text)| text.chars().count() > Self::MAX_TEXT)
            .map(|(name, _)| name)
    }
}

/// One author's feedback on one interview; editable until closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// Names it.
    pub id: Id<Feedback>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// The interview.
    pub interview: Id<Interview>,
    /// Who wrote it.
    pub author: Id<Person>,
    /// What they wrote.
    pub answers: Answers,
    /// First submission.
    pub submitted_at: Timestamp,
    /// Last edit.
    pub updated_at: Timestamp,
    /// Withdrawn by its author.
    pub revoked_at: Option<Timestamp>,
}

impl Kind for Feedback {
    const PREFIX: &'static str = "fbk";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_from_one_to_ten() {
        for good in 1..=10 {
            assert_eq!(i64::from(Score::try_from(good).unwrap()), good);
        }
        for bad in [-1, 0, 11, 300] {
            assert_eq!(Score::try_from(bad), Err(BadScore(bad)));
        }
    }
}
