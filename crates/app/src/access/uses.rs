//! When keys and sessions were last used: noted once a day for a key and every few minutes for a session, so that a use is rarely a write.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{Id, Timestamp, access::ApiKey};
use ports::{Change, Put};

use crate::{App, Result};

/// Days since 1970 on which this process noted the use of a key.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<Id<ApiKey>, i64>>);

impl Uses {
    /// Whether this is the key's first use on `day`, as far as this process knows.
    fn is_news(&self, key: Id<ApiKey>, day: i64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, day) != Some(day)
    }
}

impl App {
    /// Notes that a key was used today.
    pub(super) async fn note_key(&self, key: Id<ApiKey>) -> Result<()> {
        let now = self.now();
        if self.0.uses.is_news(key, now.as_second().div_euclid(24 * 3600)) {
            self.note_use(key.to_string(), now).await?;
        }
        Ok(())
    }

    /// Stores a use. No live page has to be told.
    pub(super) async fn note_use(&self, id: String, at: Timestamp) -> Result<()> {
        let change = Change { puts: vec![Put::LastUse(id, at)], ..Change::at(self.now()) };
        Ok(self.write(change).await?)
    }
}
