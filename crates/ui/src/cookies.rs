use http::{HeaderMap, HeaderValue, header};

/// What browsers carry: who is logged in, and a login under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    Session,
    Attempt,
}

impl Cookie {
    /// Its name. Over TLS it begins with `__Host-`: no browser takes it then from another host, or without TLS (RFC 6265bis section
    /// 4.1.3.2). On plain localhost browsers would not take that.
    pub(crate) fn name(self, is_secure: bool) -> &'static str {
        match (self, is_secure) {
            (Cookie::Session, true) => "__Host-gantry",
            (Cookie::Session, false) => "gantry",
            (Cookie::Attempt, true) => "__Host-gantry-login",
            (Cookie::Attempt, false) => "gantry-login",
        }
    }

    /// Its value; none where it is not there, or several times: another host of the domain may have added one.
    pub(crate) fn find(self, headers: &HeaderMap, is_secure: bool) -> Option<&str> {
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == self.name(is_secure)).map(|(_, value)| value);
        let (first, more) = (values.next(), values.next());
        first.filter(|_| more.is_none())
    }

    /// Has the browser carry `value`, which holds `[A-Za-z0-9_-]` only, until it ends or for so many seconds.
    pub(crate) fn set(self, value: &str, seconds: Option<u64>, is_secure: bool) -> HeaderValue {
        let secure = if is_secure { "; Secure" } else { "" };
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(is_secure));
        HeaderValue::from_str(&text).expect("names and values of cookies are visible ASCII")
    }

    /// Has the browser forget it.
    pub(crate) fn clear(self, is_secure: bool) -> HeaderValue {
        self.set("", Some(0), is_secure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(texts: &[&'static str]) -> HeaderMap {
        texts.iter().map(|text| (header::COOKIE, HeaderValue::from_static(text))).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let found = |texts: &[&'static str]| Cookie::Session.find(&headers(texts), false).map(String::from);

        assert_eq!(found(&["a=1; gantry=abc; gantry-login=x"]), Some("abc".into()));
        assert_eq!(found(&["a=1", "gantry=abc"]), Some("abc".into()));
        for texts in [&[][..], &["a=1"], &["Gantry=abc"], &["__Host-gantry=abc"], &["gantry=a; gantry=b"], &["gantry"]]
        {
            assert_eq!(found(texts), None, "{texts:?}");
        }
    }

    #[test]
    fn over_tls_a_cookie_is_bound_to_its_host() {
        let set = Cookie::Session.set("abc", None, true);

        assert_eq!(set, "__Host-gantry=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(Cookie::Session.find(&headers(&["gantry=abc"]), true), None);
    }

    #[test]
    fn a_cookie_of_localhost_has_a_plain_name() {
        assert_eq!(
            Cookie::Attempt.set("abc", Some(600), false),
            "gantry-login=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"
        );
        assert_eq!(Cookie::Attempt.clear(false), "gantry-login=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }
}
