//! Fetches a feed into a file, so that memory holds it only while it is read.

use super::{Refusal, with_causes};
use crate::{advisories, folder::io_error};
use bytes::Bytes;
use gantry_outbound::{Client, Request, Response};
use std::{
    fs,
    io::{self, Write},
    path::Path,
};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

/// What names of files begin with that are being fetched.
const PREFIX: &str = "fetching-";
/// Pieces that wait to be written at most.
const WAITING_MAX: usize = 16;

/// What a source has.
pub(super) enum Content {
    /// It was fetched into a file, which goes with this unless it is kept.
    Fetched(NamedTempFile),
    /// It was read from a file of somebody else.
    Bytes(Bytes),
    /// It stays where it is.
    Folder,
}

impl Content {
    /// The bytes; `None` of a folder.
    pub(super) fn read(&self) -> Result<Option<Bytes>, Refusal> {
        match self {
            Content::Fetched(file) => {
                let bytes = fs::read(file.path()).map_err(|error| io_error(file.path(), error))?;
                Ok(Some(bytes.into()))
            }
            Content::Bytes(bytes) => Ok(Some(bytes.clone())),
            Content::Folder => Ok(None),
        }
    }

    /// Puts it where what its source gave lies.
    pub(super) fn keep(self, folder: &Path, path: &Path) -> io::Result<()> {
        match self {
            Content::Fetched(file) => advisories::put(folder, path, file),
            Content::Bytes(bytes) => advisories::write(folder, path, &bytes),
            Content::Folder => Ok(()),
        }
    }
}

/// Asks, and has the body of an answer of status 200 written to a file in a folder.
pub(super) async fn download(
    client: &Client,
    request: Request,
    folder: &Path,
) -> Result<(Response, NamedTempFile), Refusal> {
    let (sender, pieces) = mpsc::channel(WAITING_MAX);
    let place = folder.to_owned();
    let writing = tokio::task::spawn_blocking(move || write(&place, pieces));
    let response = client.send_in_pieces(request, sender).await;
    let written = writing.await.map_err(|error| Refusal::Broken(error.to_string()))?;
    // That nobody takes what comes any more is only what follows from it.
    let file = written.map_err(|error| Refusal::Io { path: folder.display().to_string(), error })?;
    Ok((response.map_err(|error| Refusal::Outbound(with_causes(&error)))?, file))
}

fn write(folder: &Path, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
    while let Some(piece) = pieces.blocking_recv() {
        file.write_all(&piece)?;
    }
    Ok(file)
}

/// Removes what a process was fetching when it ended. For who alone updates; what stays costs room, and nothing else.
pub(super) fn forget_unfinished(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
