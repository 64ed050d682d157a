//! The drill looks at the audit log of a backup: with the checkpoints in it, and with the outside file as far as the backup must have it.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use domain::{Timestamp, backups::BackupFile};
use ports::{
    Backups,
    backups::{BackupError, Scratch},
};
use testkit::{FrozenClock, SeededEntropy};
use vault::KeyRing;

use crate::{bench::Bench, on_both};

/// A backup of a bench as it is now, said to be begun at a time.
struct Copy {
    url: String,
    begun: Timestamp,
    to: PathBuf,
}

impl Copy {
    fn of(bench: &Bench) -> Self {
        let name = format!("{}-drill.db", bench.url.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
        let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        Self { url: bench.url.clone(), begun: bench.app.now(), to }
    }
}

#[async_trait]
impl Backups for Copy {
    async fn make(&self, _ring: &KeyRing, _at: Timestamp) -> Result<BackupFile, BackupError> {
        Err(BackupError("not asked for".to_owned()))
    }

    async fn list(&self, _ring: &KeyRing) -> Result<Vec<BackupFile>, BackupError> {
        Ok(Vec::new())
    }

    async fn scratch(&self, _ring: &KeyRing) -> Result<Option<Scratch>, BackupError> {
        let options = store::Options::new(Arc::new(FrozenClock::at(self.begun)), Arc::new(SeededEntropy::new(99)));
        let database = store::open(&self.url, options.clone()).await.unwrap();
        let (send, pieces) = tokio::sync::mpsc::channel(4);
        let dumping = tokio::spawn(async move { database.dump(send).await });
        for end in ["", "-wal", "-shm"] {
            let file = PathBuf::from(format!("{}{end}", self.to.display()));
            if file.exists() {
                std::fs::remove_file(file).unwrap();
            }
        }
        let url = format!("sqlite:{}", self.to.display());
        let afterwards = store::Afterwards { at: self.begun, settings: Vec::new(), end_sessions: false };
        let loaded = store::load(&url, &options, false, afterwards, pieces).await.unwrap();
        dumping.await.unwrap().unwrap();
        let database = store::open(&url, options).await.unwrap();
        let found = database.count().await.unwrap().counts.0;
        let file = BackupFile {
            name: "greenroom-1.backup".to_owned(),
            bytes: 1,
            started_at: self.begun,
            key_id: "k1".to_owned(),
            engine: "sqlite".to_owned(),
            schema: store::newest_schema(),
            rows: None,
            verified_at: None,
        };
        Ok(Some(Scratch { file, store: database, said: loaded.dumped.counts.0, found, remove: Box::new(()) }))
    }
}

/// Lines, a checkpoint over them that left, and half an hour.
async fn an_hour_of_work(bench: &Bench) -> i64 {
    bench.write(5).await;
    bench.app.seal_audit().await.unwrap();
    let signed = bench.app.checkpoint_audit(true).await.unwrap().unwrap();
    bench.app.drain(100).await.unwrap();
    bench.clock.advance(1_800);
    signed.seq
}

async fn a_drill_says_up_to_where_the_log_of_the_backup_is_vouched_for(bench: Bench) {
    an_hour_of_work(&bench).await;
    let second = an_hour_of_work(&bench).await;
    bench.write(2).await;
    bench.app.seal_audit().await.unwrap();
    let drill = bench.app.drill_now(&Copy::of(&bench)).await.unwrap();
    assert_eq!(drill.problems, Vec::<String>::new());
    let said = drill.audit.unwrap();
    assert!(said.contains(&format!("vouches for them up to line {second}")), "{said}");
    assert!(said.contains(&format!("the file outside agrees up to line {second}")), "{said}");
    assert_eq!(bench.app.backup_records().await.unwrap().drill.unwrap().audit, Some(said));
}

async fn a_drill_fails_on_a_log_that_was_altered_before_the_backup_and_names_it(bench: Bench) {
    let first = an_hour_of_work(&bench).await;
    an_hour_of_work(&bench).await;
    bench.remember().await;
    let drill = async || bench.app.drill_now(&Copy::of(&bench)).await.unwrap();
    let alerts =
        async || bench.number("SELECT CAST(COUNT(*) AS BIGINT) FROM alerts WHERE kind = 'drill_failed' AND ended_at IS NULL").await;
    bench.sql("UPDATE audit SET subject = 'another' WHERE seq = 3").await;
    let failed = drill().await;
    assert!(!failed.passed() && failed.problems.len() == 1, "{:?}", failed.problems);
    assert!(failed.problems[0].contains("audit log, line 3") && failed.problems[0].contains("edited"), "{:?}", failed.problems);
    assert!(failed.audit.unwrap().contains("NOT as it was written"));
    assert_eq!(alerts().await, 1);
    bench.restore().await;
    assert!(drill().await.passed());
    assert_eq!(alerts().await, 0, "the alert ends with the next drill that passes");
    // Cut together with its checkpoints, and the recorded end with it: only the file outside knows.
    bench
        .sql(&format!(
            "DELETE FROM audit WHERE seq > {first}; DELETE FROM audit_checkpoints WHERE seq > {first}; \
             UPDATE audit_head SET seq = {first}, chain = (SELECT chain FROM audit WHERE seq = {first});"
        ))
        .await;
    let failed = drill().await;
    assert!(failed.problems.iter().any(|problem| problem.contains("cut")), "{:?}", failed.problems);
}

async fn what_a_restore_took_is_not_held_against_a_backup(bench: Bench) {
    let first = an_hour_of_work(&bench).await;
    let (as_of, copy) = (bench.app.now(), Copy::of(&bench));
    bench.remember().await;
    let second = an_hour_of_work(&bench).await;
    // A backup from before knows nothing of the newer checkpoint in the file.
    let old = Copy { begun: as_of, ..copy };
    bench.restore().await;
    assert_eq!(bench.app.drill_now(&old).await.unwrap().problems, Vec::<String>::new());
    // One from now should.
    let failed = bench.app.drill_now(&Copy::of(&bench)).await.unwrap();
    assert!(failed.problems.iter().any(|problem| problem.contains(&format!("up to {second}"))), "{:?}", failed.problems);
    // Unless it is on record, and sealed, that everything since was given up for a backup.
    let held = domain::held::Held { since: bench.app.now(), backup: "greenroom-1.backup".into(), as_of, erasures: None };
    bench.set("held", &serde_json::to_string(&held).unwrap()).await;
    let held = bench.app.drill_now(&Copy::of(&bench)).await.unwrap();
    assert_eq!(held.problems, Vec::<String>::new());
    assert!(held.audit.unwrap().contains(&format!("agrees up to line {first}")));
    bench.app.start_held().await.unwrap();
    bench.app.drain(100).await.unwrap();
    bench.app.release_held(&app::Caller { actor: domain::audit::Actor::Operator, request: None }).await.unwrap();
    bench.clock.advance(1_800);
    let third = an_hour_of_work(&bench).await;
    let released = bench.app.drill_now(&Copy::of(&bench)).await.unwrap();
    assert_eq!(released.problems, Vec::<String>::new());
    assert!(released.audit.unwrap().contains(&format!("agrees up to line {third}")));
}

on_both!(
    a_drill_says_up_to_where_the_log_of_the_backup_is_vouched_for,
    a_drill_fails_on_a_log_that_was_altered_before_the_backup_and_names_it,
    what_a_restore_took_is_not_held_against_a_backup,
);
