//! A week of working hours: for each weekday some spans of the wall clock, written `mon-thu 09:00-12:30,13:30-17:00; fri 09:00-15:00`.

use std::{fmt, str::FromStr};

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{BusySet, DaySpan, SpanError, TimeRange, Zone};

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Working hours by weekday. Never without any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WeeklyHours {
    /// Monday first; each day's spans in order, without overlap.
    days: [Vec<DaySpan>; 7],
}

/// Why a text is no week of working hours. Each says which part, and how to write it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoursError {
    /// Nothing there.
    #[error("no working hours: write days and spans, such as `mon-fri 09:00-17:00`")]
    Empty,
    /// Days without hours, or hours without days.
    #[error("`{part}` needs days and spans with a space between, such as `mon-fri 09:00-17:00`")]
    Part {
        /// The part between two semicolons.
        part: String,
    },
    /// No such day.
    #[error("`{day}` is not a weekday: use mon, tue, wed, thu, fri, sat, sun, and `-` for from-to")]
    Day {
        /// What was given.
        day: String,
    },
    /// Named again.
    #[error("`{day}` has hours twice: write all spans of a day in one place, with commas between")]
    Twice {
        /// The day.
        day: &'static str,
    },
    /// Two spans of a day overlap.
    #[error("on `{day}` the spans {first} and {second} overlap: join them or shorten one")]
    Overlap {
        /// The day.
        day: &'static str,
        /// The earlier span.
        first: DaySpan,
        /// The later span.
        second: DaySpan,
    },
    /// A span is written wrongly.
    #[error(transparent)]
    Span(#[from] SpanError),
}

impl WeeklyHours {
    /// From spans by weekday, Monday first.
    pub fn new(mut days: [Vec<DaySpan>; 7]) -> Result<Self, HoursError> {
        for (spans, day) in days.iter_mut().zip(NAMES) {
            spans.sort_unstable();
            if let Some((first, second)) = overlap(spans) {
                return Err(HoursError::Overlap { day, first, second });
            }
        }
        if days.iter().all(Vec::is_empty) { Err(HoursError::Empty) } else { Ok(Self { days }) }
    }

    /// One span on each of the first `days` days from Monday on; on Monday alone for 0.
    pub(crate) fn daily(span: DaySpan, days: usize) -> Self {
        let of = |day: usize| if day < days.max(1) { vec![span] } else { Vec::new() };
        Self { days: std::array::from_fn(of) }
    }

    /// The spans of a weekday, in order.
    pub fn spans(&self, weekday: Weekday) -> &[DaySpan] {
        self.days.get(monday_offset(weekday)).map_or(&[], Vec::as_slice)
    }

    /// The working time of one date: wall clock first, zone second. A span whose hours the clocks skip is shifted by the gap; what
    /// would leave the day is cut off. In order and without overlap; empty on a day that the zone left out.
    pub fn on(&self, date: Date, zone: &Zone) -> Vec<TimeRange> {
        concrete(self.spans(date.weekday()), date, zone)
    }
}

/// The time of some spans of one date, as in [`WeeklyHours::on`].
pub fn concrete(spans: &[DaySpan], date: Date, zone: &Zone) -> Vec<TimeRange> {
    let Some(day) = zone.day(date) else { return Vec::new() };
    let range = |span: &DaySpan| {
        let (start, end) = (zone.instant(date, span.start())?, zone.instant(date, span.end())?);
        TimeRange::new(start, end).ok()?.intersection(day)
    };
    // Two spans can overlap only where clocks changed between them.
    spans.iter().filter_map(range).collect::<BusySet>().ranges().to_vec()
}

/// The first two of some sorted spans that overlap.
pub fn overlap(sorted: &[DaySpan]) -> Option<(DaySpan, DaySpan)> {
    sorted.windows(2).find(|pair| pair[0].overlaps(pair[1])).map(|pair| (pair[0], pair[1]))
}

impl Default for WeeklyHours {
    /// Monday to Friday, 09:00 to 17:00.
    fn default() -> Self {
        Self::daily(DaySpan::OFFICE, 5)
    }
}

fn monday_offset(weekday: Weekday) -> usize {
    usize::from(weekday.to_monday_zero_offset().unsigned_abs())
}

/// `mon`, `mon-thu`, `mon,wed`, `sat-mon` (over the weekend): offsets from Monday.
fn parse_days(text: &str) -> Result<Vec<usize>, HoursError> {
    let offset = |name: &str| {
        let name = name.trim();
        NAMES.iter().position(|known| *known == name).ok_or_else(|| HoursError::Day { day: name.to_owned() })
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (offset(first)?, offset(last)?);
        let count = (last + 7 - first) % 7 + 1;
        days.extend((first..first + count).map(|day| day % 7));
    }
    Ok(days)
}

impl FromStr for WeeklyHours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let text = text.to_ascii_lowercase();
        let mut days: [Vec<DaySpan>; 7] = Default::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || HoursError::Part { part: part.to_owned() };
            // The first digit ends the days, so that `mon, wed 09:00-12:00` may have spaces anywhere.
            let (names, spans) = part.split_at(part.find(|letter: char| letter.is_ascii_digit()).ok_or_else(wrong)?);
            if !names.ends_with(char::is_whitespace) {
                return Err(wrong());
            }
            let spans = spans.split(',').map(str::parse).collect::<Result<Vec<DaySpan>, _>>()?;
            for day in parse_days(names.trim())? {
                if !days[day].is_empty() {
                    return Err(HoursError::Twice { day: NAMES[day] });
                }
                days[day].clone_from(&spans);
            }
        }
        Self::new(days)
    }
}

impl fmt::Display for WeeklyHours {
    /// The shortest text that reads back as the same week.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = [false; 7];
        let mut separator = "";
        for first in 0..7 {
            if written[first] || self.days[first].is_empty() {
                continue;
            }
            let same: Vec<usize> = (first..7).filter(|day| self.days[*day] == self.days[first]).collect();
            for day in &same {
                written[*day] = true;
            }
            let names: Vec<String> = same.chunk_by(|one, next| one + 1 == *next).map(run_name).collect();
            let spans: Vec<String> = self.days[first].iter().map(DaySpan::to_string).collect();
            write!(f, "{separator}{} {}", names.join(","), spans.join(","))?;
            separator = "; ";
        }
        Ok(())
    }
}

/// The name of days that follow each other.
fn run_name(days: &[usize]) -> String {
    match days {
        [] => String::new(),
        [day] => NAMES[*day].to_owned(),
        [first, .., last] => format!("{}-{}", NAMES[*first], NAMES[*last]),
    }
}

impl TryFrom<String> for WeeklyHours {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<WeeklyHours> for String {
    fn from(week: WeeklyHours) -> Self {
        week.to_string()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn week(text: &str) -> WeeklyHours {
        text.parse().unwrap()
    }

    #[test]
    fn reads_and_prints_the_short_form() {
        for (text, printed) in [
            ("mon-thu 09:00-12:30,13:30-17:00; fri 09:00-15:00", "mon-thu 09:00-12:30,13:30-17:00; fri 09:00-15:00"),
            ("MON-FRI 9:00-17:00", "mon-fri 09:00-17:00"),
            ("fri 09:00-15:00 ; mon, wed 13:00 - 14:00, 09:00 - 12:00;", "mon,wed 09:00-12:00,13:00-14:00; fri 09:00-15:00"),
            ("sat-mon 00:00-24:00", "mon,sat-sun 00:00-24:00"),
            ("mon-sun 00:00-24:00", "mon-sun 00:00-24:00"),
            ("tue 09:00-10:00,10:00-11:00", "tue 09:00-10:00,10:00-11:00"),
        ] {
            assert_eq!(week(text).to_string(), printed);
            assert_eq!(week(printed), week(text));
        }
        assert_eq!(WeeklyHours::default(), week("mon-fri 09:00-17:00"));
        assert_eq!(serde_json::to_string(&WeeklyHours::default()).unwrap(), "\"mon-fri 09:00-17:00\"");
    }

    #[test]
    fn says_which_part_is_wrong() {
        for (text, want) in [
            ("", "no working hours"),
            (" ; ", "no working hours"),
            ("mon-fri", "`mon-fri` needs days and spans"),
            ("09:00-17:00", "`09:00-17:00` needs days and spans"),
            ("mon09:00-17:00", "needs days and spans"),
            ("montag 09:00-17:00", "`montag` is not a weekday"),
            ("mon- 09:00-17:00", "`` is not a weekday"),
            ("mon 09:00-12:00; mon 13:00-17:00", "`mon` has hours twice"),
            ("mon 09:00-12:00,11:00-17:00", "on `mon` the spans 09:00-12:00 and 11:00-17:00 overlap"),
            ("mon 17:00-09:00", "does not end after it starts"),
            ("mon 09:00-25:00", "`25:00` is not a time"),
            ("mon 09:00-12:00,", "`` is not a span"),
        ] {
            let error = text.parse::<WeeklyHours>().unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    fn shown(week: &WeeklyHours, date: Date, zone: &str) -> Vec<String> {
        let zone = Zone::new(zone).unwrap();
        week.on(date, &zone).iter().map(|range| format!("{}/{}", range.start(), range.end())).collect()
    }

    #[test]
    fn wall_clock_first_zone_second() {
        let office = WeeklyHours::default();
        assert_eq!(shown(&office, date(2026, 3, 27), "Europe/Berlin"), ["2026-03-27T08:00:00Z/2026-03-27T16:00:00Z"]);
        assert_eq!(shown(&office, date(2026, 3, 30), "Europe/Berlin"), ["2026-03-30T07:00:00Z/2026-03-30T15:00:00Z"]);
        assert!(shown(&office, date(2026, 3, 28), "Europe/Berlin").is_empty());
    }

    #[test]
    fn spans_in_a_gap_shift_and_never_overlap() {
        let gap_day = date(2026, 3, 29);
        assert_eq!(shown(&week("sun 02:15-02:45"), gap_day, "Europe/Berlin"), ["2026-03-29T01:15:00Z/2026-03-29T01:45:00Z"]);
        assert_eq!(
            shown(&week("sun 02:15-02:45,03:00-04:00"), gap_day, "Europe/Berlin"),
            ["2026-03-29T01:00:00Z/2026-03-29T02:00:00Z"]
        );
        assert_eq!(shown(&week("sun 00:00-24:00"), gap_day, "Europe/Berlin"), ["2026-03-28T23:00:00Z/2026-03-29T22:00:00Z"]);
        // The clocks of Nuuk go from 23:00 to midnight: what was to happen in between does not happen on Sunday.
        assert!(shown(&week("sat 23:15-23:45"), date(2026, 3, 28), "America/Nuuk").is_empty());
        let evening = week("sat 20:00-24:00");
        assert_eq!(shown(&evening, date(2026, 3, 28), "America/Nuuk"), ["2026-03-28T22:00:00Z/2026-03-29T01:00:00Z"]);
        // A Friday that never was does not lend its hours to the Saturday after it.
        assert!(shown(&week("fri 09:00-17:00"), date(2011, 12, 30), "Pacific/Apia").is_empty());
    }
}
