//! Logs: text for people or JSON lines for machines, to standard error. Never an address or a title above debug.

use std::io::IsTerminal;

use anyhow::{Result, bail};
use tracing_subscriber::EnvFilter;

use crate::config::Variables;

/// Starts logging. `quiet` keeps only warnings, for the demo's screen.
pub fn start(variables: &Variables, quiet: bool) -> Result<()> {
    let filter = variables.get("GREENROOM_LOG").unwrap_or(if quiet { "error" } else { "info,hyper=warn,lettre=warn" });
    let filter = EnvFilter::try_new(filter)?;
    // Colours are for people; a file or a journal would hold them as noise.
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let started = match variables.get("GREENROOM_LOG_FORMAT").unwrap_or("text") {
        "text" => builder.with_target(false).try_init(),
        "json" => builder.json().with_span_list(false).try_init(),
        other => bail!("GREENROOM_LOG_FORMAT is `{other}`; write text or json"),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
