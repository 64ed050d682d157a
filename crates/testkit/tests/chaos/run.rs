//! A run: business time moves, the plan's troubles come, and what was lost is written down with its cause.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use domain::grants::Grant;
use tokio::time::Instant;
use zoho_sim::{Armed, Fault, RefreshOutcome};

use crate::{
    fleet::{Fleet, Pulse},
    node::token_name,
    plan::{DATA_CENTRES, Dice, Event, STRICT, Trouble, plan},
    scale::{Scale, timing},
    world::{World, data_centre},
};

/// How often the driver looks around.
const TICK: Duration = Duration::from_millis(10);
/// The longest step of business time: shorter than the time a token is refreshed ahead of its end.
const LONGEST_STEP: i64 = 120;
const TOKEN_ENDPOINT: &str = "/oauth/v2/token";

/// What is done when its moment comes.
enum Later {
    Resume(usize),
    Revive(usize),
    Ask(usize, String),
}

/// Why a grant was lost, as the driver can prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Its answer was on the way to a process that was killed.
    Killed { slot: usize, life: usize },
    /// Its answer was on the way to a process that was stopped until the call was over.
    Stopped,
    /// The provider did the work and the answer never came.
    Withheld,
    /// Nothing that could be seen.
    Unexplained,
}

/// A grant that ended.
#[derive(Debug, Clone)]
pub struct Loss {
    pub email: String,
    pub grant: Grant,
    pub cause: Cause,
}

/// What really hit, so that a run that proves nothing is found out.
#[derive(Debug, Default)]
pub struct Tally {
    pub kills_in_a_refresh: usize,
    pub stops_beyond_the_lease: usize,
    pub after_the_answer: usize,
    pub refused_for_budget: usize,
    pub read_after_expiry: usize,
    pub outages: usize,
    pub busy: usize,
}

/// See the module's header.
pub struct Run {
    pub world: World,
    pub fleet: Fleet,
    pub tally: Tally,
    pub losses: Vec<Loss>,
    pub scale: Scale,
    dice: Dice,
    later: Vec<(Instant, Later)>,
    outages: Vec<(i64, &'static str)>,
    /// Managers whose grant ended, and when they were last asked to consent again.
    absent: BTreeMap<String, Instant>,
    next_look: Instant,
    step: i64,
}

impl Run {
    /// Sets the stage and starts the processes.
    pub async fn start(dir: &Path, database: &str, scale: Scale, seed: u64) -> Self {
        let world = World::new(dir, database, &scale, seed).await;
        let mut fleet = Fleet::start(world.nodes(&scale, seed), dir, &world.hands);
        fleet.ready().await;
        Self {
            world,
            fleet,
            tally: Tally::default(),
            losses: Vec::new(),
            scale,
            dice: Dice::new(!seed),
            later: Vec::new(),
            outages: Vec::new(),
            absent: BTreeMap::new(),
            next_look: Instant::now(),
            step: 1,
        }
    }

    fn second(&self) -> i64 {
        self.world.hands.now().as_second()
    }

    /// Lets everything of the plan happen.
    pub async fn live(&mut self, seed: u64) {
        let (start, began) = (self.second(), Instant::now());
        let end = start + self.scale.seconds;
        for Event { second, trouble } in plan(seed, &self.scale) {
            self.until(start + second, end, began).await;
            self.befall(trouble).await;
        }
        self.until(end, end, began).await;
    }

    /// Lets business time go to `second`, at a pace that reaches `end` in the time this run should take.
    async fn until(&mut self, second: i64, end: i64, began: Instant) {
        while self.second() < second {
            let left = self.scale.pace.saturating_sub(began.elapsed()).max(Duration::from_secs(1));
            let ticks = i64::try_from((left.as_millis() / TICK.as_millis()).max(1)).unwrap();
            self.step = ((end - self.second()) / ticks).clamp(1, LONGEST_STEP).min(second - self.second());
            self.tick().await;
        }
    }

    /// One look around, and one step of business time unless a call is on its way.
    async fn tick(&mut self) {
        tokio::time::sleep(TICK).await;
        self.fleet.listen();
        self.do_what_is_due().await;
        let running: Vec<_> = self.fleet.running().collect();
        self.world.hands.advance(self.step, running.into_iter());
        if Instant::now() >= self.next_look {
            self.fleet.check();
            self.look_for_losses().await;
            self.next_look = Instant::now() + Duration::from_millis(400);
        }
    }

    /// Small steps for longer than the provider's window: what is counted in it later was counted when it happened.
    async fn calm(&mut self) {
        self.pass(720, 3).await;
    }

    /// Lets some business time pass.
    async fn pass(&mut self, seconds: i64, step: i64) {
        let end = self.second() + seconds;
        while self.second() < end {
            self.step = step.min(end - self.second());
            self.tick().await;
        }
    }

    async fn do_what_is_due(&mut self) {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|(at, _)| *at <= now);
        self.later = later;
        let due: Vec<(Instant, Later)> = due;
        for (_, action) in due {
            match action {
                Later::Resume(slot) => self.fleet.resume(slot),
                Later::Revive(slot) => {
                    self.fleet.revive(slot);
                    self.fleet.ready().await;
                }
                Later::Ask(slot, order) => self.fleet.ask(slot, &order),
            }
        }
        let second = self.second();
        let over: Vec<_> = self.outages.iter().filter(|(end, _)| *end <= second).map(|(_, dc)| *dc).collect();
        self.outages.retain(|(end, _)| *end > second);
        for dc in over {
            self.world.sim.with(|world, _| {
                let others: Vec<_> = world.faults.armed().iter().filter(|armed| !is_outage(armed, dc)).cloned().collect();
                world.faults.clear();
                for armed in others {
                    world.faults.arm(armed);
                }
            });
        }
    }

    fn arm(&self, dc: &str, fault: Fault, times: u32) {
        let armed = Armed {
            path: TOKEN_ENDPOINT.to_owned(),
            method: Some("POST".to_owned()),
            dc: Some(dc.to_owned()),
            fault,
            skip: 0,
            times,
        };
        self.world.sim.with(|world, _| world.faults.arm(armed));
    }

    async fn befall(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Fault { dc, fault, times } => self.arm(dc, fault, times),
            Trouble::Outage { dc, seconds } => {
                self.arm(dc, Fault::Status { status: 503 }, u32::MAX);
                self.outages.push((self.second() + seconds, dc));
                self.tally.outages += 1;
            }
            Trouble::Kill { node, dc, answered } => self.strike(node, dc, answered, Pulse::Dead).await,
            Trouble::Stop { node, dc, answered } => self.strike(node, dc, answered, Pulse::Stopped).await,
            Trouble::CrashLoop { dc, rounds } => self.crash_loop(dc, rounds).await,
            Trouble::Storm { dc, calls } => {
                self.calm().await;
                let email = self.somebody(dc).await;
                self.storm(&email, calls).await;
            }
            Trouble::Expire { dc } => self.expire(dc).await,
        }
    }

    /// A manager of this data centre whose grant stands.
    async fn somebody(&mut self, dc: &'static str) -> String {
        loop {
            let email = self.dice.of(&self.world.managers[dc]);
            if self.world.grants().await[&email].is_usable() {
                return email;
            }
            self.pass(30, 10).await;
        }
    }

    /// Waits until a process has a refresh of this data centre on its way.
    async fn begun(&mut self, slots: &[usize], dc: &str, answered: bool, since: Instant, patience: Duration) -> Option<usize> {
        while since.elapsed() < patience {
            self.fleet.listen();
            if let Some(slot) = slots.iter().find(|slot| self.fleet.refreshes(**slot, dc, since, answered)) {
                return Some(*slot);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        None
    }

    /// Kills or stops a process in the middle of a refresh; another refreshes the same grant meanwhile.
    async fn strike(&mut self, slot: usize, dc: &'static str, answered: bool, how: Pulse) {
        self.all_running().await;
        for _ in 0..8 {
            let email = self.somebody(dc).await;
            let since = Instant::now();
            if answered {
                self.fleet.ask(slot, "linger");
            } else {
                self.arm(dc, Fault::Slow { ms: 350 }, 1);
            }
            self.fleet.ask(slot, &format!("refresh {email}"));
            if self.begun(&[slot], dc, answered, since, Duration::from_secs(1)).await.is_some() {
                let wait = u64::try_from(self.dice.below(200)).unwrap();
                tokio::time::sleep(Duration::from_millis(wait)).await;
                self.end_or_stop(slot, &email, how);
                self.tally.after_the_answer += usize::from(answered);
                return;
            }
            // It waits for another process's lease or for its budget.
            self.pass(200, 20).await;
        }
    }

    fn end_or_stop(&mut self, slot: usize, email: &str, how: Pulse) {
        let order = format!("refresh {email}");
        let other = (slot + 1) % self.fleet.len();
        let now = Instant::now();
        let lease = timing().refresh_lease;
        if how == Pulse::Dead {
            self.fleet.kill(slot);
            let away = u64::try_from(self.dice.below(1_000)).unwrap();
            self.later.push((now + Duration::from_millis(away), Later::Revive(slot)));
            self.later.push((now, Later::Ask(other, order)));
        } else {
            self.fleet.stop(slot);
            let until = now + lease + Duration::from_millis(900);
            self.later.push((now + lease + Duration::from_millis(100), Later::Ask(other, order)));
            self.later.push((until, Later::Resume(slot)));
        }
        let struck = self.fleet.calls.values().filter(|call| call.slot == slot && call.struck == Some(how) && call.ended.is_none());
        if struck.count() > 0 {
            match how {
                Pulse::Dead => self.tally.kills_in_a_refresh += 1,
                _ => self.tally.stops_beyond_the_lease += 1,
            }
        }
    }

    /// Waits until every process runs again.
    async fn all_running(&mut self) {
        while self.fleet.running().count() < self.fleet.len() {
            self.step = 1;
            self.tick().await;
        }
        self.fleet.ready().await;
    }

    async fn crash_loop(&mut self, dc: &'static str, rounds: usize) {
        self.calm().await;
        let email = self.somebody(dc).await;
        let all: Vec<_> = (0..self.fleet.len()).collect();
        for _ in 0..rounds {
            self.all_running().await;
            let since = Instant::now();
            self.arm(dc, Fault::Slow { ms: 250 }, 1);
            for slot in &all {
                self.fleet.ask(*slot, &format!("refresh {email}"));
            }
            let begun = self.begun(&all, dc, false, since, timing().refresh_wait).await;
            self.tally.kills_in_a_refresh += usize::from(begun.is_some());
            for slot in &all {
                self.fleet.kill(*slot);
            }
            for slot in &all {
                self.fleet.revive(*slot);
            }
            self.fleet.ready().await;
        }
        // They all come back and ask for the same again.
        self.storm(&email, 26).await;
    }

    async fn storm(&mut self, email: &str, calls: usize) {
        self.all_running().await;
        self.fleet.listen();
        let before = self.fleet.answers.len();
        let order = format!("refresh {email}");
        let began = Instant::now();
        for call in 0..calls {
            self.fleet.ask(call % self.fleet.len(), &order);
            let wanted = call + 1;
            // One after the other: callers that come together share one refresh.
            while self.answered(before, &order).count() < wanted && began.elapsed() < Duration::from_secs(20) {
                self.step = 0;
                self.tick().await;
            }
            // Longer than the provider's window in all, so that clocks that disagree have room to be wrong.
            self.pass(25, 5).await;
        }
        self.tally.refused_for_budget += self.answered(before, &order).filter(|outcome| *outcome == "Throttled").count();
    }

    fn answered<'a>(&'a self, since: usize, order: &'a str) -> impl Iterator<Item = &'a str> {
        self.fleet.answers[since..].iter().filter(move |(_, asked, _)| asked == order).map(|(_, _, outcome)| outcome.as_str())
    }

    async fn expire(&mut self, dc: &'static str) {
        let email = self.somebody(dc).await;
        self.world.sim.with(|world, now| {
            let user = world.accounts.user_by_email(&email).unwrap().zuid;
            world.accounts.expire(user, None, now)
        });
        let before = self.fleet.answers.len();
        let order = format!("calendars {email}");
        for slot in self.fleet.running().collect::<Vec<_>>() {
            self.fleet.ask(slot, &order);
        }
        self.pass(30, 3).await;
        self.tally.read_after_expiry += self.answered(before, &order).filter(|outcome| outcome.ends_with("_calendars")).count();
    }

    /// Writes down who lost a grant, and lets them consent again.
    async fn look_for_losses(&mut self) {
        for (email, grant) in self.world.grants().await {
            if grant.is_usable() {
                self.absent.remove(&email);
            } else if !self.absent.contains_key(&email) {
                let cause = self.cause(&email);
                self.losses.push(Loss { email: email.clone(), grant, cause });
                self.absent.insert(email, Instant::now() - Duration::from_mins(1));
            }
        }
        let asked_long_ago = |at: &Instant| at.elapsed() > Duration::from_secs(3);
        let again: Vec<_> = self.absent.iter().filter(|(_, at)| asked_long_ago(at)).map(|(email, _)| email.clone()).collect();
        for email in again {
            // A file that a stopped process has locked is a page that says so; the manager presses the button again.
            match self.world.consent(&email).await {
                Ok(_) => {}
                Err(app::Error::Store(error)) => {
                    println!("  {email} consents again later: {error}");
                    self.tally.busy += 1;
                }
                Err(error) => panic!("{email}: {error}"),
            }
            self.absent.insert(email, Instant::now());
        }
    }

    /// What became of the last answer that carried a new refresh token of this manager's.
    fn cause(&mut self, email: &str) -> Cause {
        self.fleet.listen();
        let last = self.world.sim.with(|world, _| {
            let issued = world.accounts.issued().iter();
            let own: BTreeSet<&str> =
                issued.filter(|token| token.email == email && token.kind == "refresh").map(|token| token.token.as_str()).collect();
            let rotated = |call: &&zoho_sim::RefreshCall| call.outcome == RefreshOutcome::Granted { rotated: true };
            let mut calls = world.accounts.refresh_calls().iter().rev().filter(rotated);
            calls.find(|call| own.contains(call.presented.as_str())).map(|call| token_name(&call.presented))
        });
        let Some(last) = last else { return Cause::Unexplained };
        let killed_after = |call: &crate::fleet::Call, at: Instant| {
            let mut kills = self.fleet.kills.iter();
            kills.any(|(slot, life, kill)| (*slot, *life) == (call.slot, call.life) && *kill < at + Duration::from_secs(1))
        };
        let mut cause = Cause::Unexplained;
        for call in self.fleet.calls.values().filter(|call| call.token == last) {
            match (&call.ended, call.struck) {
                (None, Some(Pulse::Dead)) => return Cause::Killed { slot: call.slot, life: call.life },
                (_, Some(Pulse::Stopped)) => cause = Cause::Stopped,
                (Some((at, _)), _) if killed_after(call, *at) => return Cause::Killed { slot: call.slot, life: call.life },
                // A refusal is an answer, to somebody who came with a token that had ended by then.
                (Some((_, outcome)), _) if outcome != "ok" && outcome != "Revoked" && cause == Cause::Unexplained => {
                    cause = Cause::Withheld;
                }
                _ => {}
            }
        }
        cause
    }

    /// The faults end; everybody who can refreshes again. Gives those who do not.
    pub async fn heal(&mut self) -> BTreeSet<String> {
        self.world.sim.with(|world, _| world.faults.clear());
        self.outages.clear();
        self.all_running().await;
        let (healed, began) = (self.world.hands.now(), Instant::now());
        // A process that stamps the time may be minutes behind.
        let after = healed + jiff::SignedDuration::from_secs(150);
        loop {
            self.step = 10;
            for _ in 0..20 {
                self.tick().await;
            }
            let grants = self.world.grants().await;
            let fresh = |grant: &Grant| grant.is_usable() && grant.refresh.succeeded_at.is_some_and(|at| at > after);
            let stuck: BTreeSet<_> = grants.iter().filter(|(_, grant)| !fresh(grant)).map(|(email, _)| email.clone()).collect();
            if stuck.is_empty() || began.elapsed() > Duration::from_mins(2) {
                return stuck;
            }
        }
    }
}

fn is_outage(armed: &Armed, dc: &str) -> bool {
    armed.times > u32::MAX / 2 && armed.dc.as_deref() == Some(dc)
}

/// How many refreshes each data centre has granted, and how many of them rotated.
pub fn granted(run: &Run) -> BTreeMap<&'static str, (usize, usize)> {
    run.world.sim.with(|world, _| {
        let mut found = BTreeMap::new();
        for dc in DATA_CENTRES {
            let here = || world.accounts.refresh_calls().iter().filter(|call| call.dc == dc);
            let granted = here().filter(|call| matches!(call.outcome, RefreshOutcome::Granted { .. })).count();
            let rotated = here().filter(|call| call.outcome == RefreshOutcome::Granted { rotated: true }).count();
            found.insert(dc, (granted, rotated));
        }
        found
    })
}

/// Whether a manager's provider rotates strictly.
pub fn is_strict(email: &str) -> bool {
    data_centre(email) == STRICT
}
