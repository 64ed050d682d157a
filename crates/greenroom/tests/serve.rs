//! `serve` as a user meets it: the first start, the second, what is refused, and how it ends.

mod common;

use std::{fs, time::Duration};

use common::{Scene, mode, said};
use reqwest::header;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// A supervisor's patience.
const STOP: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn three_variables_make_database_key_and_one_link_and_the_key_is_never_made_again() {
    let scene = Scene::new("serve-first").await;
    let mut first = scene.serve().await;
    let printed = first.printed();
    assert_eq!(mode(&scene.key_file()), 0o600);
    assert_eq!(mode(&scene.database()), 0o600);
    let names: Vec<_> = fs::read_dir(scene.dir.join("work")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let ours = |name: &str| name.starts_with("greenroom.db") || name == "greenroom-backups";
    assert!(names.iter().all(|name| ours(name.to_str().unwrap())), "{names:?}");
    let cookie = scene.log_in(&printed).await;
    assert!(scene.page("/keys", &cookie).await.contains("No mail server is set"));
    let (status, _) = first.stop(STOP).await;
    assert!(status.success());

    let second = scene.serve().await;
    assert_eq!(scene.get("/healthz").await.status(), 200);
    assert!(scene.page("/keys", &cookie).await.contains("csrf"), "a session outlives a restart");
    let (status, printed) = second.stop(STOP).await;
    assert!(status.success());
    assert_eq!(printed, "", "a link is printed on the first start only");

    fs::remove_file(scene.key_file()).unwrap();
    // The first of them only folds what the process before left in the journal into the file.
    scene.run(&["serve"], &[]).await;
    let before = fs::read(scene.database()).unwrap();
    let refused = scene.run(&["serve"], &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("put the key file back"), "{}", said(&refused));
    assert!(!scene.key_file().exists() && fs::read(scene.database()).unwrap() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_with_a_sentence_before_anything_is_made() {
    let scene = Scene::new("serve-refused").await;
    let occupied = scene.zoho.trim_start_matches("http://localhost:").to_owned();
    let listen = format!("127.0.0.1:{occupied}");
    for (name, value, sentence) in [
        ("ZOHO_CLIENT_SECRET", "your_client_secret", "still holds a placeholder"),
        ("ZOHO_CLIENT_ID", "", "docs/connect-zoho.md"),
        ("GREENROOM_LISTEN", &listen, "another program has it"),
        ("GREENROOM_KEY_FILE", "greenroom.key", "choose another folder"),
        ("GREENROOM_LITSEN", "127.0.0.1:1", "GREENROOM_LITSEN"),
    ] {
        let refused = scene.run(&["serve"], &[(name, value)]).await;
        assert_eq!(refused.status.code(), Some(1), "{name}");
        assert!(said(&refused).contains(sentence), "{name}: {}", said(&refused));
        assert!(!scene.key_file().exists() && !scene.dir.join("work/greenroom.key").exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_live_pages_at_once() {
    let scene = Scene::new("serve-live").await;
    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let request = scene.client.get(format!("{}/events", scene.greenroom)).header(header::COOKIE, cookie);
    let live = request.send().await.unwrap();
    assert_eq!(live.status(), 200);
    // Well below the hard limit: nothing was cut off.
    let (status, _) = serving.stop(Duration::from_secs(8)).await;
    assert!(status.success());
    assert!(live.text().await.is_ok(), "the stream ends in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_request_that_never_comes_to_its_end() {
    let scene = Scene::new("serve-half").await;
    let serving = scene.serve().await;
    let address = scene.greenroom.trim_start_matches("http://").to_owned();
    let mut half = TcpStream::connect(address.replace("localhost", "127.0.0.1")).await.unwrap();
    let head = format!("POST /login/x HTTP/1.1\r\nHost: {address}\r\nOrigin: {}\r\nContent-Length: 10\r\n\r\nabc", scene.greenroom);
    half.write_all(head.as_bytes()).await.unwrap();
    // Answered after it was accepted: so is the half request before it.
    assert_eq!(scene.get("/healthz").await.status(), 200);
    let (status, _) = serving.stop(STOP).await;
    assert!(status.success());
}
