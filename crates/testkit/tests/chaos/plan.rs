//! What goes wrong, and when: a list that is a pure function of the seed. How the processes meet it is up to the machine.

use std::collections::BTreeSet;

use serde_json::json;
use sha2::{Digest, Sha256};
use zoho_sim::Fault;

use crate::scale::Scale;

/// The data centres and what each does to refresh tokens.
pub const ZOHO_LIKE: &str = "us";
/// The old token works until the new one is used.
pub const WITH_GRACE: &str = "eu";
/// The old token ends at once.
pub const STRICT: &str = "in";
/// All of them.
pub const DATA_CENTRES: [&str; 3] = [ZOHO_LIKE, WITH_GRACE, STRICT];

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The next calls to the token endpoint of a data centre meet this.
    Fault { dc: &'static str, fault: Fault, times: u32 },
    /// A data centre is down for so many seconds of business time.
    Outage { dc: &'static str, seconds: i64 },
    /// A process is killed while a refresh of its own is on the way, or (`answered`) between its answer and its second commit.
    Kill { node: usize, dc: &'static str, answered: bool },
    /// The same, but it is stopped until its lease is long over, while another process refreshes the same grant.
    Stop { node: usize, dc: &'static str, answered: bool },
    /// All processes are killed in the middle of refreshes of one grant, again and again.
    CrashLoop { dc: &'static str, rounds: usize },
    /// Many callers on all processes refresh one grant as often as they can.
    Storm { dc: &'static str, calls: usize },
    /// Access tokens end before their time.
    Expire { dc: &'static str },
}

/// A trouble and the second of business time at which it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub second: i64,
    pub trouble: Trouble,
}

/// Numbers that repeat for a seed.
pub struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self { seed, thrown: 0 }
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.thrown.to_le_bytes());
        self.thrown += 1;
        let bytes: [u8; 32] = hash.finalize().into();
        let mut small = [0; 8];
        small[..6].copy_from_slice(&bytes[..6]);
        usize::try_from(u64::from_le_bytes(small)).unwrap() % bound
    }

    /// One of several.
    pub fn of<T: Clone>(&mut self, several: &[T]) -> T {
        several[self.below(several.len())].clone()
    }
}

/// Everything an answer of the token endpoint can be instead of the truth. None of it is ever a revocation.
fn answers() -> Vec<Fault> {
    vec![
        Fault::Html200,
        Fault::Status { status: 500 },
        Fault::Status { status: 503 },
        Fault::GeneralError,
        Fault::Localised,
        Fault::Throttled,
        Fault::GarbageJson,
        Fault::EmptyBody,
        Fault::EmptyObject,
        Fault::Reset,
    ]
}

/// The troubles of a run, in their order.
pub fn plan(seed: u64, scale: &Scale) -> Vec<Event> {
    let mut dice = Dice::new(seed);
    let mut troubles = Vec::new();
    for _ in 0..scale.rounds {
        for fault in answers() {
            troubles.push(Trouble::Fault { dc: dice.of(&DATA_CENTRES), fault, times: 1 + u32::try_from(dice.below(3)).unwrap() });
        }
        // Slow but in time, too slow, and never; then work that is done although nobody hears of it.
        for (fault, dcs) in [
            (Fault::Slow { ms: 150 }, &DATA_CENTRES[..]),
            (Fault::Slow { ms: 1_500 }, &DATA_CENTRES[..2]),
            (Fault::Hang, &DATA_CENTRES[..]),
            (Fault::CommitThenDrop, &DATA_CENTRES[..2]),
            (Fault::DropThenCommitAfter { seconds: 400 }, &DATA_CENTRES[..2]),
        ] {
            troubles.push(Trouble::Fault { dc: dice.of(dcs), fault, times: 2 });
        }
        // A refusal that is a lie. One alone must not end a grant.
        let lie = Fault::Json { status: 200, body: json!({"error": "invalid_code"}) };
        troubles.push(Trouble::Fault { dc: ZOHO_LIKE, fault: lie, times: 1 });
        for dc in DATA_CENTRES {
            for answered in [false, true] {
                troubles.push(Trouble::Kill { node: dice.below(scale.nodes), dc, answered });
                troubles.push(Trouble::Stop { node: dice.below(scale.nodes), dc, answered });
            }
            troubles.push(Trouble::Expire { dc });
        }
        troubles.push(Trouble::Storm { dc: ZOHO_LIKE, calls: 26 });
        troubles.push(Trouble::Storm { dc: dice.of(&DATA_CENTRES[1..]), calls: 26 });
        troubles.push(Trouble::CrashLoop { dc: dice.of(&DATA_CENTRES[..2]), rounds: 4 });
        troubles.push(Trouble::Outage { dc: dice.of(&DATA_CENTRES), seconds: 1_800 });
    }
    // A strictly rotating provider that loses its own answer: nobody can save that grant, but it must be named.
    troubles.push(Trouble::Fault { dc: STRICT, fault: Fault::CommitThenDrop, times: 1 });
    let mut moments = BTreeSet::new();
    let seconds = usize::try_from(scale.seconds).unwrap();
    while moments.len() < troubles.len() {
        // Not before the first refreshes, and so that the last can play out.
        moments.insert(seconds / 20 + dice.below(seconds * 9 / 10));
    }
    let mut events = Vec::new();
    for second in moments {
        let trouble = troubles.swap_remove(dice.below(troubles.len()));
        events.push(Event { second: i64::try_from(second).unwrap(), trouble });
    }
    events
}

#[test]
fn the_plan_repeats_for_a_seed_and_has_every_kind_of_trouble() {
    let scale = Scale::short(3);
    assert_eq!(plan(7, &scale), plan(7, &scale));
    assert_ne!(plan(7, &scale), plan(8, &scale));
    let events = plan(7, &scale);
    assert!(events.windows(2).all(|pair| pair[0].second < pair[1].second));
    assert!(events.iter().all(|event| (0..scale.seconds).contains(&event.second)));
    let kinds: BTreeSet<_> =
        events.iter().map(|event| format!("{:?}", event.trouble).split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["CrashLoop", "Expire", "Fault", "Kill", "Outage", "Stop", "Storm"]);
}
