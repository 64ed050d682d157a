//! What the manager thought of a candidate: given by the form or here, editable until closed.

use axum::extract::{Path, State};
use domain::{
    access::Right,
    feedback::{Answers, Feedback, Recommendation, Score},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    endpoint::{Authorized, Endpoint, post, put},
    input::{IfMatch, Json, invalid},
    interviews::{InterviewDetail, matching, resource},
    output::{Answer, Moment, Resource},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        put("/interviews/{id}/feedback", Right::Commit, "Gives or edits the manager's feedback", give)
            .if_match()
            .body::<NewFeedback>()
            .answers::<InterviewDetail>(),
        post("/interviews/{id}/feedback/close", Right::Commit, "Closes the feedback: no more edits", close)
            .if_match()
            .answers::<InterviewDetail>(),
    ]
}

/// The conclusion.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Recommendation)]
#[serde(rename_all = "snake_case")]
enum Conclusion {
    StrongHire,
    Hire,
    Maybe,
    NoHire,
}

impl From<Recommendation> for Conclusion {
    fn from(recommendation: Recommendation) -> Self {
        match recommendation {
            Recommendation::StrongHire => Self::StrongHire,
            Recommendation::Hire => Self::Hire,
            Recommendation::Maybe => Self::Maybe,
            Recommendation::NoHire => Self::NoHire,
        }
    }
}

impl From<Conclusion> for Recommendation {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::StrongHire => Self::StrongHire,
            Conclusion::Hire => Self::Hire,
            Conclusion::Maybe => Self::Maybe,
            Conclusion::NoHire => Self::NoHire,
        }
    }
}

/// The manager's feedback.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Feedback)]
pub(super) struct FeedbackBody {
    id: String,
    revision: i64,
    author_id: String,
    technical: i64,
    communication: i64,
    problem_solving: i64,
    culture: i64,
    overall: i64,
    strengths: String,
    to_improve: String,
    notes: String,
    recommendation: Conclusion,
    submitted_at: Moment,
    updated_at: Moment,
}

impl From<&Feedback> for FeedbackBody {
    fn from(feedback: &Feedback) -> Self {
        let answers = &feedback.answers;
        Self {
            id: feedback.id.to_string(),
            revision: feedback.rev,
            author_id: feedback.author.to_string(),
            technical: answers.technical.into(),
            communication: answers.communication.into(),
            problem_solving: answers.problem_solving.into(),
            culture: answers.culture.into(),
            overall: answers.overall.into(),
            strengths: answers.strengths.clone(),
            to_improve: answers.to_improve.clone(),
            notes: answers.notes.clone(),
            recommendation: answers.recommendation.into(),
            submitted_at: feedback.submitted_at.into(),
            updated_at: feedback.updated_at.into(),
        }
    }
}

/// Feedback as you send it: marks from 1 (poor) to 10 (excellent), texts of at most 5000 characters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewFeedback {
    /// The manager's address, where you want it checked.
    #[schema(required = false)]
    author_email: Option<String>,
    #[schema(minimum = 1, maximum = 10)]
    technical: i64,
    #[schema(minimum = 1, maximum = 10)]
    communication: i64,
    #[schema(minimum = 1, maximum = 10)]
    problem_solving: i64,
    #[schema(minimum = 1, maximum = 10)]
    culture: i64,
    #[schema(minimum = 1, maximum = 10)]
    overall: i64,
    #[serde(default)]
    #[schema(required = false)]
    strengths: String,
    #[serde(default)]
    #[schema(required = false)]
    to_improve: String,
    #[serde(default)]
    #[schema(required = false)]
    notes: String,
    recommendation: Conclusion,
}

impl NewFeedback {
    fn read(self) -> Answer<(Option<String>, Answers)> {
        let score = |field: &str, mark: i64| Score::try_from(mark).map_err(|error| invalid(field, error.to_string()));
        let answers = Answers {
            technical: score("technical", self.technical)?,
            communication: score("communication", self.communication)?,
            problem_solving: score("problem_solving", self.problem_solving)?,
            culture: score("culture", self.culture)?,
            overall: score("overall", self.overall)?,
            strengths: self.strengths,
            to_improve: self.to_improve,
            notes: self.notes,
            recommendation: self.recommendation.into(),
        };
        Ok((self.author_email, answers))
    }
}

async fn give(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
    Json(new): Json<NewFeedback>,
) -> Answer<Resource<InterviewDetail>> {
    let (author, answers) = new.read()?;
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.submit_feedback(id, author.as_deref(), answers, &by.caller).await?))
}

async fn close(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<InterviewDetail>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.close_feedback(id, &by.caller).await?))
}
