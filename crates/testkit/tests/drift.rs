//! Five hundred random things that people do in their calendars by hand: each that matters is noticed within five minutes, and nothing
//! else is made of anything.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::World;
use domain::{
    Id, TimeRange, Timestamp,
    interviews::{AttentionReason, Interview, InterviewState},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

const MANAGERS: [&str; 3] = ["ana@example.com", "bruno@example.com", "chandra@example.com"];
/// Fewer on PostgreSQL, where the same walk takes longer.
const CHANGES: [usize; 2] = [500, 100];
const SEED: u64 = 20_261_127;

/// A small generator, so that the walk is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What must have become of an interview.
#[derive(Debug, Clone, PartialEq)]
enum Expected {
    /// Booked at this time.
    At(TimeRange),
    /// A person is asked, and the time is the one before.
    Asked(AttentionReason, TimeRange),
}

fn range(start: Timestamp, minutes: i64) -> TimeRange {
    TimeRange::new(start, start.checked_add(SignedDuration::from_mins(minutes)).unwrap()).unwrap()
}

fn times(range: TimeRange) -> Value {
    let zoho = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    json!({"timezone": "UTC", "start": zoho(range.start()), "end": zoho(range.end())})
}

/// Five minutes, in steps: looks do not move the tests' clock by themselves.
async fn wait(world: &World) {
    for seconds in [240, 20, 20, 20] {
        world.pass(seconds).await;
    }
}

/// Interviews with the manager whose calendar they stand in.
async fn all(world: &World, known: &[(Id<Interview>, &'static str)]) -> Vec<(Interview, &'static str)> {
    let mut found = Vec::new();
    for (id, manager) in known {
        found.push((world.app.interview(*id).await.unwrap().interview, *manager));
    }
    found
}

async fn change(world: &World, manager: &str, interview: &Interview, event: Value) {
    let uid = &interview.event.as_ref().unwrap().uid;
    world.sim_change("PATCH", json!({"email": manager, "uid": uid, "event": event})).await;
}

async fn meeting(world: &World, manager: &str, range: TimeRange, more: &Value) -> String {
    let mut event = json!({"title": "Something", "dateandtime": times(range)});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = world.sim_post("events", json!({"email": manager, "event": event})).await;
    made["uid"].as_str().unwrap().to_owned()
}

/// One thing done by hand, and what it must lead to. Meetings made over interviews are noted in `over`.
async fn by_hand(
    world: &World,
    dice: &mut Dice,
    (interview, manager): (&Interview, &'static str),
    others: &[TimeRange],
    over: &mut Vec<(&'static str, String)>,
) -> (Expected, &'static str) {
    let stays = Expected::At(interview.range);
    match dice.below(9) {
        0..=2 => {
            // To a half hour of some day, as long as that is nobody else's time, and not where something of before still lies.
            let to = loop {
                let by = SignedDuration::from_mins(30 * i64::try_from(dice.below(400)).unwrap() - 30 * 150);
                let to = range(interview.range.start().checked_add(by).unwrap(), interview.range.minutes());
                let soon = world.app.now().checked_add(SignedDuration::from_hours(72)).unwrap();
                if to.start() > soon && !others.iter().any(|other| other.overlaps(to)) {
                    break to;
                }
            };
            change(world, manager, interview, json!({"dateandtime": times(to)})).await;
            (Expected::At(to), "dragged")
        }
        3 => {
            world.sim_change("DELETE", json!({"email": manager, "uid": interview.event.as_ref().unwrap().uid})).await;
            (Expected::Asked(AttentionReason::EventDeleted, interview.range), "deleted")
        }
        4 => {
            // Within it, so that no other interview is touched.
            let start = interview.range.start().checked_add(SignedDuration::from_mins(5 * i64::try_from(dice.below(3)).unwrap()));
            over.push((manager, meeting(world, manager, range(start.unwrap(), 15), &json!({})).await));
            (Expected::Asked(AttentionReason::Clash, interview.range), "overlapped")
        }
        5 => {
            change(world, manager, interview, json!({"attendees": [{"email": manager, "status": "DECLINED"}]})).await;
            (Expected::Asked(AttentionReason::ManagerCannot, interview.range), "declined")
        }
        8 if !others.iter().any(|other| other.overlaps(range(interview.range.end(), 30))) => {
            over.push((manager, meeting(world, manager, range(interview.range.end(), 30), &json!({})).await));
            (stays, "right behind it")
        }
        6 | 8 => {
            // The name stays: the mails' own check looks for it.
            let name = world.app.interview(interview.id).await.unwrap().candidate.name;
            change(world, manager, interview, json!({"title": format!("Interview with {name}, {}", dice.below(1_000))})).await;
            (stays, "retitled")
        }
        _ => {
            over.push((manager, meeting(world, manager, interview.range, &json!({"transparency": 1})).await));
            (stays, "free beside it")
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_changes_by_hand_are_noticed_and_none_is_invented() {
    let world = World::new("drift").await;
    let mut known = Vec::new();
    for manager in MANAGERS {
        world.consent(manager).await;
    }
    world.drain().await;
    for (place, manager) in MANAGERS.into_iter().enumerate() {
        let names = [["Noor", "Mei", "Tomasz", "Ife"], ["Sana", "Piet", "Lucia", "Omar"], ["Kim", "Ravi", "Elin", "Zoe"]][place];
        let id = world.vacancy_of(manager, &names).await;
        world.approve(id).await;
        world.pass(60).await;
        let view = world.app.vacancy(id).await.unwrap();
        known.extend(view.shortlist.iter().map(|item| (item.interview.as_ref().unwrap().id, manager)));
    }
    assert_eq!(known.len(), 12);
    // Far enough away for the whole walk.
    for (interview, manager) in all(&world, &known).await {
        let to =
            range(interview.range.start().checked_add(SignedDuration::from_hours(24 * 12)).unwrap(), interview.range.minutes());
        change(&world, manager, &interview, json!({"dateandtime": times(to)})).await;
        world.pass(300).await;
    }
    let mut dice = Dice(SEED);
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    let mut made = 0;
    let changes = CHANGES[usize::from(common::on_postgres())];
    while made < changes {
        let before = all(&world, &known).await;
        let mut expected: Vec<Expected> = before.iter().map(|(interview, _)| Expected::At(interview.range)).collect();
        let (mut over, mut taken) = (Vec::new(), before.iter().map(|(interview, _)| interview.range).collect::<Vec<_>>());
        let mut what: Vec<(usize, &str)> = Vec::new();
        for _ in 0..2 + dice.below(4) {
            let place = usize::try_from(dice.below(12)).unwrap();
            let (interview, manager) = &before[place];
            // Four of one calendar at once would be held back.
            let theirs = what.iter().filter(|(other, _)| before[*other].1 == *manager).count();
            if what.iter().any(|(known, _)| *known == place) || theirs == 3 {
                continue;
            }
            let (must, name) = by_hand(&world, &mut dice, (interview, manager), &taken, &mut over).await;
            if let Expected::At(to) = must {
                taken.push(to);
            }
            taken.push(range(interview.range.end(), 30));
            expected[place] = must;
            what.push((place, name));
            *done.entry(name).or_default() += 1;
            made += 1;
        }
        wait(&world).await;
        for (((interview, _), must), place) in all(&world, &known).await.iter().zip(&expected).zip(0..) {
            let found = match interview.attention {
                Some((reason, _)) => Expected::Asked(reason, interview.range),
                None => Expected::At(interview.range),
            };
            assert_eq!(
                (&found, interview.state == InterviewState::Attention),
                (must, matches!(must, Expected::Asked(..))),
                "interview {place} after {made} changes, the last {what:?}"
            );
        }
        // People tidy up: meetings go, which ends a clash by itself; what was asked is answered.
        for (manager, uid) in over {
            world.sim_change("DELETE", json!({"email": manager, "uid": uid})).await;
        }
        wait(&world).await;
        for (interview, manager) in all(&world, &known).await {
            let Some((reason, _)) = interview.attention else { continue };
            assert_ne!(reason, AttentionReason::Clash, "the meeting is gone");
            if reason == AttentionReason::ManagerCannot {
                change(&world, manager, &interview, json!({"attendees": [{"email": manager, "status": "ACCEPTED"}]})).await;
            }
            world.app.resolve_interview(interview.id, &World::caller()).await.unwrap();
        }
        wait(&world).await;
        for (interview, _) in all(&world, &known).await {
            assert_eq!((interview.state, interview.attention), (InterviewState::Booked, None));
        }
    }
    assert!(done.len() == 7 && done.values().all(|count| *count >= changes / 50), "{done:?}");
    let view = world.app.reality().await.unwrap();
    let differing: Vec<_> = view.interviews.iter().filter(|row| row.differs()).map(|row| &row.sights).collect();
    assert!(differing.is_empty() && view.interviews.len() == 12, "{differing:?}");
    assert!(world.app.dead_jobs(10).await.unwrap().is_empty());
}
