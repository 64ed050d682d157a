//! The values in the text of a rule, each with what to write instead.

use jiff::{civil::Date, tz::TimeZone};

use super::rule::{FREQUENCIES, Frequency, NthWeekday, RuleTextError, Until, WEEKDAYS};

/// What a message repeats of somebody's text.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

fn wrong(part: &str, value: &str, use_instead: impl Into<String>) -> RuleTextError {
    RuleTextError::Value { part: part.to_owned(), value: shown(value), use_instead: use_instead.into() }
}

pub(super) fn frequency(value: &str) -> Result<Frequency, RuleTextError> {
    let found = FREQUENCIES.iter().find(|(name, _)| *name == value);
    found
        .map(|(_, frequency)| *frequency)
        .ok_or_else(|| wrong("FREQ", value, "SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY"))
}

pub(super) fn whole(part: &str, value: &str, most: u32) -> Result<u32, RuleTextError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { value.parse().ok() } else { None };
    number.filter(|number| (1..=most).contains(number)).ok_or_else(|| wrong(part, value, format!("1 to {most}")))
}

/// A list of numbers in a range; 0 only where the range begins with it.
pub(super) fn numbers<T: TryFrom<i32>>(part: &str, value: &str, least: i32, most: i32) -> Result<Vec<T>, RuleTextError> {
    let zero = if least < 0 { ", but not 0" } else { "" };
    let number = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let fits = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = if fits { text.parse::<i32>().ok() } else { None };
        let number = number.filter(|number| (least..=most).contains(number) && (*number != 0 || least == 0));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| wrong(part, text, format!("{least} to {most}{zero}")))
    };
    value.split(',').map(number).collect()
}

pub(super) fn weekday(part: &str, value: &str) -> Result<i8, RuleTextError> {
    let found = (0_i8..).zip(WEEKDAYS).find(|(_, name)| *name == value);
    found.map(|(day, _)| day).ok_or_else(|| wrong(part, value, "MO, TU, WE, TH, FR, SA or SU"))
}

pub(super) fn nth_weekday(value: &str) -> Result<NthWeekday, RuleTextError> {
    let wrong = || wrong("BYDAY", value, "MO to SU, perhaps behind a number from -53 to 53, such as 2TU or -1FR");
    let (number, name) = value.split_at_checked(value.len().saturating_sub(2)).ok_or_else(wrong)?;
    let day = weekday("BYDAY", name).map_err(|_| wrong())?;
    let nth = match number {
        "" => None,
        number => Some(*numbers("BYDAY", number, -53, 53).map_err(|_| wrong())?.first().ok_or_else(wrong)?),
    };
    Ok(NthWeekday { nth, day })
}

pub(super) fn until(value: &str) -> Result<Until, RuleTextError> {
    let wrong =
        || wrong("UNTIL", value, "a date such as 20261231, a time such as 20261231T180000, or one in UTC with a Z behind it");
    if !value.is_ascii() {
        return Err(wrong());
    }
    let date = |text: &str| Date::strptime("%Y%m%d", text).ok().filter(|_| text.len() == 8);
    match value.split_once('T') {
        None => date(value).map(Until::Date).ok_or_else(wrong),
        Some((day, time)) => {
            let (time, utc) = time.strip_suffix('Z').map_or((time, false), |time| (time, true));
            let fits = time.len() == 6 && time.bytes().all(|byte| byte.is_ascii_digit());
            let part = |at: usize| time.get(at..at + 2).and_then(|text| text.parse::<i8>().ok());
            let (Some(day), true, Some(hour), Some(minute), Some(second)) = (date(day), fits, part(0), part(2), part(4)) else {
                return Err(wrong());
            };
            let at =
                jiff::civil::Time::new(hour, minute, second.min(59), 0).map(|time| day.to_datetime(time)).map_err(|_| wrong())?;
            if second > 60 {
                return Err(wrong());
            }
            if !utc {
                return Ok(Until::Local(at));
            }
            TimeZone::UTC.to_ambiguous_timestamp(at).compatible().map(Until::Utc).map_err(|_| wrong())
        }
    }
}
