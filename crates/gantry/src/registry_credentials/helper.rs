//! The protocol of docker's credential helpers: a verb as argument, the rest on standard input and output.

use super::image::is_host;
use serde_json::{Value, json};

/// What docker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Verb {
    /// Credentials for a server
    Get,
    /// To keep credentials: nothing is kept here
    Store,
    /// To forget those of a server
    Erase,
    /// Which servers there are credentials for
    List,
    /// Which version this is
    Version,
}

/// What a helper says, word for word, where it has nothing: docker goes on without then, and takes all else for an error.
pub(crate) const NOT_FOUND: &str = "credentials not found in native keychain";

/// The host of a server as docker names it: `reg.example.com`, `https://reg.example.com:5000/v1/`, with a line end behind.
pub(crate) fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or(text.strip_prefix("http://")).unwrap_or(text);
    let host = rest.split('/').next().unwrap_or_default();
    is_host(host).then(|| host.to_ascii_lowercase())
}

/// The answer to `get`.
pub(crate) fn answer(server: &str, username: &str, password: &str) -> Value {
    json!({"ServerURL": server.trim(), "Username": username, "Secret": password})
}

/// The answer to `list`.
pub(crate) fn list(host: Option<&str>) -> Value {
    let mut servers = serde_json::Map::new();
    if let Some(host) = host {
        servers.insert(format!("https://{host}"), json!("AWS"));
    }
    Value::Object(servers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_in_any_way_that_docker_does() {
        for (text, name) in [
            ("reg.example.com", "reg.example.com"),
            ("reg.example.com:5000\n", "reg.example.com:5000"),
            ("https://Reg.example.com/v1/\r\n", "reg.example.com"),
            ("http://127.0.0.1:5000", "127.0.0.1:5000"),
            ("[::1]:5000", "[::1]:5000"),
        ] {
            assert_eq!(host(text).as_deref(), Some(name), "{text}");
        }
        for text in ["", "\n", "https://", "ftp://x y", "a b", "user@host"] {
            assert_eq!(host(text), None, "{text}");
        }
    }

    #[test]
    fn an_answer_names_the_server_as_it_was_asked() {
        let said = answer("https://reg.example.com/v1/\n", "AWS", "word");

        assert_eq!(said, json!({"ServerURL": "https://reg.example.com/v1/", "Username": "AWS", "Secret": "word"}));
        assert_eq!(list(Some("reg.example.com")), json!({"https://reg.example.com": "AWS"}));
        assert_eq!(list(None), json!({}));
    }
}
