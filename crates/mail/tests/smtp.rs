//! Handing messages to a mail server, against one that plays its part on loopback.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{compose, letters};
use mail::{ConfigError, Password, Security, Sender, Smtp, SmtpConfig};
use ports::mail::{MailError, Mailer, Message};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the server answers to the commands that matter here.
#[derive(Clone, Copy)]
struct Answers {
    auth: &'static str,
    rcpt: &'static str,
}

const FRIENDLY: Answers = Answers { auth: "235 welcome", rcpt: "250 ok" };

/// A mail server and what it was told.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), heard: Arc::default() };
        let heard = Arc::clone(&server.heard);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(talk(stream, answers, Arc::clone(&heard)));
            }
        });
        server
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }
}

async fn talk(stream: TcpStream, answers: Answers, heard: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await.unwrap();
    let (mut line, mut in_data) = (String::new(), false);
    loop {
        line.clear();
        if !matches!(stream.read_line(&mut line).await, Ok(1..)) {
            return;
        }
        let command = line.trim_end().to_owned();
        heard.lock().unwrap().push(command.clone());
        let answer = match command.get(..4).unwrap_or_default() {
            _ if in_data && command == "." => {
                in_data = false;
                "250 taken"
            }
            _ if in_data => continue,
            "EHLO" => "250-test\r\n250 AUTH PLAIN",
            "AUTH" => answers.auth,
            "RCPT" => answers.rcpt,
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

fn config(port: u16, security: Security) -> SmtpConfig {
    SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        user: None,
        password: None,
        security,
        timeout: Duration::from_secs(5),
    }
}

fn smtp(config: &SmtpConfig) -> Smtp {
    Smtp::new(Sender::parse("Example Interviews <interviews@example.com>").unwrap(), config, None).unwrap()
}

fn with_password(port: u16) -> SmtpConfig {
    SmtpConfig {
        user: Some("greenroom".to_owned()),
        password: Some(Password::new("opensesame".to_owned())),
        ..config(port, Security::Plain)
    }
}

fn message(name: &str) -> Message {
    compose(&letters().into_iter().find(|(found, _)| *found == name).unwrap().1)
}

#[tokio::test]
async fn a_message_arrives_with_our_message_id_and_its_calendar_part() {
    let server = Server::start(FRIENDLY).await;
    let mailer = smtp(&with_password(server.port));
    assert!(!mailer.keeps_local());
    mailer.send(&message("invitation")).await.unwrap();
    let heard = server.heard();
    for line in [
        "MAIL FROM:<interviews@example.com>",
        "RCPT TO:<bruno@example.net>",
        "From: \"Example Interviews\" <interviews@example.com>",
        "To: \"Bruno Costa\" <bruno@example.net>",
        "Reply-To: recruiting@example.com",
        "Message-ID: <invitation.0198f2c0@greenroom.example.com>",
        "Date: Mon, 23 Nov 2026 09:00:00 +0000",
        "Content-Type: text/calendar; charset=utf-8; method=REQUEST",
    ] {
        assert!(heard.contains(line), "{line} is missing:\n{heard}");
    }
}

#[tokio::test]
async fn refused_for_now_or_for_good() {
    let cases =
        [("450 try later", false), ("421 closing", false), ("550 <bruno@example.net> unknown", true), ("552 too large", true)];
    for (rcpt, for_good) in cases {
        let server = Server::start(Answers { rcpt, ..FRIENDLY }).await;
        let error = smtp(&config(server.port, Security::Plain)).send(&message("invitation")).await.unwrap_err();
        assert_eq!(matches!(error, MailError::Refused(_)), for_good, "{rcpt}: {error}");
        assert!(error.to_string().contains(&rcpt[..3]) && !error.to_string().contains("bruno"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_the_messages_fault() {
    let server = Server::start(Answers { auth: "535 bad credentials", ..FRIENDLY }).await;
    let error = smtp(&with_password(server.port)).send(&message("booked")).await.unwrap_err();
    assert!(matches!(&error, MailError::Passing(why) if why.contains("EMAIL_HOST_PASSWORD")), "{error}");
    assert!(!error.to_string().contains("opensesame"));
}

#[tokio::test]
async fn starttls_is_demanded_before_anything_is_told() {
    let server = Server::start(FRIENDLY).await;
    let config = SmtpConfig { security: Security::StartTls, ..with_password(server.port) };
    let error = smtp(&config).send(&message("booked")).await.unwrap_err();
    assert!(matches!(&error, MailError::Passing(why) if why.contains("STARTTLS")), "{error}");
    let heard = server.heard();
    assert!(heard.starts_with("EHLO") && !heard.contains("AUTH") && !heard.contains("MAIL FROM"), "{heard}");
}

#[tokio::test]
async fn tls_begins_with_the_first_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mailer = smtp(&config(listener.local_addr().unwrap().port(), Security::Tls));
    let server = tokio::spawn(async move { listener.accept().await.unwrap().0.read_u8().await.unwrap() });
    let error = mailer.send(&message("booked")).await.unwrap_err();
    assert!(matches!(error, MailError::Passing(_)), "{error}");
    assert_eq!(server.await.unwrap(), 0x16, "a TLS handshake record (RFC 8446, section 5.1)");
}

#[tokio::test]
async fn nobody_there_and_nobody_talking_are_passing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = SmtpConfig { timeout: Duration::from_millis(50), ..config(port, Security::Plain) };
    assert!(matches!(smtp(&silent).send(&message("booked")).await, Err(MailError::Passing(_))));
    drop(listener);
    assert!(matches!(smtp(&config(port, Security::Plain)).send(&message("booked")).await, Err(MailError::Passing(_))));
}

#[tokio::test]
async fn configuration_that_cannot_be_meant_is_refused_with_the_cure() {
    assert_eq!(Security::from_flags(true, true), Err(ConfigError::BothTls));
    assert_eq!(Security::from_flags(true, false), Ok(Security::StartTls));
    assert_eq!(Security::from_flags(false, true), Ok(Security::Tls));
    assert_eq!(Security::from_flags(false, false), Ok(Security::Plain));
    let half = SmtpConfig { password: None, ..with_password(25) };
    let sender = Sender::parse("interviews@example.com").unwrap();
    assert_eq!(Smtp::new(sender, &half, None).unwrap_err(), ConfigError::HalfCredentials);
    assert!(!format!("{:?}", with_password(25)).contains("opensesame"));
}
