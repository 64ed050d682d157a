//! Every fault on every call: the right class, the truth about writes, and no pretending.

use std::time::Duration;

use ports::{
    CalendarProvider,
    calendar::{EventPatch, FailureClass, ListMode, ProviderError},
};
use serde_json::{Value, json};
use zoho_sim::Switches;

use crate::scene::{ANA, MARKER, Scene, draft, range, scene};

/// Each fault with the class that a read gives.
fn faults() -> Vec<(Value, FailureClass)> {
    use FailureClass::{Passing, Protocol, Throttled};
    vec![
        (json!({"kind": "html200"}), Protocol),
        (json!({"kind": "status", "status": 503}), Passing),
        (json!({"kind": "status", "status": 500}), Passing),
        (json!({"kind": "status", "status": 429}), Throttled),
        (json!({"kind": "reset"}), Passing),
        (json!({"kind": "general_error"}), Passing),
        (json!({"kind": "localised"}), Throttled),
        (json!({"kind": "throttled"}), Throttled),
        (json!({"kind": "garbage_json"}), Protocol),
        (json!({"kind": "empty_body"}), Protocol),
        (json!({"kind": "empty_object"}), Protocol),
        (json!({"kind": "commit_then_drop"}), Passing),
    ]
}

fn armed(fault: &Value, path: &str, method: &str) -> Value {
    let mut armed = fault.clone();
    armed["path"] = path.into();
    armed["method"] = method.into();
    armed
}

async fn found(scene: &Scene, access: &ports::calendar::Access, calendar: &str) -> usize {
    let wide = range("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");
    let events = scene.zoho.events(access, calendar, wide, ListMode::WithDescription).await.unwrap();
    events.iter().filter(|event| event.url.as_deref() == Some(MARKER)).count()
}

#[tokio::test]
async fn a_fault_on_a_read_is_a_failure_of_its_class() {
    let scene = scene(Switches::default()).await;
    scene.fill();
    let access = scene.connect(&scene.zoho, ANA).await.access();
    let zoho = &scene.zoho;
    let calendar = zoho.calendars(&access).await.unwrap()[0].uid.clone();
    let week = range("2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z");
    let api = "/api/v1/calendars";
    for (fault, class) in faults() {
        let mut errors: Vec<ProviderError> = Vec::new();
        scene.arm(armed(&fault, api, "GET"));
        errors.push(zoho.calendars(&access).await.unwrap_err());
        scene.arm(armed(&fault, api, "GET"));
        errors.push(zoho.events(&access, &calendar, week, ListMode::Instances).await.unwrap_err());
        scene.arm(armed(&fault, api, "GET"));
        errors.push(zoho.event(&access, &calendar, "0123456789abcdef@zoho.com").await.unwrap_err());
        scene.arm(armed(&fault, api, "GET"));
        errors.push(zoho.free_busy(&access, &ANA.parse().unwrap(), week).await.unwrap_err());
        scene.arm(armed(&fault, "/oauth/user/info", "GET"));
        errors.push(zoho.identity(&access).await.unwrap_err());
        // The week's all-day event needs the calendar's zone: a second call that may fail.
        let mut second = armed(&fault, api, "GET");
        second["skip"] = 1.into();
        scene.arm(second);
        errors.push(zoho.events(&access, &calendar, week, ListMode::Instances).await.unwrap_err());
        for error in errors {
            assert_eq!((error.class, error.may_have_happened), (class, false), "{fault}: {error}");
        }
    }
    assert!(scene.sim.with(|world, _| world.faults.armed().is_empty()), "each fault struck");
    assert!(!zoho.events(&access, &calendar, week, ListMode::Instances).await.unwrap().is_empty(), "and then the truth again");
}

#[tokio::test]
async fn a_fault_on_a_write_says_whether_it_may_have_happened() {
    let scene = scene(Switches::default()).await;
    let access = scene.connect(&scene.zoho, ANA).await.access();
    let zoho = &scene.zoho;
    let calendar = zoho.calendars(&access).await.unwrap()[0].uid.clone();
    for (fault, class) in faults() {
        scene.arm(armed(&fault, "/api/v1/calendars", "POST"));
        let error = zoho.create(&access, &calendar, &draft()).await.unwrap_err();
        let clear = class == FailureClass::Throttled;
        assert_eq!((error.class, error.may_have_happened), (class, !clear), "{fault}: {error}");
        let happened = usize::from(fault["kind"] == "commit_then_drop");
        assert_eq!(found(&scene, &access, &calendar).await, happened, "{fault}");
    }
    let created = zoho.create(&access, &calendar, &draft()).await.unwrap();
    let patch = EventPatch { range: range("2026-03-18T19:00:00Z", "2026-03-18T20:00:00Z"), zone: draft().zone, etag: created.etag };
    for (fault, class) in faults() {
        let clear = class == FailureClass::Throttled;
        scene.arm(armed(&fault, "/api/v1/calendars", "DELETE"));
        let error = zoho.delete(&access, &calendar, "0123456789abcdef@zoho.com", "1").await.unwrap_err();
        assert_eq!((error.class, error.may_have_happened), (class, !clear), "{fault}: {error}");
        scene.arm(armed(&fault, "/api/v1/calendars", "PATCH"));
        let error = zoho.reschedule(&access, &calendar, &created.uid, &patch).await.unwrap_err();
        assert_eq!((error.class, error.may_have_happened), (class, !clear), "{fault}: {error}");
    }
    let live = zoho.event(&access, &calendar, &created.uid).await.unwrap().unwrap();
    assert_eq!(live.range, patch.range, "the move whose answer was withheld took place");
    assert_eq!(zoho.reschedule(&access, &calendar, &created.uid, &patch).await.unwrap_err().class, FailureClass::Changed);
}

#[tokio::test]
async fn a_write_may_happen_long_after_its_connection_broke() {
    let scene = scene(Switches::default()).await;
    let access = scene.connect(&scene.zoho, ANA).await.access();
    let calendar = scene.zoho.calendars(&access).await.unwrap()[0].uid.clone();
    scene.arm(json!({"path": "/api/v1/calendars", "method": "POST", "kind": "drop_then_commit_after", "seconds": 30}));
    let error = scene.zoho.create(&access, &calendar, &draft()).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Passing, true));
    assert_eq!(found(&scene, &access, &calendar).await, 0);
    scene.advance(31);
    assert_eq!(found(&scene, &access, &calendar).await, 1);
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_in_time() {
    let scene = scene(Switches::default()).await;
    let ana = scene.connect(&scene.zoho, ANA).await;
    let calendar = scene.zoho.calendars(&ana.access()).await.unwrap()[0].uid.clone();
    let impatient = scene.impatient(Duration::from_millis(300));
    scene.arm(json!({"path": "/api/v1/calendars", "method": "POST", "kind": "hang"}));
    let error = impatient.create(&ana.access(), &calendar, &draft()).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Passing, true), "{error}");
    scene.arm(json!({"path": "/oauth/v2/token", "kind": "hang"}));
    let error = impatient.refresh("us", &ana.tokens.refresh.unwrap()).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Passing, "{error}");
}

#[tokio::test]
async fn a_fault_of_the_token_endpoint_never_ends_a_permission() {
    let scene = scene(Switches::default()).await;
    let refresh = scene.connect(&scene.zoho, ANA).await.tokens.refresh.unwrap();
    for (fault, class) in faults() {
        scene.arm(armed(&fault, "/oauth/v2/token", "POST"));
        let error = scene.zoho.refresh("us", &refresh).await.unwrap_err();
        assert_eq!(error.class, class, "{fault}: {error}");
        scene.arm(armed(&fault, "/oauth/v2/token/revoke", "POST"));
        let error = scene.zoho.revoke("us", &refresh).await.err().map(|error| error.class);
        // The last fault carries it out; until then nothing has ended.
        assert_eq!(error, Some(class), "{fault}");
    }
}
