//! One time, judged: it can be booked, or here is everything against it.

use jiff::Timestamp;

use crate::{Agenda, Busy, Reason, Rules, TimeRange, rulebook::Rulebook};

/// Whether `range` can be booked with somebody who has these rules, this calendar and this agenda. Otherwise every reason why not, in
/// a stable order. With a guest, ask [`Query::check`](crate::Query::check).
pub fn check(rules: &Rules, busy: &Busy, agenda: &Agenda, now: Timestamp, range: TimeRange) -> Result<(), Vec<Reason>> {
    judge(&Rulebook { rules, busy, agenda, now, guest: None }, range)
}

pub fn judge(rulebook: &Rulebook<'_>, range: TimeRange) -> Result<(), Vec<Reason>> {
    let reasons: Vec<Reason> = rulebook.blocks(range).map(|block| block.reason).collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}
