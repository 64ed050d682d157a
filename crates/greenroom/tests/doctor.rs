//! `greenroom doctor` on a new machine, on a healthy installation, and on one where something is wrong.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Scene, said};
use serde_json::Value;

/// What it says of one thing.
fn of<'f>(findings: &'f Value, what: &str) -> Vec<(&'f str, &'f str)> {
    let all = findings["findings"].as_array().unwrap().iter().filter(|finding| finding["what"] == what);
    all.map(|finding| (finding["condition"].as_str().unwrap(), finding["says"].as_str().unwrap())).collect()
}

async fn examined(scene: &Scene, more: &[(&str, &str)]) -> (i32, Value) {
    let output = scene.run(&["doctor", "--json"], more).await;
    let findings = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    (output.status.code().unwrap(), findings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_machine_gets_advice_and_nothing_is_made() {
    let scene = Scene::new("doctor-new").await;
    let (code, findings) = examined(&scene, &[]).await;
    assert_eq!(code, 0, "{findings}");
    assert_eq!(of(&findings, "database")[0].0, "warning");
    assert_eq!(of(&findings, "mail")[0].0, "warning");
    assert_eq!(of(&findings, "redirect URI")[0].0, "ok");
    assert!(!scene.database().exists() && !scene.key_file().exists());

    let (code, findings) = examined(&scene, &[("ZOHO_REDIRECT_URI", "http://localhost:8040/callback")]).await;
    assert_eq!((code, of(&findings, "redirect URI")[0].0), (1, "bad"));
    let (code, findings) = examined(&scene, &[("ZOHO_CLIENT_ID", "your_client_id")]).await;
    assert_eq!((code, of(&findings, "configuration")[0].0), (1, "bad"));
    let (code, findings) = examined(&scene, &[("GREENROOM_CALDAV_SERVERS", "work=http://dav.example.com/")]).await;
    let [(condition, says)] = of(&findings, "configuration")[..] else { panic!("{findings}") };
    assert!(code == 1 && condition == "bad" && says.contains("GREENROOM_CALDAV_SERVERS") && says.contains("https"), "{says}");
    let mail = [("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", "1"), ("GREENROOM_RECRUITING_CONTACT", "jobs@example.com")];
    let (code, findings) = examined(&scene, &mail).await;
    assert_eq!((code, of(&findings, "mail")[0].0), (1, "bad"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_installation_is_looked_through_and_what_is_wrong_is_named() {
    let scene = Scene::new("doctor-running").await;
    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let key = scene.make_key(&cookie).await;
    scene.connect("ana@example.com", &key).await;

    let (code, findings) = examined(&scene, &[]).await;
    assert_eq!(code, 0, "{findings}");
    for what in ["database and key", "public address", "clock", "client", "calendar"] {
        assert_eq!(of(&findings, what)[0].0, "ok", "{what}: {findings}");
    }
    assert!(of(&findings, "caldav").is_empty());
    let (code, findings) = examined(&scene, &[("GREENROOM_CALDAV_SERVERS", "work=http://127.0.0.1:1/")]).await;
    let [(condition, says)] = of(&findings, "caldav")[..] else { panic!("{findings}") };
    assert!(code == 1 && condition == "bad" && says.contains("work (127.0.0.1)"), "{says}");
    let shown = said(&scene.run(&["doctor"], &[]).await);
    assert!(shown.contains("ok       client") && shown.contains("looked at"), "{shown}");
    let issued: Value = scene.client.get(format!("{}/_sim/tokens", scene.zoho)).send().await.unwrap().json().await.unwrap();
    let tokens: Vec<&str> = issued["tokens"].as_array().unwrap().iter().filter_map(|issued| issued["token"].as_str()).collect();
    assert!(!tokens.is_empty() && tokens.iter().all(|token| !shown.contains(token)), "{shown}");

    assert_eq!(of(&findings, "backups' place")[0].0, "warning", "they lie beside the database: {findings}");
    assert!(of(&findings, "key ring")[0].1.contains(scene.key_file().to_str().unwrap()), "{findings}");
    let folder = scene.dir.join("backups");
    let kept = [("GREENROOM_BACKUP_DIR", folder.to_str().unwrap())];
    let (_, findings) = examined(&scene, &[("GREENROOM_BACKUP_DIR", "off")]).await;
    assert_eq!(of(&findings, "backups")[0].0, "warning", "{findings}");
    let made = scene.run(&["backup"], &kept).await;
    assert!(made.status.success(), "{}", said(&made));
    let (_, findings) = examined(&scene, &kept).await;
    assert_eq!(of(&findings, "backups"), [("ok", "the newest is 0 hours old")]);
    assert!(of(&findings, "backups' place").is_empty(), "{findings}");
    std::fs::remove_dir_all(&folder).unwrap();
    let (code, findings) = examined(&scene, &kept).await;
    assert_eq!((code, of(&findings, "backups")[0].0), (1, "bad"), "{findings}");

    let (code, findings) = examined(&scene, &[("ZOHO_CLIENT_SECRET", "of-another-client")]).await;
    assert_eq!((code, of(&findings, "client")[0].0), (1, "bad"), "{findings}");
    assert!(of(&findings, "client")[0].1.contains("ZOHO_CLIENT_SECRET_US"), "{findings}");

    let elsewhere = scene.dir.join("other.key");
    std::fs::write(&elsewhere, "ab".repeat(31) + "cd").unwrap();
    let (code, findings) = examined(&scene, &[("GREENROOM_KEY_FILE", elsewhere.to_str().unwrap())]).await;
    assert_eq!((code, of(&findings, "database and key")[0].0), (1, "bad"), "{findings}");
}
