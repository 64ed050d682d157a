//! The form for an app password: where it is offered, what it takes, and what it never shows.

use axum::http::{StatusCode, header};
use domain::{
    grants::GrantState,
    jobs::Work,
    links::{ConnectOutcome, Link, Purpose},
};

use super::{Answer, bare, check_page, shown, visitor, world::World};

const SECRET: &str = "correct+horse%3Abattery";
/// As it was typed.
const PASSWORD: &str = "correct horse:battery";

/// Ana is asked, and the operator has set servers.
fn asked() -> World {
    let world = World::with_servers();
    world.with(|rows| {
        let grant = &mut rows.grants[0];
        (grant.state, grant.tokens, grant.pending) = (GrantState::Requested, None, None);
    });
    world
}

fn page_of(world: &World) -> String {
    format!("/p/{}", world.token(Purpose::Permission, 1))
}

async fn send(world: &World, fields: &str) -> Answer {
    visitor(world).post_plain(&page_of(world), &format!("action=password&{fields}")).await
}

#[tokio::test]
async fn the_form_is_there_only_where_servers_are_set() {
    let world = World::new(false);
    let answer = visitor(&world).get(&page_of(&world)).await;
    assert!(!answer.body.contains("app password") && answer.body.contains("You log in at Zoho, not here"), "{}", answer.body);
    let refused = send(&world, &format!("server=work&user=ana&password={SECRET}")).await;
    assert_eq!((refused.status, world.store.commits()), (StatusCode::UNPROCESSABLE_ENTITY, 0));

    let world = asked();
    let answer = visitor(&world).get(&page_of(&world)).await;
    check_page("with servers", &answer);
    assert!(answer.body.contains("home &#60;dav.example.net&#62;") && !answer.body.contains("You log in at Zoho, not here"));
    let field = answer.body.split('<').find(|tag| tag.contains("name=\"password\"")).unwrap();
    assert!(field.contains("autocomplete=\"off\"") && !field.contains("value="), "{field}");
    insta::assert_snapshot!("permission_with_servers", shown(&world, &answer.body));
}

#[tokio::test]
async fn a_password_goes_sealed_into_a_job_and_the_browser_to_the_page_that_shows_how_it_goes() {
    let world = asked();
    let answer = send(&world, &format!("server=home&user=+ana%40example.com+&password={SECRET}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let target = answer.header(header::LOCATION).to_owned();
    assert!(target.starts_with("/connect/"), "{target}");
    let (work, link) =
        world.store.rows.lock().map(|rows| (rows.ordered.last().unwrap().clone(), rows.links.last().unwrap().clone())).unwrap();
    let Work::Exchange { sealed_code, data_centre, .. } = work else { panic!("{work:?}") };
    assert_eq!(data_centre, "home");
    assert!(!String::from_utf8_lossy(&sealed_code).contains(PASSWORD));
    assert_eq!((link.typed_at(), link.outcome), (Some(("caldav", "home")), Some(ConnectOutcome::Working)));

    let page = visitor(&world).get(&target).await;
    check_page(&target, &page);
    assert!(page.body.contains("being tried at home &#60;dav.example.net&#62;"), "{}", page.body);
    assert!(!page.body.contains(PASSWORD));
}

#[tokio::test]
async fn every_outcome_of_a_password_names_the_server_and_never_zoho() {
    let world = asked();
    let answer = send(&world, &format!("server=work&user=ana&password={SECRET}")).await;
    let target = answer.header(header::LOCATION).to_owned();
    for outcome in [
        ConnectOutcome::Working,
        ConnectOutcome::Connected,
        ConnectOutcome::AwaitingAdministrator,
        ConnectOutcome::WrongDataCentre,
        ConnectOutcome::ScopeMissing,
        ConnectOutcome::Misconfigured,
        ConnectOutcome::NoCalendar,
        ConnectOutcome::ProviderDown,
        ConnectOutcome::PasswordRefused,
        ConnectOutcome::OtherCalendar,
    ] {
        world.with(|rows| rows.links.last_mut().unwrap().outcome = Some(outcome));
        let page = visitor(&world).get(&target).await;
        check_page(&format!("{outcome:?}"), &page);
        let main = page.body.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
        assert!(!main.contains("Zoho") && !main.contains('{') && !main.contains("connect."), "{outcome:?}: {main}");
        assert_eq!(main.contains("/p/"), outcome == ConnectOutcome::PasswordRefused || retries(outcome), "{outcome:?}: {main}");
    }
}

/// Outcomes after which starting again can help.
fn retries(outcome: ConnectOutcome) -> bool {
    !matches!(
        outcome,
        ConnectOutcome::Working | ConnectOutcome::Connected | ConnectOutcome::ProviderDown | ConnectOutcome::OtherCalendar
    )
}

#[tokio::test]
async fn what_cannot_be_right_is_named_at_its_field_and_changes_nothing() {
    let world = asked();
    let long = "x".repeat(600);
    let cases = [
        (format!("server=elsewhere&user=ana&password={SECRET}"), "server-error"),
        (format!("user=ana&password={SECRET}"), "server-error"),
        (format!("server=work&password={SECRET}"), "user-error"),
        (format!("server=work&user=an%3Aa&password={SECRET}"), "user-error"),
        (format!("server=work&user=an%0Aa&password={SECRET}"), "user-error"),
        (format!("server=work&user={long}&password={SECRET}"), "user-error"),
        ("server=work&user=ana&password=".to_owned(), "password-error"),
        ("server=work&user=ana".to_owned(), "password-error"),
        (format!("server=work&user=ana&password={long}"), "password-error"),
        ("server=work&user=ana&password=correct+horse%3Abattery%07".to_owned(), "password-error"),
    ];
    for (fields, error) in cases {
        let answer = send(&world, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields}");
        check_page(&fields, &answer);
        assert!(answer.body.contains(&format!("id=\"{error}\"")), "{fields}: {}", answer.body);
        assert_eq!(answer.body.matches("class=\"error\"").count(), 1, "{fields}");
        assert!(!answer.body.contains(PASSWORD) && !answer.body.contains("horse"), "{fields}: the password comes back");
    }
    let answer = send(&world, "server=home&user=ana%22%3E&password=").await;
    assert!(answer.body.contains("value=\"ana&#34;&#62;\"") && answer.body.contains("value=\"home\" selected"), "{}", answer.body);
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn a_link_that_does_not_open_and_another_site_change_nothing() {
    let world = asked();
    let fields = format!("action=password&server=work&user=ana&password={SECRET}");
    let answer = visitor(&world).post_plain("/p/made-up", &fields).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let answer = visitor(&world).send(axum::http::Method::POST, &page_of(&world), Some(fields.clone()), &foreign).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let query = format!("{}?{fields}", page_of(&world));
    let answer = visitor(&world).get(&query).await;
    assert!(answer.status == StatusCode::OK && !answer.body.contains("horse"), "what stands in the address is not looked at");
    world.change_link(1, |link: &mut Link| link.expires_at = super::world::NOW.parse().unwrap());
    let answer = bare(&world, axum::http::Method::POST, &page_of(&world), Some(fields)).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn whoever_tries_many_passwords_has_to_wait() {
    let world = asked();
    let mut last = None;
    for number in 0..8 {
        last = Some(send(&world, &format!("server=work&user=ana&password=guess{number}")).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!last.header(header::RETRY_AFTER).is_empty() && last.body.contains("tried here several times"), "{}", last.body);
    assert!(!last.body.contains("guess7"));
}

#[tokio::test]
async fn a_second_calendar_is_refused_while_the_first_is_connected() {
    let world = World::with_servers();
    world.with(|rows| rows.grants[0].pending = None);
    let answer = visitor(&world).get(&page_of(&world)).await;
    assert!(answer.body.contains("disconnect this one first") && !answer.body.contains("name=\"password\""), "{}", answer.body);
    let answer = send(&world, &format!("server=work&user=ana&password={SECRET}")).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("disconnect this one first"), "{}", answer.body);
    assert_eq!(world.store.commits(), 0);

    world.with(|rows| rows.grants[0].provider = "caldav".to_owned());
    let answer = visitor(&world).get(&page_of(&world)).await;
    assert!(answer.body.contains("name=\"password\"") && !answer.body.contains("value=\"connect\""), "{}", answer.body);
    let answer = visitor(&world).post_plain(&page_of(&world), "action=connect").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("disconnect it first"), "{}", answer.body);
    assert_eq!(world.store.commits(), 0);

    let page = visitor(&world).get(&format!("/d/{}", world.token(Purpose::Disconnect, 7))).await;
    assert!(page.body.contains("forgets the app password") && !page.body.contains("Zoho"), "{}", page.body);
}
