//! Scopes print in one way, which is read as the same; they hold no repository and no verb that the text does not name.
#![no_main]

use gantry_access::{SCOPES_MAX, ScopeVerb, Scopes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let scopes = Scopes::parse(text.split('\n'));
    let printed = scopes.to_string();
    let again = Scopes::parse([printed.as_str()]);
    assert_eq!(again, scopes);
    assert_eq!(again.to_string(), printed);
    assert_eq!(scopes.is_empty(), printed.is_empty());

    assert!(scopes.repositories().len() <= SCOPES_MAX);
    assert!(scopes.repositories().windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(!scopes.has_catalog() || text.contains(":catalog:"));
    for (name, verbs) in scopes.repositories() {
        assert!(text.contains(&format!(":{name}:")) && !verbs.is_empty());
        for (verb, word) in [(ScopeVerb::Pull, "pull"), (ScopeVerb::Push, "push"), (ScopeVerb::Delete, "delete")] {
            assert!(!verbs.contains(verb) || text.contains(word) || text.contains('*'));
        }
    }
    assert_eq!(scopes.filter(|_, _| true), scopes);
    assert!(scopes.filter(|_, _| false).is_empty());
});
