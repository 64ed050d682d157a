use domain::{
    EmailAddress, Id, TimeRange,
    candidacies::Candidacy,
    choices::{Choice, Wish},
};
use jiff::SignedDuration;

use super::*;

fn id(kind: &str, number: u32) -> String {
    format!("{kind}_{number:032x}")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Every half hour from nine to five in Berlin on some days, for an hour each.
fn offers(days: &[&str]) -> OffersView {
    let zone = Zone::new("Europe/Berlin").unwrap();
    let mut times = Vec::new();
    for day in days {
        let date: Date = day.parse().unwrap();
        let first = zone.instant(date, scheduling::TimeOfDay::new(9, 0).unwrap()).unwrap();
        times.extend((0..15).map(|half| {
            let start = first.checked_add(SignedDuration::from_mins(30 * half)).unwrap();
            TimeRange::new(start, start.checked_add(SignedDuration::from_hours(1)).unwrap()).unwrap()
        }));
    }
    OffersView { source: "known", as_of: Some(at("2027-03-01T00:00:00Z")), why: None, zone, minutes: 60, times }
}

fn view(zone: &Zone) -> View<'_> {
    View { token: "TOKEN", zone, from: None, day: None, all: false, moving: false }
}

fn page(offers: Option<&OffersView>, request: Request) -> String {
    let candidacy: Candidacy = serde_json::from_value(serde_json::json!({
        "id": id("cdy", 1), "rev": 1, "vacancy": id("vac", 1),
        "person": id("per", 2), "position": 1, "created_at": "2027-03-01T00:00:00Z",
    }))
    .unwrap();
    let choice: Id<Choice> = id("chc", 1).parse().unwrap();
    let contact: EmailAddress = "recruiting@example.com".parse().unwrap();
    let view = ChoicePage {
        choice: Choice::new(choice, &candidacy, 1, at("2027-03-01T00:00:00Z")),
        company: "Example & Sons".into(),
        vacancy: "Engineer <Rust>".into(),
        round: "First interview".into(),
        minutes: 60,
        candidate: "Bo Berg".into(),
        manager: "Ana Anders".into(),
        contact: Some(contact),
        reader_zone: None,
        interview: None,
        moving: false,
        change_until: None,
        open: true,
    };
    let person = PersonFrame { company: "Example & Sons".into(), contact: Some("recruiting@example.com".into()) };
    shown(person, "TOKEN".into(), &view, offers, request, at("2027-03-01T00:00:00Z")).render().unwrap()
}

/// The clocks of New York change on 14 March 2027, those of Berlin two weeks later.
#[test]
fn in_the_weeks_between_two_clock_changes_each_time_is_right_in_both_zones() {
    let new_york = Zone::new("America/New_York").unwrap();
    for (day, first, also) in [
        ("2027-03-12", "07:00", "13:00 Berlin"),
        ("2027-03-15", "07:00", "12:00 Berlin"),
        ("2027-03-26", "07:00", "12:00 Berlin"),
        ("2027-03-29", "07:00", "13:00 Berlin"),
    ] {
        let shown = OffersShown::new(&offers(&[day]), &view(&new_york));
        let time = &shown.days[0].times[0];
        assert_eq!((time.label.as_str(), time.also.as_deref()), (first, Some(also)), "{day}");
        assert!(time.spoken.contains(&day_of(day)) && time.spoken.contains("New York"), "{}", time.spoken);
    }
}

fn day_of(day: &str) -> String {
    times::day_title(day.parse().unwrap())
}

#[test]
fn a_few_days_and_a_few_times_of_each_are_shown_and_the_rest_is_a_link_away() {
    let berlin = Zone::new("Europe/Berlin").unwrap();
    let days = ["2027-03-01", "2027-03-02", "2027-03-03", "2027-03-04", "2027-03-05", "2027-03-08", "2027-03-09"];
    let all = offers(&days);
    let shown = OffersShown::new(&all, &view(&berlin));
    assert_eq!(shown.days.len(), 5);
    assert!(shown.days.iter().all(|day| day.times.len() == 6 && day.more.as_ref().is_some_and(|(count, _)| *count == 15)));
    assert_eq!((shown.previous, shown.next.as_deref()), (None, Some("/s/TOKEN?zone=Europe%2FBerlin&from=2027-03-08")));
    let next = OffersShown::new(&all, &View { from: Some("2027-03-08".parse().unwrap()), ..view(&berlin) });
    assert_eq!((next.days.len(), next.next), (2, None));
    assert_eq!(next.previous.as_deref(), Some("/s/TOKEN?zone=Europe%2FBerlin&from=2027-03-01"));
    let day = OffersShown::new(&all, &View { day: Some("2027-03-02".parse().unwrap()), ..view(&berlin) });
    assert_eq!((day.days.len(), day.days[0].times.len()), (1, 15));
    assert!(day.days[0].times.iter().all(|time| time.also.is_none()), "one zone is said once");
}

#[test]
fn the_readers_night_is_hidden_unless_there_is_nothing_else() {
    let all = offers(&["2027-03-01"]);
    let honolulu = Zone::new("Pacific/Honolulu").unwrap();
    let shown = OffersShown::new(&all, &view(&honolulu));
    assert_eq!(shown.hidden, 0, "nine to five in Berlin is the night there: it is shown");
    assert_eq!(shown.days.iter().map(|day| day.times.len()).collect::<Vec<_>>(), [4, 6], "before midnight, and after");
    let new_york = Zone::new("America/New_York").unwrap();
    let shown = OffersShown::new(&all, &view(&new_york));
    assert!(shown.hidden > 0 && shown.all_href.ends_with("all=1"));
    assert_eq!(shown.days[0].times[0].label, "07:00");
    let with_night = OffersShown::new(&all, &View { all: true, ..view(&new_york) });
    assert_eq!((with_night.days[0].times[0].label.as_str(), with_night.hidden), ("03:00", 0));
}

#[test]
fn the_page_offers_in_the_readers_zone_and_needs_no_script() {
    let html = page(
        Some(&offers(&["2027-03-15", "2027-03-16"])),
        Request { zone: Zone::new("America/New_York").ok(), ..Request::default() },
    );
    insta::assert_snapshot!("choice_offers", html);
    assert!(html.contains(r#"name="start" value="2027-03-15T11:00:00Z""#) && html.contains("07:00"));
    assert!(!html.contains("data-own-zone"), "the reader's zone is known");
    assert!(page(Some(&offers(&["2027-03-15"])), Request::default()).contains("data-own-zone"));
}

#[test]
fn an_unknown_calendar_says_so_and_a_wrong_line_is_named() {
    let unknown = OffersView { source: "unknown", as_of: None, times: Vec::new(), ..offers(&[]) };
    let html = page(Some(&unknown), Request::default());
    assert!(html.contains(&t("choice.unknown").to_string()) && !html.contains("name=\"start\""));
    let typed = vec![("2027-03-28".to_owned(), "02:30".to_owned(), "04:00".to_owned())];
    let error = WishError { line: 1, problem: domain::choices::WishProblem::Skipped };
    let html = page(Some(&offers(&["2027-03-15"])), Request { typed, wish_error: Some(error), ..Request::default() });
    assert!(html.contains("value=\"02:30\"") && html.contains("clocks go forward"), "what was typed is kept, with why it is wrong");
}

#[test]
fn times_of_their_own_are_echoed_with_their_offset() {
    let range = TimeRange::new(at("2026-10-25T00:00:00Z"), at("2026-10-25T00:45:00Z")).unwrap();
    let wishes = Wishes {
        zone: Zone::new("Europe/Berlin").unwrap(),
        times: vec![Wish { range, reasons: vec!["busy".to_owned()] }],
        at: at("2026-10-01T00:00:00Z"),
    };
    let lines = kept_lines(&wishes);
    assert_eq!(lines[0].when, "Sunday, 25 October 2026, 02:00–02:45 (Europe/Berlin, UTC+02:00)", "the first of the two");
    assert!(!lines[0].why.is_empty());
}
