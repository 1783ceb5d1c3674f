//! Why a feed was refused, with the file and the record that could not be read. A broken feed is refused whole: half of it
//! would look like an image without flaws.

use std::io;

/// Why a file of advisories, scores or statements was refused.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// It is too long, packed or unpacked.
    #[error("{file}: longer than {bytes_max} bytes; check what is served there")]
    TooLarge {
        /// The file's name.
        file: String,
        /// How many bytes are read at most.
        bytes_max: u64,
    },
    /// It cannot be unpacked.
    #[error("{file}: cannot be unpacked: {source}; fetch it again")]
    Packed {
        /// The file's name.
        file: String,
        /// What the decompressor says.
        source: io::Error,
    },
    /// It is no JSON, or not of the right shape.
    #[error("{file}: {record}: {source}; fetch it again, or check that it is this kind of feed")]
    Json {
        /// The file's name.
        file: String,
        /// The path to the value within the document: `openssl.CVE-2023-0464.releases`.
        record: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// It is no XML.
    #[error("{file}: {source}; fetch it again, or check that it is this kind of feed")]
    Xml {
        /// The file's name.
        file: String,
        /// What the parser says.
        source: roxmltree::Error,
    },
    /// A record says what cannot be.
    #[error("{file}: {record}: {reason}")]
    Record {
        /// The file's name.
        file: String,
        /// The record's id, or its place.
        record: String,
        /// What is wrong, in a sentence for people.
        reason: String,
    },
    /// Records of OSV cannot be read.
    #[error(transparent)]
    Osv(#[from] super::osv::OsvError),
}

impl FeedError {
    /// Makes one of a record.
    pub(crate) fn record(file: &str, record: impl Into<String>, reason: impl Into<String>) -> FeedError {
        FeedError::Record { file: file.to_owned(), record: record.into(), reason: reason.into() }
    }
}

/// Reads a JSON document; an error names the value that is wrong.
pub(crate) fn parse_json<'a, T: serde::Deserialize<'a>>(file: &str, bytes: &'a [u8]) -> Result<T, FeedError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| FeedError::Json {
        file: file.to_owned(),
        record: error.path().to_string(),
        source: error.into_inner(),
    })?;
    let end = reader.end();
    end.map_err(|source| FeedError::Json { file: file.to_owned(), record: "its end".to_owned(), source })?;
    Ok(value)
}
