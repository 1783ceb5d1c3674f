use gantry_scan::{
    Exploitation, KnowledgeError, KnowledgeWriter,
    feeds::{FeedError, FeedItem},
};
use std::io;

/// Why feeds do not become a file of advisories.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {error}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A feed is refused whole.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// It cannot be told what a folder holds.
    #[error("{path}: {advice}")]
    Unknown {
        /// Which.
        path: String,
        /// What may stand there.
        advice: String,
    },
    /// There is nothing in it.
    #[error("there is no advisory in it")]
    Empty,
    /// There are more files than can be looked at.
    #[error("there are more than {files_max} files in it")]
    TooMany {
        /// How many are looked at.
        files_max: usize,
    },
    /// The advisories do not make a file.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
}

/// Collects what feeds say, and makes a file of it.
#[derive(Default)]
pub(crate) struct Compiler {
    writer: KnowledgeWriter,
    exploitation: Exploitation,
    count: u64,
    full: Option<KnowledgeError>,
}

impl Compiler {
    pub(crate) fn take(&mut self, item: FeedItem) {
        match item {
            FeedItem::Advisory(advisory) => {
                self.count += 1;
                if self.full.is_none() {
                    self.full = self.writer.add(&advisory).err();
                }
            }
            FeedItem::Kev(table) => self.exploitation.add_kev(table),
            FeedItem::Epss(table) => self.exploitation.add_epss(table),
        }
    }

    /// Returns the bytes of a [`gantry_scan::Knowledge`] file.
    ///
    /// # Errors
    /// [`FeedsError::Empty`] where there was no advisory, [`FeedsError::Knowledge`] where there were too many.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, FeedsError> {
        match self.full {
            Some(error) => Err(error.into()),
            None if self.count == 0 => Err(FeedsError::Empty),
            None => {
                self.writer.set_exploitation(self.exploitation);
                Ok(self.writer.finish(&[])?)
            }
        }
    }
}
