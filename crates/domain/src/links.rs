//! Links: every mailed link and every OAuth `state` is a row. The token in the URL is made from the row's id by HMAC, so the row holds
//! no secret, can be revoked, and gives the same link again when a mail is retried.

use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, id::Kind, people::Person};

/// What a link is for; part of what its token signs, so a link of one purpose never opens another page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The page that explains the request for permission. Subject: a person.
    Permission,
    /// The OAuth `state`. Subject: a person; where a password was typed in instead, see [`Link::typed_at`].
    OauthState,
    /// The candidate's page of an interview. Subject: an interview.
    Candidate,
    /// The manager's page of an interview ("I cannot"). Subject: an interview.
    Manager,
    /// The feedback form. Subject: an interview.
    Feedback,
    /// Accepting or refusing a provisional time. Subject: an interview.
    Proposal,
    /// The manager's page to disconnect. Subject: a person.
    Disconnect,
    /// The candidate's page to pick a time. Subject: a choice.
    Choice,
    /// Logging in to the dashboard, once. Subject: a name for the log.
    AdminLogin,
    /// Setting the password of a dashboard account, once. Subject: an account.
    SetPassword,
}

impl Purpose {
    /// As stored and signed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::OauthState => "oauth_state",
            Self::Candidate => "candidate",
            Self::Manager => "manager",
            Self::Feedback => "feedback",
            Self::Proposal => "proposal",
            Self::Disconnect => "disconnect",
            Self::Choice => "choice",
            Self::AdminLogin => "admin_login",
            Self::SetPassword => "set_password",
        }
    }

    /// Whether one use ends the link.
    pub const fn single_use(self) -> bool {
        matches!(self, Self::OauthState | Self::AdminLogin | Self::SetPassword)
    }
}

/// How an authorization that began with a `state` link stands; the page `/connect/{link}` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectOutcome {
    /// The code is being exchanged.
    Working,
    /// Connected.
    Connected,
    /// The manager refused.
    Refused,
    /// Another account than the one asked: waits for an administrator.
    AwaitingAdministrator,
    /// The provider gave no refresh token.
    NoRefreshToken,
    /// The account lives in a data centre this installation has no client for.
    WrongDataCentre,
    /// The code had expired or was used.
    CodeExpired,
    /// A scope that is needed was not given.
    ScopeMissing,
    /// The operator's client id or secret is wrong.
    Misconfigured,
    /// The account has no calendar that can be written.
    NoCalendar,
    /// The provider did not answer; tried again by itself.
    ProviderDown,
    /// The server does not accept the user name and the app password.
    PasswordRefused,
    /// A calendar at another provider is connected already.
    OtherCalendar,
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Part of the token.
    pub id: Id<Link>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// What it opens.
    pub purpose: Purpose,
    /// The id of what it is about.
    pub subject: String,
    /// Whom it was made for, where that is a person.
    pub person: Option<Id<Person>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it opens only a page that offers a fresh one.
    pub expires_at: Timestamp,
    /// When it was used (single use).
    pub used_at: Option<Timestamp>,
    /// When it was made void.
    pub revoked_at: Option<Timestamp>,
    /// Of an OAuth `state`: how the authorization stands.
    pub outcome: Option<ConnectOutcome>,
}

impl Kind for Link {
    const PREFIX: &'static str = "lnk";
}

/// Why a link does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LinkProblem {
    /// Not one of ours, or altered.
    #[error("this link is not complete or was not made here; open it again from the mail")]
    Unknown,
    /// Too old.
    #[error("this link has expired")]
    Expired,
    /// Used before.
    #[error("this link was already used")]
    Used,
    /// Made void.
    #[error("this link is no longer valid")]
    Revoked,
}

impl Link {
    /// The subject of an authorization by a password that was typed in here.
    pub fn typed_subject(provider: &str, server: &str, person: Id<Person>) -> String {
        format!("{provider}:{server}:{person}")
    }

    /// Provider and server of an authorization by a password; `None` where the provider asked on its own page.
    pub fn typed_at(&self) -> Option<(&str, &str)> {
        let (provider, rest) = self.subject.split_once(':').filter(|_| self.purpose == Purpose::OauthState)?;
        rest.split_once(':').map(|(server, _)| (provider, server))
    }

    /// Whether it opens at `now`.
    pub fn check(&self, now: Timestamp) -> Result<(), LinkProblem> {
        if self.revoked_at.is_some() {
            Err(LinkProblem::Revoked)
        } else if self.used_at.is_some() && self.purpose.single_use() {
            Err(LinkProblem::Used)
        } else if now >= self.expires_at {
            Err(LinkProblem::Expired)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_authorization_names_its_provider_and_server() {
        let person: Id<Person> = "per_0190a3d0f0e07b3e8c3e000000000001".parse().unwrap();
        let link = |purpose, subject: String| Link {
            id: "lnk_0190a3d0f0e07b3e8c3e000000000001".parse().unwrap(),
            rev: 1,
            purpose,
            subject,
            person: Some(person),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            used_at: None,
            revoked_at: None,
            outcome: None,
        };
        let subject = Link::typed_subject("caldav", "work-2", person);
        assert_eq!(link(Purpose::OauthState, subject.clone()).typed_at(), Some(("caldav", "work-2")));
        assert_eq!(link(Purpose::Permission, subject).typed_at(), None);
        assert_eq!(link(Purpose::OauthState, person.to_string()).typed_at(), None);
    }
}
