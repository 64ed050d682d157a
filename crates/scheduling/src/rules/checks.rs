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
