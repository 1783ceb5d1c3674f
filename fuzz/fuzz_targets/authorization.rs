//! An `Authorization` header that is read means what it says, and a challenge built from any host is one line whose
//! quotes are its own.
#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_access::{
    Access, Authorization, action,
    challenge::{self, TokenProblem},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Authorization::parse(text) {
        Ok(Authorization::Basic { user, password }) => {
            let pair = format!("{user}:{}", password.reveal());
            assert!(!user.contains(':') && !pair.chars().any(char::is_control));
            assert!(text.ends_with(&format!(" {}", STANDARD.encode(pair))));
            assert!(text[..5].eq_ignore_ascii_case("basic"));
        }
        Ok(Authorization::Bearer(token)) => {
            assert!(!token.is_empty() && token.bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
            assert!(text.ends_with(token) && text[..6].eq_ignore_ascii_case("bearer"));
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    let needs = [Access::on(action::ECR_PUT_IMAGE, &"team/app".parse().expect("a name"))];
    for challenge in challenge::all(true, text, text, &needs, Some(TokenProblem::Invalid)) {
        assert!(challenge.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let bare = challenge.replace("\\\\", "").replace("\\\"", "");
        let quotes = if challenge.starts_with("Bearer") { 8 } else { 2 };
        assert_eq!(bare.matches('"').count(), quotes);
    }
});
