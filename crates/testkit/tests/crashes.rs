//! The walk, killed at every effect outside: once before the effect happens, once after it happened and before anybody learned of it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{Fuse, World};
use domain::{
    feedback::{Answers, Recommendation},
    interviews::InterviewState,
    links::ConnectOutcome,
};

/// From approval to feedback with two candidates; a cancellation on the way. Whoever is killed is started again.
async fn walk(world: &mut World) {
    let start = world.app.now().as_second();
    // An hour's notice instead of a day's, so that the walk has few refreshes of the access token in it.
    let rules = serde_json::json!({"zone": "America/New_York", "minimum_notice_minutes": 60});
    let ana = app::PersonInput {
        email: "ana@example.com".into(),
        name: Some("Ana Diaz".into()),
        rules: Some(rules),
        ..app::PersonInput::default()
    };
    world.app.put_manager(ana, &World::caller()).await.unwrap();
    let id = world.vacancy(&["Noor", "Mei"]).await;
    world.approve(id).await;
    world.live_until(start + 300).await;
    loop {
        let token = world.consent("ana@example.com").await;
        let now = world.app.now().as_second();
        world.live_until(now + 600).await;
        match world.app.connect_page(&token).await.unwrap().outcome {
            ConnectOutcome::Connected => break,
            // The answer to the exchange was lost with the process, and a code works once: the manager presses the button again.
            outcome => assert_eq!(outcome, ConnectOutcome::CodeExpired),
        }
    }
    world.live_until(start + 3_600).await;
    let view = world.app.vacancy(id).await.unwrap();
    let [first, second] = [0, 1].map(|index: usize| view.shortlist[index].interview.clone().unwrap());
    assert_eq!((first.state, second.state), (InterviewState::Booked, InterviewState::Booked));
    world.app.cancel_interview(second.id, "the position was filled", None, false, &World::caller()).await.unwrap();
    // Monday, 14:00 to 15:00 UTC: until after its end.
    world.live_until(first.range.end().as_second() + 600).await;
    let first = world.app.interview(first.id).await.unwrap().interview;
    assert_eq!(first.state, InterviewState::Done);
    let mark = || 7.try_into().unwrap();
    let answers = Answers {
        technical: mark(),
        communication: mark(),
        problem_solving: mark(),
        culture: mark(),
        overall: mark(),
        strengths: "Calm".into(),
        to_improve: String::new(),
        notes: String::new(),
        recommendation: Recommendation::Hire,
    };
    world.app.submit_feedback(first.id, None, answers, &World::caller()).await.unwrap();
    let now = world.app.now().as_second();
    world.live_until(now + 1_200).await;
}

/// What must be true however the walk was interrupted; gives Message-IDs that were delivered more than once.
async fn check(world: &World, what: &str) -> Vec<String> {
    let events: Vec<_> = world.events("ana@example.com").await.into_iter().map(|(title, _)| title).collect();
    assert_eq!(events, ["Interview with Noor"], "{what}: one event per interview that stands, none for the one cancelled");
    for candidate in ["noor@example.net", "mei@example.net"] {
        let mails = world.mails(candidate).await;
        let once = |kind: &str| mails.iter().filter(|known| *known == kind).count();
        assert_eq!(once("candidate_booked"), 1, "{what}: {candidate} {mails:?}");
        assert_eq!(once("candidate_cancelled"), usize::from(candidate.starts_with("mei")), "{what}: {mails:?}");
    }
    assert!(world.mails("ana@example.com").await.contains(&"feedback_request".to_owned()), "{what}");
    assert!(world.mails("recruiting@example.com").await.contains(&"result".to_owned()), "{what}");
    assert!(world.app.dead_jobs(10).await.unwrap().is_empty(), "{what}");
    let mut deliveries = BTreeMap::new();
    for (message_id, _) in world.sent.lock().unwrap().iter() {
        *deliveries.entry(message_id.clone()).or_insert(0) += 1;
    }
    // One message of a kind to a person has one Message-ID, however often it was delivered.
    let stored = world.app.mails(None, ports::store::Page::first(200)).await.unwrap();
    assert_eq!(stored.len(), deliveries.len(), "{what}: every Message-ID that left is on record");
    deliveries.into_iter().filter(|(_, times)| *times > 1).map(|(id, _)| id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_effect_outside_the_walk_ends_the_same() {
    let mut whole = World::new("crash-none").await;
    walk(&mut whole).await;
    let repeated = check(&whole, "uninterrupted").await;
    assert_eq!(repeated, Vec::<String>::new(), "nothing is repeated where nothing is killed");
    let steps = whole.fuse.count();
    assert!(steps >= 12, "only {steps} effects were counted");
    println!("{steps} effects outside");
    for step in 1..=steps {
        for after in [false, true] {
            let what = format!("killed {} effect {step}", if after { "after" } else { "before" });
            let fuse = if after { Fuse::at(usize::MAX, step) } else { Fuse::at(step, usize::MAX) };
            let mut world = World::with(&format!("crash-{step}-{after}"), fuse).await;
            walk(&mut world).await;
            let repeated = check(&world, &what).await;
            assert!(after || repeated.is_empty(), "{what}: {repeated:?} repeated although the effect had not happened");
            assert!(repeated.len() <= 1, "{what}: {repeated:?}");
            println!("{what}: repeated {repeated:?}");
        }
    }
}
