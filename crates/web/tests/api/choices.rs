//! Candidates who pick: by the API, and by their page without JavaScript.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use super::world::{Answer, World};

/// The path of a place on the shortlist of an approved vacancy whose candidates pick.
async fn picking(world: &World) -> Vec<String> {
    let body = json!({
        "title": "Platform engineer", "manager_email": "ana@example.com", "manager_name": "Ana Diaz",
        "place": {"kind": "url", "value": "https://meet.example.com/room"},
        "policy": {"provisional": false, "scheduling": "candidate"},
        "candidates": [{"name": "Kim Lee", "email": "kim@example.net", "zone": "Asia/Seoul"}, {"name": "Sam Ray", "email": "sam@example.net"}],
    });
    let vacancy = world.post("/api/v1/vacancies", body).await.json();
    world.connect_ana().await;
    let path = format!("/api/v1/vacancies/{}", vacancy["id"].as_str().unwrap());
    assert_eq!(world.post(&format!("{path}/approve"), json!({})).await.status, StatusCode::OK);
    world.pass(5).await;
    let places = vacancy["shortlist"].as_array().unwrap();
    places.iter().map(|line| format!("{path}/candidates/{}", line["id"].as_str().unwrap())).collect()
}

async fn page_of(world: &World, place: &str) -> String {
    let url = world.get(&format!("{place}/choice")).await.json()["page_url"].as_str().unwrap().to_owned();
    url[url.find("/s/").unwrap()..].to_owned()
}

async fn open(world: &World, path: &str) -> Answer {
    world.send("192.0.2.20", Request::get(path).body(Body::empty()).unwrap()).await
}

async fn submit(world: &World, path: &str, form: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded").body(Body::from(body)).unwrap();
    world.send("192.0.2.20", request).await
}

/// The times that a page offers.
fn starts(page: &Answer) -> Vec<String> {
    page.text.split("name=\"start\" value=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn a_time_is_held_confirmed_and_given_back_once_however_often_it_is_asked() {
    let world = World::new("choices_hold").await;
    let places = picking(&world).await;
    let offers = world.get(&format!("{}/offers?limit=3", places[0])).await.json();
    assert_eq!(
        (offers["source"].as_str(), offers["more"].as_bool(), offers["times"].as_array().unwrap().len()),
        (Some("known"), Some(true), 3)
    );
    let start = offers["times"][0]["start"].as_str().unwrap();
    let hold = |place: &str| format!("{place}/hold");
    let body = json!({"start": start, "minutes": 30});
    let dry = world.post(&format!("{}?dry_run=true", hold(&places[0])), body.clone()).await;
    assert_eq!((dry.status, dry.json()["hold"]["start"].as_str()), (StatusCode::OK, Some(start)));
    let key = [("idempotency-key", "hold-1")];
    let first = world.call("POST", &hold(&places[0]), Some(body.clone()), &key).await;
    let again = world.call("POST", &hold(&places[0]), Some(body.clone()), &key).await;
    assert_eq!((first.status, &first.text), (StatusCode::OK, &again.text), "a repeat is the first");
    assert_eq!(first.json()["page_url"], Value::Null, "no link in an answer that is kept");
    let taken = world.post(&hold(&places[1]), body.clone()).await;
    assert_eq!((taken.status, taken.json()["code"].as_str()), (StatusCode::CONFLICT, Some("time_not_available")));
    let wrong = world.post(&hold(&places[0]), json!({"start": start, "minutes": 4321})).await;
    assert_eq!((wrong.status, wrong.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("minutes")));
    let other_round = world.post(&hold(&places[0]), json!({"start": start, "round": 2})).await;
    assert_eq!((other_round.status, other_round.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("round")));
    let planned = world.post(&format!("{}/confirm?dry_run=true", hold(&places[0])), json!({})).await.json();
    assert_eq!((planned["state"].as_str(), planned["start"].as_str()), (Some("booking"), Some(start)));
    let stale = world.call("POST", &format!("{}/confirm", hold(&places[0])), Some(json!({})), &[("if-match", "\"1\"")]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let booked = world.post(&format!("{}/confirm", hold(&places[0])), json!({})).await.json();
    assert_eq!(booked["id"], first.json()["hold"]["interview_id"]);
    let twice = world.post(&format!("{}/confirm", hold(&places[0])), json!({})).await;
    assert_eq!(twice.json()["code"].as_str(), Some("already_chosen"));
    world.pass(5).await;
    let shown = world.get(&format!("{}/choice", places[0])).await.json();
    assert_eq!((shown["state"].as_str(), &shown["interview_id"]), (Some("chosen"), &booked["id"]));
    for _ in 0..2 {
        assert_eq!(
            world.call("DELETE", &hold(&places[1]), None, &[]).await.status,
            StatusCode::OK,
            "nothing to give back is no error"
        );
    }
}

#[tokio::test]
async fn without_javascript_a_candidate_picks_moves_and_cancels_on_one_page() {
    let world = World::new("choices_page").await;
    let places = picking(&world).await;
    let (kim, sam) = (page_of(&world, &places[0]).await, page_of(&world, &places[1]).await);
    let page = open(&world, &format!("{kim}?zone=America%2FNew_York")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("value=\"America/New_York\""));
    let times = starts(&page);
    assert!(times.len() > 5, "{}", page.text);
    assert_eq!(starts(&open(&world, &format!("{kim}?zone=America%2FNew_York")).await), times, "looking takes nothing");
    let wrong = open(&world, &format!("{kim}?zone=Mars")).await;
    assert!(wrong.text.contains("This time zone is not known"));

    let last = times.last().unwrap().as_str();
    let picked = submit(&world, &kim, &[("action", "pick"), ("zone", "America/New_York"), ("start", last)]).await;
    assert_eq!(
        (picked.status, picked.header("location")),
        (StatusCode::SEE_OTHER, format!("{kim}?zone=America%2FNew_York").as_str())
    );
    let pending = open(&world, picked.header("location")).await;
    assert!(pending.text.contains("is being booked") && pending.text.contains("http-equiv=\"refresh\""), "{}", pending.text);
    let late = submit(&world, &sam, &[("action", "pick"), ("zone", "Europe/Madrid"), ("start", last)]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("Somebody was faster") && !starts(&late).contains(&last.to_owned()) && !starts(&late).is_empty());
    world.pass(5).await;
    let booked = open(&world, &kim).await;
    assert!(booked.text.contains("Your interview is booked.") && !booked.text.contains("http-equiv"), "{}", booked.text);

    let moving = open(&world, &format!("{kim}?move=1")).await;
    let to = starts(&moving).into_iter().rfind(|time| time.as_str() != last).unwrap();
    assert_eq!(submit(&world, &kim, &[("action", "move"), ("start", &to)]).await.status, StatusCode::SEE_OTHER);
    assert!(open(&world, &kim).await.text.contains("is being moved"));
    world.pass(5).await;
    assert_eq!(submit(&world, &kim, &[("action", "cancel"), ("note", "another offer")]).await.status, StatusCode::SEE_OTHER);
    assert!(open(&world, &kim).await.text.contains("This interview is cancelled"));

    let wish = [("action", "wish"), ("zone", "Asia/Seoul"), ("date", "2026-12-02"), ("from_time", "03:00"), ("to_time", "x")];
    let unread = submit(&world, &sam, &wish).await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unread.text.contains("Time 1: Give a date") && unread.text.contains("value=\"03:00\""));
    let wish = [("action", "wish"), ("zone", "Asia/Seoul"), ("date", "2026-12-02"), ("from_time", "14:00"), ("to_time", "16:00")];
    assert_eq!(submit(&world, &sam, &wish).await.status, StatusCode::SEE_OTHER);
    let kept = open(&world, &sam).await;
    assert!(kept.text.contains("Wednesday, 2 December 2026, 14:00–16:00 (Asia/Seoul, UTC+09:00)"), "{}", kept.text);

    assert_eq!(submit(&world, &sam, &[("action", "pick"), ("start", "soon")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.call("DELETE", &format!("{}/choice", places[1]), None, &[]).await.json()["state"], "wishes");
    assert_eq!(open(&world, &sam).await.status, StatusCode::GONE);
}
