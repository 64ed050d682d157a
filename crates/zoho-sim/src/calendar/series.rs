//! What edits do to a series: replacing it, making an exception, ending it early.

use super::{
    instances::Window,
    model::{Details, Event, Exception, When},
    recurrence::{self, BadRule},
    times::{self, Written},
};

/// Replaces the details and the rule. Exceptions stay only as long as the occurrences they stand for stay.
pub(crate) fn replace(event: &mut Event, details: Details, rrule: Option<String>) {
    if event.details.when != details.when || event.rrule != rrule {
        event.exceptions.clear();
    }
    event.details = details;
    event.rrule = rrule;
}

/// Gives one occurrence details of its own.
pub(crate) fn except(event: &mut Event, recurrence_id: &str, details: Details) {
    event.exceptions.insert(recurrence_id.to_owned(), Exception::Changed(Box::new(details)));
}

/// Deletes one occurrence.
pub(crate) fn delete(event: &mut Event, recurrence_id: &str) {
    event.exceptions.insert(recurrence_id.to_owned(), Exception::Deleted);
}

/// Ends the series before this occurrence.
pub(crate) fn end_before(event: &mut Event, recurrence_id: &str) -> Result<(), BadRule> {
    let Some(rule) = &event.rrule else {
        return Ok(());
    };
    let shortened = match times::parse(recurrence_id) {
        Some(Written::Instant(at)) => recurrence::ending_before(rule, at, None)?,
        Some(Written::Day(day)) => recurrence::ending_before(rule, times::start_of(day, &event.details.when.zone()), Some(day))?,
        _ => return Err(BadRule::Value("recurrenceid".to_owned())),
    };
    event.rrule = Some(shortened);
    event.exceptions.retain(|id, _| id.as_str() < recurrence_id);
    Ok(())
}

/// The rule for the part of the series that begins with this occurrence: a COUNT loses what lies before.
pub(crate) fn rule_from(event: &Event, recurrence_id: &str) -> Option<String> {
    let rule = event.rrule.as_ref()?;
    let parts = recurrence::parts(rule).ok()?;
    let start = match times::parse(recurrence_id)? {
        Written::Instant(at) => at,
        Written::Day(day) => times::start_of(day, &event.details.when.zone()),
        Written::Local(_) => return None,
    };
    let plain = Event { exceptions: std::collections::BTreeMap::new(), ..event.clone() };
    let window = Window { start: jiff::Timestamp::MIN, end: start, edges: false };
    let before = plain.instances(window).iter().filter(|instance| starts_before(&instance.when, start)).count();
    let rest = parts.into_iter().map(|(name, value)| match (name.as_str(), value.parse::<usize>()) {
        ("COUNT", Ok(count)) => format!("COUNT={}", count.saturating_sub(before).max(1)),
        _ => format!("{name}={value}"),
    });
    Some(rest.collect::<Vec<_>>().join(";"))
}

fn starts_before(when: &When, at: jiff::Timestamp) -> bool {
    when.span().0 < at
}
