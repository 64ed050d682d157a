//! The demo's clock: moved in steps. What is due runs, then the clock jumps to the next job, then that runs, until the target is reached.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use app::App;
use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use domain::Timestamp;
use jiff::SignedDuration;
use ports::Clock;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::world::{DemoClock, Stopwatch};

/// How long one step waits for what is due to be done.
const STEP_LIMIT_SECONDS: f64 = 20.0;
/// Steps in one move; a clock that never comes to rest must not hang the page.
const MAX_STEPS: u32 = 2_000;

/// Moves the clock, one move at a time.
#[derive(Clone)]
pub struct Mover {
    app: App,
    clock: DemoClock,
    data: PathBuf,
    moving: Arc<Mutex<()>>,
}

/// How far ahead of the machine the clock was when it was last moved, in microseconds.
pub fn load(data: &Path) -> Result<i64> {
    match fs::read_to_string(data.join("clock")) {
        Ok(text) => text.trim().parse().context("the demo's clock file is damaged; start with --reset"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).context("the demo's clock file cannot be read"),
    }
}

impl Mover {
    /// For this demo.
    pub fn new(app: App, clock: DemoClock, data: PathBuf) -> Self {
        Self { app, clock, data, moving: Arc::default() }
    }

    /// Moves forward to `target`, or by one job where there is none.
    async fn go(&self, target: Option<Timestamp>) -> Result<Timestamp> {
        let _alone = self.moving.lock().await;
        for _ in 0..MAX_STEPS {
            self.rest().await?;
            let next = self.app.next_due().await?.filter(|due| *due > self.clock.now());
            match (next, target) {
                (Some(due), Some(target)) if due <= target => self.jump(due)?,
                (Some(due), None) => {
                    self.jump(due)?;
                    self.rest().await?;
                    break;
                }
                (_, Some(target)) => {
                    self.jump(target)?;
                    self.rest().await?;
                    break;
                }
                (None, None) => break,
            }
        }
        Ok(self.clock.now())
    }

    /// Waits until nothing is due.
    async fn rest(&self) -> Result<()> {
        let watch = Stopwatch::start();
        while self.app.next_due().await?.is_some_and(|due| due <= self.clock.now()) && watch.seconds() < STEP_LIMIT_SECONDS {
            self.app.ring();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn jump(&self, at: Timestamp) -> Result<()> {
        self.clock.jump(at);
        let draft = self.data.join("clock.part");
        fs::write(&draft, self.clock.ahead_micros().to_string())
            .and_then(|()| fs::rename(&draft, self.data.join("clock")))
            .context("the demo's clock cannot be stored")?;
        self.app.ring();
        Ok(())
    }
}

/// How far to move.
#[derive(Debug, Deserialize)]
struct Move {
    /// `next`, or a number with `m`, `h` or `d`.
    to: String,
}

/// `POST /demo/clock`.
pub fn routes(mover: Mover) -> Router {
    Router::new().route("/demo/clock", post(move_clock)).with_state(mover)
}

async fn move_clock(State(mover): State<Mover>, headers: HeaderMap, Form(form): Form<Move>) -> Response {
    let target = match form.to.as_str() {
        "next" => None,
        text => match span(text) {
            Some(span) => mover.clock.now().checked_add(span).ok(),
            None => {
                return (StatusCode::UNPROCESSABLE_ENTITY, "`to` is `next`, or a number with m, h or d such as 1h; at most 400 d")
                    .into_response();
            }
        },
    };
    match mover.go(target).await {
        Ok(now) if headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json") => {
            axum::Json(serde_json::json!({"now": now})).into_response()
        }
        Ok(_) => {
            let back =
                headers.get(header::REFERER).and_then(|referer| referer.to_str().ok()).and_then(|text| url::Url::parse(text).ok());
            Redirect::to(back.as_ref().map_or("/", |url| url.path())).into_response()
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the clock cannot be moved");
            (StatusCode::INTERNAL_SERVER_ERROR, "the clock could not be moved; the log says why").into_response()
        }
    }
}

fn span(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number > 0)?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        _ => return None,
    };
    number.checked_mul(minutes).filter(|total| *total <= 400 * 24 * 60).map(SignedDuration::from_mins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_bounded_and_forward() {
        assert_eq!(span("1h"), Some(SignedDuration::from_mins(60)));
        assert_eq!(span("2d"), Some(SignedDuration::from_mins(2880)));
        for bad in ["", "h", "-1h", "0d", "1y", "401d", "1.5h"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
