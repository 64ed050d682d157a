//! Letters to the recruiter: what was arranged, what the manager thinks, what needs a person.

use domain::feedback::{Answers, Recommendation};
use ports::mail::{MailError, Meeting};
use url::Url;

use super::{
    draft::{Block, Draft, Fact, Writer},
    meeting::{self, Reader},
    reason, times,
};
use crate::clean;

/// What was arranged for a vacancy, and who has no time yet.
pub fn summary(
    writer: &mut Writer<'_>,
    vacancy: &str,
    meetings: &[Meeting],
    unplaced: &[(String, String)],
    page: &Url,
) -> Result<Draft, MailError> {
    writer.set("vacancy", vacancy);
    let arranged = interviews(writer, meetings.len())?;
    writer.set("arranged", &arranged);
    let without = writer.count("summary.candidates", i64::try_from(unplaced.len()).unwrap_or(i64::MAX))?;
    writer.set("unplaced", &without);
    writer.paragraph(if meetings.is_empty() && unplaced.is_empty() { "summary.nothing" } else { "summary.intro" })?;
    if !meetings.is_empty() {
        writer.push(Block::Heading(writer.say("summary.arranged")?));
        let facts = meetings.iter().map(|meeting| arranged_fact(writer, meeting)).collect::<Result<_, _>>()?;
        writer.push(Block::Facts(facts));
    }
    if !unplaced.is_empty() {
        writer.push(Block::Heading(writer.say("summary.unplaced")?));
        let facts = unplaced
            .iter()
            .map(|(candidate, code)| {
                Ok(Fact { label: clean::line(candidate, clean::NAME), lines: vec![reason::sentence(writer, code)?], url: None })
            })
            .collect::<Result<_, MailError>>()?;
        writer.push(Block::Facts(facts));
    }
    writer.button("summary.button", page)?;
    writer.finish(if unplaced.is_empty() { "summary.subject.complete" } else { "summary.subject" })
}

fn interviews(writer: &Writer<'_>, count: usize) -> Result<String, MailError> {
    if count == 0 {
        return writer.say("summary.interviews.none");
    }
    writer.count("summary.interviews", i64::try_from(count).unwrap_or(i64::MAX))
}

fn arranged_fact(writer: &Writer<'_>, meeting: &Meeting) -> Result<Fact, MailError> {
    let names =
        [("candidate", clean::line(&meeting.candidate, clean::NAME)), ("manager", clean::line(&meeting.manager, clean::NAME))];
    Ok(Fact {
        label: writer.say_with("summary.with", names)?,
        lines: times::lines(writer, meeting.range, &meeting.zone)?,
        url: None,
    })
}

/// The manager's feedback.
pub fn result(writer: &mut Writer<'_>, meeting: &Meeting, answers: &Answers, page: &Url) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    let recommendation = writer.say(&format!("recommendation.{}", recommendation(answers.recommendation)))?;
    writer.set("recommendation", &recommendation);
    writer.paragraph("result.intro")?;
    let mut facts = vec![writer.fact("result.recommendation", &recommendation)?];
    let marks = [
        ("result.overall", answers.overall),
        ("result.technical", answers.technical),
        ("result.communication", answers.communication),
        ("result.problem_solving", answers.problem_solving),
        ("result.culture", answers.culture),
    ];
    for (key, mark) in marks {
        let mark = writer.say_with("result.mark", [("mark", i64::from(mark).to_string())])?;
        facts.push(writer.fact(key, &mark)?);
    }
    writer.push(Block::Facts(facts));
    for (key, text) in
        [("result.strengths", &answers.strengths), ("result.to_improve", &answers.to_improve), ("result.notes", &answers.notes)]
    {
        let text = clean::lines(text, Answers::MAX_TEXT);
        if !text.is_empty() {
            writer.push(Block::Heading(writer.say(key)?));
            writer.push(Block::Quote(text));
        }
    }
    meeting::facts(writer, meeting, Reader::Recruiter, Vec::new())?;
    writer.button("result.button", page)?;
    writer.finish("result.subject")
}

const fn recommendation(recommendation: Recommendation) -> &'static str {
    match recommendation {
        Recommendation::StrongHire => "strong_hire",
        Recommendation::Hire => "hire",
        Recommendation::Maybe => "maybe",
        Recommendation::NoHire => "no_hire",
    }
}

/// Something needs a person.
pub fn attention(writer: &mut Writer<'_>, subject: &str, code: &str, page: &Url) -> Result<Draft, MailError> {
    writer.set("subject", subject);
    writer.paragraph("attention.intro")?;
    let sentence = reason::sentence(writer, code)?;
    let problem =
        sentence.split_once(". ").map_or_else(|| sentence.trim_end_matches('.').to_owned(), |(first, _)| first.to_owned());
    writer.set("problem", &problem);
    writer.push(Block::Paragraph(sentence));
    writer.button("attention.button", page)?;
    writer.finish("attention.subject")
}
