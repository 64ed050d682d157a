//! The simulator as a program: what it announces works, it stops when told, and a restart finds everything again.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests; a plain client for loopback")]

mod common;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Client, redirect};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};
use zoho_sim::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT, SimulateOptions, Switches, simulate};

struct Running {
    /// What was announced.
    text: String,
    /// The origin of `us`.
    start: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

async fn run(state_dir: Option<PathBuf>, calendars: Vec<(String, PathBuf)>) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let (announce, announced) = oneshot::channel();
    let task = tokio::spawn(simulate(SimulateOptions {
        port: 0,
        redirect_uris: vec!["http://localhost:9999/callback/".to_owned()],
        calendars,
        state_dir,
        switches: Switches::default(),
        shutdown: Box::pin(async { stopped.await.unwrap() }),
        announce: Box::new(move |text| announce.send(text.to_owned()).unwrap()),
    }));
    let text = announced.await.unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("export ZOHO_ACCOUNTS_URL=")).unwrap();
    Running { start: line.to_owned(), text, stop, task }
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(10), self.task).await.unwrap().unwrap().unwrap();
    }
}

fn client() -> Client {
    common::install_tls();
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
}

/// Consents as ana and exchanges the code.
async fn connect(http: &Client, start: &str, redirect_uri: &str) -> Value {
    let form = json!({"client_id": DEMO_CLIENT_ID, "response_type": "code", "redirect_uri": redirect_uri,
        "scope": common::SCOPES, "access_type": "offline", "prompt": "consent", "user": "ana@example.com",
        "decision": "accept"});
    let answer = http.post(format!("{start}/oauth/v2/auth/decide")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = json!({"grant_type": "authorization_code", "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET, "redirect_uri": redirect_uri, "code": code});
    http.post(format!("{start}/oauth/v2/token")).form(&form).send().await.unwrap().json().await.unwrap()
}

async fn user_info(http: &Client, start: &str, access: &str) -> u16 {
    let request = http.get(format!("{start}/oauth/user/info")).bearer_auth(access);
    request.send().await.unwrap().status().as_u16()
}

/// An empty directory of this test alone.
fn state_dir(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("zoho-sim-{name}-{}", std::process::id()));
    if dir.exists() {
        std::fs::remove_dir_all(&dir).unwrap();
    }
    dir
}

#[tokio::test]
async fn it_announces_what_greenroom_needs_and_it_is_true() {
    let running = run(None, Vec::new()).await;
    let http = client();
    let hosts = running.text.lines().find_map(|line| line.trim().strip_prefix("export GREENROOM_ZOHO_HOSTS=")).unwrap();
    let info: Value = http.get(format!("{}/oauth/serverinfo", running.start)).send().await.unwrap().json().await.unwrap();
    for (location, origin) in hosts.split(',').map(|host| host.split_once('=').unwrap()) {
        assert_eq!(info["locations"][location], origin);
    }
    assert!(running.text.contains(&format!("ZOHO_CLIENT_ID={DEMO_CLIENT_ID}")), "{}", running.text);
    for redirect_uri in [DEMO_REDIRECT, "http://localhost:9999/callback/"] {
        assert!(connect(&http, &running.start, redirect_uri).await["refresh_token"].is_string());
    }
    let index = http.get(format!("{}/_sim/", running.start)).send().await.unwrap().text().await.unwrap();
    for person in ["ana@example.com", "bruno@example.com", "chandra@example.com", "Asia/Kolkata"] {
        assert!(index.contains(person), "{person} is not in {index}");
    }
    running.stop().await;
}

#[tokio::test]
async fn it_moves_its_own_clock_and_a_hanging_request_does_not_keep_it_from_stopping() {
    let running = run(None, Vec::new()).await;
    let http = client();
    let post = |path: &str, body: Value| http.post(format!("{}{path}", running.start)).json(&body).send();
    let access = connect(&http, &running.start, DEMO_REDIRECT).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(post("/_sim/clock", json!({"advance_seconds": 3500})).await.unwrap().status(), 200);
    assert_eq!(user_info(&http, &running.start, &access).await, 200);
    assert_eq!(post("/_sim/clock", json!({"advance_seconds": 101})).await.unwrap().status(), 200);
    assert_eq!(user_info(&http, &running.start, &access).await, 401);

    post("/_sim/faults", json!({"path": "/oauth/serverinfo", "kind": "hang"})).await.unwrap();
    let hanging = tokio::spawn(http.get(format!("{}/oauth/serverinfo", running.start)).send());
    while http.get(format!("{}/_sim/faults", running.start)).send().await.unwrap().text().await.unwrap().contains("hang") {
        tokio::task::yield_now().await;
    }
    running.stop().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn a_killed_simulator_finds_its_tokens_again_and_repeats_none() {
    let dir = state_dir("restart");
    let first = run(Some(dir.clone()), Vec::new()).await;
    let http = client();
    let before = connect(&http, &first.start, DEMO_REDIRECT).await;
    // Killed, not stopped: nothing is written on the way out.
    first.task.abort();
    assert!(first.task.await.unwrap_err().is_cancelled());

    let second = run(Some(dir.clone()), Vec::new()).await;
    assert_eq!(user_info(&http, &second.start, before["access_token"].as_str().unwrap()).await, 200);
    let form = json!({"grant_type": "refresh_token", "client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET,
        "refresh_token": before["refresh_token"]});
    let after: Value =
        http.post(format!("{}/oauth/v2/token", second.start)).form(&form).send().await.unwrap().json().await.unwrap();
    assert!(after["access_token"].is_string() && after["access_token"] != before["access_token"], "{after}");
    second.stop().await;
    std::fs::remove_dir_all(dir).unwrap();
}

const WEEK: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example.com//EN\r\nX-WR-TIMEZONE:Europe/Lisbon\r\n\
    BEGIN:VEVENT\r\nUID:standup@example.com\r\nDTSTAMP:20260301T000000Z\r\nSUMMARY:Stand-up\r\nDTSTART:20260302T090000Z\r\n\
    DTEND:20260302T091500Z\r\nRRULE:FREQ=DAILY;COUNT=5\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[tokio::test]
async fn calendars_come_from_icalendar_files_and_are_there_after_a_restart() {
    let dir = state_dir("import");
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("dora.ics");
    std::fs::write(&file, WEEK).unwrap();
    let first = run(Some(dir.clone()), vec![("dora@example.com".to_owned(), file.clone())]).await;
    first.stop().await;
    let second = run(Some(dir.clone()), Vec::new()).await;
    let http = client();
    let users: Value = http.get(format!("{}/_sim/users", second.start)).send().await.unwrap().json().await.unwrap();
    let dora = users["users"].as_array().unwrap().iter().find(|user| user["email"] == "dora@example.com").unwrap();
    assert_eq!(dora["timezone"], "Europe/Lisbon");
    let dump = http.get(format!("{}/_sim/calendars/dora@example.com", second.start)).send().await.unwrap();
    let dump = dump.text().await.unwrap();
    assert!(dump.contains("Stand-up") && dump.contains("FREQ=DAILY;COUNT=5"), "{dump}");
    second.stop().await;

    std::fs::write(&file, "BEGIN:VCALENDAR\r\nEND:VEVENT\r\n").unwrap();
    let error = simulate(SimulateOptions {
        port: 0,
        redirect_uris: Vec::new(),
        calendars: vec![("dora@example.com".to_owned(), file)],
        state_dir: None,
        switches: Switches::default(),
        shutdown: Box::pin(std::future::pending()),
        announce: Box::new(|_| {}),
    })
    .await
    .unwrap_err();
    assert!(format!("{error:#}").contains("dora.ics cannot be put into the calendar of dora@example.com"), "{error:#}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn a_state_it_cannot_read_is_not_thrown_away() {
    let dir = state_dir("unreadable");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("zoho-simulator.json"), "{\"switches\":").unwrap();
    let error = simulate(SimulateOptions {
        port: 0,
        redirect_uris: Vec::new(),
        calendars: Vec::new(),
        state_dir: Some(dir.clone()),
        switches: Switches::default(),
        shutdown: Box::pin(std::future::pending()),
        announce: Box::new(|_| {}),
    })
    .await
    .unwrap_err();
    assert!(format!("{error:#}").contains("move it away"), "{error:#}");
    assert_eq!(std::fs::read_to_string(dir.join("zoho-simulator.json")).unwrap(), "{\"switches\":");
    std::fs::remove_dir_all(dir).unwrap();
}
