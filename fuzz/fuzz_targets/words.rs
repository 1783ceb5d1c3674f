//! Names, sizes, times: what is read prints as what is read again, and names hold to their grammar.
#![no_main]

use gantry_words::{AccountId, ByteCount, Period, Region, RepositoryName, Timestamp};
use libfuzzer_sys::fuzz_target;
use std::{fmt, str::FromStr};

fuzz_target!(|text: &str| {
    again::<AccountId>(text).inspect(|account| assert!(account.as_str() == text && text.len() == 12));
    again::<Region>(text).inspect(|region| assert_eq!(region.as_str(), text));
    again::<ByteCount>(text);
    again::<Period>(text);
    again::<Timestamp>(text);
    if let Some(name) = again::<RepositoryName>(text) {
        assert!(name.as_str() == text && text.len() <= 256);
        let part = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
                && part.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit())
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
        };
        assert!(text.split('/').all(part));
    }
});

/// Reads a text, prints it and reads that.
fn again<T>(text: &str) -> Option<T>
where
    T: FromStr + fmt::Display + fmt::Debug + PartialEq,
    T::Err: fmt::Display,
{
    match text.parse::<T>() {
        Ok(read) => {
            let printed = read.to_string();
            let again =
                printed.parse::<T>().unwrap_or_else(|refusal| panic!("{text:?} prints as {printed:?}: {refusal}"));
            assert_eq!(again, read);
            assert_eq!(again.to_string(), printed);
            Some(read)
        }
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            None
        }
    }
}
