//! Dates as whole days since 1970-01-01 and back, in the proleptic Gregorian calendar, by integer arithmetic.

use jiff::civil::{Date, DateTime, Time};

pub const DAY: i64 = 86_400;

/// A day with everything that rules ask about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970-01-01.
    pub number: i64,
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub of_month: i64,
}

impl Day {
    pub const fn of(number: i64) -> Self {
        // Years begin in March, so that the leap day is the last of its year; eras have 400 years.
        let shifted = number + 719_468;
        let era = shifted.div_euclid(146_097);
        let in_era = shifted.rem_euclid(146_097);
        let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * in_year + 2) / 153;
        let day = in_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + (month <= 2) as i64;
        Self { number, year, month, of_month: day }
    }

    /// 0 is Monday.
    pub const fn weekday(self) -> i64 {
        weekday(self.number)
    }

    /// 1 to 366.
    pub const fn of_year(self) -> i64 {
        self.number - number(self.year, 1, 1) + 1
    }
}

/// 0 is Monday.
pub const fn weekday(number: i64) -> i64 {
    (number + 3).rem_euclid(7)
}

pub const fn number(year: i64, month: i64, day: i64) -> i64 {
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let year = if month > 2 { year } else { year - 1 };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let in_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + in_year - 719_468
}

pub const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub const fn year_length(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

pub const fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Seconds on the wall clock since 1970-01-01T00:00.
pub fn seconds(at: DateTime) -> i64 {
    let date = number(i64::from(at.year()), i64::from(at.month()), i64::from(at.day()));
    date * DAY + i64::from(at.hour()) * 3_600 + i64::from(at.minute()) * 60 + i64::from(at.second())
}

/// The reverse of [`seconds`]; `None` outside of the years that exist.
pub fn date_time(wall: i64) -> Option<DateTime> {
    let second = wall.rem_euclid(DAY);
    let part = |value: i64| i8::try_from(value).ok();
    let time = Time::new(part(second / 3_600)?, part(second / 60 % 60)?, part(second % 60)?, 0).ok()?;
    Some(date(wall)?.to_datetime(time))
}

/// The date of a second on the wall clock.
pub fn date(wall: i64) -> Option<Date> {
    let day = Day::of(wall.div_euclid(DAY));
    Date::new(i16::try_from(day.year).ok()?, i8::try_from(day.month).ok()?, i8::try_from(day.of_month).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil;

    use super::*;

    #[test]
    fn every_day_of_eight_centuries_is_the_calendars() {
        let mut date = civil::date(1700, 1, 1);
        let mut number_of = number(1700, 1, 1);
        while date.year() < 2500 {
            let day = Day::of(number_of);
            assert_eq!((day.year, day.month, day.of_month), (date.year().into(), date.month().into(), date.day().into()));
            assert_eq!(number(day.year, day.month, day.of_month), number_of);
            assert_eq!(day.weekday(), i64::from(date.weekday().to_monday_zero_offset()));
            assert_eq!(day.of_year(), i64::from(date.day_of_year()));
            assert_eq!(month_length(day.year, day.month), i64::from(date.days_in_month()));
            assert_eq!(year_length(day.year), i64::from(date.days_in_year()));
            (date, number_of) = (date.tomorrow().unwrap(), number_of + 1);
        }
    }

    #[test]
    fn seconds_go_there_and_back() {
        for text in ["1969-12-31T23:59:59", "1970-01-01T00:00:00", "2024-02-29T12:30:15", "0001-01-01T00:00:00"] {
            let at: DateTime = text.parse().unwrap();
            assert_eq!(date_time(seconds(at)), Some(at));
        }
        assert_eq!(date_time(i64::MAX / 2), None);
    }
}
