use super::{
    remote_registry::{SourceFlags, Speed},
    source::{self, Kind, Opened},
};
use crate::{
    moving::{Bucket, BucketAccess, BucketAddress, BucketError, Files},
    output::Failure,
};
use std::{env, path::PathBuf, sync::Arc};

/// AWS's programs name here the authorities that they believe.
const AUTHORITIES: &str = "AWS_CA_BUNDLE";

/// What lies in a bucket, once it was looked through.
pub(super) struct Sought {
    pub(super) kind: &'static Kind,
    pub(super) opened: Opened,
    pub(super) bucket: Arc<Bucket>,
}

/// Lists a bucket, finds out what lies there, and looks through it.
///
/// `text` is its address; `seen` learns of bytes that are read meanwhile.
///
/// # Errors
/// It cannot be listed, or nothing that is known lies there.
pub(super) fn open(text: &str, flags: &SourceFlags, speed: &Speed, seen: &dyn Fn(u64)) -> Result<Sought, Failure> {
    let list = || -> Result<Bucket, BucketError> {
        let address: BucketAddress = text.parse()?;
        let access = BucketAccess::find(flags.source_endpoint.as_deref())?;
        let theirs = || env::var_os(AUTHORITIES).filter(|value| !value.is_empty()).map(PathBuf::from);
        let authorities = flags.source_ca_file.clone().or_else(theirs);
        // Not where whoever sends them on slows himself.
        let pace = speed.pace.clone().filter(|_| speed.paces_blobs);
        Bucket::open(&address, access, authorities.as_deref(), speed.jobs, pace, seen)
    };
    let bucket = Arc::new(list().map_err(|error| failure(text, &error))?);
    let looked = source::look_through(Files::Bucket(Arc::clone(&bucket)), seen);
    check(&bucket)?;
    let (kind, opened) = looked.map_err(|error| {
        let remedy = "Name the prefix that holds docker/registry/v2, zot's repositories, or a layout";
        Failure::failed(format!("cannot import {text}: {error}"), remedy)
    })?;
    Ok(Sought { kind, opened, bucket })
}

fn failure(text: &str, error: &BucketError) -> Failure {
    let problem = format!("cannot import {text}: {error}");
    if error.is_usage() { Failure::usage(problem, error.remedy()) } else { Failure::failed(problem, error.remedy()) }
}

/// Sees that the bucket can still be asked.
///
/// # Errors
/// It cannot: what was not found there may be there all the same.
pub(super) fn check(bucket: &Bucket) -> Result<(), Failure> {
    bucket.lost().map_or(Ok(()), |error| Err(Failure::failed(error.to_string(), error.remedy())))
}
