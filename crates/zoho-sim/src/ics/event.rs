//! One VEVENT: its times, what makes it busy or not, and its place in a series.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{IcsError, Imported, lines::Line, zones::Zones};
use crate::calendar::{
    Attendee, Details, Exception, When, check_rule,
    times::{self, Written},
};

/// A VEVENT that was read.
pub struct Read {
    /// Where it begins.
    pub line: usize,
    /// UID.
    pub uid: String,
    /// RECURRENCE-ID of an occurrence that differs.
    pub recurrence_id: Option<Point>,
    cancelled: bool,
    details: Details,
    rrule: Option<String>,
    excluded: Vec<Point>,
    organizer: Option<String>,
}

/// A time of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// A day.
    Day(Date),
    /// An instant, and the zone it was written in.
    Instant(Timestamp, String),
}

/// The lines of one VEVENT by name; those that may be there once only are checked to be.
struct Properties<'a> {
    lines: &'a [&'a Line],
    line: usize,
}

impl Read {
    /// Reads the lines of a VEVENT, the BEGIN first.
    pub fn from_lines(lines: &[&Line], zones: &Zones) -> Result<Self, IcsError> {
        let properties = Properties { lines, line: lines.first().map_or(1, |line| line.number) };
        properties.refuse("RDATE", "extra dates (RDATE) of a series cannot be kept")?;
        properties.refuse("EXRULE", "rules of exceptions (EXRULE) cannot be kept")?;
        let Some(uid) = properties.one("UID")? else {
            return Err(IcsError::at(properties.line, "this event has no UID"));
        };
        let when = when(&properties, zones)?;
        let rrule = properties.one("RRULE")?.map(|line| rule(line, &when)).transpose()?;
        let recurrence_id = match properties.one("RECURRENCE-ID")? {
            Some(line) if line.param("RANGE").is_some() => {
                return Err(IcsError::at(line.number, "a change of this and all later occurrences (RANGE) cannot be kept"));
            }
            Some(line) => Some(point(line, &line.value, zones)?),
            None => None,
        };
        let mut excluded = Vec::new();
        for line in properties.all("EXDATE") {
            for value in line.value.split(',') {
                excluded.push(point(line, value, zones)?);
            }
        }
        let (tentative, cancelled) = status(&properties)?;
        let text = |name: &str| properties.one(name).map(|line| line.map(Line::text).unwrap_or_default());
        let details = Details {
            title: text("SUMMARY")?,
            description: text("DESCRIPTION")?,
            location: text("LOCATION")?,
            url: text("URL")?,
            private: one_of(&properties, "CLASS", &["PRIVATE", "CONFIDENTIAL"], &["PUBLIC"])?,
            free: one_of(&properties, "TRANSP", &["TRANSPARENT"], &["OPAQUE"])?,
            tentative,
            attendees: properties.all("ATTENDEE").filter_map(attendee).collect(),
            ..Details::blank(when)
        };
        Ok(Self {
            line: properties.line,
            uid: uid.value.clone(),
            recurrence_id,
            cancelled,
            details,
            rrule,
            excluded,
            organizer: properties.one("ORGANIZER")?.and_then(|line| address(&line.value)),
        })
    }

    /// The whole series, unless it was cancelled.
    pub fn with_overrides(self, overrides: Vec<Self>) -> Option<Imported> {
        if self.cancelled {
            return None;
        }
        let mut exceptions = BTreeMap::new();
        for point in &self.excluded {
            exceptions.insert(self.key(point), Exception::Deleted);
        }
        for other in overrides {
            if let Some(point) = &other.recurrence_id {
                let exception =
                    if other.cancelled { Exception::Deleted } else { Exception::Changed(Box::new(other.details.clone())) };
                exceptions.insert(self.key(point), exception);
            }
        }
        let Self { uid, details, rrule, organizer, .. } = self;
        Some(Imported { uid, details, rrule, exceptions, organizer })
    }

    /// An occurrence without its series, unless it was cancelled.
    pub fn alone(self) -> Option<Imported> {
        if self.cancelled {
            return None;
        }
        let own = match &self.recurrence_id {
            Some(point) => format!("{}/{}", self.uid, self.key(point)),
            None => self.uid,
        };
        let (details, organizer) = (self.details, self.organizer);
        Some(Imported { uid: own, details, rrule: None, exceptions: BTreeMap::new(), organizer })
    }

    /// The `recurrenceid` that a time of the file stands for in this series. Some programs name only the day of an
    /// occurrence that has a time, or the midnight of one that is a whole day.
    fn key(&self, point: &Point) -> String {
        match (point, &self.details.when) {
            (Point::Day(day), When::AllDay { .. }) => times::day(*day),
            (Point::Instant(at, _), When::Timed { .. }) => times::utc(*at),
            (Point::Instant(at, zone), When::AllDay { .. }) => times::day(times::stored_zone(zone).to_datetime(*at).date()),
            (Point::Day(day), When::Timed { start, .. }) => {
                let zone = self.details.when.zone();
                let clock = zone.to_datetime(*start).time();
                times::utc(times::instant(day.to_datetime(clock), &zone))
            }
        }
    }
}

impl<'a> Properties<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().copied().filter(move |line| line.name == name)
    }

    fn one(&self, name: &str) -> Result<Option<&'a Line>, IcsError> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            Some(second) => Err(IcsError::at(second.number, format!("a second {name} in the same event"))),
            None => Ok(first),
        }
    }

    fn refuse(&self, name: &str, sentence: &str) -> Result<(), IcsError> {
        self.all(name).next().map_or(Ok(()), |line| Err(IcsError::at(line.number, sentence)))
    }
}

fn when(properties: &Properties<'_>, zones: &Zones) -> Result<When, IcsError> {
    let Some(start_line) = properties.one("DTSTART")? else {
        return Err(IcsError::at(properties.line, "this event has no DTSTART, so it is at no time"));
    };
    let start = point(start_line, &start_line.value, zones)?;
    let (end_line, duration_line) = (properties.one("DTEND")?, properties.one("DURATION")?);
    if let (Some(_), Some(line)) = (end_line, duration_line) {
        return Err(IcsError::at(line.number, "an event has a DTEND or a DURATION, not both"));
    }
    let at = end_line.or(duration_line).map_or(start_line.number, |line| line.number);
    let end = end_line.map(|line| point(line, &line.value, zones)).transpose()?;
    let length = duration_line.map(duration).transpose()?.unwrap_or_default();
    let early = || IcsError::at(at, "the event ends before it starts");
    match (start, end) {
        (Point::Day(first), end) => {
            let after = match end {
                Some(Point::Day(after)) => after,
                Some(Point::Instant(..)) => return Err(IcsError::at(at, "it starts on a day and ends at a time")),
                None if length.exact.is_zero() => first.saturating_add(SignedDuration::from_hours(24 * length.days.max(1))),
                None => return Err(IcsError::at(at, "an event of whole days cannot last a part of a day")),
            };
            if after < first {
                return Err(early());
            }
            // Some programs write the same day twice for one day.
            let last = if after == first { first } else { after.yesterday().unwrap_or(first) };
            Ok(When::AllDay { first, last, zone: zones.default.clone() })
        }
        (Point::Instant(start, zone), end) => {
            let end = match end {
                Some(Point::Instant(end, _)) => end,
                Some(Point::Day(_)) => return Err(IcsError::at(at, "it starts at a time and ends on a day")),
                None => length.after(start, &zone),
            };
            if end < start { Err(early()) } else { Ok(When::Timed { start, end, zone }) }
        }
    }
}

/// A date or date-time with the zone its parameters name.
fn point(line: &Line, value: &str, zones: &Zones) -> Result<Point, IcsError> {
    let zone = line.param("TZID").map(|id| zones.resolve(id, line.number)).transpose()?;
    match times::parse(value.trim()) {
        Some(Written::Day(day)) => Ok(Point::Day(day)),
        Some(Written::Instant(at)) => Ok(Point::Instant(at, zone.unwrap_or_else(|| "UTC".to_owned()))),
        Some(Written::Local(local)) => {
            let zone = zone.unwrap_or_else(|| zones.default.clone());
            Ok(Point::Instant(times::instant(local, &times::stored_zone(&zone)), zone))
        }
        None => {
            let sentence = format!("{value:?} is not a date or time of iCalendar, such as 20260310 or 20260310T090000Z");
            Err(IcsError::at(line.number, sentence))
        }
    }
}

/// A length: whole days on the calendar, then an exact time (3.3.6).
#[derive(Clone, Copy, Debug, Default)]
struct Length {
    days: i64,
    exact: SignedDuration,
}

impl Length {
    fn after(self, start: Timestamp, zone: &str) -> Timestamp {
        let zone = times::stored_zone(zone);
        let days = SignedDuration::from_hours(24 * self.days);
        let local = zone.to_datetime(start).saturating_add(days);
        let moved = if self.days == 0 { start } else { times::instant(local, &zone) };
        moved.checked_add(self.exact).unwrap_or(Timestamp::MAX)
    }
}

fn duration(line: &Line) -> Result<Length, IcsError> {
    let broken = || IcsError::at(line.number, format!("{:?} is not a length of time such as PT1H30M", line.value));
    let text = line.value.trim().strip_prefix('+').unwrap_or(line.value.trim());
    let rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or_else(broken)?;
    let (dates, clock) = rest.split_once('T').map_or((rest, None), |(dates, clock)| (dates, Some(clock)));
    let mut length = Length::default();
    for (number, unit) in amounts(dates).ok_or_else(broken)? {
        length.days += match unit {
            'W' => 7 * number,
            'D' => number,
            _ => return Err(broken()),
        };
    }
    for (number, unit) in amounts(clock.unwrap_or_default()).ok_or_else(broken)? {
        length.exact += SignedDuration::from_secs(match unit {
            'H' => 3600 * number,
            'M' => 60 * number,
            'S' => number,
            _ => return Err(broken()),
        });
    }
    Ok(length)
}

/// `1H30M` as numbers with their letters; none is larger than a million, so that nothing overflows.
fn amounts(text: &str) -> Option<Vec<(i64, char)>> {
    let mut found = Vec::new();
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
        } else {
            let number: i64 = digits.parse().ok().filter(|number| *number <= 1_000_000)?;
            found.push((number, c));
            digits.clear();
        }
    }
    digits.is_empty().then_some(found)
}

fn rule(line: &Line, when: &When) -> Result<String, IcsError> {
    let rule = line.value.trim().to_owned();
    match check_rule(&rule, when) {
        Ok(()) => Ok(rule),
        Err(error) => Err(IcsError::at(line.number, format!("the rule {rule:?} cannot be kept: {error}"))),
    }
}

fn status(properties: &Properties<'_>) -> Result<(bool, bool), IcsError> {
    let Some(line) = properties.one("STATUS")? else {
        return Ok((false, false));
    };
    match line.value.trim().to_ascii_uppercase().as_str() {
        "CONFIRMED" => Ok((false, false)),
        "TENTATIVE" => Ok((true, false)),
        "CANCELLED" => Ok((false, true)),
        other => {
            let sentence = format!("the status {other:?} is none of CONFIRMED, TENTATIVE and CANCELLED");
            Err(IcsError::at(line.number, sentence))
        }
    }
}

/// Whether a property has one of the values that mean yes. Unknown values are refused: whether an event is busy or
/// secret is not to be guessed.
fn one_of(properties: &Properties<'_>, name: &str, yes: &[&str], no: &[&str]) -> Result<bool, IcsError> {
    let Some(line) = properties.one(name)? else {
        return Ok(false);
    };
    let value = line.value.trim().to_ascii_uppercase();
    if yes.contains(&value.as_str()) {
        Ok(true)
    } else if no.contains(&value.as_str()) {
        Ok(false)
    } else {
        let known = [no, yes].concat().join(", ");
        Err(IcsError::at(line.number, format!("{name} is {value:?}, which is none of {known}")))
    }
}

/// A guest with an e-mail address; others (rooms by name, groups) are passed over.
fn attendee(line: &Line) -> Option<Attendee> {
    let status = match line.param("PARTSTAT").map(str::to_ascii_uppercase).as_deref() {
        Some("ACCEPTED") => "ACCEPTED",
        // Who sent somebody else does not come.
        Some("DECLINED" | "DELEGATED") => "DECLINED",
        Some("TENTATIVE") => "TENTATIVE",
        _ => "NEEDS-ACTION",
    };
    let attendance = match line.param("ROLE").map(str::to_ascii_uppercase).as_deref() {
        Some("OPT-PARTICIPANT") => 2,
        Some("NON-PARTICIPANT") => 0,
        _ => 1,
    };
    Some(Attendee { email: address(&line.value)?, status: status.to_owned(), attendance, permission: 0 })
}

fn address(value: &str) -> Option<String> {
    let (scheme, address) = value.trim().split_once(':')?;
    (scheme.eq_ignore_ascii_case("mailto") && address.contains('@')).then(|| address.to_owned())
}
