//! Parameters: every one carries its declared type, also when it is null, so that no engine has to guess.

use domain::{Id, Timestamp, id::Kind};
use ports::store::{Read, StoreError};
use serde::Serialize;

/// A parameter with its declared type: BIGINT, TEXT or BYTEA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Param {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

impl From<i64> for Param {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}
impl From<u32> for Param {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
impl From<bool> for Param {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
impl From<Timestamp> for Param {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.as_microsecond()))
    }
}
impl From<Option<i64>> for Param {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}
impl From<Option<Timestamp>> for Param {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::as_microsecond))
    }
}
impl From<&str> for Param {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}
impl From<&String> for Param {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}
impl From<String> for Param {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}
impl From<Option<&str>> for Param {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}
impl From<&Option<String>> for Param {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}
impl From<&[u8]> for Param {
    fn from(value: &[u8]) -> Self {
        Self::Blob(Some(value.to_vec()))
    }
}
impl From<&Vec<u8>> for Param {
    fn from(value: &Vec<u8>) -> Self {
        Self::Blob(Some(value.clone()))
    }
}
impl From<Option<&Vec<u8>>> for Param {
    fn from(value: Option<&Vec<u8>>) -> Self {
        Self::Blob(value.cloned())
    }
}
impl<K: Kind> From<Id<K>> for Param {
    fn from(value: Id<K>) -> Self {
        Self::Text(Some(value.to_string()))
    }
}
impl<K: Kind> From<Option<Id<K>>> for Param {
    fn from(value: Option<Id<K>>) -> Self {
        Self::Text(value.map(|id| id.to_string()))
    }
}

fn unstorable(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Inconsistent(format!("a value cannot be written down: {error}"))
}

/// A small nested value as JSON text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Read<Param> {
    serde_json::to_string(value).map(Param::from).map_err(|error| unstorable(&error))
}

/// An optional nested value as JSON text.
pub(crate) fn opt_json<T: Serialize>(value: Option<&T>) -> Read<Param> {
    value.map_or(Ok(Param::Text(None)), json)
}

/// A value that serde writes as one string (states, roles, zones), bare.
pub(crate) fn code<T: Serialize>(value: &T) -> Read<Param> {
    match serde_json::to_value(value).map_err(|error| unstorable(&error))? {
        serde_json::Value::String(text) => Ok(Param::from(text)),
        other => Err(unstorable(&format!("{other} is not a string"))),
    }
}

/// [`code`] for what may be absent.
pub(crate) fn opt_code<T: Serialize>(value: Option<&T>) -> Read<Param> {
    value.map_or(Ok(Param::Text(None)), code)
}
