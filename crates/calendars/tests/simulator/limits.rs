//! Data centres, secrets, lifetimes and evictions: who may use what, where and how long.

use ports::{
    CalendarProvider,
    calendar::{Access, CalendarInfo, FailureClass},
};
use zoho_sim::{ForeignCode, Switches, calendar::Privilege};

use crate::scene::{ANA, BRUNO, range, scene};

#[tokio::test]
async fn an_account_lives_in_its_own_data_centre() {
    let scene = scene(Switches::default()).await;
    let bruno = scene.connect(&scene.zoho, BRUNO).await;
    assert_eq!(bruno.centre, "eu");
    let calendars = scene.zoho.calendars(&bruno.access()).await.unwrap();
    assert_eq!(calendars[0].zone.as_ref().unwrap().name(), "Europe/Madrid");
    let elsewhere = Access { data_centre: "us".to_owned(), ..bruno.access() };
    assert_eq!(scene.zoho.calendars(&elsewhere).await.unwrap_err().class, FailureClass::Unauthorized);
    let refresh = bruno.tokens.refresh.unwrap();
    for (foreign, class) in
        [(ForeignCode::InvalidCode, FailureClass::Revoked), (ForeignCode::InvalidClient, FailureClass::Misconfigured)]
    {
        scene.switches(|switches| switches.foreign_code = foreign);
        assert_eq!(scene.zoho.refresh("us", &refresh).await.unwrap_err().class, class);
    }
    scene.zoho.refresh("eu", &refresh).await.unwrap();
}

#[tokio::test]
async fn a_callback_for_two_data_centres_at_once_is_refused() {
    let scene = scene(Switches::default()).await;
    let mut back = scene.consent(&scene.zoho, BRUNO).await;
    back.insert("location".to_owned(), "us".to_owned());
    let error = scene.exchange(&scene.zoho, &back).await.err().unwrap();
    assert_eq!(error.class, FailureClass::WrongDataCentre, "{error}");
}

#[tokio::test]
async fn the_wrong_secret_is_the_operators_mistake() {
    let scene = scene(Switches::default()).await;
    let ana = scene.connect(&scene.zoho, ANA).await;
    scene.switches(|switches| switches.per_dc_secret = true);
    let error = scene.impatient(std::time::Duration::from_secs(20)).refresh("eu", &ana.tokens.refresh.unwrap()).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Misconfigured, "{error}");
    assert!(error.detail.contains("ZOHO_CLIENT_SECRET"), "{error}");
}

#[tokio::test]
async fn a_code_works_once_and_not_for_ever() {
    let scene = scene(Switches::default()).await;
    let back = scene.consent(&scene.zoho, ANA).await;
    scene.exchange(&scene.zoho, &back).await.unwrap();
    assert_eq!(scene.exchange(&scene.zoho, &back).await.err().unwrap().class, FailureClass::Revoked);
    let back = scene.consent(&scene.zoho, ANA).await;
    scene.advance(121);
    assert_eq!(scene.exchange(&scene.zoho, &back).await.err().unwrap().class, FailureClass::Revoked);
}

#[tokio::test]
async fn an_access_token_ends_and_the_eleventh_ends_the_first() {
    let scene = scene(Switches::default()).await;
    let ana = scene.connect(&scene.zoho, ANA).await;
    let refresh = ana.tokens.refresh.clone().unwrap();
    for _ in 0..10 {
        scene.zoho.refresh("us", &refresh).await.unwrap();
    }
    assert_eq!(scene.zoho.calendars(&ana.access()).await.unwrap_err().class, FailureClass::Unauthorized);
    scene.advance(601);
    let fresh =
        Access { data_centre: "us".to_owned(), token: scene.zoho.refresh("us", &refresh).await.unwrap().access, zone: None };
    scene.zoho.calendars(&fresh).await.unwrap();
    scene.advance(3600);
    assert_eq!(scene.zoho.calendars(&fresh).await.unwrap_err().class, FailureClass::Unauthorized);
}

#[tokio::test]
async fn shared_calendars_are_read_and_not_written() {
    let scene = scene(Switches::default()).await;
    scene.sim.with(|world, _| {
        let ana = world.accounts.user_by_email(ANA).unwrap().zuid;
        let mut shared = world.calendars.default_of(ana).unwrap().clone();
        shared.uid = "b7f1c0d2e3a4958697a8b9cadbecfd0e".to_owned();
        shared.is_default = false;
        shared.timezone = "PST".to_owned();
        shared.owner = zoho_sim::UserId(4711);
        shared.shares.insert(ana, Privilege::View);
        world.calendars.insert(shared);
    });
    let access = scene.connect(&scene.zoho, ANA).await.access();
    let calendars = scene.zoho.calendars(&access).await.unwrap();
    let shared: &CalendarInfo = calendars.iter().find(|calendar| calendar.uid.starts_with("b7f1")).unwrap();
    assert!(!shared.writable && !shared.is_default);
    assert_eq!(shared.zone.as_ref().unwrap().name(), "America/Los_Angeles", "a legacy name");
    let error = scene.zoho.create(&access, &shared.uid, &crate::scene::draft()).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Refused, false), "{error}");
}

#[tokio::test]
async fn somebody_elses_free_busy_is_unknown_not_free() {
    let scene = scene(Switches::default()).await;
    let access = scene.connect(&scene.zoho, ANA).await.access();
    let week = range("2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z");
    let stranger = "nobody@example.org".parse().unwrap();
    assert_eq!(scene.zoho.free_busy(&access, &stranger, week).await.unwrap(), None);
}
