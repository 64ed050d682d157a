//! The offered times as the page shows them: grouped by the reader's days, a few days at once, not every half hour of each.

use app::OffersView;
use domain::{TimeRange, Zone, choices::spread};
use jiff::civil::Date;
use url::form_urlencoded;

use crate::{
    pages::times::{city, day_title, iso},
    texts::t,
};

/// Days with times that are shown at once.
const DAYS: usize = 5;
/// Times of a day that are shown until somebody asks for all of them.
const PER_DAY: usize = 6;
/// The hours within which a time is shown without being asked for, in the reader's zone.
const CIVIL: std::ops::Range<i8> = 7..22;

/// What the reader wants to see.
pub struct View<'a> {
    pub token: &'a str,
    /// In whose zone.
    pub zone: &'a Zone,
    /// Days from here on.
    pub from: Option<Date>,
    /// Every time of this day.
    pub day: Option<Date>,
    /// Times of the night too.
    pub all: bool,
    /// Whether an interview is moved there.
    pub moving: bool,
}

/// The offers of a page.
#[derive(Debug, Default)]
pub struct OffersShown {
    /// Whether the calendar could not be read.
    pub unknown: bool,
    pub days: Vec<DayShown>,
    pub action: &'static str,
    pub previous: Option<String>,
    pub next: Option<String>,
    /// How many times lie in the reader's night, and where to see them.
    pub hidden: usize,
    pub all_href: String,
}

/// One day.
#[derive(Debug)]
pub struct DayShown {
    pub id: String,
    pub title: String,
    pub times: Vec<TimeShown>,
    /// Where all times of the day are, if these are not.
    pub more: Option<(usize, String)>,
}

/// One time.
#[derive(Debug)]
pub struct TimeShown {
    pub iso: String,
    pub label: String,
    /// The same in the interview's zone, where that is another.
    pub also: Option<String>,
    /// For whoever hears the button without its heading.
    pub spoken: String,
}

impl OffersShown {
    pub fn new(offers: &OffersView, view: &View<'_>) -> Self {
        let (civil, night): (Vec<TimeRange>, Vec<TimeRange>) = offers.times.iter().partition(|time| is_civil(**time, view.zone));
        // Where there is nothing but the night, it is shown.
        let everything = view.all || civil.is_empty();
        let times: &[TimeRange] = if everything { &offers.times } else { &civil };
        let days = by_day(times, view.zone);
        let starts: Vec<Date> = days.iter().map(|(date, _)| *date).collect();
        let first = match view.day.or(view.from) {
            Some(from) => starts.iter().position(|date| *date >= from).unwrap_or_else(|| starts.len().saturating_sub(DAYS)),
            None => 0,
        };
        let count = if view.day.is_some() { 1 } else { DAYS };
        let to = |date: Date| view.href(&[("from", &date.to_string())]);
        Self {
            unknown: offers.source != "known",
            days: days.iter().skip(first).take(count).map(|(date, times)| view.day_shown(*date, times, &offers.zone)).collect(),
            action: if view.moving { "move" } else { "pick" },
            previous: (first > 0).then(|| starts.get(first.saturating_sub(DAYS)).copied().map(to)).flatten(),
            next: starts.get(first + count).copied().map(to),
            hidden: if everything { 0 } else { night.len() },
            all_href: view.href(&[("all", "1")]),
        }
    }
}

impl View<'_> {
    /// This page with something else in its query.
    fn href(&self, more: &[(&str, &str)]) -> String {
        let mut query = vec![("zone", self.zone.name())];
        if self.moving {
            query.push(("move", "1"));
        }
        if self.all && !more.iter().any(|(name, _)| *name == "all") {
            query.push(("all", "1"));
        }
        query.extend_from_slice(more);
        href(self.token, &query)
    }

    fn day_shown(&self, date: Date, times: &[TimeRange], interview_zone: &Zone) -> DayShown {
        let shown = if self.day == Some(date) { times.to_vec() } else { spread(times, PER_DAY) };
        let more = (shown.len() < times.len()).then(|| (times.len(), self.href(&[("day", &date.to_string())])));
        DayShown {
            id: format!("day-{date}"),
            title: day_title(date),
            times: shown.into_iter().map(|time| self.time_shown(time, interview_zone)).collect(),
            more,
        }
    }

    fn time_shown(&self, time: TimeRange, interview_zone: &Zone) -> TimeShown {
        let clock = |zone: &Zone| zone.wall_clock(time.start()).strftime("%H:%M").to_string();
        let label = clock(self.zone);
        let other = Some(interview_zone).filter(|zone| zone.name() != self.zone.name());
        let day = day_title(self.zone.date(time.start()));
        TimeShown {
            iso: iso(time.start()),
            spoken: t("choice.time.spoken").with("day", day).with("time", &label).with("city", city(self.zone)).to_string(),
            also: other.map(|zone| format!("{} {}", clock(zone), city(zone))),
            label,
        }
    }
}

/// A page of this link.
pub fn href(token: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return format!("/s/{token}");
    }
    format!("/s/{token}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

fn is_civil(time: TimeRange, zone: &Zone) -> bool {
    let (start, end) = (zone.wall_clock(time.start()), zone.wall_clock(time.end()));
    let ends_by_night = end.date() == start.date() && (end.hour() < CIVIL.end || (end.hour() == CIVIL.end && end.minute() == 0));
    start.hour() >= CIVIL.start && ends_by_night
}

fn by_day(times: &[TimeRange], zone: &Zone) -> Vec<(Date, Vec<TimeRange>)> {
    let mut days: Vec<(Date, Vec<TimeRange>)> = Vec::new();
    for time in times {
        let date = zone.date(time.start());
        match days.last_mut() {
            Some((known, times)) if *known == date => times.push(*time),
            _ => days.push((date, vec![*time])),
        }
    }
    days
}
