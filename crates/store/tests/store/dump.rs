//! A dump is one whole moment, and the same on either engine.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::access::Session;
use ports::{Put, Store};
use store::{Afterwards, Database, DumpCheck, Dumped, LoadError, Loaded};
use testkit::store_contract::fixtures::{at, full_grant, full_interview, full_person, full_vacancy, id, puts, range};
use tokio::sync::mpsc;

use crate::{
    common::{PostgresSchema, SqliteDatabase, options},
    crash::{change, is_there},
};

const WRITERS: u128 = 4;
/// A row that makes the dump longer than a moment.
const WEIGHT: usize = 400;

/// Everything in one piece, checked.
async fn bytes_of(database: &Database) -> (Vec<u8>, Dumped) {
    let (send, mut receive) = mpsc::channel::<Vec<u8>>(2);
    let collected = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(piece) = receive.recv().await {
            all.extend(piece);
        }
        all
    });
    let dumped = database.dump(send).await.unwrap();
    let bytes = collected.await.unwrap();
    let mut check = DumpCheck::default();
    check.push(&bytes).unwrap();
    assert_eq!(check.finish().unwrap(), dumped);
    (bytes, dumped)
}

/// Nothing but the rows.
fn only_rows() -> Afterwards {
    Afterwards { at: at(0), settings: Vec::new(), end_sessions: false }
}

async fn load(url: &str, bytes: &[u8], replace: bool, afterwards: Afterwards) -> Result<Loaded, LoadError> {
    let (send, receive) = mpsc::channel(2);
    let pieces: Vec<Vec<u8>> = bytes.chunks(1_000).map(<[u8]>::to_vec).collect();
    let sending = tokio::spawn(async move {
        for piece in pieces {
            if send.send(piece).await.is_err() {
                // The load has ended with an error, which the test looks at.
                return;
            }
        }
    });
    let loaded = store::load(url, &options(), replace, afterwards, receive).await;
    sending.await.unwrap();
    loaded
}

async fn open(url: &str) -> Arc<Database> {
    store::open(url, options()).await.unwrap()
}

/// Writers go on while the dump is made: what is in it is whole changes, and everything that was acknowledged before it began.
async fn a_dump_under_load_is_one_moment(database: Arc<Database>) {
    let heavy: Vec<Put> = (0..WEIGHT).map(|n| Put::Setting(format!("weight{n:04}"), "\"x\"".repeat(300))).collect();
    database.commit(puts(heavy)).await.unwrap();
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (database, stop, written) = (Arc::clone(&database), Arc::clone(&stop), Arc::clone(&written));
            tokio::spawn(async move {
                let mut number = writer * 1_000_000 + 1;
                while !stop.load(Ordering::SeqCst) {
                    database.commit(change(number)).await.unwrap();
                    written.fetch_add(1, Ordering::SeqCst);
                    number += 1;
                }
                number - writer * 1_000_000 - 1
            })
        })
        .collect();
    let reached = |count: u64| {
        let written = Arc::clone(&written);
        async move {
            let mut again = tokio::time::interval(Duration::from_millis(1));
            while written.load(Ordering::SeqCst) < count {
                again.tick().await;
            }
        }
    };
    reached(40).await;
    let before = written.load(Ordering::SeqCst);

    // The receiver holds the first piece back until more was written, so that writes fall into the dump for certain.
    let (send, mut receive) = mpsc::channel::<Vec<u8>>(1);
    let dumping = tokio::spawn({
        let database = Arc::clone(&database);
        async move { database.dump(send).await.unwrap() }
    });
    let mut bytes = receive.recv().await.unwrap();
    let at_first_piece = written.load(Ordering::SeqCst);
    reached(at_first_piece + 40).await;
    while let Some(piece) = receive.recv().await {
        bytes.extend(piece);
    }
    let dumped = dumping.await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let mut counts = Vec::new();
    for writer in writers {
        counts.push(writer.await.unwrap());
    }

    let copy = SqliteDatabase::new();
    let loaded = load(&copy.url(), &bytes, false, only_rows()).await.unwrap();
    assert_eq!(loaded.dumped, dumped);
    let copied: Arc<dyn Store> = copy.open().await;
    let mut there = 0;
    for (writer, count) in (0..WRITERS).zip(counts) {
        let mut gone = false;
        for number in 1..=count {
            let is = is_there(&copied, writer * 1_000_000 + number).await;
            // Each writer waits for its answers: what is missing is the end of its row.
            assert!(!(gone && is), "writer {writer}: change {number} is there without the one before");
            gone |= !is;
            there += u64::from(is);
        }
    }
    assert!(there >= before, "{there} of {before} acknowledged before the dump");
    assert!(there <= at_first_piece + u64::try_from(WRITERS).unwrap() * 2, "{there}: changes from behind the moment are in it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dump_of_sqlite_under_load_is_one_moment() {
    let database = SqliteDatabase::new();
    a_dump_under_load_is_one_moment(open(&database.url()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dump_of_postgresql_under_load_is_one_moment() {
    let Some(database) = PostgresSchema::new().await else { return };
    a_dump_under_load_is_one_moment(open(&database.url()).await).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_goes_from_engine_to_engine_unchanged() {
    let Some(middle) = PostgresSchema::new().await else { return };
    let (first, last) = (SqliteDatabase::new(), SqliteDatabase::new());
    let original = open(&first.url()).await;
    for number in 1..=50 {
        original.commit(change(number)).await.unwrap();
    }
    let odd = format!("\"{}\"", "ä\u{1f600}\u{1}".repeat(40_000));
    let nouns = [
        Put::Person(full_person(61)),
        Put::Grant(full_grant(62)),
        Put::Vacancy(full_vacancy(63)),
        Put::Interview(full_interview(64, range(0, 60))),
        Put::Setting("odd".to_owned(), odd),
    ];
    original.commit(puts(nouns)).await.unwrap();
    let (bytes, _) = bytes_of(&original).await;
    load(&middle.url(), &bytes, false, only_rows()).await.unwrap();
    let over = open(&middle.url()).await;
    let (again, _) = bytes_of(&over).await;
    assert!(bytes == again, "PostgreSQL holds the same, in the same order");
    load(&last.url(), &again, false, only_rows()).await.unwrap();
    let (back, _) = bytes_of(open(&last.url()).await.as_ref()).await;
    assert!(bytes == back, "and SQLite again");

    // A node is connected: nothing is taken from under it, also where that was asked for.
    let refused = load(&middle.url(), &bytes, true, only_rows()).await.unwrap_err();
    assert!(matches!(refused, LoadError::InUse), "{refused}");
    assert_eq!(bytes_of(&over).await.0, bytes);
    drop(over);
    middle.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_rows_is_kept_unless_told_and_then_set_aside() {
    let (from, into) = (SqliteDatabase::new(), SqliteDatabase::new());
    let source = open(&from.url()).await;
    source.commit(change(1)).await.unwrap();
    let (bytes, dumped) = bytes_of(&source).await;
    let target = open(&into.url()).await;
    target.commit(change(2)).await.unwrap();
    drop(target);

    let refused = load(&into.url(), &bytes, false, only_rows()).await.unwrap_err();
    assert!(matches!(&refused, LoadError::NotEmpty { .. }), "{refused}");
    let kept: Arc<dyn Store> = into.open().await;
    assert!(is_there(&kept, 2).await && !is_there(&kept, 1).await);
    drop(kept);

    // A dump that breaks off changes nothing, also where the database may be replaced.
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        let refused = load(&into.url(), &bytes[..cut], true, only_rows()).await.unwrap_err();
        assert!(matches!(refused, LoadError::Dump(_)), "{cut}: {refused}");
    }
    let kept: Arc<dyn Store> = into.open().await;
    assert!(is_there(&kept, 2).await);
    drop(kept);

    let loaded = load(&into.url(), &bytes, true, only_rows()).await.unwrap();
    assert_eq!(loaded.dumped, dumped);
    let restored: Arc<dyn Store> = into.open().await;
    assert!(is_there(&restored, 1).await && !is_there(&restored, 2).await);
    let aside: Arc<dyn Store> = open(&format!("sqlite:{}", loaded.set_aside.unwrap().display())).await;
    assert!(is_there(&aside, 2).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_replaced_whole_or_not_at_all() {
    let Some(into) = PostgresSchema::new().await else { return };
    let from = SqliteDatabase::new();
    let source = open(&from.url()).await;
    source.commit(change(1)).await.unwrap();
    let (bytes, _) = bytes_of(&source).await;
    load(&into.url(), &bytes, false, only_rows()).await.unwrap();
    let refused = load(&into.url(), &bytes, false, only_rows()).await.unwrap_err();
    assert!(matches!(refused, LoadError::NotEmpty { .. }), "{refused}");

    source.commit(change(2)).await.unwrap();
    let (more, _) = bytes_of(&source).await;
    for cut in [0, more.len() / 2, more.len() - 1] {
        let refused = load(&into.url(), &more[..cut], true, only_rows()).await.unwrap_err();
        assert!(matches!(refused, LoadError::Dump(_)), "{cut}: {refused}");
    }
    load(&into.url(), &more, true, only_rows()).await.unwrap();
    assert_eq!(bytes_of(open(&into.url()).await.as_ref()).await.0, more);
    into.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn afterwards_log_ins_have_ended_and_settings_are_set() {
    let from = SqliteDatabase::new();
    let source = open(&from.url()).await;
    let session = Session {
        id: id(1),
        rev: 1,
        hash: vec![1; 32],
        account: None,
        device: None,
        created_at: at(0),
        expires_at: at(60),
        revoked_at: None,
    };
    source.commit(puts([Put::Session(session.clone())])).await.unwrap();
    source.commit(change(3)).await.unwrap();
    let leased = source.lease_jobs(at(60 * 24 * 365), 10, 60).await.unwrap();
    assert_eq!(leased.len(), 1);
    let (bytes, _) = bytes_of(&source).await;
    let into = SqliteDatabase::new();
    let afterwards = Afterwards { at: at(5), settings: vec![("held".to_owned(), "{}".to_owned())], end_sessions: true };
    load(&into.url(), &bytes, false, afterwards).await.unwrap();
    let restored = open(&into.url()).await;
    assert_eq!(restored.setting("held").await.unwrap().as_deref(), Some("{}"));
    let ended = restored.session_by_hash(&session.hash).await.unwrap().unwrap();
    assert_eq!((ended.revoked_at, ended.rev), (Some(at(5)), session.rev + 1));
    assert!(restored.job(leased[0].id).await.unwrap().unwrap().lease.is_none());
}
