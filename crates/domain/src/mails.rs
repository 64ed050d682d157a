//! Mails: which message is owed to whom. The order is stored in a job; the text is made from what is committed when it is sent.

use serde::{Deserialize, Serialize};

use crate::{
    EmailAddress, Id, Timestamp, alerts::Digest, choices::Choice, id::Kind, interviews::Interview, links::Link, people::Person,
    vacancies::Vacancy,
};

/// A message that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "mail")]
pub enum MailOrder {
    /// Asks a manager for permission; `attempt` counts from 1.
    PermissionRequest {
        /// The manager.
        person: Id<Person>,
        /// The vacancy that needs it.
        vacancy: Option<Id<Vacancy>>,
        /// Which of the mails it is.
        attempt: u32,
        /// Which series: the time the series began, seconds.
        series: i64,
    },
    /// A fresh link, because the manager opened an old one or the grant died.
    FreshPermissionLink {
        /// The manager.
        person: Id<Person>,
        /// The link.
        link: Id<Link>,
        /// Which ten minutes it was asked for in: pressing the button twice sends one mail, a week later another.
        window: i64,
    },
    /// Tells the manager that the calendar is connected.
    Connected {
        /// The manager.
        person: Id<Person>,
        /// The grant's generation, so that a reconnection is told again.
        generation: i64,
    },
    /// Interview booked, moved or cancelled: to the manager.
    ManagerNotice {
        /// The interview.
        interview: Id<Interview>,
        /// What happened.
        what: Notice,
        /// The interview's iCalendar sequence.
        sequence: i64,
    },
    /// The same to somebody who interviews beside the manager, with the calendar part: the event stands in the manager's calendar.
    InterviewerNotice {
        /// The interview.
        interview: Id<Interview>,
        /// To whom.
        person: Id<Person>,
        /// What happened.
        what: Notice,
        /// The interview's iCalendar sequence.
        sequence: i64,
    },
    /// The same to the candidate, with the calendar part.
    CandidateNotice {
        /// The interview.
        interview: Id<Interview>,
        /// What happened.
        what: Notice,
        /// The interview's iCalendar sequence.
        sequence: i64,
    },
    /// A reminder to one participant.
    Reminder {
        /// The interview.
        interview: Id<Interview>,
        /// To whom.
        person: Id<Person>,
        /// Hours before the start: 24 or 1.
        hours: i64,
        /// Sent only if the interview still has this sequence.
        sequence: i64,
    },
    /// Asks for feedback; `nag` 0 is the request, then 1, 2, ….
    FeedbackRequest {
        /// The interview.
        interview: Id<Interview>,
        /// Which repetition.
        nag: u32,
    },
    /// Proposes provisional times to the manager: one mail per interview.
    Proposal {
        /// The interview.
        interview: Id<Interview>,
        /// Its sequence.
        sequence: i64,
    },
    /// Asks a candidate to pick a time, or reminds them.
    Choice {
        /// The choice.
        choice: Id<Choice>,
        /// The candidate.
        person: Id<Person>,
        /// When they were asked, seconds: asked anew, they are mailed anew.
        asked_at: i64,
        /// Which reminder; 0 is the request.
        reminder: i64,
    },
    /// Tells the recruiter what was booked and what was not.
    Summary {
        /// The vacancy.
        vacancy: Id<Vacancy>,
        /// Makes it unique: the vacancy's planning run.
        run: i64,
    },
    /// Tells the recruiter what the manager answered.
    Result {
        /// The interview.
        interview: Id<Interview>,
        /// The feedback's revision.
        rev: i64,
    },
    /// Tells the recruiter that something needs a person.
    Attention {
        /// The id of what needs it.
        subject: String,
        /// A reason code.
        code: String,
        /// Makes it unique.
        at: i64,
    },
    /// Tells the operator what is wrong, and what is over.
    Alerts {
        /// What is news.
        digest: Digest,
    },
    /// Takes a checkpoint of the audit log out of the database.
    Checkpoint {
        /// Of which place.
        seq: i64,
    },
}

/// What happened to an interview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Booked.
    Booked,
    /// Moved.
    Moved,
    /// Cancelled.
    Cancelled,
}

impl MailOrder {
    /// A stable name of the kind of message, for logs, tests and Message-IDs.
    pub fn kind(&self) -> String {
        let notice = |what: Notice| match what {
            Notice::Booked => "booked",
            Notice::Moved => "moved",
            Notice::Cancelled => "cancelled",
        };
        match self {
            Self::PermissionRequest { .. } => "permission_request".to_owned(),
            Self::FreshPermissionLink { .. } => "fresh_permission_link".to_owned(),
            Self::Connected { .. } => "connected".to_owned(),
            Self::ManagerNotice { what, .. } => format!("manager_{}", notice(*what)),
            Self::InterviewerNotice { what, .. } => format!("interviewer_{}", notice(*what)),
            Self::CandidateNotice { what, .. } => format!("candidate_{}", notice(*what)),
            Self::Reminder { hours, .. } => format!("reminder_{hours}h"),
            Self::FeedbackRequest { nag: 0, .. } => "feedback_request".to_owned(),
            Self::FeedbackRequest { .. } => "feedback_nag".to_owned(),
            Self::Proposal { .. } => "proposal".to_owned(),
            Self::Choice { reminder: 0, .. } => "choice".to_owned(),
            Self::Choice { .. } => "choice_reminder".to_owned(),
            Self::Summary { .. } => "summary".to_owned(),
            Self::Result { .. } => "result".to_owned(),
            Self::Attention { .. } => "attention".to_owned(),
            Self::Alerts { .. } => "alerts".to_owned(),
            Self::Checkpoint { .. } => "checkpoint".to_owned(),
        }
    }

    /// The id of the interview, vacancy or person it is about.
    pub fn about(&self) -> String {
        match self {
            Self::PermissionRequest { person, .. }
            | Self::FreshPermissionLink { person, .. }
            | Self::Connected { person, .. }
            | Self::Choice { person, .. } => person.to_string(),
            Self::ManagerNotice { interview, .. }
            | Self::InterviewerNotice { interview, .. }
            | Self::CandidateNotice { interview, .. }
            | Self::Reminder { interview, .. }
            | Self::FeedbackRequest { interview, .. }
            | Self::Proposal { interview, .. }
            | Self::Result { interview, .. } => interview.to_string(),
            Self::Summary { vacancy, .. } => vacancy.to_string(),
            Self::Attention { subject, .. } => subject.clone(),
            Self::Alerts { .. } => "alerts".to_owned(),
            Self::Checkpoint { .. } => "audit".to_owned(),
        }
    }

    /// What makes this order the same as another: the job's once-key and the seed of its Message-ID.
    pub fn key(&self) -> String {
        let kind = self.kind();
        match self {
            Self::PermissionRequest { person, attempt, series, .. } => format!("mail:{kind}:{person}:{series}:{attempt}"),
            Self::FreshPermissionLink { link, window, .. } => format!("mail:{kind}:{link}:{window}"),
            Self::Connected { person, generation } => format!("mail:{kind}:{person}:{generation}"),
            Self::ManagerNotice { interview, sequence, .. } | Self::CandidateNotice { interview, sequence, .. } => {
                format!("mail:{kind}:{interview}:{sequence}")
            }
            Self::InterviewerNotice { interview, person, sequence, .. } | Self::Reminder { interview, person, sequence, .. } => {
                format!("mail:{kind}:{interview}:{person}:{sequence}")
            }
            Self::FeedbackRequest { interview, nag } => format!("mail:{kind}:{interview}:{nag}"),
            Self::Proposal { interview, sequence } => format!("mail:{kind}:{interview}:{sequence}"),
            Self::Choice { choice, asked_at, reminder, .. } => format!("mail:{kind}:{choice}:{asked_at}:{reminder}"),
            Self::Summary { vacancy, run } => format!("mail:{kind}:{vacancy}:{run}"),
            Self::Result { interview, rev } => format!("mail:{kind}:{interview}:{rev}"),
            Self::Attention { subject, code, at } => format!("mail:{kind}:{subject}:{code}:{at}"),
            Self::Alerts { digest } => format!("mail:{kind}:{}", digest.at.as_microsecond()),
            Self::Checkpoint { seq } => format!("mail:{kind}:{seq}"),
        }
    }
}

/// A message that was handed to the mail server (or the mailbox page). A repeat has the same `message_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMail {
    /// Names the row.
    pub id: Id<SentMail>,
    /// RFC 5322 Message-ID without angle brackets; unique.
    pub message_id: String,
    /// [`MailOrder::kind`].
    pub kind: String,
    /// To whom.
    pub to: EmailAddress,
    /// The subject line.
    pub subject: String,
    /// The plain text; empty when a real mail server has it.
    pub text: String,
    /// The HTML; empty when a real mail server has it.
    pub html: String,
    /// The iCalendar part, if any; empty when a real mail server has it.
    pub calendar: Option<String>,
    /// The id of the interview, vacancy or person it is about.
    pub about: String,
    /// When it was handed over.
    pub sent_at: Timestamp,
}

impl Kind for SentMail {
    const PREFIX: &'static str = "mai";
}
