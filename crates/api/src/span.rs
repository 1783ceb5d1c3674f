//! The span of a request: what a trace shows of it, and what lines of the log within it belong to.

use crate::{Door, Params, link::Link, probes};
use gantry_words::RequestId;
use http::{HeaderMap, Method, Request, Version, header};
use std::net::IpAddr;
use tracing::{
    Level, Span,
    field::{Empty, display},
};

/// The most bytes of an address or of a program's name that a span holds: many of them wait for their export.
const TEXT_BYTES_MAX: usize = 512;

/// Makes a request's span part of the trace that the request's headers speak of.
pub(crate) type Join = Box<dyn Fn(&Span, &HeaderMap) + Send + Sync>;

/// From the headers of a request to the last byte of its answer.
///
/// Names are those of OpenTelemetry's semantic conventions for HTTP servers, and `gantry.…` for what they do not know. It
/// is of the level `debug`: where neither the log nor an exporter asks for that, it costs a comparison, and a word of
/// memory.
#[derive(Clone)]
pub(crate) struct RequestSpan(Option<Box<Span>>);

impl RequestSpan {
    /// None: of a probe, and where nobody listens.
    pub(crate) const fn none() -> Self {
        RequestSpan(None)
    }

    /// Of a request that begins.
    pub(crate) fn begin<B>(link: &Link, request: &Request<B>, request_id: RequestId) -> Self {
        if !tracing::span_enabled!(Level::DEBUG) || probes::is_one(request.uri().path()) {
            return RequestSpan::none();
        }
        let span = make(link, request, request_id);
        if let Some(join) = &link.porch.join {
            join(&span, request.headers());
        }
        RequestSpan(Some(Box::new(span)))
    }

    /// The span itself, for what runs within it.
    pub(crate) fn inner(&self) -> Option<Span> {
        self.0.as_deref().cloned()
    }

    /// The client's address, where a proxy has told it.
    pub(crate) fn came_from(&self, source: Option<IpAddr>) {
        let Some(span) = &self.0 else { return };
        span.record("client.address", source.map(display));
    }

    /// Its operation was found.
    pub(crate) fn found(&self, method: &Method, door: &Door, params: &Params) {
        let Some(span) = &self.0 else { return };
        span.record("otel.name", format!("{method} {}", door.route.1).as_str());
        span.record("http.route", door.route.1);
        span.record("gantry.operation", door.name);
        if !params.get("name").is_empty() {
            span.record("gantry.repository", params.get("name"));
        }
    }

    /// It is answered, and who it was is known as far as it ever will be.
    pub(crate) fn answered(&self, status: u16, principal: Option<&str>) {
        let Some(span) = &self.0 else { return };
        span.record("http.response.status_code", status);
        span.record("gantry.principal", principal);
        if status >= 500 {
            fail(span, &status.to_string());
        }
    }

    /// The last byte has gone, or will never go.
    pub(crate) fn ended(&self, bytes_in: u64, bytes_out: u64, is_broken: bool) {
        let Some(span) = &self.0 else { return };
        span.record("http.request.body.size", bytes_in);
        span.record("http.response.body.size", bytes_out);
        if is_broken {
            fail(span, "broken_off");
        }
    }
}

fn make<B>(link: &Link, request: &Request<B>, request_id: RequestId) -> Span {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    tracing::debug_span!(
        "request",
        "otel.name" = method,
        "otel.kind" = "server",
        "otel.status_code" = Empty,
        "http.request.method" = method,
        "http.route" = Empty,
        "http.response.status_code" = Empty,
        "http.request.body.size" = Empty,
        "http.response.body.size" = Empty,
        "url.path" = start(path),
        "url.scheme" = if link.is_tls { "https" } else { "http" },
        "network.protocol.version" = if request.version() == Version::HTTP_2 { "2" } else { "1.1" },
        "client.address" = link.peer.map(display),
        "user_agent.original" = agent.map(start),
        "error.type" = Empty,
        "gantry.operation" = Empty,
        "gantry.repository" = Empty,
        "gantry.principal" = Empty,
        "gantry.request_id" = %request_id,
    )
}

fn fail(span: &Span, kind: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

fn start(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
