//! A bucket of an object store that speaks S3, read as if what lies below a prefix were a folder.
//!
//! One flat list tells the names, lengths and times of everything there, so that nothing is asked for what is known; only bytes are
//! fetched. What another registry keeps beside its images is left out of the list.
//!
//! | file | what |
//! |---|---|
//! | `address.rs` | [`BucketAddress`]: `s3://BUCKET/PREFIX` |
//! | `access.rs` | [`BucketAccess`]: who asks, where, and in which region |
//! | `profiles.rs` | the files that AWS's programs keep these in |
//! | `endpoint.rs` | which host a bucket is asked at, and by which path |
//! | `client.rs` | signed requests, asked again where the store is busy |
//! | `answers.rs` | what the store writes: a page of a list, a refusal |
//! | `listing.rs` | page after page of a list, past what is not needed |
//! | `key_index.rs` | [`KeyIndex`](key_index::KeyIndex): what the list said |
//! | `object.rs` | an object's bytes, from where they broke off |
//! | `error.rs` | [`BucketError`] |

mod access;
mod address;
mod answers;
mod client;
mod endpoint;
mod error;
mod key_index;
mod listing;
mod object;
mod profiles;

pub(crate) use access::BucketAccess;
pub(crate) use address::BucketAddress;
pub(crate) use answers::{Object, read_page};
pub(crate) use error::BucketError;

use super::{Pace, in_parallel, join};
use crate::output::Failure;
use client::Client;
use gantry_words::Timestamp;
use key_index::{Facts, KeyIndex};
use std::{
    collections::HashMap,
    io::{Cursor, Read},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes of a document that is read ahead at most, and documents that are.
const AHEAD_BYTES_MAX: u64 = 4 << 10;
pub(crate) const AHEAD_MAX: usize = 1_000;

/// What lies below a prefix of a bucket, by names that go on from there.
pub(crate) struct Bucket {
    client: Arc<Client>,
    prefix: String,
    index: KeyIndex,
    jobs: usize,
    pace: Option<Arc<Pace>>,
    /// Documents that will be asked for soon.
    ahead: Mutex<HashMap<String, Vec<u8>>>,
}

impl Bucket {
    /// Lists what is there. `authorities` is a PEM file of those whose certificates are believed besides the system's, `jobs` how
    /// many documents are fetched at once, `pace` how fast objects are read, and `seen` learns of the bytes of the list.
    ///
    /// # Errors
    /// [`BucketError`]: nothing is there, or it may not be listed.
    pub(crate) fn open(
        address: &BucketAddress,
        access: BucketAccess,
        authorities: Option<&Path>,
        jobs: usize,
        pace: Option<Arc<Pace>>,
        seen: &dyn Fn(u64),
    ) -> Result<Bucket, BucketError> {
        let client = Client::open(address, access, authorities)?;
        let index = listing::list(&client, address.prefix(), seen)?;
        if index.is_empty() {
            return Err(BucketError::Empty { address: address.to_string() });
        }
        let prefix = address.prefix().to_owned();
        Ok(Bucket { client: Arc::new(client), prefix, index, jobs, pace, ahead: Mutex::default() })
    }

    /// Returns why nothing more can be had of the bucket, once that is so.
    pub(crate) fn lost(&self) -> Option<BucketError> {
        self.client.lost()
    }

    fn find(&self, name: &str) -> Option<(String, Facts)> {
        let name = join("", name)?;
        let facts = self.index.find(&name)?;
        Some((name, facts))
    }

    /// Returns how many bytes a file has; `None` where there is none.
    pub(crate) fn length(&self, name: &str) -> Option<u64> {
        self.find(name).map(|(_, facts)| facts.length)
    }

    /// When a file was last written; `None` where there is none, or nobody says.
    pub(crate) fn written_at(&self, name: &str) -> Option<Timestamp> {
        self.find(name).and_then(|(_, facts)| facts.written_at)
    }

    /// Whether there is anything in a folder of this name.
    pub(crate) fn has_folder(&self, name: &str) -> bool {
        join("", name).is_some_and(|name| self.index.has_folder(&name))
    }

    /// Lists the folders in a folder, in order.
    pub(crate) fn folders(&self, name: &str) -> Vec<String> {
        join("", name).map(|name| self.index.folders(&name)).unwrap_or_default()
    }

    /// The same of files.
    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        join("", name).map(|name| self.index.names(&name)).unwrap_or_default()
    }

    /// Opens a file; `None` where there is none, or none any more.
    ///
    /// # Errors
    /// [`BucketError`].
    pub(crate) fn open_file(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, BucketError> {
        let Some((name, facts)) = self.find(name) else { return Ok(None) };
        if let Some(bytes) = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).remove(&name) {
            return Ok(Some(Box::new(Cursor::new(bytes))));
        }
        let opened = object::open(&self.client, format!("{}{name}", self.prefix), facts.length, self.pace.clone())?;
        Ok(opened.map(|object| Box::new(object) as Box<dyn Read + Send>))
    }

    /// Fetches small documents that will be opened soon, several at once; those of the last time are forgotten.
    pub(crate) fn read_ahead(&self, names: &[String]) {
        let found = names.iter().filter_map(|name| self.find(name));
        let small = found.filter(|(_, facts)| facts.length <= AHEAD_BYTES_MAX).map(|(name, _)| name);
        let wanted: Vec<String> = small.take(AHEAD_MAX).collect();
        // What cannot be read is asked for again when it is needed, and complained of then.
        let read = |name: &String| Ok::<_, Failure>(self.read(name).map(|bytes| (name.clone(), bytes)));
        let read = in_parallel(self.jobs, &wanted, read).unwrap_or_default();
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = read.into_iter().flatten().collect();
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let opened = self.open_file(name).ok().flatten()?;
        opened.take(AHEAD_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}
