//! A terminal that waits until a person lets it in with a browser (RFC 8628).

use crate::{output::Failure, remote::Remote};
use gantry_words::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

/// By how much longer to wait when the server says so (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// The longest that is waited, whatever the server says.
const WAIT_MAX: Duration = Duration::from_secs(30 * 60);
const INTERVAL_MAX: Duration = Duration::from_secs(60);

/// What the server gives to be shown and to ask with.
#[derive(Deserialize)]
struct DeviceCode {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// What a person has given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Given {
    pub(super) user: String,
    pub(super) password: Secret<String>,
    pub(super) expires_at: String,
}

/// Shows a code, and waits until a person has typed it in a browser and let this terminal in.
#[expect(clippy::disallowed_methods, reason = "a command that waits for a person lives in real time")]
pub(super) fn log_in(remote: &Remote) -> Result<Given, Failure> {
    let asked: DeviceCode = remote.post("/api/v1/device/code", &json!({"client_id": program()}))?;
    let words = format!(
        "Open {} in a browser, log in there, and compare the code:\n\n    {}\n\nOr type the code at {}\n",
        plain(&asked.verification_uri_complete),
        plain(&asked.user_code),
        plain(&asked.verification_uri)
    );
    // On standard error: standard output has the answer, which programs may read.
    let _ = io::stderr().write_all(words.as_bytes());
    let question = json!({"device_code": asked.device_code});
    let until = Instant::now() + Duration::from_secs(asked.expires_in).min(WAIT_MAX);
    let mut interval = Duration::from_secs(asked.interval.max(1)).min(INTERVAL_MAX);
    while Instant::now() < until {
        thread::sleep(interval);
        let answer: Value = remote.post_and_read_refusal("/api/v1/device/token", &question)?;
        match answer["error"].as_str() {
            Some("authorization_pending") => {}
            Some("slow_down") => interval = (interval + SLOWER).min(INTERVAL_MAX),
            Some("access_denied") => {
                return Err(Failure::failed("the login was refused in the browser", "Begin it again if you want it"));
            }
            Some("expired_token") => break,
            _ => return read(answer),
        }
    }
    Err(Failure::failed("nobody let this terminal in while its code was good", "Run the command again"))
}

fn read(answer: Value) -> Result<Given, Failure> {
    if let Some(message) = answer["error"]["message"].as_str() {
        return Err(Failure::failed(plain(message), ""));
    }
    serde_json::from_value(answer)
        .map_err(|_| Failure::failed("the server's answer is not understood", "Is it a Gantry of this version?"))
}

/// What the person at the browser is shown.
fn program() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("gantry/{} on {host}", env!("CARGO_PKG_VERSION"))
}

/// What a server says, without what would move the cursor.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_server_says_moves_the_cursor() {
        assert_eq!(plain("https://a\u{1b}[2J/ui\r\n"), "https://a[2J/ui");
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words() {
        let refused = read(json!({"error": {"code": "AccessDenied", "message": "Your role is no more"}}));

        assert!(refused.err().unwrap().to_string().contains("Your role is no more"));
    }
}
