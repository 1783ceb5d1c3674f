//! Many records: an archive, or a folder.

use super::{OsvError, RECORD_BYTES_MAX, read_record};
use crate::Advisory;
use rawzip::{CompressionMethod, ZipArchive};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of all records of an archive together at most.
pub const ALL_BYTES_MAX: u64 = 16 << 30;
/// Folders within folders at most.
const DEPTH_MAX: usize = 4;

/// Reads a file or a folder, in the order of names: `*.zip`, `*.tar.zst` or one `*.json`; of a folder its archives and those
/// of its folders, or where there are none its `*.json`.
///
/// # Errors
/// [`OsvError`]; what `take` was given until then is to be thrown away.
pub fn read_path(path: &Path, take: &mut dyn FnMut(Advisory)) -> Result<(), OsvError> {
    let mut files = Vec::new();
    if path.is_dir() {
        list(path, DEPTH_MAX, &mut files)?;
        if files.iter().any(|file| is_archive(file)) {
            files.retain(|file| is_archive(file));
        }
        files.sort();
    } else {
        files.push(path.to_path_buf());
    }
    for file in files {
        let name = file.display().to_string();
        let bytes = std::fs::read(&file).map_err(|source| OsvError::Io { file: name.clone(), source })?;
        match name.rsplit('.').next() {
            Some("zip") => read_zip(&bytes, &name, take)?,
            Some("zst") => read_tar_zst(&bytes, &name, take)?,
            _ => take(record(&bytes, &name, &name)?),
        }
    }
    Ok(())
}

fn is_archive(file: &Path) -> bool {
    let name = file.as_os_str().as_encoded_bytes();
    name.ends_with(b".zip") || name.ends_with(b".tar.zst")
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), OsvError> {
    let failed = |source| OsvError::Io { file: folder.display().to_string(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() && depth > 0 {
            list(&path, depth - 1, files)?;
        } else if is_archive(&path) || path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads all `*.json` of a zip archive; `file` is its name, for errors.
///
/// # Errors
/// [`OsvError`], also where a checksum does not fit.
pub fn read_zip(bytes: &[u8], file: &str, take: &mut dyn FnMut(Advisory)) -> Result<(), OsvError> {
    let damaged = |error: rawzip::Error| OsvError::Archive { file: file.into(), cause: error.to_string() };
    let archive = ZipArchive::from_slice(bytes).map_err(damaged)?;
    let mut entries = archive.entries();
    let (mut seen, mut all_bytes) = (0_u64, 0_u64);
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        seen += 1;
        let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
        if !name.ends_with(".json") {
            continue;
        }
        let local = archive.get_entry(entry.wayfinder()).map_err(damaged)?;
        let method = entry.compression_method();
        let content = if method == CompressionMethod::STORE {
            whole(local.verifying_reader(local.data()))
        } else if method == CompressionMethod::DEFLATE {
            whole(local.verifying_reader(flate2::bufread::DeflateDecoder::new(local.data())))
        } else {
            Err(io::Error::other(format!("its compression ({method:?}) is none that is read here")))
        };
        let content = content.map_err(|error| record_error(file, &name, &error))?;
        all_bytes += content.len() as u64;
        if all_bytes > ALL_BYTES_MAX {
            return Err(too_much(file));
        }
        take(record(&content, file, &name)?);
    }
    if seen != archive.entries_hint() {
        let cause = format!("it has {seen} entries and says {}", archive.entries_hint());
        return Err(OsvError::Archive { file: file.into(), cause });
    }
    Ok(())
}

/// Reads all `*.json` of a tar archive that is compressed with zstd; `file` is its name, for errors.
///
/// # Errors
/// [`OsvError`].
pub fn read_tar_zst(bytes: &[u8], file: &str, take: &mut dyn FnMut(Advisory)) -> Result<(), OsvError> {
    let damaged = |cause: String| OsvError::Archive { file: file.into(), cause };
    let decoder = zstd::Decoder::with_buffer(bytes).map_err(|error| damaged(error.to_string()))?;
    let mut archive = tar::Archive::new(decoder.take(ALL_BYTES_MAX));
    for entry in archive.entries().map_err(|error| damaged(error.to_string()))? {
        let entry = entry.map_err(|error| damaged(error.to_string()))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !entry.header().entry_type().is_file() || !name.ends_with(".json") {
            continue;
        }
        let length = entry.size();
        let content = whole(entry).map_err(|error| record_error(file, &name, &error))?;
        if content.len() as u64 != length {
            return Err(damaged(format!("it ends within {name}")));
        }
        take(record(&content, file, &name)?);
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| damaged(error.to_string()))?;
    if rest.limit() == 0 {
        return Err(too_much(file));
    }
    Ok(())
}

fn too_much(file: &str) -> OsvError {
    OsvError::Archive { file: file.into(), cause: format!("its records have more than {ALL_BYTES_MAX} bytes") }
}

fn whole(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut bounded = reader.take(RECORD_BYTES_MAX as u64 + 1);
    bounded.read_to_end(&mut content)?;
    if content.len() > RECORD_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {RECORD_BYTES_MAX} bytes")));
    }
    Ok(content)
}

fn record(bytes: &[u8], file: &str, name: &str) -> Result<Advisory, OsvError> {
    read_record(bytes).map_err(|cause| OsvError::Record { file: file.into(), record: name.into(), cause })
}

fn record_error(file: &str, name: &str, error: &io::Error) -> OsvError {
    OsvError::Record { file: file.into(), record: name.into(), cause: error.to_string() }
}
