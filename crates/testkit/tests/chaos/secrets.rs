//! Looks for secrets where none may be: every token that was ever handed out, the client secret and the key, in everything that the
//! processes wrote.

use std::{collections::HashMap, path::Path};

use tokio_postgres::NoTls;
use zoho_sim::{DEMO_CLIENT_SECRET, Sim};

use crate::node::KEY;

/// Bytes of a secret that are looked for: more than chance puts together, and found even where a secret is cut.
const CORE: usize = 12;

/// What is looked for.
pub struct Secrets {
    cores: HashMap<[u8; CORE], &'static str>,
    /// Whether a core begins with these two bytes: almost nothing need be looked up.
    begins: Vec<bool>,
}

impl Secrets {
    /// All that there are, as the simulator knows them.
    pub fn of(sim: &Sim) -> Self {
        let mut secrets = Self { cores: HashMap::new(), begins: vec![false; 1 << 16] };
        sim.with(|world, _| {
            for issued in world.accounts.issued() {
                let kind = ["code", "access", "refresh"].into_iter().find(|kind| *kind == issued.kind).unwrap();
                // After `1000.`, which they all begin with; and the second half.
                secrets.add(&issued.token.as_bytes()[5..], kind);
                secrets.add(&issued.token.as_bytes()[38..], kind);
            }
        });
        secrets.add(DEMO_CLIENT_SECRET.as_bytes(), "client secret");
        secrets.add(KEY.as_bytes(), "key");
        let raw: Vec<u8> = (0..KEY.len()).step_by(2).map(|at| u8::from_str_radix(&KEY[at..at + 2], 16).unwrap()).collect();
        secrets.add(&raw, "key");
        secrets
    }

    fn add(&mut self, secret: &[u8], kind: &'static str) {
        let core: [u8; CORE] = secret[..CORE].try_into().unwrap();
        self.begins[beginning(&core)] = true;
        self.cores.insert(core, kind);
    }

    /// The kind of the first secret in `data`.
    pub fn find(&self, data: &[u8]) -> Option<&'static str> {
        let mut windows = data.windows(CORE);
        windows.find_map(|window| if self.begins[beginning(window)] { self.cores.get(window).copied() } else { None })
    }

    /// Looks through every file of a folder: logs, output, the database and its journal. Bytes looked at, and what was found where.
    pub fn in_files(&self, dir: &Path) -> (usize, Vec<String>) {
        let (mut bytes, mut found) = (0, Vec::new());
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            bytes += data.len();
            found.extend(self.find(&data).map(|kind| format!("{kind} in {}", path.file_name().unwrap().display())));
        }
        (bytes, found)
    }

    /// Looks through every row of a PostgreSQL schema, as the bytes that are stored.
    pub async fn in_postgres(&self, url: &str) -> (usize, Vec<String>) {
        use futures_util::TryStreamExt as _;

        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let tables = client.query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()", &[]).await.unwrap();
        assert!(tables.len() > 5, "the schema is there");
        let (mut bytes, mut found) = (0, Vec::new());
        for table in tables {
            let table: String = table.get(0);
            let rows = client.copy_out(&format!("COPY {table} TO STDOUT (FORMAT binary)")).await.unwrap();
            let data: Vec<u8> = rows
                .try_fold(Vec::new(), async |mut all, part| {
                    all.extend_from_slice(&part);
                    Ok(all)
                })
                .await
                .unwrap();
            bytes += data.len();
            found.extend(self.find(&data).map(|kind| format!("{kind} in table {table}")));
        }
        (bytes, found)
    }
}

fn beginning(window: &[u8]) -> usize {
    usize::from(window[0]) << 8 | usize::from(window[1])
}
