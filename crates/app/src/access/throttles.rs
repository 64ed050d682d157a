//! Attempts counted in the database, so that all nodes count together; see [`domain::access::Throttle`].

use std::net::IpAddr;

use domain::{
    access::{Patience, Throttle},
    alerts::AlertKind,
    jobs::{Dedupe, Work},
};
use ports::Put;
use serde_json::json;

use crate::{App, Caller, Error, Result, worker::Verdict};

/// What one attempt counts against: the row, how much is borne there, and whom an alert names.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    pub id: String,
    pub patience: Patience,
    pub subject: String,
}

impl Counter {
    /// A network: one address of IPv4, a /64 of IPv6, which is what one customer gets.
    pub fn network(what: &str, address: IpAddr) -> Self {
        let network = network_of(address);
        Self { id: format!("{what}:{network}"), patience: Patience::NETWORK, subject: network }
    }
}

/// See [`Counter::network`].
pub(super) fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let mut parts = address.segments();
            parts[4..].fill(0);
            format!("{}/64", std::net::Ipv6Addr::from(parts))
        }
    }
}

impl App {
    /// Counts one attempt against every counter, before it is known whether it is right. `Some`: too early, come again in so many seconds;
    /// nothing was counted.
    pub(super) async fn count_attempt(&self, counters: &[Counter]) -> Result<Option<i64>> {
        let counted = self
            .transact(None, || async move {
                let now = self.store().lease_now().await?;
                let mut draft = self.draft(&Caller::system());
                for counter in counters {
                    let known = self.store().throttle(&counter.id).await?;
                    let Some(next) = Throttle::attempt(known.as_ref(), &counter.id, counter.patience, now) else {
                        let wait = known.map_or(1, |known| known.wait_seconds(now));
                        return Ok((ports::Change::at(draft.now), Some(wait)));
                    };
                    draft.put(Put::Throttle(next));
                }
                Ok((draft.finish(), None))
            })
            .await;
        match counted {
            // Many at once on one counter: whoever does not get through has to come again, like everybody who is too early.
            Err(Error::Busy) => Ok(Some(2)),
            other => other,
        }
    }

    /// The attempt was right: what it counted against the account is forgotten, and a network is as it was before.
    pub(super) async fn forgive_attempt(&self, counters: &[Counter]) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            for counter in counters {
                let Some(mut row) = self.store().throttle(&counter.id).await? else { continue };
                row.failures = if counter.patience == Patience::NETWORK { (row.failures - 1).max(0) } else { 0 };
                row.free_at = row.last_at;
                row.rev += 1;
                draft.put(Put::Throttle(row));
                if counter.patience != Patience::NETWORK {
                    self.clear(&mut draft, AlertKind::LoginUnderAttack, &counter.subject).await?;
                }
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// The attempt was wrong: where that was one too many, somebody is told, and a job looks when it is quiet again.
    pub(super) async fn note_failure(&self, counters: &[Counter]) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            for counter in counters {
                let Some(row) = self.store().throttle(&counter.id).await? else { continue };
                if row.failures < counter.patience.alarm || counter.subject.is_empty() {
                    continue;
                }
                let details = json!({"failures": row.failures});
                if self.raise(&mut draft, AlertKind::LoginUnderAttack, &counter.subject, details).await? {
                    let work = Work::WatchAttempts { throttle: counter.id.clone(), subject: counter.subject.clone() };
                    let key = format!("attempts:{}", counter.id);
                    draft.order(work, Dedupe::Open(key), None, self.in_minutes(60)?, None);
                }
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Ends the alert once there was no attempt for an hour.
    pub(crate) async fn run_watch_attempts(&self, throttle: &str, subject: &str) -> Result<Verdict> {
        let now = self.store().lease_now().await?;
        let row = self.store().throttle(throttle).await?;
        if row.is_some_and(|row| now.as_second() - row.last_at.as_second() < 3600) {
            return Ok(Verdict::Again { seconds: 3600, error: None });
        }
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            self.clear(&mut draft, AlertKind::LoginUnderAttack, subject).await?;
            Ok((draft.finish(), ()))
        })
        .await?;
        Ok(Verdict::Done)
    }

    /// Counts a call with a wrong API key. `Some`: this network has shown too many; come again in so many seconds.
    pub async fn wrong_api_key(&self, address: IpAddr) -> Result<Option<i64>> {
        let counters = [Counter::network("keys", address)];
        let wait = self.count_attempt(&counters).await?;
        if wait.is_none() {
            self.note_failure(&counters).await?;
        }
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_of_ipv4_and_a_64_of_ipv6() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
