//! The matrix: every route that is in the router, for every kind of caller. The list of routes is the router's own; a route that
//! nobody has said anything about fails. That the matrix sees a missing guard is tested too: with routers that lack one.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use domain::{
    Id,
    access::{Account, ApiKey, Right, Role},
};
use serde_json::json;
use tower::ServiceExt;
use vault::hash_api_key;

use super::{
    form_token,
    world::{COOKIE, HOST, World, id},
};
use crate::{
    WebState, api,
    pages::{Needs, assemble, dashboard_routes, open_routes},
};

/// Makes the router that is looked at.
type Build = fn(&World) -> axum::Router;

/// What a route asks for.
#[derive(Debug, Clone)]
enum Asks {
    /// Nothing: a link's token, a public answer.
    Nothing,
    /// A log-in and a role.
    LogIn(Needs),
    /// An API key: per method its right, and whether a key with a role needs `administer` besides.
    Key(BTreeMap<String, (Right, bool)>),
}

/// Who asks: by session or by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    /// Somebody who came by a one-time link.
    ByLink,
    Session(Role),
    Expired,
    Revoked,
    Idle,
    SwitchedOff,
    Key(Role),
    /// Made right by right, with every right there is.
    OldKey,
    ExpiredKey,
    RevokedKey,
    MadeUpKey,
}

impl Who {
    const ALL: [Self; 17] = [
        Self::Nobody,
        Self::ByLink,
        Self::Session(Role::Admin),
        Self::Session(Role::Recruiter),
        Self::Session(Role::Auditor),
        Self::Expired,
        Self::Revoked,
        Self::Idle,
        Self::SwitchedOff,
        Self::Key(Role::Admin),
        Self::Key(Role::Recruiter),
        Self::Key(Role::Agent),
        Self::Key(Role::Auditor),
        Self::Key(Role::Metrics),
        Self::OldKey,
        Self::ExpiredKey,
        Self::RevokedKey,
    ];

    /// The role of a live log-in.
    fn logged_in(self) -> Option<Role> {
        match self {
            Self::ByLink => Some(Role::Admin),
            Self::Session(role) => Some(role),
            _ => None,
        }
    }

    fn key(self) -> bool {
        matches!(self, Self::Key(_) | Self::OldKey | Self::ExpiredKey | Self::RevokedKey | Self::MadeUpKey)
    }

    /// A world in which this caller is what it says, and the headers it sends.
    fn enters(self, world: &World) -> Option<(header::HeaderName, String)> {
        world.with(|rows| {
            let session = &mut rows.sessions[0];
            let account = |role: Role, disabled: bool| -> Account {
                serde_json::from_value(json!({
                    "id": id("acc", 7), "rev": 1, "email": "me@example.com", "name": "Me", "role": role.code(),
                    "created_at": "2026-11-24T09:00:00Z", "disabled_at": disabled.then_some("2026-11-24T09:00:00Z"),
                }))
                .unwrap()
            };
            let mine: Id<Account> = id("acc", 7).parse().unwrap();
            let past = "2026-11-20T09:00:00Z".parse().unwrap();
            match self {
                Self::Session(role) => {
                    session.account = Some(mine);
                    rows.accounts.push(account(role, false));
                }
                Self::SwitchedOff => {
                    session.account = Some(mine);
                    rows.accounts.push(account(Role::Admin, true));
                }
                Self::Expired => session.expires_at = past,
                Self::Revoked => session.revoked_at = Some(past),
                Self::Idle => session.created_at = past,
                _ => {}
            }
            let key = ApiKey {
                id: id("key", 9).parse().unwrap(),
                rev: 1,
                name: "mine".to_owned(),
                hash: hash_api_key("my key").to_vec(),
                rights: Right::ALL.into(),
                role: None,
                created_at: past,
                expires_at: None,
                revoked_at: None,
                previous: None,
            };
            match self {
                Self::Key(role) => rows.keys.push(ApiKey { rights: role.rights(), role: Some(role), ..key }),
                Self::OldKey => rows.keys.push(key),
                Self::ExpiredKey => rows.keys.push(ApiKey { expires_at: Some(past), ..key }),
                Self::RevokedKey => rows.keys.push(ApiKey { revoked_at: Some(past), ..key }),
                _ => {}
            }
        });
        match self {
            Self::Nobody => None,
            who if who.key() => Some((header::AUTHORIZATION, "Bearer my key".to_owned())),
            _ => Some((header::COOKIE, format!("__Host-greenroom={COOKIE}"))),
        }
    }
}

/// The paths of a router, from what it prints of itself.
fn paths_of(router: &axum::Router) -> Vec<String> {
    let text = format!("{router:?}");
    let mut paths: Vec<String> =
        text.split('"').skip(1).step_by(2).filter(|part| part.starts_with('/')).map(ToOwned::to_owned).collect();
    paths.sort();
    paths.dedup();
    paths.retain(|path| !path.contains("__private"));
    paths
}

/// What every route asks for, from the lists that routes are made of, and for the few that stand in no list.
fn asked() -> BTreeMap<String, Asks> {
    let mut all = BTreeMap::new();
    for (path, _) in open_routes() {
        all.insert(path.to_owned(), Asks::Nothing);
    }
    for (path, needs, _) in dashboard_routes() {
        all.insert(path.to_owned(), Asks::LogIn(needs));
    }
    for (path, method, right, administers) in api::guarded() {
        let entry = all.entry(path).or_insert_with(|| Asks::Key(BTreeMap::new()));
        if let Asks::Key(methods) = entry {
            methods.insert(method, (right, administers));
        }
    }
    for (path, method, right) in
        [("setup", "POST", Right::Propose), ("status", "GET", Right::Read), ("refresh", "POST", Right::Commit)]
    {
        for end in ["", "/"] {
            let methods = BTreeMap::from([(method.to_owned(), (right, false))]);
            all.insert(format!("/api/admin/oauth/{path}{end}"), Asks::Key(methods));
        }
    }
    all.insert("/metrics".to_owned(), Asks::Key(BTreeMap::from([("GET".to_owned(), (Right::Metrics, false))])));
    for open in [
        "/api/oauth/callback",
        "/api/oauth/callback/",
        "/api/admin/oauth/{*rest}",
        "/api/v1/openapi.json",
        "/api/{*rest}",
        "/healthz",
        "/readyz",
    ] {
        all.insert(open.to_owned(), Asks::Nothing);
    }
    all
}

/// A caller in a world of its own. Not one for the whole matrix: callers without a key would soon be told to wait.
struct Scene {
    world: World,
    router: axum::Router,
    sends: Option<(header::HeaderName, String)>,
}

impl Scene {
    fn of(who: Who, build: Build) -> Self {
        let world = World::new(false);
        let sends = who.enters(&world);
        Self { router: build(&world), sends, world }
    }

    /// One request; what it wrote is undone.
    async fn ask(&self, method: &Method, path: &str) -> (StatusCode, String) {
        let mut before = None;
        self.world.with(|rows| before = Some(rows.clone()));
        let answer = ask(&self.router, self.sends.as_ref(), method, path).await;
        self.world.with(|rows| *rows = before.take().unwrap());
        answer
    }
}

/// One request: the status, and where it leads.
async fn ask(
    router: &axum::Router,
    sends: Option<&(header::HeaderName, String)>,
    method: &Method,
    path: &str,
) -> (StatusCode, String) {
    let path = path.replace("{*rest}", "nothing").replace("{file}", "greenroom.css").replace("{id}", &id("vac", 1));
    let path: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { "00000000000000000000000000000007" } else { part }).collect();
    let mut request = Request::builder().method(method).uri(path.join("/")).header(header::HOST, HOST);
    let by_key = matches!(sends, Some((name, _)) if name == header::AUTHORIZATION);
    if let Some((name, value)) = sends {
        request = request.header(name, value);
    }
    let body = if by_key { String::new() } else { format!("csrf={}", form_token(COOKIE)) };
    if !by_key {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let response = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let to = response.headers().get(header::LOCATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    (response.status(), to)
}

/// Whether the answer is what this caller must get.
fn is_right(asks: &Asks, who: Who, method: &Method, status: StatusCode, to: &str) -> bool {
    let through = !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) && to != "/login";
    match asks {
        // A form token of the log-in page is asked for, but no log-in.
        Asks::Nothing => through || status == StatusCode::FORBIDDEN && *method == Method::POST,
        Asks::LogIn(needs) => match who.logged_in() {
            None => (status, to) == (StatusCode::SEE_OTHER, "/login"),
            Some(role) if needs.admits(role, method) => through,
            Some(_) => status == StatusCode::FORBIDDEN,
        },
        Asks::Key(methods) => {
            let (right, administers) = methods[method.as_str()];
            match who {
                Who::Key(role) if role.may(right) && (!administers || role.may(Right::Administer)) => through,
                Who::Key(_) => status == StatusCode::FORBIDDEN,
                Who::OldKey => through,
                _ => status == StatusCode::UNAUTHORIZED,
            }
        }
    }
}

/// Paths of a router of which nobody says who may use them.
fn forgotten(router: &axum::Router, asked: &BTreeMap<String, Asks>) -> Vec<String> {
    paths_of(router).into_iter().filter(|path| !asked.contains_key(path)).collect()
}

/// Every caller tries every method of every route that is asked about: how many combinations, and those that were answered wrongly.
async fn findings(asked: &BTreeMap<String, Asks>, build: Build) -> (usize, Vec<String>) {
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let (mut combinations, mut wrong) = (0, Vec::new());
    let routes: Vec<(&String, &Asks)> = asked.iter().collect();
    let mut offers = BTreeMap::new();
    let scene = Scene::of(Who::ByLink, build);
    for (path, asks) in &routes {
        for method in &methods {
            let offered = match asks {
                Asks::Key(known) => known.contains_key(method.as_str()),
                _ => scene.ask(method, path).await.0 != StatusCode::METHOD_NOT_ALLOWED,
            };
            offers.insert((*path, method.to_string()), offered);
        }
    }
    // Eight paths at a time: fewer requests than a caller without a key may send at once.
    for (who, few) in Who::ALL.into_iter().flat_map(|who| routes.chunks(8).map(move |few| (who, few))) {
        let scene = Scene::of(who, build);
        for (path, asks) in few {
            for method in &methods {
                combinations += 1;
                let offered = offers[&(*path, method.to_string())];
                let (status, to) = scene.ask(method, path).await;
                let right = if offered {
                    is_right(asks, who, method, status, &to)
                } else {
                    // No handler is reached: the method is named as the mistake, or the guard before it has refused already.
                    status.is_client_error() || to == "/login"
                };
                if !right {
                    wrong.push(format!("{method} {path} by {who:?}: {status} {to}"));
                }
            }
        }
    }
    (combinations, wrong)
}

#[tokio::test]
async fn every_route_answers_every_caller_as_it_must() {
    let asked = asked();
    let router = World::new(false).router();
    let paths = paths_of(&router);
    assert!(paths.len() > 60, "the router no longer prints its paths: {paths:?}");
    assert_eq!(forgotten(&router, &asked), Vec::<String>::new(), "nobody says who may use these");
    let gone: Vec<_> = asked.keys().filter(|path| !paths.contains(path)).collect();
    assert!(gone.is_empty(), "no route has these paths any more: {gone:?}");
    let (combinations, wrong) = findings(&asked, World::router).await;
    assert!(wrong.is_empty(), "{} of {combinations}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(combinations > 5_000, "{combinations}");
    println!("{combinations} combinations of {} routes and {} callers", asked.len(), Who::ALL.len());
}

/// The pages, but the one of the accounts has lost its guard: what is left is that somebody must be logged in.
fn one_page_without_its_guard(world: &World) -> axum::Router {
    let state = WebState::new(world.app.clone(), Vec::new(), &[], "test");
    let (bare, kept): (Vec<_>, Vec<_>) = dashboard_routes().into_iter().partition(|(path, ..)| *path == "/accounts");
    let open = open_routes().into_iter().chain(bare.into_iter().map(|(path, _, answer)| (path, answer)));
    assemble(&state, open.collect(), kept).with_state(state)
}

/// Routes that answer whoever asks, and one that nobody knows of.
fn no_guards(_: &World) -> axum::Router {
    let answer = || async { "all there is" };
    ["/accounts", "/api/v1/vacancies", "/metrics", "/forgotten"]
        .into_iter()
        .fold(axum::Router::new(), |router, path| router.route(path, axum::routing::get(answer)))
}

#[tokio::test]
async fn the_matrix_finds_a_missing_guard() {
    let some = |paths: &[&str]| -> BTreeMap<String, Asks> {
        asked().into_iter().filter(|(path, _)| paths.contains(&path.as_str())).collect()
    };
    let (_, wrong) = findings(&some(&["/accounts", "/keys", "/health", "/login"]), one_page_without_its_guard).await;
    let expected = ["GET", "POST"]
        .map(|method| [Role::Recruiter, Role::Auditor].map(|role| format!("{method} /accounts by {:?}: ", Who::Session(role))));
    for expected in expected.iter().flatten() {
        assert!(wrong.iter().any(|found| found.starts_with(expected)), "{expected} is missing: {wrong:?}");
    }
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    let (_, wrong) = findings(&some(&["/accounts", "/api/v1/vacancies", "/metrics"]), no_guards).await;
    for path in ["/accounts", "/api/v1/vacancies", "/metrics"] {
        for who in [Who::Nobody, Who::Revoked, Who::RevokedKey] {
            let expected = format!("GET {path} by {who:?}: 200");
            assert!(wrong.iter().any(|found| found.starts_with(&expected)), "{expected} is missing: {wrong:?}");
        }
    }
    assert_eq!(forgotten(&no_guards(&World::new(false)), &asked()), ["/forgotten"]);
}

#[tokio::test]
async fn a_made_up_key_is_no_key() {
    let (status, _) = Scene::of(Who::MadeUpKey, World::router).ask(&Method::GET, "/api/v1/vacancies").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
