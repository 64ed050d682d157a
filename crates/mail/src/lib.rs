//! Mail: letters become messages, and messages leave.
//!
//! `compose` turns the facts of a [`Letter`](ports::mail::Letter) into subject, text, HTML and iCalendar; it is pure, so a repeat of a
//! letter is the same message byte for byte. [`Smtp`] hands messages to a mail server, [`Mailbox`] keeps them on this machine.
//!
//! **Invariant:** no sentence for people stands in Rust code (they are in `texts/`), and no HTML (it is in `templates/`).

mod clean;
mod compose;
mod invite;
mod mailbox;
mod mime;
mod sender;
mod smtp;
mod texts;

pub use mailbox::Mailbox;
pub use sender::Sender;
pub use smtp::{Password, Security, Smtp, SmtpConfig};

/// What is wrong with the configuration of mail, for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The sender cannot be read.
    #[error(
        "DEFAULT_FROM_EMAIL `{0}` is not a mailbox; write interviews@example.com or Example Interviews <interviews@example.com>"
    )]
    Sender(String),
    /// Both kinds of TLS are asked for.
    #[error(
        "EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other; set EMAIL_USE_TLS for STARTTLS (port 587) or EMAIL_USE_SSL for TLS from the first byte (port 465)"
    )]
    BothTls,
    /// The server's name cannot be used.
    #[error("EMAIL_HOST `{host}` is not a host name that a mail server can be reached under: {why}")]
    Host {
        /// What was given.
        host: String,
        /// What the TLS library says.
        why: String,
    },
    /// A name without a password, or the reverse.
    #[error("EMAIL_HOST_USER and EMAIL_HOST_PASSWORD belong together; set both, or neither")]
    HalfCredentials,
}
