//! The limit on calls: too many, and every call of that user is refused for a while with 429.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    errors::{Refusal, Reply},
    switches::LimitBody,
};
use crate::{
    accounts::{UserId, Uses},
    switches::RateLimit,
    world::World,
};

/// Recent calls by user.
pub(crate) type Budgets = BTreeMap<UserId, Spent>;

/// Recent calls of one user.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Spent {
    uses: Uses,
    locked_until: Option<Timestamp>,
}

/// Counts one call; the answer if it is one too many.
pub(crate) fn spend(world: &mut World, user: UserId, now: Timestamp) -> Option<Reply> {
    let limit = world.switches.calendar_budget?;
    let spent = world.calendars.budgets.entry(user).or_default();
    let locked_until = match spent.locked_until {
        Some(until) if now < until => until,
        _ => {
            let window = RateLimit { count: limit.calls, window_s: limit.per_s, block_s: 0 };
            if spent.uses.count(window, now) {
                spent.locked_until = None;
                return None;
            }
            now + SignedDuration::from_secs(limit.lock_s)
        }
    };
    spent.locked_until = Some(locked_until);
    let switches = &world.switches;
    let reply = match switches.limit_body {
        LimitBody::Json => {
            let refusal = Refusal::new(429, "TOO_MANY_REQUESTS", "Too many requests. Please try again after some time");
            match refusal.reply(switches) {
                Reply::Json(_, body) => Reply::Json(429, body),
                other => other,
            }
        }
        LimitBody::Html => Reply::Html(429, "<html><body>Too Many Requests</body></html>"),
        LimitBody::Empty => Reply::Empty(429),
    };
    if switches.retry_after {
        return Some(Reply::RetryAfter(Box::new(reply), locked_until.duration_since(now).as_secs().max(1)));
    }
    Some(reply)
}
