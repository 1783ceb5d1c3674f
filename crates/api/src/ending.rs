use crate::{link::Link, metrics::Place, span::RequestSpan};
use gantry_words::RequestId;
use http::{Method, Uri};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// The end of an answer: when the last byte has gone, or will never go, it counts, writes the line of the access log and ends the span.
pub(crate) struct Ending {
    link: Option<Arc<Link>>,
    place: Place,
    bytes_in: Option<Arc<AtomicU64>>,
    bytes_out: AtomicU64,
    is_broken: AtomicBool,
    line: Option<Box<Line>>,
    span: RequestSpan,
}

/// What the access log says of a request, as far as it is known before the end.
pub(crate) struct Line {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) status: u16,
    pub(crate) operation: &'static str,
    pub(crate) principal: Option<Arc<str>>,
    pub(crate) request_id: RequestId,
    pub(crate) source: Option<IpAddr>,
    /// When it began, by [`gantry_env::Env::elapsed`].
    pub(crate) began: Duration,
}

impl Ending {
    /// Of an answer that begins now.
    pub(crate) fn new(
        link: Arc<Link>,
        place: Place,
        bytes_in: Option<Arc<AtomicU64>>,
        line: Option<Box<Line>>,
        span: RequestSpan,
    ) -> Self {
        link.sends();
        let bytes_out = AtomicU64::new(0);
        Ending { link: Some(link), place, bytes_in, bytes_out, is_broken: AtomicBool::new(false), line, span }
    }

    /// Of nothing.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        let bytes_out = AtomicU64::new(0);
        Ending {
            link: None,
            place: Place::NOWHERE,
            bytes_in: None,
            bytes_out,
            is_broken: AtomicBool::new(false),
            line: None,
            span: RequestSpan::none(),
        }
    }

    /// So many bytes went out.
    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Relaxed);
    }

    /// The answer breaks off.
    pub(crate) fn broke(&self) {
        self.is_broken.store(true, Relaxed);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(link) = &self.link else { return };
        let bytes_in = self.bytes_in.as_ref().map_or(0, |bytes| bytes.load(Relaxed));
        let bytes_out = *self.bytes_out.get_mut();
        link.sent();
        link.porch.metrics.moved(self.place, bytes_in, bytes_out);
        self.span.ended(bytes_in, bytes_out, *self.is_broken.get_mut());
        if let Some(line) = &self.line {
            line.write(link.porch.env.elapsed(), bytes_in, bytes_out, *self.is_broken.get_mut());
        }
    }
}

impl Line {
    pub(crate) fn is_wanted() -> bool {
        tracing::enabled!(target: "access", tracing::Level::INFO)
    }

    /// Writes the line of a request that ended now.
    pub(crate) fn write(&self, now: Duration, bytes_in: u64, bytes_out: u64, is_broken: bool) {
        let duration = now.saturating_sub(self.began);
        let source = self.source.map(tracing::field::display);
        let (method, path, status) = (self.method.as_str(), self.uri.path(), self.status);
        tracing::info!(
            target: "access",
            method,
            path,
            status,
            operation = self.operation,
            principal = self.principal.as_deref().unwrap_or("-"),
            bytes_in,
            bytes_out,
            duration_ms = duration.as_micros() as f64 / 1e3,
            is_broken,
            request_id = %self.request_id,
            source,
            "{method} {path} {status}"
        );
    }
}
