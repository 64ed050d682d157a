//! What writing leaves behind in the calendar.

use ports::{
    CalendarProvider,
    calendar::{Access, EventDraft, EventPatch, FailureClass, ListMode},
};
use serde_json::{Value, json};
use zoho_sim::{
    Switches,
    calendar::{Details, When},
};

use crate::scene::{ANA, Scene, draft, range, scene};

async fn ana(scene: &Scene) -> (Access, String) {
    let access = scene.connect(&scene.zoho, ANA).await.access();
    let calendar = scene.zoho.calendars(&access).await.unwrap()[0].uid.clone();
    (access, calendar)
}

fn details(scene: &Scene, uid: &str) -> Details {
    scene.sim.with(|world, _| {
        let ana = world.accounts.user_by_email(ANA).unwrap().zuid;
        world.calendars.default_of(ana).unwrap().events[uid].details.clone()
    })
}

/// Everything that an owner may have made of her event.
fn elaborate() -> Value {
    json!({
        "title": "Interview, second try",
        "description": "Ask about Rust",
        "location": "Her office",
        "url": "https://greenroom.example.com/i/itv_1",
        "color": "#8cbf40",
        "isprivate": true,
        "dateandtime": {"timezone": "America/New_York", "start": "20260317T150000", "end": "20260317T160000"},
        "attendees": [{"email": "guest@example.net", "status": "ACCEPTED", "permission": 1, "attendance": 2}],
        "reminders": [{"action": "popup", "minutes": "-15"}],
        "conference": "zmeeting",
    })
}

#[tokio::test]
async fn a_move_changes_the_time_and_nothing_else_with_and_without_patch() {
    let scene = scene(Switches::default()).await;
    let (access, calendar) = ana(&scene).await;
    for without_patch in [false, true] {
        let uid = scene.add(ANA, elaborate());
        let before = details(&scene, &uid);
        let etag = scene.zoho.event(&access, &calendar, &uid).await.unwrap().unwrap().etag.unwrap();
        if without_patch {
            let unknown = json!({"error": [{"error_code": "URL_RULE_NOT_CONFIGURED"}]});
            scene.arm(json!({"path": "/api/v1/calendars", "method": "PATCH", "kind": "json", "status": 404, "body": unknown}));
        }
        let patch = EventPatch { range: range("2026-03-18T09:00:00Z", "2026-03-18T10:00:00Z"), zone: draft().zone, etag };
        scene.zoho.reschedule(&access, &calendar, &uid, &patch).await.unwrap();
        let after = details(&scene, &uid);
        let When::Timed { start, end, zone } = &after.when else { panic!("timed") };
        assert_eq!((*start, *end, zone.as_str()), (patch.range.start(), patch.range.end(), "America/New_York"));
        assert_eq!(Details { when: before.when.clone(), ..after }, before, "without PATCH: {without_patch}");
    }
    assert_eq!(scene.mails(), 0);
}

#[tokio::test]
async fn a_meeting_is_made_where_it_is_asked_for() {
    let scene = scene(Switches::default()).await;
    let (access, calendar) = ana(&scene).await;
    let plain = scene.zoho.create(&access, &calendar, &draft()).await.unwrap();
    assert_eq!(plain.meeting_url, None);
    let met = scene.zoho.create(&access, &calendar, &EventDraft { location: None, make_meeting: true, ..draft() }).await.unwrap();
    assert!(met.meeting_url.unwrap().contains("/meeting/") && met.view_url.unwrap().contains(&met.uid));
    assert!(details(&scene, &met.uid).attendees.is_empty());
}

#[tokio::test]
async fn a_create_is_not_idempotent_and_both_are_found() {
    let scene = scene(Switches::default()).await;
    let (access, calendar) = ana(&scene).await;
    let first = scene.zoho.create(&access, &calendar, &draft()).await.unwrap();
    let second = scene.zoho.create(&access, &calendar, &draft()).await.unwrap();
    assert_ne!(first.uid, second.uid);
    let day = range("2026-03-17T00:00:00Z", "2026-03-18T00:00:00Z");
    let found = scene.zoho.events(&access, &calendar, day, ListMode::WithDescription).await.unwrap();
    assert_eq!(found.iter().filter(|event| event.url == draft().url).count(), 2);
}

#[tokio::test]
async fn times_are_those_meant_around_every_change_of_the_clocks() {
    let scene = scene(Switches::default()).await;
    let (access, calendar) = ana(&scene).await;
    // New York, 2026: forward on 8 March at 07:00Z, back on 1 November at 06:00Z (the hour before comes twice).
    for (start, end) in [
        ("2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z"),
        ("2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"),
        ("2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z"),
        ("2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z"),
    ] {
        let wanted = range(start, end);
        let made = scene.zoho.create(&access, &calendar, &EventDraft { range: wanted, ..draft() }).await.unwrap();
        assert_eq!(scene.zoho.event(&access, &calendar, &made.uid).await.unwrap().unwrap().range, wanted);
        let listed = scene.zoho.events(&access, &calendar, wanted, ListMode::Instances).await.unwrap();
        assert_eq!(listed.iter().filter(|event| event.uid == made.uid && event.range == wanted).count(), 1);
    }
}

#[tokio::test]
async fn a_calendar_that_is_not_there_is_a_failure_and_not_an_empty_one() {
    let scene = scene(Switches::default()).await;
    let (access, _) = ana(&scene).await;
    let nowhere = "ffffffffffffffffffffffffffffffff";
    let week = range("2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z");
    for mode in [ListMode::Instances, ListMode::WithDescription] {
        assert_eq!(scene.zoho.events(&access, nowhere, week, mode).await.unwrap_err().class, FailureClass::Gone);
    }
    let error = scene.zoho.create(&access, nowhere, &draft()).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Gone, false), "{error}");
}
