//! What can go wrong in a use case, sorted by what the caller can do about it.

use domain::links::{LinkProblem, Purpose};
use ports::{
    calendar::{FailureClass, ProviderError},
    change::Conflict,
    store::{CommitError, StoreError},
};
use url::Url;

/// See the module's header. `outside` is for the caller; everything else is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// Which noun.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// It was there once; the person it is about was erased.
    #[error("`{id}` was erased, and nothing that names this person is held any more; there is nothing to do")]
    Erased {
        /// Who.
        id: String,
    },
    /// The input does not make sense.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// The state does not allow it.
    #[error("{problem}")]
    Refused {
        /// A stable reason code.
        code: &'static str,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// A mailed link does not open.
    #[error("{0}")]
    Link(LinkProblem, Option<Purpose>),
    /// Too many others changed the same thing at once.
    #[error("others are changing the same thing at this moment; try again")]
    Busy,
    /// The revision the caller based the change on is not the current one.
    #[error("{what} {id} was changed since you read it; read it again and repeat your change")]
    Stale {
        /// Which noun.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Only the manager can mend it.
    #[error("the manager needs to authorize calendar access")]
    NeedsAuthorization {
        /// Where.
        url: Url,
    },
    /// The provider's budget is spent.
    #[error("the calendar provider asks us to wait; try again in {retry_after} seconds")]
    Throttled {
        /// Seconds.
        retry_after: i64,
    },
    /// The caller has had as much as it may have for now.
    #[error("{problem}")]
    Limited {
        /// Seconds.
        retry_after: i64,
        /// What is limited, and how to go on.
        problem: String,
    },
    /// The provider failed.
    #[error("{problem}")]
    Provider {
        /// How.
        class: FailureClass,
        /// What that means for the caller.
        problem: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bug or a damaged row; the text is for the log only.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Erased { .. } => "erased",
            Self::Invalid { .. } => "invalid",
            Self::Refused { code, .. } => code,
            Self::Link(LinkProblem::Unknown, _) => "link_unknown",
            Self::Link(LinkProblem::Expired, _) => "link_expired",
            Self::Link(LinkProblem::Used, _) => "link_used",
            Self::Link(LinkProblem::Revoked, _) => "link_revoked",
            Self::Busy => "conflict",
            Self::Stale { .. } => "stale",
            Self::NeedsAuthorization { .. } => "needs_authorization",
            Self::Throttled { .. } => "throttled",
            Self::Limited { .. } => "too_many_requests",
            Self::Provider { class: FailureClass::Misconfigured, .. } => "misconfigured",
            Self::Provider { .. } => "provider_failed",
            Self::Store(_) => "store_unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// The sentence for the caller: what happened and what to do. Never an internal text.
    pub fn outside(&self) -> String {
        match self {
            Self::Store(_) => "the database does not answer at the moment; nothing was changed, try again".to_owned(),
            Self::Internal(_) => "something went wrong on our side; nothing was changed, and the log has the details".to_owned(),
            other => other.to_string(),
        }
    }

    /// The sentence for a failed provider call.
    pub fn provider(error: &ProviderError) -> Self {
        let problem = match error.class {
            FailureClass::Throttled => return Self::Throttled { retry_after: error.retry_after.unwrap_or(60) },
            FailureClass::Misconfigured => {
                "Zoho refuses this installation's client id, secret or redirect URI; the administrator must correct ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET or ZOHO_REDIRECT_URI"
            }
            FailureClass::WrongDataCentre => {
                "the account lives in a Zoho data centre this installation is not set up for; switch it on for the client in Zoho's API console or add it to GREENROOM_ZOHO_HOSTS"
            }
            FailureClass::ScopeMissing => {
                "the manager's permission lacks a scope that this needs; ask the manager to connect again"
            }
            FailureClass::Revoked => "the calendar provider says that the permission is over; the manager needs to connect again",
            FailureClass::Unauthorized => {
                "the calendar provider does not accept the access token, although it was just refreshed; try again in a minute"
            }
            FailureClass::Gone => "the calendar or event is no longer there",
            FailureClass::Changed => "the event was changed in the calendar at the same moment; try again",
            FailureClass::Refused => "the calendar provider refuses the request",
            FailureClass::Passing => "the calendar provider does not answer at the moment; try again in a minute",
            FailureClass::Unopened => {
                "the stored permission does not open with this installation's keys; the administrator finds what to do among the alerts"
            }
            FailureClass::Protocol => "the calendar provider gave an answer that makes no sense; try again in a minute",
        };
        Self::Provider { class: error.class, problem: problem.to_owned() }
    }

    /// A text of ours was asked for and is not there.
    pub fn missing(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// A field that does not make sense.
    pub fn invalid(field: &'static str, problem: impl ToString) -> Self {
        Self::Invalid { field, problem: problem.to_string() }
    }
}

impl From<domain::interviews::Refused> for Error {
    fn from(refused: domain::interviews::Refused) -> Self {
        Self::Refused { code: refused.code(), problem: refused.to_string() }
    }
}

impl From<domain::choices::Refused> for Error {
    fn from(refused: domain::choices::Refused) -> Self {
        Self::Refused { code: refused.code(), problem: refused.to_string() }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => Self::Store(error),
            CommitError::Conflict(Conflict::Taken { scope, name }) => Self::Refused {
                code: "taken",
                problem: format!("the {} `{name}` belongs to somebody or something else already", scope.replace('_', " ")),
            },
            CommitError::Conflict(_) => Self::Busy,
        }
    }
}

/// What every use case gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;
