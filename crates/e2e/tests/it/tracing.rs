//! Traces, as a collector gets them.

use gantry_e2e::{Image, Server};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Kinds of spans, as their numbers in OTLP.
const SERVER: i32 = 2;

/// Stands for a collector: takes what is posted to it and keeps it. The one thing in these tests that is not the real one.
struct Collector {
    address: String,
    taken: Arc<Mutex<Vec<Taken>>>,
}

/// What came in one request.
struct Taken {
    head: String,
    spans: Vec<Span>,
    resource: Vec<KeyValue>,
}

impl Collector {
    fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let kept = taken.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                thread::spawn(move || take_all(stream, &kept));
            }
        });
        Collector { address, taken }
    }

    /// Starts a server that sends its spans here.
    fn server(&self, settings: &[(&str, &str)]) -> Server {
        let endpoint = format!("http://{}", self.address);
        Server::with(&[&[("GANTRY_TRACING__OTLP_ENDPOINT", endpoint.as_str())], settings].concat())
    }

    fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().iter().flat_map(|taken| taken.spans.clone()).collect()
    }
}

/// Takes what comes on one connection, until it ends.
fn take_all(stream: TcpStream, kept: &Mutex<Vec<Taken>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_string));
        let mut body = vec![0; length.expect("a length").parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("OTLP");
        for one in request.resource_spans {
            let spans = one.scope_spans.into_iter().flat_map(|scope| scope.spans).collect();
            let resource = one.resource.unwrap_or_default().attributes;
            kept.lock().unwrap().push(Taken { head: head.clone(), spans, resource });
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.get_mut().write_all(answer).unwrap();
    }
}

/// An attribute as text.
fn attribute(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span is named {name}: {names:?}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_push_is_seen_from_its_request_to_the_disk() {
    let collector = Collector::start();
    let mut server = collector.server(&[]);

    let pushed = Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    server.stop();

    let spans = collector.spans();
    let request = named(&spans, "PUT /v2/{name}/manifests/{reference}");
    let of = |name| attribute(&request.attributes, name);
    assert_eq!(request.kind, SERVER);
    assert_eq!(of("http.request.method"), "PUT");
    assert_eq!(of("url.path"), "/v2/team/app/manifests/v1");
    assert_eq!(of("http.response.status_code"), "201");
    assert_eq!(of("gantry.operation"), "PutManifest");
    assert_eq!(of("gantry.repository"), "team/app");
    assert_eq!(of("gantry.principal"), "arn:aws:iam::000000000000:root");
    assert_eq!(of("gantry.request_id"), pushed.header("x-request-id").unwrap());
    assert!(of("http.request.body.size").parse::<u64>().unwrap() > 100);
    let act = spans.iter().find(|span| span.parent_span_id == request.span_id).expect("a span within the request");
    assert_eq!((act.name.as_str(), &act.trace_id), ("registry.put_image", &request.trace_id));
    let upload = named(&spans, "PUT /v2/{name}/blobs/uploads/{id}");
    let within: Vec<&str> =
        spans.iter().filter(|span| span.parent_span_id == upload.span_id).map(|span| span.name.as_str()).collect();
    assert!(["store.append", "store.publish"].iter().all(|name| within.contains(name)), "{within:?}");
}

#[test]
fn a_collector_is_told_who_speaks_in_the_way_otlp_asks() {
    let collector = Collector::start();
    let mut server = collector.server(&[("GANTRY_TRACING__OTLP_HEADERS", "x-key=hunter2")]);

    server.client().get("/v2/");
    server.stop();

    let taken = collector.taken.lock().unwrap();
    let head = taken[0].head.to_ascii_lowercase();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf\r\n") && head.contains("x-key: hunter2\r\n"), "{head}");
    assert_eq!(attribute(&taken[0].resource, "service.name"), "gantry");
    assert_eq!(attribute(&taken[0].resource, "service.version"), env!("CARGO_PKG_VERSION"));
    assert!(!server.log().contains("hunter2"));
}

#[test]
fn a_request_joins_the_trace_of_its_client() {
    let collector = Collector::start();
    let mut server = collector.server(&[("GANTRY_TRACING__SAMPLE_RATIO", "0.0")]);
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");

    let send =
        |flags| server.client().send("GET", "/v2/", &[("traceparent", &format!("00-{trace}-{parent}-{flags}"))], &[]);
    send("01");
    send("00");
    server.client().send("GET", "/v2/", &[("traceparent", "nonsense")], &[]);
    server.stop();

    // The client's word decides where there is one; of the traces that begin here none is kept.
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!((hex(&spans[0].trace_id), hex(&spans[0].parent_span_id)), (trace.into(), parent.into()));
}

#[test]
fn probes_leave_no_spans_and_what_fails_is_marked() {
    let collector = Collector::start();
    let mut server = collector.server(&[]);

    for path in ["/healthz", "/readyz", "/metrics", "/v2/no/such/manifests/v1"] {
        server.client().get(path);
    }
    server.stop();

    let spans = collector.spans();
    let requests: Vec<&Span> = spans.iter().filter(|span| span.kind == SERVER).collect();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(attribute(&requests[0].attributes, "http.response.status_code"), "404");
    assert_eq!(requests[0].status.clone().unwrap_or_default().code, 0, "a client's mistake is none of the server");
}

#[test]
fn a_collector_that_does_not_answer_harms_nobody_and_is_spoken_of_once() {
    let settings = [("GANTRY_TRACING__OTLP_ENDPOINT", "http://127.0.0.1:1"), ("GANTRY_TRACING__EXPORT_DEADLINE", "1s")];
    let mut server = Server::with(&settings);

    let pushed = Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let metrics = server.client().get("/metrics").text();
    server.stop();

    assert_eq!(pushed.status, 201);
    assert!(metrics.contains("gantry_spans_ended_total"), "{metrics}");
    let log = server.log();
    assert_eq!(log.matches("the collector does not take the spans").count(), 1, "{log}");
}

#[test]
fn without_a_collector_nothing_is_said_of_spans() {
    let server = Server::start();

    assert!(!server.client().get("/metrics").text().contains("gantry_spans"));
}
