//! What comes out of whole files, as it goes in and out of this crate.

mod fixtures;
