//! A few connections that read. Each statement sees what was committed before it began.

use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use ports::store::{Read, StoreError};
use rusqlite::Connection;

use super::connection;
use crate::{
    db::{Param, Row},
    error::OpenError,
};

pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
    turn: AtomicUsize,
}

impl Readers {
    pub fn open(path: &Path, count: usize) -> Result<Self, OpenError> {
        let connections =
            (0..count).map(|_| connection::open_reader(path).map(Mutex::new)).collect::<Result<Vec<_>, OpenError>>()?;
        Ok(Self { connections, turn: AtomicUsize::new(0) })
    }

    pub fn rows(&self, sql: &str, params: &[Param]) -> Read<Vec<Row>> {
        let connection = self.take()?;
        connection::read(&connection, sql, params)
    }

    /// The first connection that nobody uses, beginning at another one each time; if all are busy, waits for that one.
    fn take(&self) -> Read<MutexGuard<'_, Connection>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.connections.len();
        let free = (0..count)
            .filter_map(|step| self.connections.get((turn + step) % count))
            .find_map(|connection| connection.try_lock().ok());
        if let Some(connection) = free {
            return Ok(connection);
        }
        let connection = turn
            .checked_rem(count)
            .and_then(|at| self.connections.get(at))
            .ok_or_else(|| StoreError::Unavailable("no connection reads this database".to_owned()))?;
        // A panic while reading leaves nothing half done behind.
        Ok(connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
