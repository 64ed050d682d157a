//! Drives the CalDAV adapter for other programs: one JSON object a line in, one line out, in the same order.
//!
//! In: `{"server": URL, "user": "…", "password": "…", "zone": "Europe/Berlin", "do": "exchange" | "identity" | "calendars" | "events" |
//! "markers" | "event" | "free_busy" | "create" | "move" | "delete", …}`, times in RFC 3339. Out: `{"ok": …}`, or `{"error": {"class": …}}`.

use std::{
    io::{self, BufRead as _, Write as _},
    sync::Arc,
};

use calendars::{Caldav, CaldavConfig, caldav::parse_servers};
use domain::{TimeRange, Timestamp, Zone};
use ports::{
    CalendarProvider as _, Clock,
    calendar::{Access, CalendarInfo, Event, EventDraft, EventPatch, ListMode, ProviderError, Written},
};
use serde_json::{Value, json};
use vault::AuthorizationCode;

struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "a program of its own has only this machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Why a line has no answer: it asks for nothing that is known, or the provider failed.
enum Failure {
    Question(String),
    Provider(ProviderError),
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

type Answer<T> = Result<T, Failure>;

fn wrong(problem: impl std::fmt::Display) -> Failure {
    Failure::Question(problem.to_string())
}

fn text<'a>(question: &'a Value, name: &str) -> Answer<&'a str> {
    question[name].as_str().ok_or_else(|| wrong(format!("`{name}` is missing")))
}

fn range(question: &Value) -> Answer<TimeRange> {
    let at = |name| text(question, name)?.parse::<Timestamp>().map_err(wrong);
    TimeRange::new(at("from")?, at("to")?).map_err(wrong)
}

async fn answer(question: &Value) -> Answer<Value> {
    let servers = parse_servers(&format!("here={}", text(question, "server")?)).map_err(wrong)?;
    let caldav = Caldav::new(CaldavConfig { servers }, Arc::new(Wall)).map_err(wrong)?;
    let code = AuthorizationCode::new(format!("{}:{}", text(question, "user")?, text(question, "password")?));
    let tokens = caldav.exchange("here", &code, "").await?;
    let zone = question["zone"].as_str().map(Zone::new).transpose().map_err(wrong)?;
    let access = Access { data_centre: "here".to_owned(), token: tokens.access, zone };
    match text(question, "do")? {
        "exchange" => Ok(json!({"expires_in": tokens.expires_in})),
        "identity" => {
            let identity = caldav.identity(&access).await?;
            Ok(json!({"user_id": identity.user_id, "email": identity.email.as_str()}))
        }
        "calendars" => Ok(caldav.calendars(&access).await?.iter().map(calendar).collect()),
        "free_busy" => {
            let email = text(question, "email")?.parse().map_err(|_| wrong("no address"))?;
            let busy = caldav.free_busy(&access, &email, range(question)?).await?;
            Ok(busy.map_or(Value::Null, |busy| busy.iter().map(|range| json!([range.start(), range.end()])).collect()))
        }
        _ => in_calendar(&caldav, &access, question).await,
    }
}

async fn in_calendar(caldav: &Caldav, access: &Access, question: &Value) -> Answer<Value> {
    let calendar = text(question, "calendar")?;
    match text(question, "do")? {
        "events" => {
            let events = caldav.events(access, calendar, range(question)?, ListMode::Instances).await?;
            Ok(events.iter().map(event).collect())
        }
        "markers" => {
            let events = caldav.events(access, calendar, range(question)?, ListMode::WithDescription).await?;
            Ok(events.iter().map(event).collect())
        }
        "event" => Ok(caldav.event(access, calendar, text(question, "uid")?).await?.as_ref().map_or(Value::Null, event)),
        "create" => Ok(written(&caldav.create(access, calendar, &draft(question)?).await?)),
        "move" => {
            let patch = EventPatch { range: range(question)?, zone: Zone::utc(), etag: text(question, "etag")?.to_owned() };
            Ok(written(&caldav.reschedule(access, calendar, text(question, "uid")?, &patch).await?))
        }
        "delete" => {
            caldav.delete(access, calendar, text(question, "uid")?, text(question, "etag")?).await?;
            Ok(Value::Null)
        }
        other => Err(wrong(format!("`{other}` is not known"))),
    }
}

fn draft(question: &Value) -> Answer<EventDraft> {
    Ok(EventDraft {
        title: text(question, "title")?.to_owned(),
        description: text(question, "description")?.to_owned(),
        location: question["location"].as_str().map(str::to_owned),
        url: question["url"].as_str().map(str::to_owned),
        range: range(question)?,
        zone: Zone::utc(),
        make_meeting: false,
    })
}

fn calendar(info: &CalendarInfo) -> Value {
    json!({
        "uid": info.uid,
        "name": info.name,
        "zone": info.zone.as_ref().map(Zone::name),
        "is_default": info.is_default,
        "writable": info.writable,
        "in_free_busy": info.in_free_busy,
        "change_tag": info.change_tag,
    })
}

fn event(event: &Event) -> Value {
    json!({
        "uid": event.uid,
        "etag": event.etag,
        "from": event.range.start(),
        "to": event.range.end(),
        "all_day": event.all_day,
        "busy": event.busy,
        "private": event.private,
        "title": event.title,
        "description": event.description,
        "url": event.url,
        "recurrence": event.recurrence,
    })
}

fn written(written: &Written) -> Value {
    json!({"uid": written.uid, "etag": written.etag})
}

fn said(answer: Answer<Value>) -> Value {
    match answer {
        Ok(answer) => json!({"ok": answer}),
        Err(Failure::Question(problem)) => json!({"error": {"class": "Question", "detail": problem}}),
        Err(Failure::Provider(error)) => json!({"error": {
            "class": format!("{:?}", error.class),
            "may_have_happened": error.may_have_happened,
            "detail": error.detail,
        }}),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    // Nobody else has installed any.
    drop(rustls::crypto::ring::default_provider().install_default());
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = said(answer(&question).await);
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
