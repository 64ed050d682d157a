//! Backups as people see them: files, what was found when one was tried, and when the next is due.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

const DAY_SECONDS: i64 = 86_400;
/// 02:15 UTC.
const SLOT_SECONDS: i64 = 2 * 3_600 + 15 * 60;
/// A backup is missing when the newest is older than this.
const OVERDUE_SECONDS: i64 = 26 * 3_600;
/// A drill is due this long after the one before.
const DRILL_SECONDS: i64 = 7 * DAY_SECONDS;

/// A backup file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The moment whose content it holds.
    pub started_at: Timestamp,
    /// The key it is sealed with.
    pub key_id: String,
    /// The engine it was made from.
    pub engine: String,
    /// The schema's version.
    pub schema: i64,
    /// Rows, as counted when it was read back.
    pub rows: Option<u64>,
    /// When it was last read to its end and found whole.
    pub verified_at: Option<Timestamp>,
}

/// A drill: the newest backup, restored into a scratch database and looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// When.
    pub at: Timestamp,
    /// Of which file; none where there was none or it could not be opened.
    pub file: Option<String>,
    /// Rows by table, as they came out.
    pub rows: BTreeMap<String, u64>,
    /// Sealed records that opened.
    pub opened: u64,
    /// Up to where the audit chain holds, in words for people; none where it was not looked at.
    pub audit: Option<String>,
    /// What is wrong; empty if nothing is. No secret, no address.
    pub problems: Vec<String>,
}

impl Drill {
    /// Whether the backup is of use.
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// What is remembered of backups, in the database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BackupRecords {
    /// The files of the folder, newest first.
    pub files: Vec<BackupFile>,
    /// Since when backups are to be made.
    pub since: Option<Timestamp>,
    /// The moment of the newest backup that was made and read back.
    pub last_success: Option<Timestamp>,
    /// The last failure, with what to do, while it lasts.
    pub failure: Option<(Timestamp, String)>,
    /// The last drill.
    pub drill: Option<Drill>,
}

impl BackupRecords {
    /// Whether the daily backup is to be made at `now`: the first at once, then one after every 02:15 UTC.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.last_success.is_none_or(|last| last < slot_before(now))
    }

    /// Whether the newest backup is too old, or the first does not come.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.last_success.or(self.since).is_some_and(|last| now.as_second() - last.as_second() > OVERDUE_SECONDS)
    }

    /// Whether a drill is to be held at `now`. One that failed is repeated the next day.
    pub fn is_drill_due(&self, now: Timestamp) -> bool {
        self.last_success.is_some()
            && self.drill.as_ref().is_none_or(|drill| {
                let after = if drill.passed() { DRILL_SECONDS } else { DAY_SECONDS };
                now.as_second() - drill.at.as_second() >= after
            })
    }
}

/// The last 02:15 UTC.
fn slot_before(now: Timestamp) -> Timestamp {
    let slot = (now.as_second() - SLOT_SECONDS).div_euclid(DAY_SECONDS) * DAY_SECONDS + SLOT_SECONDS;
    Timestamp::from_second(slot).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn records(last: Option<&str>) -> BackupRecords {
        BackupRecords { last_success: last.map(at), since: Some(at("2026-11-01T00:00:00Z")), ..BackupRecords::default() }
    }

    #[test]
    fn one_a_day_and_the_first_at_once() {
        assert!(records(None).is_due(at("2026-11-01T00:00:00Z")));
        let day = records(Some("2026-11-02T02:15:01Z"));
        assert!(!day.is_due(at("2026-11-02T02:15:02Z")) && !day.is_due(at("2026-11-03T02:14:59Z")));
        assert!(day.is_due(at("2026-11-03T02:15:00Z")));
        // One that was made by hand in the evening does not stand for the night's.
        assert!(records(Some("2026-11-02T23:00:00Z")).is_due(at("2026-11-03T02:15:00Z")));
    }

    #[test]
    fn after_26_hours_one_is_missing() {
        assert!(!records(Some("2026-11-02T02:15:00Z")).is_overdue(at("2026-11-03T04:15:00Z")));
        assert!(records(Some("2026-11-02T02:15:00Z")).is_overdue(at("2026-11-03T04:15:01Z")));
        assert!(records(None).is_overdue(at("2026-11-02T02:00:01Z")) && !records(None).is_overdue(at("2026-11-02T01:00:00Z")));
        assert!(!BackupRecords::default().is_overdue(at("2026-11-02T02:00:01Z")));
    }

    #[test]
    fn a_drill_a_week_and_after_a_failure_a_day() {
        let mut records = records(Some("2026-11-02T02:15:00Z"));
        assert!(records.is_drill_due(at("2026-11-02T02:16:00Z")));
        let mut drill = Drill {
            at: at("2026-11-02T03:00:00Z"),
            file: None,
            rows: BTreeMap::new(),
            opened: 0,
            audit: None,
            problems: Vec::new(),
        };
        records.drill = Some(drill.clone());
        assert!(!records.is_drill_due(at("2026-11-09T02:59:59Z")) && records.is_drill_due(at("2026-11-09T03:00:00Z")));
        drill.problems.push("a grant does not open".to_owned());
        records.drill = Some(drill);
        assert!(records.is_drill_due(at("2026-11-03T03:00:00Z")));
    }
}
