//! Calendar, proven over HTTP: tokens, how data travels, and calendars (statements 20 to 25).

mod calendar_support;
mod common;

use calendar_support::{Bruno, bruno, bruno_with, meeting, meeting_with, range};
use common::World;
use reqwest::Method;
use serde_json::{Value, json};
use zoho_sim::{ErrorShape, PrivilegeNames, Switches};

#[tokio::test]
async fn statement_20_a_call_without_a_good_token_is_refused_with_an_array_of_errors() {
    let bruno = bruno().await;
    let plain = bruno.world.request(Method::GET, "eu", "/api/v1/calendars").send().await.unwrap();
    assert_eq!(plain.status(), 400);
    let body: Value = plain.json().await.unwrap();
    assert_eq!(body["error"][0]["error_code"], "INVALID_TICKET");

    let bad = bruno.world.api(Method::GET, "eu", "1000.no.token", "/calendars").send().await.unwrap();
    assert_eq!(bad.status(), 401);
    let body: Value = bad.json().await.unwrap();
    assert_eq!(body["error"][0]["error_code"], "INVALID_OAUTHTOKEN");
    let foreign = bruno.world.api(Method::GET, "us", &bruno.token, "/calendars").send().await.unwrap();
    assert_eq!(foreign.status(), 401, "a token of another data centre");

    let mut ask = World::ask();
    ask.insert("scope".to_owned(), "ZohoCalendar.calendar.READ".to_owned());
    let narrow = Bruno { token: bruno.world.connect_with(&ask, "bruno@example.com").await.access, ..bruno };
    assert_eq!(narrow.get("/calendars", &[]).await.status, 200);
    narrow.get(&narrow.events(), &[]).await.is_error(401, "INVALID_OAUTHSCOPE");
    narrow.world.switch(json!({"scope_error_code": "OAUTH_SCOPE_MISMATCH", "scope_error_status": 403})).await;
    narrow.get(&narrow.events(), &[]).await.is_error(403, "OAUTH_SCOPE_MISMATCH");
}

#[tokio::test]
async fn statement_21_data_is_read_from_query_form_and_multipart_but_not_from_a_json_body() {
    let bruno = bruno().await;
    let data = meeting().to_string();
    let post = || bruno.world.api(Method::POST, "eu", &bruno.token, &bruno.events());
    let in_query = post().query(&[("eventdata", &data)]).send().await.unwrap();
    assert_eq!(in_query.status(), 200);
    let in_form = post().form(&[("eventdata", &data)]).send().await.unwrap();
    assert_eq!(in_form.status(), 200);
    let part = format!("--cut\r\nContent-Disposition: form-data; name=\"eventdata\"\r\n\r\n{data}\r\n--cut--\r\n");
    let in_part = post().header("content-type", "multipart/form-data; boundary=cut").body(part).send().await.unwrap();
    assert_eq!(in_part.status(), 200);
    for body in [data, json!({"eventdata": meeting()}).to_string()] {
        let in_json = post().header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(in_json.status(), 400);
        let answer: Value = in_json.json().await.unwrap();
        assert_eq!(answer["error"][0]["error_code"], "LESS_THAN_MIN_OCCURANCE");
    }
    let three = bruno.occurrences("20260310T000000Z", "20260311T000000Z").await;
    assert_eq!(three.events().len(), 3);

    let calendar = json!({"name": "Interviews", "color": "#336699"}).to_string();
    let made = bruno.form(Method::POST, "/calendars", &[("calendarData", &calendar)]).await;
    assert_eq!(made.body["calendars"][0]["name"], "Interviews", "{}", made.body);
    bruno.form(Method::POST, "/calendars", &[]).await.is_error(400, "LESS_THAN_MIN_OCCURANCE");
    bruno.form(Method::POST, &bruno.events(), &[("eventdata", "{not json")]).await.is_error(400, "JSON_PARSE_ERROR");
}

#[tokio::test]
async fn statement_22_unknown_parameters_and_keys_are_refused() {
    let bruno = bruno().await;
    bruno.get("/calendars", &[("page", "2")]).await.is_error(400, "EXTRA_PARAM_FOUND");
    let bounds = range("20260310T000000Z", "20260311T000000Z");
    let list = bruno.get(&bruno.events(), &[("range", &bounds), ("notify", "false")]).await;
    list.is_error(400, "EXTRA_PARAM_FOUND");
    bruno.create(&meeting_with(json!({"subject": "x"}))).await.is_error(400, "EXTRA_KEY_FOUND_IN_JSON");
    let nested = json!({"dateandtime": {"start": "20260310T090000Z", "end": "20260310T093000Z", "zone": "UTC"}});
    bruno.create(&meeting_with(nested)).await.is_error(400, "EXTRA_KEY_FOUND_IN_JSON");
    bruno.create(&meeting_with(json!({"notifyType": 1}))).await.is_error(400, "PATTERN_NOT_MATCHED");
    let (euid, etag) = bruno.created(&meeting()).await;
    let echoed = meeting_with(json!({"etag": etag, "notifyType": 1}));
    bruno.write(Method::PUT, &bruno.event(&euid), &echoed).await.is_error(400, "PATTERN_NOT_MATCHED");
    bruno.get("/calendars/a/b/c/d/e", &[]).await.is_error(404, "URL_RULE_NOT_CONFIGURED");
    bruno.form(Method::PATCH, "/calendars", &[]).await.is_error(404, "URL_RULE_NOT_CONFIGURED");
}

#[tokio::test]
async fn statement_23_an_encoded_at_sign_never_reaches_the_api() {
    let bruno = bruno().await;
    let (euid, _) = bruno.created(&meeting()).await;
    assert!(euid.contains('@'));
    assert_eq!(bruno.read(&euid).await.status, 200);
    let encoded = bruno.read(&euid.replace('@', "%40")).await;
    assert_eq!(encoded.status, 404);
    assert!(encoded.body.as_str().is_some_and(|page| page.starts_with("<html>")), "not JSON: {}", encoded.body);
}

#[tokio::test]
async fn statement_24_calendars_are_listed_by_category_with_privilege_and_a_growing_ctag() {
    let bruno = bruno().await;
    bruno.control(Method::POST, "/calendars/bruno@example.com", &json!({"name": "Team", "category": "group"})).await;
    let shares = json!({"name": "Chandra's", "shares": {"bruno@example.com": "view"}});
    bruno.control(Method::POST, "/calendars/chandra@example.com", &shares).await;
    let names = |answer: &calendar_support::Answer| -> Vec<String> {
        let list = answer.body["calendars"].as_array().unwrap();
        list.iter().map(|calendar| calendar["name"].as_str().unwrap().to_owned()).collect()
    };
    for (category, expected) in [
        ("own", vec!["Bruno Gil"]),
        ("group", vec!["Team"]),
        ("others", vec!["Chandra's"]),
        ("app", vec![]),
        ("all", vec!["Bruno Gil", "Team", "Chandra's", "Group"]),
    ] {
        assert_eq!(names(&bruno.get("/calendars", &[("category", category)]).await), expected, "{category}");
    }
    bruno.get("/calendars", &[("category", "mine")]).await.is_error(400, "PATTERN_NOT_MATCHED");

    let all = bruno.get("/calendars", &[("category", "all")]).await;
    let list = all.body["calendars"].as_array().unwrap();
    assert_eq!(list.iter().filter(|calendar| calendar["isdefault"] == true).count(), 1);
    assert_eq!(list[0]["privilege"], "owner");
    assert_eq!(list[2]["privilege"], "view");
    assert_eq!(list[0]["timezone"], "Europe/Madrid");
    assert!(list[0]["owner"].as_str().unwrap().parse::<u64>().is_ok());
    let stub = &list[3];
    assert!(stub["uid"].as_str().unwrap().starts_with("group_"));
    assert_eq!(stub["ctag"], 0);

    let ctag = list[0]["ctag"].as_i64().unwrap();
    bruno.created(&meeting()).await;
    let after = bruno.get("/calendars/default", &[]).await.body["calendars"][0]["ctag"].as_i64().unwrap();
    assert!(after > ctag, "{after} > {ctag} although the clock stands still");
}

#[tokio::test]
async fn statement_24_names_of_rights_are_a_switch_and_rights_hold() {
    let names = PrivilegeNames { view: "READ".to_owned(), ..PrivilegeNames::default() };
    let bruno = bruno_with(Switches { privilege_names: names, ..Switches::default() }).await;
    let mut uids = Vec::new();
    for right in ["freebusy", "view", "edit"] {
        let shares = json!({"name": right, "shares": {"bruno@example.com": right}});
        let made = bruno.control(Method::POST, "/calendars/chandra@example.com", &shares).await;
        uids.push(made["uid"].as_str().unwrap().to_owned());
    }
    let list = bruno.get("/calendars", &[("category", "others")]).await.body;
    let view = list["calendars"].as_array().unwrap().iter().find(|calendar| calendar["name"] == "view").unwrap();
    assert_eq!(view["privilege"], "READ");
    let path = |uid: &str| format!("/calendars/{uid}/events");
    bruno.get(&path(&uids[0]), &[]).await.is_error(403, "OPERATION_NOT_PERMITTED");
    assert_eq!(bruno.get(&path(&uids[1]), &[]).await.status, 200);
    bruno.write(Method::POST, &path(&uids[1]), &meeting()).await.is_error(403, "OPERATION_NOT_PERMITTED");
    assert_eq!(bruno.write(Method::POST, &path(&uids[2]), &meeting()).await.status, 200);

    let secret = json!({"email": "chandra@example.com", "calendar": uids[1],
        "event": meeting_with(json!({"title": "Doctor", "isprivate": true, "location": "Clinic"}))});
    bruno.control(Method::POST, "/events", &secret).await;
    let seen = bruno.get(&path(&uids[1]), &[]).await;
    assert_eq!(seen.event()["title"], "Private event", "others see the time of a private event, not what it is");
    assert_eq!(seen.event()["location"], "");
}

#[tokio::test]
async fn statement_25_one_calendar_is_an_array_of_one_and_has_two_aliases() {
    let bruno = bruno().await;
    for uid in [bruno.uid.as_str(), "default", "primary"] {
        let answer = bruno.get(&format!("/calendars/{uid}"), &[]).await;
        let list = answer.body["calendars"].as_array().unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0]["uid"], bruno.uid);
    }
    bruno.get("/calendars/primary/events", &[]).await.is_error(404, "RESOURCE_NOT_FOUND");
    bruno.world.switch(json!({"default_alias_for_events": true})).await;
    assert_eq!(bruno.get("/calendars/primary/events", &[]).await.status, 200);
    bruno.get("/calendars/0123456789abcdef0123456789abcdef", &[]).await.is_error(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn calendars_are_created_changed_and_deleted() {
    let bruno = bruno().await;
    let form = |data: Value| data.to_string();
    let data = form(json!({"name": "Interviews", "color": "#336699", "timezone": "Asia/Tokyo", "include_infreebusy": false}));
    let made = bruno.form(Method::POST, "/calendars", &[("calendarData", &data)]).await;
    let calendar = &made.body["calendars"][0];
    assert_eq!(calendar["timezone"], "Asia/Tokyo");
    assert_eq!(calendar["include_infreebusy"], false);
    let path = format!("/calendars/{}", calendar["uid"].as_str().unwrap());

    let changed = bruno.form(Method::PUT, &path, &[("calendarData", &form(json!({"name": "Panels"})))]).await;
    assert_eq!(changed.body["calendars"][0]["name"], "Panels");
    assert_eq!(changed.body["calendars"][0]["color"], "#336699", "other settings stay");
    for (data, code) in [
        (json!({"color": "#336699"}), "LESS_THAN_MIN_OCCURANCE"),
        (json!({"name": "x"}), "LESS_THAN_MIN_OCCURANCE"),
        (json!({"name": "x".repeat(51), "color": "#336699"}), "MORE_THAN_MAX_LENGTH"),
        (json!({"name": "x", "color": "red"}), "PATTERN_NOT_MATCHED"),
        (json!({"name": "x", "color": "#336699", "timezone": "Mars/Olympus"}), "INVALID_DATA"),
        (json!({"name": "x", "color": "#336699", "shape": "round"}), "EXTRA_KEY_FOUND_IN_JSON"),
    ] {
        bruno.form(Method::POST, "/calendars", &[("calendarData", &form(data))]).await.is_error(400, code);
    }
    let gone = bruno.form(Method::DELETE, &path, &[]).await;
    assert_eq!(gone.body["calendars"][0]["calstatus"], "deleted");
    assert_eq!(bruno.get(&path, &[]).await.status, 404);
    bruno.form(Method::DELETE, &format!("/calendars/{}", bruno.uid), &[]).await.is_error(403, "OPERATION_NOT_PERMITTED");
}

#[tokio::test]
async fn statement_43_errors_and_empty_calendar_lists_have_other_shapes_on_switch() {
    let bruno = bruno().await;
    let bad = || bruno.get("/calendars", &[("page", "2")]);
    bruno.world.switch(json!({"error_shape": ErrorShape::Object})).await;
    assert_eq!(bad().await.body["error"]["error_code"], "EXTRA_PARAM_FOUND");
    bruno.world.switch(json!({"error_shape": ErrorShape::Text})).await;
    assert_eq!(bad().await.body["error"], "EXTRA_PARAM_FOUND");
    bruno.world.switch(json!({"error_shape": ErrorShape::Failure})).await;
    assert_eq!(bad().await.body["status"], "failure");
    bruno.world.switch(json!({"error_shape": ErrorShape::Array, "errors_with_200": true})).await;
    bad().await.is_error(200, "EXTRA_PARAM_FOUND");
    let none = bruno.get("/calendars", &[("category", "app")]).await;
    assert_eq!(none.body, json!({"calendars": []}));
    bruno.world.switch(json!({"no_calendars_no_key": true})).await;
    assert_eq!(bruno.get("/calendars", &[("category", "app")]).await.body, json!({}));
}

#[tokio::test]
async fn an_old_calendar_may_carry_a_short_zone_name() {
    let bruno = bruno().await;
    let path = format!("/calendars/bruno@example.com/{}", bruno.uid);
    bruno.control(Method::PATCH, &path, &json!({"timezone": "PST"})).await;
    assert_eq!(bruno.get("/calendars/primary", &[]).await.body["calendars"][0]["timezone"], "PST");
    let local = json!({"dateandtime": {"start": "20260710T100000", "end": "20260710T103000"}});
    let made = bruno.create(&meeting_with(local)).await;
    let expected = json!({"timezone": "PST", "start": "20260710T100000-0700", "end": "20260710T103000-0700"});
    assert_eq!(made.event()["dateandtime"], expected, "summer time all the same");
}
