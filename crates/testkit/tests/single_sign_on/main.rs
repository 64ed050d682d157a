//! Single sign-on against an identity provider that signs with real keys and can be wrong in every way: whatever is wrong is refused,
//! opens no session, is on the record, and says why.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod issuer;

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use app::{App, Newcomers, SignOnCallback, SignOnEnd, SingleSignOn};
use common::{Fuse, World};
use domain::access::{Account, Role};
use issuer::{Fault, Issuer};
use serde_json::json;
use url::Url;

const ADA: &str = "ada@example.com";

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

struct Scene {
    world: World,
    issuer: Issuer,
}

/// What a browser holds after the way to the provider and back.
fn back(cookie: &str, url: &Url) -> SignOnCallback {
    let mut found: HashMap<String, String> = url.query_pairs().into_owned().collect();
    let mut take = |name: &str| found.remove(name).unwrap_or_default();
    let (state, code, error) = (take("state"), take("code"), take("error"));
    SignOnCallback { cookie: cookie.to_owned(), state, code, error, issuer: found.remove("iss") }
}

impl Scene {
    async fn new(name: &str) -> Self {
        Self::with(name, None, true).await
    }

    async fn with(name: &str, newcomers: Option<Newcomers>, passwords: bool) -> Self {
        let world = World::with(&format!("sso_{name}"), Fuse::never()).await;
        let issuer = Issuer::start(world.clock.clone()).await;
        let scene = Self { world, issuer };
        scene.set_up(&scene.world.app, newcomers, passwords);
        scene
    }

    fn set_up(&self, app: &App, newcomers: Option<Newcomers>, passwords: bool) {
        let provider = Arc::new(self.issuer.client());
        app.set_single_sign_on(SingleSignOn { provider, name: "Example ID".to_owned(), newcomers, passwords }).unwrap();
    }

    async fn ada(&self) -> Account {
        self.world.app.add_account(ADA, "Ada", Role::Recruiter, &World::caller()).await.unwrap().0
    }

    /// The whole way of a browser.
    async fn sign_on(&self) -> SignOnEnd {
        let (url, cookie) = self.world.app.begin_sign_on().await.unwrap();
        self.finish(&back(&cookie, &self.issuer.log_in(&url))).await
    }

    async fn finish(&self, back: &SignOnCallback) -> SignOnEnd {
        self.world.app.finish_sign_on(back, address(1), Some("Firefox on Linux")).await.unwrap()
    }

    /// Nobody is logged in, and the audit log says why; or says nothing.
    async fn nothing_opened(&self, why: Option<&str>) {
        for view in self.world.app.accounts().await.unwrap() {
            assert_eq!(view.sessions, 0);
        }
        let log = self.log().await;
        let refused = log.iter().find(|(action, _)| action == "account.sign_on_refused");
        assert_eq!(refused.map(|(_, payload)| payload["why"].as_str().unwrap()), why, "{log:?}");
        assert!(!log.iter().any(|(action, _)| action == "account.logged_in"));
    }

    /// What is on the record.
    async fn log(&self) -> Vec<(String, serde_json::Value)> {
        let log = self.world.app.audit(ports::store::Page { after: None, limit: 100 }).await.unwrap();
        assert!(!format!("{log:?}").contains("ada@"), "an address stands in the log");
        log.into_iter().map(|entry| (entry.action, entry.payload)).collect()
    }

    async fn accounts(&self) -> Vec<Account> {
        self.world.app.accounts().await.unwrap().into_iter().map(|view| view.account).collect()
    }
}

/// One answer that must be refused, and the sentence for it.
async fn refused(name: &str, fault: Fault, says: &str) {
    let scene = Scene::new(name).await;
    scene.ada().await;
    scene.issuer.set(fault);
    let SignOnEnd::Failed(error) = scene.sign_on().await else { panic!("{fault:?} was not refused") };
    assert!(error.to_string().contains(says), "{fault:?}: {error}");
    scene
        .nothing_opened(Some(if matches!(error, ports::sign_on::SignOnError::Passing(_)) {
            "provider_failed"
        } else {
            "answer_refused"
        }))
        .await;
    assert_eq!(scene.accounts().await[0].subject, None, "{fault:?} linked the account");
    // It was the answer, not the way: the next one opens.
    scene.issuer.set(Fault::None);
    scene.world.clock.advance(61);
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
}

macro_rules! refusals {
    ($($name:ident: $fault:ident, $says:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            refused(stringify!($name), Fault::$fault, $says).await;
        }
    )*};
}

refusals! {
    a_wrong_nonce_is_refused: Nonce, "another sign-on";
    a_missing_nonce_is_refused: NoNonce, "another sign-on";
    another_audience_is_refused: Audience, "another client";
    several_audiences_without_a_party_are_refused: ManyAudiences, "another client";
    another_authorized_party_is_refused: Party, "another client";
    an_expired_token_is_refused: Expired, "expired";
    a_token_from_the_future_is_refused: Early, "not valid yet";
    an_unsigned_token_is_refused: AlgNone, "not signed with RS256, ES256 or EdDSA";
    a_token_signed_with_the_public_key_is_refused: Hmac, "not signed with RS256, ES256 or EdDSA";
    another_issuers_token_is_refused: OtherIssuer, "another issuer";
    a_key_that_is_never_shown_is_refused: HiddenKey, "no key that fits";
    another_key_under_a_known_name_is_refused: StolenName, "signature does not hold";
    an_answer_without_an_id_token_is_refused: NoIdToken, "makes no sense";
    an_answer_that_is_no_json_is_refused: Garbage, "makes no sense";
    another_issuer_beside_the_code_is_refused: ReplyIssuer, "comes from another issuer";
    a_missing_issuer_beside_the_code_is_refused: NoReplyIssuer, "comes from another issuer";
}

/// A provider with which no sign-on even begins.
async fn cannot_begin(name: &str, fault: Fault, says: &str) {
    let scene = Scene::new(name).await;
    scene.ada().await;
    scene.issuer.set(fault);
    let error = scene.world.app.begin_sign_on().await.unwrap_err();
    assert!(error.code() == "sign_on_failed" && error.to_string().contains(says), "{fault:?}: {error}");
    let finding = scene.world.app.examine_sign_on().await.unwrap().unwrap();
    assert!(finding.condition == app::Condition::Bad && finding.says.contains(says), "{finding:?}");
    scene.nothing_opened(None).await;
    assert_eq!(scene.issuer.exchanges(), 0);
    scene.issuer.set(Fault::None);
    scene.world.clock.advance(6);
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)), "it is asked again soon");
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    cannot_begin("discovery", Fault::Discovery, "names another issuer").await;
}

#[tokio::test]
async fn a_discovery_document_that_leads_to_plain_http_is_refused() {
    cannot_begin("outside", Fault::Outside, "not https").await;
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_not_waited_for() {
    cannot_begin("silent", Fault::Silent, "no answer in time").await;
}

#[tokio::test]
async fn a_provider_that_fails_is_said_to_fail() {
    cannot_begin("broken", Fault::Broken, "500").await;
}

#[tokio::test]
async fn a_verified_address_opens_its_account_and_links_it() {
    let scene = Scene::new("story").await;
    let ada = scene.ada().await;
    let SignOnEnd::In(begun) = scene.sign_on().await else { panic!("not in") };
    let app = &scene.world.app;
    let view = app.session(&begun.cookie).await.unwrap().unwrap();
    assert_eq!((view.account.as_ref().unwrap().id, view.role()), (ada.id, Role::Recruiter));
    assert!(view.account.unwrap().subject.unwrap().ends_with(" ada-1"));
    let log = scene.log().await;
    assert!(log.iter().any(|(action, _)| action == "account.linked"));
    assert!(log.iter().any(|(action, payload)| action == "account.logged_in" && payload["by"] == "single sign-on"));
    // Ending it, and switching the account off, work as with passwords.
    app.log_out(&begun.cookie).await.unwrap();
    assert!(app.session(&begun.cookie).await.unwrap().is_none());
    let SignOnEnd::In(second) = scene.sign_on().await else { panic!("not in again") };
    assert_ne!(second.cookie, begun.cookie);
    app.switch_account(ada.id, false, &World::caller()).await.unwrap();
    assert!(app.session(&second.cookie).await.unwrap().is_none());
    assert!(matches!(scene.sign_on().await, SignOnEnd::SwitchedOff));
    let finding = app.examine_sign_on().await.unwrap().unwrap();
    assert!(finding.condition == app::Condition::Good && finding.says.contains("/login/sso/callback"), "{finding:?}");
}

#[tokio::test]
async fn the_subject_decides_once_it_is_linked() {
    let scene = Scene::new("subject").await;
    let ada = scene.ada().await;
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
    // A new address at the provider, even an unverified one: still Ada.
    scene.issuer.be(|who| (who.email, who.verified) = ("ada.new@example.org".to_owned(), json!(false)));
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
    // Her old address in somebody else's hands opens nothing.
    scene.issuer.be(|who| (who.subject, who.email, who.verified) = ("eve-2".to_owned(), ADA.to_owned(), json!(true)));
    assert!(matches!(scene.sign_on().await, SignOnEnd::OtherPerson));
    assert!(scene.log().await.iter().any(|(_, payload)| payload["why"] == "other_person"));
    // Until somebody here decides so.
    let SignOnEnd::In(before) = ({
        scene.issuer.be(|who| "ada-1".clone_into(&mut who.subject));
        scene.sign_on().await
    }) else {
        panic!("not in")
    };
    scene.world.app.unlink_account(ada.id, &World::caller()).await.unwrap();
    assert!(scene.world.app.session(&before.cookie).await.unwrap().is_none());
    assert_eq!(scene.accounts().await[0].subject, None);
    scene.issuer.be(|who| "ada-1-anew".clone_into(&mut who.subject));
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
    // Nor does an address that belongs to another account move Ada there.
    let bo = scene.world.app.add_account("bo@example.com", "Bo", Role::Admin, &World::caller()).await.unwrap().0;
    scene.issuer.be(|who| (who.subject, who.email) = ("ada-1-anew".to_owned(), "bo@example.com".to_owned()));
    let SignOnEnd::In(begun) = scene.sign_on().await else { panic!("not in") };
    let view = scene.world.app.session(&begun.cookie).await.unwrap().unwrap();
    assert_eq!(view.account.unwrap().id, ada.id);
    assert_eq!(scene.world.app.account(bo.id).await.unwrap().subject, None);
}

#[tokio::test]
async fn an_address_that_is_not_verified_opens_nothing() {
    let scene = Scene::new("unverified").await;
    scene.ada().await;
    for verified in [json!(false), json!(null), json!("false"), json!(1)] {
        scene.issuer.be(|who| who.verified = verified);
        assert!(matches!(scene.sign_on().await, SignOnEnd::NotVerified));
        scene.nothing_opened(Some("email_not_verified")).await;
    }
    assert_eq!(scene.accounts().await[0].subject, None);
}

#[tokio::test]
async fn somebody_without_an_account_gets_none() {
    let scene = Scene::new("nobody").await;
    assert!(matches!(scene.sign_on().await, SignOnEnd::NoAccount));
    assert!(scene.accounts().await.is_empty());
    scene.nothing_opened(Some("no_account")).await;
}

#[tokio::test]
async fn newcomers_of_a_domain_get_the_role_that_is_set_and_others_none() {
    let newcomers = Newcomers { role: Role::Auditor, domains: vec!["example.com".to_owned()] };
    let scene = Scene::with("newcomers", Some(newcomers), true).await;
    for other in ["eve@example.org", "eve@sub.example.com", "eve@example.com.example.org"] {
        scene.issuer.be(|who| other.clone_into(&mut who.email));
        assert!(matches!(scene.sign_on().await, SignOnEnd::NoAccount), "{other}");
    }
    scene.issuer.be(|who| (who.email, who.verified) = (ADA.to_owned(), json!(false)));
    assert!(matches!(scene.sign_on().await, SignOnEnd::NotVerified));
    assert!(scene.accounts().await.is_empty());
    scene.issuer.be(|who| who.verified = json!(true));
    let SignOnEnd::In(begun) = scene.sign_on().await else { panic!("not in") };
    let view = scene.world.app.session(&begun.cookie).await.unwrap().unwrap();
    let account = view.account.as_ref().unwrap();
    assert_eq!((view.role(), account.name.as_str(), account.password.as_ref()), (Role::Auditor, "Ada Lovelace", None));
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
    assert_eq!(scene.accounts().await.len(), 1);
}

#[tokio::test]
async fn an_address_may_stand_at_the_userinfo_endpoint() {
    let scene = Scene::new("userinfo").await;
    scene.ada().await;
    scene.issuer.set_thin();
    scene.issuer.set(Fault::UserInfo);
    let SignOnEnd::Failed(error) = scene.sign_on().await else { panic!("somebody else's address was taken") };
    assert!(error.to_string().contains("somebody else"), "{error}");
    scene.nothing_opened(Some("answer_refused")).await;
    scene.issuer.set(Fault::None);
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
}

#[tokio::test]
async fn rotated_keys_are_read_again_at_most_once_a_minute() {
    let scene = Scene::new("rotation").await;
    scene.ada().await;
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
    assert_eq!(scene.issuer.key_reads(), 1);
    scene.world.clock.advance(1);
    scene.issuer.rotate();
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)), "a key that was rotated in");
    assert_eq!(scene.issuer.key_reads(), 2);
    scene.issuer.set(Fault::HiddenKey);
    for _ in 0..5 {
        scene.world.clock.advance(10);
        assert!(matches!(scene.sign_on().await, SignOnEnd::Failed(_)));
    }
    assert_eq!(scene.issuer.key_reads(), 2, "unknown names within the minute ask for nothing");
    scene.world.clock.advance(10);
    assert!(matches!(scene.sign_on().await, SignOnEnd::Failed(_)));
    assert_eq!(scene.issuer.key_reads(), 3);
    // Without any reason, after an hour.
    scene.issuer.set(Fault::None);
    scene.world.clock.advance(3600);
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
    assert_eq!(scene.issuer.key_reads(), 4);
}

#[tokio::test]
async fn errors_of_the_provider_are_told_apart() {
    let scene = Scene::new("declined").await;
    scene.ada().await;
    for error in ["access_denied", "temporarily_unavailable"] {
        let (url, cookie) = scene.world.app.begin_sign_on().await.unwrap();
        let end = scene.finish(&back(&cookie, &scene.issuer.decline(&url, error))).await;
        assert!(matches!(&end, SignOnEnd::Declined(code) if code == error), "{end:?}");
        scene.nothing_opened(Some("declined")).await;
    }
    // An error that another issuer sends is not believed either.
    scene.issuer.set(Fault::ReplyIssuer);
    let (url, cookie) = scene.world.app.begin_sign_on().await.unwrap();
    let end = scene.finish(&back(&cookie, &scene.issuer.decline(&url, "access_denied"))).await;
    assert!(matches!(end, SignOnEnd::Failed(_)), "{end:?}");
    assert_eq!(scene.issuer.exchanges(), 0);
}

#[tokio::test]
async fn an_answer_opens_only_the_browser_that_asked_once_and_in_time() {
    let scene = Scene::new("browser").await;
    scene.ada().await;
    let app = &scene.world.app;
    let (url, cookie) = app.begin_sign_on().await.unwrap();
    let (_, others) = app.begin_sign_on().await.unwrap();
    let right = back(&cookie, &scene.issuer.log_in(&url));
    let with = |change: fn(&mut SignOnCallback)| {
        let mut back = right.clone();
        change(&mut back);
        back
    };
    let wrong = [
        SignOnCallback { cookie: others, ..right.clone() },
        with(|back| back.cookie.clear()),
        // Made up by somebody who knows how states are made, but not the key.
        with(|back| back.cookie = format!("{}x", back.cookie)),
        with(|back| back.state.clear()),
        with(|back| back.state.push('x')),
        with(|back| back.code.clear()),
        with(|back| back.error = "access_denied".to_owned()),
    ];
    for (number, wrong) in wrong.iter().enumerate() {
        assert!(matches!(scene.finish(wrong).await, SignOnEnd::NotAsked), "{number}");
    }
    assert_eq!(scene.issuer.exchanges(), 0, "a code that belongs to nobody is not even tried");
    scene.nothing_opened(None).await;
    assert!(matches!(scene.finish(&right).await, SignOnEnd::In(_)), "none of them used it up");
    assert!(matches!(scene.finish(&right).await, SignOnEnd::NotAsked), "a state works once");
    // Not even with a fresh code.
    let fresh = SignOnCallback { code: "code-9".to_owned(), ..right };
    assert!(matches!(scene.finish(&fresh).await, SignOnEnd::NotAsked));
    assert_eq!(scene.issuer.exchanges(), 1);
    let (url, cookie) = app.begin_sign_on().await.unwrap();
    let late = back(&cookie, &scene.issuer.log_in(&url));
    scene.world.clock.advance(600);
    assert!(matches!(scene.finish(&late).await, SignOnEnd::NotAsked), "ten minutes are over");
}

#[tokio::test]
async fn one_node_finishes_what_another_began_and_only_one_of_them() {
    let scene = Scene::new("nodes").await;
    scene.ada().await;
    let other = scene.world.second().await;
    scene.set_up(&other, None, true);
    let (url, cookie) = scene.world.app.begin_sign_on().await.unwrap();
    let back = back(&cookie, &scene.issuer.log_in(&url));
    let ends = futures_util::future::join_all((0..6).map(|number| {
        let app = if number % 2 == 0 { &scene.world.app } else { &other };
        app.finish_sign_on(&back, address(number), None)
    }))
    .await;
    let opened = ends.iter().filter(|end| matches!(end, Ok(SignOnEnd::In(_)))).count();
    let refused = ends.iter().filter(|end| matches!(end, Ok(SignOnEnd::NotAsked))).count();
    assert_eq!((opened, refused), (1, 5), "{ends:?}");
    assert_eq!(scene.issuer.exchanges(), 1);
}

#[tokio::test]
async fn whoever_fails_often_has_to_wait() {
    let scene = Scene::new("wait").await;
    let mut ends = Vec::new();
    for _ in 0..22 {
        ends.push(scene.sign_on().await);
    }
    assert!(ends[..21].iter().all(|end| matches!(end, SignOnEnd::NoAccount)));
    assert!(matches!(ends[21], SignOnEnd::Wait(2)), "{:?}", ends[21]);
    assert_eq!(scene.issuer.exchanges(), 21);
    scene.ada().await;
    scene.world.clock.advance(2);
    assert!(matches!(scene.sign_on().await, SignOnEnd::In(_)));
}

#[tokio::test]
async fn without_passwords_there_is_no_way_in_by_one() {
    let scene = Scene::with("no_passwords", None, false).await;
    let app = &scene.world.app;
    let (ada, link) = app.add_account(ADA, "Ada", Role::Admin, &World::caller()).await.unwrap();
    assert_eq!(link, None);
    let password = || vault::AccountPassword::new("blue lamps on a tram".to_owned());
    let off = [
        app.log_in_with_password(ADA, password(), address(1), None, None).await.unwrap_err(),
        app.account_link(ada.id, &World::caller()).await.unwrap_err(),
        app.set_password("any", password(), None).await.unwrap_err(),
        app.password_page("any").await.unwrap_err(),
    ];
    for error in off {
        assert!(error.code() == "passwords_off" && error.to_string().contains("single sign-on"), "{error}");
    }
    let SignOnEnd::In(begun) = scene.sign_on().await else { panic!("not in") };
    let view = app.session(&begun.cookie).await.unwrap().unwrap();
    assert_eq!(app.change_password(&view, password(), password(), None).await.unwrap_err().code(), "passwords_off");
    // The link from the command line stays the way in.
    let link = app.admin_link("Ada").await.unwrap();
    assert!(app.log_in(link.path_segments().unwrap().next_back().unwrap(), None).await.is_ok());
}
