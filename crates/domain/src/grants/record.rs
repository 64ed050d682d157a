//! The refresh protocol's memory of one refresh token, and its rules that need nothing else: who may begin, what is counted before a
//! call, and when a refusal is believed.
//!
//! A provider counts in its own time, nodes have clocks of their own, and those may be minutes apart. So whatever is measured here is
//! measured by the lease clock, which is one clock for all nodes. Where business time can be moved (the demo, tests), the provider is
//! moved with it while the lease clock stands: there a duration is also over when it is over by business time, with [`SKEW_SECONDS`] for
//! clocks that disagree.

use serde::{Deserialize, Serialize};

use super::{Grant, IssuedToken};
use crate::{Id, Timestamp};

/// The window in which a provider counts refreshes.
pub const WINDOW_SECONDS: i64 = 600;
/// A provider counts a call when it arrives; here it is counted before it is made. Longest time between the two: a call begins under the
/// lease with which it was counted (60 s), and ends within the limit of the token endpoint (15 s).
pub const ARRIVAL_SECONDS: i64 = 75;
/// How long a call is counted. With less than the room for its arrival, ten calls that were slow on their way and ten quick ones after
/// them would be twenty in one window of the provider's.
pub const COUNTED_SECONDS: i64 = WINDOW_SECONDS + ARRIVAL_SECONDS;
/// Refreshes per refresh token and window, unless configured otherwise.
pub const USUAL_REFRESHES: u32 = 10;
/// How far clocks of nodes may be apart where only they can be asked.
pub const SKEW_SECONDS: i64 = 300;
/// No access token is believed to live longer than this after the call that made it.
pub const LONGEST_LIFE_SECONDS: i64 = 3_600;

/// One moment by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredMoment")]
pub struct Moment {
    /// Business time of the node that noted it.
    pub at: Timestamp,
    /// By the lease clock.
    pub lease: Timestamp,
}

/// Rows of before knew one clock.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredMoment {
    Both { at: Timestamp, lease: Timestamp },
    Business(Timestamp),
}

impl From<StoredMoment> for Moment {
    fn from(stored: StoredMoment) -> Self {
        match stored {
            StoredMoment::Both { at, lease } => Self { at, lease },
            StoredMoment::Business(at) => Self { at, lease: at },
        }
    }
}

/// The present by both clocks, and whether business time may have been moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// By both clocks.
    pub moment: Moment,
    /// Whether business time, and the provider's with it, can run ahead of the lease clock.
    pub movable: bool,
}

impl Present {
    /// Seconds until `duration` has passed since `since`; 0 when it has.
    pub fn left(&self, since: Moment, duration: i64) -> i64 {
        let by_lease = duration - (self.moment.lease.as_second() - since.lease.as_second());
        let by_business = duration + SKEW_SECONDS - (self.moment.at.as_second() - since.at.as_second());
        let left = if self.movable { by_lease.min(by_business) } else { by_lease };
        // A clock that was set back makes nobody wait longer than the whole duration.
        left.clamp(0, duration.max(0))
    }

    /// Whether `duration` seconds have passed since `since`.
    pub fn is_past(&self, since: Moment, duration: i64) -> bool {
        self.left(since, duration) == 0
    }
}

/// A pause that a provider asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it asked.
    pub since: Moment,
    /// For how long.
    pub seconds: i64,
}

/// An access token that was made and may still live at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAccess {
    /// When the call that made it began.
    pub since: Moment,
    /// How long it lives.
    pub seconds: i64,
    /// Whether it was lent to somebody else: one more refresh must not be what ends it.
    pub lent: bool,
}

/// See the module's header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefreshRecord {
    /// The last attempt that moved the expiry forward.
    pub succeeded_at: Option<Timestamp>,
    /// The last attempt of all.
    pub attempted_at: Option<Timestamp>,
    /// When the next one is due.
    pub next_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// What the last failure was (a class, never an answer's text).
    pub last_failure: Option<String>,
    /// When the provider first refused the refresh token of this generation.
    pub refused_at: Option<Moment>,
    /// Calls that count ([`COUNTED_SECONDS`]): the provider's budget.
    pub attempts: Vec<Moment>,
    /// Refreshes per window that were allowed at the last attempt; 0: [`USUAL_REFRESHES`].
    pub limit: u32,
    /// A pause the provider asked for.
    pub paused: Option<Pause>,
    /// Access tokens that may still live, oldest first.
    pub live: Vec<LiveAccess>,
    /// When an attempt on this generation began whose outcome nobody knows.
    pub unanswered_at: Option<Timestamp>,
    /// Whether the provider hands out another refresh token with each refresh; `None` before the first one.
    pub rotates: Option<bool>,
    /// When the refresh token was last replaced.
    pub rotated_at: Option<Moment>,
    /// End of the access token by the lease clock: what a later answer must move forward.
    pub access_ends_by_lease: Option<Timestamp>,
    /// Which refresh token this is, in the count of those the provider keeps.
    pub serial: Option<Id<IssuedToken>>,
    /// Whether the access token is refreshed when it is needed, rather than ahead of its end.
    pub on_demand: bool,
    /// Who may refresh now, by the lease clock: (owner, until).
    pub lease: Option<(String, Timestamp)>,
}

/// What a provider allows per refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Refreshes in [`WINDOW_SECONDS`].
    pub refreshes: u32,
    /// Access tokens that live at once.
    pub live_access: u32,
    /// Refresh tokens per user and client.
    pub refresh_tokens: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { refreshes: USUAL_REFRESHES, live_access: 10, refresh_tokens: 20 }
    }
}

/// Why nobody may refresh now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The provider asked for a pause.
    Paused,
    /// The budget of the window is spent.
    Spent,
    /// Another access token would end one that was lent.
    Lent,
    /// The refresh token was refused a moment ago; a second refusal counts only later.
    Refused,
}

/// How long to wait, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Seconds, at least 1.
    pub seconds: i64,
    /// Why.
    pub why: WaitReason,
}

impl RefreshRecord {
    /// Whether a refresh may begin. `needed`: the access token is at its end or not accepted, so that one that was lent may have to give
    /// way. `belief`: seconds between two refusals that count as two.
    ///
    /// # Errors
    /// How long to wait.
    pub fn may_begin(&self, limits: Limits, now: &Present, belief: i64, needed: bool) -> Result<(), Wait> {
        let wait = |seconds: i64, why| Err(Wait { seconds: seconds.max(1), why });
        if let Some(left) = self.paused.map(|pause| now.left(pause.since, pause.seconds)).filter(|left| *left > 0) {
            return wait(left, WaitReason::Paused);
        }
        let recent: Vec<i64> = self.attempts.iter().map(|at| now.left(*at, COUNTED_SECONDS)).filter(|left| *left > 0).collect();
        let over = (recent.len() + 1).saturating_sub(usize::try_from(limits.refreshes).unwrap_or(usize::MAX));
        if over > 0 {
            // As many of the oldest as are too many must leave the window.
            let mut sorted = recent;
            sorted.sort_unstable();
            return wait(sorted.get(over - 1).copied().unwrap_or(COUNTED_SECONDS), WaitReason::Spent);
        }
        if let Some(left) = self.refused_at.map(|first| now.left(first, belief)).filter(|left| *left > 0) {
            return wait(left, WaitReason::Refused);
        }
        let living: Vec<(i64, bool)> = self.living(now).map(|(live, left)| (left, live.lent)).collect();
        let ends = (living.len() + 1).saturating_sub(usize::try_from(limits.live_access).unwrap_or(usize::MAX));
        match living.into_iter().take(ends).find(|(_, lent)| *lent) {
            Some((left, _)) if !needed => wait(left, WaitReason::Lent),
            _ => Ok(()),
        }
    }

    fn living<'a>(&'a self, now: &'a Present) -> impl Iterator<Item = (&'a LiveAccess, i64)> {
        self.live.iter().map(|live| (live, now.left(live.since, live.seconds))).filter(|(_, left)| *left > 0)
    }

    /// Counts one call before it is made: in the window, and as an access token that may come of it.
    pub fn count(&mut self, limits: Limits, now: &Present) {
        self.attempted_at = Some(now.moment.at);
        self.limit = limits.refreshes;
        self.attempts.retain(|at| !now.is_past(*at, COUNTED_SECONDS));
        self.attempts.push(now.moment);
        self.live.retain(|live| !now.is_past(live.since, live.seconds));
        self.live.push(LiveAccess { since: now.moment, seconds: LONGEST_LIFE_SECONDS, lent: false });
        let most = usize::try_from(limits.live_access).unwrap_or(usize::MAX);
        let over = self.live.len().saturating_sub(most);
        // The provider ends the oldest; they are not counted on any longer.
        self.live.drain(..over);
    }

    /// The call that was counted last has made a token that lives `seconds`, or (`None`) certainly none.
    pub fn counted(&mut self, begun: Moment, seconds: Option<i64>) {
        match (self.live.iter().rposition(|live| live.since == begun), seconds) {
            (Some(at), Some(seconds)) => {
                if let Some(live) = self.live.get_mut(at) {
                    live.seconds = seconds;
                }
            }
            (Some(at), None) => drop(self.live.remove(at)),
            (None, _) => {}
        }
    }

    /// An access token that lives `seconds` came with the refresh token itself.
    pub fn issued(&mut self, now: &Present, seconds: i64) {
        self.live.retain(|live| !now.is_past(live.since, live.seconds));
        self.live.push(LiveAccess { since: now.moment, seconds, lent: false });
        let ends = now.moment.lease.saturating_add(jiff::SignedDuration::from_secs(seconds));
        self.access_ends_by_lease = Some(ends.unwrap_or(now.moment.lease));
    }

    /// The newest access token was lent.
    pub fn lent(&mut self) {
        if let Some(newest) = self.live.last_mut() {
            newest.lent = true;
        }
    }

    /// Whether this generation's refresh token was first refused long enough ago for a second refusal to be believed.
    pub fn believes(&self, now: &Present, belief: i64) -> bool {
        self.refused_at.is_some_and(|first| now.is_past(first, belief))
    }

    /// Whether the previous refresh token may be sent after the newer one was refused: in the provider's documented grace at once, otherwise
    /// only when a second refusal is believed.
    pub fn may_send_previous(&self, now: &Present, belief: i64, grace: Option<i64>) -> bool {
        let in_grace = grace.zip(self.rotated_at).is_some_and(|(grace, rotated)| !now.is_past(rotated, grace));
        in_grace || self.believes(now, belief)
    }

    /// What goes on with the same refresh token after a new authorization that brought none: what the provider has counted stays counted.
    #[must_use]
    pub fn carried_on(&self) -> Self {
        Self {
            attempts: self.attempts.clone(),
            limit: self.limit,
            paused: self.paused,
            live: self.live.clone(),
            rotates: self.rotates,
            rotated_at: self.rotated_at,
            serial: self.serial,
            ..Self::default()
        }
    }
}

/// How much of what a provider allows is used, for pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Calls that count.
    pub used: u32,
    /// How many are allowed.
    pub limit: u32,
    /// When the oldest of them counts no longer.
    pub resets_at: Option<Timestamp>,
    /// Until when the provider asked us to wait.
    pub paused_until: Option<Timestamp>,
    /// Access tokens that may still live.
    pub live_access: u32,
}

impl Budget {
    /// Whether four fifths are spent.
    pub const fn is_near_limit(&self) -> bool {
        self.used * 5 >= self.limit * 4
    }
}

/// The budget of a grant's refresh token as it stands at `now` (business time).
pub fn budget(grant: &Grant, now: Timestamp) -> Budget {
    let record = &grant.refresh;
    let past = |at: Timestamp, seconds: i64| now.as_second() - at.as_second() >= seconds;
    let after = |at: Timestamp, seconds: i64| at.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(at);
    let recent: Vec<_> = record.attempts.iter().map(|moment| moment.at).filter(|at| !past(*at, COUNTED_SECONDS)).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Budget {
        used: count(recent.len()),
        limit: if record.limit == 0 { USUAL_REFRESHES } else { record.limit },
        resets_at: recent.iter().min().map(|oldest| after(*oldest, COUNTED_SECONDS)),
        paused_until: record.paused.map(|pause| after(pause.since.at, pause.seconds)).filter(|until| *until > now),
        live_access: count(record.live.iter().filter(|live| !past(live.since.at, live.seconds)).count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Id, people::Person};

    fn stamp(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn moment(at: i64, lease: i64) -> Moment {
        Moment { at: stamp(at), lease: stamp(lease) }
    }

    /// Production: business time is `skew` off.
    fn fixed(lease: i64, skew: i64) -> Present {
        Present { moment: moment(lease + skew, lease), movable: false }
    }

    fn spent(count: usize, present: &Present) -> RefreshRecord {
        let mut record = RefreshRecord::default();
        for _ in 0..count {
            record.count(Limits::default(), present);
        }
        record
    }

    #[test]
    fn ten_calls_fill_the_window_whatever_business_clocks_say() {
        let record = spent(10, &fixed(0, 0));
        for skew in [-300, 0, 300, 86_400] {
            let wait = record.may_begin(Limits::default(), &fixed(674, skew), 60, true).unwrap_err();
            assert_eq!(wait, Wait { seconds: 1, why: WaitReason::Spent }, "{skew}");
            assert_eq!(record.may_begin(Limits::default(), &fixed(675, skew), 60, true), Ok(()), "{skew}");
        }
    }

    #[test]
    fn however_late_a_call_arrives_no_window_of_the_provider_holds_more_than_its_limit() {
        // Calls that are always made as soon as they may be; each arrives at once or as late as it can, in every pattern of sixteen.
        for pattern in 0_u32..1 << 16 {
            let (mut record, mut arrivals, mut second) = (RefreshRecord::default(), Vec::new(), 0);
            let limits = Limits { refreshes: 4, ..Limits::default() };
            for call in 0..16 {
                if let Err(wait) = record.may_begin(limits, &fixed(second, 0), 60, true) {
                    second += wait.seconds;
                }
                record.count(limits, &fixed(second, 0));
                let late = pattern >> call & 1 == 1;
                arrivals.push(second + if late { ARRIVAL_SECONDS } else { 0 });
            }
            arrivals.sort_unstable();
            for (first, fifth) in arrivals.iter().zip(arrivals.iter().skip(4)) {
                assert!(fifth - first >= WINDOW_SECONDS, "{pattern:#b}: {arrivals:?}");
            }
        }
    }

    #[test]
    fn a_moved_business_clock_counts_only_with_room_for_clocks_that_disagree() {
        let record = spent(10, &Present { moment: moment(0, 0), movable: true });
        let at = |business: i64, lease: i64| {
            let now = Present { moment: moment(business, lease), movable: true };
            record.may_begin(Limits::default(), &now, 60, true).is_ok()
        };
        assert!(!at(675, 1));
        assert!(!at(974, 1), "this node may be five minutes ahead of the one that counted");
        assert!(at(975, 1));
        assert!(at(0, 675));
    }

    #[test]
    fn the_wait_ends_when_enough_of_the_oldest_have_left() {
        let mut record = spent(4, &fixed(0, 0));
        for second in [100, 200, 300, 400, 500, 550] {
            record.count(Limits::default(), &fixed(second, 0));
        }
        assert_eq!(record.may_begin(Limits::default(), &fixed(560, 0), 60, true).unwrap_err().seconds, 115);
        let tighter = Limits { refreshes: 6, ..Limits::default() };
        assert_eq!(record.may_begin(tighter, &fixed(560, 0), 60, true).unwrap_err().seconds, 215, "five must leave");
        assert_eq!(record.may_begin(Limits { refreshes: 0, ..tighter }, &fixed(2_000, 0), 60, true).unwrap_err().seconds, 675);
    }

    #[test]
    fn a_lent_token_is_not_ended_by_a_refresh_that_nobody_needs() {
        let limits = Limits { refreshes: 100, ..Limits::default() };
        let mut record = RefreshRecord::default();
        record.count(limits, &fixed(0, 0));
        record.lent();
        for second in 1..10 {
            record.count(limits, &fixed(second, 0));
        }
        let wait = record.may_begin(limits, &fixed(100, 0), 60, false).unwrap_err();
        assert_eq!(wait, Wait { seconds: 3_500, why: WaitReason::Lent });
        assert_eq!(record.may_begin(limits, &fixed(100, 0), 60, true), Ok(()));
        assert_eq!(record.may_begin(limits, &fixed(3_600, 0), 60, false), Ok(()));
        record.counted(moment(0, 0), Some(50));
        assert_eq!(record.may_begin(limits, &fixed(100, 0), 60, false), Ok(()), "it lived for 50 s");
        record.count(limits, &fixed(100, 0));
        assert_eq!(record.live.len(), 10, "never more than the provider keeps");
    }

    #[test]
    fn a_call_that_made_nothing_leaves_no_token_and_stays_in_the_budget() {
        let mut record = spent(1, &fixed(0, 0));
        record.counted(moment(0, 0), None);
        assert!(record.live.is_empty());
        assert_eq!(record.attempts.len(), 1);
    }

    #[test]
    fn a_second_refusal_counts_a_minute_later_by_the_lease_clock() {
        let record = RefreshRecord { refused_at: Some(moment(0, 0)), ..RefreshRecord::default() };
        assert!(!record.believes(&fixed(59, 300), 60));
        assert!(record.believes(&fixed(60, -300), 60));
        let wait = record.may_begin(Limits::default(), &fixed(20, 0), 60, true).unwrap_err();
        assert_eq!(wait, Wait { seconds: 40, why: WaitReason::Refused });
    }

    #[test]
    fn the_previous_token_waits_for_a_documented_grace_or_for_belief() {
        let mut record = RefreshRecord { rotated_at: Some(moment(0, 0)), ..RefreshRecord::default() };
        assert!(!record.may_send_previous(&fixed(10, 0), 60, None));
        assert!(record.may_send_previous(&fixed(10, 0), 60, Some(30)));
        assert!(!record.may_send_previous(&fixed(30, 0), 60, Some(30)));
        record.refused_at = Some(moment(10, 10));
        assert!(record.may_send_previous(&fixed(70, 0), 60, None));
    }

    #[test]
    fn a_pause_is_waited_for() {
        let pause = Pause { since: moment(0, 0), seconds: 90 };
        let record = RefreshRecord { paused: Some(pause), ..RefreshRecord::default() };
        let wait = record.may_begin(Limits::default(), &fixed(30, 0), 60, true).unwrap_err();
        assert_eq!(wait, Wait { seconds: 60, why: WaitReason::Paused });
        assert_eq!(record.may_begin(Limits::default(), &fixed(90, 0), 60, true), Ok(()));
    }

    #[test]
    fn a_budget_is_shown_with_its_limit_and_its_end() {
        let mut grant = Grant::requested(Id::new(uuid::Uuid::nil()), Id::<Person>::new(uuid::Uuid::nil()), "zoho", stamp(0));
        assert_eq!(budget(&grant, stamp(0)).limit, USUAL_REFRESHES);
        grant.refresh = spent(8, &fixed(0, 0));
        let shown = budget(&grant, stamp(10));
        assert_eq!((shown.used, shown.limit, shown.resets_at, shown.live_access), (8, 10, Some(stamp(675)), 8));
        assert!(shown.is_near_limit());
        assert_eq!(budget(&grant, stamp(675)).used, 0);
        assert!(!budget(&grant, stamp(675)).is_near_limit());
    }

    #[test]
    fn rows_of_before_are_read() {
        let old = r#"{"succeeded_at":null,"attempted_at":null,"next_at":null,"failures":1,"last_failure":"passing",
            "refused_at":"2026-11-23T08:00:00Z","attempts":["2026-11-23T08:00:00Z"],"blocked_until":null,"lease":null}"#;
        let record: RefreshRecord = serde_json::from_str(old).unwrap();
        assert_eq!(record.attempts[0].at, record.attempts[0].lease);
        assert_eq!((record.failures, record.refused_at), (1, Some(record.attempts[0])));
        let again: RefreshRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(again, record);
    }
}
