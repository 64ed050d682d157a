//! What an answer means when it is not the one hoped for. CalDAV has no error codes but the status, and preconditions for people.

use ports::calendar::{FailureClass, ProviderError};

use crate::{failure::failure, http::Reply};

/// An answer that is an error. `write`: the call would have changed something.
pub(in crate::caldav) fn refused(what: &str, reply: &Reply, write: bool) -> ProviderError {
    let class = class_of(reply.status);
    // Only a clear refusal says that nothing was written.
    let unclear = match class {
        FailureClass::Passing => true,
        FailureClass::Protocol => reply.status / 100 != 4,
        _ => false,
    };
    ProviderError {
        retry_after: if matches!(reply.status, 429 | 503) { reply.retry_after() } else { None },
        may_have_happened: write && unclear,
        ..failure(class, format!("{what}: status {}", reply.status))
    }
}

/// What a status means, also one inside of a 207.
pub(in crate::caldav) const fn class_of(status: u16) -> FailureClass {
    match status {
        401 => FailureClass::Unauthorized,
        404 | 410 => FailureClass::Gone,
        412 => FailureClass::Changed,
        429 => FailureClass::Throttled,
        // 507 on a report: there is more than the server gives at once (RFC 4791 section 7.8). A repeat has no more.
        400 | 402 | 403 | 405..=407 | 409 | 411 | 413..=422 | 424 | 426..=499 | 501 | 507 => FailureClass::Refused,
        408 | 423 | 425 | 500.. => FailureClass::Passing,
        _ => FailureClass::Protocol,
    }
}

/// An answer that should have had something in it. `write`: the change may have happened all the same.
pub(in crate::caldav) fn malformed(what: &str, missing: &str, write: bool) -> ProviderError {
    ProviderError {
        may_have_happened: write,
        ..failure(FailureClass::Protocol, format!("{what}: the answer has no usable {missing}"))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::*;

    fn answer(status: u16, write: bool) -> ProviderError {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("60"))]);
        refused("list events", &Reply { status, headers, body: Bytes::from_static(b"lunch with ana") }, write)
    }

    #[test]
    fn the_status_decides() {
        use FailureClass::{Changed, Gone, Passing, Protocol, Refused, Throttled, Unauthorized};
        for (status, class) in [
            (200, Protocol),
            (204, Protocol),
            (302, Protocol),
            (400, Refused),
            (401, Unauthorized),
            (403, Refused),
            (404, Gone),
            (409, Refused),
            (410, Gone),
            (412, Changed),
            (423, Passing),
            (429, Throttled),
            (500, Passing),
            (503, Passing),
            (507, Refused),
        ] {
            assert_eq!(answer(status, false).class, class, "{status}");
            let waits = matches!(status, 429 | 503);
            assert_eq!(answer(status, false).retry_after, waits.then_some(60), "{status}");
        }
        assert_eq!(answer(403, false).detail, "list events: status 403", "nothing of the body is shown");
    }

    #[test]
    fn only_a_clear_refusal_says_that_nothing_was_written() {
        for status in [207, 302, 500, 502, 503] {
            assert!(answer(status, true).may_have_happened && !answer(status, false).may_have_happened, "{status}");
        }
        for status in [400, 401, 403, 404, 409, 412, 429, 507] {
            assert!(!answer(status, true).may_have_happened, "{status}");
        }
    }
}
