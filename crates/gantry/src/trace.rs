//! The export of spans in OTLP over HTTP: the one file that knows OpenTelemetry, and the one place where a server by itself
//! opens a connection outward.

use crate::{
    agent::{TrustError, agent},
    config::TracingSettings,
};
use gantry_api::{Figures, Gauges};
use gantry_env::BoxFuture;
use opentelemetry::{Context, KeyValue, propagation::TextMapPropagator, trace::TracerProvider};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span as SdkSpan, SpanData,
        SpanExporter, SpanProcessor,
    },
};
use std::{
    collections::HashMap,
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tracing::{Level, Metadata, Span, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, filter_fn},
    registry::LookupSpan,
};
use ureq::{Agent, http::HeaderMap};

/// Where a collector takes spans (OTLP 1.10, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";
/// Bytes of a collector's answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// Spans on their way to a collector.
pub(crate) struct Tracing {
    provider: SdkTracerProvider,
    counts: Arc<Counts>,
    deadline: Duration,
}

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracingError {
    /// The endpoint or the headers are not what they must be.
    #[error("{0}")]
    Settings(String),
    /// TLS to the collector.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl Tracing {
    /// Begins to export, where there is a collector. A thread of its own sends what has ended, every few seconds.
    ///
    /// # Errors
    /// [`TracingError`]. That the collector does not answer is no error: the log says so, once.
    pub(crate) fn begin(settings: &TracingSettings) -> Result<Option<Tracing>, TracingError> {
        let Some(endpoint) = settings.otlp_endpoint.as_deref().map(with_path) else { return Ok(None) };
        let (counts, deadline) = (Arc::new(Counts::default()), settings.export_deadline.duration());
        let agent = agent(&endpoint, None)?.timeout_global(Some(deadline)).build().new_agent();
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { agent, is_refusing: AtomicBool::new(false) })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(deadline)
            .with_headers(headers(settings)?)
            .build()
            .map_err(|error| TracingError::Settings(error.to_string()))?;
        let exporter = Counted { exporter, counts: counts.clone() };
        let config = BatchConfigBuilder::default().with_max_queue_size(settings.queue_max).build();
        let queue = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Queue { queue, counts: counts.clone() })
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio))))
            .with_resource(resource())
            .build();
        Ok(Some(Tracing { provider, counts, deadline }))
    }

    /// The layer that makes OpenTelemetry's spans of ours, for the subscriber.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer: SdkTracer = self.provider.tracer("gantry");
        let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
        spans.with_filter(wanted())
    }

    /// What it has to say in `/metrics`.
    pub(crate) fn figures(&self) -> impl Gauges + use<> {
        SpanFigures(self.counts.clone())
    }

    /// Exports what still waits.
    pub(crate) fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(self.deadline) {
            tracing::warn!(%error, "not all spans could be exported before the end: {error}");
        }
    }
}

/// Makes the span of a request part of its client's trace (W3C Trace Context, `traceparent` and `tracestate`).
pub(crate) fn join(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    // A span that nobody exports has no parent to be set.
    let _ = span.set_parent(parent);
}

/// Our own spans, and within them what went wrong.
fn wanted() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let is_wanted = |metadata: &Metadata<'_>| {
        metadata.target().starts_with("gantry") && (metadata.is_span() || *metadata.level() <= Level::WARN)
    };
    filter_fn(is_wanted).with_max_level_hint(LevelFilter::DEBUG)
}

/// Who we are. `OTEL_RESOURCE_ATTRIBUTES` may say more.
fn resource() -> Resource {
    Resource::builder()
        .with_service_name("gantry")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Adds the path of OTLP to a URL that has none.
fn with_path(endpoint: &str) -> String {
    let bare = endpoint.trim_end_matches('/');
    let host = bare.split_once("://").map_or(bare, |(_, host)| host);
    if host.contains('/') { endpoint.into() } else { format!("{bare}{PATH}") }
}

fn headers(settings: &TracingSettings) -> Result<HashMap<String, String>, TracingError> {
    let Some(text) = &settings.otlp_headers else { return Ok(HashMap::new()) };
    // The values may be secrets: they are in no message.
    let wrong =
        || TracingError::Settings("tracing.otlp_headers is no list of name=value, with commas in between".into());
    let pairs = text.reveal().split(',').map(|pair| pair.split_once('=').ok_or_else(wrong));
    pairs.map(|pair| pair.map(|(name, value)| (name.trim().into(), value.trim().into()))).collect()
}

/// Where the spans go.
#[derive(Debug)]
struct Collector {
    agent: Agent,
    is_refusing: AtomicBool,
}

impl Collector {
    /// Blocks: the thread that exports does nothing else.
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = request.into_parts();
        let (parts, answer) = self.agent.run(Request::from_parts(parts, &body[..]))?.into_parts();
        let mut text = Vec::new();
        answer.into_reader().take(ANSWER_BYTES_MAX).read_to_end(&mut text)?;
        Ok(Response::from_parts(parts, text.into()))
    }

    /// Says once that it refuses, and once that it does not any more.
    fn note(&self, trouble: Option<String>) {
        let was_refusing = self.is_refusing.swap(trouble.is_some(), Relaxed);
        match trouble {
            Some(error) if !was_refusing => {
                tracing::warn!(error, "the collector does not take the spans: {error}. See tracing.otlp_endpoint");
            }
            None if was_refusing => tracing::info!("the collector takes the spans again"),
            _ => {}
        }
    }
}

impl HttpClient for Collector {
    fn send_bytes<'a, 'async_trait>(
        &'a self,
        request: Request<Bytes>,
    ) -> BoxFuture<'async_trait, Result<Response<Bytes>, HttpError>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        let sent = self.send(request);
        self.note(match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        });
        Box::pin(std::future::ready(sent.map_err(HttpError::from)))
    }
}

/// What became of the spans.
#[derive(Debug, Default)]
struct Counts {
    ended: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
}

struct SpanFigures(Arc<Counts>);

impl Gauges for SpanFigures {
    fn collect(&self, figures: &mut Figures) {
        let read = |count: &AtomicU64| count.load(Relaxed) as f64;
        let help =
            "Spans that ended; what was neither exported nor failed waits, or was dropped where the queue was full";
        figures.counter("gantry_spans_ended", help, &[], read(&self.0.ended));
        figures.counter("gantry_spans_exported", "Spans that the collector has taken", &[], read(&self.0.exported));
        figures.counter("gantry_spans_failed", "Spans that could not be exported", &[], read(&self.0.failed));
    }
}

/// The queue of spans that have ended; what does not fit is dropped.
#[derive(Debug)]
struct Queue {
    queue: BatchSpanProcessor,
    counts: Arc<Counts>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, span: &mut SdkSpan, cx: &Context) {
        self.queue.on_start(span, cx);
    }
    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.counts.ended.fetch_add(1, Relaxed);
        }
        self.queue.on_end(span);
    }
    fn force_flush(&self) -> OTelSdkResult {
        self.queue.force_flush()
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown_with_timeout(timeout)
    }
    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}

/// The exporter, and what became of what it was given.
#[derive(Debug)]
struct Counted {
    exporter: opentelemetry_otlp::SpanExporter,
    counts: Arc<Counts>,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let exported = self.exporter.export(batch).await;
        let outcome = if exported.is_ok() { &self.counts.exported } else { &self.counts.failed };
        outcome.fetch_add(count, Relaxed);
        exported
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }
    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Secret;

    #[test]
    fn a_collector_without_a_path_is_asked_where_otlp_says() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example/tenant/a", "https://collector.example/tenant/a"),
        ] {
            assert_eq!(with_path(endpoint), url);
        }
    }

    #[test]
    fn headers_are_pairs_and_what_is_none_is_not_repeated() {
        let of = |text: &str| TracingSettings { otlp_headers: Some(Secret::new(text.into())), ..Default::default() };

        let good = headers(&of("x-key=a=b, x-tenant = one")).unwrap();
        let bad = headers(&of("hunter2")).unwrap_err().to_string();

        assert_eq!(good["x-key"], "a=b");
        assert_eq!(good["x-tenant"], "one");
        assert!(!bad.contains("hunter2"), "{bad}");
    }

    #[test]
    fn nothing_begins_without_a_collector() {
        assert!(Tracing::begin(&TracingSettings::default()).unwrap().is_none());
    }
}
