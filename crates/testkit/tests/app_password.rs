//! A manager whose calendar is at a server with passwords: connected by the form, beside Zoho, one calendar at a time.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use app::{Error, GrantView, LendRequest, Setup};
use common::{Fuse, World, dav::Dav};
use domain::{
    Id,
    erasure::Why,
    grants::{Grant, GrantState, PendingReason},
    interviews::InterviewState,
    links::ConnectOutcome,
    vacancies::Vacancy,
};
use ports::{Store, store::Page};
use vault::AccountPassword;

const ANA: &str = "ana@example.com";
/// Her app password, with what an app password may hold.
const PASSWORD: &str = "zk4!:qPv wörd";

/// An installation with such a server, where Ana is asked for her calendar.
async fn asked(name: &str) -> (World, Dav, Id<Vacancy>) {
    let mut world = World::new(name).await;
    let dav = Dav::default();
    dav.user(ANA, PASSWORD, ANA);
    world.choices.dav = Some(dav.clone());
    world.restart(Fuse::never()).await;
    let id = world.vacancy(&["Noor", "Mei"]).await;
    world.approve(id).await;
    world.drain().await;
    assert_eq!(world.mails(ANA).await, ["permission_request"]);
    (world, dav, id)
}

/// Fills in the form; gives the token of the page that shows how it goes.
async fn try_at(world: &World, user: &str, password: &str) -> app::Result<String> {
    let token = world.permission_token(ANA).await;
    world.app.connect_by_password(&token, "work", user, &AccountPassword::new(password.to_owned())).await
}

async fn outcome(world: &World, token: &str) -> ConnectOutcome {
    world.app.connect_page(token).await.unwrap().outcome
}

async fn connected(name: &str) -> (World, Dav, Id<Vacancy>) {
    let (world, dav, id) = asked(name).await;
    let token = try_at(&world, ANA, PASSWORD).await.unwrap();
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::Working);
    world.pass(60).await;
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::Connected);
    (world, dav, id)
}

async fn view(world: &World) -> GrantView {
    let person = world.app.find_person(ANA).await.unwrap();
    world.app.manager(person.id).await.unwrap().grant.unwrap()
}

/// Ana's rows, Zoho's first.
async fn rows(world: &World) -> Vec<Option<Grant>> {
    let person = world.app.find_person(ANA).await.unwrap();
    let store = world.store().await;
    vec![store.grant_of(person.id, "zoho").await.unwrap(), store.grant_of(person.id, "caldav").await.unwrap()]
}

async fn disconnect(world: &World) {
    let person = world.app.find_person(ANA).await.unwrap();
    world.app.disconnect(person.id, &World::caller()).await.unwrap();
}

async fn states(world: &World, id: Id<Vacancy>) -> Vec<InterviewState> {
    let view = world.app.vacancy(id).await.unwrap();
    view.shortlist.iter().map(|item| item.interview.as_ref().unwrap().state).collect()
}

fn is_other_calendar<T: std::fmt::Debug>(answer: app::Result<T>) -> bool {
    matches!(answer, Err(Error::Refused { code: "other_calendar", .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_connects_and_the_interviews_go_into_that_calendar() {
    let (world, dav, id) = connected("app-password").await;
    assert_eq!(states(&world, id).await, [InterviewState::Booked, InterviewState::Booked]);
    let mut titles = dav.titles(ANA);
    titles.sort();
    assert_eq!(titles.len(), 2);
    assert!(titles.iter().all(|title| title.starts_with("Interview with")), "{titles:?}");
    assert_eq!(world.events(ANA).await, Vec::<(String, String)>::new(), "nothing at Zoho");
    assert!(world.mails(ANA).await.contains(&"connected".to_owned()), "{:?}", world.mails(ANA).await);

    let status = world.app.status(ANA).await.unwrap();
    assert!(status.has_valid_token && status.is_active && status.calendar_id.as_deref() == Some("primary"), "{status:?}");
    let grant = view(&world).await;
    assert_eq!((grant.provider.as_str(), grant.data_centre.as_deref()), ("caldav", Some("work")));
    let managers = world.app.managers(Page::first(50)).await.unwrap();
    assert_eq!(managers.len(), 1, "the row that was asked for at Zoho is not a second manager");
    assert!(matches!(world.app.setup(ANA, None, false, &World::caller()).await.unwrap(), Setup::Connected(_)));

    // The password is asked about again before half a day is over, and the grant goes on.
    world.pass(26 * 3_600).await;
    assert!(world.app.status(ANA).await.unwrap().has_valid_token);
    assert!(rows(&world).await[1].as_ref().unwrap().generation > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_with_times_of_no_zone_is_read_in_the_zone_of_its_owner() {
    let (world, dav, _) = asked("app-password-zone").await;
    let input = app::PersonInput { email: ANA.to_owned(), zone: Some("America/New_York".to_owned()), ..Default::default() };
    world.app.put_manager(input, &World::caller()).await.unwrap();
    try_at(&world, ANA, PASSWORD).await.unwrap();
    world.pass(60).await;
    let zones = std::mem::take(&mut dav.0.lock().unwrap().zones);
    assert!(!zones.is_empty());
    assert!(zones.iter().all(|zone| zone.as_ref().is_some_and(|zone| zone.name() == "America/New_York")), "{zones:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_so_and_the_form_can_be_sent_again() {
    let (world, dav, _) = asked("app-password-wrong").await;
    let token = try_at(&world, ANA, "yesterdays-word").await.unwrap();
    world.pass(60).await;
    let page = world.app.connect_page(&token).await.unwrap();
    assert_eq!((page.outcome, page.server.as_deref()), (ConnectOutcome::PasswordRefused, Some("work (dav.example.com)")));
    assert!(page.retry_token.is_some());
    assert_eq!(view(&world).await.state, GrantState::Requested);
    assert!(view(&world).await.asked.is_some(), "the request goes on");

    dav.0.lock().unwrap().down = true;
    let token = try_at(&world, ANA, PASSWORD).await.unwrap();
    world.pass(60).await;
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::ProviderDown);
    dav.0.lock().unwrap().down = false;
    world.pass(600).await;
    let token = try_at(&world, ANA, PASSWORD).await.unwrap();
    world.pass(60).await;
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::Connected);
    assert_eq!(dav.titles(ANA).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_deleted_at_its_server_is_asked_for_again() {
    let (world, dav, _) = connected("app-password-deleted").await;
    dav.user(ANA, "another one", ANA);
    world.pass(14 * 3_600).await;
    assert_eq!(view(&world).await.state, GrantState::Dead);
    assert!(world.mails(ANA).await.contains(&"fresh_permission_link".to_owned()), "{:?}", world.mails(ANA).await);
    let token = try_at(&world, ANA, "another one").await.unwrap();
    world.pass(60).await;
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::Connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_waits_for_the_administrator_and_is_never_taken_silently() {
    let (world, dav, id) = asked("app-password-other").await;
    dav.user("boss", "bosspass", "boss@example.com");
    let token = try_at(&world, "boss", "bosspass").await.unwrap();
    world.pass(60).await;
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::AwaitingAdministrator);
    let grant = view(&world).await;
    let (account, why, _) = grant.pending.clone().unwrap();
    assert_eq!((account.as_str(), why), ("boss@example.com", PendingReason::OtherAddress));
    assert!(!grant.has_valid_token && dav.titles("boss").is_empty());
    assert!(world.app.vacancy(id).await.unwrap().waiting_for.iter().any(|waiting| waiting.on != "nothing"));

    world.app.decide_pending(grant.id, true, &World::caller()).await.unwrap();
    world.pass(60).await;
    assert_eq!(dav.titles("boss").len(), 2);
    // Pinned from here on: her own account is another one now.
    let token = try_at(&world, ANA, PASSWORD).await.unwrap();
    world.pass(60).await;
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::AwaitingAdministrator);
    assert_eq!(view(&world).await.pending.unwrap().1, PendingReason::OtherAccount);
    assert!(dav.titles(ANA).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_calendar_is_refused_whichever_way_it_comes() {
    let (world, dav, _) = asked("app-password-second").await;
    let Setup::NeedsAuthorization { url, .. } = world.app.setup(ANA, None, false, &World::caller()).await.unwrap() else {
        panic!()
    };
    try_at(&world, ANA, PASSWORD).await.unwrap();
    world.pass(60).await;
    let token = world.permission_token(ANA).await;
    assert!(is_other_calendar(world.app.begin_authorization(&token).await));
    // She was on Zoho's page already.
    let late = world.app.callback(world.decide(&url, ANA, "accept").await, &World::caller()).await.unwrap();
    world.pass(60).await;
    assert_eq!(outcome(&world, &late).await, ConnectOutcome::OtherCalendar);
    let zoho = rows(&world).await[0].clone().unwrap();
    assert!(!zoho.is_usable() && zoho.unverified.is_none() && zoho.account.is_none(), "{zoho:?}");
    assert_eq!(view(&world).await.provider, "caldav");
    assert_eq!(dav.titles(ANA).len(), 2);
    let given_back = world.sim.with(|sim, _| sim.journal.requests().filter(|request| request.path.ends_with("/revoke")).count());
    assert_eq!(given_back, 1, "what Zoho gave is given back");

    // The other way round.
    disconnect(&world).await;
    world.consent(ANA).await;
    world.pass(60).await;
    assert_eq!(view(&world).await.provider, "zoho");
    assert!(is_other_calendar(try_at(&world, ANA, PASSWORD).await));
    let page = world.app.permission_page(&world.permission_token(ANA).await).await.unwrap();
    assert!(page.by_page && page.servers.is_empty() && page.disconnect_first && page.already_connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_are_connected_at_one_moment_leave_one_in_use() {
    let (world, _, _) = asked("app-password-race").await;
    let other = world.second().await;
    let Setup::NeedsAuthorization { url, .. } = world.app.setup(ANA, None, false, &World::caller()).await.unwrap() else {
        panic!()
    };
    let callback = world.decide(&url, ANA, "accept").await;
    let zoho = world.app.callback(callback, &World::caller()).await.unwrap();
    let caldav = try_at(&world, ANA, PASSWORD).await.unwrap();
    let (one, two) = tokio::join!(world.app.drain(10_000), other.drain(10_000));
    one.unwrap();
    two.unwrap();
    world.pass(60).await;
    let mut outcomes = [outcome(&world, &zoho).await, outcome(&world, &caldav).await];
    outcomes.sort_by_key(|outcome| *outcome != ConnectOutcome::Connected);
    assert_eq!(outcomes, [ConnectOutcome::Connected, ConnectOutcome::OtherCalendar]);
    assert_eq!(rows(&world).await.iter().flatten().filter(|grant| grant.is_usable()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_withdraws_connects_the_other_and_what_stands_in_the_first_is_not_missed() {
    let (world, dav, id) = connected("app-password-change").await;
    disconnect(&world).await;
    world.pass(60).await;
    let [zoho, caldav] = rows(&world).await.try_into().unwrap();
    assert!(!zoho.unwrap().is_usable() && caldav.unwrap().tokens.is_none(), "the password is forgotten");
    // A further vacancy asks her again, and Zoho answers.
    let next = world.vacancy(&["Tomasz"]).await;
    world.approve(next).await;
    world.pass(60).await;
    assert!(rows(&world).await[1].as_ref().unwrap().request.is_some());
    world.consent(ANA).await;
    world.pass(3_600).await;
    assert_eq!(states(&world, next).await, [InterviewState::Booked]);
    assert_eq!(world.events(ANA).await.len(), 1);
    let told = world.mails(ANA).await.into_iter().filter(|kind| kind == "connected").count();
    assert_eq!(told, 2, "each connection is told");
    assert!(rows(&world).await.iter().flatten().all(|grant| grant.request.is_none()), "nobody is asked any more");
    let asked = world.mails(ANA).await.iter().filter(|kind| kind.starts_with("permission")).count();
    // Days go by until after the first interviews: their events are where nobody can look, and that is no deletion.
    world.pass(20 * 3_600).await;
    assert_eq!(states(&world, id).await, [InterviewState::Booked, InterviewState::Booked]);
    assert_eq!(dav.titles(ANA).len(), 2);
    world.pass(10 * 86_400).await;
    assert_eq!(world.mails(ANA).await.iter().filter(|kind| kind.starts_with("permission")).count(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_taken_away_while_somebody_uses_it_is_named() {
    let (mut world, dav, _) = connected("app-password-orphan").await;
    assert!(world.app.orphaned_grants().await.unwrap().is_empty());
    world.choices.dav = None;
    world.restart(Fuse::never()).await;
    assert_eq!(world.app.orphaned_grants().await.unwrap(), [("caldav".to_owned(), 1)].into());
    world.choices.dav = Some(dav);
    world.restart(Fuse::never()).await;
    disconnect(&world).await;
    world.choices.dav = None;
    world.restart(Fuse::never()).await;
    assert!(world.app.orphaned_grants().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_access_token_of_such_an_account_is_lent_because_the_password_is_in_it() {
    let (world, _, _) = connected("app-password-lend").await;
    let lending = world.beside(3, |settings| settings.lending = true, &testkit::PostBox::default()).await;
    let key: Id<domain::access::ApiKey> = "key_0190a3d0f0e07b3e8c3e000000000001".parse().unwrap();
    let asked = LendRequest { purpose: Some("a test".to_owned()), min_seconds: None };
    let refused = lending.lend_access_token(ANA, key, &asked, &World::caller()).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { code: "not_lendable", .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_nowhere_to_be_read() {
    let (world, dav, _) = connected("app-password-leak").await;
    try_at(&world, ANA, "a-wrong-one-7731").await.unwrap();
    world.pass(3_600).await;
    dav.user(ANA, "changed at the server", ANA);
    world.pass(14 * 3_600).await;
    assert_eq!(view(&world).await.state, GrantState::Dead);
    let dump = String::from_utf8_lossy(&world.dump().await).into_owned();
    let mut places: Vec<(String, String)> = world.everything().await;
    places.extend(
        world.files().into_iter().map(|(path, bytes)| (path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned())),
    );
    places.push(("dump".to_owned(), dump));
    assert!(places.iter().any(|(_, text)| text.contains(ANA)), "the search finds what is there");
    for secret in [PASSWORD, "zk4!", "qPv", "a-wrong-one-7731"] {
        let found: Vec<&String> = places.iter().filter(|(_, text)| text.contains(secret)).map(|(place, _)| place).collect();
        assert!(found.is_empty(), "`{secret}` stands in {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_her_ends_the_permissions_at_both() {
    let (world, dav, _) = connected("app-password-erase").await;
    disconnect(&world).await;
    world.consent(ANA).await;
    world.pass(60).await;
    disconnect(&world).await;
    let token = try_at(&world, ANA, PASSWORD).await.unwrap();
    world.pass(60).await;
    assert_eq!(outcome(&world, &token).await, ConnectOutcome::Connected);
    let person = world.app.find_person(ANA).await.unwrap();
    world.app.erase(person.id, Why::Request, &World::caller()).await.unwrap();
    world.pass(2 * 86_400).await;
    let store = world.store().await;
    for provider in ["zoho", "caldav"] {
        let left = store.grant_of(person.id, provider).await.unwrap();
        assert!(left.is_none_or(|grant| grant.tokens.is_none() && grant.account.is_none()), "{provider}");
    }
    assert!(dav.titles(ANA).is_empty(), "her interviews are cancelled and their events removed");
    let left: Vec<_> = world.everything().await.into_iter().filter(|(_, text)| text.contains(ANA)).collect();
    assert!(left.is_empty(), "{left:?}");
}
