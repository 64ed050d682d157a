//! Messages that stay on this machine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use common::{compose, letters, mailer};
use mail::{Mailbox, Sender};
use ports::mail::{MailError, Mailer, Message};

fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

fn into(folder: &Path) -> Mailbox {
    Mailbox::new(Sender::parse("Example Interviews <interviews@example.com>").unwrap(), Some(folder.to_owned()))
}

fn message(name: &str) -> Message {
    compose(&letters().into_iter().find(|(found, _)| *found == name).unwrap().1)
}

#[tokio::test]
async fn each_message_is_one_file_and_a_repeat_overwrites_it() {
    let folder = empty_folder("mails/nested");
    let mailer = into(&folder);
    assert!(mailer.keeps_local());
    for name in ["invitation", "invitation", "booked"] {
        mailer.send(&message(name)).await.unwrap();
    }
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["booked.0198f2c0@greenroom.example.com.eml", "invitation.0198f2c0@greenroom.example.com.eml"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(&files[0]))), (0o700, 0o600));
}

#[tokio::test]
async fn the_file_is_a_complete_message() {
    let folder = empty_folder("complete-mail");
    into(&folder).send(&message("invitation")).await.unwrap();
    let file = fs::read_to_string(folder.join("invitation.0198f2c0@greenroom.example.com.eml")).unwrap();
    insta::assert_snapshot!("invitation.eml", file.replace("\r\n", "\n"));
    assert_eq!(file.matches("\r\n").count(), file.matches('\n').count(), "every line ends with CRLF");
}

#[tokio::test]
async fn without_a_folder_nothing_is_written_and_all_is_well() {
    assert_eq!(mailer().send(&message("booked")).await, Ok(()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_tried_again_later() {
    let file = empty_folder("not-a-folder");
    fs::write(&file, "").unwrap();
    let error = into(&file.join("mails")).send(&message("booked")).await.unwrap_err();
    assert!(matches!(&error, MailError::Passing(why) if why.contains("not-a-folder")), "{error}");
    fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_message_id_that_is_a_path_is_refused() {
    let folder = empty_folder("no-escape");
    let mut message = message("booked");
    message.message_id = "../../escaped@greenroom.example.com".to_owned();
    assert!(matches!(into(&folder).send(&message).await, Err(MailError::Refused(_))));
    assert!(!folder.exists());
}
