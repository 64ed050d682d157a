//! Pages behind mailed links, live and not.

use std::collections::BTreeSet;

use axum::http::{StatusCode, header};
use domain::{
    grants::GrantState,
    links::{ConnectOutcome, Purpose},
};

use super::{
    check_page, shown, visitor,
    world::{NOW, World},
};
use crate::pages::open_routes;

#[tokio::test]
async fn links_that_do_not_open_say_why_and_managers_can_ask_for_a_fresh_one() {
    let world = World::new(false);
    let answer = visitor(&world).get("/p/made-up").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    check_page("/p/made-up", &answer);
    assert!(!answer.body.contains("fresh"), "nothing to send for a link that is not ours");

    world.change_link(1, |link| link.expires_at = NOW.parse().unwrap());
    let path = format!("/p/{}", world.token(Purpose::Permission, 1));
    let answer = visitor(&world).get(&path).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(answer.body.contains("has expired") && answer.body.contains("Send me a fresh link"), "{}", answer.body);
    insta::assert_snapshot!("link_expired", shown(&world, &answer.body));

    let real = visitor(&world).post_plain(&path, "action=fresh").await;
    let made_up = visitor(&world).post_plain("/p/made-up", "action=fresh").await;
    assert_eq!((real.status, made_up.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(real.body, made_up.body, "the answer tells whether there was somebody to write to");

    world.change_link(3, |link| link.revoked_at = Some(NOW.parse().unwrap()));
    let answer = visitor(&world).get(&format!("/c/{}", world.token(Purpose::Candidate, 3))).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(answer.body.contains("no longer valid") && answer.body.contains("recruiting@example.com"));

    world.change_link(8, |link| link.used_at = Some(NOW.parse().unwrap()));
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
        ConnectOutcome::PasswordRefused,
        ConnectOutcome::OtherCalendar,
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
    assert!(policy.contains("form-action 'self' https://accounts.example.com https://accounts.example.org;"), "{policy}");
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
        (grant.state, grant.tokens, grant.pending) = (GrantState::Requested, None, None);
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

#[test]
fn open_routes_are_the_ones_that_mails_name() {
    let open: BTreeSet<&str> = open_routes().into_iter().map(|(path, _)| path).collect();
    for mailed in
        ["/p/{token}", "/connect/{token}", "/d/{token}", "/c/{token}", "/m/{token}", "/f/{token}", "/o/{token}", "/login/{token}"]
    {
        assert!(open.contains(mailed), "{mailed}");
    }
}

#[tokio::test]
async fn buttons_of_participants_act_and_say_so() {
    for (path, purpose, number, action, said) in [
        ("c", Purpose::Candidate, 3, "confirm", "Thank you, see you there"),
        ("c", Purpose::Candidate, 3, "cannot&note=Mondays", "Thank you for telling us"),
        ("m", Purpose::Manager, 4, "cannot", "Thank you for telling us"),
        ("o", Purpose::Proposal, 6, "accept", "Booked"),
        ("o", Purpose::Proposal, 6, "refuse", "The time is not booked"),
        ("d", Purpose::Disconnect, 7, "disconnect", "Your calendar is disconnected"),
        ("f", Purpose::Feedback, 5, "withdraw", "Your feedback is withdrawn"),
    ] {
        let world = World::new(false);
        let path = format!("/{path}/{}", world.token(purpose, number));
        assert_eq!(visitor(&world).post_plain(&path, "action=dance").await.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let answer = visitor(&world).post_plain(&path, &format!("action={action}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {action}: {}", answer.body);
        check_page(&path, &answer);
        assert!(answer.body.contains(said), "{path} {action}: {}", answer.body);
    }
}
