//! Making `ProviderError`s. One place, so that every error says where it comes from and whether a write may have happened.

use ports::calendar::{FailureClass, ProviderError};

use crate::http::{Reason, Unanswered};

/// A failure after which nothing has happened at the provider.
pub(crate) fn failure(class: FailureClass, detail: impl Into<String>) -> ProviderError {
    ProviderError { class, retry_after: None, may_have_happened: false, invalid_grant: false, detail: detail.into() }
}

/// A call without an answer. `write`: whether the call would have changed something.
pub(crate) fn unanswered(problem: &Unanswered, write: bool) -> ProviderError {
    let class = match problem.reason {
        Reason::NotAllowed => FailureClass::WrongDataCentre,
        Reason::Unusable(_) => FailureClass::Misconfigured,
        Reason::TooLarge => FailureClass::Protocol,
        Reason::Connect | Reason::Timeout | Reason::Lost => FailureClass::Passing,
    };
    ProviderError { may_have_happened: write && problem.may_have_arrived(), ..failure(class, problem.to_string()) }
}
