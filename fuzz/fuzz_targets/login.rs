//! What a browser brings is read without panic: an attempt as it was printed, a code as it is shown, a path that stays here; and no
//! answer is admitted without the attempt it belongs to.
#![no_main]

use gantry_access::login::{Callback, LoginAttempt, LoginProblem, Ticket, UserCode, admit_callback, return_path};
use gantry_words::Timestamp;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_millis(1_795_257_600_000);
const ISSUER: &str = "https://id.example.com";

fuzz_target!(|text: &str| {
    if let Some(attempt) = LoginAttempt::parse(text.as_bytes()) {
        assert_eq!(LoginAttempt::parse(&attempt.print()).as_ref(), Some(&attempt));
    }
    if let Some(code) = UserCode::parse(text) {
        assert_eq!(UserCode::parse(&code.to_string()).as_ref(), Some(&code));
    }
    if let Some(path) = return_path(text) {
        assert!(path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\"));
    }
    if let Some(ticket) = Ticket::parse(text) {
        assert!(ticket.admits_form(&ticket.form_token()) && ticket.hash().len() == 64);
    }
    let pairs: Vec<_> =
        form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let Ok(callback) = Callback::read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))) else {
        return;
    };
    assert_eq!(admit_callback(None, &callback, ISSUER, false, NOW), Err(LoginProblem::NoAttempt));
    let attempt = LoginAttempt::begin(&[7; 96], "/ui/login", NOW);
    let admitted = admit_callback(Some(&attempt), &callback, ISSUER, false, NOW);
    let state = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    assert!(admitted.is_err() || text.contains(state) || pairs.iter().any(|(_, value)| value == state));
});
