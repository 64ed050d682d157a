//! The calendars of an account.

use ports::calendar::{Access, Answer, CalendarInfo};
use serde_json::Value;

use super::{Ask, calendar_path, is_group};
use crate::zoho::{
    Zoho,
    refusal::{entries, malformed},
    value::{flag, text},
    zones::zone,
};

impl Zoho {
    /// See `CalendarProvider::calendars`. Shared ones are included: they can at least be read.
    pub(in crate::zoho) async fn list_calendars(&self, access: &Access) -> Answer<Vec<CalendarInfo>> {
        let ask = Ask { query: vec![("category", "all".to_owned())], ..Ask::get("list calendars", "/calendars".to_owned()) };
        let what = ask.what;
        read(what, &self.call(access, ask).await?)
    }

    /// One calendar; `default` and `primary` are uids too. An answer without it fails.
    pub(super) async fn read_calendar(&self, access: &Access, uid: &str) -> Answer<CalendarInfo> {
        let ask = Ask::get("read calendar", calendar_path(uid)?);
        let what = ask.what;
        let calendars = read(what, &self.call(access, ask).await?)?;
        calendars.into_iter().next().ok_or_else(|| malformed(what, "calendar", false))
    }
}

fn read(what: &str, body: &Value) -> Answer<Vec<CalendarInfo>> {
    let list = entries(what, body, "calendars", false)?;
    let calendars = list.iter().filter(|entry| !text(entry, "uid").is_some_and(|uid| is_group(&uid)));
    calendars.map(|entry| calendar(entry).ok_or_else(|| malformed(what, "uid", false))).collect()
}

fn calendar(entry: &Value) -> Option<CalendarInfo> {
    let uid = text(entry, "uid")?;
    Some(CalendarInfo {
        name: text(entry, "name").unwrap_or_else(|| uid.clone()),
        zone: text(entry, "timezone").and_then(|name| zone(&name)),
        is_default: flag(entry, "isdefault").unwrap_or(false),
        // The words for other privileges are not documented, so only the owner's is trusted with writing.
        writable: text(entry, "privilege").as_deref() == Some("owner"),
        in_free_busy: flag(entry, "include_infreebusy"),
        change_tag: text(entry, "ctag"),
        uid,
    })
}

#[cfg(test)]
mod tests {
    use ports::calendar::FailureClass;
    use serde_json::json;

    use super::*;

    #[test]
    fn calendars_are_read_and_group_stubs_are_not() {
        let body: Value = serde_json::from_str(include_str!("../../../tests/golden/calendars.json")).unwrap();
        insta::assert_debug_snapshot!(read("list calendars", &body).unwrap());
    }

    #[test]
    fn no_calendars_is_an_empty_list_but_no_list_is_a_failure() {
        assert_eq!(read("x", &json!({"calendars": []})).unwrap(), []);
        assert_eq!(read("x", &json!({})).unwrap_err().class, FailureClass::Protocol);
        assert_eq!(read("x", &json!({"calendars": [{"name": "Ana"}]})).unwrap_err().class, FailureClass::Protocol);
    }
}
