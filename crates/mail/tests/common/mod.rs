//! One letter of each kind, frozen: the same facts in every test.

use domain::{
    EmailAddress, TimeRange, Timestamp,
    alerts::AlertKind,
    feedback::{Answers, Recommendation, Score},
    vacancies::Place,
};
use mail::{Mailbox, Sender};
use ports::mail::{Addressee, AlertLine, AlertSection, Body, Invite, Letter, Mailer, Meeting, Message};
use url::Url;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn url(text: &str) -> Url {
    text.parse().unwrap()
}

pub fn mailer() -> Mailbox {
    Mailbox::new(Sender::parse("Example Interviews <interviews@example.com>").unwrap(), None)
}

pub fn compose(letter: &Letter) -> Message {
    mailer().compose(letter).unwrap()
}

pub fn meeting() -> Meeting {
    Meeting {
        vacancy: "Backend Engineer".to_owned(),
        round: "First interview".to_owned(),
        candidate: "Bruno Costa".to_owned(),
        manager: "Ana Díaz".to_owned(),
        interviewers: Vec::new(),
        range: TimeRange::new(at("2026-12-01T13:00:00Z"), at("2026-12-01T14:00:00Z")).unwrap(),
        zone: "Europe/Madrid".parse().unwrap(),
        place: Some(Place::Address("Calle Mayor 5, Madrid; second floor".to_owned())),
        meeting_url: None,
    }
}

pub fn online() -> Meeting {
    Meeting {
        place: Some(Place::ZohoMeeting),
        meeting_url: Some("https://meet.example.com/join?key=12&pwd=ab".to_owned()),
        ..meeting()
    }
}

pub fn invite(sequence: i64, cancel: bool) -> Invite {
    Invite {
        uid: "itv_0198f2c0-0000-7000-8000-000000000001@greenroom.example.com".to_owned(),
        sequence,
        cancel,
        stamp: at("2026-11-23T09:00:00Z"),
    }
}

pub fn answers() -> Answers {
    let mark = |mark: i64| Score::try_from(mark).unwrap();
    Answers {
        technical: mark(9),
        communication: mark(7),
        problem_solving: mark(8),
        culture: mark(8),
        overall: mark(8),
        strengths: "Knows SQL <very> well.\nAsked good questions & listened.".to_owned(),
        to_improve: String::new(),
        notes: "Could start in January.".to_owned(),
        recommendation: Recommendation::StrongHire,
    }
}

fn manager() -> Addressee {
    Addressee {
        name: "Ana Díaz".to_owned(),
        email: "ana@example.com".parse().unwrap(),
        zone: Some("Europe/Madrid".parse().unwrap()),
    }
}

fn candidate() -> Addressee {
    Addressee { name: "Bruno Costa".to_owned(), email: "bruno@example.net".parse().unwrap(), zone: None }
}

fn recruiter() -> Addressee {
    Addressee { name: "Recruiting".to_owned(), email: contact(), zone: None }
}

pub fn contact() -> EmailAddress {
    "recruiting@example.com".parse().unwrap()
}

pub fn letter(name: &str, to: Addressee, body: Body) -> Letter {
    Letter {
        message_id: format!("{name}.0198f2c0@greenroom.example.com"),
        kind: name.to_owned(),
        at: at("2026-11-23T09:00:00Z"),
        to,
        reply_to: Some(contact()),
        company: "Example Ltd".to_owned(),
        body,
    }
}

/// Every variant of [`Body`], some of them twice, by name.
pub fn letters() -> Vec<(&'static str, Letter)> {
    let bodies = about_permission().into_iter().chain(to_the_manager()).chain(to_the_candidate()).chain(to_the_recruiter());
    bodies.map(|(name, to, body)| (name, letter(name, to, body))).collect()
}

fn alert_line(subject: &str, until: Option<&str>) -> AlertLine {
    let at = |text: &str| text.parse().unwrap();
    AlertLine { subject: subject.to_owned(), since: at("2026-11-24T08:30:00Z"), until: until.map(at) }
}

fn sections() -> Vec<AlertSection> {
    let (began, lasting, over) = (
        vec![alert_line("zoho:eu", None)],
        vec![alert_line("zoho:us", None)],
        vec![alert_line("Bo", Some("2026-11-24T09:00:00Z"))],
    );
    vec![
        AlertSection { kind: AlertKind::CircuitOpen, began, lasting, over: Vec::new(), more: 0 },
        AlertSection {
            kind: AlertKind::RefreshFailing,
            began: vec![alert_line("Ana Díaz", None)],
            lasting: Vec::new(),
            over,
            more: 180,
        },
    ]
}

type Named = (&'static str, Addressee, Body);

fn about_permission() -> Vec<Named> {
    let link = || url("https://greenroom.example.com/p/lnk_abc");
    let asked_by = || "Rita Recruiter".to_owned();
    let requests = [
        (
            "permission_request",
            Body::PermissionRequest {
                vacancy: Some("Backend Engineer".to_owned()),
                asked_by: asked_by(),
                link: link(),
                attempt: 1,
                days: 7,
            },
        ),
        (
            "permission_request_again",
            Body::PermissionRequest {
                vacancy: None,
                asked_by: asked_by(),
                link: url("http://localhost:8040/p/lnk_abc"),
                attempt: 2,
                days: 1,
            },
        ),
        ("fresh_link", Body::FreshPermissionLink { link: link(), reconnect: false }),
        ("reconnect", Body::FreshPermissionLink { link: link(), reconnect: true }),
        ("connected", Body::Connected { calendar: "Work".to_owned(), disconnect: url("https://greenroom.example.com/d/lnk_abc") }),
    ];
    requests.into_iter().map(|(name, body)| (name, manager(), body)).collect()
}

fn to_the_manager() -> Vec<Named> {
    let cannot = || url("https://greenroom.example.com/m/lnk_abc");
    let form = || url("https://greenroom.example.com/f/lnk_abc");
    let event = || Some(url("https://calendar.zoho.com/event/123?view=day"));
    let connect = url("https://greenroom.example.com/p/lnk_abc");
    let bodies = [
        ("booked", Body::Booked { meeting: online(), event: event(), cannot: cannot(), invite: None }),
        ("booked_by_mail", Body::Booked { meeting: meeting(), event: None, cannot: cannot(), invite: Some(invite(0, false)) }),
        ("moved", Body::Moved { meeting: meeting(), event: event(), cannot: cannot(), invite: None }),
        ("moved_by_mail", Body::Moved { meeting: meeting(), event: None, cannot: cannot(), invite: Some(invite(1, false)) }),
        ("cancelled", Body::Cancelled { meeting: meeting(), why: "The position is filled.".to_owned(), invite: None }),
        ("cancelled_by_mail", Body::Cancelled { meeting: meeting(), why: String::new(), invite: Some(invite(2, true)) }),
        ("reminder_manager", Body::Reminder { meeting: meeting(), hours: 24, page: cannot(), to_manager: true }),
        ("feedback_request", Body::FeedbackRequest { meeting: meeting(), form: form(), nag: 0 }),
        ("feedback_nag", Body::FeedbackRequest { meeting: meeting(), form: form(), nag: 3 }),
        ("proposal", Body::Proposal { meeting: meeting(), page: url("https://greenroom.example.com/o/lnk_abc"), connect }),
    ];
    bodies.into_iter().map(|(name, body)| (name, manager(), body)).collect()
}

fn to_the_candidate() -> Vec<Named> {
    let page = || url("https://greenroom.example.com/c/lnk_abc");
    let bodies = [
        ("invitation", Body::Invitation { meeting: meeting(), page: page(), invite: invite(0, false) }),
        ("invitation_moved", Body::InvitationMoved { meeting: online(), page: page(), invite: invite(1, false) }),
        ("invitation_cancelled", Body::InvitationCancelled { meeting: meeting(), invite: invite(2, true) }),
        ("reminder_candidate", Body::Reminder { meeting: online(), hours: 1, page: page(), to_manager: false }),
        ("choice", choice(0)),
        ("choice_reminder", choice(1)),
    ];
    bodies.into_iter().map(|(name, body)| (name, candidate(), body)).collect()
}

fn choice(reminder: i64) -> Body {
    Body::Choice {
        vacancy: "Backend Engineer".to_owned(),
        round: "First interview".to_owned(),
        manager: "Ana Díaz".to_owned(),
        minutes: 45,
        page: url("https://greenroom.example.com/s/lnk_abc"),
        until: at("2026-12-08T09:00:00Z"),
        reminder,
    }
}

fn to_the_recruiter() -> Vec<Named> {
    let vacancy = || "Backend Engineer".to_owned();
    let page = || url("https://greenroom.example.com/vacancies/vac_1");
    let range = TimeRange::new(at("2026-12-02T08:00:00Z"), at("2026-12-02T09:00:00Z")).unwrap();
    let other = Meeting { candidate: "Chidi Okafor".to_owned(), range, ..meeting() };
    let unplaced = vec![("Dana Levi".to_owned(), "no_time".to_owned()), ("Eve Long".to_owned(), "moon_phase".to_owned())];
    let manager = url("https://greenroom.example.com/managers/per_1");
    let bodies = [
        ("summary", Body::Summary { vacancy: vacancy(), meetings: vec![meeting(), other], unplaced, page: page() }),
        ("summary_complete", Body::Summary { vacancy: vacancy(), meetings: vec![meeting()], unplaced: Vec::new(), page: page() }),
        ("summary_empty", Body::Summary { vacancy: vacancy(), meetings: Vec::new(), unplaced: Vec::new(), page: page() }),
        ("result", Body::Result { meeting: meeting(), answers: answers(), page: page() }),
        ("alerts", Body::Alerts { sections: sections(), page: url("https://greenroom.example.com/alerts") }),
        ("checkpoint", Body::Checkpoint { lines: 1200, json: "{\"installation\":\"ins_1\",\"seq\":1200}".to_owned() }),
        ("attention", Body::Attention { subject: "Ana Díaz".to_owned(), code: "permission_exhausted".to_owned(), page: manager }),
    ];
    bodies.into_iter().map(|(name, body)| (name, recruiter(), body)).collect()
}
