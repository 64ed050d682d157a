//! A thousand random attacks, one at a time, by somebody who has the database and not the key. With the file of checkpoints none goes
//! unseen.

use ports::Entropy;
use testkit::SeededEntropy;

use crate::{bench::Bench, on_both};

const CASES: usize = 1_000;
/// The same attacks every time.
const SEED: u64 = 20_261_123;
const LINES: u64 = 60;

struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, end: u64) -> u64 {
        u64::from_be_bytes(<dyn Entropy>::bytes(&self.0)) % end
    }
}

const COLUMNS: [&str; 11] =
    ["id", "at", "actor", "action", "subject", "reason", "request", "payload", "salt", "payload_hash", "mac"];

/// One attack. The log has more than [`LINES`] sealed lines.
async fn attack(bench: &Bench, dice: &Dice) -> String {
    let line = dice.below(LINES) + 1;
    let other = (line + dice.below(LINES - 1)) % LINES + 1;
    let number = dice.below(u64::MAX);
    let bytes = bench.bytes(&format!("{number:016x}")).await;
    match dice.below(9) {
        0..=2 => {
            let column = COLUMNS[usize::try_from(dice.below(COLUMNS.len() as u64)).unwrap()];
            let value = match column {
                "at" => format!("at + {}", 1 + number % 1_000_000),
                "salt" | "payload_hash" | "mac" => bytes,
                _ => format!("'x{number}'"),
            };
            format!("UPDATE audit SET {column} = {value} WHERE seq = {line}")
        }
        3 => format!("UPDATE audit SET chain = {bytes} WHERE seq = {line}"),
        4 => format!("DELETE FROM audit WHERE seq BETWEEN {line} AND {}", line + dice.below(3)),
        5 => format!(
            "UPDATE audit SET seq = -1 WHERE seq = {line}; UPDATE audit SET seq = {line} WHERE seq = {other}; \
             UPDATE audit SET seq = {other} WHERE seq = -1"
        ),
        6 => format!(
            "DELETE FROM audit WHERE seq >= {line}; DELETE FROM audit_checkpoints WHERE seq >= {line}; \
             UPDATE audit_head SET seq = {before}, chain = (SELECT chain FROM audit WHERE seq = {before})",
            before = line - 1
        ),
        7 => {
            let place = if dice.below(2) == 0 { "NULL".to_owned() } else { (500 + number % 100).to_string() };
            format!(
                "INSERT INTO audit (id, at, actor, action, subject, payload, salt, payload_hash, mac, seq, chain) \
                 SELECT 'aud_{number:032x}', at, actor, action, subject, payload, salt, payload_hash, mac, {place}, chain \
                 FROM audit WHERE seq = {line}"
            )
        }
        _ => format!(
            "UPDATE audit SET seq = -(seq + 1) WHERE seq >= {line}; UPDATE audit SET seq = -seq WHERE seq < 0; \
             INSERT INTO audit (id, at, actor, action, subject, payload, salt, payload_hash, mac, seq, chain) \
             SELECT 'aud_{number:032x}', at, actor, action, subject, payload, salt, payload_hash, mac, {line}, chain \
             FROM audit WHERE seq = {}; UPDATE audit_head SET seq = seq + 1",
            line + 1
        ),
    }
}

async fn a_thousand_random_attacks_are_all_found(bench: Bench) {
    bench.write(usize::try_from(LINES).unwrap()).await;
    bench.app.tend_audit().await.unwrap();
    bench.app.drain(100).await.unwrap();
    bench.app.seal_audit().await.unwrap();
    bench.app.checkpoint_audit(true).await.unwrap();
    bench.app.drain(100).await.unwrap();
    let report = bench.verify_against_the_file().await;
    assert!(report.holds() && report.end > i64::try_from(LINES).unwrap(), "{report:#?}");
    bench.remember().await;
    let dice = Dice(SeededEntropy::new(SEED));
    for case in 0..CASES {
        let attack = attack(&bench, &dice).await;
        bench.sql(&format!("BEGIN; {attack}; COMMIT")).await;
        let report = bench.verify_against_the_file().await;
        assert!(!report.holds(), "case {case} went unseen: {attack}");
        assert!(report.findings.iter().all(|finding| finding.seq.is_some() || finding.id.is_some()), "{:?}", report.findings);
        bench.restore().await;
    }
    assert!(bench.verify_against_the_file().await.holds());
}

on_both!(a_thousand_random_attacks_are_all_found);
