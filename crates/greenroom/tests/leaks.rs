//! No secret stands where it does not belong: not in the database or its journal, not in the log at its most talkative, not on a page.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{Scene, said};
use reqwest::Method;
use serde_json::{Value, json};
use zoho_sim::DEMO_CLIENT_SECRET;

const ANA: &str = "ana@example.com";

/// Places that were searched, each with a name.
type Places = Vec<(String, Vec<u8>)>;

#[tokio::test(flavor = "multi_thread")]
async fn no_token_secret_or_key_is_in_the_database_its_journal_the_log_or_a_page() {
    let scene = Scene::new("leaks").await.with("GREENROOM_LOG", "debug").with("GREENROOM_LENDING", "true");
    let mut serving = scene.serve().await;
    let printed = serving.printed();
    let cookie = scene.log_in(&printed).await;
    let key = scene.make_key(&cookie).await;
    let mut places = Places::new();

    let (callback, outcome) = scene.connect(ANA, &key).await;
    let replayed = scene.client.get(&callback).send().await.unwrap();
    assert!(replayed.status().is_client_error(), "a used state does not open again");
    places.push(("a used state".to_owned(), body(replayed).await));
    places.push((outcome.clone(), body(scene.get(&outcome).await).await));
    let vacancy = walk(&scene, &key, &mut places).await;
    pages(&scene, &cookie, &vacancy, &mut places).await;
    let api = [
        "vacancies".to_owned(),
        format!("vacancies/{vacancy}"),
        "interviews".to_owned(),
        "mails?limit=200".to_owned(),
        "audit?limit=200".to_owned(),
        "jobs/dead".to_owned(),
        "keys".to_owned(),
        "managers".to_owned(),
        format!("managers/{ANA}"),
        format!("managers/{ANA}/calendars"),
        "openapi.json".to_owned(),
    ];
    for path in api {
        let answer = scene.api(Method::GET, &path, &key).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        places.push((path, body(answer).await));
    }
    places.push(("status".to_owned(), scene.status(ANA, &key).await.to_string().into_bytes()));
    places.push((
        "check".to_owned(),
        said(&scene.run(&["check", ANA], &[("GREENROOM_URL", &scene.greenroom), ("GREENROOM_API_KEY", &key)]).await).into(),
    ));

    // While it runs the journal of the database is beside it; after the end everything is in one file.
    files(&scene.dir.join("work"), "running", &mut places);
    places.push(("log".to_owned(), serving.log().into_bytes()));
    let (status, _) = serving.stop(Duration::from_secs(15)).await;
    assert!(status.success());
    files(&scene.dir.join("work"), "stopped", &mut places);

    assert!(
        places.iter().any(|(name, bytes)| name.ends_with("greenroom.db-wal") && !bytes.is_empty()),
        "there is a journal to search"
    );
    let everywhere = |needle: &str| found(&places, needle.as_bytes());
    assert!(everywhere(ANA).iter().any(|name| name.contains("greenroom.db")), "the search finds what is there");
    assert!(everywhere("connected").len() > 1, "the search finds what is there");
    let tokens: Value = scene.client.get(format!("{}/_sim/tokens", scene.zoho)).send().await.unwrap().json().await.unwrap();
    let issued = tokens["tokens"].as_array().unwrap();
    for kind in ["code", "access", "refresh"] {
        assert!(issued.iter().any(|token| token["kind"] == kind), "a {kind} was handed out");
    }
    let tokens = issued.iter().map(|token| token["token"].as_str().unwrap());
    let login = common::between(&printed, "/login/", "\n");
    let file = fs::read_to_string(scene.key_file()).unwrap();
    let file = file.split_once(':').unwrap().1;
    for secret in tokens.chain([DEMO_CLIENT_SECRET, login, file.trim(), key.as_str(), cookie.split_once('=').unwrap().1]) {
        assert_eq!(everywhere(secret), Vec::<&str>::new(), "{}… leaks", &secret[..8]);
    }
    let raw = unbase64(file.trim());
    assert_eq!(found(&places, &raw), Vec::<&str>::new(), "the key's bytes leak");
}

/// A CalDAV server that lets nobody in and repeats what it was told in its answers: every other one says that it is broken.
async fn parrot() -> (String, Arc<Mutex<Vec<String>>>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let answer = move |headers: axum::http::HeaderMap| {
        let told = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
        let plain = told.strip_prefix("Basic ").map(|text| String::from_utf8(unbase64(text)).unwrap()).unwrap_or_default();
        let user = plain.split(':').next().unwrap_or_default().to_owned();
        ears.lock().unwrap().push(plain.clone());
        let status = if user == "broken" { 500 } else { 401 };
        async move { (axum::http::StatusCode::from_u16(status).unwrap(), format!("<html>not `{plain}`, not `{told}`</html>")) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_app_password_is_in_the_database_its_journal_the_log_or_a_page() {
    const WORD: &str = "kq7-zvhw-n2xy-pale";
    let (address, heard) = parrot().await;
    let scene =
        Scene::new("leaks-caldav").await.with("GREENROOM_LOG", "debug").with("GREENROOM_CALDAV_SERVERS", format!("work={address}"));
    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let key = scene.make_key(&cookie).await;
    let setup = scene.client.post(format!("{}/api/admin/oauth/setup/", scene.greenroom)).bearer_auth(&key);
    assert_eq!(setup.form(&[("manager_email", ANA), ("notify", "true")]).send().await.unwrap().status(), 200);
    scene.until("the mail", async || !mails(&scene, &key, ANA).await.is_empty()).await;
    let list = scene.page("/mailbox", &cookie).await;
    let mail = format!("/mailbox/mai_{}", common::between(&list, "/mailbox/mai_", "\""));
    let mail = scene.page(&mail, &cookie).await;
    let form = format!("/p/{}", common::between(&mail, "/p/", "\""));

    let mut places = Places::new();
    for (user, outcome) in [("ana", "The server does not accept that"), ("broken", "does not answer just now")] {
        let tried = [("action", "password"), ("server", "work"), ("user", user), ("password", WORD)];
        let sent = scene.post_form(&form, None, &tried).await;
        assert_eq!(sent.status(), 303);
        let page = sent.headers()["location"].to_str().unwrap().to_owned();
        let shown = async || String::from_utf8(body(scene.get(&page).await).await).unwrap();
        scene.until(outcome, async || shown().await.contains(outcome)).await;
        places.push((page.clone(), shown().await.into_bytes()));
    }
    let refused = [("action", "password"), ("server", "nowhere"), ("user", "ana"), ("password", WORD)];
    places.push(("refused form".to_owned(), body(scene.post_form(&form, None, &refused).await).await));
    for path in ["/", "/managers", "/jobs", "/audit", "/mailbox"] {
        places.push((path.to_owned(), scene.page(path, &cookie).await.into_bytes()));
    }
    for path in ["audit?limit=200", "jobs/dead", "managers"] {
        places.push((path.to_owned(), body(scene.api(Method::GET, path, &key).send().await.unwrap()).await));
    }
    files(&scene.dir.join("work"), "running", &mut places);
    places.push(("doctor".to_owned(), said(&scene.run(&["doctor"], &[]).await).into()));
    places.push(("log".to_owned(), serving.log().into_bytes()));
    assert!(serving.stop(Duration::from_secs(15)).await.0.success());
    files(&scene.dir.join("work"), "stopped", &mut places);

    let heard = heard.lock().unwrap().clone();
    for user in ["ana", "broken"] {
        assert!(heard.contains(&format!("{user}:{WORD}")), "the password reached its server: {heard:?}");
    }
    assert!(found(&places, b"does not answer just now").len() == 1 && !found(&places, b"ana@example.com").is_empty());
    for secret in [WORD.to_owned(), STANDARD.encode(format!("ana:{WORD}")), STANDARD.encode(format!("broken:{WORD}"))] {
        assert_eq!(found(&places, secret.as_bytes()), Vec::<&str>::new(), "{}… leaks", &secret[..6]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_name_or_title_is_in_the_log_above_debug() {
    let scene = Scene::new("leaks-log").await.with("GREENROOM_LOG", "info");
    let mut serving = scene.serve().await;
    let cookie = scene.log_in(&serving.printed()).await;
    let key = scene.make_key(&cookie).await;
    scene.connect(ANA, &key).await;
    let mut places = Places::new();
    let vacancy = walk(&scene, &key, &mut places).await;
    pages(&scene, &cookie, &vacancy, &mut places).await;
    let bruno = scene.client.post(format!("{}/api/admin/oauth/setup/", scene.greenroom)).bearer_auth(&key);
    assert_eq!(bruno.form(&[("manager_email", "bruno@example.com"), ("notify", "true")]).send().await.unwrap().status(), 200);
    scene.until("the mail", async || !mails(&scene, &key, "bruno@example.com").await.is_empty()).await;
    let log = serving.log();
    assert!(log.contains("/api/v1/managers/…/calendars"), "calls are logged: {log}");
    let personal = ["@example", "%40", "Noor", "Haddad", "Platform engineer", "Interview with"];
    let lines: Vec<_> = log.lines().filter(|line| personal.iter().any(|text| line.contains(text))).collect();
    assert_eq!(lines, Vec::<&str>::new());
}

async fn mails(scene: &Scene, key: &str, to: &str) -> Vec<Value> {
    let list: Value = scene.api(Method::GET, &format!("mails?to={to}"), key).send().await.unwrap().json().await.unwrap();
    list["items"].as_array().unwrap().clone()
}

/// From an approved vacancy to a booking, with a refresh, a lent token, an event of its own, and calls that fail at the provider.
async fn walk(scene: &Scene, key: &str, places: &mut Places) -> String {
    let place = json!({"kind": "url", "value": "https://meet.example.com/1"});
    let candidates = json!([{"name": "Noor Haddad", "email": "noor@example.net"}]);
    let new = json!({"title": "Platform engineer", "manager_email": ANA, "place": place, "candidates": candidates});
    let made = scene.api(Method::POST, "vacancies", key).json(&new).send().await.unwrap();
    let status = made.status();
    let made: Value = made.json().await.unwrap();
    assert!(status.is_success(), "{made}");
    let vacancy = made["id"].as_str().unwrap().to_owned();
    let approved = scene.api(Method::POST, &format!("vacancies/{vacancy}/approve"), key).send().await.unwrap();
    assert!(approved.status().is_success());
    scene
        .until("the booking", async || {
            let view: Value =
                scene.api(Method::GET, &format!("vacancies/{vacancy}"), key).send().await.unwrap().json().await.unwrap();
            view["shortlist"][0]["interview"]["state"] == "booked"
        })
        .await;

    let url = format!("{}/api/admin/oauth/refresh/", scene.greenroom);
    let refreshed = scene.client.post(url).bearer_auth(key).form(&[("manager_email", ANA)]).send().await.unwrap();
    places.push(("refresh".to_owned(), body(refreshed).await));
    let lent = scene.api(Method::POST, &format!("managers/{ANA}/access-token"), key).send().await.unwrap();
    assert_eq!(lent.status(), 403, "this key may not borrow tokens");
    places.push(("lent".to_owned(), body(lent).await));
    let faults = format!("{}/_sim/faults", scene.zoho);
    for kind in ["html200", "status"] {
        // More often than once: jobs of the background meet it too.
        let fault = json!({"path": "/api/v1/calendars", "kind": kind, "status": 500, "times": 100});
        let armed = scene.client.post(&faults).json(&fault).send().await.unwrap();
        assert!(armed.status().is_success(), "{}", armed.text().await.unwrap());
        let failed = scene.api(Method::GET, &format!("managers/{ANA}/calendars"), key).send().await.unwrap();
        assert!(failed.status().is_server_error());
        places.push((kind.to_owned(), body(failed).await));
        assert!(scene.client.delete(&faults).send().await.unwrap().status().is_success());
    }
    vacancy
}

/// Every page of the dashboard, and every page that a mail links to.
async fn pages(scene: &Scene, cookie: &str, vacancy: &str, places: &mut Places) {
    let vacancy = format!("/vacancies/{vacancy}");
    let mut paths: Vec<String> =
        ["/", "/interviews", "/interviews/week", "/managers", "/attention", "/jobs", "/keys", "/audit", "/mailbox"]
            .map(str::to_owned)
            .into();
    paths.push(vacancy);
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        let page = scene.page(&path, cookie).await;
        // One level further: single interviews, managers and mails.
        for linked in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let single = ["/interviews/itv_", "/managers/per_", "/mailbox/mai_", "/p/", "/c/", "/m/", "/f/", "/d/"];
            let local = linked.trim_start_matches(&scene.greenroom);
            if single.iter().any(|start| local.starts_with(start)) && !paths.iter().any(|known| known == local) {
                paths.push(local.to_owned());
            }
        }
        places.push((path, page.into_bytes()));
    }
    assert!(paths.len() > 14, "pages of single things are among them: {paths:?}");
}

async fn body(answer: reqwest::Response) -> Vec<u8> {
    answer.bytes().await.unwrap().to_vec()
}

fn files(folder: &Path, when: &str, places: &mut Places) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, when, places);
            continue;
        }
        places.push((format!("{when}: {}", path.file_name().unwrap().to_str().unwrap()), fs::read(&path).unwrap()));
    }
}

/// Names of the places that hold these bytes.
fn found<'p>(places: &'p Places, needle: &[u8]) -> Vec<&'p str> {
    assert!(needle.len() >= 8, "too short to mean anything");
    let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    places.iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name.as_str()).collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}
