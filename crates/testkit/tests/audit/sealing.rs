//! Places are given without gaps and once, whoever seals, however many at a time, and whoever dies.

use std::sync::Arc;

use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    bench::{Bench, ring, write},
    on_both,
};

const LINES: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit";

/// Every line has a place, and the places go from 1 to their number.
async fn whole(bench: &Bench) {
    bench.app.seal_audit().await.unwrap();
    let lines = bench.number(LINES).await;
    assert_eq!(bench.number("SELECT CAST(COUNT(DISTINCT seq) AS BIGINT) FROM audit").await, lines);
    assert_eq!(bench.number("SELECT MIN(seq) FROM audit").await, 1);
    assert_eq!(bench.number("SELECT MAX(seq) FROM audit").await, lines);
    let report = bench.verify().await;
    assert!(report.holds(), "{:#?}", report.findings);
    assert_eq!((report.end, report.unsealed), (lines, 0));
}

async fn racing_sealers_and_writers_leave_no_gap_and_no_place_twice(bench: Bench) {
    let apps = [bench.app.clone(), bench.second(2, ring(1, &[])).await, bench.second(3, ring(1, &[])).await];
    let begin = Arc::new(Barrier::new(9));
    let mut tasks = JoinSet::new();
    for app in &apps {
        for _ in 0..2 {
            let (app, begin) = (app.clone(), Arc::clone(&begin));
            tasks.spawn(async move {
                begin.wait().await;
                for _ in 0..40 {
                    app.seal_audit().await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
        }
        let (app, begin) = (app.clone(), Arc::clone(&begin));
        tasks.spawn(async move {
            begin.wait().await;
            write(&app, 100).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    whole(&bench).await;
    assert_eq!(bench.number(LINES).await, 300);
}

async fn a_sealer_that_dies_anywhere_leaves_nothing_half_done(bench: Bench) {
    for round in 0..40_u64 {
        bench.write(15).await;
        let app = bench.app.clone();
        let sealing = tokio::spawn(async move { app.seal_audit().await });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        sealing.abort();
        assert!(sealing.await.map_or_else(|ended| ended.is_cancelled(), |sealed| sealed.is_ok()));
        let gaps = bench.number("SELECT CAST(COALESCE(MAX(seq), 0) - COUNT(seq) AS BIGINT) FROM audit").await;
        assert_eq!(gaps, 0);
    }
    whole(&bench).await;
}

/// Another process whose clock is behind commits late: its lines have smaller ids and later places, and nothing is renumbered.
async fn a_line_that_arrives_late_is_sealed_late(bench: Bench) {
    bench.clock.advance(300);
    bench.write(5).await;
    bench.app.seal_audit().await.unwrap();
    bench.sql("CREATE TABLE before AS SELECT id, seq, chain FROM audit").await;
    let behind = bench.second(2, ring(1, &[])).await;
    write(&behind, 3).await;
    bench.app.seal_audit().await.unwrap();
    let late = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE seq > 5 AND id < (SELECT MIN(id) FROM before)";
    assert_eq!(bench.number(late).await, 3);
    let same = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit JOIN before ON before.id = audit.id AND before.seq = audit.seq AND before.chain = audit.chain";
    assert_eq!(bench.number(same).await, 5);
    whole(&bench).await;
}

/// A log from a release that sealed nothing: its lines have no codes and become the beginning of the chain; later ones need theirs.
async fn lines_from_before_the_chain_are_its_beginning(bench: Bench) {
    bench.write(6).await;
    bench.sql("UPDATE audit SET mac = NULL").await;
    bench.app.seal_audit().await.unwrap();
    bench.write(3).await;
    whole(&bench).await;
    bench.write(1).await;
    bench.sql("UPDATE audit SET mac = NULL WHERE seq IS NULL").await;
    assert_eq!(bench.app.seal_audit().await.unwrap().foreign, 1);
}

async fn the_log_is_searched_by_what_an_auditor_knows(bench: Bench) {
    use domain::audit::Filter;
    use ports::store::Page;
    bench.write(3).await;
    bench.clock.advance(60);
    let caller = app::Caller { actor: domain::audit::Actor::ApiKey("key_1".to_owned()), request: Some("req_7".to_owned()) };
    let rights = std::collections::BTreeSet::from([domain::access::Right::Read]);
    let (key, _) = bench.app.create_api_key("tests", rights, None, &caller).await.unwrap();
    let count = async |filter: Filter| bench.app.audit_lines(&filter, Page::first(50), true).await.unwrap().len();
    let now = bench.app.now();
    assert_eq!(count(Filter::default()).await, 4);
    assert_eq!(count(Filter { since: Some(now), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { until: Some(now), ..Filter::default() }).await, 3);
    assert_eq!(count(Filter { action: Some("admin.".to_owned()), ..Filter::default() }).await, 3);
    assert_eq!(count(Filter { actor: Some("operator".to_owned()), ..Filter::default() }).await, 3);
    assert_eq!(count(Filter { actor: Some("api_key:key_1".to_owned()), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { actor: Some("api_key:key_2".to_owned()), ..Filter::default() }).await, 0);
    assert_eq!(count(Filter { request: Some("req_7".to_owned()), ..Filter::default() }).await, 1);
    let all = Filter { since: Some(now), subject: Some(key.id.to_string()), action: Some("key.".to_owned()), ..Filter::default() };
    assert_eq!(count(all.clone()).await, 1);
    assert_eq!(count(Filter { action: Some("admin.".to_owned()), ..all }).await, 0);
    let oldest = bench.app.audit_lines(&Filter::default(), Page::first(2), false).await.unwrap();
    let rest = Page { after: oldest.last().map(|line| line.id.clone()), limit: 50 };
    let rest = bench.app.audit_lines(&Filter::default(), rest, false).await.unwrap();
    assert_eq!((oldest.len(), rest.len()), (2, 2));
    assert!(oldest[1].id < rest[0].id && rest[0].id < rest[1].id);
}

on_both!(
    racing_sealers_and_writers_leave_no_gap_and_no_place_twice,
    a_sealer_that_dies_anywhere_leaves_nothing_half_done,
    a_line_that_arrives_late_is_sealed_late,
    lines_from_before_the_chain_are_its_beginning,
    the_log_is_searched_by_what_an_auditor_knows,
);
