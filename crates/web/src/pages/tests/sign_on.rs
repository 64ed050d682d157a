//! Single sign-on as a browser sees it, and what binds forms to browsers in which nobody is logged in yet.

use std::sync::Arc;

use app::SingleSignOn;
use async_trait::async_trait;
use axum::http::{Method, StatusCode, header};
use domain::{Timestamp, links::Purpose};
use ports::{
    SignOn,
    sign_on::{SignOnAnswer, SignOnError, SignOnReply, SignOnRequest, SignedOn},
};

use super::{
    Answer, Browser, check_headers, check_page, form_token, visitor,
    world::{VISITOR, World},
};

/// Knows Rob, and whoever says no.
struct Provider;

#[async_trait]
impl SignOn for Provider {
    async fn authorization_url(&self, request: &SignOnRequest) -> Result<url::Url, SignOnError> {
        assert_eq!(request.redirect_uri.as_str(), "https://greenroom.example.com/login/sso/callback");
        Ok(format!("https://id.example.com/authorize?a=1&state={}", request.state).parse().unwrap())
    }
    async fn sign_on(&self, answer: &SignOnAnswer) -> Result<SignedOn, SignOnError> {
        let email = match &answer.reply {
            SignOnReply::Error(error) => return Err(SignOnError::Declined(error.clone())),
            SignOnReply::Code(code) if code.expose() == "broken" => {
                return Err(SignOnError::Passing("no answer in time".to_owned()));
            }
            SignOnReply::Code(code) => format!("{}@example.com", code.expose()),
        };
        Ok(SignedOn {
            issuer: "https://id.example.com".to_owned(),
            subject: email.clone(),
            verified_email: email.parse().ok(),
            name: None,
        })
    }
    async fn probe(&self, _: Timestamp) -> Result<usize, SignOnError> {
        Ok(1)
    }
}

fn world(passwords: bool) -> World {
    let world = World::new(false);
    let set = SingleSignOn { provider: Arc::new(Provider), name: "Example <ID>".to_owned(), newcomers: None, passwords };
    world.app.set_single_sign_on(set).unwrap();
    world
}

/// Begins: the answer, the cookie, and the state.
async fn begin(browser: &Browser<'_>) -> (Answer, String, String) {
    let answer = browser.post_plain("/login/sso", &format!("csrf={}", form_token(VISITOR))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let cookie = answer.header(header::SET_COOKIE).to_owned();
    let pair = cookie.split_once(';').unwrap().0.to_owned();
    let state = answer.body.split_once("state=").unwrap().1.split('"').next().unwrap().to_owned();
    (answer, pair, state)
}

async fn come_back(browser: &Browser<'_>, cookie: &str, query: &str) -> Answer {
    browser.send(Method::GET, &format!("/login/sso/callback?{query}"), None, &[("cookie", cookie)]).await
}

#[tokio::test]
async fn the_way_there_and_back_opens_a_session() {
    let world = world(true);
    let page = visitor(&world).get("/login").await;
    check_page("/login", &page);
    assert!(page.body.contains("Log in with Example &#60;ID&#62;"), "{}", page.body);
    assert!(page.body.contains("current-password"));
    let (answer, cookie, state) = begin(&visitor(&world)).await;
    check_page("/login/sso", &answer);
    check_headers("/login/sso", &answer);
    assert_eq!(answer.headers["refresh"], format!("0; url=https://id.example.com/authorize?a=1&state={state}"));
    let set = answer.header(header::SET_COOKIE);
    for part in ["__Host-greenroom-sign-on=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=600"] {
        assert!(set.contains(part), "{set}");
    }
    let back = come_back(&visitor(&world), &cookie, &format!("code=rob&state={state}")).await;
    assert_eq!((back.status, back.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    let cookies: Vec<&str> = back.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
    let session = cookies.iter().find(|text| text.starts_with("__Host-greenroom=")).unwrap();
    assert!(cookies.iter().any(|text| text.starts_with("__Host-greenroom-sign-on=;") && text.contains("Max-Age=0")), "{cookies:?}");
    let pair = session.split_once(';').unwrap().0;
    assert_eq!(visitor(&world).send(Method::GET, "/", None, &[("cookie", pair)]).await.status, StatusCode::OK);
    let out = visitor(&world).get("/login?done=logout").await;
    assert!(out.body.contains("goes on: on a shared computer, log out there too"), "{}", out.body);
}

#[tokio::test]
async fn what_does_not_open_says_why_and_sets_no_session() {
    for (query, status, says) in [
        ("code=eve", StatusCode::FORBIDDEN, "there is no account for your address"),
        ("code=broken", StatusCode::BAD_GATEWAY, "no answer in time"),
        ("error=access_denied", StatusCode::FORBIDDEN, "the permission was refused at Example"),
        ("error=interaction_required", StatusCode::FORBIDDEN, "“interaction_required”"),
        ("error=Call+0900+123", StatusCode::FORBIDDEN, "“unknown”"),
        ("", StatusCode::BAD_REQUEST, "does not belong to a log-in that was begun in this browser"),
    ] {
        let world = world(true);
        let (_, cookie, state) = begin(&visitor(&world)).await;
        let back = come_back(&visitor(&world), &cookie, &format!("{query}&state={state}")).await;
        assert_eq!(back.status, status, "{query}");
        check_page(query, &back);
        assert!(back.body.contains(says) && back.body.contains("role=\"alert\""), "{query}: {}", back.body);
        let cookies: Vec<&str> = back.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert!(!cookies.iter().any(|text| text.starts_with("__Host-greenroom=")), "{cookies:?}");
        assert!(cookies.iter().any(|text| text.contains("sign-on=;")), "{query}: the cookie stays: {cookies:?}");
    }
}

#[tokio::test]
async fn nobody_is_logged_in_to_what_another_began() {
    let world = world(true);
    let (_, _, state) = begin(&visitor(&world)).await;
    let (_, other, _) = begin(&visitor(&world)).await;
    // Somebody sends their own answer to another's browser: without its cookie, or with that of its own log-in.
    for cookie in ["a=b", "__Host-greenroom-sign-on=made-up", &other] {
        let back = come_back(&visitor(&world), cookie, &format!("code=rob&state={state}")).await;
        assert_eq!(back.status, StatusCode::BAD_REQUEST, "{cookie}");
    }
    // Nor does another site begin one.
    for fields in ["", "csrf=", "csrf=wrong"] {
        assert_eq!(visitor(&world).post_plain("/login/sso", fields).await.status, StatusCode::FORBIDDEN);
    }
    let foreign = [("origin", "https://evil.example.org")];
    let fields = format!("csrf={}", form_token(VISITOR));
    assert_eq!(visitor(&world).send(Method::POST, "/login/sso", Some(fields), &foreign).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn an_answer_is_used_once() {
    let world = world(true);
    let (_, cookie, state) = begin(&visitor(&world)).await;
    let query = format!("code=rob&state={state}");
    assert_eq!(come_back(&visitor(&world), &cookie, &query).await.status, StatusCode::SEE_OTHER);
    assert_eq!(come_back(&visitor(&world), &cookie, &query).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_passwords_no_page_asks_for_one() {
    let world = world(false);
    let page = visitor(&world).get("/login").await;
    check_page("/login", &page);
    assert!(!page.body.contains("type=\"password\"") && page.body.contains("greenroom admin link"), "{}", page.body);
    let fields = format!("csrf={}&email=rob@example.com&password=blue+lamps+on+a+tram", form_token(VISITOR));
    let answer = visitor(&world).post_plain("/login", &fields).await;
    assert!(answer.status.is_client_error() && answer.body.contains("asswords are switched off"), "{}", answer.body);
    let path = format!("/password/{}", world.token(Purpose::SetPassword, 9));
    let answer = visitor(&world).get(&path).await;
    assert!(answer.status.is_client_error() && answer.body.contains("asswords are switched off"), "{}", answer.body);
    let accounts = super::admin(&world).get("/accounts").await;
    assert!(!accounts.body.contains("value=\"account_link\""), "{}", accounts.body);
    let made = super::admin(&world).post("/accounts", "action=add_account&email=kim@example.com&name=Kim&role=auditor").await;
    assert_eq!(made.header(header::LOCATION), "/accounts?done=add_account");
}

#[tokio::test]
async fn without_single_sign_on_nothing_begins_or_ends() {
    let world = World::new(false);
    assert!(!visitor(&world).get("/login").await.body.contains("/login/sso"));
    let fields = format!("csrf={}", form_token(VISITOR));
    let begun = visitor(&world).post_plain("/login/sso", &fields).await;
    let back = visitor(&world).get("/login/sso/callback?code=a&state=b").await;
    for answer in [begun, back] {
        assert!(answer.status.is_client_error() && answer.body.contains("not set up"), "{}: {}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn the_forms_behind_one_time_links_need_their_token() {
    let world = World::new(false);
    let login = format!("/login/{}", world.token(Purpose::AdminLogin, 8));
    let password = format!("/password/{}", world.token(Purpose::SetPassword, 9));
    for path in [&login, &password] {
        assert!(visitor(&world).get(path).await.body.contains(&form_token(VISITOR)), "{path}");
        for token in ["", "csrf=", "csrf=wrong", &format!("csrf={}", form_token("another browser"))] {
            let answer = visitor(&world).post_plain(path, &format!("{token}&password=blue+lamps+on+a+tram")).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {token}");
        }
    }
    assert_eq!(world.store.commits(), 0, "a link was used up");
    // A browser without the cookie gets one with the form.
    let page = super::bare(&world, Method::GET, &login, None).await;
    let cookie = page.header(header::SET_COOKIE).to_owned();
    assert!(cookie.starts_with("__Host-greenroom-visitor=") && cookie.contains("SameSite=Lax"), "{cookie}");
    let given = cookie.split_once('=').unwrap().1.split(';').next().unwrap();
    assert!(page.body.contains(&form_token(given)));
    // The token alone, without the cookie, is nothing.
    let answer = super::bare(&world, Method::POST, &login, Some(format!("csrf={}", form_token(given)))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = visitor(&world).post_plain(&login, &format!("csrf={}", form_token(VISITOR))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}
