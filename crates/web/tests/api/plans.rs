//! Plans and drift, as a program asks for them.

use axum::http::StatusCode;
use serde_json::json;

use super::world::World;

#[tokio::test]
async fn a_whole_shortlist_is_planned_and_more_hours_are_weighed() {
    let world = World::new("plans").await;
    world.connect_ana().await;
    let rounds = json!([{"name": "Screening", "minutes": 30}, {"name": "Talk", "minutes": 60, "gap": {"days": "other"}}]);
    let ask = json!({
        "manager_email": "ana@example.com", "rounds": rounds, "candidates": 8, "days": 10, "iterations": 200, "deadline_ms": 5000,
        "openings": [{"people": ["ana@example.com"], "hours": "sat 09:00-12:00"}],
    });
    let answer = world.post("/api/v1/plans", ask.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let plan = answer.json();
    let meetings = plan["plan"]["meetings"].as_array().unwrap();
    assert_eq!((meetings.len(), plan["plan"]["unplaced"].as_array().unwrap().len()), (16, 0), "{plan}");
    assert_eq!(plan["plan"]["candidates"].as_array().unwrap().len(), 8);
    assert_eq!(plan["plan"]["people"][0]["minutes"], 8 * 90);
    assert!(plan["plan"]["quality"]["gap_percent"].is_number() && plan["opened"]["done_at"].is_string());
    assert!(plan["difference"]["done_earlier_minutes"].as_i64().unwrap() >= 0, "{}", plan["difference"]);
    assert_eq!(world.post("/api/v1/plans", ask).await.json()["plan"]["meetings"], plan["plan"]["meetings"]);
    // Those who live far away are asked by day.
    let far = json!({"manager_email": "ana@example.com", "rounds": [{"minutes": 60}], "candidates": [{"zone": "Asia/Tokyo"}], "iterations": 50});
    assert_eq!(world.post("/api/v1/plans", far).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_plan_that_cannot_be_meant_is_refused_by_field() {
    let world = World::new("plans_bad").await;
    world.connect_ana().await;
    let good = || json!({"manager_email": "ana@example.com", "rounds": [{"minutes": 60}], "candidates": 2});
    for (field, change) in [
        ("days", json!({"days": 400})),
        ("deadline_ms", json!({"deadline_ms": 0})),
        ("candidates", json!({"candidates": 0})),
        ("candidates", json!({"candidates": 6_000})),
        ("candidates.zone", json!({"candidates": [{"zone": "Mars/Olympus"}]})),
        ("rounds", json!({"rounds": []})),
        ("openings.hours", json!({"openings": [{"people": ["ana@example.com"], "hours": "someday"}]})),
        ("openings.people", json!({"openings": [{"people": [], "hours": "fri 09:00-12:00"}]})),
    ] {
        let mut body = good();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = world.post("/api/v1/plans", body).await;
        assert_eq!(
            (answer.status, answer.json()["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
            "{}",
            answer.text
        );
    }
    let unknown = json!({"vacancy_id": "vac_00000000000000000000000000000007"});
    assert_eq!(world.post("/api/v1/plans", unknown).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_interview_says_why_and_what_the_calendar_shows() {
    let world = World::new("plans_why").await;
    world.connect_ana().await;
    let candidates = json!([{"name": "Kim Lee", "email": "kim@example.net"}]);
    let body = json!({
        "title": "Engineer", "manager_email": "ana@example.com", "place": {"kind": "address", "value": "12 Sample Street"}, "candidates": candidates,
        "policy": {"provisional": true, "late_conflict": "move"},
    });
    let vacancy = world.post("/api/v1/vacancies", body).await.json();
    assert_eq!(vacancy["policy"]["late_conflict"], "move", "{vacancy}");
    let id = vacancy["id"].as_str().unwrap();
    world.post(&format!("/api/v1/vacancies/{id}/approve"), json!({})).await;
    world.pass(600).await;
    let drift = world.get("/api/v1/drift?all=true").await.json();
    let line = &drift["interviews"][0];
    assert_eq!((line["differs"].as_bool(), line["seen"][0]["event"].as_str()), (Some(false), Some("as_intended")), "{drift}");
    assert!(line["seen"][0]["age_seconds"].as_i64().unwrap() <= 300);
    assert_eq!(world.get("/api/v1/drift").await.json()["interviews"], json!([]));
    let interview = line["interview_id"].as_str().unwrap();
    let why = world.get(&format!("/api/v1/interviews/{interview}/why")).await.json();
    assert_eq!((why["by"].as_str(), why["reasons"].is_null()), (Some("earliest"), true), "{why}");
    let grant = drift["looks"][0]["grant_id"].as_str().unwrap();
    let refused = world.post(&format!("/api/v1/drift/{grant}/admit"), json!({})).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (StatusCode::CONFLICT, Some("nothing_held")), "{}", refused.text);
}
