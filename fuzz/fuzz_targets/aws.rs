//! Whatever is sent to whatever operation of AWS's protocols: it is refused with a sentence, or asks for what is named in it
//! and no more.
#![no_main]

#[path = "../house.rs"]
mod house;

use bytes::Bytes;
use futures_util::FutureExt;
use gantry_access::Resource;
use gantry_api::{Incoming, Lock, Routed};
use gantry_fault::Fault;
use gantry_words::{AccountId, Cx, RequestId, Timestamp};
use house::AWS;
use http::{HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let Some(mut request) = read(head) else { return };
    request.body = Bytes::copy_from_slice(body.as_bytes()).into();
    let cx = Cx {
        actor: "somebody".into(),
        account: AccountId::DEFAULT,
        operation: "fuzz",
        request_id: RequestId::new([0; 16]),
        now: Timestamp::default(),
        source: None,
    };

    let routed = match (AWS.route)(&request.method, request.uri.path()) {
        Routed::ByContent(content) if body.len() <= (content.bytes_max)(&request.headers) => (content.route)(&request),
        routed => routed,
    };
    match routed {
        Routed::To(name, params) => {
            let door = AWS.doors.iter().find(|door| door.name == name).expect("a route leads to a door");
            request.params = params;
            match door.needs(request, &cx).now_or_never().expect("a request at hand is read at once") {
                Ok(needs) => {
                    assert_eq!(needs.is_empty(), door.lock != Lock::Access, "{name}");
                    for need in needs {
                        match need.resource {
                            Resource::Repository(repository) => {
                                assert!(names(body, repository.as_str()), "{name} asks for {repository}");
                            }
                            Resource::Owned { path, .. } if name.starts_with("iam:") => {
                                let last = path.rsplit('/').next().unwrap_or_default();
                                assert!(["*", "root"].contains(&last) || fills(body, last), "{name} asks for {path}");
                            }
                            Resource::Arn(arn) if name.starts_with("iam:") => {
                                assert!(fills(body, &arn), "{name} asks for {arn}");
                            }
                            Resource::Owned { .. } | Resource::Arn(_) | Resource::Registry | Resource::Repositories => {
                            }
                        }
                    }
                }
                Err(fault) => assert_is_told(&fault, text),
            }
        }
        Routed::Refused(fault) | Routed::RefusedBy(fault, _) => assert_is_told(&fault, text),
        // A body that is too long for its operation is refused before it is read.
        Routed::ByContent(_) | Routed::MethodNotAllowed(_) | Routed::NotFound => (),
    }
});

/// Reads a line with method and address, and headers below it.
fn read(head: &str) -> Option<Incoming> {
    let mut lines = head.lines();
    let (method, address) = lines.next()?.split_once(' ')?;
    let (method, _) = (method.parse::<Method>().ok()?, address.parse::<Uri>().ok()?);
    let mut request = Incoming::new(method, address);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.trim().parse::<HeaderValue>()) {
            request.headers.append(name, value);
        }
    }
    Some(request)
}

/// The fault is the client's, and is told in a sentence whose length the client cannot blow up.
fn assert_is_told(fault: &Fault, text: &str) {
    assert!((400..500).contains(&fault.kind.row().status), "{fault:?}");
    assert!(!fault.message.is_empty() && fault.message.len() < 4 * text.len() + 4_000, "{fault}");
}

/// Whether a value of a form has a text in it.
fn fills(body: &str, text: &str) -> bool {
    gantry_api::form(body.as_bytes()).iter().any(|(_, value)| value.contains(text))
}

/// Whether a text in a body of JSON names a repository: as it is, or at the end of an ARN.
fn names(body: &str, repository: &str) -> bool {
    fn any(value: &Value, is: &impl Fn(&str) -> bool) -> bool {
        match value {
            Value::String(text) => is(text),
            Value::Array(values) => values.iter().any(|value| any(value, is)),
            Value::Object(members) => members.values().any(|value| any(value, is)),
            _ => false,
        }
    }
    let is = |text: &str| text.strip_suffix(repository).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    serde_json::from_str::<Value>(body).is_ok_and(|document| any(&document, &is))
}
