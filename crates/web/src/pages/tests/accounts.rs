//! Logging in with a password, one's own sessions, and accounts, as a browser sees them.

use axum::http::{Method, StatusCode, header};

use super::{
    Browser, admin, check_page, form_token, visitor,
    world::{VISITOR, World, id},
};
use domain::links::Purpose;

async fn enter(browser: &Browser<'_>, email: &str, password: &str) -> super::Answer {
    let fields = format!("csrf={}&email={email}&password={password}", form_token(VISITOR));
    browser.post_plain("/login", &fields).await
}

/// Rob's account gets its password, as its owner does it.
async fn with_password(world: &World) -> String {
    let path = format!("/password/{}", world.token(Purpose::SetPassword, 9));
    let weak = visitor(world).post_plain(&path, &format!("csrf={}&password=Password12345", form_token(VISITOR))).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.body.contains("among the first"), "{}", weak.body);
    check_page(&path, &weak);
    let set = visitor(world).post_plain(&path, &format!("csrf={}&password=blue+lamps+on+a+tram", form_token(VISITOR))).await;
    assert_eq!((set.status, set.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    set.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_password_logs_in_and_a_wrong_one_says_no_more_than_that() {
    let world = World::new(false);
    let cookies = with_password(&world).await;
    assert!(cookies.contains("__Host-greenroom=") && cookies.contains("__Host-greenroom-browser="), "{cookies}");
    for cookie in cookies.lines() {
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
    }
    let right = enter(&visitor(&world), "rob@example.com", "blue+lamps+on+a+tram").await;
    assert_eq!((right.status, right.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    let mut answers = Vec::new();
    for email in ["rob@example.com", "nobody@example.com"] {
        let wrong = enter(&visitor(&world), email, "red+lamps+on+a+tram").await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        check_page("/login", &wrong);
        answers.push(wrong.body.replace(email, "EMAIL"));
    }
    assert_eq!(answers[0], answers[1], "an unknown account is told apart");
    for _ in 0..5 {
        enter(&visitor(&world), "rob@example.com", "red+lamps+on+a+tram").await;
    }
    let wait = enter(&visitor(&world), "rob@example.com", "blue+lamps+on+a+tram").await;
    assert_eq!((wait.status, wait.header(header::RETRY_AFTER)), (StatusCode::TOO_MANY_REQUESTS, "2"));
}

#[tokio::test]
async fn the_log_in_form_needs_its_token() {
    let world = World::new(false);
    for fields in ["", "csrf=", "csrf=wrong"] {
        let answer = visitor(&world).post_plain("/login", &format!("{fields}&email=rob@example.com&password=x")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{fields}");
    }
    assert_eq!(world.store.commits(), 0);
    let page = visitor(&world).send(Method::GET, "/login", None, &[]).await;
    assert!(page.body.contains("autocomplete=\"current-password\"") && page.body.contains("autocomplete=\"username\""));
}

#[tokio::test]
async fn an_administrator_makes_accounts_and_an_auditor_sees_no_buttons_for_that() {
    let world = World::new(false);
    let made = admin(&world).post("/accounts", "action=add_account&email=kim@example.com&name=Kim&role=auditor").await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    check_page("/accounts", &made);
    assert!(made.body.contains("https://greenroom.example.com/password/"));
    for (fields, said) in [
        ("email=rob@example.com&name=Rob&role=auditor", "already"),
        ("email=nonsense&name=Rob&role=auditor", "not an e-mail address"),
        ("email=x@example.com&name=X&role=metrics", "role of API keys"),
        ("email=x@example.com&name=X&role=root", "no role"),
    ] {
        let answer = admin(&world).post("/accounts", &format!("action=add_account&{fields}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields}");
        assert!(answer.body.contains(said), "{fields}: {}", answer.body);
    }
    let rob = id("acc", 1);
    for (action, done) in [("change_role", "role=admin"), ("disable_account", ""), ("enable_account", "")] {
        let answer = admin(&world).post("/accounts", &format!("action={action}&account={rob}&{done}")).await;
        assert_eq!(answer.header(header::LOCATION), format!("/accounts?done={action}"));
    }
    world.with(|rows| {
        rows.accounts.iter_mut().find(|account| account.id.to_string() == rob).unwrap().role = domain::access::Role::Auditor;
        rows.sessions[0].account = Some(rob.parse().unwrap());
    });
    let page = admin(&world).get("/").await;
    assert!(page.body.contains("looks-only"));
    for hidden in ["href=\"/keys\"", "href=\"/accounts\"", "href=\"/mailbox\""] {
        assert!(!page.body.contains(&format!("<li><a {hidden}")), "{hidden}");
    }
    assert_eq!(admin(&world).get("/accounts").await.status, StatusCode::FORBIDDEN);
    assert_eq!(admin(&world).post("/pause", "action=pause_all").await.status, StatusCode::FORBIDDEN);
}
