//! Every page, through the router and the real use cases, on a store that counts what is written.

mod store;
mod world;

use std::collections::BTreeSet;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use domain::links::{ConnectOutcome, Purpose};
use futures_util::StreamExt;
use tower::ServiceExt;
use world::{COOKIE, HOST, World, id};

use super::{dashboard_routes, form_token, open_routes};
use crate::{WebState, router};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

struct Browser<'a> {
    world: &'a World,
    logged_in: bool,
}

impl Browser<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<String>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        if self.logged_in {
            request = request.header(header::COOKIE, format!("__Host-greenroom={COOKIE}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        let response = self.world.router().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let endless = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let body = if endless {
            String::new()
        } else {
            String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
        };
        Answer { status, headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// Posts a form of the dashboard, with its token.
    async fn post(&self, path: &str, fields: &str) -> Answer {
        self.send(Method::POST, path, Some(format!("csrf={}&{fields}", form_token(COOKIE))), &[]).await
    }

    async fn post_plain(&self, path: &str, fields: &str) -> Answer {
        self.send(Method::POST, path, Some(fields.to_owned()), &[]).await
    }
}

fn admin(world: &World) -> Browser<'_> {
    Browser { world, logged_in: true }
}

fn visitor(world: &World) -> Browser<'_> {
    Browser { world, logged_in: false }
}

/// The pages of the dashboard with the ids of the test world.
fn dashboard_paths() -> Vec<(&'static str, String)> {
    let subject = |path: &str| match path {
        path if path.starts_with("/vacancies") => id("vac", 1),
        path if path.starts_with("/interviews") => id("itv", 3),
        path if path.starts_with("/managers") => id("per", 1),
        _ => id("mai", 1),
    };
    let no_page = ["/pause", "/logout", "/events"];
    dashboard_routes()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| !no_page.contains(path))
        .map(|path| (path, path.replace("{id}", &subject(path))))
        .collect()
}

/// The pages behind links, with live tokens.
fn link_paths(world: &World) -> Vec<(&'static str, String)> {
    [
        ("/p/{token}", Purpose::Permission, 1),
        ("/connect/{token}", Purpose::OauthState, 2),
        ("/c/{token}", Purpose::Candidate, 3),
        ("/m/{token}", Purpose::Manager, 4),
        ("/f/{token}", Purpose::Feedback, 5),
        ("/o/{token}", Purpose::Proposal, 6),
        ("/d/{token}", Purpose::Disconnect, 7),
        ("/login/{token}", Purpose::AdminLogin, 8),
    ]
    .into_iter()
    .map(|(path, purpose, number)| (path, path.replace("{token}", &world.token(purpose, number))))
    .collect()
}

/// What every page must have, whoever reads it.
fn check_page(path: &str, answer: &Answer) {
    let body = &answer.body;
    assert!(answer.header(header::CONTENT_TYPE).starts_with("text/html"), "{path}");
    assert!(body.starts_with("<!doctype html>"), "{path}: {}", &body[..body.len().min(80)]);
    assert!(body.contains("<html lang=\"en\""), "{path}");
    assert_eq!(body.matches("<h1").count(), 1, "{path}");
    assert_eq!(body.matches("<main id=\"content\"").count(), 1, "{path}");
    assert!(body.contains("href=\"#content\""), "{path} has no way past the navigation");
    let title = body.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
    assert!(!title.trim_start().starts_with('·') && title.contains('·'), "{path}: title {title}");
    for forbidden in [" style=", "<style", " onclick=", "javascript:", "{{", "{%"] {
        assert!(!body.contains(forbidden), "{path} contains {forbidden}");
    }
    assert_eq!(body.matches("<script").count(), body.matches("<script src=\"/static/").count(), "{path} has an inline script");
    for field in body.split("<input ").skip(1).chain(body.split("<textarea ").skip(1)).chain(body.split("<select ").skip(1)) {
        let tag = field.split_once('>').unwrap().0;
        if tag.contains("type=\"hidden\"") || tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\"") {
            continue;
        }
        let id =
            tag.split_once("id=\"").unwrap_or_else(|| panic!("{path}: a field without an id: {tag}")).1.split_once('"').unwrap().0;
        assert!(body.contains(&format!("<label for=\"{id}\">")), "{path}: no label for {id}");
    }
    for id in body.split("aria-describedby=\"").skip(1).flat_map(|rest| rest.split_once('"').unwrap().0.split(' ')) {
        assert!(body.contains(&format!("id=\"{id}\"")), "{path}: nothing has the id {id}");
    }
    assert_eq!(body.matches("<th ").count() + body.matches("<th>").count(), body.matches("<th scope=").count(), "{path}");
}

fn check_headers(path: &str, answer: &Answer) {
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.starts_with("default-src 'none'") && policy.contains("base-uri 'none'"), "{path}: {policy}");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
    assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin", "{path}");
    assert!(answer.header(header::STRICT_TRANSPORT_SECURITY).contains("max-age"), "{path}");
    assert!(answer.header(header::CACHE_CONTROL).contains("no-store"), "{path}");
    assert!(answer.headers.contains_key("x-request-id"), "{path}");
}

/// Tokens depend on the key only, but are long and say nothing.
fn shown(world: &World, body: &str) -> String {
    let mut text = body.to_owned();
    for (path, with_token) in link_paths(world) {
        text = text.replace(with_token.rsplit('/').next().unwrap(), &format!("TOKEN-OF-{}", path.split('/').nth(1).unwrap()));
    }
    text.replace(&form_token(COOKIE), "FORM-TOKEN")
}

#[tokio::test]
async fn every_page_shows_what_it_should_and_a_get_changes_nothing() {
    let world = World::new(true);
    let mut pages: Vec<(&str, String)> = dashboard_paths();
    pages.extend(link_paths(&world));
    pages.push(("/login", "/login".to_owned()));
    for (route, path) in pages {
        let answer = admin(&world).get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        check_headers(&path, &answer);
        if route != "/mailbox/{id}/html" {
            check_page(&path, &answer);
        }
        let name = format!("page{}", route.replace(['/', '{', '}'], "_"));
        insta::assert_snapshot!(name, shown(&world, &answer.body));
        let again = admin(&world).get(&path).await;
        assert_eq!(again.body, answer.body, "{path}: the second look shows something else");
    }
    assert_eq!(world.store.commits(), 0, "a GET wrote something");
}

#[tokio::test]
async fn without_a_log_in_every_dashboard_route_leads_to_the_log_in_page() {
    let world = World::new(false);
    for (path, _) in dashboard_routes() {
        let path = path.replace("{id}", &id("vac", 1));
        for method in [Method::GET, Method::POST] {
            let answer = visitor(&world).send(method.clone(), &path, None, &[]).await;
            let wrong_method = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            assert!(
                wrong_method || (answer.status == StatusCode::SEE_OTHER && answer.header(header::LOCATION) == "/login"),
                "{method} {path}: {}",
                answer.status
            );
            assert!(!answer.body.contains("Ana Anders"), "{method} {path}");
        }
        let reachable = visitor(&world).get(&path).await.status == StatusCode::SEE_OTHER
            || visitor(&world).send(Method::POST, &path, None, &[]).await.status == StatusCode::SEE_OTHER;
        assert!(reachable, "{path} answers no method");
    }
    // A cookie that is nobody's is no log-in either.
    let answer = visitor(&world).send(Method::GET, "/", None, &[("cookie", "__Host-greenroom=made-up")]).await;
    assert_eq!(answer.header(header::LOCATION), "/login");
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn a_session_that_ended_is_no_log_in() {
    let world = World::new(false);
    world.clock.advance(3 * 24 * 3600);
    assert_eq!(admin(&world).get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn dashboard_forms_need_their_token() {
    let world = World::new(false);
    for path in ["/pause", "/logout", "/jobs", "/keys", &format!("/vacancies/{}", id("vac", 2))] {
        for fields in ["action=approve", "csrf=&action=approve", "csrf=wrong&action=approve"] {
            assert_eq!(admin(&world).post_plain(path, fields).await.status, StatusCode::FORBIDDEN, "{path} {fields}");
        }
    }
    assert_eq!(world.store.commits(), 0);
    let answer = admin(&world).post("/pause", "action=pause_all").await;
    assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/?done=pause_all"));
    assert_eq!(world.store.commits(), 1);
    assert!(admin(&world).get("/").await.body.contains("Everything is paused"));
}

#[tokio::test]
async fn what_another_site_sends_is_refused() {
    let world = World::new(false);
    let path = format!("/c/{}", world.token(Purpose::Candidate, 3));
    for foreign in [("origin", "https://evil.example.org"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        let answer = visitor(&world).send(Method::POST, &path, Some("action=confirm".to_owned()), &[foreign]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{foreign:?}");
        check_page("refused", &answer);
    }
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn unknown_hosts_are_refused() {
    let world = World::new(false);
    let request = |host: Option<&str>| {
        let mut request = Request::builder().uri("/login");
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        world.router().oneshot(request.body(Body::empty()).unwrap())
    };
    assert_eq!(request(Some("evil.example.org")).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(request(None).await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(request(Some("greenroom.example.com:443")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(request(Some("localhost:8040")).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_field_of_a_megabyte_gets_a_sentence() {
    let world = World::new(false);
    let path = format!("/c/{}", world.token(Purpose::Candidate, 3));
    let answer = visitor(&world).post_plain(&path, &format!("action=cannot&note={}", "x".repeat(1 << 20))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("256 KiB"), "{}", answer.body);
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn nonsense_leads_to_a_page_that_says_so() {
    let world = World::new(false);
    for path in [
        "/nowhere",
        "/static/nothing.css",
        &format!("/vacancies/{}", id("vac", 99)),
        "/vacancies/nonsense",
        &format!("/mailbox/{}", id("itv", 1)),
    ] {
        let answer = admin(&world).get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        check_page(path, &answer);
    }
    assert_eq!(visitor(&world).send(Method::DELETE, "/login", None, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(admin(&world).post("/keys", "action=dance").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn links_that_do_not_open_say_why_and_managers_can_ask_for_a_fresh_one() {
    let world = World::new(false);
    let answer = visitor(&world).get("/p/made-up").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    check_page("/p/made-up", &answer);
    assert!(!answer.body.contains("fresh"), "nothing to send for a link that is not ours");

    world.change_link(1, |link| link.expires_at = world::NOW.parse().unwrap());
    let path = format!("/p/{}", world.token(Purpose::Permission, 1));
    let answer = visitor(&world).get(&path).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(answer.body.contains("has expired") && answer.body.contains("Send me a fresh link"), "{}", answer.body);
    insta::assert_snapshot!("link_expired", shown(&world, &answer.body));

    let real = visitor(&world).post_plain(&path, "action=fresh").await;
    let made_up = visitor(&world).post_plain("/p/made-up", "action=fresh").await;
    assert_eq!((real.status, made_up.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(real.body, made_up.body, "the answer tells whether there was somebody to write to");

    world.change_link(3, |link| link.revoked_at = Some(world::NOW.parse().unwrap()));
    let answer = visitor(&world).get(&format!("/c/{}", world.token(Purpose::Candidate, 3))).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(answer.body.contains("no longer valid") && answer.body.contains("recruiting@example.com"));

    world.change_link(8, |link| link.used_at = Some(world::NOW.parse().unwrap()));
    let answer = visitor(&world).get(&format!("/login/{}", world.token(Purpose::AdminLogin, 8))).await;
    assert!(answer.body.contains("already used") && answer.body.contains("greenroom admin link"));
}

#[tokio::test]
async fn every_outcome_of_a_connection_says_what_to_do_next() {
    let world = World::new(false);
    let path = format!("/connect/{}", world.token(Purpose::OauthState, 2));
    let outcomes = [
        ConnectOutcome::Working,
        ConnectOutcome::Connected,
        ConnectOutcome::Refused,
        ConnectOutcome::AwaitingAdministrator,
        ConnectOutcome::NoRefreshToken,
        ConnectOutcome::WrongDataCentre,
        ConnectOutcome::CodeExpired,
        ConnectOutcome::ScopeMissing,
        ConnectOutcome::Misconfigured,
        ConnectOutcome::NoCalendar,
        ConnectOutcome::ProviderDown,
    ];
    let mut mains = BTreeSet::new();
    let mut all = Vec::new();
    for outcome in outcomes {
        world.change_link(2, |link| link.outcome = Some(outcome));
        let answer = visitor(&world).get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{outcome:?}");
        check_page(&format!("{outcome:?}"), &answer);
        let main = answer.body.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
        assert!(!main.contains("connect.") && !main.contains('{'), "{outcome:?} lacks a text: {main}");
        assert_eq!(
            answer.body.contains("http-equiv=\"refresh\""),
            matches!(outcome, ConnectOutcome::Working | ConnectOutcome::ProviderDown),
            "{outcome:?}"
        );
        let lines: Vec<&str> = main.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()).collect();
        all.push(format!("== {outcome:?}\n{}", lines.join("\n")));
        mains.insert(main.to_owned());
    }
    assert_eq!(mains.len(), outcomes.len(), "two outcomes say the same");
    insta::assert_snapshot!("outcomes", shown(&world, &all.join("\n")));
}

#[tokio::test]
async fn the_permission_form_may_end_at_the_consent_page_and_nowhere_else() {
    let world = World::new(false);
    let path = format!("/p/{}", world.token(Purpose::Permission, 1));
    let answer = visitor(&world).get(&path).await;
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("form-action 'self' https://accounts.example.com;"), "{policy}");
    let answer = visitor(&world).post_plain(&path, "action=connect").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer.header(header::LOCATION).starts_with("https://accounts.example.com/oauth/v2/auth"),
        "{}",
        answer.header(header::LOCATION)
    );
}

#[tokio::test]
async fn a_manager_who_is_not_connected_reads_who_asks_for_what_and_can_refuse() {
    let world = World::new(false);
    world.with(|rows| {
        let grant = &mut rows.grants[0];
        (grant.state, grant.tokens, grant.pending) = (domain::grants::GrantState::Requested, None, None);
    });
    let path = format!("/p/{}", world.token(Purpose::Permission, 1));
    let answer = visitor(&world).get(&path).await;
    check_page(&path, &answer);
    for said in
        ["Robin Recruiter", "Example &#38; Sons", "accounts.example.com", "ana@example.com", "never the titles", "No, thank you"]
    {
        assert!(answer.body.contains(said), "{said}");
    }
    insta::assert_snapshot!("permission_wanted", shown(&world, &answer.body));
    let answer = visitor(&world).post_plain(&path, "action=refuse").await;
    assert_eq!(answer.status, StatusCode::OK);
    check_page(&path, &answer);
    assert!(answer.body.contains("Your calendar stays closed"), "{}", answer.body);
    assert_eq!(world.store.commits(), 1);
}

#[tokio::test]
async fn logging_in_uses_the_link_and_sets_a_guarded_cookie() {
    let world = World::new(false);
    let path = format!("/login/{}", world.token(Purpose::AdminLogin, 8));
    let answer = visitor(&world).post_plain(&path, "").await;
    assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    let cookie = answer.header(header::SET_COOKIE).to_owned();
    for part in ["__Host-greenroom=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split_once(';').unwrap().0;
    assert_eq!(visitor(&world).send(Method::GET, "/", None, &[("cookie", pair)]).await.status, StatusCode::OK);
    assert_eq!(visitor(&world).post_plain(&path, "").await.status, StatusCode::GONE, "a link logs in once");
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let world = World::new(false);
    let answer = admin(&world).post("/logout", "").await;
    assert!(answer.header(header::SET_COOKIE).contains("Max-Age=0"));
    assert_eq!(admin(&world).get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_bad_feedback_form_keeps_what_was_typed() {
    let world = World::new(false);
    let path = format!("/f/{}", world.token(Purpose::Feedback, 5));
    let fields =
        "action=submit&technical=7&communication=12&problem_solving=3&culture=4&strengths=Very+%3Cgood%3E&recommendation=maybe";
    let answer = visitor(&world).post_plain(&path, fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    check_page("feedback", &answer);
    assert!(answer.body.contains("Very &#60;good&#62;"), "{}", answer.body);
    assert!(answer.body.contains("name=\"technical\" value=\"7\" checked"));
    assert!(answer.body.contains("value=\"maybe\" checked"));
    assert!(answer.body.contains("id=\"communication-error\"") && answer.body.contains("id=\"overall-error\""));
    assert!(!answer.body.contains("id=\"technical-error\""));
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn dashboard_forms_come_back_with_what_is_wrong_beside_the_field() {
    let world = World::new(false);
    let vacancy = format!("/vacancies/{}", id("vac", 1));
    for (fields, text) in [
        ("action=add_candidate&name=New&email=", "Please fill this in."),
        ("action=add_candidate&name=New&email=nonsense", "not an e-mail address"),
        ("action=add_candidate&name=New&email=new%40example.org&zone=Mars", "not a time zone"),
    ] {
        let answer = admin(&world).post(&vacancy, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields}");
        check_page(fields, &answer);
        assert!(answer.body.contains(text), "{fields}: {}", answer.body);
        assert!(answer.body.contains("value=\"New\"") && answer.body.contains("aria-invalid=\"true\""), "{fields}");
    }
    let interview = format!("/interviews/{}", id("itv", 1));
    let answer = admin(&world).post(&interview, "action=move&start=soon").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("value=\"soon\"") && answer.body.contains("Give a date and a time"));
    let answer = admin(&world).post("/keys", "action=create&name=").await;
    assert!(answer.body.contains("Give the key a name.") && answer.body.contains("Choose at least one right."));
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn a_new_key_is_shown_once() {
    let world = World::new(false);
    let answer = admin(&world).post("/keys", "action=create&name=robot&right=read&right=propose&days=30").await;
    assert_eq!(answer.status, StatusCode::OK);
    let key = answer.body.split_once("id=\"new-key\">").unwrap().1.split_once('<').unwrap().0.to_owned();
    assert!(key.len() > 20, "{key}");
    assert!(world.app.authenticate(&key).await.unwrap().is_some());
    let answer = admin(&world).get("/keys").await;
    assert!(answer.body.contains("robot") && !answer.body.contains(&key));
}

#[tokio::test]
async fn a_letter_in_the_frame_can_do_nothing_but_be_read() {
    let world = World::new(false);
    let answer = admin(&world).get(&format!("/mailbox/{}/html", id("mai", 1))).await;
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("sandbox allow-top-navigation-by-user-activation") && !policy.contains("script-src"), "{policy}");
    assert!(answer.body.contains("<base target=\"_top\">"));
}

#[tokio::test]
async fn the_clock_is_shown_in_the_demo_only() {
    assert!(admin(&World::new(true)).get("/").await.body.contains("action=\"/demo/clock\""));
    assert!(!admin(&World::new(false)).get("/").await.body.contains("demo"));
}

#[tokio::test]
async fn live_pages_get_a_stream() {
    let world = World::new(false);
    let answer = admin(&world).get("/events").await;
    assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, "text/event-stream"));
}

#[tokio::test]
async fn a_stream_tells_of_commits_and_ends_when_the_server_stops() {
    let world = World::new(false);
    let state = WebState::new(world.app.clone(), Vec::new(), &[], "test");
    let request =
        Request::builder().uri("/events").header(header::HOST, HOST).header(header::COOKIE, format!("__Host-greenroom={COOKIE}"));
    let response = router(state.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    world.app.pause_all(true, &app::Caller::system()).await.unwrap();
    let event = body.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&event).contains("event: changed"), "{event:?}");
    state.stop();
    assert!(body.next().await.is_none());
}

#[test]
fn open_routes_are_the_ones_that_mails_name() {
    let open: BTreeSet<&str> = open_routes().into_iter().map(|(path, _)| path).collect();
    for mailed in
        ["/p/{token}", "/connect/{token}", "/d/{token}", "/c/{token}", "/m/{token}", "/f/{token}", "/o/{token}", "/login/{token}"]
    {
        assert!(open.contains(mailed), "{mailed}");
    }
}
