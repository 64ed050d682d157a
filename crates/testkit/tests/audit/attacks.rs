//! Insert, edit, delete, swap, cut, and a wholly rebuilt chain: each done with raw SQL, found, and named.

use crate::{
    bench::{Bench, named},
    on_both,
};

/// Twenty lines, sealed, with checkpoints at 10 and 20 that are also in the file.
async fn sealed(bench: &Bench) {
    for _ in 0..2 {
        while bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM audit").await % 10 != 9 {
            bench.write(1).await;
        }
        // The first checkpoint records its key, which is a line of its own.
        bench.app.checkpoint_audit(true).await.unwrap();
        while bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM audit").await % 10 != 0 {
            bench.write(1).await;
        }
        bench.app.seal_audit().await.unwrap();
        bench.app.checkpoint_audit(true).await.unwrap();
    }
    bench.app.drain(100).await.unwrap();
    // Sent mails are lines too.
    bench.app.seal_audit().await.unwrap();
    bench.app.checkpoint_audit(true).await.unwrap();
    bench.app.drain(100).await.unwrap();
    bench.app.seal_audit().await.unwrap();
    let report = bench.verify_against_the_file().await;
    assert!(report.holds(), "{:?}", report.findings);
    assert!(report.end >= 20 && report.unsealed == 0);
    bench.remember().await;
}

async fn found(bench: &Bench, attack: &str, expected: &[(Option<i64>, &'static str)]) {
    bench.sql(attack).await;
    let report = bench.verify_against_the_file().await;
    assert_eq!(named(&report), expected, "{attack}\n{:#?}", report.findings);
    bench.restore().await;
}

async fn an_edited_column_is_found_whichever_it_is(bench: Bench) {
    sealed(&bench).await;
    let other = bench.bytes(&"ab".repeat(32)).await;
    for (column, value) in [
        ("id", "'aud_00000000000000000000000000000001'".to_owned()),
        ("at", "at + 1".to_owned()),
        ("actor", "'{\"kind\":\"operator\",\"x\":1}'".to_owned()),
        ("action", "'admin.link_unmade'".to_owned()),
        ("subject", "'lnk_1'".to_owned()),
        ("reason", "'because'".to_owned()),
        ("request", "'req_1'".to_owned()),
        ("mac", other.clone()),
        ("mac", "NULL".to_owned()),
        ("chain", other.clone()),
        ("chain", "NULL".to_owned()),
    ] {
        found(&bench, &format!("UPDATE audit SET {column} = {value} WHERE seq = 7"), &[(Some(7), "edited")]).await;
        let last = bench.number("SELECT MAX(seq) FROM audit").await;
        found(&bench, &format!("UPDATE audit SET {column} = {value} WHERE seq = {last}"), &[(Some(last), "edited")]).await;
    }
    for (column, value) in
        [("payload", "'{}'".to_owned()), ("payload", "NULL".to_owned()), ("salt", other.clone()), ("salt", "NULL".to_owned())]
    {
        found(&bench, &format!("UPDATE audit SET {column} = {value} WHERE seq = 7"), &[(Some(7), "payload_edited")]).await;
    }
    let both = [(Some(7), "payload_edited"), (Some(7), "edited")];
    found(&bench, &format!("UPDATE audit SET payload_hash = {other} WHERE seq = 7"), &both).await;
    // Two at once, far apart and side by side.
    let edit = "UPDATE audit SET action = 'x' WHERE seq";
    found(&bench, &format!("{edit} IN (3, 15)"), &[(Some(3), "edited"), (Some(15), "edited")]).await;
    found(&bench, &format!("{edit} IN (3, 4)"), &[(Some(3), "edited"), (Some(4), "edited")]).await;
}

/// Moves places from `seq` on by `by`, past the uniqueness of places.
fn shift(seq: i64, by: i64) -> String {
    format!("UPDATE audit SET seq = -(seq + {by}) WHERE seq >= {seq}; UPDATE audit SET seq = -seq WHERE seq < 0;")
}

/// A line that resembles its neighbour.
fn forged(id: &str, seq: &str, like: i64) -> String {
    format!(
        "INSERT INTO audit (id, at, actor, action, subject, payload, salt, payload_hash, mac, seq, chain) \
         SELECT '{id}', at, actor, 'key.created', subject, payload, salt, payload_hash, mac, {seq}, chain FROM audit WHERE seq = {like};"
    )
}

async fn an_inserted_line_is_found_wherever_it_is(bench: Bench) {
    sealed(&bench).await;
    let last = bench.number("SELECT MAX(seq) FROM audit").await;
    let id = "aud_ffffffffffffffffffffffffffffffff";
    // In the middle, with all later ones renumbered and the end moved.
    let middle = format!("{}{}UPDATE audit_head SET seq = seq + 1;", shift(9, 1), forged(id, "9", 8));
    found(&bench, &middle, &[(Some(9), "inserted")]).await;
    // Behind the end, without moving it.
    bench.sql(&forged(id, &(last + 1).to_string(), last)).await;
    let report = bench.verify_against_the_file().await;
    assert!(named(&report).contains(&(Some(last + 1), "inserted")), "{:#?}", report.findings);
    bench.restore().await;
    // Below the first place.
    found(&bench, &forged(id, "0", 1), &[(Some(0), "inserted"), (Some(last), "surplus")][..1]).await;
    // Not sealed yet, in the hope that the sealer takes it for ours.
    found(&bench, &forged(id, "NULL", 3), &[(None, "not_ours")]).await;
    bench.sql(&forged(id, "NULL", 3)).await;
    // The keys were read again a moment ago; they are once more before anybody is told.
    bench.clock.advance(60);
    let sealed = bench.app.seal_audit().await.unwrap();
    assert_eq!(sealed.foreign, 1);
    assert_eq!(bench.number(&format!("SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE id = '{id}' AND seq IS NULL")).await, 1);
    assert_eq!(named(&bench.verify().await), [(None, "not_ours")]);
    let told = "SELECT CAST(COUNT(*) AS BIGINT) FROM alerts WHERE kind = 'audit_broken' AND ended_at IS NULL";
    assert_eq!(bench.number(told).await, 1);
}

async fn a_deleted_line_is_found_also_where_the_rest_was_renumbered(bench: Bench) {
    sealed(&bench).await;
    found(&bench, "DELETE FROM audit WHERE seq = 7", &[(Some(7), "deleted")]).await;
    found(&bench, "DELETE FROM audit WHERE seq BETWEEN 12 AND 14", &[(Some(12), "deleted")]).await;
    found(&bench, "DELETE FROM audit WHERE seq = 1", &[(Some(1), "deleted")]).await;
    let closed = format!("DELETE FROM audit WHERE seq = 7; {} UPDATE audit_head SET seq = seq - 1;", shift(8, -1));
    found(&bench, &closed, &[(Some(7), "renumbered")]).await;
    // Unsealed again, to be sealed at the end.
    bench.sql("UPDATE audit SET seq = NULL, chain = NULL WHERE seq = 7").await;
    bench.app.seal_audit().await.unwrap();
    assert_eq!(named(&bench.verify().await), [(Some(7), "deleted")]);
}

async fn two_swapped_lines_are_found_and_named(bench: Bench) {
    sealed(&bench).await;
    let places = |one: i64, other: i64| {
        format!(
            "UPDATE audit SET seq = -1 WHERE seq = {one}; UPDATE audit SET seq = {one} WHERE seq = {other}; \
             UPDATE audit SET seq = {other} WHERE seq = -1;"
        )
    };
    // With their chain values, or leaving these where they were.
    let values = |one: i64, other: i64| {
        format!(
            "{} CREATE TABLE swap AS SELECT seq, chain FROM audit WHERE seq IN ({one}, {other}); \
             UPDATE audit SET chain = (SELECT chain FROM swap WHERE swap.seq = {other}) WHERE seq = {one}; \
             UPDATE audit SET chain = (SELECT chain FROM swap WHERE swap.seq = {one}) WHERE seq = {other}; DROP TABLE swap;",
            places(one, other)
        )
    };
    for (one, other) in [(5, 6), (5, 7), (3, 16), (1, 20)] {
        let expected = [(Some(one), "swapped"), (Some(other), "swapped")];
        found(&bench, &places(one, other), &expected).await;
        found(&bench, &values(one, other), &expected).await;
    }
}

async fn a_cut_tail_is_found_by_the_head_by_checkpoints_and_by_the_file(bench: Bench) {
    sealed(&bench).await;
    found(&bench, "DELETE FROM audit WHERE seq > 15", &[(Some(16), "cut")]).await;
    let moved = "DELETE FROM audit WHERE seq > 15; \
        UPDATE audit_head SET seq = 15, chain = (SELECT chain FROM audit WHERE audit.seq = 15);";
    found(&bench, moved, &[(Some(16), "cut")]).await;
    // With the checkpoints of the database gone only the file knows.
    let clean = format!("{moved} DELETE FROM audit_checkpoints WHERE seq > 15;");
    bench.sql(&clean).await;
    assert!(bench.verify().await.holds());
    let report = bench.verify_against_the_file().await;
    assert!(named(&report).contains(&(Some(16), "cut")), "{:#?}", report.findings);
    assert!(named(&report).contains(&(Some(20), "checkpoint_gone")), "{:#?}", report.findings);
    bench.restore().await;
    // And where the chain went on from there, the file knows that it is another.
    bench.sql(&clean).await;
    bench.write(20).await;
    bench.app.seal_audit().await.unwrap();
    assert!(bench.verify().await.holds());
    let report = bench.verify_against_the_file().await;
    assert!(named(&report).contains(&(Some(20), "rebuilt")), "{:#?}", report.findings);
    // The end itself.
    bench.restore().await;
    let other = bench.bytes(&"ab".repeat(32)).await;
    let last = bench.number("SELECT MAX(seq) FROM audit").await;
    found(&bench, &format!("UPDATE audit_head SET chain = {other}"), &[(Some(last), "head_edited")]).await;
    found(&bench, "UPDATE audit_head SET seq = 12", &[(Some(13), "behind_head")]).await;
}

/// Somebody who has the database and this program's source, but not the key, drops a line and computes a new chain that fits together.
async fn a_wholly_rebuilt_chain_without_the_key_is_found_by_the_file(bench: Bench) {
    sealed(&bench).await;
    let forger = bench.second(77, crate::bench::ring(66, &[1])).await;
    // The chain itself needs no key: the forger's own sealer makes a new one of what is left, from the first line on.
    let undone = "UPDATE audit SET seq = NULL, chain = NULL; DELETE FROM audit WHERE action = 'admin.link_made' AND id = \
        (SELECT MIN(id) FROM audit); UPDATE audit_head SET seq = 0, chain = NULL; DELETE FROM audit_checkpoints; DELETE FROM audit_keys;";
    bench.sql(undone).await;
    forger.seal_audit().await.unwrap();
    // Without the file the chain holds, and the report says that nothing vouches for it.
    let report = bench.verify().await;
    assert!(report.holds() && report.vouched.is_none(), "{report:#?}");
    let report = bench.verify_against_the_file().await;
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.what.code()).collect();
    assert!(codes.contains(&"rebuilt") && codes.contains(&"checkpoint_gone"), "{:#?}", report.findings);
    assert!(report.vouched.is_none());
    // Signed with a key of the forger's own, which is put on record: nobody of ours vouches for that key.
    forger.checkpoint_audit(true).await.unwrap();
    let report = bench.verify().await;
    assert!(report.findings.iter().any(|finding| finding.what.code() == "bad_checkpoint"), "{:#?}", report.findings);
    bench.restore().await;
    // With lines of the forger's own making, the file is not even needed.
    bench.sql(undone).await;
    bench.sql("UPDATE audit SET subject = 'lnk_forged' WHERE id = (SELECT MIN(id) FROM audit)").await;
    let keyless = "UPDATE audit SET mac = NULL";
    bench.sql(&format!("{keyless} WHERE subject = 'lnk_forged'")).await;
    forger.seal_audit().await.unwrap();
    let report = bench.verify_against_the_file().await;
    assert!(report.findings.iter().any(|finding| finding.what.code() == "rebuilt"), "{:#?}", report.findings);
}

async fn an_erased_payload_is_no_finding(bench: Bench) {
    sealed(&bench).await;
    bench.sql("UPDATE audit SET payload = NULL, salt = NULL WHERE seq IN (3, 4, 12)").await;
    let report = bench.verify_against_the_file().await;
    assert!(report.holds(), "{:#?}", report.findings);
    assert_eq!(report.erased, 3);
}

on_both!(
    an_edited_column_is_found_whichever_it_is,
    an_inserted_line_is_found_wherever_it_is,
    a_deleted_line_is_found_also_where_the_rest_was_renumbered,
    two_swapped_lines_are_found_and_named,
    a_cut_tail_is_found_by_the_head_by_checkpoints_and_by_the_file,
    a_wholly_rebuilt_chain_without_the_key_is_found_by_the_file,
    an_erased_payload_is_no_finding,
);
