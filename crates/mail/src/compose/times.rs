//! Times as people read them: weekday, date, 24-hour clock, the zone's city and its offset from UTC.
//!
//! Whoever stated a zone reads times in it. Everybody else gets the interview's zone and UTC, so that nobody takes one clock for another.

use domain::{TimeRange, Timestamp, Zone};
use jiff::civil::DateTime;
use ports::mail::MailError;

use super::draft::Writer;

/// The lines that say when, for the addressee of this letter.
pub fn lines(writer: &Writer<'_>, range: TimeRange, interview_zone: &Zone) -> Result<Vec<String>, MailError> {
    if let Some(zone) = &writer.letter().to.zone {
        return Ok(vec![full(writer, range, zone)?]);
    }
    let mut lines = vec![full(writer, range, interview_zone)?];
    if !is_utc(interview_zone) {
        lines.push(full(writer, range, &Zone::utc())?);
    }
    Ok(lines)
}

/// The start alone, for subject lines: `Tue 1 Dec 2026, 14:00 (Berlin time)`.
pub fn short(writer: &Writer<'_>, range: TimeRange, interview_zone: &Zone) -> Result<String, MailError> {
    let zone = writer.letter().to.zone.as_ref().unwrap_or(interview_zone);
    let start = zone.wall_clock(range.start());
    let city = if is_utc(zone) { "UTC".to_owned() } else { writer.say_with("time.city", [("city", city(zone))])? };
    writer.say_with(
        "time.short",
        [
            ("weekday", writer.say(&format!("weekday.short.{}", start.weekday().to_monday_one_offset()))?),
            ("day", start.day().to_string()),
            ("month", writer.say(&format!("month.short.{}", start.month()))?),
            ("year", start.year().to_string()),
            ("start", clock(start)),
            ("city", city),
        ],
    )
}

/// A date with its weekday, for the addressee of this letter.
pub fn day(writer: &Writer<'_>, at: Timestamp) -> Result<String, MailError> {
    let date = writer.letter().to.zone.as_ref().unwrap_or(&Zone::utc()).wall_clock(at);
    let values = [("weekday", weekday(writer, date)?), ("day", date.day().to_string()), ("month", month(writer, date)?)];
    writer.say_with("time.day", values)
}

fn full(writer: &Writer<'_>, range: TimeRange, zone: &Zone) -> Result<String, MailError> {
    let (start, end) = (zone.wall_clock(range.start()), zone.wall_clock(range.end()));
    let (start_zone, end_zone) = (zone_text(writer, zone, range.start())?, zone_text(writer, zone, range.end())?);
    let key = if start_zone != end_zone {
        "time.clock_change"
    } else if start.date() == end.date() {
        "time.same_day"
    } else {
        "time.two_days"
    };
    writer.say_with(
        key,
        [
            ("weekday", weekday(writer, start)?),
            ("day", start.day().to_string()),
            ("month", month(writer, start)?),
            ("year", start.year().to_string()),
            ("start", clock(start)),
            ("zone", start_zone),
            ("end_weekday", weekday(writer, end)?),
            ("end_day", end.day().to_string()),
            ("end_month", month(writer, end)?),
            ("end", clock(end)),
            ("end_zone", end_zone),
        ],
    )
}

fn weekday(writer: &Writer<'_>, at: DateTime) -> Result<String, MailError> {
    writer.say(&format!("weekday.{}", at.weekday().to_monday_one_offset()))
}

fn month(writer: &Writer<'_>, at: DateTime) -> Result<String, MailError> {
    writer.say(&format!("month.{}", at.month()))
}

fn clock(at: DateTime) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

fn zone_text(writer: &Writer<'_>, zone: &Zone, at: Timestamp) -> Result<String, MailError> {
    if is_utc(zone) {
        return Ok("UTC".to_owned());
    }
    writer.say_with("time.zone", [("city", city(zone)), ("offset", offset(zone, at))])
}

/// `America/Argentina/Buenos_Aires` is read as `Buenos Aires`.
fn city(zone: &Zone) -> String {
    let name = zone.name();
    name.rsplit_once('/').map_or(name, |(_, city)| city).replace('_', " ")
}

fn offset(zone: &Zone, at: Timestamp) -> String {
    let seconds = zone.time_zone().to_offset(at).seconds();
    let minutes = seconds.abs() / 60;
    format!("UTC{}{:02}:{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

fn is_utc(zone: &Zone) -> bool {
    const NAMES: [&str; 5] = ["UTC", "UCT", "GMT", "Zulu", "Universal"];
    let name = zone.name();
    NAMES.contains(&name.strip_prefix("Etc/").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use ports::mail::{Addressee, Body, Letter};

    use super::*;

    fn letter(zone: Option<&str>) -> Letter {
        Letter {
            message_id: "a@example.com".to_owned(),
            kind: "attention".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            to: Addressee {
                name: "Ana".to_owned(),
                email: "ana@example.com".parse().unwrap(),
                zone: zone.map(|name| name.parse().unwrap()),
            },
            reply_to: None,
            company: "Example".to_owned(),
            body: Body::Attention { subject: String::new(), code: String::new(), page: "https://example.com/".parse().unwrap() },
        }
    }

    fn said(reader: Option<&str>, start: &str, end: &str, interview: &str) -> (Vec<String>, String) {
        let letter = letter(reader);
        let writer = Writer::new(&letter);
        let range = TimeRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap();
        let zone = interview.parse().unwrap();
        (lines(&writer, range, &zone).unwrap(), short(&writer, range, &zone).unwrap())
    }

    #[test]
    fn a_known_zone_is_the_only_one() {
        let (lines, short) =
            said(Some("America/Argentina/Buenos_Aires"), "2026-12-01T13:00:00Z", "2026-12-01T14:00:00Z", "Europe/Berlin");
        assert_eq!(lines, ["Tuesday, 1 December 2026, 10:00–11:00 (Buenos Aires time, UTC-03:00)"]);
        assert_eq!(short, "Tue 1 Dec 2026, 10:00 (Buenos Aires time)");
    }

    #[test]
    fn an_unknown_zone_gives_the_interviews_and_utc() {
        let (lines, short) = said(None, "2026-07-01T13:00:00Z", "2026-07-01T14:00:00Z", "Asia/Kolkata");
        assert_eq!(
            lines,
            ["Wednesday, 1 July 2026, 18:30–19:30 (Kolkata time, UTC+05:30)", "Wednesday, 1 July 2026, 13:00–14:00 (UTC)"]
        );
        assert_eq!(short, "Wed 1 Jul 2026, 18:30 (Kolkata time)");
        let (lines, short) = said(None, "2026-07-01T13:00:00Z", "2026-07-01T14:00:00Z", "Etc/UTC");
        assert_eq!(lines, ["Wednesday, 1 July 2026, 13:00–14:00 (UTC)"]);
        assert_eq!(short, "Wed 1 Jul 2026, 13:00 (UTC)");
    }

    #[test]
    fn midnight_and_changing_clocks_are_said() {
        let (lines, _) = said(Some("Asia/Tokyo"), "2026-12-31T14:30:00Z", "2026-12-31T15:30:00Z", "UTC");
        assert_eq!(lines, ["Thursday, 31 December 2026, 23:30 – Friday, 1 January, 00:30 (Tokyo time, UTC+09:00)"]);
        let (lines, _) = said(Some("Europe/Berlin"), "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "UTC");
        assert_eq!(
            lines,
            [
                "Sunday, 25 October 2026, 02:30 (Berlin time, UTC+02:00) – 02:30 (Berlin time, UTC+01:00): the clocks change in between"
            ]
        );
    }
}
