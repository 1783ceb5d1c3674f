//! Whatever a registry wants of who asks, and gives for it: addresses are asked over https where it is, and tokens fit into a header.
#![no_main]

use gantry_outbound::{Challenge, RegistryToken};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(challenge) = Challenge::parse(text) {
        let scope = challenge.scope().unwrap_or("repository:team/app:pull");
        let [secure, plain] = [true, false].map(|is_tls| challenge.token_url(is_tls, scope));
        assert!(secure.as_deref().is_none_or(|url| url.starts_with("https://") && url.contains("scope=")));
        assert!(plain.as_deref().is_none_or(|url| url.starts_with("http")));
        assert!(!challenge.is_basic() || plain.is_none());
    }
    if let Some(token) = RegistryToken::read(text.as_bytes()) {
        let authorization = token.authorization();
        assert!(
            authorization.len() > "Bearer ".len()
                && authorization.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        );
        assert!(token.lifetime().as_secs() > 0);
    }
});
