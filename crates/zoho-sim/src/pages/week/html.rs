//! The week and the list of people as HTML.

use axum::response::Response;
use jiff::civil::Date;

use super::{Day, Week, link, plus};
use crate::{
    calendar::Instance,
    pages::{consent::brand, escape, page as whole_page, push},
};

/// One person's week.
pub(super) fn week(week: &Week<'_>) -> Response {
    let email = &week.user.email;
    let (first, last) = week.hours();
    let mut days = hours(first, last);
    for day in &week.days {
        days.push_str(&column(week, day, (first, last)));
    }
    let sunday = plus(week.monday, 6);
    let complaint = week
        .complaint
        .as_ref()
        .map_or_else(String::new, |sentence| format!("<p class=\"complaint\" role=\"alert\">{}</p>\n", escape(sentence)));
    let body = format!(
        "<link rel=\"stylesheet\" href=\"/_sim/week.css\">\n<main class=\"week\">\n{brand}\n<h1>{name}’s week</h1>\n\
         <p class=\"who quiet\"><span>{mail}</span> <span>Times in {zone}</span> <a href=\"/_sim/people\">Everyone</a></p>\n\
         <nav aria-label=\"Weeks\"><a href=\"{before}\" rel=\"prev\">← Previous week</a> <strong>{from} – {to}</strong> \
         <a href=\"{after}\" rel=\"next\">Next week →</a> <a href=\"{now}\">This week</a></nav>\n\
         {complaint}<div class=\"days\">\n{days}</div>\n{form}</main>",
        brand = brand("Calendar"),
        name = escape(&week.user.display_name()),
        mail = escape(email),
        zone = escape(&week.user.timezone),
        before = escape(&link(email, Some(plus(week.monday, -7)), None)),
        after = escape(&link(email, Some(plus(week.monday, 7)), None)),
        now = escape(&link(email, None, None)),
        from = week.monday.strftime("%-d %b"),
        to = sunday.strftime("%-d %b %Y"),
        form = form(week),
    );
    whole_page(&format!("{}’s week", week.user.display_name()), &body)
}

/// Nobody has this address.
pub(super) fn nobody(email: &str) -> Response {
    let body = format!(
        "<main class=\"card\">\n{}\n<h1>Nobody here is called that</h1>\n<p>There is no user with the address \
         <strong>{}</strong> in this simulator. <a href=\"/_sim/people\">See who is here.</a></p>\n</main>",
        brand("Calendar"),
        escape(email),
    );
    whole_page("Nobody here", &body)
}

/// Everyone, with a link to their week.
pub(super) fn people(weeks: &[Week<'_>]) -> Response {
    let mut rows = String::new();
    for week in weeks {
        let user = week.user;
        let count: usize = week.days.iter().map(|day| day.timed.len() + day.whole.len()).sum();
        push(
            &mut rows,
            format_args!(
                "<tr><td><a href=\"{}\">{}</a><br><span class=\"quiet\">{}</span></td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(&link(&user.email, None, None)),
                escape(&user.display_name()),
                escape(&user.email),
                count,
                escape(&user.timezone),
                escape(&user.location),
            ),
        );
    }
    if weeks.is_empty() {
        rows.push_str("<tr><td colspan=\"4\">Nobody yet. Add people with <code>POST /_sim/users</code>.</td></tr>\n");
    }
    let body = format!(
        "<main class=\"wide\">\n{}\n<h1>People</h1>\n<table>\n<thead><tr><th scope=\"col\">Whose week</th>\
         <th scope=\"col\">This week</th><th scope=\"col\">Zone</th><th scope=\"col\">Data centre</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n<p class=\"quiet\"><a href=\"/_sim/\">About this simulator</a></p>\n</main>",
        brand("Calendar"),
    );
    whole_page("People", &body)
}

fn hours(first: i32, last: i32) -> String {
    let mut column = format!("<div class=\"hours\" aria-hidden=\"true\"><div class=\"slots rows{}\">\n", (last - first) * 4);
    for hour in first..last {
        push(&mut column, format_args!("<span class=\"t{} n4\">{hour:02}:00</span>\n", (hour - first) * 4));
    }
    column.push_str("</div></div>\n");
    column
}

fn column(week: &Week<'_>, day: &Day<'_>, (first, last): (i32, i32)) -> String {
    let today = if day.date == week.today { " today" } else { "" };
    let mut column = format!(
        "<section class=\"day{today}\"><h2><span>{}</span> <a href=\"{}\" aria-label=\"Add an event on {}\">+</a></h2>\n<div class=\"whole\">",
        day.date.strftime("%a %-d %b"),
        escape(&link(&week.user.email, Some(week.monday), Some(day.date))),
        day.date.strftime("%A, %-d %B"),
    );
    for instance in &day.whole {
        column.push_str(&card(week, instance, "whole day", ""));
    }
    push(&mut column, format_args!("</div>\n<div class=\"slots rows{}\">\n", (last - first) * 4));
    for piece in &day.timed {
        let start = (piece.from - first * 60) / 15;
        let quarters = ((piece.to - first * 60 + 14) / 15 - start).max(1);
        let time = format!("{}–{}", clock(piece.from), clock(piece.to));
        column.push_str(&card(week, &piece.instance, &time, &format!(" t{start} n{quarters}")));
    }
    if day.whole.is_empty() && day.timed.is_empty() {
        column.push_str("<span class=\"quiet\">Nothing</span>\n");
    }
    column.push_str("</div></section>\n");
    column
}

fn clock(minutes: i32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// One occurrence: time and title, and on opening what it is and a button to delete it.
fn card(week: &Week<'_>, instance: &Instance<'_>, time: &str, place: &str) -> String {
    let details = instance.details;
    let mut classes = format!("event{place}");
    let mut marks = vec![if details.free { "free" } else { "busy" }];
    let mut words = String::new();
    if details.free {
        classes.push_str(" free");
        words.push_str(" <span class=\"quiet\">free</span>");
    }
    if details.private {
        marks.push("private");
        words.push_str(" <span class=\"quiet\">private</span>");
    }
    if details.tentative {
        marks.push("not certain");
    }
    if instance.recurrence_id.is_some() {
        marks.push(if instance.is_exception { "one of a series, changed" } else { "one of a series" });
    }
    let title = if details.title.is_empty() { "(no title)" } else { &details.title };
    let mut more = format!("<p>{}</p>\n", marks.join(" · "));
    for text in [&details.location, &details.description, &details.url] {
        if !text.is_empty() {
            push(&mut more, format_args!("<p>{}</p>\n", escape(text)));
        }
    }
    for guest in &details.attendees {
        push(&mut more, format_args!("<p class=\"quiet\">{} · {}</p>\n", escape(&guest.email), escape(&guest.status)));
    }
    format!(
        "<details class=\"{classes}\"><summary>{time} <strong>{}</strong>{words}</summary>\n<div class=\"more\">{more}{}</div></details>\n",
        escape(title),
        deletion(week, instance, title),
    )
}

fn deletion(week: &Week<'_>, instance: &Instance<'_>, title: &str) -> String {
    let hidden = |name: &str, value: &str| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
    let one = instance.recurrence_id.as_ref().map_or_else(String::new, |id| hidden("recurrenceid", id));
    format!(
        "<form method=\"post\" action=\"/_sim/week/delete\">{}{}{}{one}<button aria-label=\"Delete {}\">Delete</button></form>",
        hidden("email", &week.user.email),
        hidden("uid", &instance.event.uid),
        hidden("start", &week.monday.to_string()),
        escape(title),
    )
}

fn form(week: &Week<'_>) -> String {
    let open = if week.add.is_some() { " open" } else { "" };
    let in_week = |date: Date| date >= week.monday && date <= plus(week.monday, 6);
    let date = week.add.unwrap_or(if in_week(week.today) { week.today } else { week.monday });
    let tick = |name: &str, label: &str| {
        format!("<label class=\"tick\"><input type=\"checkbox\" name=\"{name}\" value=\"yes\"> {label}</label>\n")
    };
    format!(
        "<details class=\"add\" id=\"add\"{open}><summary>Add an event by hand</summary>\n\
         <form method=\"post\" action=\"/_sim/week\"><input type=\"hidden\" name=\"email\" value=\"{}\">\n\
         <label>Title <input name=\"title\" required maxlength=\"200\"></label>\n\
         <label>Day <input type=\"date\" name=\"date\" value=\"{date}\" required></label>\n\
         <label>From <input type=\"time\" name=\"from\" value=\"10:00\"></label>\n\
         <label>To <input type=\"time\" name=\"to\" value=\"11:00\"></label>\n{}{}{}{}\
         <button class=\"primary\">Add</button></form></details>\n",
        escape(&week.user.email),
        tick("whole", "Whole day"),
        tick("free", "Does not count as busy"),
        tick("private", "Private"),
        tick("weekly", "Every week"),
    )
}
