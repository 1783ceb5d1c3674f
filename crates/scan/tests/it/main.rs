//! What comes out of whole files, as it goes in and out of this crate.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixtures;
