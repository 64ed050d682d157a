//! `greenroom audit`: verify the chain, accept what was looked into, export the log, print the public keys. Works beside a running server.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result};
use app::{App, ExportedLine, Report, VerifyOptions, parse_checkpoints};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use domain::{
    Timestamp,
    audit::{Checkpoint, Filter},
};
use ports::store::Page;

use super::erase::{operator, said};
use crate::{config::Config, wiring, world::MachineClock};

/// Lines read at once.
const PAGE: u32 = 1_000;

/// What to do with the audit log.
#[derive(Subcommand)]
pub enum Audit {
    /// Read the whole chain again, name what is not as it was written, and say up to where it is vouched for; exit 0 or 1.
    Verify {
        /// Checkpoints that left the database: the file of GREENROOM_AUDIT_FILE, or lines saved from mails.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// Only what follows the checkpoint of this line.
        #[arg(long, value_name = "LINE")]
        since: Option<i64>,
    },
    /// Show what is found now and, told to, accept it: for lines that a restore took or somebody altered, once that was looked into. It is
    /// written down with the reason, listed ever after, and checkpoints are signed again.
    Accept {
        /// What was looked into and what it was, for the log: no names, no addresses.
        #[arg(long)]
        reason: String,
        /// Checkpoints that left the database, to accept what they find too.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// Accepts it.
        #[arg(long)]
        yes: bool,
    },
    /// Print lines as JSON, oldest first, with everything that is needed to check the chain elsewhere.
    Export {
        /// From this time on, such as 2026-11-23T09:00:00Z.
        #[arg(long)]
        since: Option<Timestamp>,
        /// Before this time.
        #[arg(long)]
        until: Option<Timestamp>,
        /// About this id.
        #[arg(long)]
        subject: Option<String>,
        /// By whom: system, operator, api_key, account, administrator or person, perhaps with an id: api_key:key_….
        #[arg(long)]
        actor: Option<String>,
        /// What the action begins with, such as `grant.`.
        #[arg(long)]
        action: Option<String>,
        /// Caused by this request.
        #[arg(long)]
        request: Option<String>,
    },
    /// Print the public keys that checkpoints are signed with, the active one first: name and Base64.
    Key,
}

/// Runs one of them.
pub async fn run(what: Audit, config: &Config, home: Option<&Path>) -> Result<ExitCode> {
    // The file is looked at first: a typing mistake should not wait for a database.
    let file = match &what {
        Audit::Verify { against: Some(path), .. } | Audit::Accept { against: Some(path), .. } => {
            Some(std::fs::read_to_string(path).with_context(|| format!("the file {} cannot be read", path.display()))?)
        }
        _ => None,
    };
    let app = wiring::install(config, home, Arc::new(MachineClock), false).await?.app;
    match what {
        Audit::Verify { since, .. } => verify(&app, file.as_deref(), since).await,
        Audit::Accept { reason, yes, .. } => accept(&app, file.as_deref(), &reason, yes).await,
        Audit::Export { since, until, subject, actor, action, request } => {
            export(&app, &Filter { since, until, actor, action, subject, request }).await?;
            Ok(ExitCode::SUCCESS)
        }
        Audit::Key => {
            for key in app.checkpoint_keys().await? {
                println!("{} {}", key.id(), STANDARD.encode(key.bytes()));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn verify(app: &App, file: Option<&str>, since: Option<i64>) -> Result<ExitCode> {
    let report = app.verify_audit(VerifyOptions { against: read_checkpoints(file), since }).await?;
    print!("{}", words(&report));
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read_checkpoints(file: Option<&str>) -> Option<Vec<Checkpoint>> {
    let (checkpoints, unread) = parse_checkpoints(file?);
    for number in unread {
        println!("line {number} of the file is no checkpoint and was left out (a write may have been cut off)");
    }
    Some(checkpoints)
}

async fn accept(app: &App, file: Option<&str>, reason: &str, yes: bool) -> Result<ExitCode> {
    let options = VerifyOptions { against: read_checkpoints(file), since: None };
    if yes {
        let report = app.accept_audit(reason, options, &operator()).await.map_err(|error| said(&error))?;
        print!("{}", words(&report));
        return Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let report = app.verify_audit(options).await?;
    print!("{}", words(&report));
    if report.holds() {
        println!("there is nothing to accept");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Nothing was written. Find out first how each FOUND came about and who could write to the database; then --yes accepts all of them"
    );
    Ok(ExitCode::FAILURE)
}

/// The report for somebody at a terminal.
fn words(report: &Report) -> String {
    let mut text = Vec::new();
    let began = if report.since == 0 { "the beginning".to_owned() } else { format!("line {}", report.since) };
    text.push(format!("{} sealed lines were read, from {began} to line {}", report.lines, report.end));
    match &report.vouched {
        Some(checkpoint) => {
            text.push(format!("vouched for up to line {} by the checkpoint of {}", checkpoint.seq, checkpoint.at));
            let rest = report.end - checkpoint.seq;
            if rest > 0 {
                text.push(format!("the {rest} lines behind it fit together and were written with a key of this installation; no checkpoint vouches for them yet"));
            }
        }
        None => text.push(
            "no checkpoint vouches for any of it: the lines fit together, but whoever has the database could have left some out"
                .to_owned(),
        ),
    }
    match (&report.witnessed, report.against) {
        (Some(checkpoint), _) => text.push(format!("the file agrees up to line {}", checkpoint.seq)),
        (None, true) => text.push("the file holds no checkpoint that agrees".to_owned()),
        (None, false) => text.push(
            "no checkpoint from outside the database was compared; --against FILE also finds a log that was rewritten together with its checkpoints".to_owned(),
        ),
    }
    text.push(format!("{} lines are not sealed yet; {} payloads were erased", report.unsealed, report.erased));
    for acceptance in &report.accepted {
        for finding in &acceptance.findings {
            text.push(format!("accepted on {} because “{}”: {finding}", acceptance.at, acceptance.reason));
        }
    }
    for finding in &report.findings {
        text.push(format!("FOUND {finding}"));
    }
    if report.more > 0 {
        text.push(format!("FOUND {} more", report.more));
    }
    let verdict = match (report.holds(), report.accepted.is_empty()) {
        (true, true) => "the log holds",
        (true, false) => "the log holds but for what was accepted",
        (false, _) => "the log is NOT as it was written",
    };
    text.push(verdict.to_owned());
    text.join("\n") + "\n"
}

async fn export(app: &App, filter: &Filter) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout());
    let mut page = Page::first(PAGE);
    loop {
        let lines = app.audit_lines(filter, page, false).await?;
        let Some(last) = lines.last().map(|line| line.id.clone()) else { break };
        for line in lines {
            serde_json::to_writer(&mut out, &ExportedLine::from(line))?;
            out.write_all(b"\n")?;
        }
        page = Page { after: Some(last), limit: PAGE };
    }
    out.flush().context("the export could not be written to the end")
}

#[cfg(test)]
mod tests {
    use app::{Acceptance, AcceptedFinding, Flaw, What};

    use super::*;

    fn report() -> Report {
        let checkpoint = Checkpoint {
            installation: "ins_1".to_owned(),
            seq: 1_200,
            chain: "00".to_owned(),
            count: 1_200,
            at: "2026-11-23T09:00:00Z".parse().unwrap(),
            key: "k".to_owned(),
            signature: "s".to_owned(),
        };
        Report {
            since: 0,
            lines: 1_234,
            end: 1_234,
            erased: 5,
            unsealed: 2,
            vouched: Some(checkpoint),
            witnessed: None,
            checkpoints: 3,
            against: false,
            head: 1_234,
            contradicted: Vec::new(),
            accepted: Vec::new(),
            findings: Vec::new(),
            more: 0,
        }
    }

    #[test]
    fn the_report_says_how_far_it_vouches_and_what_it_does_not_know() {
        let text = words(&report());
        assert!(text.contains("vouched for up to line 1200 by the checkpoint of 2026-11-23T09:00:00Z"), "{text}");
        assert!(
            text.contains("the 34 lines behind it") && text.contains("--against FILE") && text.contains("2 lines are not sealed"),
            "{text}"
        );
        assert!(text.ends_with("the log holds\n"), "{text}");
        let text = words(&Report { vouched: None, ..report() });
        assert!(text.contains("no checkpoint vouches for any of it"), "{text}");
    }

    #[test]
    fn what_was_accepted_is_listed_apart_and_never_hidden() {
        let finding = AcceptedFinding {
            seq: Some(7),
            line: Some("aud_1".to_owned()),
            kind: "deleted".to_owned(),
            extent: Some(9),
            content: None,
        };
        let at = "2026-11-23T10:00:00Z".parse().unwrap();
        let accepted = vec![Acceptance { at, reason: "a restore".to_owned(), findings: vec![finding] }];
        let text = words(&Report { accepted: accepted.clone(), ..report() });
        assert!(
            text.ends_with(
                "accepted on 2026-11-23T10:00:00Z because “a restore”: line 7 (aud_1): deleted, 9\nthe log holds but for what was accepted\n"
            ),
            "{text}"
        );
        let new = Flaw { seq: Some(8), id: None, what: What::Edited, content: None };
        let text = words(&Report { accepted, findings: vec![new], ..report() });
        assert!(
            text.contains("accepted on") && text.contains("FOUND line 8") && text.ends_with("NOT as it was written\n"),
            "{text}"
        );
    }

    #[test]
    fn every_finding_is_named() {
        let finding = Flaw { seq: Some(7), id: Some("aud_1".to_owned()), what: What::Swapped { with: 9 }, content: None };
        let text = words(&Report { findings: vec![finding], more: 4, ..report() });
        assert!(
            text.contains("FOUND line 7 (aud_1): swapped with line 9\nFOUND 4 more\nthe log is NOT as it was written"),
            "{text}"
        );
    }
}
