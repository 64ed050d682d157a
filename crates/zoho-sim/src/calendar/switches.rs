//! The kinds of answer that switches of Calendar choose between. The switches themselves stand with all others in
//! `crate::switches`.

use serde::{Deserialize, Serialize};

/// What a GET of an event that is gone, or never was, is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneEvent {
    /// Status 404 and a JSON error.
    #[default]
    Json404,
    /// Status 400 and a JSON error.
    Status400,
    /// Status 200 and an empty array.
    Empty,
    /// Status 200 and one placeholder with `estatus` `deleted`, if it ever was.
    Placeholder,
}

/// What the `end` of an all-day event means, read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlldayEnd {
    /// The last day.
    #[default]
    Inclusive,
    /// The day after the last day.
    Exclusive,
}

/// What becomes of a `uid` that a client chooses for a new event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientUid {
    /// It is not looked at.
    #[default]
    Ignore,
    /// The request is refused.
    Refuse,
}

/// The event list when there is nothing in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyList {
    /// `{"events":[]}`.
    #[default]
    Array,
    /// `{"events":[{"message":"No events found."}]}`.
    Message,
}

/// How all-day times stand in event-based free/busy answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FbAlldayShape {
    /// `20240725Z`.
    #[default]
    DateZ,
    /// `20240725`.
    Date,
    /// `20240725T`.
    DateT,
    /// `20240725T000000`, without a zone.
    Local,
}

/// The zone of free/busy values that carry none, in the question and in time-based answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FbZone {
    /// UTC.
    #[default]
    Utc,
    /// The zone of the user who is asked about.
    User,
}

/// The body of a 429.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitBody {
    /// A JSON error as elsewhere.
    #[default]
    Json,
    /// An HTML page.
    Html,
    /// Nothing.
    Empty,
}

/// The shape of `error` in JSON errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// An array of one object.
    #[default]
    Array,
    /// The object itself.
    Object,
    /// The code as text.
    Text,
    /// `{"status":"failure"}` with the message beside it.
    Failure,
}

/// What `privilege` calls the rights on somebody else's calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivilegeNames {
    /// Only free/busy times.
    pub freebusy: String,
    /// Read.
    pub view: String,
    /// Read and write.
    pub edit: String,
    /// On behalf of the owner.
    pub delegate: String,
}

impl Default for PrivilegeNames {
    fn default() -> Self {
        Self { freebusy: "freebusy".to_owned(), view: "view".to_owned(), edit: "edit".to_owned(), delegate: "delegate".to_owned() }
    }
}

/// How many calls a user may make before all calls are refused for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBudget {
    /// So many calls,
    pub calls: usize,
    /// in so many seconds,
    pub per_s: i64,
    /// or no calls at all for so many seconds.
    pub lock_s: i64,
}
