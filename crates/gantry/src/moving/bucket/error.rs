use super::{answers::Refusal, key_index::KEYS_MAX};
use crate::agent::TrustError;
use std::io;

/// Why a bucket cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum BucketError {
    /// What was typed is none.
    #[error("{text:?} names no bucket")]
    Address {
        /// What was typed.
        text: String,
    },
    /// What was set is none.
    #[error("{text:?} is no endpoint")]
    Endpoint {
        /// What was set.
        text: String,
    },
    /// What was set is none.
    #[error("{text:?} is no region")]
    Region {
        /// What was set.
        text: String,
    },
    /// Nobody says who asks.
    #[error("there are no credentials for the bucket")]
    NoCredentials,
    /// An access key without its secret, or the other way round, or with what no header may have in it.
    #[error(
        "the credentials for the bucket are not whole, or hold what is neither a letter nor a digit nor a usual sign"
    )]
    Credentials,
    /// A file that AWS's programs share.
    #[error("{path} cannot be read: {problem}")]
    File {
        /// Which.
        path: String,
        /// Why.
        problem: String,
    },
    /// TLS.
    #[error("{problem}")]
    Trust {
        /// Why.
        problem: String,
    },
    /// It does not answer any more, or answers nobody who asks so.
    #[error("{host} {problem}")]
    Lost {
        /// Where it was asked.
        host: String,
        /// Why.
        problem: String,
    },
    /// It refuses one thing.
    #[error("{host} refuses it: {refusal}")]
    Refused {
        /// Where it was asked.
        host: String,
        /// What it says.
        refusal: Refusal,
    },
    /// A page of the list.
    #[error("the list of the bucket is not understood: {problem}")]
    List {
        /// Why.
        problem: String,
    },
    /// Too many.
    #[error("it holds more than {KEYS_MAX} files, or names of them that are too long altogether")]
    TooMany,
    /// Nothing is there.
    #[error("nothing lies below {address}")]
    Empty {
        /// Which.
        address: String,
    },
}

impl BucketError {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            BucketError::Address { .. } => "Write s3://BUCKET or s3://BUCKET/PREFIX",
            BucketError::Endpoint { .. } => "Write a URL such as http://127.0.0.1:9000 or https://s3.example.com",
            BucketError::Region { .. } => "Set AWS_REGION to one such as eu-central-1",
            BucketError::NoCredentials | BucketError::Credentials => {
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, if there is one), or AWS_PROFILE to a profile \
                 of ~/.aws/credentials"
            }
            BucketError::File { .. } => {
                "See that it can be read, or set AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE"
            }
            BucketError::Trust { .. } => "Name another file with --source-ca-file or AWS_CA_BUNDLE",
            BucketError::Lost { .. } => {
                "Look at endpoint, region and credentials, and run it again: what was moved is not moved again"
            }
            BucketError::Refused { .. } => {
                "Whoever asks needs s3:ListBucket of the bucket and s3:GetObject of what is in it"
            }
            BucketError::List { .. } => "Is it a store that speaks S3 (ListObjectsV2)?",
            BucketError::TooMany => "Import it in parts, by longer prefixes",
            BucketError::Empty { .. } => "Name the prefix that the registry has as its root (storage.s3.rootdirectory)",
        }
    }

    /// Whether it was asked wrongly.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, BucketError::Address { .. } | BucketError::Endpoint { .. } | BucketError::Region { .. })
    }
}

impl From<TrustError> for BucketError {
    fn from(error: TrustError) -> BucketError {
        BucketError::Trust { problem: error.to_string() }
    }
}

impl From<BucketError> for io::Error {
    fn from(error: BucketError) -> io::Error {
        io::Error::other(error)
    }
}
