//! The walk over HTTP alone: what a newcomer does by hand, done and checked step by step.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::seed::WALK_VACANCY;
use crate::world::Stopwatch;

/// How long something that happens by itself may take.
const PATIENCE: Duration = Duration::from_secs(30);
const MANAGER: &str = "ana@example.com";

/// Where to walk.
pub struct Places {
    /// Greenroom's origin.
    pub greenroom: String,
    /// The simulator's origin.
    pub zoho: String,
    /// An API key with every right.
    pub key: String,
}

/// Does the walk; 0 if every outcome was as it should be.
pub async fn walk(places: &Places) -> ExitCode {
    let watch = Stopwatch::start();
    match Box::pin(steps(places)).await {
        Ok(steps) => {
            println!("\nAll {steps} steps done and checked in {:.1} s.", watch.seconds());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("  FAILED after {:.1} s: {error:#}", watch.seconds());
            ExitCode::FAILURE
        }
    }
}

async fn steps(places: &Places) -> Result<u32> {
    let mut walk = Walk::new(places)?;
    walk.all().await?;
    Ok(walk.steps)
}

struct Walk<'a> {
    places: &'a Places,
    client: Client,
    watch: Stopwatch,
    steps: u32,
}

impl<'a> Walk<'a> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this client plays the people, not the product; it follows no redirects so that each can be checked"
    )]
    fn new(places: &'a Places) -> Result<Self> {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_mins(1)).build()?;
        Ok(Self { places, client, watch: Stopwatch::start(), steps: 0 })
    }

    fn done(&mut self, what: &str) {
        self.steps += 1;
        println!("  {:2}. {what:<64} {:6.2} s", self.steps, self.watch.seconds());
    }

    async fn all(&mut self) -> Result<()> {
        println!("\nThe walk:");
        let vacancy = self.approve().await?;
        let page = self.permission_mail().await?;
        self.consent(&page).await?;
        let interviews = self.booked(&vacancy).await?;
        self.told(&interviews).await?;
        self.reminded(&interviews).await?;
        self.feedback(&vacancy, &interviews).await
    }

    async fn approve(&mut self) -> Result<String> {
        let list = self.api(Method::GET, "vacancies?limit=50").await?;
        let items = list["items"].as_array().context("the list of vacancies has no items")?;
        let found = items
            .iter()
            .find(|item| item["external_id"] == WALK_VACANCY)
            .context("the demo's vacancy is missing; start with --reset")?;
        let id = text(found, "id")?.to_owned();
        ensure!(found["state"] == "draft", "the vacancy is {} already; start with --reset for a fresh walk", found["state"]);
        let status = self.get(&format!("{}/api/admin/oauth/status/?manager_email={MANAGER}", self.places.greenroom)).await?;
        let status: Value = status.json().await?;
        ensure!(status["has_integration"] == false, "the manager is connected already");
        let approved = self.api(Method::POST, &format!("vacancies/{id}/approve")).await?;
        ensure!(approved["state"] == "approved", "approving left the vacancy {}", approved["state"]);
        let again = self.api(Method::POST, &format!("vacancies/{id}/approve")).await?;
        ensure!(again["approved_at"] == approved["approved_at"], "approving twice is not approving once");
        self.done("vacancy approved, twice; it started once");
        Ok(id)
    }

    async fn permission_mail(&mut self) -> Result<Url> {
        let mail = self.mail(MANAGER, "permission_request").await?;
        let page = link(text(&mail, "text")?, &format!("{}/p/", self.places.greenroom))?;
        self.done("the manager got a mail that asks for permission");
        for _ in 0..2 {
            let shown = self.get(page.as_str()).await?;
            ensure!(shown.status() == StatusCode::OK, "the permission page answers {}", shown.status());
        }
        self.done("its page opens, and a mail scanner's second look uses nothing up");
        Ok(page)
    }

    async fn consent(&mut self, page: &Url) -> Result<()> {
        let answer = self.form(page, &[("action", "connect")]).await?;
        let consent = location(&answer, page)?;
        ensure!(consent.as_str().starts_with(&self.places.zoho), "the button leads to {consent}, not to Zoho");
        let shown = self.get(consent.as_str()).await?;
        ensure!(shown.status() == StatusCode::OK, "Zoho's consent page answers {}", shown.status());
        let mut fields: Vec<(String, String)> =
            consent.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        fields.extend([("user".to_owned(), MANAGER.to_owned()), ("decision".to_owned(), "accept".to_owned())]);
        let decided = self.client.post(consent.join("/oauth/v2/auth/decide")?).form(&fields).send().await?;
        let callback = location(&decided, &consent)?;
        let returned = self.get(callback.as_str()).await?;
        ensure!(returned.status() == StatusCode::SEE_OTHER, "the callback answers {}", returned.status());
        let outcome = location(&returned, &callback)?;
        self.done("the manager consented at Zoho and came back");
        let status = format!("{}/api/admin/oauth/status/?manager_email={MANAGER}", self.places.greenroom);
        let connected = self.until("the connection", async || {
            let status: Value = self.get(&status).await?.json().await?;
            Ok((status["has_integration"] == true && status["has_valid_token"] == true && status["is_active"] == true)
                .then_some(status))
        });
        let connected = connected.await?;
        ensure!(connected["calendar_id"] == "primary", "the calendar in use is {}", connected["calendar_id"]);
        for _ in 0..2 {
            ensure!(self.get(outcome.as_str()).await?.status() == StatusCode::OK, "the outcome page cannot be reloaded");
        }
        let replay = self.get(callback.as_str()).await?;
        ensure!(replay.status() != StatusCode::SEE_OTHER, "a used state opens again");
        self.done("connected, calendar chosen; the used state does not open again");
        Ok(())
    }

    async fn booked(&mut self, vacancy: &str) -> Result<Vec<Value>> {
        let path = format!("vacancies/{vacancy}");
        let interviews = self.until("the bookings", async || {
            let view = self.api(Method::GET, &path).await?;
            let all: Vec<Value> =
                view["shortlist"].as_array().into_iter().flatten().map(|item| item["interview"].clone()).collect();
            let booked = !all.is_empty() && all.iter().all(|interview| interview["state"] == "booked");
            Ok(booked.then_some(all))
        });
        let interviews = interviews.await?;
        let mut starts: Vec<_> = interviews.iter().map(|interview| interview["start"].to_string()).collect();
        let in_order = starts.is_sorted();
        starts.dedup();
        ensure!(in_order && starts.len() == interviews.len(), "the shortlist is not booked in its order: {starts:?}");
        self.done(&format!("{} interviews booked in shortlist order", interviews.len()));
        let dump: Value = self.get(&format!("{}/_sim/calendars/{MANAGER}", self.places.zoho)).await?.json().await?;
        let events = dump.to_string().matches("\"Interview with ").count();
        ensure!(events == interviews.len(), "{events} events on the manager's Zoho calendar, {} interviews", interviews.len());
        let week = self.get(&format!("{}/_sim/week?email={MANAGER}&start={}", self.places.zoho, day(&interviews[0])?)).await?;
        ensure!(week.text().await?.contains("Interview with "), "the simulator's week view does not show the interviews");
        self.done("one event each on the manager's Zoho calendar");
        Ok(interviews)
    }

    async fn told(&mut self, interviews: &[Value]) -> Result<()> {
        for address in ["noor@example.net", "tomasz@example.net", "mei@example.net"] {
            let mail = self.mail(address, "candidate_booked").await?;
            let calendar = text(&mail, "calendar")?;
            for part in ["METHOD:REQUEST", "SEQUENCE:0", "RSVP=FALSE", "BEGIN:VEVENT"] {
                ensure!(calendar.contains(part), "the invitation to {address} lacks {part}");
            }
            let page = link(text(&mail, "text")?, &format!("{}/c/", self.places.greenroom))?;
            ensure!(self.get(page.as_str()).await?.status() == StatusCode::OK, "the candidate's page does not open");
        }
        self.done("each candidate got an invitation for their calendar, and their page");
        let manager = self.mails(MANAGER).await?;
        let notices: Vec<_> = manager.iter().filter(|mail| mail["kind"] == "manager_booked").collect();
        ensure!(notices.len() == interviews.len(), "{} notices to the manager", notices.len());
        ensure!(
            notices.iter().all(|mail| mail["calendar"].is_null()),
            "the manager got a calendar part, which Zoho would import twice"
        );
        self.done("the manager got a notice for each, without a second copy of the event");
        Ok(())
    }

    async fn reminded(&mut self, interviews: &[Value]) -> Result<()> {
        let first = interviews.first().context("no interview")?;
        let start: jiff::Timestamp = text(first, "start")?.parse()?;
        self.move_clock_to(start.as_second() - 23 * 3_600).await?;
        self.mail("noor@example.net", "reminder_24h").await?;
        self.move_clock_to(start.as_second() - 1_800).await?;
        self.mail("noor@example.net", "reminder_1h").await?;
        self.mail(MANAGER, "reminder_1h").await?;
        self.done("the clock moved; reminders went out a day and an hour before");
        Ok(())
    }

    async fn feedback(&mut self, vacancy: &str, interviews: &[Value]) -> Result<()> {
        let first = interviews.first().context("no interview")?;
        let end: jiff::Timestamp = text(first, "end")?.parse()?;
        self.move_clock_to(end.as_second() + 60).await?;
        let mail = self.mail(MANAGER, "feedback_request").await?;
        let form = link(text(&mail, "text")?, &format!("{}/f/", self.places.greenroom))?;
        ensure!(self.get(form.as_str()).await?.status() == StatusCode::OK, "the feedback form does not open");
        self.done("after the interview the manager was asked for feedback");
        let marks = ["technical", "communication", "problem_solving", "culture", "overall"].map(|name| (name, "8"));
        let rest = [
            ("strengths", "Clear and calm"),
            ("to_improve", "Estimates"),
            ("notes", ""),
            ("recommendation", "hire"),
            ("action", "submit"),
        ];
        let fields: Vec<_> = marks.into_iter().chain(rest).collect();
        let answer = self.form(&form, &fields).await?;
        ensure!(answer.status().is_success() || answer.status().is_redirection(), "the form was refused with {}", answer.status());
        let interview = self.api(Method::GET, &format!("interviews/{}", text(first, "id")?)).await?;
        ensure!(interview["feedback"].to_string().contains("Clear and calm"), "the feedback is not on the interview");
        self.mail("recruiting@example.com", "result").await?;
        let view = self.api(Method::GET, &format!("vacancies/{vacancy}")).await?;
        ensure!(view["shortlist"][0]["interview"]["feedback_state"] == "given", "the vacancy does not show the result");
        self.done("the answers stand on the vacancy, and the recruiter was told");
        Ok(())
    }

    /// Moves the demo's clock to `second`, if it lies ahead.
    async fn move_clock_to(&self, second: i64) -> Result<()> {
        let page: Url = format!("{}/demo/clock", self.places.greenroom).parse()?;
        let now = self.clock(&page, "1m").await?;
        let minutes = (second - now.as_second()) / 60;
        if minutes > 0 {
            self.clock(&page, &format!("{minutes}m")).await?;
        }
        Ok(())
    }

    async fn clock(&self, page: &Url, to: &str) -> Result<jiff::Timestamp> {
        let request = self
            .client
            .post(page.clone())
            .header(header::ORIGIN, &self.places.greenroom)
            .header(header::ACCEPT, "application/json");
        let answer = request.form(&[("to", to)]).send().await?;
        ensure!(answer.status().is_success(), "the clock answers {}", answer.status());
        let moved: Value = answer.json().await?;
        Ok(text(&moved, "now")?.parse()?)
    }

    async fn get(&self, url: &str) -> Result<Response> {
        self.client.get(url).send().await.with_context(|| format!("{url} does not answer"))
    }

    /// What a browser sends when a button is pressed.
    async fn form(&self, page: &Url, fields: &[(&str, &str)]) -> Result<Response> {
        Ok(self.client.post(page.clone()).header(header::ORIGIN, &self.places.greenroom).form(fields).send().await?)
    }

    async fn api(&self, method: Method, path: &str) -> Result<Value> {
        let url = format!("{}/api/v1/{path}", self.places.greenroom);
        let answer = self.client.request(method, &url).bearer_auth(&self.places.key).send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        ensure!(status.is_success(), "{url} answers {status}: {body}");
        serde_json::from_str(&body).with_context(|| format!("{url} answers no JSON"))
    }

    /// Mails to an address, newest first.
    async fn mails(&self, to: &str) -> Result<Vec<Value>> {
        let list = self.api(Method::GET, &format!("mails?to={to}&limit=100")).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Waits for a mail of a kind.
    async fn mail(&self, to: &str, kind: &str) -> Result<Value> {
        self.until(&format!("the mail `{kind}` to {to}"), async || {
            Ok(self.mails(to).await?.into_iter().find(|mail| mail["kind"] == kind))
        })
        .await
    }

    /// Asks until there is an answer, or patience ends.
    async fn until<T>(&self, what: &str, ask: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
        let watch = Stopwatch::start();
        loop {
            if let Some(found) = ask().await? {
                return Ok(found);
            }
            if watch.seconds() > PATIENCE.as_secs_f64() {
                bail!("{what} did not come within {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str> {
    value[key].as_str().with_context(|| format!("there is no text `{key}` in {value}"))
}

fn day(interview: &Value) -> Result<&str> {
    text(interview, "start")?.get(..10).context("a start without a date")
}

/// The first link in a mail that begins with `start`.
fn link(mail: &str, start: &str) -> Result<Url> {
    let from = mail.find(start).with_context(|| format!("the mail has no link to {start}"))?;
    let rest = &mail[from..];
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '"' | ')')).unwrap_or(rest.len());
    Ok(rest[..end].parse()?)
}

fn location(answer: &Response, base: &Url) -> Result<Url> {
    let target = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let target = target.with_context(|| format!("{} answers {} without a Location", answer.url(), answer.status()))?;
    Ok(base.join(target)?)
}
