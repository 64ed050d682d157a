//! `/interviews/week`: one week, a column a day.

use app::InterviewView;
use askama::Template;
use axum::{extract::State, response::Response};
use jiff::civil::Date;

use super::{
    Asked, Failure, OrFail,
    frame::{Frame, Section},
    interviews::{Day, InterviewRow, asked_date, moved, today, window},
    page,
    session::Admin,
    times,
};
use crate::{
    WebState,
    texts::{filters, t},
};

/// See `week.html`.
#[derive(Debug, Template)]
#[template(path = "week.html")]
pub(super) struct WeekPage {
    pub(super) frame: Frame,
    pub(super) title: String,
    pub(super) previous: String,
    pub(super) following: String,
    pub(super) days: Vec<Day>,
}

/// The Monday of the week that `date` is in.
fn monday(date: Date) -> Date {
    moved(date, -i32::from(date.weekday().to_monday_zero_offset()))
}

impl WeekPage {
    pub(super) fn new(frame: Frame, views: &[InterviewView], monday: Date, today: Date) -> Self {
        let mut rows: Vec<InterviewRow> = views.iter().map(|view| InterviewRow::new(view, false)).collect();
        rows.sort_by(|one, other| one.iso.cmp(&other.iso));
        let mut days: Vec<(Date, Day)> = (0..7)
            .map(|offset| moved(monday, offset))
            .map(|date| (date, Day { title: times::day_short(date), today: date == today, rows: Vec::new() }))
            .collect();
        for row in rows {
            if let Some((_, day)) = days.iter_mut().find(|(date, _)| *date == row.date) {
                day.rows.push(row);
            }
        }
        Self {
            frame,
            title: t("week.title").with("monday", monday.strftime("%-d %B %Y")).to_string(),
            previous: moved(monday, -7).to_string(),
            following: moved(monday, 7).to_string(),
            days: days.into_iter().map(|(_, day)| day).collect(),
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let today = today(state.app.now());
    let monday = monday(asked_date(&asked, "week", today));
    let views = match window(monday, moved(monday, 7)) {
        Some(window) => state.app.interviews_between(window).await.or_fail(&state)?,
        None => Vec::new(),
    };
    let frame = Frame::new(&state, &admin, Section::Interviews, None).await.or_fail(&state)?;
    page(&WeekPage::new(frame, &views, monday, today))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        for day in 23..=29 {
            assert_eq!(monday(date(2026, 11, day)), date(2026, 11, 23));
        }
    }
}
