//! The chaos test: whole processes on one database, killed and stopped by a seeded plan, while their provider is slow, silent, wrong,
//! throttling, or loses its own answers; then the verdict. docs/chaos.md says how to run it and what it proves.
//!
//! Unlike other tests, this one lives in real time: leases, processes and signals have no other.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod clock;
mod fleet;
mod node;
mod plan;
mod run;
mod scale;
mod secrets;
mod verdict;
mod world;

use std::path::PathBuf;

use scale::Scale;

/// How this binary is started as one of the processes.
const AS_A_PROCESS: [&str; 6] = ["--exact", "a_process_of_the_installation", "--ignored", "--nocapture", "--test-threads", "1"];

/// The seed, unless CHAOS_SEED names another.
const SEED: u64 = 3;

fn seed() -> u64 {
    std::env::var("CHAOS_SEED").map_or(SEED, |text| text.parse().expect("CHAOS_SEED is a whole number"))
}

/// The short form, unless CHAOS_LENGTH asks for the long one.
fn scale(nodes: usize) -> Scale {
    match std::env::var("CHAOS_LENGTH").as_deref() {
        Ok("long") => Scale::long(nodes),
        Ok(other) => panic!("CHAOS_LENGTH is `{other}`; `long` is the only other length"),
        Err(_) => Scale::short(nodes),
    }
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).unwrap();
    }
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

async fn on_sqlite(name: &str, scale: Scale) {
    let dir = folder(name);
    let url = format!("sqlite:{}", dir.join("greenroom.db").display());
    verdict::of(&dir, &url, scale, seed()).await;
}

/// On the server that GREENROOM_TEST_POSTGRES names, in a schema of its own; nothing where it names none.
async fn on_postgres(name: &str, scale: Scale) {
    let Ok(server) = std::env::var("GREENROOM_TEST_POSTGRES") else {
        println!("GREENROOM_TEST_POSTGRES names no server");
        return;
    };
    let schema = format!("{name}_{}", std::process::id());
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await.unwrap();
    let mark = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{mark}options=-csearch_path%3D{schema}");
    verdict::of(&folder(name), &url, scale, seed()).await;
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_sqlite_file_lose_no_grant() {
    on_sqlite("chaos_sqlite", scale(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_on_one_postgresql_lose_no_grant() {
    on_postgres("chaos_postgres", scale(3)).await;
}

/// Not a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the tests above start, stop and kill"]
async fn a_process_of_the_installation() {
    node::run().await;
}
