use crate::{
    config::{LogFormat, LogSettings},
    trace::Tracing,
};
use std::io::{self, IsTerminal};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, fmt, layer::SubscriberExt, registry, registry::LookupSpan, util::SubscriberInitExt,
};

/// Begins to write the log to standard error, for people or for programs, and to make spans where they are exported.
pub(crate) fn begin(settings: &LogSettings, tracing: Option<&Tracing>) {
    let filter = EnvFilter::new(settings.level.as_str());
    // A second begin, as in a test, keeps the first.
    let _ = match tracing {
        // The filter stands before all else: what the log does not want costs a comparison.
        None => registry().with(lines(settings)).with(filter).try_init(),
        Some(tracing) => registry().with(lines(settings).with_filter(filter)).with(tracing.layer()).try_init(),
    };
}

fn lines<S>(settings: &LogSettings) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let is_coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(is_coloured);
    match settings.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}
