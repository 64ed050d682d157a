//! The account's own free/busy answer. It covers only calendars that are "included in free/busy" and may be switched off, so it is
//! an addition to lists of events and never a proof that somebody is free.

use std::collections::BTreeSet;

use domain::{EmailAddress, TimeRange, Timestamp, Zone};
use jiff::ToSpan;
use ports::calendar::{Access, Answer, FailureClass};
use serde_json::Value;

use super::Ask;
use crate::{
    failure::failure,
    zoho::{
        Zoho,
        refusal::malformed,
        times::{self, WireTime},
        value::{flag, text},
    },
};

const WHAT: &str = "free/busy";

/// What one piece of the window was answered with.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// The user does not share it: nothing is known.
    NotShared,
    /// Start and end of everything that is not free.
    Busy(Vec<(WireTime, WireTime)>),
}

impl Zoho {
    /// See `CalendarProvider::free_busy`.
    pub(in crate::zoho) async fn read_free_busy(
        &self,
        access: &Access,
        email: &EmailAddress,
        window: TimeRange,
    ) -> Answer<Option<Vec<TimeRange>>> {
        let pieces = times::pieces(window.start(), window.end())
            .ok_or_else(|| failure(FailureClass::Refused, format!("{WHAT}: the window is longer than five years")))?;
        let mut found = Vec::new();
        for (from, to) in pieces {
            let query = vec![
                ("uemail", email.to_string()),
                ("sdate", times::utc(from)),
                ("edate", times::utc(to)),
                ("ftype", "eventbased".to_owned()),
            ];
            let body = self.call(access, Ask { query, ..Ask::get(WHAT, "/calendars/freebusy".to_owned()) }).await?;
            match read(&body)? {
                Piece::NotShared => return Ok(None),
                Piece::Busy(items) => found.extend(items),
            }
        }
        let zone = if found.iter().any(|(start, end)| is_local(*start) || is_local(*end)) {
            self.account_zone(access).await?
        } else {
            None
        };
        let mut busy = BTreeSet::new();
        for (start, end) in found {
            let range = range(start, end, zone.as_ref()).ok_or_else(|| malformed(WHAT, "time", false))?;
            if range.overlaps(window) {
                busy.insert(range);
            }
        }
        Ok(Some(busy.into_iter().collect()))
    }

    /// The zone of the default calendar.
    async fn account_zone(&self, access: &Access) -> Answer<Option<Zone>> {
        let calendars = self.list_calendars(access).await?;
        Ok(calendars.into_iter().find(|calendar| calendar.is_default).and_then(|calendar| calendar.zone))
    }
}

const fn is_local(time: WireTime) -> bool {
    !matches!(time, WireTime::Instant(_))
}

/// Values without an offset are read both as UTC and in the account's zone, since nobody knows which is meant: the longer of both.
/// Two midnights of nowhere in particular are days, the last one included.
fn range(start: WireTime, end: WireTime, zone: Option<&Zone>) -> Option<TimeRange> {
    let utc = Zone::utc();
    let (start, end) =
        if start.is_local_midnight() && end.is_local_midnight() { (start.as_date(None), end.as_date(None)) } else { (start, end) };
    let start = start.as_start(Some(&utc))?.min(start.as_start(zone)?);
    let end: Timestamp = end.as_end(Some(&utc))?.max(end.as_end(zone)?);
    let end = if start == end { end.checked_add(1.minute()).ok()? } else { end };
    TimeRange::new(start, end).ok()
}

/// The special answers stand at the top, or inside `freebusy`, as an object or in its list.
fn read(body: &Value) -> Answer<Piece> {
    let inner = body.get("freebusy");
    let list = inner.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let places = || [Some(body), inner].into_iter().flatten().chain(list);
    if places().any(|place| flag(place, "fb_not_enabled") == Some(true)) {
        return Ok(Piece::NotShared);
    }
    if places().any(|place| flag(place, "NODATA") == Some(true)) {
        let items = list.iter().filter(|item| flag(item, "NODATA") != Some(true)).filter_map(item);
        return items.collect::<Answer<Vec<_>>>().map(Piece::Busy);
    }
    if inner.and_then(Value::as_array).is_none() {
        return Err(malformed(WHAT, "freebusy", false));
    }
    list.iter().filter_map(item).collect::<Answer<Vec<_>>>().map(Piece::Busy)
}

/// One item; `None` if it says free. Every other kind, known or not, is busy.
fn item(item: &Value) -> Option<Answer<(WireTime, WireTime)>> {
    if text(item, "fbtype").is_some_and(|kind| kind.eq_ignore_ascii_case("free")) {
        return None;
    }
    let time = |key: &str| text(item, key).and_then(|text| WireTime::parse(&text)).ok_or_else(|| malformed(WHAT, "time", false));
    Some(time("startTime").and_then(|start| Ok((start, time("endTime")?))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn busy(body: &Value, zone: Option<&Zone>) -> Vec<(Timestamp, Timestamp)> {
        let Piece::Busy(items) = read(body).unwrap() else { panic!("not shared") };
        items.into_iter().map(|(start, end)| range(start, end, zone).unwrap()).map(|range| (range.start(), range.end())).collect()
    }

    #[test]
    fn everything_but_free_is_busy() {
        let body: Value = serde_json::from_str(include_str!("../../../tests/golden/freebusy.json")).unwrap();
        let madrid = Zone::new("Europe/Madrid").unwrap();
        assert_eq!(
            busy(&body, Some(&madrid)),
            [
                (at("2026-07-21T18:00:00Z"), at("2026-07-21T18:30:00Z")),
                (at("2026-07-21T18:00:00Z"), at("2026-07-21T18:30:00Z")),
                (at("2026-07-24T22:00:00Z"), at("2026-07-26T00:00:00Z")),
            ]
        );
    }

    #[test]
    fn times_without_a_zone_are_read_the_longer_way() {
        let day = |text: &str| json!({"freebusy": [{"startTime": text, "endTime": text}]});
        let new_york = Zone::new("America/New_York").unwrap();
        for shape in ["20240725", "20240725Z", "20240725T", "20240725T000000"] {
            assert_eq!(busy(&day(shape), Some(&new_york)), [(at("2024-07-25T00:00:00Z"), at("2024-07-26T04:00:00Z"))], "{shape}");
        }
        let local = json!({"freebusy": [{"startTime": "20240725T100000", "endTime": "20240725T110000"}]});
        assert_eq!(busy(&local, Some(&new_york)), [(at("2024-07-25T10:00:00Z"), at("2024-07-25T15:00:00Z"))]);
        assert_eq!(busy(&day("20240725"), None), [(at("2024-07-24T10:00:00Z"), at("2024-07-26T12:00:00Z"))]);
    }

    #[test]
    fn not_shared_is_unknown_and_no_data_is_nothing() {
        for body in [
            json!({"fb_not_enabled": true}),
            json!({"fb_not_enabled": "true", "freebusy": []}),
            json!({"freebusy": {"fb_not_enabled": true}}),
            json!({"freebusy": [{"fb_not_enabled": true}]}),
            json!({"fb_not_enabled": true, "NODATA": true}),
        ] {
            assert_eq!(read(&body).unwrap(), Piece::NotShared, "{body}");
        }
        for body in [
            json!({"NODATA": true}),
            json!({"freebusy": {"NODATA": "true"}}),
            json!({"freebusy": [{"NODATA": true}]}),
            json!({"freebusy": []}),
        ] {
            assert_eq!(read(&body).unwrap(), Piece::Busy(Vec::new()), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_fails() {
        for body in [
            json!({}),
            json!({"freebusy": null}),
            json!({"NODATA": false}),
            json!({"fb_not_enabled": false}),
            json!({"freebusy": {"20211215": [{"allday": true}, ["02:30-03:50"]]}}),
            json!({"freebusy": [{}]}),
            json!({"freebusy": [{"startTime": "20240725T100000Z", "fbtype": "busy"}]}),
            json!({"freebusy": [{"startTime": "25 July", "endTime": "20240725T110000Z", "fbtype": "busy"}]}),
            json!({"freebusy": ["busy"]}),
            json!({"NODATA": true, "freebusy": [{"startTime": "soon"}]}),
        ] {
            assert_eq!(read(&body).unwrap_err().class, FailureClass::Protocol, "{body}");
        }
    }
}
