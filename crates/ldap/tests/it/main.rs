//! The directory of the tests is Debian's slapd: it is started for each, on a port that is free, with certificates made for it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![allow(clippy::disallowed_methods, reason = "these tests live in real time, with a real directory")]

mod logins;
mod slapd;
