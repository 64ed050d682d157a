//! Names and titles are typed by strangers: whatever they hold, headers, HTML and iCalendar keep their shape.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;

use common::{letter, letters, meeting, url};
use domain::vacancies::Place;
use mail::{Mailbox, Sender};
use ports::mail::{Body, Letter, Mailer, Meeting, Message};
use proptest::prelude::*;

/// Pieces that break careless writers.
const PIECES: [&str; 24] = [
    "Ana",
    "\r\n",
    "\n",
    "\r",
    "Bcc: evil@example.org",
    "<script>alert(1)</script>",
    "\"",
    "'",
    "\\",
    "\\n",
    ";",
    ",",
    ":",
    "=",
    "&lt;",
    "\u{202e}",
    "\u{2066}",
    "\u{0}",
    "\u{2028}",
    "é",
    "🙂",
    "שרה",
    "{name}",
    "END:VEVENT",
];

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12).prop_map(|pieces| pieces.concat()),
        prop::sample::select(&PIECES[..]).prop_map(|piece| piece.repeat(5_000)),
        any::<String>(),
    ]
}

/// A candidate's invitation and a manager's invitation by mail, every text in them being `text`.
fn spoiled(text: &str) -> Vec<Letter> {
    let meeting = Meeting {
        vacancy: text.to_owned(),
        round: text.to_owned(),
        candidate: text.to_owned(),
        manager: text.to_owned(),
        place: Some(Place::Address(text.to_owned())),
        ..meeting()
    };
    let mut invite = common::invite(3, false);
    invite.uid = format!("uid{text}");
    let page = url("https://greenroom.example.com/c/lnk_abc");
    let bodies = [
        Body::Invitation { meeting: meeting.clone(), page: page.clone(), invite: invite.clone() },
        Body::Booked { meeting: meeting.clone(), event: None, cannot: page.clone(), invite: Some(invite) },
        Body::PermissionRequest {
            vacancy: Some(text.to_owned()),
            asked_by: text.to_owned(),
            link: page.clone(),
            attempt: 1,
            days: 7,
        },
        Body::Summary {
            vacancy: text.to_owned(),
            meetings: vec![meeting],
            unplaced: vec![(text.to_owned(), text.to_owned())],
            page: page.clone(),
        },
        Body::Attention { subject: text.to_owned(), code: text.to_owned(), page },
    ];
    let to = letters().remove(0).1.to;
    bodies
        .into_iter()
        .map(|body| {
            let mut letter = letter("hostile", to.clone(), body);
            text.clone_into(&mut letter.to.name);
            text.clone_into(&mut letter.company);
            letter
        })
        .collect()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/hostile-mails"))
}

/// The message as it would go to a mail server.
fn wire(message: &Message) -> String {
    let mailer = Mailbox::new(Sender::parse("Example Interviews <interviews@example.com>").unwrap(), Some(folder().to_owned()));
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(mailer.send(message)).unwrap();
    std::fs::read_to_string(folder().join(format!("{}.eml", message.message_id))).unwrap()
}

/// The names of the headers; continuation lines belong to the header before.
fn header_names(wire: &str) -> Vec<&str> {
    let (head, _) = wire.split_once("\r\n\r\n").unwrap();
    head.split("\r\n").filter(|line| !line.starts_with(' ')).map(|line| line.split_once(": ").unwrap().0).collect()
}

/// The names of the properties in order; folded lines belong to the property before.
fn property_names(calendar: &str) -> Vec<String> {
    let whole = calendar.replace("\r\n ", "");
    assert!(whole.ends_with("\r\n"));
    whole.split_terminator("\r\n").map(|line| line.split([':', ';']).next().unwrap().to_owned()).collect()
}

fn check(message: &Message, usual: &Message) -> Result<(), TestCaseError> {
    prop_assert!(!message.subject.chars().any(char::is_control), "{:?}", message.subject);
    prop_assert!(message.subject.chars().count() <= 400);
    let wire = wire(message);
    prop_assert_eq!(
        header_names(&wire),
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To", "MIME-Version", "Content-Type"]
    );
    prop_assert!(wire.is_ascii() && wire.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
    // Every `<` of the HTML is the template's own, so there are as many as in a letter without surprises.
    prop_assert_eq!(message.html.matches('<').count(), usual.html.matches('<').count(), "{}", message.html);
    prop_assert_eq!(message.html.matches('"').count(), usual.html.matches('"').count(), "{}", message.html);
    for text in [&message.subject, &message.text, &message.html] {
        prop_assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{0}', '\r']), "{text:?}");
    }
    if let Some((_, calendar)) = &message.calendar {
        prop_assert_eq!(property_names(calendar), property_names(&usual.calendar.as_ref().unwrap().1));
        prop_assert!(calendar.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])), "{calendar}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_names_break_nothing(text in hostile()) {
        for (letter, usual) in spoiled(&text).iter().zip(spoiled("Usual")) {
            let (message, usual) = (common::compose(letter), common::compose(&usual));
            check(&message, &usual)?;
            prop_assert_eq!(common::compose(letter), message);
        }
    }
}

#[test]
fn script_and_line_breaks_in_a_name_are_just_text() {
    let letter = &spoiled("Eve <script>\"x\"\r\nBcc: evil@example.org")[0];
    let message = common::compose(letter);
    assert!(message.html.contains("Eve &#60;script&#62;&#34;x&#34; Bcc: evil@example.org"), "{}", message.html);
    assert!(message.text.contains("Eve <script>\"x\" Bcc: evil@example.org"));
    let calendar = message.calendar.unwrap().1.replace("\r\n ", "");
    assert!(calendar.contains("\r\nATTENDEE;CN=\"Eve <script>'x' Bcc: evil@example.org\";CUTYPE=INDIVIDUAL;"), "{calendar}");
}

#[test]
fn an_address_that_is_no_web_address_cannot_be_clicked() {
    let mut online = meeting();
    online.meeting_url = Some("javascript:alert(1)".to_owned());
    online.place = Some(Place::Url("data:text/html,<b>x".to_owned()));
    let to = letters().remove(0).1.to;
    let body = Body::Reminder { meeting: online, hours: 24, page: url("https://greenroom.example.com/c/x"), to_manager: false };
    let html = common::compose(&letter("reminder", to, body)).html;
    assert!(
        html.contains("javascript:alert(1)") && !html.contains("href=\"javascript:") && !html.contains("href=\"data:"),
        "{html}"
    );
}
