//! What the operating system says of this process, for `/metrics`. What it does not say is left out.

use std::sync::Arc;

use web::metrics::{Ask, Process};

use crate::world::MachineClock;

/// Linux counts processor time in hundredths of a second for programs, whatever it does inside (`USER_HZ`).
const TICK_MICROS: u64 = 10_000;
/// Pages of memory on the machines Greenroom is built for.
const PAGE_BYTES: u64 = 4_096;
/// Where Debian, Alpine and most others keep the time zone data with its version in the first line.
const ZONES: &str = "/usr/share/zoneinfo/tzdata.zi";

/// Asks anew each time; what does not change is asked once.
pub fn ask() -> Ask {
    let started_seconds = MachineClock::seconds();
    let tzdata = tzdata();
    Arc::new(move || Process {
        version: env!("CARGO_PKG_VERSION"),
        tzdata: tzdata.clone(),
        started_seconds,
        resident_bytes: number("/proc/self/statm", 1).map(|pages| pages * PAGE_BYTES),
        cpu_micros: cpu_micros(),
        open_files: std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
    })
}

/// The version of the machine's time zone data. Where the machine has none, the copy inside this program is used.
fn tzdata() -> String {
    let text = std::fs::read_to_string(ZONES).unwrap_or_default();
    let version = text.lines().next().and_then(|line| line.strip_prefix("# version "));
    version.unwrap_or("built in").trim().to_owned()
}

fn number(path: &str, place: usize) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.split_whitespace().nth(place)?.parse().ok()
}

/// User and system time. The program's name, which may hold anything, ends at the last bracket; both times come 12 words behind it.
fn cpu_micros() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut words = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || words.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) * TICK_MICROS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_says_everything() {
        let process = ask()();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 1 << 20), "{process:?}");
        assert!(process.open_files.is_some_and(|files| files >= 3), "{process:?}");
        assert!(process.cpu_micros.is_some() && process.started_seconds > 1_700_000_000, "{process:?}");
    }
}
