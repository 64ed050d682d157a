//! Prometheus' text format, version 0.0.4: help, type, then one line per sample.
//!
//! Written here and not by a library: it is these lines, and the libraries bring a registry of their own beside the numbers that the
//! database and the use cases already have.

use std::fmt::{Display, Write};

/// The media type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of metrics being written. Everything about one metric is written together.
#[derive(Debug, Default)]
pub struct Page(String);

/// Label names with their values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// The finished page.
    pub fn finish(self) -> String {
        self.0
    }

    /// Begins a metric. `kind`: `counter`, `gauge` or `histogram`.
    pub fn metric(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n")));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// One sample.
    pub fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        let shown: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        if shown.is_empty() {
            self.line(format_args!("{name} {value}"));
        } else {
            self.line(format_args!("{name}{{{}}} {value}", shown.join(",")));
        }
    }

    /// A metric of one sample without labels.
    pub fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.metric(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The samples of one histogram. `counts` has one more entry than `bounds_millis`: what is above all of them.
    pub fn histogram(&mut self, name: &str, labels: Labels<'_>, bounds_millis: &[i64], counts: &[u64], sum_micros: u64) {
        let mut seen = 0;
        for (place, count) in counts.iter().enumerate() {
            seen += count;
            let bound = bounds_millis.get(place).map_or_else(|| "+Inf".to_owned(), |millis| seconds(millis.unsigned_abs() * 1_000));
            let with_bound: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.sample(&format!("{name}_bucket"), &with_bound, seen);
        }
        self.sample(&format!("{name}_sum"), labels, seconds(sum_micros));
        self.sample(&format!("{name}_count"), labels, seen);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing into a text does not fail.
        if self.0.write_fmt(line).is_ok() {
            self.0.push('\n');
        }
    }
}

/// Microseconds as seconds, without rounding.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_the_format_asks_for() {
        let mut page = Page::default();
        page.metric("calls_total", "counter", "Calls.");
        page.sample("calls_total", &[("place", "a\"b\\c\nd")], 3);
        page.metric("took_seconds", "histogram", "Times.");
        page.histogram("took_seconds", &[("of", "x")], &[50, 1_000], &[2, 1, 1], 1_250_000);
        assert_eq!(
            page.finish(),
            "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{place=\"a\\\"b\\\\c\\nd\"} 3\n\
             # HELP took_seconds Times.\n# TYPE took_seconds histogram\n\
             took_seconds_bucket{of=\"x\",le=\"0.05\"} 2\ntook_seconds_bucket{of=\"x\",le=\"1\"} 3\n\
             took_seconds_bucket{of=\"x\",le=\"+Inf\"} 4\ntook_seconds_sum{of=\"x\"} 1.25\ntook_seconds_count{of=\"x\"} 4\n"
        );
    }
}
