use crate::{
    output::{Exit, Failure},
    remote::{Remote, RemoteFlags},
};
use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    path::PathBuf,
};

/// Read blobs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry blob get team/app@sha256:… --to layer.tar.gz")]
pub(crate) struct BlobCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Write the bytes of a blob to a file, or to standard output
    #[command(after_help = "Example:\n  gantry blob get team/app@sha256:… --to layer.tar.gz")]
    Get {
        /// repository@digest
        blob: String,
        /// The file to write; standard output if not given
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        remote: RemoteFlags,
    },
}

impl BlobCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let What::Get { blob, to, remote } = self.what;
        let (repository, digest) = blob.split_once('@').ok_or_else(|| {
            Failure::usage(
                format!("{blob:?} names no blob"),
                "Write repository@digest; gantry image inspect shows digests",
            )
        })?;
        let body = Remote::open(&remote)?.open_body(&format!("/v2/{repository}/blobs/{digest}"))?;
        match to {
            None => copy(body, io::stdout().lock(), "standard output"),
            Some(file) => {
                let place = file.display().to_string();
                let opened = OpenOptions::new().create(true).truncate(true).write(true).open(&file);
                let opened = opened
                    .map_err(|error| Failure::failed(format!("cannot write {place}: {error}"), "Name another file"))?;
                copy(body, opened, &place)
            }
        }
    }
}

fn copy(mut from: impl Read, mut to: impl Write, place: &str) -> Result<Exit, Failure> {
    io::copy(&mut from, &mut to)
        .map(|_| Exit::Done)
        .map_err(|error| Failure::failed(format!("the blob did not arrive in {place}: {error}"), "Try again"))
}
