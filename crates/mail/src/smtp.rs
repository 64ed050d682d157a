//! Messages to a mail server (RFC 5321), over TLS.
//!
//! What the server says decides what happens next: 4xx and a broken connection are tried again, 5xx is final. The exception are the
//! codes by which a server refuses *us* (RFC 4954: wrong user or password): they say nothing about the message, which waits until the
//! configuration is right. After a time-out nobody knows whether the message was taken; the repeat has the same Message-ID.

use std::{fmt, path::PathBuf, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{self, PoolConfig, authentication::Credentials},
};
use ports::mail::{Letter, MailError, Mailer, Message};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{ConfigError, Sender, clean, compose, mailbox, mime};

/// Connections kept to the server: it is asked by a few jobs at a time.
const CONNECTIONS: u32 = 4;
/// Longest answer of a server that is repeated in an error, in characters.
const LONGEST_ANSWER: usize = 300;

/// `EMAIL_HOST_PASSWORD`. Never printed; wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Takes the text in; the caller should keep no copy.
    pub const fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// `EMAIL_USE_TLS`: STARTTLS (RFC 3207), demanded; usually port 587.
    StartTls,
    /// `EMAIL_USE_SSL`: TLS from the first byte (RFC 8314); usually port 465.
    Tls,
    /// Neither: everything, the password included, can be read on the way. Only for a server on the same machine or a trusted network.
    Plain,
}

impl Security {
    /// From the two variables.
    pub const fn from_flags(use_tls: bool, use_ssl: bool) -> Result<Self, ConfigError> {
        match (use_tls, use_ssl) {
            (true, true) => Err(ConfigError::BothTls),
            (true, false) => Ok(Self::StartTls),
            (false, true) => Ok(Self::Tls),
            (false, false) => Ok(Self::Plain),
        }
    }

    const fn usual_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::Plain => 25,
        }
    }
}

/// Where and how messages are handed over.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// `EMAIL_HOST`.
    pub host: String,
    /// `EMAIL_PORT`; without one, the usual port of [`SmtpConfig::security`].
    pub port: Option<u16>,
    /// `EMAIL_HOST_USER`.
    pub user: Option<String>,
    /// `EMAIL_HOST_PASSWORD`.
    pub password: Option<Password>,
    /// `EMAIL_USE_TLS`, `EMAIL_USE_SSL`.
    pub security: Security,
    /// How long connecting and each answer of the server may take. A whole message may take four times as long.
    pub timeout: Duration,
}

/// See the module's header.
pub struct Smtp {
    sender: Sender,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    whole: Duration,
    /// Where `.eml` files may stand from before there was a mail server.
    earlier: Option<PathBuf>,
}

impl Smtp {
    /// Connects with the first message, so a server that is down does not keep anything from starting. Call it inside a Tokio runtime.
    /// `earlier` is the folder of `.eml` files that may stand there from before there was a mail server: nothing is added, erasures delete.
    pub fn new(sender: Sender, config: &SmtpConfig, earlier: Option<PathBuf>) -> Result<Self, ConfigError> {
        let bad_host =
            |error: smtp::Error| ConfigError::Host { host: clean::line(&config.host, clean::NAME), why: error.to_string() };
        let mut builder = match config.security {
            Security::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&config.host).map_err(bad_host)?,
            Security::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&config.host).map_err(bad_host)?,
            Security::Plain => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host),
        };
        builder = builder
            .port(config.port.unwrap_or_else(|| config.security.usual_port()))
            .timeout(Some(config.timeout))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        builder = match (&config.user, &config.password) {
            (Some(user), Some(password)) => builder.credentials(Credentials::new(user.clone(), password.0.clone())),
            (None, None) => builder,
            _ => return Err(ConfigError::HalfCredentials),
        };
        Ok(Self { sender, transport: builder.build(), whole: config.timeout.saturating_mul(4), earlier })
    }
}

impl Smtp {
    /// Connects, greets and logs in, and sends nothing.
    pub async fn probe(&self) -> Result<(), MailError> {
        match tokio::time::timeout(self.whole, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(MailError::Passing("it does not answer as a mail server".to_owned())),
            Ok(Err(error)) => Err(MailError::Passing(clean::line(&error.to_string(), LONGEST_ANSWER))),
            Err(_) => Err(MailError::Passing(format!("it did not answer within {} seconds", self.whole.as_secs()))),
        }
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("sender", &self.sender).finish_non_exhaustive()
    }
}

#[async_trait]
impl Mailer for Smtp {
    fn compose(&self, letter: &Letter) -> Result<Message, MailError> {
        compose::compose(&self.sender, letter)
    }

    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let built = mime::build(&self.sender, message)?;
        match tokio::time::timeout(self.whole, self.transport.send(built)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(sorted(&error, message)),
            Err(_) => Err(MailError::Passing(format!("it did not finish within {} seconds", self.whole.as_secs()))),
        }
    }

    fn keeps_local(&self) -> bool {
        false
    }

    async fn forget(&self, message_ids: &[String]) -> Result<(), MailError> {
        match &self.earlier {
            Some(folder) => mailbox::forget(folder, message_ids).await,
            None => Ok(()),
        }
    }
}

/// Sorts what went wrong. The recipient's address, which servers like to repeat, is taken out: errors end up in logs.
fn sorted(error: &smtp::Error, message: &Message) -> MailError {
    let text = clean::line(&error.to_string(), LONGEST_ANSWER).replace(message.to.as_str(), "the recipient");
    let code = error.status().map(|code| code.to_string());
    match code.as_deref() {
        Some("530" | "534" | "535" | "538") => {
            MailError::Passing(format!("it does not accept EMAIL_HOST_USER and EMAIL_HOST_PASSWORD; correct them ({text})"))
        }
        _ if error.is_permanent() => MailError::Refused(text),
        _ if error.is_client() && !message.to.as_str().is_ascii() => {
            MailError::Refused(format!("it cannot take an address with letters outside ASCII ({text})"))
        }
        _ => MailError::Passing(text),
    }
}
