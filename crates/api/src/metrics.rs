use crate::link::Overdue;
use gantry_fault::FaultKind;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::Registry,
};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds of the buckets of request durations, in microseconds.
const BUCKETS: [u64; 16] = [
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    120_000_000,
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Whoever has figures for `/metrics` beside those of the requests: asked at each scrape, so it should know them.
pub trait Gauges: Send + Sync + 'static {
    /// Adds its figures.
    fn collect(&self, figures: &mut Figures);
}

/// Figures of one scrape.
#[derive(Debug, Default)]
pub struct Figures {
    families: Vec<Family>,
}

#[derive(Debug)]
struct Family {
    name: String,
    help: String,
    kind: MetricType,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    labels: Vec<(String, String)>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Gauge(f64),
    Counter(f64),
    Histogram { sum: f64, count: u64, buckets: Vec<(f64, u64)> },
}

impl Value {
    fn encode(&self, metric: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Value::Gauge(value) => metric.encode_gauge(value),
            Value::Counter(value) => metric.encode_counter::<NoLabelSet, f64, f64>(value, None),
            Value::Histogram { sum, count, buckets } => {
                metric.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
            }
        }
    }
}

impl Figures {
    /// A figure that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add(name, help, MetricType::Gauge, labels, Value::Gauge(value));
    }

    /// A figure that only grows; `_total` is put behind its name.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.add(name, help, MetricType::Counter, labels, Value::Counter(value));
    }

    fn add(&mut self, name: &str, help: &str, kind: MetricType, labels: &[(&str, &str)], value: Value) {
        let labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let sample = Sample { labels, value };
        // Samples of one family mostly come together, and there may be thousands.
        match self.families.iter_mut().rev().find(|family| family.name == name) {
            Some(family) => family.samples.push(sample),
            None => {
                self.families.push(Family { name: name.into(), help: help.into(), kind, samples: vec![sample] });
            }
        }
    }

    /// Prints them as OpenMetrics text.
    pub(crate) fn print(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::with_capacity(16 << 10);
        text::encode(&mut text, &registry).expect("a String takes everything");
        text
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for family in &self.families {
            let mut metric = encoder.encode_descriptor(&family.name, &family.help, None, family.kind)?;
            for sample in &family.samples {
                match sample.labels.is_empty() {
                    true => sample.value.encode(&mut metric)?,
                    false => sample.value.encode(&mut metric.encode_family(&sample.labels)?)?,
                }
            }
        }
        Ok(())
    }
}

/// What is counted about requests: plain counters, found by position, so that counting costs no look-up and no lock.
pub(crate) struct Metrics {
    operations: Vec<PerOperation>,
    refusals: Vec<AtomicU64>,
    cuts: [AtomicU64; Overdue::ALL.len()],
    pub(crate) connections_opened: AtomicU64,
    pub(crate) connections_refused: AtomicU64,
    pub(crate) handshakes_failed: AtomicU64,
    pub(crate) gone: AtomicU64,
}

/// The figures of one operation.
struct PerOperation {
    name: &'static str,
    classes: [AtomicU64; 5],
    durations: [AtomicU64; BUCKETS.len() + 1],
    duration_micros: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// Which operation a figure belongs to: a position given out by [`Metrics::new`], or that of requests that found none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Place {
    /// Requests that reached no operation.
    pub(crate) const NOWHERE: Place = Place(0);
    /// The operation that was named `index`th.
    pub(crate) const fn of(index: usize) -> Place {
        Place(index + 1)
    }
}

impl Metrics {
    /// Counters for operations of these names.
    pub(crate) fn new(names: impl Iterator<Item = &'static str>) -> Self {
        let operation = |name| PerOperation {
            name,
            classes: Default::default(),
            durations: Default::default(),
            duration_micros: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
        };
        Metrics {
            operations: std::iter::once("none").chain(names).map(operation).collect(),
            refusals: FaultKind::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            cuts: Default::default(),
            connections_opened: AtomicU64::new(0),
            connections_refused: AtomicU64::new(0),
            handshakes_failed: AtomicU64::new(0),
            gone: AtomicU64::new(0),
        }
    }

    pub(crate) fn name(&self, place: Place) -> &'static str {
        self.operations[place.0].name
    }

    /// A request was answered after `duration`.
    pub(crate) fn answered(&self, place: Place, status: u16, duration: Duration) {
        let figures = &self.operations[place.0];
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        figures.classes[class].fetch_add(1, Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|most| micros <= *most).unwrap_or(BUCKETS.len());
        figures.durations[bucket].fetch_add(1, Relaxed);
        figures.duration_micros.fetch_add(micros, Relaxed);
    }

    /// A request is over, and so many bytes of bodies moved.
    pub(crate) fn moved(&self, place: Place, bytes_in: u64, bytes_out: u64) {
        let figures = &self.operations[place.0];
        if bytes_in > 0 {
            figures.bytes_in.fetch_add(bytes_in, Relaxed);
        }
        if bytes_out > 0 {
            figures.bytes_out.fetch_add(bytes_out, Relaxed);
        }
    }

    pub(crate) fn refused(&self, kind: FaultKind) {
        if let Some(at) = FaultKind::ALL.iter().position(|known| *known == kind) {
            self.refusals[at].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn cut(&self, why: Overdue) {
        if let Some(at) = Overdue::ALL.iter().position(|(known, _)| *known == why) {
            self.cuts[at].fetch_add(1, Relaxed);
        }
    }

    /// Adds everything counted to a scrape.
    pub(crate) fn collect(&self, figures: &mut Figures) {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        for operation in &self.operations {
            operation.collect(figures);
        }
        for (kind, count) in FaultKind::ALL.iter().zip(&self.refusals).filter(|(_, count)| read(count) > 0) {
            let labels = [("kind", format!("{kind:?}"))];
            let labels = [(labels[0].0, labels[0].1.as_str())];
            figures.counter("gantry_refusals", "Requests refused, by kind", &labels, read(count) as f64);
        }
        for ((_, name), count) in Overdue::ALL.iter().zip(&self.cuts) {
            let help = "Connections cut because the client was too slow, by what it was slow at";
            figures.counter("gantry_connections_cut", help, &[("overdue", name)], read(count) as f64);
        }
        for (name, help, count) in [
            ("gantry_connections_opened", "Connections accepted", &self.connections_opened),
            ("gantry_connections_refused", "Connections turned away at the limit", &self.connections_refused),
            ("gantry_tls_handshakes_failed", "TLS handshakes that failed", &self.handshakes_failed),
            ("gantry_clients_gone", "Requests whose client went away before the answer", &self.gone),
        ] {
            figures.counter(name, help, &[], read(count) as f64);
        }
    }
}

impl PerOperation {
    fn collect(&self, figures: &mut Figures) {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        let operation = ("operation", self.name);
        for (class, count) in CLASSES.iter().zip(&self.classes).filter(|(_, count)| read(count) > 0) {
            let labels = [operation, ("status", *class)];
            figures.counter(
                "gantry_requests",
                "Requests answered, by operation and class of status",
                &labels,
                read(count) as f64,
            );
        }
        let counts: Vec<u64> = self.durations.iter().map(read).collect();
        let count = counts.iter().sum();
        if count == 0 {
            return;
        }
        let bounds = BUCKETS.iter().map(|micros| *micros as f64 / 1e6).chain([f64::INFINITY]);
        let histogram = Value::Histogram {
            sum: read(&self.duration_micros) as f64 / 1e6,
            count,
            buckets: bounds.zip(counts).collect(),
        };
        let help = "Time from the headers of a request to the headers of its answer";
        figures.add("gantry_request_duration_seconds", help, MetricType::Histogram, &[operation], histogram);
        figures.counter("gantry_received_bytes", "Bytes of request bodies", &[operation], read(&self.bytes_in) as f64);
        figures.counter("gantry_sent_bytes", "Bytes of answers' bodies", &[operation], read(&self.bytes_out) as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_printed_as_openmetrics() {
        let metrics = Metrics::new(["GetBlob"].into_iter());
        metrics.answered(Place::of(0), 200, Duration::from_micros(700));
        metrics.answered(Place::of(0), 200, Duration::from_secs(200));
        metrics.answered(Place::NOWHERE, 404, Duration::ZERO);
        metrics.moved(Place::of(0), 0, 5);
        metrics.refused(FaultKind::RouteNotFound);
        let mut figures = Figures::default();

        metrics.collect(&mut figures);
        figures.gauge("gantry_queue", "Waiting.", &[("name", "a\"b")], 3.0);
        let text = figures.print();

        for line in [
            "gantry_requests_total{operation=\"GetBlob\",status=\"2xx\"} 2.0",
            "gantry_requests_total{operation=\"none\",status=\"4xx\"} 1.0",
            "gantry_request_duration_seconds_bucket{le=\"0.0005\",operation=\"GetBlob\"} 0",
            "gantry_request_duration_seconds_bucket{le=\"0.001\",operation=\"GetBlob\"} 1",
            "gantry_request_duration_seconds_bucket{le=\"+Inf\",operation=\"GetBlob\"} 2",
            "gantry_sent_bytes_total{operation=\"GetBlob\"} 5.0",
            "gantry_refusals_total{kind=\"RouteNotFound\"} 1.0",
            "# HELP gantry_queue Waiting.",
            "gantry_queue{name=\"a\\\"b\"} 3.0",
            "# EOF",
        ] {
            assert!(text.lines().any(|printed| printed == line), "{line}\nin\n{text}");
        }
    }
}
