//! The page that erases somebody, and the page of erasures.

use axum::http::{StatusCode, header};
use serde_json::json;

use super::{
    admin, check_page,
    world::{World, id},
};

#[tokio::test]
async fn nobody_is_erased_by_mistake() {
    let world = World::new(false);
    let path = format!("/persons/{}/erase", id("per", 2));
    for typed in ["", "bo", "ana%40example.com"] {
        let answer = admin(&world).post(&path, &format!("action=erase&email={typed}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        check_page(&path, &answer);
        assert!(answer.body.contains("aria-invalid=\"true\"") && answer.body.contains("role=\"alert\""), "{}", answer.body);
    }
    assert_eq!(world.store.commits(), 0, "a refused form wrote something");
    // Without the token of the form nothing happens either.
    assert_eq!(admin(&world).post_plain(&path, "action=erase&email=bo%40example.org").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn the_page_erases_and_then_says_how_it_stands() {
    let world = World::new(false);
    let path = format!("/persons/{}/erase", id("per", 2));
    let before = admin(&world).get(&path).await;
    assert!(before.body.contains("Erase Bo Berg") && before.body.contains("Interviews to come: 1"), "{}", before.body);
    let answer = admin(&world).post(&path, "action=erase&email=Bo%40Example.org").await;
    let place = format!("{path}?done=erase");
    assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::SEE_OTHER, place.as_str()));
    let after = admin(&world).get(&path).await;
    check_page(&path, &after);
    assert!(after.body.contains("people are told") && !after.body.contains("name=\"email\""), "{}", after.body);

    // Long afterwards: nothing is left to write down, and a second click in an old window leads to the same page.
    world.with(|rows| {
        rows.erasures[0].stage = domain::erasure::Stage::Done;
        rows.erasures[0].events_left = 2;
    });
    let done = admin(&world).get(&path).await;
    check_page(&path, &done);
    assert!(done.body.contains("2 events could not be removed") && !done.body.contains("value=\"export\""), "{}", done.body);
    let second = admin(&world).post(&path, "action=erase&email=bo%40example.org").await;
    assert_eq!((second.status, second.header(header::LOCATION)), (StatusCode::SEE_OTHER, path.as_str()));
    let list = admin(&world).get("/erasures").await;
    check_page("/erasures", &list);
    assert!(list.body.contains(&path) && list.body.contains("on request"), "{}", list.body);
}

#[tokio::test]
async fn what_is_held_comes_as_a_file_and_the_log_knows() {
    let world = World::new(false);
    let path = format!("/persons/{}/erase", id("per", 2));
    let file = admin(&world).post(&path, "action=export&feedback=yes").await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(file.header(header::CONTENT_DISPOSITION), format!("attachment; filename=\"{}.json\"", id("per", 2)));
    let held: serde_json::Value = serde_json::from_str(&file.body).unwrap();
    assert_eq!((&held["feedback"], &held["held"][0]["rows"][0]["name"]), (&json!(true), &json!("Bo Berg")));
    world.with(|rows| assert!(rows.entries.iter().any(|entry| entry.action == "person.exported")));
}

#[tokio::test]
async fn the_last_sweep_and_the_next_are_shown() {
    let world = World::new(false);
    let never = admin(&world).get("/erasures").await;
    assert!(never.body.contains("It has not run yet."), "{}", never.body);
    let report =
        json!({"at": "2026-11-24T02:00:00Z", "rows": {"jobs": 41, "mails": 17, "idempotency": 0}, "erased": 3, "more": false});
    world.with(|rows| rows.settings.push(("sweeps".to_owned(), report.to_string())));
    let page = admin(&world).get("/erasures").await;
    check_page("/erasures", &page);
    for text in ["2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z", ">41<", ">17<", "<dd>3</dd>", "180 days after"] {
        assert!(page.body.contains(text), "{text} is missing: {}", page.body);
    }
}

#[tokio::test]
async fn only_administrators_find_the_way() {
    let link = format!("/persons/{}/erase", id("per", 2));
    let own = format!("/persons/{}/erase", id("per", 1));
    let pages = [
        (format!("/vacancies/{}", id("vac", 1)), &link),
        (format!("/interviews/{}", id("itv", 1)), &link),
        (format!("/managers/{}", id("per", 1)), &own),
    ];
    let world = World::new(false);
    for (page, link) in &pages {
        assert!(admin(&world).get(page).await.body.contains(*link), "{page}");
    }
    world.with(|rows| {
        let recruiter = id("acc", 1).parse().unwrap();
        rows.sessions[0].account = Some(recruiter);
    });
    for (page, link) in &pages {
        let answer = admin(&world).get(page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        assert!(!answer.body.contains(*link) && !answer.body.contains("/erasures"), "{page}");
        assert_eq!(admin(&world).get(link).await.status, StatusCode::FORBIDDEN);
    }
}
