//! `check EMAIL`: the whole way from here to one manager's calendar, step by step, over the API of a running server. Every step says what
//! it found or, if it failed, what that means and what to do. With `--write` one marked event is made, read back and deleted again.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use domain::{EmailAddress, Timestamp};
use ports::Clock;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use crate::{
    config::Variables,
    remote::{Answer, Server},
    world::MachineClock,
};

/// The title of the event that `--write` makes.
pub const TITLE: &str = "Greenroom check, will be deleted";
/// How far ahead that event is: where nobody has plans, and nobody sees it flash by.
const AHEAD_DAYS: i64 = 400;
/// How far ahead events are read.
const WINDOW_DAYS: i64 = 14;
/// How often an event that was just written is looked for or deleted, and how long it waits in between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);
/// Differences named one by one.
const MAX_SHOWN: usize = 5;

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The manager.
    email: EmailAddress,
    /// Also makes one marked event far in the future, reads it back and deletes it.
    #[arg(long)]
    write: bool,
}

/// A step that failed: what that means, and what to do about it.
struct Failed {
    means: String,
    cure: String,
}

type Step<T> = Result<T, Failed>;

fn failed<T>(means: impl Into<String>, cure: impl Into<String>) -> Step<T> {
    Err(Failed { means: means.into(), cure: cure.into() })
}

/// Runs every step; 0 if all went well.
pub async fn check(arguments: Arguments, variables: &Variables) -> Result<ExitCode> {
    let server = Server::of(variables)?;
    println!("Checking {} at {}", arguments.email, server.address());
    let mut check = Check { server, email: arguments.email.to_string(), now: MachineClock.now(), done: 0, failures: 0 };
    let through = check.all(arguments.write).await.is_some();
    println!();
    Ok(if check.failures == 0 && through {
        println!("All {} steps ok.", check.done);
        ExitCode::SUCCESS
    } else {
        let rest = if through { "" } else { " The steps after it were not tried." };
        println!("{} of {} steps failed.{rest}", check.failures, check.done);
        ExitCode::FAILURE
    })
}

struct Check {
    server: Server,
    email: String,
    now: Timestamp,
    done: u32,
    failures: u32,
}

impl Check {
    /// `None` where a step failed without which the next ones say nothing.
    async fn all(&mut self, write: bool) -> Option<()> {
        let step = self.alive().await;
        self.report("the server answers", step)?;
        let step = self.ready().await;
        self.report("the server can work", step);
        let step = self.key().await;
        self.report("the key is accepted", step)?;
        let step = self.status().await;
        self.report("the manager is connected", step)?;
        let step = self.calendars().await;
        self.report("calendars can be read", step)?;
        let step = self.events().await;
        self.report(&format!("events of the next {WINDOW_DAYS} days can be read"), step)?;
        let step = self.free_busy().await;
        self.report("free/busy agrees with the events", step);
        if write { self.write().await } else { Some(()) }
    }

    /// Whatever happens in between, an event that was made is deleted.
    async fn write(&mut self) -> Option<()> {
        let (start, end) = self.window(AHEAD_DAYS * 24, 1);
        let step = self.make(&start, &end).await;
        let uid = self.report("an event can be made", step)?;
        let found = self.find(&uid, &start, &end, Option::is_some).await;
        let step = found.and_then(|event| as_made(event.as_ref(), &start, &end));
        self.report("it is read back as it was made", step);
        let step = self.delete(&uid).await;
        self.report("it can be deleted", step)?;
        let step = self.gone(&uid, &start, &end).await;
        self.report("it is gone", step)
    }

    /// Prints a step. A success says what was found and gives the value.
    fn report<T>(&mut self, what: &str, step: Step<(T, String)>) -> Option<T> {
        self.done += 1;
        match step {
            Ok((value, found)) => {
                println!("  {:2}. ok      {what}: {found}", self.done);
                Some(value)
            }
            Err(Failed { means, cure }) => {
                self.failures += 1;
                println!(
                    "  {:2}. FAILED  {what}\n               what it means: {means}\n               what to do:    {cure}",
                    self.done
                );
                None
            }
        }
    }

    async fn alive(&self) -> Step<((), String)> {
        let answer = self.get(&["healthz"], &[]).await?;
        if answer.status.is_success() && answer.body["ok"] == true {
            return Ok(((), self.server.address().to_owned()));
        }
        failed(
            format!("something answers there ({}), but not Greenroom", answer.status),
            "set GREENROOM_URL to the address of Greenroom, and look at the reverse proxy before it",
        )
    }

    async fn ready(&self) -> Step<((), String)> {
        let answer = self.get(&["readyz"], &[]).await?;
        if answer.status.is_success() {
            return Ok(((), "database and credentials are well as far as it knows".to_owned()));
        }
        let problems: Vec<&str> = answer.body["problems"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if problems.is_empty() {
            failed(answer.sentence(), LOOK_AT_LOG)
        } else {
            failed("the server names what is wrong itself", problems.join("; "))
        }
    }

    async fn key(&self) -> Step<((), String)> {
        const MAKE: &str =
            "make a key with the rights read and commit on the dashboard's page of keys, and set it as GREENROOM_API_KEY";
        if !self.server.has_key() {
            return failed("GREENROOM_API_KEY is not set, and the API answers nobody without a key", MAKE);
        }
        let answer = self.get(&["api", "v1", "managers"], &[("limit", "1")]).await?;
        match answer.status {
            StatusCode::OK => Ok(((), "it may read".to_owned())),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failed(answer.sentence(), MAKE),
            _ => self.refused(&answer),
        }
    }

    async fn status(&self) -> Step<((), String)> {
        let body = self.read(&["api", "admin", "oauth", "status", ""], &[("manager_email", &self.email)]).await?;
        let ask = format!(
            "send {} a link: POST /api/admin/oauth/setup/ with manager_email and notify=true, or on the dashboard's page of managers",
            self.email
        );
        let [has, active, valid] = ["has_integration", "is_active", "has_valid_token"].map(|name| body[name] == true);
        if !has {
            return failed("this manager never granted access, or another address is meant", ask);
        }
        if !active {
            return failed(
                "access was granted once and has ended: disconnected, revoked at the provider, or it waits for an administrator",
                format!("look at the dashboard's page of managers; if it has ended, {ask}"),
            );
        }
        if !valid {
            return failed(
                "the access token has ended and the last refresh did not work",
                "POST /api/admin/oauth/refresh/ tries it again and says why it fails",
            );
        }
        Ok(((), format!("calendar {}, token until {}", text(&body, "calendar_id"), text(&body, "expires_at"))))
    }

    async fn calendars(&self) -> Step<((), String)> {
        let body = self.read(&["api", "v1", "managers", &self.email, "calendars"], &[]).await?;
        let all: Vec<&Value> = body["items"].as_array().into_iter().flatten().collect();
        let own: Vec<&str> =
            all.iter().filter(|calendar| calendar["writable"] == true).map(|calendar| text(calendar, "name")).collect();
        if own.is_empty() {
            return failed(
                format!("the account has {} calendars and none that may be written to, so nothing can be booked", all.len()),
                "let the manager make a calendar of their own, or connect with the account that owns one",
            );
        }
        Ok(((), format!("{}, of them writable: {}", all.len(), own.join(", "))))
    }

    async fn events(&self) -> Step<((), String)> {
        let (start, end) = self.window(0, WINDOW_DAYS * 24);
        let body = self.read(&self.events_path(), &[("start", &start), ("end", &end)]).await?;
        let all = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let busy = all.iter().filter(|event| event["busy"] == true).count();
        Ok(((), format!("{}, of them {busy} busy", all.len())))
    }

    async fn free_busy(&self) -> Step<((), String)> {
        let (start, end) = self.window(0, WINDOW_DAYS * 24);
        let path = ["api", "v1", "managers", &self.email, "free-busy-check"];
        let body = self.read(&path, &[("start", &start), ("end", &end)]).await?;
        if body["shared"] == false {
            return Ok((
                (),
                "the account does not share free/busy, so there is nothing to compare; Greenroom reads the events".to_owned(),
            ));
        }
        if body["agrees"] == true {
            let count = body["by_events"].as_array().map_or(0, Vec::len);
            return Ok(((), format!("{count} busy times, the same in both")));
        }
        let named = |list: &str, side: &str| -> Option<String> {
            let times = body[list].as_array().filter(|times| !times.is_empty())?;
            let shown: Vec<String> =
                times.iter().take(MAX_SHOWN).map(|time| format!("{} to {}", text(time, "start"), text(time, "end"))).collect();
            let more = if times.len() > MAX_SHOWN { format!(" and {} more", times.len() - MAX_SHOWN) } else { String::new() };
            Some(format!("busy only {side}: {}{more}", shown.join(", ")))
        };
        let sides = [
            (
                named("only_events", "by the events"),
                "Greenroom plans by the events, so nothing is offered then: see whether the calendar shows these times as free",
            ),
            (
                named("only_provider", "by free/busy"),
                "Greenroom plans by the events, so these times may be offered: see what the calendar has there, and whether its calendar is among the chosen ones",
            ),
        ];
        let (means, cures): (Vec<String>, Vec<&str>) = sides.into_iter().filter_map(|(times, cure)| Some((times?, cure))).unzip();
        failed(means.join("; "), cures.join(". "))
    }

    async fn make(&self, start: &str, end: &str) -> Step<(String, String)> {
        let body = json!({
            "title": TITLE, "start": start, "end": end, "allow_conflict": true,
            "description": "Made by `greenroom check --write` to see that events can be written. It is deleted within seconds; if it is still here, delete it.",
        });
        let answer = self.send(Method::POST, &self.events_path(), Some(&body)).await?;
        if answer.status == StatusCode::FORBIDDEN {
            return failed(answer.sentence(), "use a key that also has the right commit");
        }
        if answer.status.is_server_error() {
            let look =
                format!("look on {start} in the calendar whether `{TITLE}` was made all the same, and delete it; {LOOK_AT_LOG}");
            return failed(answer.sentence(), look);
        }
        if !answer.status.is_success() {
            return self.refused(&answer);
        }
        match answer.body["id"].as_str() {
            Some(uid) => Ok((uid.to_owned(), format!("`{TITLE}` on {start}"))),
            None => failed(
                "the answer names no event, so nobody knows whether there is one",
                format!("look for `{TITLE}` on {start} in the calendar and delete it"),
            ),
        }
    }

    /// The event as the calendar lists it. A list may lag behind a write, so it is asked again until it is as `wanted`, or patience ends.
    async fn find(&self, uid: &str, start: &str, end: &str, wanted: fn(&Option<Value>) -> bool) -> Step<Option<Value>> {
        let mut tries = 1..=TRIES;
        loop {
            let body = self.read(&self.events_path(), &[("start", start), ("end", end)]).await?;
            let found = body["items"].as_array().into_iter().flatten().find(|event| event["id"] == uid).cloned();
            if wanted(&found) || tries.next() == Some(TRIES) {
                return Ok(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn delete(&self, uid: &str) -> Step<((), String)> {
        let mut path = self.events_path().to_vec();
        path.push(uid);
        let mut tries = 1..=TRIES;
        let answer = loop {
            let answer = self.send(Method::DELETE, &path, None).await?;
            if answer.status.is_success() {
                return Ok(((), "deleted".to_owned()));
            }
            if tries.next() == Some(TRIES) {
                break answer;
            }
            tokio::time::sleep(PAUSE).await;
        };
        failed(answer.sentence(), format!("delete `{TITLE}` by hand in the calendar, {AHEAD_DAYS} days from now"))
    }

    async fn gone(&self, uid: &str, start: &str, end: &str) -> Step<((), String)> {
        match self.find(uid, start, end, Option::is_none).await? {
            None => Ok(((), "the calendar is as it was".to_owned())),
            Some(_) => failed(
                "the provider said it was deleted and still lists it",
                format!("wait a minute and look at {start} in the calendar; delete `{TITLE}` by hand if it stays"),
            ),
        }
    }

    fn events_path(&self) -> [&str; 7] {
        ["api", "v1", "managers", &self.email, "calendars", "primary", "events"]
    }

    /// From `ahead` hours after the last full hour, `hours` long.
    fn window(&self, ahead: i64, hours: i64) -> (String, String) {
        let hour = self.now.as_second().div_euclid(3_600);
        let at = |hours: i64| Timestamp::from_second((hour + hours) * 3_600).unwrap_or(self.now).to_string();
        (at(ahead), at(ahead + hours))
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Step<Answer> {
        self.answer(Method::GET, self.server.url(path, query), None).await
    }

    async fn send(&self, method: Method, path: &[&str], body: Option<&Value>) -> Step<Answer> {
        self.answer(method, self.server.url(path, &[]), body).await
    }

    async fn answer(&self, method: Method, url: Result<Url>, body: Option<&Value>) -> Step<Answer> {
        let answer = match url {
            Ok(url) => self.server.call(method, url, body).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => failed(
                format!("no answer came from {}: {error:#}", self.server.address()),
                "start it with `greenroom serve`, or set GREENROOM_URL to where it runs",
            ),
        }
    }

    async fn read(&self, path: &[&str], query: &[(&str, &str)]) -> Step<Value> {
        let answer = self.get(path, query).await?;
        if answer.status.is_success() { Ok(answer.body) } else { self.refused(&answer) }
    }

    /// A refusal in the server's own words, with the cure by its code.
    fn refused<T>(&self, answer: &Answer) -> Step<T> {
        let cure = match (answer.body["code"].as_str(), answer.status) {
            (Some("needs_authorization"), _) => format!("only {} can mend it: send them a link from the dashboard's page of managers", self.email),
            (Some("throttled"), _) | (_, StatusCode::TOO_MANY_REQUESTS) => "wait as long as it says and check again".to_owned(),
            (Some("misconfigured"), _) => "correct ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REDIRECT_URI as docs/connect-zoho.md describes, and start the server again".to_owned(),
            (Some("provider_failed"), _) => format!("check again in a few minutes; if it stays, {LOOK_AT_LOG}"),
            (_, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) => "use a key that has this right".to_owned(),
            (_, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_FOUND) => "look whether the address is right and the server is as new as this program".to_owned(),
            _ => LOOK_AT_LOG.to_owned(),
        };
        failed(answer.sentence(), cure)
    }
}

const LOOK_AT_LOG: &str = "look at the server's log (with GREENROOM_LOG=debug it says more)";

fn as_made(event: Option<&Value>, start: &str, end: &str) -> Step<((), String)> {
    let Some(event) = event else {
        return failed(
            "the provider took the event and does not list it",
            "look in the calendar; if it is there, reading is late, so check again",
        );
    };
    if text(event, "start") == start && text(event, "end") == end {
        return Ok(((), format!("{start} to {end}")));
    }
    failed(
        format!("it was made for {start} and reads {} to {}", text(event, "start"), text(event, "end")),
        "compare the calendar's time zone at the provider with the manager's; do not book until both agree",
    )
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or("(not said)")
}
