use crate::config::{LogFormat, LogSettings};
use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, fmt};

/// Begins to write the log to standard error, for people or for programs.
pub(crate) fn begin(settings: &LogSettings) {
    let filter = EnvFilter::new(settings.level.as_str());
    let is_coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(is_coloured);
    // A second begin, as in a test, keeps the first.
    let _ = match settings.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
