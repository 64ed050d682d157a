//! A log on either engine, with a raw connection beside it for whoever has the database and not the key.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use app::{App, AuditSettings, Flaw, Parts, Report, Settings, VerifyOptions};
use async_trait::async_trait;
use domain::{Timestamp, audit::Checkpoint};
use mail::{Mailbox, Sender};
use ports::{Store, Witness, witness::WitnessError};
use testkit::{FrozenClock, PostBox, SeededEntropy};
use vault::{Key, KeyRing};

pub const START: &str = "2026-11-23T08:00:00Z";

/// Keeps checkpoints as a file would.
#[derive(Debug, Clone, Default)]
pub struct Kept(pub Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Witness for Kept {
    async fn keep(&self, line: &str) -> Result<(), WitnessError> {
        self.0.lock().unwrap().push(line.to_owned());
        Ok(())
    }

    async fn kept(&self) -> Result<String, WitnessError> {
        Ok(self.0.lock().unwrap().join("\n"))
    }
}

impl Kept {
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        let (found, unread) = app::parse_checkpoints(&self.0.lock().unwrap().join("\n"));
        assert!(unread.is_empty());
        found
    }
}

enum Raw {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

pub struct Bench {
    pub app: App,
    pub clock: FrozenClock,
    pub kept: Kept,
    pub posts: PostBox,
    pub url: String,
    raw: tokio::sync::Mutex<Raw>,
}

/// A ring whose active key is this byte 32 times, with older ones.
pub fn ring(active: u8, older: &[u8]) -> KeyRing {
    let id = |byte: u8| format!("k{byte}").parse().unwrap();
    let mut keys = KeyRing::new(id(active), Key::from_bytes([active; 32]));
    for byte in older {
        keys.add(id(*byte), Key::from_bytes([*byte; 32])).unwrap();
    }
    keys
}

impl Bench {
    pub async fn sqlite(name: &str) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name.replace("::", "-"));
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("log.db");
        let (app, clock, kept, posts) = start(&format!("sqlite:{}", path.display()), 1, ring(1, &[])).await;
        let raw = rusqlite::Connection::open(&path).unwrap();
        raw.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
        raw.pragma_update(None, "synchronous", "OFF").unwrap();
        let url = format!("sqlite:{}", path.display());
        Self { app, clock, kept, posts, url, raw: tokio::sync::Mutex::new(Raw::Sqlite(raw)) }
    }

    pub async fn postgres(name: &str) -> Option<Self> {
        let Ok(server) = std::env::var("GREENROOM_TEST_POSTGRES") else {
            println!("not run: GREENROOM_TEST_POSTGRES names no PostgreSQL server");
            return None;
        };
        let schema = format!("{}_{}", name.replace("::", "_"), std::process::id());
        let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let prepare = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path TO {schema}");
        client.batch_execute(&prepare).await.unwrap();
        let mark = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{mark}options=-csearch_path%3D{schema}");
        let (app, clock, kept, posts) = start(&url, 1, ring(1, &[])).await;
        Some(Self { app, clock, kept, posts, url, raw: tokio::sync::Mutex::new(Raw::Postgres(client)) })
    }

    /// Another process on the same database.
    pub async fn second(&self, seed: u64, keys: KeyRing) -> App {
        start(&self.url, seed, keys).await.0
    }

    /// Writes `lines` lines through a use case.
    pub async fn write(&self, lines: usize) {
        write(&self.app, lines).await;
    }

    /// What somebody does who has the database.
    pub async fn sql(&self, statements: &str) {
        match &*self.raw.lock().await {
            Raw::Sqlite(raw) => raw.execute_batch(statements).unwrap(),
            Raw::Postgres(raw) => raw.batch_execute(statements).await.unwrap(),
        }
    }

    /// The first column of the first row: a number.
    pub async fn number(&self, sql: &str) -> i64 {
        match &*self.raw.lock().await {
            Raw::Sqlite(raw) => raw.query_row(sql, [], |row| row.get(0)).unwrap(),
            Raw::Postgres(raw) => raw.query_one(sql, &[]).await.unwrap().get(0),
        }
    }

    /// Puts a setting there as a restore does.
    pub async fn set(&self, key: &str, value: &str) {
        let options = store::Options::new(Arc::new(self.clock.clone()), Arc::new(SeededEntropy::new(8)));
        let put = ports::Put::Setting(key.to_owned(), value.to_owned());
        let change = ports::Change { puts: vec![put], ..ports::Change::at(self.app.now()) };
        store::open(&self.url, options).await.unwrap().commit(change).await.unwrap();
    }

    /// A literal of bytes.
    pub async fn bytes(&self, hex: &str) -> String {
        match &*self.raw.lock().await {
            Raw::Sqlite(_) => format!("X'{hex}'"),
            Raw::Postgres(_) => format!("'\\x{hex}'::bytea"),
        }
    }

    /// Remembers the log as it is.
    pub async fn remember(&self) {
        for table in TABLES {
            self.sql(&format!("CREATE TABLE keep_{table} AS SELECT * FROM {table}")).await;
        }
    }

    /// Puts back what was remembered.
    pub async fn restore(&self) {
        let each = TABLES.map(|table| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM keep_{table};"));
        self.sql(&format!("BEGIN; {} COMMIT", each.concat())).await;
    }

    pub async fn verify(&self) -> Report {
        self.app.verify_audit(VerifyOptions::default()).await.unwrap()
    }

    pub async fn verify_against_the_file(&self) -> Report {
        let against = Some(self.kept.checkpoints());
        self.app.verify_audit(VerifyOptions { against, since: None }).await.unwrap()
    }
}

const TABLES: [&str; 4] = ["audit", "audit_head", "audit_checkpoints", "audit_keys"];

pub async fn write(app: &App, lines: usize) {
    for number in 0..lines {
        app.admin_link(&format!("administrator {number}")).await.unwrap();
    }
}

/// Puts a line behind the end, chained as the sealer would, with a code that no key made; gives its place.
pub async fn forge(bench: &Bench) -> i64 {
    let options = store::Options::new(Arc::new(bench.clock.clone()), Arc::new(SeededEntropy::new(8)));
    let store = store::open(&bench.url, options).await.unwrap();
    let head = store.audit_head().await.unwrap();
    let like = store.audit_sealed(head.seq - 1, 1).await.unwrap().remove(0);
    let (seq, id, mac) = (head.seq + 1, "aud_eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", [7_u8; 32]);
    let fields = vault::Fields {
        id,
        at: like.at,
        actor: &like.actor,
        action: "key.created",
        subject: &like.subject,
        reason: None,
        request: None,
        payload_hash: &like.payload_hash,
    };
    let chain = vault::chain_link(&head.chain.unwrap(), seq, &fields, Some(&mac));
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let (chain, mac) = (bench.bytes(&hex(&chain)).await, bench.bytes(&hex(&mac)).await);
    bench
        .sql(&format!(
            "INSERT INTO audit (id, at, actor, action, subject, payload, salt, payload_hash, mac, seq, chain) \
             SELECT '{id}', at, actor, 'key.created', subject, payload, salt, payload_hash, {mac}, {seq}, {chain} \
             FROM audit WHERE seq = {}; UPDATE audit_head SET seq = {seq}, chain = {chain};",
            head.seq
        ))
        .await;
    seq
}

/// What a report found, shortly.
pub fn named(report: &Report) -> Vec<(Option<i64>, &'static str)> {
    report.findings.iter().map(|Flaw { seq, what, .. }| (*seq, what.code())).collect()
}

async fn start(url: &str, seed: u64, keys: KeyRing) -> (App, FrozenClock, Kept, PostBox) {
    let clock = FrozenClock::at(START.parse::<Timestamp>().unwrap());
    let entropy = Arc::new(SeededEntropy::new(seed));
    let store = store::open(url, store::Options::new(Arc::new(clock.clone()), entropy.clone())).await.unwrap();
    let (kept, posts) = (Kept::default(), PostBox::default());
    let app = App::new(Parts {
        erasure_list: None,
        store,
        providers: Vec::new(),
        mailer: Arc::new(Mailbox::new(Sender::parse("interviews@example.com").unwrap(), None)),
        poster: Arc::new(posts.clone()),
        witness: Some(Arc::new(kept.clone())),
        clock: Arc::new(clock.clone()),
        entropy,
        key_source: Arc::new(keys.clone()),
        keys,
        installation: "ins_test".to_owned(),
        settings: Settings {
            retention_days: 0,
            public_url: "http://localhost:8040".parse().unwrap(),
            company: "Brightwater Ltd".into(),
            recruiting_contact: None,
            default_week: scheduling::WeeklyHours::default(),
            link_days: 7,
            lending: false,
            alerts: app::AlertSettings::default(),
            audit: AuditSettings {
                file: true,
                mail: Some("auditor@example.org".parse().unwrap()),
                webhook: Some("https://audit.example.org/in".parse().unwrap()),
            },
            demo: false,
            refresh: app::RefreshWhen::default(),
            timing: app::Timing::default(),
        },
    });
    (app, clock, kept, posts)
}
