//! Feedback as the dashboard shows it.

use domain::feedback::Feedback;

use super::{
    shown::{Badge, recommendation_badge},
    times::{Moment, moment},
};
use crate::texts::{Text, t};

/// One author's feedback.
#[derive(Debug)]
pub(super) struct FeedbackShown {
    pub(super) recommendation: Badge,
    pub(super) by: String,
    pub(super) at: Moment,
    pub(super) scores: Vec<ScoreShown>,
    pub(super) texts: Vec<TextShown>,
}

/// One mark.
#[derive(Debug)]
pub(super) struct ScoreShown {
    pub(super) label: String,
    pub(super) mark: i64,
}

/// One free text that is not empty.
#[derive(Debug)]
pub(super) struct TextShown {
    pub(super) label: String,
    pub(super) value: String,
}

/// The names of the five marks, as forms send them, with their labels.
pub(super) fn score_labels() -> [(&'static str, Text); 5] {
    [
        ("technical", t("feedback.score.technical")),
        ("communication", t("feedback.score.communication")),
        ("problem_solving", t("feedback.score.problem_solving")),
        ("culture", t("feedback.score.culture")),
        ("overall", t("feedback.score.overall")),
    ]
}

/// The names of the three texts with their labels.
pub(super) fn text_labels() -> [(&'static str, Text); 3] {
    [
        ("strengths", t("feedback.text.strengths")),
        ("to_improve", t("feedback.text.to_improve")),
        ("notes", t("feedback.text.notes")),
    ]
}

impl FeedbackShown {
    pub(super) fn new(feedback: &Feedback, author: &str) -> Self {
        let answers = &feedback.answers;
        let marks = [answers.technical, answers.communication, answers.problem_solving, answers.culture, answers.overall];
        let texts = [&answers.strengths, &answers.to_improve, &answers.notes];
        Self {
            recommendation: recommendation_badge(answers.recommendation),
            by: t("interview.feedback.by").with("author", author).to_string(),
            at: moment(feedback.updated_at),
            scores: score_labels()
                .into_iter()
                .zip(marks)
                .map(|((_, label), mark)| ScoreShown { label: label.to_string(), mark: mark.into() })
                .collect(),
            texts: text_labels()
                .into_iter()
                .zip(texts)
                .filter(|(_, value)| !value.trim().is_empty())
                .map(|((_, label), value)| TextShown { label: label.to_string(), value: value.clone() })
                .collect(),
        }
    }
}
