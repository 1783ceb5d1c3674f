use crate::{Body, Origin, Params};
use http::{HeaderMap, Method, Uri};
use std::{borrow::Cow, net::IpAddr};

/// What a client asked for, before its operation has read it.
pub struct Incoming {
    /// The method.
    pub method: Method,
    /// The address as sent.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// What the route took out of the address.
    pub params: Params,
    /// The body, still to be read.
    pub body: Body,
    /// Scheme and host by which the client reached us.
    pub origin: Origin,
    /// Where the client is; `None` on a Unix socket.
    pub peer: Option<IpAddr>,
}

impl Incoming {
    /// A request without headers and body, from nowhere: for tests of what reads requests.
    ///
    /// # Panics
    /// Where `uri` is no address.
    pub fn new(method: Method, uri: &str) -> Self {
        Incoming {
            method,
            uri: uri.parse().expect("the address of a test is well formed"),
            headers: HeaderMap::new(),
            params: Params::new(),
            body: Body::empty(),
            origin: Origin::new(false, "localhost").expect("localhost is a host"),
            peer: None,
        }
    }

    /// Returns the first value of a query parameter, decoded; bytes that are no UTF-8 become U+FFFD.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_all(name).next()
    }

    /// Returns all values of a query parameter, decoded, in their order.
    pub fn query_all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = Cow<'a, str>> + use<'a, 'n> {
        let pairs = self.uri.query().unwrap_or_default().split('&');
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .filter(move |(key, _)| !key.is_empty() && decode(key) == name)
            .map(|(_, value)| decode(value))
    }

    /// Returns the first value of a header that holds visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Reads the fields of a form (`application/x-www-form-urlencoded`), decoded, in their order.
pub fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode(key).into(), decode(value).into()))
        .collect()
}

/// Decodes one side of a pair in a query or form (`+` is a blank, `%41` is `A`; a stray `%` stands for itself).
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, width) = match bytes[at] {
            b'+' => (b' ', 1),
            b'%' => escaped(&bytes[at + 1..]).map_or((b'%', 1), |byte| (byte, 3)),
            byte => (byte, 1),
        };
        decoded.push(byte);
        at += width;
    }
    match String::from_utf8(decoded) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

fn escaped(rest: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*rest.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_parameters_are_decoded() {
        for (query, value) in [
            ("n=5", Some("5")),
            ("a=1&n=x%3Ay", Some("x:y")),
            ("n=a+b", Some("a b")),
            ("n=", Some("")),
            ("n", Some("")),
            ("%6e=1", Some("1")),
            ("n=100%", Some("100%")),
            ("n=%zz", Some("%zz")),
            ("n=%ff", Some("\u{fffd}")),
            ("N=1", None),
            ("", None),
        ] {
            let incoming = Incoming::new(Method::GET, &format!("/?{query}"));

            assert_eq!(incoming.query("n").as_deref(), value, "{query}");
        }
    }

    #[test]
    fn the_fields_of_a_form_are_decoded() {
        let fields = form(b"grant_type=password&username=a%40b&password=x+y%26z&");

        assert_eq!(fields[1], ("username".into(), "a@b".into()));
        assert_eq!(fields[2], ("password".into(), "x y&z".into()));
        assert_eq!(fields.len(), 3);
    }

    #[test]
    fn a_parameter_may_be_given_several_times() {
        let incoming = Incoming::new(Method::GET, "/token?scope=a&service=x&scope=b");

        assert_eq!(incoming.query_all("scope").collect::<Vec<_>>(), ["a", "b"]);
    }
}
