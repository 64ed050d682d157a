//! Opening: the schema is brought up to date once, whoever comes first, and what cannot work is refused with a sentence.

use ports::{Put, Store, store::StoreError};
use testkit::store_contract::fixtures::{id, person, puts};

use crate::common::{PostgresSchema, SqliteDatabase, options};

fn raw(database: &SqliteDatabase) -> rusqlite::Connection {
    rusqlite::Connection::open(database.url().strip_prefix("sqlite:").unwrap()).unwrap()
}

async fn refusal(url: &str) -> String {
    match store::open(url, options()).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let database = SqliteDatabase::new();
    database.open().await.commit(puts([Put::Person(person(1))])).await.unwrap();
    assert_eq!(database.open().await.person(id(1)).await.unwrap(), Some(person(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_new_file_at_once() {
    let database = SqliteDatabase::new();
    let opening: Vec<_> = (0..8).map(|_| tokio::spawn(store::open(database.url().leak(), options()))).collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
    let migrations: i64 = raw(&database).query_row("SELECT COUNT(*) FROM schema_history", [], |row| row.get(0)).unwrap();
    assert_eq!(migrations, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_new_schema_at_once() {
    let Some(schema) = PostgresSchema::new().await else { return };
    let opening: Vec<_> = (0..8).map(|_| tokio::spawn(store::open(schema.url().leak(), options()))).collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
    schema.remove().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let database = SqliteDatabase::new();
    drop(database.open().await);
    raw(&database).execute("INSERT INTO schema_history VALUES (99, 'of tomorrow', 99, 0)", []).unwrap();
    let sentence = refusal(&database.url()).await;
    assert!(sentence.contains("schema 99") && sentence.contains("start the newer release"), "{sentence}");

    raw(&database).execute("UPDATE schema_history SET oldest_program = 1 WHERE version = 99", []).unwrap();
    database.open().await.ping().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_on_postgresql_too() {
    let Some(schema) = PostgresSchema::new().await else { return };
    drop(schema.open().await);
    schema.say(&format!("INSERT INTO {}.schema_history VALUES (99, 'of tomorrow', 99, 0)", schema.name())).await;
    let sentence = refusal(&schema.url()).await;
    assert!(sentence.contains("schema 99"), "{sentence}");
    schema.remove().await;
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do() {
    let database = SqliteDatabase::new();
    let lost = database.url().replace("greenroom.db", "no/such/folder/greenroom.db");
    let sentence = refusal(&lost).await;
    assert!(sentence.contains("no/such/folder") && sentence.contains("check that its folder exists"), "{sentence}");

    std::fs::write(
        database.url().strip_prefix("sqlite:").unwrap(),
        "a letter, not a database, and long enough to be read as one".repeat(20),
    )
    .unwrap();
    let sentence = refusal(&database.url()).await;
    assert!(sentence.contains("is not a database"), "{sentence}");

    let sentence = refusal("postgres://ana:geheim@127.0.0.1:1/greenroom").await;
    assert!(sentence.contains("check host") && !sentence.contains("geheim"), "{sentence}");
    let sentence = refusal("postgres://ana@127.0.0.1:1/greenroom?sslmode=require&sslrootcert=/no/such/file").await;
    assert!(sentence.contains("/no/such/file") && sentence.contains("PEM"), "{sentence}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let database = SqliteDatabase::new();
    drop(database.open().await);
    let mode = std::fs::metadata(database.url().strip_prefix("sqlite:").unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_row_that_means_nothing_is_named() {
    let database = SqliteDatabase::new();
    let store = database.open().await;
    store.commit(puts([Put::Person(person(1))])).await.unwrap();
    raw(&database).execute("UPDATE persons SET zone = 'Atlantis/Capital'", []).unwrap();
    let Err(StoreError::Inconsistent(sentence)) = store.person(id(1)).await else { panic!("it was read") };
    let row = person(1).id.to_string();
    assert!(sentence.contains("table persons") && sentence.contains(&row) && sentence.contains("column zone"), "{sentence}");
}

#[tokio::test]
async fn a_writer_elsewhere_is_waited_for() {
    let database = SqliteDatabase::new();
    let store = database.open().await;
    let other = raw(&database);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let change = tokio::spawn({
        let store = std::sync::Arc::clone(&store);
        async move { store.commit(puts([Put::Person(person(1))])).await }
    });
    // Reads go on meanwhile.
    assert_eq!(store.person(id(1)).await.unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    change.await.unwrap().unwrap();
    assert_eq!(store.person(id(1)).await.unwrap(), Some(person(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_closed_are_replaced() {
    let Some(schema) = PostgresSchema::new().await else { return };
    let url = format!("{}&application_name={}", schema.url(), schema.name());
    let store = store::open(&url, options()).await.unwrap();
    let close = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'", schema.name());
    schema.say(&close).await;
    store.commit(puts([Put::Person(person(1))])).await.unwrap();
    schema.say(&close).await;
    assert_eq!(store.person(id(1)).await.unwrap(), Some(person(1)));
    schema.remove().await;
}
