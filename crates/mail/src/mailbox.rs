//! A mailer without a mail server: messages stay on this machine, where the mailbox page shows them, and on request also as `.eml` files.
//!
//! A file is named after its Message-ID, so that a repeat overwrites it: once is what people see.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use ports::mail::{Letter, MailError, Mailer, Message};
use tokio::{fs, io::AsyncWriteExt};

use crate::{Sender, compose, mime};

/// See the module's header.
#[derive(Debug, Clone)]
pub struct Mailbox {
    sender: Sender,
    folder: Option<PathBuf>,
}

impl Mailbox {
    /// Writes each message into `folder`, if there is one. The folder is made with the first message, readable by its owner alone.
    pub const fn new(sender: Sender, folder: Option<PathBuf>) -> Self {
        Self { sender, folder }
    }
}

#[async_trait]
impl Mailer for Mailbox {
    fn compose(&self, letter: &Letter) -> Result<Message, MailError> {
        compose::compose(&self.sender, letter)
    }

    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let bytes = mime::build(&self.sender, message)?.formatted();
        let Some(folder) = &self.folder else { return Ok(()) };
        let name = format!("{}.eml", mime::checked_id(&message.message_id)?);
        write(folder, &name, &bytes)
            .await
            .map_err(|error| MailError::Passing(format!("cannot write `{name}` into {}: {error}", folder.display())))
    }

    fn keeps_local(&self) -> bool {
        true
    }

    async fn forget(&self, message_ids: &[String]) -> Result<(), MailError> {
        match &self.folder {
            Some(folder) => forget(folder, message_ids).await,
            None => Ok(()),
        }
    }
}

/// Deletes the `.eml` files of these messages, finished or half written, and makes that durable.
pub async fn forget(folder: &Path, message_ids: &[String]) -> Result<(), MailError> {
    let failed = |error: io::Error| MailError::Passing(format!("a file in {} cannot be deleted: {error}", folder.display()));
    let mut any = false;
    for id in message_ids {
        let name = format!("{}.eml", mime::checked_id(id)?);
        for path in [folder.join(&name), folder.join(format!(".{name}.part"))] {
            match fs::remove_file(path).await {
                Ok(()) => any = true,
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
    if any {
        fs::File::open(folder).await.map_err(failed)?.sync_all().await.map_err(failed)?;
    }
    Ok(())
}

/// Written beside its place, made durable, then moved there: a reader never sees half a message.
async fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    make_folder(folder).await?;
    let draft = folder.join(format!(".{name}.part"));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&draft).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    drop(file);
    fs::rename(&draft, folder.join(name)).await
}

async fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).await
}
