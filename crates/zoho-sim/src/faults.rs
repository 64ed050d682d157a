//! Faults: armed for a path and a method, each strikes a number of matching requests and is gone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What goes wrong. As JSON: `{"kind": "status", "status": 503}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// An HTML page with status 200 instead of the answer.
    Html200,
    /// Another status with an HTML page, as a gateway in front of Zoho would answer.
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The true answer, late.
    Slow {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// No answer for as long as the caller waits; nothing is done.
    Hang,
    /// The connection is reset; nothing is done.
    Reset,
    /// `{"error":"general_error"}` with status 200.
    GeneralError,
    /// The rate-limit body as the Chinese host words it.
    Localised,
    /// The rate-limit body of Accounts.
    Throttled,
    /// Status 200, JSON that breaks off.
    GarbageJson,
    /// Status 200, nothing.
    EmptyBody,
    /// Status 200, `{}`.
    EmptyObject,
    /// Any JSON answer; nothing is done.
    Json {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Value,
    },
    /// The request is carried out, then the connection is reset before the answer.
    CommitThenDrop,
    /// The connection is reset; the request is carried out later all the same.
    DropThenCommitAfter {
        /// Seconds on the simulator's clock.
        seconds: i64,
    },
}

/// A fault and the requests it waits for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Armed {
    /// The start of the path. A segment `*` stands for any one segment: `/api/v1/calendars/*/events`.
    pub path: String,
    /// GET, POST, …; `None` for all.
    #[serde(default)]
    pub method: Option<String>,
    /// The data centre; `None` for all.
    #[serde(default)]
    pub dc: Option<String>,
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Matching requests that still pass first.
    #[serde(default)]
    pub skip: u32,
    /// Matching requests that are then struck.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// The faults that wait, in the order in which they were armed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Faults(Vec<Armed>);

impl Faults {
    /// Arms a fault.
    pub fn arm(&mut self, armed: Armed) {
        self.0.push(armed);
    }

    /// Disarms all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The faults that still wait.
    pub fn armed(&self) -> &[Armed] {
        &self.0
    }

    /// The fault that strikes this request, counted down.
    pub(crate) fn strike(&mut self, dc: &str, method: &str, path: &str) -> Option<Fault> {
        let at = self.0.iter().position(|armed| armed.matches(dc, method, path))?;
        let armed = self.0.get_mut(at)?;
        if armed.skip > 0 {
            armed.skip -= 1;
            return None;
        }
        armed.times = armed.times.saturating_sub(1);
        let fault = armed.fault.clone();
        if armed.times == 0 {
            self.0.remove(at);
        }
        Some(fault)
    }
}

impl Fault {
    /// Its name in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Html200 => "html200",
            Self::Status { .. } => "status",
            Self::Slow { .. } => "slow",
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::GeneralError => "general_error",
            Self::Localised => "localised",
            Self::Throttled => "throttled",
            Self::GarbageJson => "garbage_json",
            Self::EmptyBody => "empty_body",
            Self::EmptyObject => "empty_object",
            Self::Json { .. } => "json",
            Self::CommitThenDrop => "commit_then_drop",
            Self::DropThenCommitAfter { .. } => "drop_then_commit_after",
        }
    }
}

impl Armed {
    fn matches(&self, dc: &str, method: &str, path: &str) -> bool {
        self.dc.as_deref().is_none_or(|wanted| wanted == dc)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && path_matches(&self.path, path)
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return path.starts_with(pattern);
    }
    let mut segments = path.split('/');
    pattern.split('/').all(|wanted| segments.next().is_some_and(|segment| wanted == "*" || wanted == segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lets_some_pass_then_strikes_and_is_gone() {
        let mut faults = Faults::default();
        let armed = r#"{"path":"/oauth/v2/token","method":"post","kind":"status","status":503,"skip":1,"times":2}"#;
        faults.arm(serde_json::from_str(armed).unwrap());
        assert_eq!(faults.strike("us", "GET", "/oauth/v2/token"), None);
        assert_eq!(faults.strike("us", "POST", "/oauth/v2/token"), None, "the first one passes");
        for _ in 0..2 {
            assert_eq!(faults.strike("us", "POST", "/oauth/v2/token"), Some(Fault::Status { status: 503 }));
        }
        assert_eq!(faults.strike("us", "POST", "/oauth/v2/token"), None);
        assert!(faults.armed().is_empty());
    }

    #[test]
    fn a_fault_is_called_what_json_calls_it() {
        let all = [
            Fault::Html200,
            Fault::Status { status: 500 },
            Fault::Slow { ms: 1 },
            Fault::Hang,
            Fault::Reset,
            Fault::GeneralError,
            Fault::Localised,
            Fault::Throttled,
            Fault::GarbageJson,
            Fault::EmptyBody,
            Fault::EmptyObject,
            Fault::Json { status: 200, body: Value::Null },
            Fault::CommitThenDrop,
            Fault::DropThenCommitAfter { seconds: 1 },
        ];
        for fault in all {
            assert_eq!(serde_json::to_value(&fault).unwrap()["kind"], fault.kind());
        }
    }

    #[test]
    fn a_star_is_one_segment() {
        assert!(path_matches("/api/v1/calendars/*/events", "/api/v1/calendars/abc/events"));
        assert!(path_matches("/api/v1/calendars/*/events", "/api/v1/calendars/abc/events/x@zoho.com"));
        assert!(!path_matches("/api/v1/calendars/*/events", "/api/v1/calendars/abc"));
        assert!(!path_matches("/api/v1/calendars/*/events", "/api/v1/calendars"));
    }
}
