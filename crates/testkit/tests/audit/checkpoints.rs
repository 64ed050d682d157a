//! Checkpoints: when they are signed, where they go, and which keys they are believed with.

use app::VerifyOptions;
use ports::store::Page;

use crate::{
    bench::{Bench, named, ring},
    on_both,
};

async fn a_growing_log_gets_a_checkpoint_an_hour_and_a_quiet_one_none(bench: Bench) {
    bench.write(3).await;
    bench.app.tend_audit().await.unwrap();
    let count = async || bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM audit_checkpoints").await;
    assert_eq!(count().await, 1);
    bench.write(1).await;
    bench.app.tend_audit().await.unwrap();
    assert_eq!(count().await, 1, "an hour has not passed");
    bench.clock.advance(3_600);
    bench.app.tend_audit().await.unwrap();
    assert_eq!(count().await, 2);
    // Whatever the deliveries themselves wrote is the last that is new.
    bench.app.drain(100).await.unwrap();
    bench.clock.advance(3_600);
    bench.app.tend_audit().await.unwrap();
    let settled = count().await;
    for _ in 0..3 {
        bench.app.seal_audit().await.unwrap();
        let new = bench.app.checkpoint_audit(false).await.unwrap();
        assert_eq!(new, None);
    }
    assert_eq!(count().await, settled);
}

async fn a_checkpoint_leaves_by_file_mail_and_webhook(bench: Bench) {
    bench.write(3).await;
    bench.posts.set_broken(true);
    bench.app.seal_audit().await.unwrap();
    let signed = bench.app.checkpoint_audit(true).await.unwrap().unwrap();
    bench.app.drain(100).await.unwrap();
    assert_eq!(bench.kept.checkpoints(), std::slice::from_ref(&signed));
    let mails = bench.app.mails(Some("auditor@example.org"), Page::first(9)).await.unwrap();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].text.lines().any(|line| serde_json::from_str(line).is_ok_and(|found: domain::audit::Checkpoint| found == signed))
    );
    // The receiver was down; the message comes again, and it is the same one.
    assert!(bench.posts.posts().is_empty());
    bench.posts.set_broken(false);
    bench.clock.advance(60);
    bench.app.drain(100).await.unwrap();
    let posts = bench.posts.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].id, format!("ins_test_audit_{}", signed.seq));
    let body: serde_json::Value = serde_json::from_str(&posts[0].body).unwrap();
    assert_eq!(body["type"], "audit.checkpoint");
    assert_eq!(serde_json::from_value::<domain::audit::Checkpoint>(body["data"].clone()).unwrap(), signed);
}

async fn checkpoints_of_a_retired_key_are_believed_and_those_of_a_stranger_are_not(bench: Bench) {
    bench.write(3).await;
    bench.app.tend_audit().await.unwrap();
    let old = bench.app.checkpoint_keys().await.unwrap()[0].clone();
    // Rotation: the new key is active, the old one still there; the first round vouches for the old one and signs.
    let rotating = bench.second(2, ring(2, &[1])).await;
    rotating.tend_audit().await.unwrap();
    rotating.tend_audit().await.unwrap();
    assert!(rotating.audit_tally().await.unwrap().sealed >= 4);
    // Retired.
    let after = bench.second(3, ring(2, &[])).await;
    let report = after.verify_audit(VerifyOptions::default()).await.unwrap();
    assert!(report.holds(), "{:#?}", report.findings);
    assert!(report.checkpoints >= 2 && report.vouched.is_some());
    assert!(after.checkpoint_keys().await.unwrap().contains(&old));
    // Somebody's own key, put on record by itself.
    bench.sql("UPDATE audit_keys SET endorsed_by = id").await;
    let report = after.verify_audit(VerifyOptions::default()).await.unwrap();
    assert!(named(&report).iter().any(|(_, what)| *what == "bad_checkpoint"), "{:#?}", report.findings);
}

async fn since_begins_at_a_checkpoint_and_says_when_there_is_none(bench: Bench) {
    bench.write(5).await;
    bench.app.seal_audit().await.unwrap();
    let first = bench.app.checkpoint_audit(true).await.unwrap().unwrap();
    bench.write(5).await;
    bench.app.seal_audit().await.unwrap();
    bench.app.checkpoint_audit(true).await.unwrap().unwrap();
    bench.sql("UPDATE audit SET action = 'x' WHERE seq = 2").await;
    assert!(!bench.verify().await.holds());
    let since = async |seq| bench.app.verify_audit(VerifyOptions { against: None, since: Some(seq) }).await;
    let report = since(first.seq).await.unwrap();
    assert!(report.holds() && report.since == first.seq && report.lines > 0, "{report:#?}");
    assert!(since(2).await.unwrap_err().to_string().contains("checkpoint"));
    bench.sql("UPDATE audit SET action = 'x' WHERE seq = 8").await;
    assert_eq!(named(&since(first.seq).await.unwrap()), [(Some(8), "edited")]);
}

async fn the_daily_check_tells_and_takes_back(bench: Bench) {
    bench.write(5).await;
    bench.app.tend_audit().await.unwrap();
    bench.app.drain(100).await.unwrap();
    bench.remember().await;
    let alerts =
        async || bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM alerts WHERE kind = 'audit_broken' AND ended_at IS NULL").await;
    bench.clock.advance(86_400);
    bench.sql("UPDATE audit SET action = 'x' WHERE seq = 2").await;
    bench.app.tend_audit().await.unwrap();
    bench.app.drain(100).await.unwrap();
    assert_eq!(alerts().await, 1);
    let checked = bench.app.audit_checked().await.unwrap().unwrap();
    assert!(!checked.held && checked.seq > 0);
    // Known is known: a day later nothing is told again.
    bench.clock.advance(86_400);
    bench.app.tend_audit().await.unwrap();
    bench.app.drain(100).await.unwrap();
    assert_eq!(bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM alerts WHERE kind = 'audit_broken'").await, 1);
    bench.sql("UPDATE audit SET action = (SELECT action FROM keep_audit WHERE keep_audit.id = audit.id) WHERE seq = 2").await;
    bench.clock.advance(86_400);
    bench.app.tend_audit().await.unwrap();
    bench.app.drain(100).await.unwrap();
    assert_eq!(alerts().await, 0);
    assert!(bench.app.audit_checked().await.unwrap().unwrap().held);
}

/// Somebody who has the database and this program's source puts a line behind the newest checkpoint, chained as it should be, and moves
/// the recorded end. Signing over it would make it as good as ours.
async fn nothing_is_signed_over_a_forged_line(bench: Bench) {
    bench.write(5).await;
    bench.app.seal_audit().await.unwrap();
    let signed = bench.app.checkpoint_audit(true).await.unwrap().unwrap();
    bench.app.drain(100).await.unwrap();
    bench.app.seal_audit().await.unwrap();
    let forged = crate::bench::forge(&bench).await;
    assert!(forged > signed.seq);
    let newest = async || bench.number("SELECT MAX(seq) FROM audit_checkpoints").await;
    let lasting =
        async || bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM alerts WHERE kind = 'audit_broken' AND ended_at IS NULL").await;
    // Hour after hour, and also when the daily checks have run, in this process and in another.
    let other = bench.second(2, ring(1, &[])).await;
    for hour in 0..50 {
        bench.clock.advance(3_600);
        for app in [&bench.app, &other] {
            app.tend_audit().await.unwrap();
            app.drain(100).await.unwrap();
        }
        assert_eq!((newest().await, lasting().await), (signed.seq, 1), "hour {hour}");
    }
    assert_eq!(bench.app.checkpoint_audit(true).await.unwrap(), None, "not when asked for either");
    assert!(!bench.app.audit_checked().await.unwrap().unwrap().held);
    let report = bench.verify_against_the_file().await;
    assert_eq!(named(&report), [(Some(forged), "not_ours")], "{:#?}", report.findings);
    // Nor does a checkpoint of the forger's own, behind the line, hide it.
    bench
        .sql(&format!(
            "INSERT INTO audit_checkpoints (seq, installation, chain, lines, at, key_id, signature) \
             SELECT {forged}, installation, 'ab', lines, at, key_id, signature FROM audit_checkpoints WHERE seq = {}",
            signed.seq
        ))
        .await;
    assert_eq!(bench.app.checkpoint_audit(true).await.unwrap(), None);
    let retiring = bench.second(3, ring(2, &[1])).await;
    retiring.activate_key(&"k2".parse().unwrap(), &app::Caller::system()).await.unwrap();
    retiring.heed_keys().await.unwrap();
    bench.app.leave_keys().await.unwrap();
    other.leave_keys().await.unwrap();
    let refused = retiring.retire_key(&"k1".parse().unwrap(), true, &app::Caller::system()).await.unwrap_err();
    assert_eq!(refused.code(), "key_signs_log");
    assert!(refused.to_string().contains(&format!("line {forged}")), "{refused}");
    assert_eq!(newest().await, forged, "only the false one is newer");
    // Once the line is gone, its place is what is missing; nobody signs that either.
    bench.sql(&format!("DELETE FROM audit WHERE seq = {forged}")).await;
    assert_eq!(bench.app.checkpoint_audit(true).await.unwrap(), None);
}

async fn signing_goes_on_when_the_lines_hold_again(bench: Bench) {
    bench.write(3).await;
    bench.app.tend_audit().await.unwrap();
    bench.write(3).await;
    bench.app.seal_audit().await.unwrap();
    bench.remember().await;
    let last = bench.number("SELECT MAX(seq) FROM audit").await;
    bench.sql(&format!("UPDATE audit SET subject = 'another' WHERE seq = {last}")).await;
    bench.clock.advance(3_600);
    assert_eq!(bench.app.checkpoint_audit(false).await.unwrap(), None);
    bench.restore().await;
    // The lines are not read again every five seconds.
    bench.clock.advance(300);
    assert_eq!(bench.app.checkpoint_audit(false).await.unwrap(), None);
    bench.clock.advance(300);
    assert_eq!(bench.app.checkpoint_audit(false).await.unwrap().unwrap().seq, last);
}

on_both!(
    nothing_is_signed_over_a_forged_line,
    signing_goes_on_when_the_lines_hold_again,
    a_growing_log_gets_a_checkpoint_an_hour_and_a_quiet_one_none,
    a_checkpoint_leaves_by_file_mail_and_webhook,
    checkpoints_of_a_retired_key_are_believed_and_those_of_a_stranger_are_not,
    since_begins_at_a_checkpoint_and_says_when_there_is_none,
    the_daily_check_tells_and_takes_back,
);
