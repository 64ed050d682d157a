//! One manager's whole story, from consent to revocation. It holds under every setting of the simulator; where a setting changes what
//! can be known, the story says what must be known at least.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use ports::{
    CalendarProvider,
    calendar::{Access, EventPatch, FailureClass, ListMode},
};
use serde_json::json;
use vault::{AccessToken, RefreshToken};
use zoho_sim::{CallBudget, MissingScopeBody, RateLimit, Rotation, Switches};

use crate::scene::{ANA, Consented, MARKER, Scene, draft, range, scene};

/// Plays it.
pub async fn play(switches: Switches) {
    let scene = scene(switches).await;
    let uids = scene.fill();
    let consented = permission(&scene).await;
    let calendar = calendars(&scene, &consented.access()).await;
    reading(&scene, &consented.access(), &calendar, &uids).await;
    free_busy(&scene, &consented.access()).await;
    writing(&scene, &consented.access(), &calendar).await;
    refusals(&scene, &consented.access(), &calendar).await;
    too_many_calls(&scene, &consented.access()).await;
    the_end(&scene, consented).await;
    assert_eq!(scene.mails(), 0, "Zoho mails nobody on our behalf");
}

async fn permission(scene: &Scene) -> Consented {
    let mut consented = scene.connect(&scene.zoho, ANA).await;
    let tokens = &consented.tokens;
    assert!((1..=3600).contains(&tokens.expires_in));
    let required = scene.zoho.required_scopes();
    assert!(tokens.scopes.is_empty() || required.iter().all(|scope| tokens.scopes.contains(scope)), "{:?}", tokens.scopes);
    let refresh = tokens.refresh.clone().unwrap();
    let refreshed = scene.zoho.refresh("us", &refresh).await.unwrap();
    let rotation = |switches: &mut Switches| switches.rotate_refresh_in.get("us").copied().unwrap_or(switches.rotate_refresh);
    let rotates = scene.switches(rotation) != Rotation::Never;
    assert_eq!(refreshed.refresh.is_some(), rotates);
    assert_ne!(refreshed.access, tokens.access);
    consented.tokens.access = refreshed.access;
    consented.tokens.refresh = refreshed.refresh.or(Some(refresh));
    let identity = scene.zoho.identity(&consented.access()).await.unwrap();
    assert_eq!(identity.email.as_str(), ANA);
    assert_eq!(identity.name.as_deref(), Some("Ana Diaz"));
    assert!(identity.user_id.bytes().all(|byte| byte.is_ascii_digit()));
    consented
}

async fn calendars(scene: &Scene, access: &Access) -> String {
    let calendars = scene.zoho.calendars(access).await.unwrap();
    assert!(calendars.iter().all(|calendar| !calendar.uid.starts_with("group_")), "{calendars:?}");
    let defaults: Vec<_> = calendars.iter().filter(|calendar| calendar.is_default).collect();
    assert_eq!(defaults.len(), 1, "{calendars:?}");
    let default = defaults[0];
    assert!(default.writable && default.in_free_busy == Some(true) && default.change_tag.is_some());
    assert_eq!(default.zone.as_ref().unwrap().name(), "America/New_York");
    default.uid.clone()
}

async fn reading(scene: &Scene, access: &Access, calendar: &str, uids: &BTreeMap<&str, String>) {
    let week = range("2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z");
    let events = scene.zoho.events(access, calendar, week, ListMode::Instances).await.unwrap();
    let busy: BTreeMap<&str, bool> =
        uids.iter().filter_map(|(name, uid)| Some((*name, events.iter().find(|event| event.uid == *uid)?.busy))).collect();
    let shows_free = scene.switches(|switches| switches.byinstance_has_transparency);
    let expected = [
        ("day", true),
        ("declined", false),
        ("free", !shows_free),
        ("hosted", true),
        ("private", true),
        ("single", true),
        ("weekly", true),
    ];
    assert_eq!(busy, BTreeMap::from(expected));
    assert_eq!(events.len(), 7, "each once: {events:?}");
    let one = |name: &str| events.iter().find(|event| event.uid == uids[name]).unwrap();
    assert_eq!(one("single").range, range("2026-03-10T14:00:00Z", "2026-03-10T14:30:00Z"), "after the clocks went forward");
    assert!(one("private").private && !one("single").private);
    let day = one("day");
    assert!(day.all_day && day.range.covers(range("2026-03-12T04:00:00Z", "2026-03-13T04:00:00Z")), "{day:?}");
    assert!(day.range.duration() <= SignedDuration::from_hours(48));

    let quarter = range("2026-02-15T00:00:00Z", "2026-06-01T00:00:00Z");
    let long = scene.zoho.events(access, calendar, quarter, ListMode::Instances).await.unwrap();
    let weekly: Vec<_> =
        long.iter().filter(|event| event.uid == uids["weekly"]).map(|event| event.range.start().to_string()).collect();
    assert_eq!(weekly.len(), 9, "ten occurrences, one deleted, none twice: {weekly:?}");
    assert!(!weekly.contains(&"2026-03-16T14:00:00Z".to_owned()));

    let empty = range("2027-03-09T00:00:00Z", "2027-03-16T00:00:00Z");
    assert_eq!(scene.zoho.events(access, calendar, empty, ListMode::Instances).await.unwrap(), []);
    let master = scene.zoho.event(access, calendar, &uids["weekly"]).await.unwrap().unwrap();
    assert!(master.recurrence.is_some() && master.etag.is_some(), "not the placeholder of the deleted one: {master:?}");
    assert_eq!(scene.zoho.event(access, calendar, "0123456789abcdef@zoho.com").await.unwrap(), None);
}

async fn free_busy(scene: &Scene, access: &Access) {
    let week = range("2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z");
    let email = ANA.parse().unwrap();
    let answer = scene.zoho.free_busy(access, &email, week).await.unwrap();
    if scene.switches(|switches| switches.fb_not_enabled.contains(ANA)) {
        assert_eq!(answer, None, "not shared is not known");
        return;
    }
    let busy = answer.unwrap();
    let covered = |start: &str, end: &str| busy.iter().any(|one| one.covers(range(start, end)));
    assert!(covered("2026-03-10T14:00:00Z", "2026-03-10T14:30:00Z"), "{busy:?}");
    assert!(covered("2026-03-12T04:00:00Z", "2026-03-13T04:00:00Z"), "the whole day in New York: {busy:?}");
    assert!(!covered("2026-03-11T14:00:00Z", "2026-03-11T14:30:00Z"), "shown as free: {busy:?}");
    let empty = range("2027-03-09T00:00:00Z", "2027-03-16T00:00:00Z");
    assert_eq!(scene.zoho.free_busy(access, &email, empty).await.unwrap(), Some(Vec::new()));
}

async fn writing(scene: &Scene, access: &Access, calendar: &str) {
    let zoho = &scene.zoho;
    let created = zoho.create(access, calendar, &draft()).await.unwrap();
    let (hidden_s, readable_s) = scene.switches(|switches| (switches.create_invisible_s, switches.delete_readable_s));
    assert_eq!(zoho.event(access, calendar, &created.uid).await.unwrap().is_none(), hidden_s > 0);
    scene.advance(hidden_s);
    let live = zoho.event(access, calendar, &created.uid).await.unwrap().unwrap();
    assert_eq!((live.range, live.title.as_str(), live.url.as_deref()), (draft().range, "Interview with Bo Li", Some(MARKER)));
    assert_eq!(live.etag.as_ref(), Some(&created.etag));
    assert!(live.busy && !live.private && !live.all_day);
    let around = range("2026-03-17T00:00:00Z", "2026-03-18T00:00:00Z");
    let found = zoho.events(access, calendar, around, ListMode::WithDescription).await.unwrap();
    assert!(found.iter().any(|event| event.description.as_deref().is_some_and(|text| text.contains(MARKER))), "{found:?}");

    // The manager gives it a title of her own; our etag is old now.
    scene.advance(1);
    scene.sim.with(|world, now| world.change_by_hand(ANA, &created.uid, json!({"title": "Bo, at last"}), now)).unwrap();
    let later = range("2026-03-18T19:00:00Z", "2026-03-18T20:00:00Z");
    let mut patch = EventPatch { range: later, zone: draft().zone, etag: created.etag.clone() };
    let stale = zoho.reschedule(access, calendar, &created.uid, &patch).await.unwrap_err();
    assert_eq!(stale.class, FailureClass::Changed, "{stale}");
    assert_eq!(zoho.delete(access, calendar, &created.uid, &created.etag).await.unwrap_err().class, FailureClass::Changed);
    patch.etag = zoho.event(access, calendar, &created.uid).await.unwrap().unwrap().etag.unwrap();
    scene.advance(1);
    let moved = zoho.reschedule(access, calendar, &created.uid, &patch).await.unwrap();
    assert!(moved.uid == created.uid && moved.etag != patch.etag);
    let live = zoho.event(access, calendar, &created.uid).await.unwrap().unwrap();
    assert_eq!((live.range, live.title.as_str()), (later, "Bo, at last"), "her title stays");
    assert!(live.description.unwrap().contains(MARKER), "and the notes");

    zoho.delete(access, calendar, &created.uid, &moved.etag).await.unwrap();
    zoho.delete(access, calendar, &created.uid, &moved.etag).await.unwrap();
    scene.advance(readable_s);
    assert_eq!(zoho.event(access, calendar, &created.uid).await.unwrap(), None);
    let gone = zoho.reschedule(access, calendar, &created.uid, &patch).await.unwrap_err();
    assert_eq!(gone.class, FailureClass::Gone, "{gone}");
}

async fn refusals(scene: &Scene, access: &Access, calendar: &str) {
    let zoho = &scene.zoho;
    let dead = Access { token: AccessToken::new("1000.dead.beef".to_owned()), ..access.clone() };
    let week = range("2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z");
    for error in [
        zoho.calendars(&dead).await.unwrap_err(),
        zoho.events(&dead, calendar, week, ListMode::Instances).await.unwrap_err(),
        zoho.event(&dead, calendar, "0123456789abcdef@zoho.com").await.unwrap_err(),
        zoho.create(&dead, calendar, &draft()).await.unwrap_err(),
        zoho.delete(&dead, calendar, "0123456789abcdef@zoho.com", "1").await.unwrap_err(),
        zoho.identity(&dead).await.unwrap_err(),
    ] {
        assert_eq!((error.class, error.may_have_happened), (FailureClass::Unauthorized, false), "{error}");
    }
    let reader = scene.with_scopes("ZohoCalendar.calendar.READ,ZohoCalendar.event.READ");
    let narrow = scene.connect(&reader, ANA).await.access();
    for error in [
        reader.create(&narrow, calendar, &draft()).await.unwrap_err(),
        reader.free_busy(&narrow, &ANA.parse().unwrap(), week).await.unwrap_err(),
    ] {
        assert_eq!((error.class, error.may_have_happened), (FailureClass::ScopeMissing, false), "{error}");
    }
    let error = reader.identity(&narrow).await.unwrap_err();
    let silent = scene.switches(|switches| switches.userinfo_missing_scope_body) == MissingScopeBody::Empty;
    let class = if silent { FailureClass::Unauthorized } else { FailureClass::ScopeMissing };
    assert_eq!(error.class, class, "an empty 401 does not say why: {error}");
}

async fn too_many_calls(scene: &Scene, access: &Access) {
    let before = scene.switches(|switches| switches.calendar_budget.replace(CallBudget { calls: 1, per_s: 60, lock_s: 90 }));
    scene.advance(3600 / 4);
    let error = match scene.zoho.calendars(access).await {
        Ok(_) => scene.zoho.calendars(access).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.class, FailureClass::Throttled, "{error}");
    assert_eq!(error.retry_after, scene.switches(|switches| switches.retry_after).then_some(90));
    scene.switches(|switches| switches.calendar_budget = before);
}

/// The budget of refreshes, then revocation.
async fn the_end(scene: &Scene, consented: Consented) {
    let mut refresh = consented.tokens.refresh.unwrap();
    scene.advance(600);
    scene.switches(|switches| switches.refresh_limit = RateLimit { count: 2, window_s: 600, block_s: 0 });
    if scene.switches(|switches| switches.rotate_refresh) == Rotation::Never {
        for _ in 0..2 {
            scene.zoho.refresh("us", &refresh).await.unwrap();
        }
        let error = scene.zoho.refresh("us", &refresh).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Throttled, "not a revocation: {error}");
        scene.advance(601);
    }
    let again = scene.zoho.refresh("us", &refresh).await.unwrap();
    refresh = again.refresh.unwrap_or(refresh);
    scene.zoho.revoke("us", &refresh).await.unwrap();
    scene.zoho.revoke("us", &refresh).await.unwrap();
    assert_eq!(scene.zoho.refresh("us", &refresh).await.unwrap_err().class, FailureClass::Revoked);
    let never = RefreshToken::new("1000.never.was".to_owned());
    assert_eq!(scene.zoho.refresh("us", &never).await.unwrap_err().class, FailureClass::Revoked);
    scene.advance(scene.switches(|switches| switches.revoke_delay_s));
    let access = Access { data_centre: "us".to_owned(), token: again.access, zone: None };
    assert_eq!(scene.zoho.calendars(&access).await.unwrap_err().class, FailureClass::Unauthorized);
}
