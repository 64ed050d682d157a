//! What somebody looked into is accepted: it is listed apart ever after, signing goes on, and nothing else is covered by it.

use app::{Caller, Report, VerifyOptions};
use domain::audit::Actor;

use crate::{
    bench::{Bench, forge, named, ring},
    on_both,
};

const REASON: &str = "an entry was corrected by hand";

async fn accept(bench: &Bench, with_file: bool) -> Result<Report, app::Error> {
    let against = with_file.then(|| bench.kept.checkpoints());
    let operator = Caller { actor: Actor::Operator, request: None };
    bench.app.accept_audit(REASON, VerifyOptions { against, since: None }, &operator).await
}

async fn lasting(bench: &Bench) -> i64 {
    bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM alerts WHERE kind = 'audit_broken' AND ended_at IS NULL").await
}

/// A day of work: hourly rounds, the daily check, deliveries.
async fn a_day(bench: &Bench) {
    bench.write(3).await;
    for _ in 0..2 {
        bench.clock.advance(86_400 / 2);
        bench.app.tend_audit().await.unwrap();
        bench.app.drain(100).await.unwrap();
    }
}

async fn whole(bench: &Bench) {
    for _ in 0..2 {
        bench.write(8).await;
        bench.app.tend_audit().await.unwrap();
        bench.app.drain(100).await.unwrap();
        bench.clock.advance(3_600);
    }
    bench.app.tend_audit().await.unwrap();
    bench.app.drain(100).await.unwrap();
    assert!(bench.verify_against_the_file().await.holds());
}

fn accepted(report: &Report) -> Vec<(Option<i64>, &str)> {
    let findings = report.accepted.iter().flat_map(|acceptance| &acceptance.findings);
    findings.map(|finding| (finding.seq, finding.kind.as_str())).collect()
}

async fn what_was_accepted_is_listed_and_anything_else_is_found(bench: Bench) {
    whole(&bench).await;
    assert_eq!(accept(&bench, true).await.unwrap_err().code(), "audit_not_accepted", "there is nothing to accept");
    bench.sql("UPDATE audit SET action = 'x' WHERE seq = 3; UPDATE audit SET payload = '{}' WHERE seq = 5").await;
    bench.sql("DELETE FROM audit WHERE seq BETWEEN 7 AND 8").await;
    a_day(&bench).await;
    assert_eq!(lasting(&bench).await, 1);
    let expected = [(Some(3), "edited"), (Some(5), "payload_edited"), (Some(7), "deleted")];
    assert_eq!(named(&bench.verify_against_the_file().await), expected);
    let report = accept(&bench, true).await.unwrap();
    assert!(report.holds(), "{:#?}", report.findings);
    assert_eq!((accepted(&report), report.accepted[0].reason.as_str()), (expected.to_vec(), REASON));
    assert!(report.vouched.unwrap().seq > 10);
    a_day(&bench).await;
    assert_eq!(lasting(&bench).await, 0, "the daily check takes the alert back");
    assert!(bench.app.audit_checked().await.unwrap().unwrap().held);
    let report = bench.verify_against_the_file().await;
    assert_eq!((report.holds(), accepted(&report)), (true, expected.to_vec()), "{:#?}", report.findings);

    // Another place; the same place with another kind; the same place altered once more; one line more that is gone.
    bench.remember().await;
    for (attack, found) in [
        ("UPDATE audit SET action = 'x' WHERE seq = 4", (Some(4), "edited")),
        ("UPDATE audit SET payload = '{}' WHERE seq = 3", (Some(3), "payload_edited")),
        ("UPDATE audit SET action = 'y' WHERE seq = 3", (Some(3), "edited")),
        ("UPDATE audit SET payload = '[]' WHERE seq = 5", (Some(5), "payload_edited")),
        ("DELETE FROM audit WHERE seq = 9", (Some(7), "deleted")),
    ] {
        bench.sql(attack).await;
        let report = bench.verify_against_the_file().await;
        assert_eq!((named(&report), accepted(&report)), (vec![found], expected.to_vec()), "{attack}");
        bench.restore().await;
    }
    // An acceptance that somebody else wrote or altered counts for nothing.
    let line = "action = 'audit.accepted'";
    for attack in [
        format!("UPDATE audit SET payload = REPLACE(payload, 'by hand', 'by mouth') WHERE {line}"),
        format!("UPDATE audit SET payload = REPLACE(payload, 'edited', 'deleted') WHERE {line}"),
        format!("UPDATE audit SET payload = NULL, salt = NULL WHERE {line}"),
        format!("DELETE FROM audit WHERE {line}"),
    ] {
        bench.sql(&attack).await;
        let report = bench.verify_against_the_file().await;
        assert!(accepted(&report).is_empty(), "{attack}");
        assert!(expected.iter().all(|finding| named(&report).contains(finding)), "{attack} {:#?}", report.findings);
        bench.restore().await;
    }
    // Its key may be retired.
    let next = bench.second(4, ring(2, &[1])).await;
    next.tend_audit().await.unwrap();
    let after = bench.second(5, ring(2, &[])).await;
    let report = after.verify_audit(VerifyOptions::default()).await.unwrap();
    assert_eq!((report.holds(), accepted(&report)), (true, expected.to_vec()), "{:#?}", report.findings);
}

async fn signing_goes_on_behind_an_accepted_line_that_is_not_ours(bench: Bench) {
    whole(&bench).await;
    bench.app.seal_audit().await.unwrap();
    let forged = forge(&bench).await;
    a_day(&bench).await;
    let newest = async || bench.number("SELECT MAX(seq) FROM audit_checkpoints").await;
    assert!(newest().await < forged && lasting(&bench).await == 1);
    let report = accept(&bench, false).await.unwrap();
    assert!(report.holds() && newest().await > forged, "{:#?}", report.findings);
    // Behind a checkpoint its code is looked at no more; it is listed all the same.
    a_day(&bench).await;
    a_day(&bench).await;
    let report = bench.verify_against_the_file().await;
    assert_eq!((report.holds(), accepted(&report)), (true, vec![(Some(forged), "not_ours")]), "{:#?}", report.findings);
    assert_eq!(lasting(&bench).await, 0);
    // Another one is another one.
    bench.sql(&format!("UPDATE audit SET subject = 'another' WHERE seq = {forged}")).await;
    assert_eq!(named(&bench.verify().await), [(Some(forged), "edited")]);
}

/// As after a restore: the newest lines and checkpoints are gone, the chain went on from there, and the file knows of what was.
async fn a_history_that_was_given_up_is_accepted_with_its_checkpoints(bench: Bench) {
    whole(&bench).await;
    bench.app.seal_audit().await.unwrap();
    bench.app.checkpoint_audit(true).await.unwrap();
    bench.app.drain(100).await.unwrap();
    let gone = bench.number("SELECT MAX(seq) FROM audit_checkpoints").await;
    let keep = 6;
    bench
        .sql(&format!(
            "DELETE FROM audit WHERE seq > {keep}; DELETE FROM audit_checkpoints WHERE seq > {keep}; \
             UPDATE audit_head SET seq = {keep}, chain = (SELECT chain FROM audit WHERE seq = {keep});"
        ))
        .await;
    let report = bench.verify_against_the_file().await;
    assert!(named(&report).contains(&(Some(keep + 1), "cut")), "{:#?}", report.findings);
    let report = accept(&bench, true).await.unwrap();
    assert!(report.holds(), "{:#?}", report.findings);
    assert!(accepted(&report).contains(&(Some(gone), "checkpoint_contradicted")), "{:#?}", report.accepted);
    // The chain grows past the places that were given up.
    for _ in 0..10 {
        a_day(&bench).await;
    }
    assert!(bench.number("SELECT MAX(seq) FROM audit").await > gone + 5);
    let report = bench.verify_against_the_file().await;
    assert!(report.holds() && report.witnessed.unwrap().seq > gone, "{:#?}", report.findings);
    // Only that history was given up: to take the new one away is found by the file.
    bench
        .sql(&format!(
            "DELETE FROM audit WHERE seq > {gone}; DELETE FROM audit_checkpoints WHERE seq > {gone}; \
             UPDATE audit_head SET seq = {gone}, chain = (SELECT chain FROM audit WHERE seq = {gone});"
        ))
        .await;
    assert!(named(&bench.verify_against_the_file().await).contains(&(Some(gone + 1), "cut")));
}

async fn what_cannot_be_accepted_is_refused_with_what_to_do(bench: Bench) {
    whole(&bench).await;
    bench.app.seal_audit().await.unwrap();
    bench.remember().await;
    let end = bench.number("SELECT MAX(seq) FROM audit").await;
    bench.sql(&format!("UPDATE audit_head SET chain = {}", bench.bytes(&"ab".repeat(32)).await)).await;
    let refused = accept(&bench, false).await.unwrap_err();
    assert!(refused.code() == "audit_not_accepted" && refused.to_string().contains("run this again"), "{refused}");
    bench.restore().await;
    // Lines at the end that are gone while the recorded end stayed: the next line comes behind the gap.
    bench.sql(&format!("DELETE FROM audit WHERE seq > {}", end - 2)).await;
    let report = accept(&bench, false).await.unwrap();
    assert_eq!((report.holds(), accepted(&report)[0]), (true, (Some(end - 1), "deleted")), "{:#?}", report.findings);
    let without = bench.app.accept_audit(" ", VerifyOptions::default(), &Caller::system()).await.unwrap_err();
    assert!(without.to_string().contains("what was looked into"), "{without}");
}

on_both!(
    what_was_accepted_is_listed_and_anything_else_is_found,
    signing_goes_on_behind_an_accepted_line_that_is_not_ours,
    a_history_that_was_given_up_is_accepted_with_its_checkpoints,
    what_cannot_be_accepted_is_refused_with_what_to_do,
);
