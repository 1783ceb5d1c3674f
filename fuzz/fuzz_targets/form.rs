//! A form and a query are read as everybody else reads them (the URL standard's `application/x-www-form-urlencoded`).
#![no_main]

use gantry_api::{Incoming, form};
use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = form(bytes);
    let Ok(text) = str::from_utf8(bytes) else { return };
    assert_eq!(read, standard(text));

    let address = format!("/token?{text}");
    let Ok(uri) = address.parse::<Uri>() else { return };
    let pairs = standard(uri.query().unwrap_or_default());
    let incoming = Incoming::new(Method::GET, &address);
    for (name, _) in pairs.iter().filter(|(name, _)| !name.is_empty()) {
        let values = pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        assert!(incoming.query_all(name).eq(values), "{name:?}");
    }
});

fn standard(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
