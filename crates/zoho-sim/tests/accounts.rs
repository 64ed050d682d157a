//! Accounts over HTTP: authorisation, callback, tokens, user info, revocation. Each test proves the numbered statement
//! of the fact sheet that its name carries.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{CLIENT_ID, REDIRECT, SECRET, World, callback, start};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn statement_01_an_approving_user_is_redirected_with_code_state_location_and_accounts_server() {
    let world = start().await;
    let answer = world.decide("us", &World::ask(), "ana@example.com", "accept").await;
    assert_eq!(answer.status(), 302);
    let back = callback(&answer);
    assert_eq!(back["state"], "st/1+a b");
    assert_eq!(back["location"], "us");
    assert_eq!(back["accounts-server"], world.origin("us"));
    assert!(back["code"].starts_with("1000."), "{}", back["code"]);
    assert_eq!(back.len(), 4);
    let raw = answer.headers()["location"].to_str().unwrap();
    assert!(raw.contains("accounts-server=http%3A%2F%2F127.0.0.1%3A"), "{raw}");
}

#[tokio::test]
async fn statement_01_the_consent_page_is_a_form_that_works_without_javascript() {
    let world = start().await;
    let mut ask = World::ask();
    ask.insert("login_hint".to_owned(), "bruno@example.com".to_owned());
    ask.insert("state".to_owned(), "\"><script>".to_owned());
    let page = world.request(Method::GET, "us", "/oauth/v2/auth").query(&ask).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let html = page.text().await.unwrap();
    for expected in [
        "Greenroom asks for access",
        "See when you are free or busy",
        "value=\"bruno@example.com\" required checked",
        "name=\"state\" value=\"&quot;&gt;&lt;script&gt;\"",
        "name=\"decision\" value=\"accept\"",
        "name=\"decision\" value=\"reject\"",
        "/_sim/sim.css",
    ] {
        assert!(html.contains(expected), "{expected} is not in {html}");
    }
    assert_eq!(html.matches(" checked").count(), 1);
    assert!(!html.contains("<script"));
    let css = world.request(Method::GET, "us", "/_sim/sim.css").send().await.unwrap();
    assert!(css.headers()["content-type"].to_str().unwrap().starts_with("text/css"));
}

#[tokio::test]
async fn statement_01_among_many_accounts_the_address_is_typed() {
    let world = start().await;
    for number in 0..10 {
        let user = json!({"email": format!("person{number}@example.org")});
        assert_eq!(world.request(Method::POST, "us", "/_sim/users").json(&user).send().await.unwrap().status(), 201);
    }
    let page = world.request(Method::GET, "us", "/oauth/v2/auth").query(&World::ask()).send().await.unwrap();
    let html = page.text().await.unwrap();
    assert!(html.contains("<input type=\"email\" name=\"user\" value=\"ana@example.com\" required>"), "{html}");
    assert_eq!(callback(&world.decide("us", &World::ask(), "Person7@Example.org", "accept").await)["location"], "us");
    let nobody = world.decide("us", &World::ask(), "nobody@example.org", "accept").await;
    assert_eq!(nobody.status(), 400);
}

#[tokio::test]
async fn statement_02_a_request_that_cannot_be_trusted_ends_on_a_page() {
    let world = start().await;
    let cases = [
        ("redirect_uri", "http://localhost:8040/api/oauth/callback", "invalid_redirect_uri"),
        ("client_id", "1000.NOBODY", "invalid_client"),
        ("scope", "ZohoCalendar.event.EVERYTHING", "invalid_scope"),
        ("scope", "", "invalid_scope"),
        ("response_type", "cod", "invalid_response_type"),
    ];
    for (name, value, code) in cases {
        let mut ask = World::ask();
        ask.insert(name.to_owned(), value.to_owned());
        let page = world.request(Method::GET, "us", "/oauth/v2/auth").query(&ask).send().await.unwrap();
        let decided = world.decide("us", &ask, "ana@example.com", "accept").await;
        for answer in [page, decided] {
            assert_eq!(answer.status(), 400, "{name}={value}");
            assert!(!answer.headers().contains_key("location"), "{name}={value}");
            assert!(answer.text().await.unwrap().contains(code), "{name}={value}");
        }
    }
}

#[tokio::test]
async fn statement_03_a_refusing_user_is_redirected_with_access_denied_and_state() {
    let world = start().await;
    let back = callback(&world.decide("us", &World::ask(), "ana@example.com", "reject").await);
    assert_eq!((back["error"].as_str(), back["state"].as_str(), back.len()), ("access_denied", "st/1+a b", 2));
    world.switch(json!({"error_callback_state": false})).await;
    let back = callback(&world.decide("us", &World::ask(), "ana@example.com", "reject").await);
    assert_eq!((back["error"].as_str(), back.len()), ("access_denied", 1));
}

#[tokio::test]
async fn statement_04_a_code_works_once_and_for_120_seconds() {
    let world = start().await;
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    world.advance(119);
    assert!(world.exchange("us", &code).await["access_token"].is_string());
    assert_eq!(world.exchange("us", &code).await, json!({"error": "invalid_code"}));

    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    world.advance(120);
    let form = json!({"grant_type": "authorization_code", "client_id": CLIENT_ID, "client_secret": SECRET,
        "redirect_uri": REDIRECT, "code": code});
    let late = world.token("us", &form).await;
    assert_eq!(late.status(), 200);
    assert_eq!(late.json::<Value>().await.unwrap(), json!({"error": "invalid_code"}));

    world.switch(json!({"code_lifetime_s": 480})).await;
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    world.advance(479);
    assert!(world.exchange("us", &code).await["access_token"].is_string());
}

#[tokio::test]
async fn statement_04_of_many_exchanges_at_once_one_gets_the_token() {
    let world = start().await;
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    let answers = futures_util::future::join_all((0..30).map(|_| world.exchange("us", &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer["access_token"].is_string()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == json!({"error": "invalid_code"})).count(), 29);
}

#[tokio::test]
async fn statement_05_parameters_come_by_query_form_or_basic_and_never_as_json() {
    let world = start().await;
    let fresh = async || {
        let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
        json!({"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code": code})
    };
    let post = || world.request(Method::POST, "us", "/oauth/v2/token");
    let with_client = |mut params: Value| {
        params["client_id"] = CLIENT_ID.into();
        params["client_secret"] = SECRET.into();
        params
    };
    let by_query = post().query(&with_client(fresh().await)).send().await.unwrap();
    let by_form = post().form(&with_client(fresh().await)).send().await.unwrap();
    let by_basic = post().basic_auth(CLIENT_ID, Some(SECRET)).form(&fresh().await).send().await.unwrap();
    for answer in [by_query, by_form, by_basic] {
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["access_token"].is_string(), "{answer}");
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["expires_in"], 3600);
        assert_eq!(answer["api_domain"], "https://www.zohoapis.com");
        assert_eq!(answer["scope"].as_str().unwrap().split(' ').count(), 4);
    }
    // cal.com's way: everything in the query, and a JSON content type over an empty body.
    let by_cal_com = post().query(&with_client(fresh().await)).header("Content-Type", "application/json").send().await;
    assert!(by_cal_com.unwrap().json::<Value>().await.unwrap()["refresh_token"].is_string());
    let by_json = post().json(&with_client(fresh().await)).send().await.unwrap();
    assert_eq!(by_json.status(), 400);
}

#[tokio::test]
async fn statement_06_errors_of_the_token_endpoint() {
    let world = start().await;
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    let good = json!({"grant_type": "authorization_code", "client_id": CLIENT_ID, "client_secret": SECRET,
        "redirect_uri": REDIRECT, "code": code});
    let cases = [
        ("client_secret", "wrong", 200, "invalid_client_secret"),
        ("client_secret", "", 200, "invalid_client_secret"),
        ("client_id", "1000.NOBODY", 200, "invalid_client"),
        ("redirect_uri", "http://localhost:8040/other/", 200, "invalid_redirect_uri"),
        ("code", "1000.made.up", 200, "invalid_code"),
        ("grant_type", "", 400, "invalid_request"),
        ("grant_type", "password", 400, "invalid_request"),
    ];
    for (name, value, status, error) in cases {
        let mut form = good.clone();
        form[name] = value.into();
        let answer = world.token("us", &form).await;
        assert_eq!(answer.status(), status, "{name}={value}");
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"error": error}), "{name}={value}");
    }
    let by_get = world.request(Method::GET, "us", "/oauth/v2/token").query(&good).send().await.unwrap();
    assert_eq!(by_get.status(), 400);
    // None of these attempts has used the code up.
    assert_eq!(world.token("us", &good).await.status(), 200);
}

#[tokio::test]
async fn statement_07_a_refresh_token_only_if_offline_and_first_consent_or_prompted() {
    let world = start().await;
    let ask = |access_type: &str, prompt: Option<&str>| {
        let mut ask = World::ask();
        ask.insert("access_type".to_owned(), access_type.to_owned());
        ask.remove("prompt");
        ask.extend(prompt.map(|prompt| ("prompt".to_owned(), prompt.to_owned())));
        ask
    };
    let cases = [
        ("online", Some("consent"), "bruno@example.com", false),
        ("offline", None, "ana@example.com", true),
        ("offline", None, "ana@example.com", false),
        ("offline", Some("consent"), "ana@example.com", true),
    ];
    for (access_type, prompt, email, expected) in cases {
        let tokens = world.connect_with(&ask(access_type, prompt), email).await;
        assert_eq!(tokens.refresh.is_some(), expected, "{access_type} {prompt:?} {email}");
    }
    let mut wider = ask("offline", None);
    wider.insert("scope".to_owned(), format!("{},ZohoCalendar.settings.READ", common::SCOPES));
    assert!(world.connect_with(&wider, "ana@example.com").await.refresh.is_some(), "a new scope is a first consent");
}

#[tokio::test]
async fn statement_08_a_refresh_gives_no_refresh_token_and_the_old_one_stays() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    let refresh = tokens.refresh.unwrap();
    let mut seen = vec![tokens.access];
    for _ in 0..3 {
        let answer: Value = world.refresh("us", &refresh).await.json().await.unwrap();
        assert!(answer.get("refresh_token").is_none(), "{answer}");
        let access = answer["access_token"].as_str().unwrap().to_owned();
        assert!(!seen.contains(&access));
        seen.push(access);
    }
    world.advance(10 * 365 * 86_400);
    assert!(world.refresh("us", &refresh).await.json::<Value>().await.unwrap()["access_token"].is_string());
}

#[tokio::test]
async fn statement_15_serverinfo_lists_the_locations() {
    let world = start().await;
    let info: Value = world.request(Method::GET, "eu", "/oauth/serverinfo").send().await.unwrap().json().await.unwrap();
    let locations = json!({"us": world.origin("us"), "eu": world.origin("eu")});
    assert_eq!(info, json!({"result": "success", "locations": locations}));
}

#[tokio::test]
async fn statement_16_user_info_needs_its_scope_and_has_zohos_keys() {
    let world = start().await;
    let info = async |authorization: Option<String>| {
        let request = world.request(Method::GET, "us", "/oauth/user/info");
        let request = authorization.into_iter().fold(request, |request, value| request.header("Authorization", value));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let tokens = world.connect("ana@example.com").await;
    let (status, shown) = info(Some(format!("Zoho-oauthtoken {}", tokens.access))).await;
    assert_eq!(status, 200);
    let mut keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["Display_Name", "Email", "First_Name", "Last_Name", "ZUID"]);
    assert_eq!(shown["Email"], "ana@example.com");
    assert_eq!(shown["Display_Name"], "Ana Diaz");
    assert!(shown["ZUID"].as_u64().unwrap() > 600_000_000);

    let mut narrow = World::ask();
    narrow.insert("scope".to_owned(), "ZohoCalendar.event.ALL".to_owned());
    let narrow = world.connect_with(&narrow, "ana@example.com").await;
    let (status, body) = info(Some(format!("Bearer {}", narrow.access))).await;
    assert_eq!((status, &body["error"][0]["error_code"]), (401, &json!("INVALID_OAUTHSCOPE")));
    let (status, body) = info(Some("Bearer made.up".to_owned())).await;
    assert_eq!((status, &body["error"][0]["error_code"]), (401, &json!("INVALID_OAUTHTOKEN")));
    let (status, body) = info(None).await;
    assert_eq!((status, &body["error"][0]["error_code"]), (400, &json!("INVALID_TICKET")));
}

/// Whether an access token is good at user info.
async fn works(world: &World, dc: &str, access: &str) -> bool {
    let request = world.request(Method::GET, dc, "/oauth/user/info");
    request.header("Authorization", format!("Bearer {access}")).send().await.unwrap().status() == 200
}

#[tokio::test]
async fn statement_17_both_revoke_paths_end_refresh_and_access_tokens() {
    let world = start().await;
    for (path, by_query) in [("/oauth/v2/token/revoke", true), ("/oauth/v2/token/revoke", false), ("/oauth/v2/revoke/token", false)]
    {
        let tokens = world.connect("ana@example.com").await;
        let other = world.connect("ana@example.com").await;
        let refresh = tokens.refresh.unwrap();
        let params = json!({"token": refresh, "token_type": "refresh_token"});
        let request = world.request(Method::POST, "us", path);
        let request = if by_query { request.query(&params) } else { request.form(&params) };
        let request = if path.ends_with("/token") { request.basic_auth(CLIENT_ID, Some(SECRET)) } else { request };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"status": "success"}));
        let refused: Value = world.refresh("us", &refresh).await.json().await.unwrap();
        assert_eq!(refused, json!({"error": "invalid_code"}), "{path}");
        assert!(!works(&world, "us", &tokens.access).await, "{path}");
        assert!(works(&world, "us", &other.access).await, "{path} ended another connection");
    }
    let unknown = world.request(Method::POST, "us", "/oauth/v2/token/revoke?token=1000.made.up").send().await.unwrap();
    assert_eq!(unknown.status(), 400);
    let nobody = world.request(Method::POST, "us", "/oauth/v2/revoke/token?token=1000.made.up").send().await.unwrap();
    assert_eq!(nobody.json::<Value>().await.unwrap(), json!({"error": "invalid_client"}));
}

#[tokio::test]
async fn statement_17_the_user_can_end_an_apps_access_by_hand() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    let whose = json!({"email": "ana@example.com", "client_id": CLIENT_ID});
    let answer = world.request(Method::POST, "us", "/_sim/revoke").json(&whose).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"revoked": 1}));
    let refused: Value = world.refresh("us", &tokens.refresh.unwrap()).await.json().await.unwrap();
    assert_eq!(refused, json!({"error": "invalid_code"}));
    assert!(!works(&world, "us", &tokens.access).await);
    // The consent is gone as well: the next one is a first consent.
    let mut ask = World::ask();
    ask.remove("prompt");
    assert!(world.connect_with(&ask, "ana@example.com").await.refresh.is_some());
}

#[tokio::test]
async fn statement_18_both_header_schemes_are_accepted() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    for path in ["/oauth/user/info", "/api/v1/calendars"] {
        for (scheme, status) in [("Zoho-oauthtoken", 200), ("Bearer", 200), ("Basic", 401)] {
            let request = world.request(Method::GET, "us", path);
            let answer = request.header("Authorization", format!("{scheme} {}", tokens.access)).send().await.unwrap();
            assert_eq!(answer.status(), status, "{scheme} at {path}");
        }
    }
}
