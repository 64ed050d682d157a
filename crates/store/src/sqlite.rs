//! SQLite: one thread owns the connection that writes, a few connections read in the write-ahead log.
//!
//! Small reads run on the calling thread (a point read takes microseconds, handing it over takes longer); lists that may be long run on
//! connections and threads of their own, so that they never stand in the way of small ones.

mod connection;
mod dump;
mod readers;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::Timestamp;
use ports::{
    LeaseClock,
    store::{CommitError, Read, StoreError},
};

use crate::{
    db::{Param, Row, Size, Step},
    error::OpenError,
};
pub(crate) use dump::{has_rows, load};
use readers::Readers;
use writer::Writer;

const SMALL_READERS: usize = 4;
const BULK_READERS: usize = 2;

/// An open database file.
pub(crate) struct Sqlite {
    writer: Writer,
    small: Readers,
    bulk: Arc<Readers>,
    clock: Arc<dyn LeaseClock>,
    path: PathBuf,
}

impl Sqlite {
    /// Opens or creates the file, brings its schema up to date and starts the writer. Blocks on the disk.
    pub fn open(path: &Path, clock: Arc<dyn LeaseClock>) -> Result<Self, OpenError> {
        let mut connection = connection::open_writer(path)?;
        connection::migrate(&mut connection, clock.as_ref())?;
        let small = Readers::open(path, SMALL_READERS)?;
        let bulk = Arc::new(Readers::open(path, BULK_READERS)?);
        let writer = Writer::start(connection, Arc::clone(&clock))
            .map_err(|error| OpenError::File { path: path.display().to_string(), why: error.to_string() })?;
        Ok(Self { writer, small, bulk, clock, path: path.to_owned() })
    }

    pub async fn commit(&self, steps: Vec<Step>) -> Result<(), CommitError> {
        self.writer.commit(steps).await
    }

    pub async fn lease(&self, params: Vec<Param>) -> Read<Vec<Row>> {
        self.writer.lease(params).await
    }

    pub async fn rows(&self, sql: &'static str, params: Vec<Param>, size: Size) -> Read<Vec<Row>> {
        match size {
            Size::Small => self.small.rows(sql, &params),
            Size::Bulk => {
                let bulk = Arc::clone(&self.bulk);
                tokio::task::spawn_blocking(move || bulk.rows(sql, &params))
                    .await
                    .map_err(|error| StoreError::Unavailable(format!("a reading thread ended: {error}")))?
            }
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn scrub(&self) -> Read<()> {
        self.writer.scrub().await
    }

    pub async fn ping(&self) -> Read<()> {
        self.writer.ping().await
    }
}
