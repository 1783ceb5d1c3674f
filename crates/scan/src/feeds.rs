//! Readers of advisories: one file per format.

pub mod osv;
