//! Structured logs on standard error: pretty on a terminal, one JSON object a line otherwise.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging; `format` is `pretty` or `json`. What is logged is chosen by `RUST_LOG`, by default `info`.
pub fn start(format: Option<&str>) {
    let filter = || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let pretty = match format {
        Some(format) => format == "pretty",
        None => std::io::stderr().is_terminal(),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr);
    let started = if pretty { logs.try_init() } else { logs.json().flatten_event(true).try_init() };
    drop(started); // Somebody started logging already: a test. Theirs serves.
}
