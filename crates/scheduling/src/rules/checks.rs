//! Everything that is looked at before a draft becomes rules.

use jiff::{SignedDuration, civil::Weekday};

use super::{DAY_MINUTES, RuleError, RulesDraft};
use crate::{DaySpan, WeeklyHours, hours::overlap};

const MOST_NOTICE_MINUTES: u32 = 60 * DAY_MINUTES;
const MOST_HORIZON_DAYS: u32 = 366;
const MOST_DATES: usize = 400;
const MOST_LEAVES: usize = 200;
const MOST_PREFERENCES: usize = 16;
const WEEKDAYS: [Weekday; 7] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday, Weekday::Saturday, Weekday::Sunday];

/// What is wrong with a draft, in the order of its fields.
pub fn problems(draft: &RulesDraft) -> Vec<RuleError> {
    let mut errors = Vec::new();
    times(draft, &mut errors);
    limits(draft, &mut errors);
    pattern(draft, &mut errors);
    dates(draft, &mut errors);
    breaks(draft, &mut errors);
    preferences(draft, &mut errors);
    errors
}

fn in_range(field: &'static str, value: u32, least: u32, most: u32) -> Option<RuleError> {
    if (least..=most).contains(&value) { None } else { Some(RuleError::OutOfRange { field, value, least, most }) }
}

fn minutes(field: &'static str, minutes: u32, least: u32, most: u32) -> Option<RuleError> {
    if minutes.is_multiple_of(5) { in_range(field, minutes, least, most) } else { Some(RuleError::FiveMinutes { field, minutes }) }
}

fn times(draft: &RulesDraft, errors: &mut Vec<RuleError>) {
    errors.extend(minutes("buffer_before_minutes", draft.buffer_before_minutes, 0, DAY_MINUTES));
    errors.extend(minutes("buffer_after_minutes", draft.buffer_after_minutes, 0, DAY_MINUTES));
    errors.extend(minutes("minimum_notice_minutes", draft.minimum_notice_minutes, 0, MOST_NOTICE_MINUTES));
    errors.extend(minutes("step_minutes", draft.step_minutes, 5, DAY_MINUTES));
    let horizon = in_range("horizon_days", draft.horizon_days, 1, MOST_HORIZON_DAYS);
    if horizon.is_none() && draft.minimum_notice_minutes / DAY_MINUTES > draft.horizon_days {
        errors.push(RuleError::NoticeBeyondHorizon { minutes: draft.minimum_notice_minutes, horizon_days: draft.horizon_days });
    }
    errors.extend(horizon);
}

fn limits(draft: &RulesDraft, errors: &mut Vec<RuleError>) {
    for (field, limit) in [("daily_limit", draft.daily_limit), ("weekly_limit", draft.weekly_limit)] {
        if limit == Some(0) {
            errors.push(RuleError::NoBookings { field });
        }
    }
    errors.extend(draft.daily_minutes.and_then(|limit| minutes("daily_minutes", limit, 5, DAY_MINUTES)));
    errors.extend(draft.weekly_minutes.and_then(|limit| minutes("weekly_minutes", limit, 5, 7 * DAY_MINUTES)));
    if let Some(row) = draft.in_a_row {
        errors.extend(minutes("in_a_row.most_minutes", row.most_minutes, 5, DAY_MINUTES));
        errors.extend(minutes("in_a_row.break_minutes", row.break_minutes, 5, DAY_MINUTES));
    }
}

fn pattern(draft: &RulesDraft, errors: &mut Vec<RuleError>) {
    let Some(pattern) = &draft.pattern else { return };
    let past_monday = i64::from(pattern.from.weekday().to_monday_zero_offset());
    if past_monday > 0 {
        let monday = pattern.from.saturating_sub(SignedDuration::from_hours(24 * past_monday));
        errors.push(RuleError::NotMonday { date: pattern.from, monday });
    }
    let count = u32::try_from(pattern.weeks.len()).unwrap_or(u32::MAX);
    if let Some(error) = in_range("pattern.weeks", count, 2, 8) {
        errors.push(error);
    } else if pattern.weeks.iter().all(Option::is_none) {
        errors.push(RuleError::NoWorkingTime { field: "pattern.weeks" });
    }
}

fn few<T>(field: &'static str, list: impl ExactSizeIterator<Item = T>, most: usize) -> Option<RuleError> {
    let count = list.len();
    if count > most { Some(RuleError::TooMany { field, count, most }) } else { None }
}

fn dates(draft: &RulesDraft, errors: &mut Vec<RuleError>) {
    errors.extend(few("overrides", draft.overrides.iter(), MOST_DATES));
    for (date, spans) in &draft.overrides {
        let mut spans = spans.clone();
        spans.sort_unstable();
        errors.extend(overlap(&spans).map(|(first, second)| RuleError::Overlap { date: *date, first, second }));
    }
    errors.extend(few("holidays", draft.holidays.iter(), MOST_DATES));
    let nameless = draft.holidays.values().find(|holiday| !is_name(&holiday.name));
    errors.extend(nameless.map(|holiday| text("holidays", &holiday.name, "a name of 1 to 100 printable characters")));
    errors.extend(few("leave", draft.leave.iter(), MOST_LEAVES));
    for leave in &draft.leave {
        if leave.to < leave.from {
            errors.push(RuleError::LeaveBackwards { from: leave.from, to: leave.to });
        }
        let fits = (1..=32).contains(&leave.kind.len()) && leave.kind.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
        if !fits {
            errors.push(text("leave.kind", &leave.kind, "1 to 32 letters of a to z and `_`, such as vacation"));
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= 100 && !name.contains(char::is_control)
}

fn text(field: &'static str, text: &str, form: &'static str) -> RuleError {
    let text = text.chars().filter(|letter| !letter.is_control()).take(40).collect();
    RuleError::Text { field, text, form }
}

fn breaks(draft: &RulesDraft, errors: &mut Vec<RuleError>) {
    if let Some(of_weekday) = &draft.weekday_breaks {
        let weeks = draft.pattern.iter().flat_map(|pattern| pattern.weeks.iter().flatten()).chain([&draft.week]);
        if !weeks.into_iter().any(|week| is_time_left(week, &draft.breaks, of_weekday)) {
            errors.push(RuleError::NoWorkingTime { field: "weekday_breaks" });
        }
    }
    if let Some(lunch) = draft.lunch {
        let error = minutes("lunch.minutes", lunch.minutes, 5, DAY_MINUTES);
        if error.is_none() && i64::from(lunch.minutes) > lunch.span.minutes() {
            errors.push(RuleError::LunchTooLong { minutes: lunch.minutes, span: lunch.span });
        }
        errors.extend(error);
    }
}

/// Whether breaks leave five minutes of some day.
fn is_time_left(week: &WeeklyHours, daily: &[DaySpan], of_weekday: &WeeklyHours) -> bool {
    WEEKDAYS.into_iter().any(|weekday| {
        let mut breaks: Vec<DaySpan> = daily.iter().chain(of_weekday.spans(weekday)).copied().collect();
        breaks.sort_unstable();
        week.spans(weekday).iter().any(|span| {
            let mut covered_to = span.start();
            for pause in breaks.iter().filter(|pause| pause.overlaps(*span)) {
                if pause.start() > covered_to {
                    return true;
                }
                covered_to = covered_to.max(pause.end());
            }
            covered_to < span.end()
        })
    })
}

fn preferences(draft: &RulesDraft, errors: &mut Vec<RuleError>) {
    errors.extend(few("preferred", draft.preferred.iter(), MOST_PREFERENCES));
    errors.extend(draft.preferred.iter().find_map(|preference| in_range("preferred.weight", preference.weight, 1, 100)));
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{Holiday, HolidaySource, InARow, Leave, Lunch, Preference, Rules, RulesError, WeekPattern, Zone};

    fn berlin() -> RulesDraft {
        RulesDraft::usual(Zone::new("Europe/Berlin").unwrap())
    }

    #[test]
    fn every_error_names_its_field_and_the_cure() {
        let all_wrong = RulesDraft {
            buffer_before_minutes: 7,
            buffer_after_minutes: 24 * 60 + 5,
            minimum_notice_minutes: 3,
            step_minutes: 0,
            horizon_days: 0,
            daily_limit: Some(0),
            weekly_limit: Some(0),
            ..berlin()
        };
        let RulesError(errors) = Rules::new(all_wrong).unwrap_err();
        let fields: Vec<_> = errors.iter().map(RuleError::field).collect();
        let want = [
            "buffer_before_minutes",
            "buffer_after_minutes",
            "minimum_notice_minutes",
            "step_minutes",
            "horizon_days",
            "daily_limit",
            "weekly_limit",
        ];
        assert_eq!(fields, want);
        for error in &errors {
            let text = error.to_string();
            assert!(text.starts_with(error.field()) && text.contains("use "), "{text}");
        }
        assert_eq!(errors[0].to_string(), "buffer_before_minutes: 7 is not a multiple of 5 minutes; use 5 or 10");
        assert!(RulesError(errors).to_string().contains(". weekly_limit: a limit of 0 forbids"));
    }

    fn only_error(draft: RulesDraft) -> String {
        let errors = problems(&draft);
        assert_eq!(errors.len(), 1, "{errors:?}");
        let text = errors[0].to_string();
        assert!(text.starts_with(errors[0].field()) && text.contains("use "), "{text}");
        text
    }

    fn pattern(from: jiff::civil::Date, weeks: &[Option<&str>]) -> RulesDraft {
        let weeks = weeks.iter().map(|week| week.map(|week| week.parse().unwrap())).collect();
        RulesDraft { pattern: Some(WeekPattern { from, weeks }), ..berlin() }
    }

    #[test]
    fn a_pattern_begins_on_a_monday_and_has_two_to_eight_weeks_with_hours() {
        let (monday, week) = (date(2026, 11, 30), Some("mon 09:00-17:00"));
        assert!(problems(&pattern(monday, &[week, None])).is_empty() && problems(&pattern(monday, &[week; 8])).is_empty());
        let text = only_error(pattern(date(2026, 12, 6), &[week, None]));
        assert_eq!(text, "pattern.from: 2026-12-06 is not a Monday; use 2026-11-30, the Monday of that week");
        assert_eq!(only_error(pattern(monday, &[week])), "pattern.weeks: 1 is out of range; use 2 to 8");
        assert_eq!(only_error(pattern(monday, &[week; 9])), "pattern.weeks: 9 is out of range; use 2 to 8");
        assert!(only_error(pattern(monday, &[None, None])).starts_with("pattern.weeks: no working time is left"));
    }

    #[test]
    fn dates_are_bounded_and_make_sense() {
        let spans = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<DaySpan>>();
        let own = |texts: &[&str]| RulesDraft { overrides: [(date(2026, 12, 1), spans(texts))].into(), ..berlin() };
        assert!(problems(&own(&["13:00-14:00", "09:00-13:00"])).is_empty() && problems(&own(&[])).is_empty());
        let text = only_error(own(&["12:00-14:00", "09:00-13:00"]));
        assert!(text.starts_with("overrides: on 2026-12-01 the spans 09:00-13:00 and 12:00-14:00 overlap"), "{text}");

        let many = |count: usize| date(2026, 1, 1).series(jiff::Span::new().days(1)).take(count);
        let holiday = |name: &str| Holiday { name: name.to_owned(), source: HolidaySource::Hand };
        let holidays = |count| RulesDraft { holidays: many(count).map(|date| (date, holiday("Feast"))).collect(), ..berlin() };
        assert!(problems(&holidays(400)).is_empty());
        assert!(only_error(holidays(401)).starts_with("holidays: 401 entries are too many; use at most 400"));
        assert!(
            only_error(RulesDraft { overrides: many(401).map(|date| (date, Vec::new())).collect(), ..berlin() })
                .starts_with("overrides: 401")
        );
        for name in ["", " ", &"x".repeat(101), "a\nb"] {
            assert!(
                only_error(RulesDraft { holidays: [(date(2026, 12, 1), holiday(name))].into(), ..berlin() })
                    .starts_with("holidays: ")
            );
        }
    }

    #[test]
    fn leave_runs_forward_and_has_a_kind() {
        let leave = |from: i8, to: i8, kind: &str| {
            let leave = Leave { from: date(2026, 12, from), to: date(2026, 12, to), kind: kind.to_owned() };
            RulesDraft { leave: vec![leave], ..berlin() }
        };
        assert!(problems(&leave(1, 1, "parental_leave")).is_empty());
        assert!(only_error(leave(2, 1, "vacation")).starts_with("leave: 2026-12-01 is before 2026-12-02"));
        for kind in ["", "Sick", "x1", &"x".repeat(33)] {
            assert!(only_error(leave(1, 2, kind)).starts_with("leave.kind: "), "{kind}");
        }
        let one = leave(1, 2, "vacation").leave.remove(0);
        assert!(only_error(RulesDraft { leave: vec![one; 201], ..berlin() }).starts_with("leave: 201 entries are too many"));
    }

    #[test]
    fn breaks_leave_some_working_time_and_lunch_fits_its_span() {
        let week = |week: &str, breaks: &str| RulesDraft {
            week: week.parse().unwrap(),
            breaks: vec!["09:00-10:00".parse().unwrap()],
            weekday_breaks: Some(breaks.parse().unwrap()),
            ..berlin()
        };
        assert!(problems(&week("mon 09:00-12:00", "mon 10:00-11:55")).is_empty());
        assert!(problems(&week("mon 08:55-12:00", "mon 10:00-12:00")).is_empty());
        assert!(problems(&week("mon 09:00-12:00; tue 10:00-11:00", "mon 10:00-12:00")).is_empty());
        assert!(only_error(week("mon 09:00-12:00", "mon 09:30-12:00")).starts_with("weekday_breaks: no working time is left"));

        let lunch = |minutes| RulesDraft { lunch: Some(Lunch { span: "12:00-13:00".parse().unwrap(), minutes }), ..berlin() };
        assert!(problems(&lunch(60)).is_empty());
        assert_eq!(only_error(lunch(65)), "lunch: 65 minutes do not fit into 12:00-13:00; use fewer minutes or a longer span");
        assert!(only_error(lunch(0)).starts_with("lunch.minutes: 0") && only_error(lunch(31)).starts_with("lunch.minutes: 31"));
    }

    #[test]
    fn limits_of_minutes_and_weights_are_bounded() {
        assert!(
            only_error(RulesDraft { daily_minutes: Some(0), ..berlin() })
                .starts_with("daily_minutes: 0 is out of range; use 5 to 1440")
        );
        assert!(only_error(RulesDraft { daily_minutes: Some(61), ..berlin() }).contains("use 60 or 65"));
        assert!(only_error(RulesDraft { weekly_minutes: Some(10_085), ..berlin() }).contains("use 5 to 10080"));
        let row = |most_minutes, break_minutes| RulesDraft { in_a_row: Some(InARow { most_minutes, break_minutes }), ..berlin() };
        assert!(problems(&row(120, 15)).is_empty());
        assert!(
            only_error(row(0, 15)).starts_with("in_a_row.most_minutes: 0")
                && only_error(row(60, 0)).starts_with("in_a_row.break_minutes: 0")
        );
        let liked =
            |weight, count| RulesDraft { preferred: vec![Preference { hours: WeeklyHours::default(), weight }; count], ..berlin() };
        assert!(problems(&liked(100, 16)).is_empty());
        assert!(only_error(liked(0, 1)).starts_with("preferred.weight: 0") && only_error(liked(101, 1)).contains("use 1 to 100"));
        assert!(only_error(liked(1, 17)).starts_with("preferred: 17 entries"));
    }
}
