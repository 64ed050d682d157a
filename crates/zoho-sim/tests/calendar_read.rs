//! Reading events, proven over HTTP (statements 26 to 28, 31, 35).

mod calendar_support;
mod common;

use calendar_support::{bruno, bruno_with, meeting, meeting_with, range};
use reqwest::Method;
use serde_json::json;
use zoho_sim::Switches;

#[tokio::test]
async fn statement_26_a_list_honours_its_range_and_refuses_more_than_31_days() {
    let bruno = bruno().await;
    bruno.created(&meeting()).await;
    let list = async |start: &str, end: &str| bruno.get(&bruno.events(), &[("range", &range(start, end))]).await;
    assert_eq!(list("20260310T000000Z", "20260311T000000Z").await.events().len(), 1);
    assert_eq!(list("20260310", "20260310").await.events().len(), 1, "the last day of a range of days is in it");
    assert_eq!(list("20260311", "20260312").await.events().len(), 0);
    assert_eq!(list("20260310T093000Z", "20260311T000000Z").await.events().len(), 0, "it ends where the range begins");
    assert_eq!(list("20260301T000000Z", "20260401T000000Z").await.status, 200);
    list("20260301T000000Z", "20260401T020000Z").await.is_error(400, "INVALID_DATA");
    list("20260310T100000", "20260311T000000").await.is_error(400, "PATTERN_NOT_MATCHED");
    list("20260311T000000Z", "20260310T000000Z").await.is_error(400, "INVALID_DATA");
    bruno.get(&bruno.events(), &[("range", "20260310")]).await.is_error(400, "INVALID_DATA");
    bruno.world.switch(json!({"range_includes_edges": true, "range_error_code": "RANGE_EXCEEDED"})).await;
    assert_eq!(list("20260310T093000Z", "20260311T000000Z").await.events().len(), 1);
    list("20260301T000000Z", "20260402T000000Z").await.is_error(400, "RANGE_EXCEEDED");
}

#[tokio::test]
async fn statement_26_without_a_range_there_are_masters_and_placeholders_of_deleted_occurrences() {
    let bruno = bruno().await;
    let (euid, etag) = bruno.created(&meeting_with(json!({"rrule": "FREQ=DAILY;COUNT=3"}))).await;
    bruno.created(&meeting_with(json!({"title": "Another"}))).await;
    let one = json!({"etag": etag, "recurrenceid": "20260311T090000Z"});
    assert_eq!(bruno.write(Method::DELETE, &bruno.event(&euid), &one).await.status, 200);
    let all = bruno.get(&bruno.events(), &[]).await;
    let deleted: Vec<_> = all.events().iter().filter(|event| event["estatus"] == "deleted").collect();
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0]["uid"], euid.as_str());
    assert_eq!(deleted[0]["recurrenceid"], "20260311T090000Z");
    assert!(deleted[0].get("etag").is_none() && deleted[0].get("dateandtime").is_none());
    let masters: Vec<_> = all.events().iter().filter(|event| event["estatus"] == "added").collect();
    assert_eq!(masters.len(), 2);
    assert!(masters.iter().any(|event| event["rrule"] == "FREQ=DAILY;COUNT=3"));
    bruno.get(&bruno.events(), &[("byinstance", "true")]).await.is_error(400, "LESS_THAN_MIN_OCCURANCE");
}

#[tokio::test]
async fn statement_26_without_byinstance_later_occurrences_are_missing_unless_switched() {
    let bruno = bruno().await;
    bruno.created(&meeting_with(json!({"rrule": "FREQ=WEEKLY"}))).await;
    let later = range("20260317T000000Z", "20260318T000000Z");
    assert!(bruno.get(&bruno.events(), &[("range", &later)]).await.events().is_empty());
    bruno.world.switch(json!({"range_finds_series": true})).await;
    let found = bruno.get(&bruno.events(), &[("range", &later)]).await;
    assert_eq!(found.event()["dateandtime"]["start"], "20260310T100000+0100", "the master, where the series began");
}

#[tokio::test]
async fn statement_27_byinstance_expands_rules_with_exceptions_and_dst() {
    let bruno = bruno().await;
    let (euid, etag) = bruno.created(&meeting_with(json!({"rrule": "FREQ=WEEKLY;BYDAY=TU"}))).await;
    let skip = json!({"etag": etag, "recurrenceid": "20260317T090000Z"});
    assert_eq!(bruno.write(Method::DELETE, &bruno.event(&euid), &skip).await.status, 200);
    let moved = meeting_with(json!({"etag": bruno.etag(&euid).await, "recurrenceid": "20260324T090000Z", "title": "Moved",
        "dateandtime": {"timezone": "Europe/Madrid", "start": "20260325T160000+0100", "end": "20260325T163000+0100"}}));
    assert_eq!(bruno.write(Method::PUT, &bruno.event(&euid), &moved).await.status, 200);

    let found = bruno.occurrences("20260309T000000Z", "20260408T000000Z").await;
    let seen: Vec<(&str, &str)> = found
        .events()
        .iter()
        .map(|event| (event["dateandtime"]["start"].as_str().unwrap(), event["recurrenceid"].as_str().unwrap()))
        .collect();
    // Summer time begins on 29 March: ten o'clock stays ten o'clock, the instant moves.
    let expected = [
        ("20260310T100000+0100", "20260310T090000Z"),
        ("20260325T160000+0100", "20260324T090000Z"),
        ("20260331T100000+0200", "20260331T080000Z"),
        ("20260407T100000+0200", "20260407T080000Z"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(found.events()[1]["title"], "Moved");
    assert!(found.events().iter().all(|event| event["uid"] == euid.as_str() && event["isrep"] == true));

    let path = format!("{}/byinstance", bruno.event(&euid));
    let wide = bruno.get(&path, &[("range", &range("20260309T000000Z", "20260606T000000Z"))]).await;
    assert_eq!(wide.events().len(), 12);
    let too_wide = bruno.get(&path, &[("range", &range("20260309T000000Z", "20260608T000000Z"))]).await;
    too_wide.is_error(400, "INVALID_DATA");
}

#[tokio::test]
async fn statement_27_all_day_series_and_what_instances_carry() {
    let bruno = bruno().await;
    let whole = json!({"title": "Leave", "isallday": true, "transparency": 1, "rrule": "FREQ=DAILY;COUNT=3",
        "attendees": [{"email": "x@example.org"}],
        "dateandtime": {"timezone": "Europe/Madrid", "start": "20260310", "end": "20260310"}});
    bruno.created(&whole).await;
    let found = bruno.occurrences("20260311T120000Z", "20260312T120000Z").await;
    let days: Vec<_> = found.events().iter().map(|event| &event["recurrenceid"]).collect();
    assert_eq!(days, ["20260311", "20260312"]);
    assert_eq!(found.event()["transparency"], 1);
    assert_eq!(found.event()["attendees"][0]["email"], "x@example.org");
    assert!(found.event().get("createdby").is_none(), "a list of instances has few fields");
    bruno.world.switch(json!({"byinstance_has_transparency": false, "instance_attendees": false})).await;
    let found = bruno.occurrences("20260311T120000Z", "20260312T120000Z").await;
    assert!(found.event().get("transparency").is_none() && found.event().get("attendees").is_none());
}

#[tokio::test]
async fn statement_28_lists_have_descriptions_only_if_asked_for_the_large_form() {
    let bruno = bruno().await;
    let (euid, _) = bruno.created(&meeting_with(json!({"description": "Bring questions"}))).await;
    let day = range("20260310T000000Z", "20260311T000000Z");
    for query in [vec![("range", day.as_str())], vec![("range", day.as_str()), ("byinstance", "true")], vec![]] {
        assert!(bruno.get(&bruno.events(), &query).await.event().get("description").is_none(), "{query:?}");
        assert_eq!(bruno.get_large(&bruno.events(), &query).await.event()["description"], "Bring questions", "{query:?}");
    }
    assert_eq!(bruno.read(&euid).await.event()["description"], "Bring questions");
}

#[tokio::test]
async fn statement_31_times_come_in_the_events_zone_or_the_one_asked_for() {
    let bruno = bruno().await;
    let utc = json!({"dateandtime": {"timezone": "America/New_York", "start": "20260310T150000Z", "end": "20260310T160000Z"}});
    let (euid, _) = bruno.created(&meeting_with(utc)).await;
    let own = bruno.read(&euid).await;
    let expected = json!({"timezone": "America/New_York", "start": "20260310T110000-0400", "end": "20260310T120000-0400"});
    assert_eq!(own.event()["dateandtime"], expected);
    let day = range("20260310T000000Z", "20260311T000000Z");
    let asked = bruno.get(&bruno.events(), &[("range", &day), ("timezone", "Asia/Kolkata")]).await;
    let expected = json!({"timezone": "Asia/Kolkata", "start": "20260310T203000+0530", "end": "20260310T213000+0530"});
    assert_eq!(asked.event()["dateandtime"], expected);
    let nowhere = bruno.get(&bruno.events(), &[("range", &day), ("timezone", "Mars/Olympus")]).await;
    nowhere.is_error(400, "INVALID_DATA");
}

#[tokio::test]
async fn statement_31_whole_days_are_dates_whose_end_is_a_switch() {
    let bruno = bruno().await;
    let days = |end: &str| {
        json!({"title": "Leave", "isallday": true,
            "dateandtime": {"timezone": "Europe/Madrid", "start": "20260310", "end": end}})
    };
    let (euid, _) = bruno.created(&days("20260311")).await;
    let read = bruno.read(&euid).await;
    let expected = json!({"timezone": "Europe/Madrid", "start": "20260310", "end": "20260311"});
    assert_eq!(read.event()["dateandtime"], expected);
    assert_eq!(read.event()["isallday"], true);
    assert_eq!(bruno.occurrences("20260311T120000Z", "20260311T130000Z").await.events().len(), 1, "the end is included");

    bruno.world.switch(json!({"allday_end": "exclusive"})).await;
    assert_eq!(bruno.read(&euid).await.event()["dateandtime"]["end"], "20260312", "the same two days");
    let (other, _) = bruno.created(&days("20260311")).await;
    assert_eq!(bruno.read(&other).await.event()["dateandtime"]["end"], "20260311");
    assert_eq!(bruno.occurrences("20260311T120000Z", "20260311T130000Z").await.events().len(), 1, "only the first one");
}

#[tokio::test]
async fn statement_35_a_missing_event_is_answered_in_four_ways() {
    let bruno = bruno().await;
    let (euid, etag) = bruno.created(&meeting()).await;
    assert_eq!(bruno.delete(&euid, &etag).await.status, 200);
    bruno.read(&euid).await.is_error(404, "RESOURCE_NOT_FOUND");
    bruno.world.switch(json!({"gone_event": "status400", "gone_error_code": "EVENT_NOT_EXIST"})).await;
    bruno.read(&euid).await.is_error(400, "EVENT_NOT_EXIST");
    bruno.world.switch(json!({"gone_event": "empty"})).await;
    assert_eq!(bruno.read(&euid).await.body, json!({"events": []}));
    bruno.world.switch(json!({"gone_event": "placeholder"})).await;
    let read = bruno.read(&euid).await;
    assert_eq!(read.event()["estatus"], "deleted");
    assert_eq!(bruno.read("0123@zoho.com").await.status, 404, "never there: no placeholder");
    assert_eq!(bruno.delete(&euid, &etag).await.status, 404, "it is gone for writes in any case");
}

#[tokio::test]
async fn statement_35_a_series_with_a_deletion_lists_a_placeholder_first() {
    let bruno = bruno().await;
    let (euid, etag) = bruno.created(&meeting_with(json!({"rrule": "FREQ=DAILY;COUNT=3"}))).await;
    let one = json!({"etag": etag, "recurrenceid": "20260310T090000Z"});
    assert_eq!(bruno.write(Method::DELETE, &bruno.event(&euid), &one).await.status, 200);
    let read = bruno.read(&euid).await;
    assert_eq!(read.events()[0]["estatus"], "deleted");
    assert!(read.events()[0].get("etag").is_none());
    assert_eq!(read.events()[1]["estatus"], "added");
    assert_eq!(read.events()[1]["rrule"], "FREQ=DAILY;COUNT=3");

    let of = async |id: &str| bruno.get(&bruno.event(&euid), &[("recurrenceid", id)]).await;
    assert_eq!(of("20260310T090000Z").await.event()["estatus"], "deleted");
    assert_eq!(of("20260312T090000Z").await.event()["dateandtime"]["start"], "20260312T100000+0100");
    assert_eq!(of("20260320T090000Z").await.status, 404, "no occurrence there");
}

#[tokio::test]
async fn statement_43_the_end_of_a_yearly_day_and_the_old_parameter_are_switches() {
    let switches = Switches { yearly_allday_late_end: true, ..Switches::default() };
    let bruno = bruno_with(switches).await;
    let birthday = json!({"title": "Birthday", "isallday": true, "rrule": "FREQ=YEARLY",
        "dateandtime": {"timezone": "Europe/Madrid", "start": "20260310", "end": "20260310"}});
    let (euid, _) = bruno.created(&birthday).await;
    let next = bruno.get(&bruno.event(&euid), &[("recurrenceid", "20270310")]).await;
    assert_eq!(next.event()["dateandtime"]["end"], "20270311");
    let since = [("lastmodified", "20260302T080000Z")];
    bruno.get(&bruno.events(), &since).await.is_error(400, "EXTRA_PARAM_FOUND");
    bruno.world.switch(json!({"last_modified_accepted": true})).await;
    assert_eq!(bruno.get(&bruno.events(), &since).await.events().len(), 1);
    let window = [("start", "20260310T000000Z"), ("end", "20260311T000000Z")];
    bruno.get(&bruno.events(), &window).await.is_error(400, "EXTRA_PARAM_FOUND");
    bruno.world.switch(json!({"list_start_end_ignored": true})).await;
    assert_eq!(bruno.get(&bruno.events(), &window).await.events().len(), 1);
    let later = [("lastmodified", "20260302T080001Z")];
    assert!(bruno.get(&bruno.events(), &later).await.events().is_empty());
    bruno.world.switch(json!({"empty_list": "message"})).await;
    let none = bruno.get(&bruno.events(), &later).await;
    assert_eq!(none.body, json!({"events": [{"message": "No events found."}]}));
}
