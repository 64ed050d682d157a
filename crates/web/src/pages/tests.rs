//! Every page, through the router and the real use cases, on a store that counts what is written.

mod accounts;
mod app_password;
mod dashboard;
mod erasures;
mod guards;
mod links;
mod matrix;
mod sign_on;
mod store;
mod world;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use domain::links::Purpose;
use tower::ServiceExt;
use world::{COOKIE, HOST, VISITOR, World, id};

use super::{dashboard_routes, form_token};

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
        request = request.header(header::COOKIE, format!("__Host-greenroom-visitor={VISITOR}"));
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
        answer_of(self.world.router().oneshot(request).await.unwrap()).await
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

/// A request of a browser that has no cookie at all.
async fn bare(world: &World, method: Method, path: &str, body: Option<String>) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    answer_of(world.router().oneshot(request.body(Body::from(body.unwrap_or_default())).unwrap()).await.unwrap()).await
}

async fn answer_of(response: axum::response::Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let endless = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let body = if endless {
        String::new()
    } else {
        String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
    };
    Answer { status, headers, body }
}

/// The pages of the dashboard with the ids of the test world.
fn dashboard_paths() -> Vec<(&'static str, String)> {
    let subject = |path: &str| match path {
        path if path.starts_with("/vacancies") => id("vac", 1),
        path if path.starts_with("/interviews") => id("itv", 3),
        path if path.starts_with("/managers") => id("per", 1),
        path if path.starts_with("/persons") => id("per", 2),
        _ => id("mai", 1),
    };
    let no_page = ["/pause", "/logout", "/events"];
    dashboard_routes()
        .into_iter()
        .map(|(path, ..)| path)
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
        ("/s/{token}", Purpose::Choice, 10),
        ("/m/{token}", Purpose::Manager, 4),
        ("/f/{token}", Purpose::Feedback, 5),
        ("/o/{token}", Purpose::Proposal, 6),
        ("/d/{token}", Purpose::Disconnect, 7),
        ("/login/{token}", Purpose::AdminLogin, 8),
        ("/password/{token}", Purpose::SetPassword, 9),
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
    text.replace(&form_token(COOKIE), "FORM-TOKEN").replace(&form_token(VISITOR), "LOG-IN-FORM-TOKEN")
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
