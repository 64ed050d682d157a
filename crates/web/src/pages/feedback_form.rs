//! `/f/{token}`: a manager's feedback on one candidate; editable until closed, and revocable.

use app::FeedbackView;
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::feedback::{Answers, Recommendation, Score};

use super::{
    Failure,
    feedback::{score_labels, text_labels},
    forms::Fields,
    frame::PersonFrame,
    links, page_with,
    shown::recommendation_code,
    times,
};
use crate::{
    WebState,
    texts::{filters, t},
};

/// See `feedback.html`.
#[derive(Debug, Template)]
#[template(path = "feedback.html")]
pub(super) struct FeedbackPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) candidate: String,
    pub(super) manager: String,
    pub(super) vacancy: String,
    pub(super) round: String,
    pub(super) when: String,
    pub(super) scores: Vec<ScoreField>,
    pub(super) texts: Vec<TextField>,
    pub(super) recommendations: Vec<Choice>,
    pub(super) recommendation_error: bool,
    pub(super) answered: bool,
    pub(super) closed: bool,
    pub(super) max_text: usize,
}

/// A row of ten radio buttons.
#[derive(Debug)]
pub(super) struct ScoreField {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) marks: Vec<Mark>,
    pub(super) error: bool,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) value: i64,
    pub(super) checked: bool,
}

/// A free text.
#[derive(Debug)]
pub(super) struct TextField {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) error: Option<String>,
}

/// One of the four conclusions.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) label: String,
    pub(super) checked: bool,
}

const RECOMMENDATIONS: [Recommendation; 4] =
    [Recommendation::StrongHire, Recommendation::Hire, Recommendation::Maybe, Recommendation::NoHire];

fn recommendation_label(recommendation: Recommendation) -> String {
    let text = match recommendation {
        Recommendation::StrongHire => t("feedback.recommendation.strong_hire"),
        Recommendation::Hire => t("feedback.recommendation.hire"),
        Recommendation::Maybe => t("feedback.recommendation.maybe"),
        Recommendation::NoHire => t("feedback.recommendation.no_hire"),
    };
    text.to_string()
}

/// What stands in the form: from the store, or as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    /// In the order of [`score_labels`]; `None` where nothing usable was chosen.
    scores: [Option<i64>; 5],
    /// In the order of [`text_labels`].
    texts: [String; 3],
    recommendation: Option<Recommendation>,
}

impl Draft {
    fn stored(answers: &Answers) -> Self {
        let marks = [answers.technical, answers.communication, answers.problem_solving, answers.culture, answers.overall];
        Self {
            scores: marks.map(|mark| Some(mark.into())),
            texts: [answers.strengths.clone(), answers.to_improve.clone(), answers.notes.clone()],
            recommendation: Some(answers.recommendation),
        }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        let mark = |name: &str| fields.get(name).parse::<i64>().ok().filter(|mark| Score::try_from(*mark).is_ok());
        let chosen = fields.get("recommendation");
        Self {
            scores: score_labels().map(|(name, _)| mark(name)),
            texts: text_labels().map(|(name, _)| fields.get(name).replace("\r\n", "\n")),
            recommendation: RECOMMENDATIONS.into_iter().find(|known| recommendation_code(*known) == chosen),
        }
    }

    fn is_too_long(text: &str) -> bool {
        text.chars().count() > Answers::MAX_TEXT
    }

    /// The answers, if nothing is missing and nothing is too long.
    pub(super) fn answers(&self) -> Option<Answers> {
        let mut marks = [None; 5];
        for (mark, value) in marks.iter_mut().zip(self.scores) {
            *mark = value.and_then(|value| Score::try_from(value).ok());
        }
        let [technical, communication, problem_solving, culture, overall] = marks;
        let [strengths, to_improve, notes] = self.texts.clone();
        let too_long = self.texts.iter().any(|text| Self::is_too_long(text));
        let answers = Answers {
            technical: technical?,
            communication: communication?,
            problem_solving: problem_solving?,
            culture: culture?,
            overall: overall?,
            strengths,
            to_improve,
            notes,
            recommendation: self.recommendation?,
        };
        (!too_long).then_some(answers)
    }
}

impl FeedbackPage {
    /// Whether something is wrong with what was typed.
    fn failed(&self) -> bool {
        self.recommendation_error
            || self.scores.iter().any(|score| score.error)
            || self.texts.iter().any(|text| text.error.is_some())
    }

    /// `typed`: the form comes back with what is wrong.
    pub(super) fn new(person: PersonFrame, token: String, view: &FeedbackView, typed: Option<Draft>) -> Self {
        let failed = typed.is_some();
        let draft = typed.or_else(|| view.answers.as_ref().map(Draft::stored)).unwrap_or_default();
        let too_long = |text: &str| {
            let sentence =
                || t("feedback.error.too_long").with("count", text.chars().count()).with("max", Answers::MAX_TEXT).to_string();
            (failed && Draft::is_too_long(text)).then(sentence)
        };
        let score = |((name, label), value): ((&'static str, crate::texts::Text), Option<i64>)| ScoreField {
            name,
            label: label.to_string(),
            marks: (1..=10).map(|mark| Mark { value: mark, checked: value == Some(mark) }).collect(),
            error: failed && value.is_none(),
        };
        Self {
            scores: score_labels().into_iter().zip(draft.scores).map(score).collect(),
            texts: text_labels()
                .into_iter()
                .zip(draft.texts)
                .map(|((name, label), value)| TextField { name, label: label.to_string(), error: too_long(&value), value })
                .collect(),
            recommendations: RECOMMENDATIONS
                .into_iter()
                .map(|known| Choice {
                    value: recommendation_code(known),
                    label: recommendation_label(known),
                    checked: draft.recommendation == Some(known),
                })
                .collect(),
            recommendation_error: failed && draft.recommendation.is_none(),
            answered: view.answers.is_some(),
            closed: view.closed,
            max_text: Answers::MAX_TEXT,
            candidate: view.candidate.clone(),
            manager: view.manager.clone(),
            vacancy: view.vacancy.clone(),
            round: view.round.clone(),
            when: times::when(view.range, &view.zone, None)
                .first()
                .map(|line| format!("{}, {}", line.day, line.hours))
                .unwrap_or_default(),
            person,
            token,
        }
    }
}

async fn render(state: &WebState, token: String, typed: Option<Draft>) -> Result<Response, Failure> {
    let view = state.app.feedback_form(&token).await.map_err(|error| links::problem_page(state, &token, &error))?;
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page_with(status, &FeedbackPage::new(PersonFrame::new(state.app.settings()), token, &view, typed))
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    render(&state, token, None).await
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    let failed = |error| links::problem_page(&state, &token, &error);
    match fields.get("action") {
        "submit" => {
            let draft = Draft::typed(&fields);
            let Some(answers) = draft.answers() else { return render(&state, token, Some(draft)).await };
            let view = state.app.feedback_form(&token).await.map_err(failed)?;
            state.app.submit_feedback_by_link(&token, answers).await.map_err(failed)?;
            let company = &state.app.settings().company;
            let lead = t("feedback.done.lead").with("candidate", view.candidate).with("company", company);
            links::notice(&state, "good", t("feedback.done.title"), lead)
        }
        "withdraw" => {
            state.app.withdraw_feedback_by_link(&token).await.map_err(failed)?;
            links::notice(&state, "plain", t("feedback.withdrawn.title"), t("feedback.withdrawn.lead"))
        }
        _ => Ok(links::unknown_action()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "technical=7&communication=8&problem_solving=9&culture=10&overall=1&strengths=a%0D%0Ab&to_improve=&notes=n&recommendation=hire";

    #[test]
    fn a_whole_form_becomes_answers_and_comes_back_the_same() {
        let draft = Draft::typed(&Fields::parse(WHOLE.as_bytes()));
        let answers = draft.answers().unwrap();
        assert_eq!(i64::from(answers.overall), 1);
        assert_eq!(answers.strengths, "a\nb");
        assert_eq!(Draft::stored(&answers), draft);
    }

    #[test]
    fn what_is_missing_or_outside_is_no_answer_and_the_rest_is_kept() {
        for (from, to) in [
            ("technical=7", "technical=11"),
            ("overall=1", "overall=0"),
            ("culture=10", "culture=x"),
            ("recommendation=hire", "recommendation=yes"),
        ] {
            let draft = Draft::typed(&Fields::parse(WHOLE.replace(from, to).as_bytes()));
            assert_eq!(draft.answers(), None, "{to}");
            assert_eq!(draft.texts[2], "n");
        }
        let long = format!("{WHOLE}&strengths=");
        let long = long.replacen("strengths=a%0D%0Ab", &format!("strengths={}", "ä".repeat(Answers::MAX_TEXT + 1)), 1);
        assert_eq!(Draft::typed(&Fields::parse(long.as_bytes())).answers(), None);
    }
}
