//! Addresses as registries write them: of the next page, and of where a redirect leads.

/// The address of the next page in a header `Link` (RFC 8288): `<address>; rel="next"`, alone or among others.
pub(crate) fn next_page(link: &str) -> Option<&str> {
    let mut rest = link;
    loop {
        let (address, after) = rest.split_once('<')?.1.split_once('>')?;
        let (parameters, behind) = after.split_at(after.find('<').unwrap_or(after.len()));
        let is_next = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let mut relations = value.trim().trim_matches('"').split(' ');
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        };
        if parameters.split([';', ',']).any(is_next) {
            return Some(address);
        }
        rest = behind;
    }
}

/// The path of an address at a server, `base` being its scheme and host; `None` where it leads to another.
///
/// Behind a proxy that speaks TLS registries write http: that is the same server, and it is asked as before.
pub(super) fn path_at<'a>(base: &str, address: &'a str) -> Option<&'a str> {
    let path = match address.split_once("://") {
        Some(("http" | "https", rest)) => rest.strip_prefix(host(base))?,
        Some(_) => return None,
        None => address,
    };
    (path.starts_with('/') && !path.starts_with("//")).then_some(path)
}

/// Where a redirect leads; `None` where that is no address, or one without TLS after one with it.
pub(super) fn redirected(from: &str, location: &str) -> Option<String> {
    let (scheme, _) = from.split_once("://")?;
    let next = if location.starts_with("https://") || location.starts_with("http://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{}{location}", host(from))
    } else {
        return None;
    };
    (scheme != "https" || next.starts_with("https://")).then_some(next)
}

/// The host of an address, with its port.
pub(super) fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_header_says() {
        for (link, page) in [
            (r#"</v2/a/tags/list?n=2&last=b>; rel="next""#, Some("/v2/a/tags/list?n=2&last=b")),
            ("</v2/_catalog?last=b>; rel=next", Some("/v2/_catalog?last=b")),
            (r#"</first>; rel="first", </next,1>; title="a, b"; REL="prev Next""#, Some("/next,1")),
            (r#"</v2/a>; rel="prev""#, None),
            (r#"</v2/a>; rel="nextdoor""#, None),
            ("/v2/a", None),
            ("<", None),
            ("", None),
        ] {
            assert_eq!(next_page(link), page, "{link}");
        }
    }

    #[test]
    fn a_page_is_at_the_same_server_or_nowhere() {
        let base = "https://registry.example.com:5000";
        for (address, path) in [
            ("/v2/_catalog?last=b", Some("/v2/_catalog?last=b")),
            ("https://registry.example.com:5000/v2/", Some("/v2/")),
            ("http://registry.example.com:5000/v2/", Some("/v2/")),
            ("https://registry.example.com:50001/v2/", None),
            ("https://registry.example.com:5000.evil.example/v2/", None),
            ("https://elsewhere.example/v2/", None),
            ("//elsewhere.example/v2/", None),
            ("ftp://registry.example.com:5000/v2/", None),
            ("v2/_catalog", None),
        ] {
            assert_eq!(path_at(base, address), path, "{address}");
        }
    }

    #[test]
    fn a_redirect_leads_on_but_never_out_of_tls() {
        for (from, location, next) in [
            ("https://a/v2/x", "https://store/y?z=1", Some("https://store/y?z=1")),
            ("http://a:5000/v2/x", "/y", Some("http://a:5000/y")),
            ("https://a/v2/x", "//store/y", Some("https://store/y")),
            ("http://a/v2/x", "https://store/y", Some("https://store/y")),
            ("https://a/v2/x", "http://store/y", None),
            ("https://a/v2/x", "file:///etc/passwd", None),
            ("https://a/v2/x", "", None),
        ] {
            assert_eq!(redirected(from, location).as_deref(), next, "{location}");
        }
    }
}
