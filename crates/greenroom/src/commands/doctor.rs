//! `doctor`: looks at everything that Greenroom stands on, and says what is wrong and how to mend it. Sends no mail, writes no event.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use app::{Condition, Finding};
use calendars::zoho::{DEFAULT_SCOPES, parse_scopes};
use mail::{Sender, Smtp};
use ports::Backups;
use serde_json::json;

use crate::{
    config::{Config, Variables},
    listen::Certificate,
    wiring,
    world::MachineClock,
};

/// Less than this share of a disk, or fewer bytes, is a warning; a tenth of that is bad.
const FREE_PERCENT: u64 = 10;
const FREE_BYTES: u64 = 1 << 30;
/// A certificate that ends sooner is a warning.
const CERTIFICATE_DAYS: i64 = 14;

/// A newest backup that is older is no daily one.
const BACKUP_HOURS: i64 = 48;

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object instead of lines for people.
    #[arg(long)]
    json: bool,
    /// At most so many grants, oldest first.
    #[arg(long, default_value_t = 50)]
    grants: u32,
}

/// Looks at everything; 0 unless something does not work.
pub async fn doctor(arguments: Arguments, variables: &Variables, home: Option<PathBuf>) -> Result<ExitCode> {
    let mut found = Vec::new();
    match Config::from(variables) {
        Ok(config) => {
            found.push(Finding::good("configuration", "can be read, and nothing contradicts"));
            look(&config, home.as_deref(), arguments.grants, &mut found).await;
        }
        Err(error) => found.push(Finding::bad("configuration", format!("{error:#}"))),
    }
    report(&found, arguments.json);
    let bad = found.iter().any(|finding| finding.condition == Condition::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn look(config: &Config, home: Option<&Path>, grants: u32, found: &mut Vec<Finding>) {
    found.push(redirect_uri(config));
    found.push(scopes(config));
    found.push(mail_server(config).await);
    found.extend(config.database_folder().map(|folder| disk(&folder)));
    if let Some((chain, key)) = &config.tls {
        found.push(certificate(chain, key));
    }
    if config.database_file().is_some_and(|file| !file.exists()) {
        found.push(Finding::warning("database", "there is none yet; the first `greenroom serve` makes it, with its key"));
        return;
    }
    // Before the wiring makes it.
    let folder_is_there = config.backup_dir.as_deref().map(Path::exists);
    let installation = match wiring::install(config, home, Arc::new(MachineClock), false).await {
        Ok(installation) => installation,
        Err(error) => return found.push(Finding::bad("database and key", format!("{error:#}"))),
    };
    found.push(Finding::good("database and key", "the database answers, and the key is the one it was sealed with"));
    found.push(public_address(config).await);
    found.push(backups(&installation, folder_is_there).await);
    found.extend(config.backups_beside_database.then_some(config.backup_dir.as_deref()).flatten().map(|folder| {
        let says = format!(
            "backups are kept in {}, beside the database: a disk that dies takes both; set GREENROOM_BACKUP_DIR to a folder on another disk",
            folder.display()
        );
        Finding::warning("backups' place", says)
    }));
    found.push(Finding::good(
        "key ring",
        format!(
            "the keys are in {}, and never in a backup: keep a copy of them in another place than the backups, which are worthless without",
            installation.keys.1.name()
        ),
    ));
    match installation.app.examine(grants).await {
        Ok(more) => found.extend(more),
        Err(error) => found.push(Finding::bad("database", error.to_string())),
    }
    match installation.app.examine_sign_on().await {
        Ok(more) => found.extend(more),
        Err(error) => found.push(Finding::bad("single sign-on", error.to_string())),
    }
    let ready = installation.app.ready().await;
    found.extend(ready.problems.into_iter().map(|problem| Finding::bad("readiness", problem)));
}

/// Whether the browser comes back to us.
fn redirect_uri(config: &Config) -> Finding {
    let Ok(uri) = url::Url::parse(&config.zoho.redirect_uri) else {
        return Finding::bad("redirect URI", "ZOHO_REDIRECT_URI is not a URL");
    };
    if uri.path().trim_end_matches('/') != "/api/oauth/callback" {
        return Finding::bad(
            "redirect URI",
            format!(
                "it ends in {}, where nothing answers; it must end in /api/oauth/callback/, here and in the API console",
                uri.path()
            ),
        );
    }
    if uri.origin() != config.public_url.origin() {
        return Finding::warning(
            "redirect URI",
            format!(
                "it leads to {}, mailed links to {}; that works if both are this server",
                uri.origin().ascii_serialization(),
                config.public_url.origin().ascii_serialization()
            ),
        );
    }
    Finding::good("redirect URI", format!("{uri}; the API console must list it letter by letter"))
}

fn scopes(config: &Config) -> Finding {
    let missing: Vec<String> =
        parse_scopes(DEFAULT_SCOPES).into_iter().filter(|scope| !config.zoho.scopes.contains(scope)).collect();
    if missing.is_empty() {
        Finding::good("scopes", "everything that is needed is asked for")
    } else {
        Finding::warning(
            "scopes",
            format!("ZOHO_SCOPES does not ask for {}; docs/connect-zoho.md says what fails without each", missing.join(", ")),
        )
    }
}

async fn mail_server(config: &Config) -> Finding {
    let Some(smtp) = &config.smtp else {
        return Finding::warning("mail", "EMAIL_HOST is not set: nobody gets mail, messages stay on the dashboard's mailbox page");
    };
    let probe = match Sender::parse(&config.sender).and_then(|sender| Smtp::new(sender, smtp, None)) {
        Ok(mailer) => mailer.probe().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match probe {
        Ok(()) => Finding::good("mail", format!("{} takes our log-in", smtp.host)),
        Err(error) => Finding::bad("mail", format!("{error}; check EMAIL_HOST and the variables beside it")),
    }
}

/// Whether there is a backup, and how old the newest is.
async fn backups(installation: &wiring::Installation, folder_was_there: Option<bool>) -> Finding {
    let Some(folder) = &installation.backups else {
        return Finding::warning(
            "backups",
            "none are made here: set GREENROOM_BACKUP_DIR to a folder on another disk than the database",
        );
    };
    let files = match folder.list(&installation.keys.0).await {
        Ok(files) => files,
        Err(error) => return Finding::bad("backups", error.to_string()),
    };
    let age = files.first().map(|newest| (MachineClock::seconds() - newest.started_at.as_second()) / 3_600);
    let had_some = match installation.app.backup_records().await {
        Ok(records) => records.last_success.is_some(),
        Err(error) => return Finding::bad("backups", error.to_string()),
    };
    judge_backups(age, folder_was_there == Some(true), had_some)
}

/// By the age of the newest in hours, whether its folder was there, and whether one was ever made.
fn judge_backups(age: Option<i64>, folder_was_there: bool, had_some: bool) -> Finding {
    match age {
        Some(hours) if hours > BACKUP_HOURS => Finding::bad(
            "backups",
            format!("the newest is {hours} hours old; the page Backups says why, and `greenroom backup` makes one now"),
        ),
        Some(hours) => Finding::good("backups", format!("the newest is {hours} hours old")),
        None if had_some => {
            let gone =
                if folder_was_there { "the folder of backups holds none any more" } else { "the folder of backups was gone" };
            Finding::bad(
                "backups",
                format!("{gone}, and there was one: look whether its disk is mounted, then run `greenroom backup`"),
            )
        }
        None => {
            Finding::warning("backups", "there is none yet; `greenroom backup` makes one, and `greenroom serve` makes one a day")
        }
    }
}

fn disk(folder: &Path) -> Finding {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let state = match rustix::fs::statvfs(existing) {
        Ok(state) => state,
        Err(error) => return Finding::warning("disk", format!("{} cannot be looked at: {error}", existing.display())),
    };
    let (free, whole) = (state.f_bavail.saturating_mul(state.f_frsize), state.f_blocks.saturating_mul(state.f_frsize));
    let says = format!("{} has {} MiB of {} MiB left", existing.display(), free >> 20, whole >> 20);
    judge(free, whole).map_or_else(
        || Finding::good("disk", says.clone()),
        |condition| Finding {
            what: "disk",
            condition,
            says: format!("{says}; make room: a database that cannot be written loses nothing, and stops everything"),
        },
    )
}

/// `None` while there is room.
fn judge(free: u64, whole: u64) -> Option<Condition> {
    let low = |part: u64| free < FREE_BYTES / part || free < whole / (100 / FREE_PERCENT) / part;
    match (low(10), low(1)) {
        // A small share of a large disk is still room.
        (true, _) if free < FREE_BYTES => Some(Condition::Bad),
        (_, true) if free < 10 * FREE_BYTES => Some(Condition::Warning),
        _ => None,
    }
}

fn certificate(chain: &Path, key: &Path) -> Finding {
    match Certificate::load(chain, key) {
        Err(error) => Finding::bad("certificate", format!("{error:#}")),
        Ok(certificate) => {
            let ends = certificate.ends_at();
            let days = (ends.as_second() - MachineClock::seconds()) / 86_400;
            match days {
                ..0 => Finding::bad("certificate", format!("it ended on {ends}; renew it")),
                0..CERTIFICATE_DAYS => Finding::warning("certificate", format!("it ends on {ends}; renew it")),
                _ => Finding::good("certificate", format!("it ends on {ends}")),
            }
        }
    }
}

/// Whether the address in mailed links leads to a Greenroom, as seen from this machine.
#[expect(clippy::disallowed_methods, reason = "one request to our own address, with a limit")]
async fn public_address(config: &Config) -> Finding {
    let Ok(url) = config.public_url.join("healthz") else {
        return Finding::bad("public address", format!("{} is no base for links", config.public_url));
    };
    let asked = async {
        let redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().redirect(redirects).timeout(Duration::from_secs(10)).build()?;
        client.get(url.clone()).send().await
    };
    match asked.await {
        Ok(answer) if answer.status().is_success() => Finding::good("public address", format!("{url} answers")),
        Ok(answer) => Finding::bad(
            "public address",
            format!("{url} answers {}: the proxy leads elsewhere, or it passes another Host header on", answer.status()),
        ),
        Err(error) => Finding::warning(
            "public address",
            format!(
                "{url} cannot be reached from here ({}); fine if `serve` is not running or this machine may not go out",
                error.without_url()
            ),
        ),
    }
}

fn report(found: &[Finding], as_json: bool) {
    let word = |condition| match condition {
        Condition::Good => "ok",
        Condition::Warning => "warning",
        Condition::Bad => "bad",
    };
    if as_json {
        let items: Vec<_> = found
            .iter()
            .map(|finding| json!({"what": finding.what, "condition": word(finding.condition), "says": finding.says}))
            .collect();
        println!("{}", json!({"findings": items}));
        return;
    }
    for finding in found {
        println!("{:<8} {:<17} {}", word(finding.condition), finding.what, finding.says);
    }
    let count = |condition| found.iter().filter(|finding| finding.condition == condition).count();
    println!(
        "\n{} looked at: {} ok, {} to look at, {} bad.",
        found.len(),
        count(Condition::Good),
        count(Condition::Warning),
        count(Condition::Bad)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_are_judged_by_the_age_of_the_newest_and_by_what_there_was() {
        let judged = |age, there, had| judge_backups(age, there, had).condition;
        assert_eq!(judged(Some(0), true, true), Condition::Good);
        assert_eq!(judged(Some(48), true, true), Condition::Good);
        assert_eq!(judged(Some(49), true, true), Condition::Bad);
        assert_eq!(judged(None, true, false), Condition::Warning);
        assert_eq!(judged(None, true, true), Condition::Bad);
        assert!(judge_backups(None, false, true).says.contains("was gone"));
    }

    #[test]
    fn room_is_judged_by_share_and_by_size() {
        const GIB: u64 = 1 << 30;
        assert_eq!(judge(50 * GIB, 1_000 * GIB), None);
        assert_eq!(judge(5 * GIB, 20 * GIB), None);
        assert_eq!(judge(5 * GIB, 1_000 * GIB), Some(Condition::Warning));
        assert_eq!(judge(GIB / 2, 2 * GIB), Some(Condition::Warning));
        assert_eq!(judge(GIB / 20, 2 * GIB), Some(Condition::Bad));
        assert_eq!(judge(0, 0), Some(Condition::Bad));
    }
}
