//! Databases that live as long as one test.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use ports::Store;
use store::Options;
use testkit::{FrozenClock, SeededEntropy};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A name no other test of this machine uses at the moment.
fn unique() -> String {
    format!("greenroom_test_{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A frozen lease clock and seeded lease ids.
pub fn options() -> Options {
    let clock = FrozenClock::at(testkit::store_contract::fixtures::at(0));
    Options::new(Arc::new(clock), Arc::new(SeededEntropy::new(1)))
}

/// A folder with one database file, removed at the end.
pub struct SqliteDatabase(PathBuf);

impl SqliteDatabase {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(unique());
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub fn url(&self) -> String {
        format!("sqlite:{}", self.0.join("greenroom.db").display())
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        store::open(&self.url(), options()).await.unwrap()
    }
}

impl Drop for SqliteDatabase {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}

/// A schema of its own on the server that GREENROOM_TEST_POSTGRES names.
pub struct PostgresSchema {
    server: String,
    name: String,
}

impl PostgresSchema {
    /// `None`, said aloud, where there is no server.
    pub async fn new() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "the test server is named by the environment")]
        let server = std::env::var("GREENROOM_TEST_POSTGRES");
        let Ok(server) = server else {
            println!("not run: GREENROOM_TEST_POSTGRES names no PostgreSQL server");
            return None;
        };
        let schema = Self { server, name: unique() };
        schema.say(&format!("CREATE SCHEMA {}", schema.name)).await;
        Some(schema)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn url(&self) -> String {
        let mark = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{mark}options=-csearch_path%3D{}", self.server, self.name)
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        store::open(&self.url(), options()).await.unwrap()
    }

    pub async fn remove(self) {
        self.say(&format!("DROP SCHEMA {} CASCADE", self.name)).await;
    }

    /// Runs a statement on the server, outside the store.
    pub async fn say(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(&self.server, tokio_postgres::NoTls).await.unwrap();
        let running = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        running.await.unwrap().unwrap();
    }
}
