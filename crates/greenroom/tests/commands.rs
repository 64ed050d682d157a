//! `check` and `import managers` against a running `serve`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::{Scene, said};
use reqwest::Method;
use serde_json::Value;

const ANA: &str = "ana@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn check_names_the_first_thing_that_is_wrong_and_passes_when_nothing_is() {
    let scene = Scene::new("check").await;
    let url = ("GREENROOM_URL", scene.greenroom.as_str());
    let down = scene.run(&["check", ANA], &[url]).await;
    assert_eq!(down.status.code(), Some(1));
    assert!(said(&down).contains("start it with `greenroom serve`"), "{}", said(&down));

    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let key = scene.make_key(&cookie).await;
    for (more, sentence) in [
        (vec![url], "GREENROOM_API_KEY is not set"),
        (vec![url, ("GREENROOM_API_KEY", "grk_wrong")], "not known, has ended or was revoked"),
        (vec![url, ("GREENROOM_API_KEY", &key)], "never granted access"),
    ] {
        let failed = scene.run(&["check", ANA], &more).await;
        assert_eq!(failed.status.code(), Some(1));
        assert!(said(&failed).contains(sentence) && said(&failed).contains("what to do"), "{}", said(&failed));
    }

    scene.connect(ANA, &key).await;
    let busy = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
        DTSTART:20260105T140000Z\r\nDTEND:20260105T150000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:Stand-up\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    scene.sim.with(|world, now| world.import_ics(ANA, None, busy, now)).unwrap();
    let before = calendar(&scene).await;
    let passed = scene.run(&["check", ANA, "--write"], &[url, ("GREENROOM_API_KEY", &key)]).await;
    assert!(passed.status.success(), "{}", said(&passed));
    assert!(said(&passed).contains("All 11 steps ok") && said(&passed).contains("14, of them 14 busy"), "{}", said(&passed));
    let after = calendar(&scene).await;
    assert_eq!(after["events"], before["events"], "the calendar is as it was");
    assert_eq!(after["graves"].as_array().map(Vec::len), Some(1), "and one event was there in between");

    // A list that lags behind a write is asked again.
    scene.sim.with(|world, _| (world.switches.create_invisible_s, world.switches.delete_readable_s) = (1, 1));
    let late = scene.run(&["check", ANA, "--write"], &[url, ("GREENROOM_API_KEY", &key)]).await;
    assert!(late.status.success(), "{}", said(&late));

    // The provider lists an event that is shown as free without saying so: free/busy knows better.
    let free = busy
        .replace("UID:1", "UID:2")
        .replace("T14", "T20")
        .replace("T15", "T21")
        .replace("SUMMARY", "TRANSP:TRANSPARENT\r\nSUMMARY");
    scene.sim.with(|world, now| world.import_ics(ANA, None, &free, now)).unwrap();
    scene.sim.with(|world, _| world.switches.byinstance_has_transparency = false);
    let differs = scene.run(&["check", ANA], &[url, ("GREENROOM_API_KEY", &key)]).await;
    assert_eq!(differs.status.code(), Some(1));
    assert!(said(&differs).contains("busy only by the events: ") && said(&differs).contains("T20:00:00Z"), "{}", said(&differs));

    // The account stops sharing: nothing to compare, and no claim that both agree.
    assert!(scene.sim.with(|world, _| world.switches.fb_not_enabled.insert(ANA.to_owned())));
    let unshared = scene.run(&["check", ANA], &[url, ("GREENROOM_API_KEY", &key)]).await;
    assert!(unshared.status.success() && said(&unshared).contains("does not share free/busy"), "{}", said(&unshared));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_owner_cannot_be_deleted_over_the_api() {
    let scene = Scene::new("check-foreign").await;
    let mut serving = scene.serve().await;
    let key = scene.make_key(&scene.log_in(&serving.printed()).await).await;
    scene.connect(ANA, &key).await;
    let own = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20260101T000000Z\r\n\
        DTSTART:20300105T140000Z\r\nDTEND:20300105T150000Z\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    scene.sim.with(|world, now| world.import_ics(ANA, None, own, now)).unwrap();
    let path = format!("managers/{ANA}/calendars/primary/events");
    let list = scene.api(Method::GET, &format!("{path}?start=2030-01-05T00:00:00Z&end=2030-01-06T00:00:00Z"), &key);
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    let uid = list["items"][0]["id"].as_str().unwrap();
    let refused = scene.api(Method::DELETE, &format!("{path}/{uid}"), &key).send().await.unwrap();
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("not_ours"));
    assert!(calendar(&scene).await["events"].to_string().contains("Dentist"));
}

#[tokio::test(flavor = "multi_thread")]
async fn import_says_what_would_happen_and_writes_all_or_nothing() {
    let scene = Scene::new("import").await;
    let mut serving = scene.serve().await;
    let key = scene.make_key(&scene.log_in(&serving.printed()).await).await;
    let file = scene.dir.join("managers.csv");
    let path = file.to_str().unwrap();
    let import = async |text: &str, more: &[&str]| {
        fs::write(&file, text).unwrap();
        let arguments = [&["import", "managers", path], more].concat();
        scene.run(&arguments, &[("GREENROOM_URL", &scene.greenroom), ("GREENROOM_API_KEY", &key)]).await
    };
    let known = async |email: &str| scene.api(Method::GET, &format!("managers/{email}"), &key).send().await.unwrap();

    let bad = import("email,zone\nana@example.com,\nbruno@example.com,Mars/Base\n", &["--commit"]).await;
    assert_eq!(bad.status.code(), Some(1));
    assert!(said(&bad).contains("line    3: ERROR zone `Mars/Base`"), "{}", said(&bad));
    assert_eq!(known(ANA).await.status(), 404, "nothing is written where a line is wrong");

    let good = "email,name,zone,external_id\r\nana@example.com,\"Diaz, Ana\",America/New_York,M-1\r\nbruno@example.com,,,\r\n";
    let dry = import(good, &[]).await;
    assert!(dry.status.success() && said(&dry).contains("2 of 2 lines would be written"), "{}", said(&dry));
    assert_eq!(known(ANA).await.status(), 404, "a dry run writes nothing");

    let done = import(good, &["--commit"]).await;
    assert!(done.status.success() && said(&done).contains("2 lines written"), "{}", said(&done));
    let ana: Value = known(ANA).await.json().await.unwrap();
    assert_eq!((&ana["name"], &ana["zone"], &ana["external_id"]), (&"Diaz, Ana".into(), &"America/New_York".into(), &"M-1".into()));

    let again = import(good, &["--commit"]).await;
    assert!(again.status.success() && said(&again).contains("0 lines written"), "{}", said(&again));
}

async fn calendar(scene: &Scene) -> Value {
    let answer = scene.client.get(format!("{}/_sim/calendars/{ANA}", scene.zoho)).send().await.unwrap();
    let dump: Value = answer.json().await.unwrap();
    dump["calendars"][0].clone()
}
