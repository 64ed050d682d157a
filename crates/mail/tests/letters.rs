//! Every kind of letter as its reader sees it: subject, text, HTML and calendar part, kept as snapshots.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{compose, letters};
use domain::{alerts::AlertKind, feedback::Recommendation};
use ports::mail::{Body, Letter};
use url::Url;

#[test]
fn letters_read_as_they_did() {
    for (name, letter) in letters() {
        let message = compose(&letter);
        let calendar = message
            .calendar
            .as_ref()
            .map(|(method, text)| format!("\n==== {method} ====\n{}", text.replace("\r\n", "\n")))
            .unwrap_or_default();
        insta::assert_snapshot!(
            format!("{name}.text"),
            format!("To: {} <{}>\nSubject: {}\n\n{}{calendar}", message.to_name, message.to, message.subject, message.text)
        );
    }
}

#[test]
fn html_looks_as_it_did() {
    for (name, letter) in letters() {
        insta::assert_snapshot!(format!("{name}.html"), compose(&letter).html);
    }
}

#[test]
fn the_same_letter_is_the_same_message() {
    for (_, letter) in letters() {
        assert_eq!(compose(&letter), compose(&letter.clone()));
    }
}

/// Fails to compile when a variant is added, and fails to pass when it has no letter.
#[test]
fn every_variant_has_a_letter() {
    let number = |body: &Body| match body {
        Body::PermissionRequest { .. } => 0,
        Body::FreshPermissionLink { .. } => 1,
        Body::Connected { .. } => 2,
        Body::Booked { .. } => 3,
        Body::Moved { .. } => 4,
        Body::Cancelled { .. } => 5,
        Body::Invitation { .. } => 6,
        Body::InvitationMoved { .. } => 7,
        Body::InvitationCancelled { .. } => 8,
        Body::Reminder { .. } => 9,
        Body::FeedbackRequest { .. } => 10,
        Body::Proposal { .. } => 11,
        Body::Summary { .. } => 12,
        Body::Result { .. } => 13,
        Body::Attention { .. } => 14,
        Body::Alerts { .. } => 15,
        Body::Checkpoint { .. } => 16,
        Body::Choice { .. } => 17,
    };
    let seen: std::collections::BTreeSet<usize> = letters().iter().map(|(_, letter)| number(&letter.body)).collect();
    assert_eq!(seen, (0..=17).collect());
}

/// Every link that a letter brings along.
fn links(body: &Body) -> Vec<&Url> {
    match body {
        Body::PermissionRequest { link, .. } | Body::FreshPermissionLink { link, .. } => vec![link],
        Body::Connected { disconnect, .. } => vec![disconnect],
        Body::Booked { event, cannot, .. } | Body::Moved { event, cannot, .. } => event.iter().chain([cannot]).collect(),
        Body::Cancelled { .. } | Body::InvitationCancelled { .. } | Body::Checkpoint { .. } => Vec::new(),
        Body::FeedbackRequest { form, .. } => vec![form],
        Body::Proposal { page, connect, .. } => vec![page, connect],
        Body::Invitation { page, .. }
        | Body::InvitationMoved { page, .. }
        | Body::Reminder { page, .. }
        | Body::Choice { page, .. }
        | Body::Summary { page, .. }
        | Body::Result { page, .. }
        | Body::Attention { page, .. }
        | Body::Alerts { page, .. } => vec![page],
    }
}

/// News of one alert of `kind`.
fn alert_letter(kind: AlertKind, is_over: bool) -> Letter {
    let (_, letter) = letters().into_iter().find(|(name, _)| *name == "alerts").unwrap();
    let Body::Alerts { mut sections, page } = letter.body else { panic!("another body") };
    let mut section = sections.pop().unwrap();
    section.kind = kind;
    if is_over {
        section.began.clear();
    } else {
        section.over.clear();
    }
    Letter { body: Body::Alerts { sections: vec![section], page }, ..letter }
}

#[test]
fn every_kind_of_alert_says_what_it_means_and_what_to_do() {
    for kind in AlertKind::ALL {
        let message = compose(&alert_letter(kind, false));
        assert!(message.subject.len() > 10 && !message.subject.contains('_'), "{}", message.subject);
        assert!(message.text.contains("What to do") && message.text.contains("Ana Díaz (since"), "{}", message.text);
        let over = compose(&alert_letter(kind, true));
        assert!(over.subject.starts_with("Over: ") && !over.text.contains("What to do"), "{}", over.text);
    }
}

#[test]
fn every_link_stands_bare_in_text_and_html_and_can_be_clicked() {
    for (name, letter) in letters() {
        let message = compose(&letter);
        for link in links(&letter.body) {
            let escaped = link.as_str().replace('&', "&#38;");
            assert!(message.text.contains(&format!("\n{link}\n")), "{name}: {link} is not in the text");
            assert!(message.html.contains(&format!("href=\"{escaped}\"")), "{name}: {link} cannot be clicked");
            assert!(message.html.contains(&format!(">{escaped}</a>")), "{name}: {link} is not to be read");
        }
    }
}

#[test]
fn the_manager_gets_no_calendar_part_while_the_event_is_on_the_calendar() {
    for (name, letter) in letters() {
        let calendar = compose(&letter).calendar;
        let expected = match name {
            "booked_by_mail" | "moved_by_mail" | "invitation" | "invitation_moved" => Some("REQUEST"),
            "cancelled_by_mail" | "invitation_cancelled" => Some("CANCEL"),
            _ => None,
        };
        assert_eq!(calendar.as_ref().map(|(method, _)| method.as_str()), expected, "{name}");
    }
}

#[test]
fn without_a_recruiting_contact_nobody_is_told_to_answer() {
    let (_, mut letter) = letters().remove(0);
    letter.reply_to = None;
    let message = compose(&letter);
    assert!(!message.text.contains("answer this mail") && message.reply_to.is_none());
}

#[test]
fn every_reason_that_is_known_has_its_own_sentence_and_others_are_named() {
    let (_, letter) = letters().pop().unwrap();
    let said = |code: &str| {
        let page = "https://greenroom.example.com/".parse().unwrap();
        compose(&ports::mail::Letter {
            body: Body::Attention { subject: "Ana".to_owned(), code: code.to_owned(), page },
            ..letter.clone()
        })
    };
    for code in [
        "no_time",
        "clash",
        "event_deleted",
        "candidate_cannot",
        "manager_cannot",
        "calendar_refused",
        "awaits_administrator",
        "grant_died",
        "candidate_cancelled",
        "candidate_silent",
        "none_fits",
    ] {
        let message = said(code);
        assert!(!message.text.contains(code) && message.subject.starts_with("Ana: "), "{}", message.text);
    }
    for code in ["moon_phase", "unknown", ""] {
        assert!(said(code).text.contains(&format!("(reason: {code})")), "{}", said(code).text);
    }
}

#[test]
fn whatever_the_choices_every_placeholder_is_filled() {
    let (_, letter) = letters().remove(0);
    let with = |body: Body| ports::mail::Letter { body, ..letter.clone() };
    for (vacancy, attempt) in [(None, 1), (None, 4), (Some("Cook"), 1), (Some("Cook"), 4)] {
        let link = "https://greenroom.example.com/p/x".parse().unwrap();
        let body =
            Body::PermissionRequest { vacancy: vacancy.map(str::to_owned), asked_by: "Rita".to_owned(), link, attempt, days: 7 };
        let subject = compose(&with(body)).subject;
        assert_eq!((subject.contains("Cook"), subject.starts_with("Reminder")), (vacancy.is_some(), attempt > 1), "{subject}");
    }
    for (recommendation, said) in [
        (Recommendation::StrongHire, "strong hire"),
        (Recommendation::Hire, "hire"),
        (Recommendation::Maybe, "maybe"),
        (Recommendation::NoHire, "no hire"),
    ] {
        let answers = domain::feedback::Answers { recommendation, ..common::answers() };
        let page = "https://greenroom.example.com/".parse().unwrap();
        let subject = compose(&with(Body::Result { meeting: common::meeting(), answers, page })).subject;
        assert!(subject.ends_with(&format!(": {said}")), "{subject}");
    }
}

#[test]
fn whoever_states_a_zone_reads_times_in_it_alone() {
    let (_, mut letter) = letters().into_iter().find(|(name, _)| *name == "invitation").unwrap();
    letter.to.zone = Some("America/Sao_Paulo".parse().unwrap());
    let message = compose(&letter);
    assert!(message.subject.ends_with("Tue 1 Dec 2026, 10:00 (Sao Paulo time)"), "{}", message.subject);
    assert!(message.text.contains("10:00–11:00 (Sao Paulo time, UTC-03:00)"), "{}", message.text);
    assert!(
        !message.text.contains("Madrid time") && !message.text.contains("(UTC)") && !message.text.contains("own time zone"),
        "{}",
        message.text
    );
}

#[test]
fn somebody_without_a_name_is_greeted_all_the_same() {
    let (_, mut letter) = letters().remove(0);
    letter.to.name = " \u{202e}\n".to_owned();
    assert!(compose(&letter).text.starts_with("Hello,\n"));
}
