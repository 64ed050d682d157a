//! From approval to feedback against a simulated Zoho, step by step.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::World;
use domain::{
    feedback::{Answers, Recommendation},
    interviews::InterviewState,
    links::ConnectOutcome,
};

fn answers() -> Answers {
    let score = |value: i64| value.try_into().unwrap();
    Answers {
        technical: score(8),
        communication: score(7),
        problem_solving: score(9),
        culture: score(8),
        overall: score(8),
        strengths: "Calm".into(),
        to_improve: String::new(),
        notes: String::new(),
        recommendation: Recommendation::Hire,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_walk_from_approval_to_feedback() {
    let world = World::new("walk").await;
    let id = world.vacancy(&["Noor", "Tomasz", "Mei"]).await;
    world.approve(id).await;
    world.drain().await;
    assert_eq!(world.mails("ana@example.com").await, ["permission_request"]);
    assert_eq!(world.app.vacancy(id).await.unwrap().waiting_for[0].on, "permission");

    let token = world.consent("ana@example.com").await;
    assert_eq!(world.app.connect_page(&token).await.unwrap().outcome, ConnectOutcome::Working);
    world.pass(60).await;
    assert_eq!(world.app.connect_page(&token).await.unwrap().outcome, ConnectOutcome::Connected);

    let view = world.app.vacancy(id).await.unwrap();
    let starts: Vec<_> = view.shortlist.iter().map(|item| item.interview.as_ref().unwrap().range.start().to_string()).collect();
    // A day's notice from Monday 03:00 in New York, office hours from 09:00: Tuesday, 14:00, 15:00 and 16:00 UTC.
    assert_eq!(starts, ["2026-11-24T14:00:00Z", "2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z"]);
    assert!(view.shortlist.iter().all(|item| item.interview.as_ref().unwrap().state == InterviewState::Booked));
    assert_eq!(world.events("ana@example.com").await.len(), 3);
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked"]);
    assert_eq!(world.mails("recruiting@example.com").await, ["summary"]);

    world.pass(29 * 3_600 + 1_800).await;
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked", "reminder_24h", "reminder_1h"]);
    world.pass(3 * 3_600).await;
    let view = world.app.vacancy(id).await.unwrap();
    let interview = view.shortlist[0].interview.clone().unwrap();
    assert_eq!(interview.state, InterviewState::Done);
    assert!(world.mails("ana@example.com").await.contains(&"feedback_request".to_owned()));
    world.app.submit_feedback(interview.id, None, answers(), &World::caller()).await.unwrap();
    world.drain().await;
    assert_eq!(world.app.interview(interview.id).await.unwrap().feedback.unwrap().answers, answers());
    assert!(world.mails("recruiting@example.com").await.contains(&"result".to_owned()));
}
