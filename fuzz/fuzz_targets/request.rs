//! Whatever is sent to whatever operation: it is refused with a sentence, or asks for what is named in it and no more.
#![no_main]

#[path = "../house.rs"]
mod house;

use bytes::Bytes;
use futures_util::FutureExt;
use gantry_access::Resource;
use gantry_api::{Incoming, Lock, Params, Routed};
use gantry_words::{AccountId, Cx, RequestId, Timestamp};
use house::SURFACES;
use http::{HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let Some((method, address)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let (Ok(method), Ok(uri)) = (method.parse::<Method>(), address.parse::<Uri>()) else { return };
    let cx = Cx {
        actor: "somebody".into(),
        account: AccountId::DEFAULT,
        operation: "fuzz",
        request_id: RequestId::new([0; 16]),
        now: Timestamp::default(),
        source: None,
    };
    let mut request = Incoming::new(method, address);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.trim().parse::<HeaderValue>()) {
            request.headers.append(name, value);
        }
    }
    request.body = Bytes::copy_from_slice(body.as_bytes()).into();

    for surface in SURFACES.iter() {
        let Routed::To(name, params) = (surface.route)(&request.method, uri.path()) else { continue };
        let door = surface.doors.iter().find(|door| door.name == name).expect("a route leads to a door");
        request.params = params.clone();
        match door.needs(request, &cx).now_or_never().expect("a request at hand is read at once") {
            Ok(needs) => {
                assert_eq!(needs.is_empty(), door.lock != Lock::Access, "{name}");
                for need in needs {
                    if let Resource::Repository(repository) = need.resource {
                        assert_eq!(named(&params, body).as_deref(), Some(repository.as_str()), "{name}");
                    }
                }
            }
            Err(fault) => {
                assert!((400..500).contains(&fault.kind.row().status), "{name}: {fault:?}");
                assert!(!fault.message.is_empty() && fault.message.len() < 4 * text.len() + 1_000, "{name}: {fault}");
            }
        }
        return;
    }
});

/// The repository that a request names: in its address, or in its body.
fn named(params: &Params, body: &str) -> Option<String> {
    if !params.get("name").is_empty() {
        return Some(params.get("name").replace("%2F", "/").replace("%2f", "/"));
    }
    serde_json::from_str::<Value>(body).ok()?["name"].as_str().map(str::to_string)
}
