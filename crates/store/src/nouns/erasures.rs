//! Erasures: how each stands, and the statements that take a person's data out. That they take everything is proven by a test that walks
//! every table of a database in use, not by this list.

use std::sync::LazyLock;

use domain::{
    Id, Timestamp,
    erasure::{ERASED_ADDRESS, ERASED_NAME, Erasure, Wipe},
    jobs::Work,
    mails::MailOrder,
    people::Person,
};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table, code};

static TABLE: Table = Table {
    name: "erasures",
    columns: &["id", "rev", "kind", "why", "requested_at", "stage", "stage_at", "listed", "events_left", "finished_at"],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_PERSON: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("ORDER BY requested_at DESC, id DESC LIMIT $1"));
static OPEN: LazyLock<String> =
    LazyLock::new(|| TABLE.select("WHERE finished_at IS NULL ORDER BY requested_at DESC, id DESC LIMIT $1"));

pub(super) fn put(erasure: &Erasure) -> Read<Noun> {
    let others = vec![
        code(&erasure.kind)?,
        code(&erasure.why)?,
        Param::from(erasure.requested_at),
        code(&erasure.stage)?,
        Param::from(erasure.stage_at),
        Param::from(erasure.listed),
        Param::from(erasure.events_left),
        Param::from(erasure.finished_at),
    ];
    Ok(Noun::row(&TABLE, "erasure", &PUT, erasure.person.to_string(), erasure.rev, others))
}

fn decode(row: Row) -> Read<Erasure> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Erasure {
        person: columns.id()?,
        rev: columns.int()?,
        kind: columns.code()?,
        why: columns.code()?,
        requested_at: columns.time()?,
        stage: columns.code()?,
        stage_at: columns.time()?,
        listed: columns.flag()?,
        events_left: columns.int()?,
        finished_at: columns.opt_time()?,
    })
}

pub(crate) async fn of_person(engine: &Engine, person: Id<Person>) -> Read<Option<Erasure>> {
    engine.one(&BY_PERSON, vec![person.into()], decode).await
}

pub(crate) async fn list(engine: &Engine, open: bool, limit: u32) -> Read<Vec<Erasure>> {
    let sql: &'static str = if open { &OPEN } else { &ALL };
    engine.list(sql, vec![limit.into()], Size::of(limit.into()), decode).await
}

/// What belongs to the person `$1`, as sub-selects.
pub(super) const INTERVIEWS: &str = "SELECT interview FROM participants WHERE person = $1";
const CANDIDACIES: &str = "SELECT id FROM candidacies WHERE person = $1";
pub(super) const VACANCIES: &str =
    "SELECT vacancy FROM candidacies WHERE person = $1 UNION SELECT id FROM vacancies WHERE manager = $1";
pub(super) const GRANTS: &str = "SELECT id FROM grants WHERE person = $1";

/// Whether the column `about` names the person or something of theirs. Of a vacancy's own lines only mails name who is on its list.
pub(super) fn about(column: &str, vacancies: bool) -> String {
    let vacancies = if vacancies { format!(" OR {column} IN ({VACANCIES})") } else { String::new() };
    format!("({column} = $1 OR {column} IN ({INTERVIEWS}) OR {column} IN ({CANDIDACIES}) OR {column} IN ({GRANTS}){vacancies})")
}

/// Whether the text in `column` names the person's id or that of anything of theirs. `_` in an id matches any letter, which is no matter.
pub(super) fn mentions(column: &str, vacancies: bool) -> String {
    let vacancies = if vacancies {
        format!(
            " OR EXISTS (SELECT 1 FROM candidacies c WHERE c.person = $1 AND {column} LIKE '%' || c.vacancy || '%') \
             OR EXISTS (SELECT 1 FROM vacancies v WHERE v.manager = $1 AND {column} LIKE '%' || v.id || '%')"
        )
    } else {
        String::new()
    };
    format!(
        "({column} LIKE '%' || $1 || '%' OR EXISTS (SELECT 1 FROM participants p WHERE p.person = $1 AND {column} LIKE '%' || p.interview || '%') \
         OR EXISTS (SELECT 1 FROM candidacies k WHERE k.person = $1 AND {column} LIKE '%' || k.id || '%') \
         OR EXISTS (SELECT 1 FROM grants g WHERE g.person = $1 AND {column} LIKE '%' || g.id || '%'){vacancies})"
    )
}

static SENT: LazyLock<String> = LazyLock::new(|| format!("SELECT message_id FROM mails WHERE {}", about("about", true)));
static ORDERED: LazyLock<String> =
    LazyLock::new(|| format!("SELECT work FROM jobs WHERE kind = 'mail' AND {}", mentions("work", true)));
static MESSAGES: Table = Table { name: "mails", columns: &["message_id"] };
static WORKS: Table = Table { name: "jobs", columns: &["work"] };

/// Message-IDs of sent mails, and orders of mails, that concern a person.
pub(crate) async fn messages(engine: &Engine, person: Id<Person>) -> Read<(Vec<String>, Vec<MailOrder>)> {
    let sent = engine.list(&SENT, vec![person.into()], Size::Bulk, |row| Columns::of(&MESSAGES, row).text()).await?;
    let works = engine.list(&ORDERED, vec![person.into()], Size::Bulk, |row| Columns::of(&WORKS, row).json::<Work>()).await?;
    let order = |work| match work {
        Work::Mail { order } => Some(order),
        _ => None,
    };
    Ok((sent, works.into_iter().filter_map(order).collect()))
}

/// A vacancy is closed when the log says so: it never opens again.
const AGED: &str = "SELECT c.person, MAX(a.at) FROM candidacies c \
    JOIN audit a ON a.subject = c.vacancy AND a.action = 'vacancy.closed' \
    WHERE NOT EXISTS (SELECT 1 FROM erasures e WHERE e.id = c.person) \
    AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.person = c.person) \
    AND NOT EXISTS (SELECT 1 FROM vacancies m WHERE m.manager = c.person) \
    AND NOT EXISTS (SELECT 1 FROM candidacies o JOIN vacancies v ON v.id = o.vacancy WHERE o.person = c.person AND v.state <> 'closed') \
    AND NOT EXISTS (SELECT 1 FROM participants p JOIN interviews i ON i.id = p.interview WHERE p.person = c.person \
    AND i.state IN ('proposed', 'booking', 'booked', 'attention')) \
    GROUP BY c.person HAVING MAX(a.at) < $1 ORDER BY 2, 1 LIMIT $2";
static AGED_TABLE: Table = Table { name: "candidacies", columns: &["person", "at"] };

/// See [`ports::Store::aged`].
pub(crate) async fn aged(engine: &Engine, before: Timestamp, limit: u32) -> Read<Vec<(Id<Person>, Timestamp)>> {
    let decode = |row| {
        let mut columns = Columns::of(&AGED_TABLE, row);
        Ok((columns.id()?, columns.time()?))
    };
    engine.list(AGED, vec![before.into(), limit.into()], Size::Bulk, decode).await
}

static BLANK_PERSON: &str = "UPDATE persons SET rev = rev + 1, name = $2, emails = '[]', zone = NULL, rules = NULL, external_id = NULL \
    WHERE id = $1 AND (name <> $2 OR emails <> '[]' OR zone IS NOT NULL OR rules IS NOT NULL OR external_id IS NOT NULL)";
static BLANK_INTERVIEWS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE interviews SET rev = rev + 1, cancelled_why = CASE WHEN cancelled_why IS NULL THEN NULL ELSE '' END, \
         feedback = CASE WHEN feedback IN ('requested', 'given') THEN 'closed' ELSE feedback END \
         WHERE id IN ({INTERVIEWS}) AND (cancelled_why <> '' OR feedback IN ('requested', 'given'))"
    )
});
static FORGET_EVENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE interviews SET rev = rev + 1, event = NULL, attempt = NULL WHERE id IN ({INTERVIEWS}) \
         AND (event IS NOT NULL OR attempt IS NOT NULL)"
    )
});
static BLANK_MAILS: LazyLock<String> = LazyLock::new(|| {
    format!("UPDATE mails SET subject = '', plain_text = '', html = '', calendar = NULL WHERE {}", about("about", true))
});
/// Recipients who are nobody's address any more. Whoever is still known, and the recruiter, stays.
static BLANK_RECIPIENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE mails SET recipient = $2, recipient_key = $2 WHERE {} AND recipient_key <> $2 AND recipient_key <> $3 \
         AND NOT EXISTS (SELECT 1 FROM names n WHERE n.scope = 'email' AND n.name = mails.recipient_key)",
        about("about", true)
    )
});
const BLANK_RECIPIENT: &str = "UPDATE mails SET recipient = $2, recipient_key = $2 WHERE recipient_key = $1";
const CUT_CHOICES: &str = "DELETE FROM choices WHERE person = $1";
const CUT_LINKS: &str = "DELETE FROM links WHERE person = $1 OR subject = $1";
const END_GRANTS: &str = "UPDATE grants SET rev = rev + 1, \
    state = CASE WHEN state IN ('active', 'unverified', 'requested') THEN 'disconnected' ELSE state END, \
    account_data_centre = NULL, account_user_id = NULL, account_email = NULL, refresh_token = NULL, previous_refresh_token = NULL, \
    access_token = NULL, access_expires_at = NULL, calendar = NULL, busy_calendars = '[]', request = NULL, unverified = NULL, \
    pending = NULL WHERE person = $1";
static CUT_LOOKS: LazyLock<String> = LazyLock::new(|| format!("DELETE FROM looks WHERE id IN ({GRANTS})"));
static FREE_ACCOUNTS: LazyLock<String> =
    LazyLock::new(|| format!("DELETE FROM names WHERE scope = 'account' AND owner IN ({GRANTS})"));
const FREE_NAMES: &str = "DELETE FROM names WHERE owner = $1 AND scope IN ('email', 'person_external_id')";
/// The key stays taken, so that a late repeat does not do the work again; what it would be answered is replaced.
static BLANK_ANSWERS: LazyLock<String> = LazyLock::new(|| {
    format!("UPDATE settings SET value = $2 WHERE key LIKE 'idempotency:%' AND value <> $2 AND {}", mentions("value", true))
});
const BLANK_ANSWERS_WITH: &str =
    "UPDATE settings SET value = $2 WHERE key LIKE 'idempotency:%' AND value <> $2 AND value LIKE $1 ESCAPE '\\'";
/// A key that itself names the person goes, with its answer.
const CUT_ANSWERS_UNDER: &str = "DELETE FROM settings WHERE key LIKE 'idempotency:%' AND key LIKE $1 ESCAPE '\\'";
const FREE_KEYS: &str = "DELETE FROM names WHERE scope = 'idempotency' AND name LIKE $1 ESCAPE '\\'";
/// The hash stays, so the chain stays whole. What an erasure says of itself names nobody.
static BLANK_LOG: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE audit SET payload = NULL, salt = NULL WHERE payload IS NOT NULL AND action NOT LIKE 'erasure.%' AND ({} OR {})",
        about("subject", false),
        mentions("payload", false)
    )
});
const BLANK_LOG_WITH: &str =
    "UPDATE audit SET payload = NULL, salt = NULL WHERE payload IS NOT NULL AND payload LIKE $1 ESCAPE '\\'";

/// A wipe's statements on nouns, names and the log: each group takes its place in the order of locks.
pub(crate) struct Wiping {
    pub nouns: Vec<Step>,
    pub names: Vec<Step>,
    pub log: Vec<Step>,
}

/// What takes a person's data out.
pub(crate) fn wiping(wipe: &Wipe) -> Wiping {
    let person = || Param::from(wipe.person);
    let address = || Param::from(ERASED_ADDRESS);
    let recruiter = Param::from(wipe.recruiter.as_deref().unwrap_or_default());
    let in_log: Vec<String> = wipe.addresses.iter().map(|address| pattern(address)).collect();
    let in_answers: Vec<String> = wipe.addresses.iter().chain(&wipe.words).map(|term| pattern(term)).collect();

    let mut nouns = Vec::new();
    if wipe.calendars {
        nouns.push(Step::any(END_GRANTS, vec![person()]));
        nouns.push(Step::any(&FORGET_EVENTS, vec![person()]));
        nouns.push(Step::any(&CUT_LOOKS, vec![person()]));
    }
    nouns.push(Step::any(&BLANK_INTERVIEWS, vec![person()]));
    nouns.push(Step::any(CUT_CHOICES, vec![person()]));
    nouns.push(Step::any(CUT_LINKS, vec![person()]));
    nouns.push(Step::any(&BLANK_MAILS, vec![person()]));
    for known in &wipe.addresses {
        nouns.push(Step::any(BLANK_RECIPIENT, vec![Param::from(known), address()]));
    }
    nouns.push(Step::any(&BLANK_RECIPIENTS, vec![person(), address(), recruiter]));
    nouns.push(Step::any(BLANK_PERSON, vec![person(), Param::from(ERASED_NAME)]));
    nouns.push(Step::any(&BLANK_ANSWERS, vec![person(), Param::from(&wipe.answer)]));
    for like in &in_answers {
        nouns.push(Step::any(BLANK_ANSWERS_WITH, vec![Param::from(like), Param::from(&wipe.answer)]));
        nouns.push(Step::any(CUT_ANSWERS_UNDER, vec![Param::from(like)]));
    }

    let mut names = vec![Step::any(FREE_NAMES, vec![person()])];
    if wipe.calendars {
        names.push(Step::any(&FREE_ACCOUNTS, vec![person()]));
    }
    names.extend(in_answers.iter().map(|like| Step::any(FREE_KEYS, vec![Param::from(like)])));

    let mut log = vec![Step::any(&BLANK_LOG, vec![person()])];
    log.extend(in_log.iter().map(|like| Step::any(BLANK_LOG_WITH, vec![Param::from(like)])));
    Wiping { nouns, names, log }
}

/// A pattern for texts that contain `term`.
fn pattern(term: &str) -> String {
    let mut like = String::from("%");
    for letter in term.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            like.push('\\');
        }
        like.push(letter);
    }
    like.push('%');
    like
}
