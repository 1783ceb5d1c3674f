use crate::{Door, Incoming, Outgoing, Refused, Wire};
use gantry_fault::Fault;
use gantry_words::RequestId;
use http::{HeaderMap, Method};

/// What the address of a request held for its operation, by name.
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(&'static str, Box<str>)>);

impl Params {
    /// None.
    pub const fn new() -> Self {
        Params(Vec::new())
    }

    /// One more; values are as in the address, percent-encoding included.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if self.0.capacity() == 0 {
            self.0.reserve_exact(3);
        }
        self.0.push((name, value.into()));
        self
    }

    /// Returns the value of `name`; empty where the route has none of that name.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}

/// Where an address leads.
#[derive(Debug)]
pub enum Routed {
    /// To the operation of this name.
    To(&'static str, Params),
    /// The address exists, with these methods (value of the `Allow` header).
    MethodNotAllowed(&'static str),
    /// Nothing lives there.
    NotFound,
    /// The address itself is refused.
    Refused(Fault),
    /// The same, in the words of another protocol of the same surface.
    RefusedBy(Fault, fn(&Refused<'_>) -> Outgoing),
    /// The address does not tell, the whole request does.
    ByContent(ByContent),
}

/// How a request finds its operation where many share one address.
#[derive(Clone, Copy, Debug)]
pub struct ByContent {
    /// The most bytes a body with these headers may have.
    pub bytes_max: fn(&HeaderMap) -> usize,
    /// Finds the way of a request whose body is whole ([`Body::whole`](crate::Body::whole)).
    pub route: fn(&Incoming) -> Routed,
}

/// Finds the way for a method and a raw path (percent-encoded, without the query).
pub type Route = fn(&Method, &str) -> Routed;

/// The operations of one protocol, and the addresses below which they live.
pub struct Surface {
    /// Address prefixes this surface owns, without a slash at the end: `/v2` owns `/v2`, `/v2/` and all below, not `/v2x`.
    /// `/` owns the root alone.
    pub prefixes: &'static [&'static str],
    /// Its operations.
    pub doors: Vec<Door>,
    /// Which address leads where.
    pub route: Route,
    pub(crate) refuse: fn(&Refused<'_>) -> Outgoing,
    pub(crate) dress: fn(&mut HeaderMap, RequestId),
}

impl Surface {
    /// A surface that refuses in the words of `W` where no operation is concerned.
    pub fn new<W: Wire>(prefixes: &'static [&'static str], doors: Vec<Door>, route: Route) -> Self {
        Surface { prefixes, doors, route, refuse: W::refuse, dress: W::dress }
    }

    pub(crate) fn owns(&self, path: &str) -> bool {
        let owns = |prefix: &&str| match path.strip_prefix(prefix) {
            Some(rest) => rest.is_empty() || (rest.starts_with('/') && *prefix != "/"),
            None => false,
        };
        self.prefixes.iter().any(owns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Oci;

    #[test]
    fn a_surface_owns_what_lies_below_its_prefixes() {
        let surface = Surface::new::<Oci>(&["/v2", "/token"], vec![], |_, _| Routed::NotFound);

        for path in ["/v2", "/v2/", "/v2/a/b", "/token", "/v2//"] {
            assert!(surface.owns(path), "{path}");
        }
        for path in ["", "/", "/v2x", "/v", "/tokens", "/V2/", "/api/v2/"] {
            assert!(!surface.owns(path), "{path}");
        }
    }

    #[test]
    fn a_surface_may_own_the_root_alone() {
        let surface = Surface::new::<Oci>(&["/"], vec![], |_, _| Routed::NotFound);

        assert!(surface.owns("/"));
        for path in ["", "//", "/a", "/v2/"] {
            assert!(!surface.owns(path), "{path}");
        }
    }

    #[test]
    fn a_parameter_the_route_does_not_have_is_empty() {
        let params = Params::new().with("name", "a/b");

        assert_eq!((params.get("name"), params.get("tag")), ("a/b", ""));
    }
}
