//! Mails that were handed over. A repeat has the same Message-ID and leaves the first row as it is.

use std::sync::LazyLock;

use domain::{EmailAddress, Id, mails::SentMail};
use ports::store::{Page, Read};

use super::{LAST, Noun};
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table};

static TABLE: Table = Table {
    name: "mails",
    columns: &[
        "id",
        "message_id",
        "kind",
        "recipient",
        "recipient_key",
        "subject",
        "plain_text",
        "html",
        "calendar",
        "about",
        "sent_at",
    ],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.insert("ON CONFLICT DO NOTHING"));
static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id < $1 ORDER BY id DESC LIMIT $2"));
static TO: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE recipient_key = $3 AND id < $1 ORDER BY id DESC LIMIT $2"));

pub(super) fn put(mail: &SentMail) -> Noun {
    let params = vec![
        Param::from(mail.id),
        Param::from(&mail.message_id),
        Param::from(&mail.kind),
        Param::from(mail.to.as_str()),
        Param::from(mail.to.key()),
        Param::from(&mail.subject),
        Param::from(&mail.text),
        Param::from(&mail.html),
        Param::from(&mail.calendar),
        Param::from(&mail.about),
        Param::from(mail.sent_at),
    ];
    Noun { key: (TABLE.name, mail.message_id.clone(), 0), guard: None, rest: vec![Step::any(&PUT, params)] }
}

fn decode(row: Row) -> Read<SentMail> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(SentMail {
        id: columns.id()?,
        message_id: columns.text()?,
        kind: columns.text()?,
        to: {
            let to = columns.parse()?;
            columns.text()?;
            to
        },
        subject: columns.text()?,
        text: columns.text()?,
        html: columns.text()?,
        calendar: columns.opt_text()?,
        about: columns.text()?,
        sent_at: columns.time()?,
    })
}

pub(crate) async fn by_id(engine: &Engine, id: Id<SentMail>) -> Read<Option<SentMail>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

/// Newest first.
pub(crate) async fn list(engine: &Engine, to: Option<&EmailAddress>, page: Page) -> Read<Vec<SentMail>> {
    let after = page.after.unwrap_or_else(|| LAST.to_owned());
    let mut params = vec![after.into(), page.limit.into()];
    let size = Size::of(page.limit.into());
    match to {
        None => engine.list(&ALL, params, size, decode).await,
        Some(to) => {
            params.push(to.key().into());
            engine.list(&TO, params, size, decode).await
        }
    }
}
