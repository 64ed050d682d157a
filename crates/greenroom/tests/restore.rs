//! Backup, drill, restore, held and release with the built binary.

mod common;

use std::{fs, time::Duration};

use common::{Scene, between, said};
use reqwest::{Method, StatusCode};
use serde_json::json;

const ANA: &str = "ana@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_installation_is_held_until_it_is_compared_and_released() {
    let scene = Scene::new("restore").await;
    let backups = scene.dir.join("backups");
    let scene = scene.with("GREENROOM_BACKUP_DIR", backups.to_str().unwrap());
    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let key = scene.make_key(&cookie).await;
    scene.connect(ANA, &key).await;
    // The first backup is made by itself, and tried.
    scene.until("the first drill", async || scene.page("/backups", &cookie).await.contains("badge good")).await;

    let made = scene.run(&["backup"], &[]).await;
    assert!(made.status.success() && said(&made).contains("The key is not in it"), "{}", said(&made));
    let name = between(&said(&made), "greenroom-", ".backup").to_owned();
    let file = backups.join(format!("greenroom-{name}.backup"));
    let listed = scene.run(&["backup", "list"], &[]).await;
    assert!(said(&listed).contains(&name), "{}", said(&listed));
    let drill = scene.run(&["backup", "drill"], &[]).await;
    assert!(drill.status.success() && said(&drill).contains("2 sealed records opened"), "{}", said(&drill));
    let busy = scene.run(&["restore", file.to_str().unwrap(), "--yes"], &[]).await;
    assert!(!busy.status.success() && said(&busy).contains("stop it first"), "{}", said(&busy));
    let (status, _) = serving.stop(Duration::from_secs(20)).await;
    assert!(status.success());

    // Refused: a database that is not empty, a file with one other bit, and a key that is not there.
    let there = scene.run(&["restore", file.to_str().unwrap()], &[]).await;
    assert!(!there.status.success() && said(&there).contains("--yes"), "{}", said(&there));
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 5;
    bytes[last] ^= 4;
    let damaged = scene.dir.join("damaged.backup");
    fs::write(&damaged, bytes).unwrap();
    let refused = scene.run(&["restore", damaged.to_str().unwrap(), "--yes"], &[]).await;
    assert!(!refused.status.success() && said(&refused).contains("damaged.backup, chunk"), "{}", said(&refused));
    let elsewhere = scene.dir.join("no-such.key");
    let keyless = scene.run(&["restore", file.to_str().unwrap()], &[("GREENROOM_KEY_FILE", elsewhere.to_str().unwrap())]).await;
    assert!(!keyless.status.success() && said(&keyless).contains("does not exist"), "{}", said(&keyless));
    assert!(!elsewhere.exists(), "no new key is made for an old backup");

    let restored = scene.run(&["restore", file.to_str().unwrap(), "--yes"], &[]).await;
    assert!(restored.status.success() && said(&restored).contains("HELD"), "{}", said(&restored));
    assert!(said(&restored).contains("before-restore"), "{}", said(&restored));

    let serving = scene.serve().await;
    assert!(serving.log().contains("held"), "{}", serving.log());
    assert_eq!(scene.get("/backups").await.status(), StatusCode::SEE_OTHER, "earlier log-ins have ended");
    let link = scene.run(&["admin", "link"], &[]).await;
    let cookie = scene.log_in(&said(&link)).await;
    assert!(scene.page("/", &cookie).await.contains("restored from a backup and is held"));
    // Reads go on, changes do not.
    assert_eq!(scene.status(ANA, &key).await["is_active"], true);
    let refused =
        scene.api(Method::POST, "vacancies", &key).json(&json!({"title": "x", "manager_email": ANA})).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(refused.text().await.unwrap().contains("urn:greenroom:problem:held"));
    let form = scene.post_form("/pause", Some(&cookie), &[("action", "pause_all")]).await;
    assert_eq!(form.status(), StatusCode::SERVICE_UNAVAILABLE);
    let callback = scene.get("/api/oauth/callback/?code=1&state=2").await;
    assert_eq!(callback.status(), StatusCode::SERVICE_UNAVAILABLE);

    scene.until("the comparison", async || scene.page("/backups", &cookie).await.contains("value=\"release\"")).await;
    let held = scene.run(&["held"], &[]).await;
    assert!(said(&held).contains("HELD since") && said(&held).contains("0 the same"), "{}", said(&held));
    let released = scene.run(&["release"], &[]).await;
    assert!(released.status.success(), "{}", said(&released));
    assert!(!scene.page("/", &cookie).await.contains("restored from a backup and is held"));
    let accepted =
        scene.api(Method::POST, "vacancies", &key).json(&json!({"title": "x", "manager_email": ANA})).send().await.unwrap();
    assert_eq!(accepted.status(), StatusCode::CREATED);
    assert!(scene.page("/audit", &cookie).await.contains("held.released"));
    let again = scene.run(&["release"], &[]).await;
    assert!(!again.status.success() && said(&again).contains("not held"), "{}", said(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_who_was_erased_since_the_backup_stays_erased() {
    const KIM: &str = "kim.leeward@example.net";
    let scene = Scene::new("restore-erased").await;
    let backups = scene.dir.join("backups");
    let scene = scene.with("GREENROOM_BACKUP_DIR", backups.to_str().unwrap());
    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let key = scene.make_key(&cookie).await;
    let vacancy = json!({"title": "Engineer", "manager_email": ANA, "candidates": [{"name": "Kim Leeward", "email": KIM}]});
    assert_eq!(scene.api(Method::POST, "vacancies", &key).json(&vacancy).send().await.unwrap().status(), StatusCode::CREATED);
    let file = backups.join("kim.backup");
    let made = scene.run(&["backup", "--to", file.to_str().unwrap()], &[]).await;
    assert!(made.status.success(), "{}", said(&made));

    let erased = scene.run(&["erase", "person", KIM, "--yes"], &[]).await;
    assert!(erased.status.success(), "{}", said(&erased));
    let list = backups.join("erasures.jsonl");
    scene.until("the line on the list", async || fs::read_to_string(&list).is_ok_and(|text| text.contains("per_"))).await;
    let (status, _) = serving.stop(Duration::from_secs(20)).await;
    assert!(status.success());

    // A list that cannot be read is found out before anything is replaced.
    let broken = scene.dir.join("broken.jsonl");
    fs::write(&broken, "{}\n").unwrap();
    let restore = ["restore", file.to_str().unwrap(), "--yes"];
    let refused = scene.run(&[&restore[..], &["--erasures", broken.to_str().unwrap()]].concat(), &[]).await;
    assert!(!refused.status.success() && said(&refused).contains("nothing was changed"), "{}", said(&refused));

    let holds_kim = || {
        let rows = fs::read(scene.database()).unwrap();
        let journal = fs::read(scene.database().with_extension("db-wal")).unwrap_or_default();
        [rows, journal].iter().any(|bytes| bytes.windows(KIM.len()).any(|window| window == KIM.as_bytes()))
    };
    // Without the list she is there again, and it is said; with it she is not.
    fs::rename(&list, scene.dir.join("kept.jsonl")).unwrap();
    let without = scene.run(&restore, &[]).await;
    assert!(without.status.success() && said(&without).contains("WARNING"), "{}", said(&without));
    assert!(holds_kim(), "the backup holds whom it held");
    fs::rename(scene.dir.join("kept.jsonl"), &list).unwrap();
    let restored = scene.run(&restore, &[]).await;
    assert!(restored.status.success() && said(&restored).contains("1 of 1 people"), "{}", said(&restored));
    assert!(!holds_kim(), "who was erased came back");
}
