//! `keys` as an operator uses it, beside a running `serve`, and starts without the key.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, time::Duration};

use common::{Scene, mode, said};

const ANA: &str = "ana@example.com";

/// The ids in the key file, oldest first.
fn ids(scene: &Scene) -> Vec<String> {
    let file = fs::read_to_string(scene.key_file()).unwrap();
    file.lines().map(|line| line.split_once(':').unwrap().0.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_added_made_active_and_retired_while_serve_runs_and_nobody_is_asked_again() {
    let scene = Scene::new("keys-life").await;
    let nothing = scene.run(&["keys", "list"], &[]).await;
    assert!(!nothing.status.success() && said(&nothing).contains("no database yet") && !scene.key_file().exists());

    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let key = scene.make_key(&cookie).await;
    scene.connect(ANA, &key).await;
    let first = ids(&scene).remove(0);

    let added = scene.run(&["keys", "add"], &[]).await;
    assert!(added.status.success(), "{}", said(&added));
    assert_eq!(mode(&scene.key_file()), 0o600);
    let second = ids(&scene).remove(1);
    let secret = fs::read_to_string(scene.key_file()).unwrap().lines().nth(1).unwrap().split_once(':').unwrap().1.to_owned();
    assert!(said(&added).contains(&second) && !said(&added).contains(&secret));

    let early = scene.run(&["keys", "retire", &first], &[]).await;
    assert!(said(&early).contains("make another one active first"), "{}", said(&early));
    // The running server is waited for: it reads the file by itself.
    let rotated = scene.run(&["keys", "rotate"], &[]).await;
    assert!(
        rotated.status.success() && said(&rotated).contains(&format!("The key {second} seals from now on")),
        "{}",
        said(&rotated)
    );
    assert_eq!(scene.status(ANA, &key).await["has_valid_token"], true);
    let again = scene.run(&["keys", "rotate"], &[]).await;
    assert!(again.status.success() && said(&again).contains(" 0 sealed anew"), "{}", said(&again));

    let list = said(&scene.run(&["keys", "list"], &[]).await);
    let line = |id: &str| {
        list.lines().find(|line| line.starts_with(id)).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line(&second)[1..4], ["active", "2", "0"], "{list}");
    assert_eq!(line(&first)[1], "0", "{list}");
    let refused = scene.run(&["keys", "retire", &first], &[]).await;
    assert!(!refused.status.success() && said(&refused).contains("--links-too"), "{}", said(&refused));
    let retired = scene.run(&["keys", "retire", &first, "--links-too"], &[]).await;
    assert!(retired.status.success(), "{}", said(&retired));
    assert_eq!(ids(&scene), std::slice::from_ref(&second));

    let refresh = scene.client.post(format!("{}/api/admin/oauth/refresh/", scene.greenroom));
    let refresh = refresh.bearer_auth(&key).form(&[("manager_email", ANA)]).send().await.unwrap();
    assert_eq!(refresh.status(), 200, "{}", refresh.text().await.unwrap());
    let (_, log) = serving.stop(Duration::from_secs(15)).await;
    assert!(!log.contains(&secret));
    let serving = scene.serve().await;
    assert_eq!(scene.status(ANA, &key).await["is_active"], true);
    drop(serving.stop(Duration::from_secs(15)).await);

    // The file is lost, or another one's: nothing starts, and it says which key is needed and where it was looked for.
    let file = fs::read(scene.key_file()).unwrap();
    fs::remove_file(scene.key_file()).unwrap();
    for command in [&["serve"][..], &["keys", "list"], &["keys", "rotate"], &["keys", "forget-lost"]] {
        let refused = scene.run(command, &[]).await;
        assert!(!refused.status.success() && !scene.key_file().exists(), "{command:?}");
        assert!(said(&refused).contains(scene.key_file().to_str().unwrap()), "{command:?}: {}", said(&refused));
    }
    let refused = scene.run(&["serve"], &[]).await;
    assert!(said(&refused).contains(&second) && said(&refused).contains("docs/keys.md"), "{}", said(&refused));
    let other = [("GREENROOM_KEY_COMMAND", "echo 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")];
    let wrong = scene.run(&["serve"], &other).await;
    assert!(said(&wrong).contains(&second) && said(&wrong).contains("ki4xev5br"), "{}", said(&wrong));

    // From a program it is the same key.
    let kept = scene.dir.join("home/kept");
    fs::write(&kept, file).unwrap();
    let by_command = [("GREENROOM_KEY_COMMAND", format!("cat {}", kept.display()))];
    let by_command: Vec<(&str, &str)> = by_command.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let list = scene.run(&["keys", "list"], &by_command).await;
    assert!(list.status.success() && said(&list).contains("active"), "{}", said(&list));

    // Given up: a new key, and the manager gets a fresh link.
    let given_up = scene.run(&["keys", "forget-lost", "--yes"], &[]).await;
    assert!(given_up.status.success() && said(&given_up).contains("1 grants were given up"), "{}", said(&given_up));
    let serving = scene.serve().await;
    assert_eq!(scene.status(ANA, &key).await["is_active"], false);
    drop(serving.stop(Duration::from_secs(15)).await);
}
