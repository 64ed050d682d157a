//! Dates and times as Calendar writes them: basic ISO 8601, with an offset, with `Z`, without either, or a bare date.

use domain::{Timestamp, Zone};
use jiff::{
    SignedDuration, ToSpan,
    civil::{Date, DateTime, Time},
    tz::Offset,
};

/// Where a day begins first, and where it ends last.
const EASTERNMOST: Offset = Offset::constant(14);
const WESTERNMOST: Offset = Offset::constant(-12);

/// What a text says about a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireTime {
    /// `yyyyMMdd`, also with a lonely `T` or `Z` behind it.
    Date(Date),
    /// `yyyyMMddTHHmmss`: a zone must be known from elsewhere.
    Local(DateTime),
    /// With `Z` or an offset.
    Instant(Timestamp),
}

impl WireTime {
    /// Reads every shape that Calendar and its free/busy use; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_ascii() {
            return None;
        }
        let (date, rest) = text.split_at_checked(8)?;
        let date = Date::new(number(date, 0..4)?, i8::try_from(number(date, 4..6)?).ok()?, i8::try_from(number(date, 6..8)?).ok()?)
            .ok()?;
        let Some(clock) = rest.strip_prefix('T') else {
            return matches!(rest, "" | "Z").then_some(Self::Date(date));
        };
        if matches!(clock, "" | "Z") {
            return Some(Self::Date(date));
        }
        let (clock, zone) = clock.split_at_checked(6)?;
        let part = |range| i8::try_from(number(clock, range)?).ok();
        let at = date.to_datetime(Time::new(part(0..2)?, part(2..4)?, part(4..6)?, 0).ok()?);
        match zone {
            "" => Some(Self::Local(at)),
            "Z" => Offset::UTC.to_timestamp(at).ok().map(Self::Instant),
            _ => offset(zone)?.to_timestamp(at).ok().map(Self::Instant),
        }
    }

    /// The earliest instant this may be, as the start of something. Where no zone is known, it may be anywhere on Earth.
    pub(super) fn as_start(self, zone: Option<&Zone>) -> Option<Timestamp> {
        match (self, zone) {
            (Self::Instant(at), _) => Some(at),
            (Self::Local(at), Some(zone)) => zone.time_zone().to_ambiguous_timestamp(at).earlier().ok(),
            (Self::Local(at), None) => EASTERNMOST.to_timestamp(at).ok(),
            (Self::Date(date), Some(zone)) => start_of(date, zone),
            (Self::Date(date), None) => EASTERNMOST.to_timestamp(date.to_datetime(Time::midnight())).ok(),
        }
    }

    /// The latest instant this may be, as the end of something; of a date, its last moment.
    pub(super) fn as_end(self, zone: Option<&Zone>) -> Option<Timestamp> {
        match (self, zone) {
            (Self::Instant(at), _) => Some(at),
            (Self::Local(at), Some(zone)) => zone.time_zone().to_ambiguous_timestamp(at).later().ok(),
            (Self::Local(at), None) => WESTERNMOST.to_timestamp(at).ok(),
            (Self::Date(date), Some(zone)) => start_of(date.tomorrow().ok()?, zone),
            (Self::Date(date), None) => WESTERNMOST.to_timestamp(date.tomorrow().ok()?.to_datetime(Time::midnight())).ok(),
        }
    }

    /// The date it stands for where whole days are meant; an instant is read in `zone`.
    pub(super) fn as_date(self, zone: Option<&Zone>) -> Self {
        match (self, zone) {
            (Self::Local(at), _) => Self::Date(at.date()),
            (Self::Instant(at), Some(zone)) => Self::Date(zone.date(at)),
            (Self::Date(_) | Self::Instant(_), _) => self,
        }
    }

    /// Whether it is midnight of nowhere in particular, as days are sometimes written.
    pub(super) fn is_local_midnight(self) -> bool {
        matches!(self, Self::Local(at) if at.time() == Time::midnight())
    }

    /// Whether it is a bare date.
    pub(super) const fn is_date(self) -> bool {
        matches!(self, Self::Date(_))
    }
}

/// When a day begins in a zone, which is not always midnight.
fn start_of(date: Date, zone: &Zone) -> Option<Timestamp> {
    date.to_zoned_datetime(zone.time_zone().clone()).ok().map(|start| start.timestamp())
}

fn number(text: &str, range: std::ops::Range<usize>) -> Option<i16> {
    let digits = text.get(range)?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// `+0530`, `-08:00`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits.replace(':', "")),
        ("-", digits) => (-1, digits.replace(':', "")),
        _ => return None,
    };
    if digits.len() != 4 {
        return None;
    }
    let (hours, minutes) = (number(&digits, 0..2)?, number(&digits, 2..4)?);
    if minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
}

/// `20260310T100000+0100`: the form for writing, beside the zone's name.
pub(super) fn local(at: Timestamp, zone: &Zone) -> String {
    at.to_zoned_datetime(zone.time_zone().clone()).strftime("%Y%m%dT%H%M%S%z").to_string()
}

/// `20260310T090000Z`: the form for asking.
pub(super) fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The longest window that is asked for in one call. Zoho allows 31 days for lists; for free/busy a real client found the same.
const PIECE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What is asked for beyond the window on each side, since it is not known whether what touches the edge, or an all-day event in a
/// zone far from UTC, is found.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);
/// How much two neighbouring pieces have in common.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// The most pieces of one window, nearly five years: each costs a call.
const MOST_PIECES: usize = 60;

/// Cuts a window with its margins into pieces that overlap. `None` if it is too long, or beyond the years a timestamp has.
pub(super) fn pieces(start: Timestamp, end: Timestamp) -> Option<Vec<(Timestamp, Timestamp)>> {
    let mut from = start.checked_sub(MARGIN).ok()?;
    // Whole seconds, never less than asked for: the wire has nothing finer.
    let last = end.checked_add(MARGIN).ok()?.checked_add(1.second()).ok()?;
    let mut pieces = Vec::new();
    while pieces.len() < MOST_PIECES {
        let to = from.checked_add(PIECE).ok()?.min(last);
        pieces.push((from, to));
        if to == last {
            return Some(pieces);
        }
        from = to.checked_sub(OVERLAP).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Zone {
        Zone::new(name).unwrap()
    }

    #[test]
    fn every_shape_is_read() {
        let date = jiff::civil::date(2024, 7, 25);
        for text in ["20240725", "20240725Z", "20240725T", "20240725TZ", " 20240725 "] {
            assert_eq!(WireTime::parse(text), Some(WireTime::Date(date)), "{text}");
        }
        assert_eq!(WireTime::parse("20240725T101500"), Some(WireTime::Local(date.at(10, 15, 0, 0))));
        for text in
            ["20240725T101500Z", "20240725T121500+0200", "20240725T154500+0530", "20240725T021500-08:00", "20240725T101500+0000"]
        {
            assert_eq!(WireTime::parse(text), Some(WireTime::Instant(at("2024-07-25T10:15:00Z"))), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_guessed_at() {
        for text in [
            "",
            "2024",
            "20241325",
            "20240230",
            "2024-07-25",
            "20240725T10",
            "20240725T1015",
            "20240725T251500",
            "20240725T101500X",
            "20240725T101500+02",
            "20240725T101500+02000",
            "20240725T101500+0299",
            "20240725T+10150",
            "20240725 101500",
            "+0240725",
            "20240725ZZ",
            "２０２４0725",
        ] {
            assert_eq!(WireTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_is_its_whole_day_in_the_zone() {
        let day = WireTime::parse("20260329").unwrap();
        let madrid = zone("Europe/Madrid");
        assert_eq!(day.as_start(Some(&madrid)), Some(at("2026-03-28T23:00:00Z")));
        assert_eq!(day.as_end(Some(&madrid)), Some(at("2026-03-29T22:00:00Z")), "23 hours: clocks go forward");
        assert_eq!(day.as_start(None), Some(at("2026-03-28T10:00:00Z")), "anywhere on Earth");
        assert_eq!(day.as_end(None), Some(at("2026-03-30T12:00:00Z")));
    }

    #[test]
    fn an_hour_that_comes_twice_is_read_as_the_longer() {
        let twice = WireTime::parse("20261025T023000").unwrap();
        let madrid = zone("Europe/Madrid");
        assert_eq!(twice.as_start(Some(&madrid)), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(twice.as_end(Some(&madrid)), Some(at("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn times_are_written_with_their_offset() {
        assert_eq!(local(at("2026-03-10T09:00:00Z"), &zone("Europe/Madrid")), "20260310T100000+0100");
        assert_eq!(local(at("2026-07-10T09:00:00Z"), &zone("America/St_Johns")), "20260710T063000-0230");
        assert_eq!(local(at("2026-07-10T09:00:00Z"), &Zone::utc()), "20260710T090000+0000");
        assert_eq!(utc(at("2026-07-10T09:00:00.999Z")), "20260710T090000Z");
    }

    #[test]
    fn pieces_cover_the_window_without_holes_and_none_is_too_long() {
        for days in [0, 1, 27, 28, 29, 30, 31, 58, 59, 60, 365] {
            let (start, end) = (at("2026-01-01T00:00:00.5Z"), at("2026-01-01T00:00:01.5Z") + SignedDuration::from_hours(24 * days));
            let pieces = pieces(start, end).unwrap();
            assert!(pieces[0].0 <= start - MARGIN && pieces[pieces.len() - 1].1 >= end + MARGIN, "{days}");
            assert!(pieces.iter().all(|(from, to)| from < to && from.duration_until(*to) <= PIECE), "{days}");
            assert!(pieces.windows(2).all(|pair| pair[1].0 < pair[0].1 && pair[1].0 > pair[0].0), "{days}");
        }
        assert!(pieces(at("2026-01-01T00:00:00Z"), at("2030-11-01T00:00:00Z")).is_some());
        assert!(pieces(at("2026-01-01T00:00:00Z"), at("2031-01-01T00:00:00Z")).is_none(), "too many calls");
        assert!(pieces(at("2026-01-01T00:00:00Z"), Timestamp::MAX).is_none());
    }
}
