//! `/interviews`: the interviews of a few weeks, day by day.

use app::InterviewView;
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{TimeRange, Timestamp};
use jiff::civil::Date;

use super::{
    Asked, Failure, OrFail,
    frame::{Frame, Section},
    page,
    session::Admin,
    shown::{Badge, attention_short, interview_badge},
    times,
};
use crate::{WebState, texts::filters};

/// Days on one page.
const SPAN_DAYS: i32 = 28;

/// See `interviews.html`.
#[derive(Debug, Template)]
#[template(path = "interviews.html")]
pub(super) struct InterviewsPage {
    pub(super) frame: Frame,
    pub(super) span: String,
    pub(super) earlier: String,
    pub(super) later: String,
    pub(super) days: Vec<Day>,
}

/// The interviews of one day, each at its own local date.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) title: String,
    pub(super) today: bool,
    pub(super) rows: Vec<InterviewRow>,
}

/// One interview in a table.
#[derive(Debug)]
pub(super) struct InterviewRow {
    pub(super) id: String,
    pub(super) date: Date,
    pub(super) iso: String,
    pub(super) time: String,
    pub(super) zone: String,
    pub(super) candidate: String,
    pub(super) manager: String,
    pub(super) manager_id: String,
    pub(super) vacancy: String,
    pub(super) vacancy_id: String,
    pub(super) state: Badge,
    pub(super) provisional: bool,
    pub(super) attention: Option<String>,
}

impl InterviewRow {
    /// `with_date`: where the table does not say which day it is.
    pub(super) fn new(view: &InterviewView, with_date: bool) -> Self {
        let interview = &view.interview;
        let time = if with_date { times::short } else { times::span };
        Self {
            id: interview.id.to_string(),
            date: interview.zone.date(interview.range.start()),
            iso: times::iso(interview.range.start()),
            time: time(interview.range, &interview.zone),
            zone: times::city(&interview.zone),
            candidate: view.candidate.name.clone(),
            manager: view.manager.name.clone(),
            manager_id: view.manager.id.to_string(),
            vacancy: view.vacancy.title.clone(),
            vacancy_id: view.vacancy.id.to_string(),
            state: interview_badge(interview.state),
            provisional: interview.provisional,
            attention: attention_short(interview),
        }
    }
}

/// From the start of `first` to the start of `last`, with a margin: an interview's own date may lie a day beside the one in UTC.
pub(super) fn window(first: Date, last: Date) -> Option<TimeRange> {
    let at = |date: Date| date.at(0, 0, 0, 0).to_zoned_datetime(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    TimeRange::new(at(first.yesterday().ok()?)?, at(last.tomorrow().ok()?)?).ok()
}

/// The date asked for, or `today`.
pub(super) fn asked_date(asked: &Asked, name: &str, today: Date) -> Date {
    asked.0.given(name).and_then(|text| text.parse().ok()).unwrap_or(today)
}

/// The date in UTC.
pub(super) fn today(now: Timestamp) -> Date {
    now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
}

/// `date` moved by days; the ends of time stay where they are.
pub(super) fn moved(date: Date, days: i32) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

fn by_day(rows: Vec<InterviewRow>, today: Date) -> Vec<Day> {
    let mut days: Vec<(Date, Day)> = Vec::new();
    for row in rows {
        match days.last_mut() {
            Some((date, day)) if *date == row.date => day.rows.push(row),
            _ => {
                let day = Day { title: times::day_title(row.date), today: row.date == today, rows: Vec::new() };
                days.push((row.date, day));
                if let Some((_, day)) = days.last_mut() {
                    day.rows.push(row);
                }
            }
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

impl InterviewsPage {
    pub(super) fn new(frame: Frame, views: &[InterviewView], first: Date, today: Date) -> Self {
        let last = moved(first, SPAN_DAYS);
        let mut rows: Vec<InterviewRow> = views.iter().map(|view| InterviewRow::new(view, false)).collect();
        rows.retain(|row| first <= row.date && row.date < last);
        rows.sort_by(|one, other| (one.date, &one.iso).cmp(&(other.date, &other.iso)));
        Self {
            frame,
            span: format!("{} – {}", times::day_short(first), times::day_short(moved(first, SPAN_DAYS - 1))),
            earlier: format!("/interviews?from={}", moved(first, -SPAN_DAYS)),
            later: format!("/interviews?from={last}"),
            days: by_day(rows, today),
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let today = today(state.app.now());
    let first = asked_date(&asked, "from", moved(today, -7));
    let views = match window(first, moved(first, SPAN_DAYS)) {
        Some(window) => state.app.interviews_between(window).await.or_fail(&state)?,
        None => Vec::new(),
    };
    let frame = Frame::new(&state, &admin, Section::Interviews, asked.0.given("done")).await.or_fail(&state)?;
    page(&InterviewsPage::new(frame, &views, first, today))
}
