//! Import of a calendar that somebody exported as iCalendar (RFC 5545), so that the simulator can be filled with a real
//! week. What the simulator cannot represent is refused with the line and a sentence, and then nothing is imported:
//! a calendar that silently lost an event would look free where it is not.
//!
//! Properties that change neither times nor busyness (categories, attachments, alarms, …) are passed over.

mod event;
mod lines;
mod zones;

use std::collections::BTreeMap;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use self::{event::Read, lines::Line, zones::Zones};
use crate::{
    calendar::{ByHandError, Details, Event, Exception},
    world::World,
};

/// A line that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {sentence}")]
pub struct IcsError {
    /// Counted from 1, in the file as it is, before folded lines are joined.
    pub line: usize,
    /// What is wrong and why it matters.
    pub sentence: String,
}

impl IcsError {
    fn at(line: usize, sentence: impl Into<String>) -> Self {
        Self { line, sentence: sentence.into() }
    }
}

/// Why a file was not imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// The file cannot be represented.
    #[error(transparent)]
    File(#[from] IcsError),
    /// There is no such user or calendar.
    #[error(transparent)]
    Place(#[from] ByHandError),
}

/// An event of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its UID in the file.
    pub uid: String,
    /// What the simulator can keep of it.
    pub details: Details,
    /// Its rule.
    pub rrule: Option<String>,
    /// Occurrences that are not there or differ.
    pub exceptions: BTreeMap<String, Exception>,
    /// Address of the organiser, if the file names one.
    pub organizer: Option<String>,
}

/// Reads a file. Times without a zone are taken in `default_zone`.
pub fn parse(text: &str, default_zone: &str) -> Result<Vec<Imported>, IcsError> {
    let lines = lines::unfold(text)?;
    let components = components(&lines)?;
    let zones = Zones::new(default_zone, &components.timezones)?;
    let mut masters: Vec<Read> = Vec::new();
    let mut overrides = Vec::new();
    for properties in &components.events {
        let read = Read::from_lines(properties, &zones)?;
        if read.recurrence_id.is_some() {
            overrides.push(read);
        } else if let Some(first) = masters.iter().find(|known| known.uid == read.uid) {
            let sentence = format!("the event {:?} is there twice; the first one begins in line {}", read.uid, first.line);
            return Err(IcsError::at(read.line, sentence));
        } else {
            masters.push(read);
        }
    }
    let mut imported = Vec::new();
    for master in masters {
        let (own, rest): (Vec<Read>, Vec<Read>) = overrides.into_iter().partition(|other| other.uid == master.uid);
        overrides = rest;
        imported.extend(master.with_overrides(own));
    }
    // Occurrences whose series is not in the file are events of their own.
    imported.extend(overrides.into_iter().filter_map(Read::alone));
    Ok(imported)
}

impl World {
    /// Imports a file into a calendar of this user, the default one if none is named. Importing a file again replaces
    /// what it brought before. Returns the uids.
    pub fn import_ics(
        &mut self,
        email: &str,
        calendar: Option<&str>,
        text: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, ImportError> {
        let owner = self.user_named(email)?;
        let calendar = self.calendar_named(&owner, calendar)?;
        let (place, zone) = (calendar.uid.clone(), calendar.timezone.clone());
        let imported = parse(text, &zone)?;
        let mut uids = Vec::new();
        for one in imported {
            let uid = uid_for(&place, &one.uid);
            let name = owner.display_name();
            let made = self.new_event((&owner.email, &name), one.details, one.rrule, now);
            let organizer = one.organizer.unwrap_or_else(|| owner.email.clone());
            let organizer_name = if organizer.eq_ignore_ascii_case(&owner.email) {
                name
            } else {
                organizer.split('@').next().unwrap_or_default().to_owned()
            };
            let event =
                Event { uid: uid.clone(), exceptions: one.exceptions, organizer, organizer_name, visible_from: now, ..made };
            self.put_back(&place, event, now);
            uids.push(uid);
        }
        Ok(uids)
    }
}

/// A uid of Zoho's kind: those in files may hold anything, and one uid may be in the calendars of several people.
fn uid_for(calendar: &str, uid: &str) -> String {
    let digest = Sha256::digest(format!("{calendar}\n{uid}"));
    let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("{}@zoho.com", hex.collect::<String>())
}

/// The lines of each component that matters.
struct Components<'a> {
    events: Vec<Vec<&'a Line>>,
    timezones: Vec<Vec<&'a Line>>,
}

fn components(lines: &[Line]) -> Result<Components<'_>, IcsError> {
    let mut found = Components { events: Vec::new(), timezones: Vec::new() };
    let mut open: Vec<(String, usize)> = Vec::new();
    for line in lines {
        match line.name.as_str() {
            "BEGIN" => begin(line, &mut open, &mut found)?,
            "END" => {
                let name = line.value.to_ascii_uppercase();
                match open.pop() {
                    Some((begun, _)) if begun == name => {}
                    Some((begun, at)) => {
                        let sentence = format!("END:{name} closes nothing; {begun} of line {at} is still open");
                        return Err(IcsError::at(line.number, sentence));
                    }
                    None => return Err(IcsError::at(line.number, format!("END:{name} without its BEGIN"))),
                }
            }
            "VERSION" if line.value != "2.0" => {
                let sentence = format!("this is version {:?}; only iCalendar 2.0 is understood", line.value);
                return Err(IcsError::at(line.number, sentence));
            }
            _ => match open.last().map(|(name, _)| name.as_str()) {
                None => return Err(IcsError::at(line.number, "this stands outside of BEGIN:VCALENDAR … END:VCALENDAR")),
                Some("VEVENT") => found.events.last_mut().into_iter().for_each(|event| event.push(line)),
                Some("VTIMEZONE") => found.timezones.last_mut().into_iter().for_each(|zone| zone.push(line)),
                Some(_) => {}
            },
        }
    }
    match open.pop() {
        Some((name, at)) => Err(IcsError::at(at, format!("BEGIN:{name} is never closed; the file seems cut off"))),
        None if lines.is_empty() => Err(IcsError::at(1, "the file is empty")),
        None => Ok(found),
    }
}

fn begin<'a>(line: &'a Line, open: &mut Vec<(String, usize)>, found: &mut Components<'a>) -> Result<(), IcsError> {
    let name = line.value.to_ascii_uppercase();
    let inside = open.last().map(|(name, _)| name.as_str());
    match (name.as_str(), inside) {
        ("VCALENDAR", None)
        | ("VTODO" | "VJOURNAL" | "VAVAILABILITY", Some("VCALENDAR"))
        | ("VALARM", Some("VEVENT" | "VTODO"))
        | ("STANDARD" | "DAYLIGHT", Some("VTIMEZONE")) => {}
        ("VEVENT", Some("VCALENDAR")) => found.events.push(vec![line]),
        ("VTIMEZONE", Some("VCALENDAR")) => found.timezones.push(vec![line]),
        ("VFREEBUSY", Some("VCALENDAR")) => {
            return Err(IcsError::at(line.number, "busy times without events (VFREEBUSY) cannot be kept in a calendar"));
        }
        (other, Some(_)) if other.starts_with("X-") => {}
        (other, inside) => {
            let place = inside.map_or_else(|| "at the top".to_owned(), |inside| format!("inside {inside}"));
            return Err(IcsError::at(line.number, format!("BEGIN:{other} has no place {place}")));
        }
    }
    open.push((name, line.number));
    Ok(())
}

#[cfg(test)]
mod tests;
