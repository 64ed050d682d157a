//! Mail: a letter is facts; the adapter makes the texts and hands them over.

use async_trait::async_trait;
use domain::{EmailAddress, TimeRange, Timestamp, Zone, alerts::AlertKind, feedback::Answers, vacancies::Place};
use url::Url;

/// Whom a letter goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: EmailAddress,
    /// Their zone, when known: times are given in it; otherwise in the interview's zone and UTC.
    pub zone: Option<Zone>,
}

/// The facts of an interview that letters share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// The vacancy's title.
    pub vacancy: String,
    /// The round's name.
    pub round: String,
    /// The candidate's name.
    pub candidate: String,
    /// The manager's name.
    pub manager: String,
    /// The names of those who interview beside them.
    pub interviewers: Vec<String>,
    /// When.
    pub range: TimeRange,
    /// The interview's zone.
    pub zone: Zone,
    /// Where.
    pub place: Option<Place>,
    /// The meeting the calendar provider made, if it did.
    pub meeting_url: Option<String>,
}

/// The calendar part for a candidate (RFC 5545, 5546).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Made once per interview.
    pub uid: String,
    /// Grows with every change.
    pub sequence: i64,
    /// REQUEST or CANCEL.
    pub cancel: bool,
    /// DTSTAMP.
    pub stamp: Timestamp,
}

/// What a letter says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Asks a manager for permission.
    PermissionRequest {
        /// The vacancy's title, if one needs it.
        vacancy: Option<String>,
        /// Who asks.
        asked_by: String,
        /// The page that explains it; its host is shown.
        link: Url,
        /// 1 for the first mail.
        attempt: u32,
        /// How long the link lives, in days.
        days: i64,
    },
    /// A fresh link.
    FreshPermissionLink {
        /// The page.
        link: Url,
        /// Whether the connection had worked before and ended.
        reconnect: bool,
    },
    /// The calendar is connected.
    Connected {
        /// The calendar's name.
        calendar: String,
        /// The page to disconnect.
        disconnect: Url,
    },
    /// To the manager: booked. No calendar part while the event is on their calendar.
    Booked {
        /// The interview.
        meeting: Meeting,
        /// The event.
        event: Option<Url>,
        /// "I cannot".
        cannot: Url,
        /// Only for an interview booked by mail, where the calendar cannot be written.
        invite: Option<Invite>,
    },
    /// To the manager: moved.
    Moved {
        /// The interview, with the new time.
        meeting: Meeting,
        /// The event.
        event: Option<Url>,
        /// "I cannot".
        cannot: Url,
        /// See [`Body::Booked`].
        invite: Option<Invite>,
    },
    /// To the manager: cancelled.
    Cancelled {
        /// The interview.
        meeting: Meeting,
        /// Why, in words; may be empty.
        why: String,
        /// See [`Body::Booked`].
        invite: Option<Invite>,
    },
    /// To the candidate: invited.
    Invitation {
        /// The interview.
        meeting: Meeting,
        /// Their page.
        page: Url,
        /// The calendar part.
        invite: Invite,
    },
    /// To the candidate: moved.
    InvitationMoved {
        /// The interview, with the new time.
        meeting: Meeting,
        /// Their page.
        page: Url,
        /// The calendar part.
        invite: Invite,
    },
    /// To the candidate: cancelled.
    InvitationCancelled {
        /// The interview.
        meeting: Meeting,
        /// The calendar part.
        invite: Invite,
    },
    /// A reminder to a participant.
    Reminder {
        /// The interview.
        meeting: Meeting,
        /// 24 or 1.
        hours: i64,
        /// Their page.
        page: Url,
        /// Whether the reader is the manager.
        to_manager: bool,
    },
    /// Asks for feedback.
    FeedbackRequest {
        /// The interview.
        meeting: Meeting,
        /// The form.
        form: Url,
        /// 0 for the first mail.
        nag: u32,
    },
    /// Proposes a provisional time.
    Proposal {
        /// The interview.
        meeting: Meeting,
        /// The page with "accept" and "refuse".
        page: Url,
        /// The page that connects the calendar instead.
        connect: Url,
    },
    /// To the candidate: pick a time.
    Choice {
        /// The vacancy's title.
        vacancy: String,
        /// The round's name.
        round: String,
        /// Whom they meet.
        manager: String,
        /// How long it takes.
        minutes: i64,
        /// The page with the times.
        page: Url,
        /// Until when it opens.
        until: Timestamp,
        /// 0 for the request, then which reminder.
        reminder: i64,
    },
    /// To the recruiter: what was booked.
    Summary {
        /// The vacancy's title.
        vacancy: String,
        /// Booked or proposed interviews by start.
        meetings: Vec<Meeting>,
        /// Candidates without a time, with the reason in a code.
        unplaced: Vec<(String, String)>,
        /// The vacancy in the dashboard.
        page: Url,
    },
    /// To the recruiter: the feedback.
    Result {
        /// The interview.
        meeting: Meeting,
        /// The answers.
        answers: Answers,
        /// The vacancy in the dashboard.
        page: Url,
    },
    /// To the operator: what is wrong, and what is over.
    Alerts {
        /// By kind, the worst first.
        sections: Vec<AlertSection>,
        /// The page of all alerts.
        page: Url,
    },
    /// To the recruiter: something needs a person.
    Attention {
        /// What it is about, by name.
        subject: String,
        /// A reason code (a message key).
        code: String,
        /// Where to act.
        page: Url,
    },
    /// To whoever keeps them: a signed checkpoint of the audit log.
    Checkpoint {
        /// How many lines it covers.
        lines: i64,
        /// The checkpoint, as one line of JSON.
        json: String,
    },
}

/// News of one kind of alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSection {
    /// What is or was wrong.
    pub kind: AlertKind,
    /// What began.
    pub began: Vec<AlertLine>,
    /// What still lasts.
    pub lasting: Vec<AlertLine>,
    /// What is over.
    pub over: Vec<AlertLine>,
    /// How many more there are than are named.
    pub more: u32,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertLine {
    /// With what: a manager's name, or a code such as `zoho:eu`.
    pub subject: String,
    /// Since when.
    pub since: Timestamp,
    /// Since when it is over.
    pub until: Option<Timestamp>,
}

/// A message to be made and sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// RFC 5322 Message-ID without angle brackets; the same for a repeat.
    pub message_id: String,
    /// The kind of message: [`domain::mails::MailOrder::kind`].
    pub kind: String,
    /// The Date header.
    pub at: Timestamp,
    /// To whom.
    pub to: Addressee,
    /// Where answers go: the recruiting contact.
    pub reply_to: Option<EmailAddress>,
    /// The company, as people read it.
    pub company: String,
    /// What it says.
    pub body: Body,
}

/// A finished message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// See [`Letter::message_id`].
    pub message_id: String,
    /// To whom.
    pub to: EmailAddress,
    /// Their name.
    pub to_name: String,
    /// Where answers go.
    pub reply_to: Option<EmailAddress>,
    /// The Date header.
    pub at: Timestamp,
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// The iCalendar part with its method (`REQUEST`, `CANCEL`).
    pub calendar: Option<(String, String)>,
}

/// A mail server that did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Try again later.
    #[error("the mail server did not take the message: {0}")]
    Passing(String),
    /// It will never be taken.
    #[error("the mail server refused the message: {0}")]
    Refused(String),
}

/// See the module's header.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Makes the texts. Pure.
    fn compose(&self, letter: &Letter) -> Result<Message, MailError>;
    /// Hands the message over.
    async fn send(&self, message: &Message) -> Result<(), MailError>;
    /// Whether messages stay on this machine, to be read on the mailbox page.
    fn keeps_local(&self) -> bool;
    /// Deletes what was kept of these messages outside the database; what is not there counts as deleted.
    async fn forget(&self, message_ids: &[String]) -> Result<(), MailError>;
}
