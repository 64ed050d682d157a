//! A master key is retired: every line that was written under it can still be verified, and none can be altered unseen.

use app::{Caller, VerifyOptions};
use domain::audit::Actor;

use crate::{
    bench::{Bench, named, ring, write},
    on_both,
};

fn operator() -> Caller {
    Caller { actor: Actor::Operator, request: None }
}

async fn a_retired_key_leaves_a_log_that_verifies_without_it(bench: Bench) {
    // Under the first key: lines that a checkpoint covers, lines that are sealed behind it, and lines that are not sealed.
    bench.write(3).await;
    bench.app.seal_audit().await.unwrap();
    let first = bench.app.checkpoint_audit(true).await.unwrap().unwrap();
    bench.write(4).await;
    bench.app.seal_audit().await.unwrap();
    bench.write(2).await;
    let (old, new) = ("k1".parse().unwrap(), "k2".parse().unwrap());
    let rotated = bench.second(2, ring(2, &[1])).await;
    rotated.activate_key(&new, &operator()).await.unwrap();
    write(&rotated, 3).await;
    let alone = bench.second(3, ring(2, &[])).await;
    let without = alone.verify_audit(VerifyOptions::default()).await.unwrap();
    assert!(!without.holds(), "as long as no checkpoint of the other key covers them, the old key is needed");

    // A process that still writes with it holds it.
    let late = bench.second(4, ring(1, &[2])).await;
    late.heed_keys().await.unwrap();
    let refused = rotated.retire_key(&old, true, &operator()).await.unwrap_err();
    assert_eq!(refused.code(), "key_signs_log");
    assert!(refused.to_string().contains("1 running processes still write with the key k1"), "{refused}");
    late.leave_keys().await.unwrap();

    // So does a log that only this key shows to be altered.
    bench.remember().await;
    bench.sql(&format!("UPDATE audit SET action = 'x' WHERE seq = {}", first.seq + 2)).await;
    let refused = rotated.retire_key(&old, true, &operator()).await.unwrap_err();
    assert_eq!(refused.code(), "key_signs_log");
    assert!(refused.to_string().contains(&format!("line {}", first.seq + 2)), "{refused}");
    bench.restore().await;

    rotated.retire_key(&old, true, &operator()).await.unwrap();
    write(&alone, 2).await;
    alone.tend_audit().await.unwrap();
    alone.drain(100).await.unwrap();
    let report = alone.verify_audit(VerifyOptions::default()).await.unwrap();
    assert!(report.holds() && report.vouched.unwrap().seq >= first.seq + 9, "{:#?}", report.findings);
    assert!(report.checkpoints >= 2, "the checkpoint of the retired key is still believed");
    let checked = alone.audit_checked().await.unwrap().unwrap();
    assert!(checked.held && checked.seq > first.seq + 9, "{checked:?}");

    for seq in [2, first.seq + 2, first.seq + 6] {
        bench.sql(&format!("UPDATE audit SET subject = 'another' WHERE seq = {seq}")).await;
        let report = alone.verify_audit(VerifyOptions::default()).await.unwrap();
        assert_eq!(named(&report), [(Some(seq), "edited")], "{:#?}", report.findings);
        bench
            .sql(&format!(
                "UPDATE audit SET subject = (SELECT subject FROM keep_audit WHERE keep_audit.id = audit.id) WHERE seq = {seq}"
            ))
            .await;
    }
}

on_both!(a_retired_key_leaves_a_log_that_verifies_without_it);
