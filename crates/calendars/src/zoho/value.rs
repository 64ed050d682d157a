//! Reading JSON whose types wobble: Zoho writes the same field as a number here and as a string there, booleans as `"true"`.

use serde_json::Value;

/// A string that is not empty, or a number as text.
pub(super) fn text(object: &Value, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, as a number or as text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A boolean, as such, as text, or as 0 and 1. `None`: not there, or not a boolean.
pub(super) fn flag(object: &Value, key: &str) -> Option<bool> {
    match object.get(key)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_may_wobble() {
        let object =
            json!({"a": "x", "b": 17, "c": "", "d": null, "e": "TRUE", "f": 0, "g": false, "h": "perhaps", "i": "-15", "j": 1.5});
        assert_eq!(text(&object, "a").as_deref(), Some("x"));
        assert_eq!(text(&object, "b").as_deref(), Some("17"));
        for absent in ["c", "d", "g", "zz"] {
            assert_eq!(text(&object, absent), None, "{absent}");
        }
        assert_eq!((flag(&object, "e"), flag(&object, "f"), flag(&object, "g")), (Some(true), Some(false), Some(false)));
        assert_eq!((flag(&object, "h"), flag(&object, "b"), flag(&object, "zz")), (None, None, None));
        assert_eq!((integer(&object["i"]), integer(&object["b"]), integer(&object["j"])), (Some(-15), Some(17), None));
    }
}
