//! Finding the account, and going nowhere else.

use calendars::caldav::parse_servers;
use ports::{CalendarProvider, calendar::FailureClass};
use vault::{AccessToken, RefreshToken};

use crate::server::{HOME, PASSWORD, USER, WORK, multistatus, plain, response, world, world_with};

#[tokio::test]
async fn an_account_is_connected_and_its_calendars_are_listed() {
    let world = world().await;
    let tokens = world.exchange().await.unwrap();
    assert_eq!(tokens.access, AccessToken::new(format!("1772438400000000:{USER}:{PASSWORD}")));
    assert_eq!((tokens.life_known, tokens.scopes.len()), (true, 0));
    let again = world.caldav.refresh("here", &tokens.refresh.unwrap()).await.unwrap();
    assert!(again.refresh.is_none() && again.expires_in > 3_600, "the password stays as it is");
    let identity = world.caldav.identity(&world.access).await.unwrap();
    assert_eq!(
        (identity.user_id.as_str(), identity.email.as_str(), identity.name.as_deref()),
        ("/dav/people/ana/", USER, Some("Ana"))
    );
    let calendars = world.caldav.calendars(&world.access).await.unwrap();
    assert_eq!(calendars.len(), 1, "the home itself is no calendar");
    let work = &calendars[0];
    assert_eq!((work.uid.as_str(), work.name.as_str(), work.change_tag.as_deref()), (WORK, "Work", Some("tag-1")));
    assert!(work.is_default && work.writable && work.zone.is_none() && work.in_free_busy.is_none());
    let seen = world.state.seen();
    assert!(seen.iter().all(|seen| seen.header("authorization").starts_with("Basic ")), "{seen:?}");
    assert_eq!(seen.iter().find(|seen| seen.path == HOME).unwrap().header("depth"), "1");
}

#[tokio::test]
async fn a_refused_password_is_over_and_nonsense_is_not_sent() {
    let world = world().await;
    world.always("PROPFIND", plain(401, ""));
    let error = world.exchange().await.unwrap_err();
    assert_eq!((error.class, error.invalid_grant), (FailureClass::Revoked, true));
    assert!(!error.to_string().contains("c0ffee"), "{error}");
    assert_eq!(world.caldav.calendars(&world.access).await.unwrap_err().class, FailureClass::Unauthorized);
    let sent = world.state.seen().len();
    let error = world.caldav.refresh("here", &RefreshToken::new("no pair".to_owned())).await.unwrap_err();
    assert_eq!((error.class, world.state.seen().len()), (FailureClass::Revoked, sent));
    let elsewhere = ports::calendar::Access { data_centre: "there".to_owned(), ..world.access.clone() };
    assert_eq!(world.caldav.calendars(&elsewhere).await.unwrap_err().class, FailureClass::WrongDataCentre);
}

#[tokio::test]
async fn the_well_known_path_leads_on() {
    let world = world_with(|url| parse_servers(&format!("here={}", url.replace("/dav/", "/"))).unwrap()).await;
    world.odd(|seen| match seen.path.as_str() {
        "/.well-known/caldav" => Some((301, vec![("location", "/dav/".to_owned())], String::new())),
        _ => None,
    });
    assert_eq!(world.caldav.calendars(&world.access).await.unwrap()[0].uid, WORK);
    let paths: Vec<String> = world.state.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/.well-known/caldav", "/dav/", "/dav/people/ana/", HOME]);
}

#[tokio::test]
async fn no_answer_leads_to_another_host() {
    let other = world().await;
    let target = format!("{}/dav/people/ana/", other.origin);
    let link = format!("<d:current-user-principal><d:href>{target}</d:href></d:current-user-principal>");
    let home = format!("<c:calendar-home-set><d:href>{target}</d:href></c:calendar-home-set>");
    let userinfo = "<d:current-user-principal><d:href>http://eve:x@127.0.0.1/</d:href></d:current-user-principal>".to_owned();
    for reply in [
        (302, vec![("location", target.clone())], String::new()),
        (307, vec![("location", "//example.org/dav/".to_owned())], String::new()),
        multistatus(&response("/dav/", &link)),
        multistatus(&response(
            "/dav/people/ana/",
            &(home + "<d:current-user-principal><d:href>/dav/people/ana/</d:href></d:current-user-principal>"),
        )),
        multistatus(&response("/dav/", &userinfo)),
    ] {
        let world = world().await;
        world.always("PROPFIND", reply.clone());
        let error = world.caldav.calendars(&world.access).await.unwrap_err();
        assert_eq!(error.class, FailureClass::WrongDataCentre, "{reply:?}");
        assert!(error.detail.contains("GREENROOM_CALDAV_SERVERS") && !error.detail.contains("example.org"), "{error}");
    }
    assert!(other.state.seen().is_empty(), "nothing arrived there");
}

#[tokio::test]
async fn another_server_of_the_list_is_another_host_too() {
    let other = world().await;
    let origin = other.origin.clone();
    let world = world_with(|url| parse_servers(&format!("here={url},there={origin}/dav/")).unwrap()).await;
    world.always("PROPFIND", (302, vec![("location", format!("{origin}/dav/"))], String::new()));
    assert_eq!(world.caldav.calendars(&world.access).await.unwrap_err().class, FailureClass::WrongDataCentre);
    assert!(other.state.seen().is_empty(), "a password of one server is not shown to the other");
    let there = ports::calendar::Access { data_centre: "there".to_owned(), ..world.access.clone() };
    assert_eq!(world.caldav.calendars(&there).await.unwrap().len(), 1);
    assert_eq!(world.caldav.data_centre(None, Some(&format!("{origin}/x"))).unwrap(), "there");
    assert_eq!(world.caldav.data_centre(None, None).unwrap(), "here");
    for (code, url) in [(Some("else"), None), (None, Some("https://example.org/")), (None, Some("no url"))] {
        assert_eq!(world.caldav.data_centre(code, url).unwrap_err().class, FailureClass::WrongDataCentre, "{code:?} {url:?}");
    }
}

#[tokio::test]
async fn an_origin_on_the_list_may_be_led_to() {
    let other = world().await;
    let origin = other.origin.clone();
    let world = world_with(|url| parse_servers(&format!("here={url};also={origin}")).unwrap()).await;
    let home = format!("{origin}{HOME}");
    let props = format!("<c:calendar-home-set><d:href>{home}</d:href></c:calendar-home-set>");
    world.odd(move |seen| (seen.path == "/dav/people/ana/").then(|| multistatus(&response("/dav/people/ana/", &props))));
    let calendars = world.caldav.calendars(&world.access).await.unwrap();
    assert_eq!(calendars[0].uid, format!("{origin}{WORK}"));
    let found =
        world.caldav.events(&world.access, &calendars[0].uid, crate::server::march(), ports::calendar::ListMode::Instances).await;
    assert_eq!(found.unwrap(), []);
    assert!(other.state.seen().iter().any(|seen| seen.is("REPORT", WORK)));
}

#[tokio::test]
async fn redirects_end() {
    let world = world().await;
    world.always("PROPFIND", (301, vec![("location", "/dav/".to_owned())], String::new()));
    assert_eq!(world.caldav.calendars(&world.access).await.unwrap_err().class, FailureClass::Protocol);
    assert!(world.state.seen().len() <= 15, "three starts, five hops each");
}

#[tokio::test]
async fn calendars_say_what_they_are_for() {
    let world = world().await;
    let kind = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";
    let rights = |names: &str| format!("<d:current-user-privilege-set>{names}</d:current-user-privilege-set>");
    let privilege = |name: &str| format!("<d:privilege><d:{name}/></d:privilege>");
    let parts =
        |name: &str| format!("<c:supported-calendar-component-set><c:comp name=\"{name}\"/></c:supported-calendar-component-set>");
    let list = [
        ("a", rights(&privilege("read")) + &parts("VEVENT")),
        ("b", rights(&(privilege("bind") + &privilege("write-content")))),
        ("c", rights(&privilege("all")) + "<c:schedule-calendar-transp><c:transparent/></c:schedule-calendar-transp>"),
        ("d", parts("VTODO")),
        ("e", parts("VEVENT") + "<d:sync-token>http://example.com/sync/9</d:sync-token>"),
    ];
    let all: String = list.iter().map(|(name, props)| response(&format!("{HOME}{name}/"), &format!("{kind}{props}"))).collect();
    world.odd(move |seen| (seen.path == HOME).then(|| multistatus(&all)));
    let found = world.caldav.calendars(&world.access).await.unwrap();
    let shown: Vec<_> =
        found.iter().map(|known| (&known.uid[HOME.len()..], known.writable, known.is_default, known.in_free_busy)).collect();
    assert_eq!(
        shown,
        [("a/", false, false, None), ("b/", true, true, None), ("c/", true, false, Some(false)), ("e/", true, false, None)]
    );
    assert_eq!(found[3].change_tag.as_deref(), Some("http://example.com/sync/9"));
}

#[tokio::test]
async fn odd_answers_are_failures_and_never_empty_lists() {
    let world = world().await;
    let nobody = response("/dav/", "<d:current-user-principal><d:unauthenticated/></d:current-user-principal>");
    for (reply, class) in [
        (plain(200, "<html>"), FailureClass::Protocol),
        (plain(207, "<html/>"), FailureClass::Protocol),
        (plain(207, ""), FailureClass::Protocol),
        (multistatus(""), FailureClass::Protocol),
        (multistatus(&nobody), FailureClass::Unauthorized),
        (plain(403, ""), FailureClass::Refused),
        (plain(500, ""), FailureClass::Passing),
    ] {
        world.always("PROPFIND", reply.clone());
        assert_eq!(world.caldav.calendars(&world.access).await.unwrap_err().class, class, "{reply:?}");
    }
    for status in [429, 503] {
        world.always("PROPFIND", (status, vec![("retry-after", "90".to_owned())], String::new()));
        assert_eq!(world.exchange().await.unwrap_err().retry_after, Some(90));
    }
}
