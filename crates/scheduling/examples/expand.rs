//! Works out recurring times for other programs: one JSON object a line in, one line out, in the same order.
//!
//! In: `{"rule": "FREQ=DAILY", "start": "2026-03-01T09:00:00" | "2026-03-01", "zone": "Europe/Berlin", "from": 0, "to": 0, "exdates": [0],
//! "rdates": [0], "moved": [[0, 0]]}`, the last with the occurrence and where it is now, instants in seconds since 1970. Out: `[0, …]`, the starts in the window, or `{"error": "…"}`.

use std::io::{self, BufRead as _, Write as _};

use jiff::Timestamp;
use scheduling::{
    TimeRange, Zone,
    recurrence::{Change, Length, Moment, Override, RecurrenceSet, Rule, Start},
};
use serde_json::{Value, json};

fn expand(line: &str) -> Result<Vec<i64>, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let input: Value = serde_json::from_str(line).map_err(|error| said(&error))?;
    let text = |name: &str| input[name].as_str().ok_or_else(|| format!("`{name}` is missing"));
    let second =
        |value: &Value| value.as_i64().and_then(|second| Timestamp::from_second(second).ok()).ok_or("no instant".to_owned());
    let moments = |name: &str| -> Result<Vec<Moment>, String> {
        input[name].as_array().into_iter().flatten().map(|value| second(value).map(Moment::At)).collect()
    };
    let moved = input["moved"].as_array().into_iter().flatten().map(|pair| {
        let (of, to) = (second(&pair[0])?, second(&pair[1])?);
        Ok(Override { of: Moment::At(of), change: Change::Moved(to, to), and_later: false })
    });
    let moved: Vec<Override> = moved.collect::<Result<_, String>>()?;
    let start = text("start")?;
    let start = match start.parse().map(Start::Local) {
        Ok(start) if start_has_time(text("start")?) => start,
        _ => Start::Date(text("start")?.parse().map_err(|error: jiff::Error| said(&error))?),
    };
    let rule: Rule = text("rule")?.parse().map_err(|error| said(&error))?;
    let zone = Zone::new(text("zone")?).map_err(|error| said(&error))?;
    let set = RecurrenceSet::new(start, zone, Length::default()).and_then(|set| set.with_rule(rule));
    let added = moments("rdates")?;
    let set = set.and_then(|set| set.with_added(added.into_iter().map(|moment| (moment, None))));
    let set = set.map_err(|error| said(&error))?.without(moments("exdates")?).map_err(|error| said(&error))?;
    let set = set.with_overrides(moved).map_err(|error| said(&error))?;
    let window = TimeRange::new(second(&input["from"])?, second(&input["to"])?).map_err(|error| said(&error))?;
    let found = set.occurrences(window).map_err(|error| said(&error))?;
    Ok(found.iter().map(|occurrence| occurrence.start.as_second()).collect())
}

fn start_has_time(text: &str) -> bool {
    text.contains('T')
}

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let answer = expand(&line?).map_or_else(|error| json!({"error": error}), |starts| json!(starts));
        writeln!(out, "{answer}")?;
    }
    out.flush()
}
