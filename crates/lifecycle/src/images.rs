mod read;

pub use read::{IMAGES_BYTES_MAX, IMAGES_MAX, ImagesError};

use crate::StorageClass;
use gantry_words::Timestamp;
use std::collections::HashMap;

/// The images of one repository, as policies see them.
///
/// Texts lie behind each other in one place, so that a million images are few allocations.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// All digests, tags and parents.
    texts: String,
    tags: Vec<Span>,
    records: Vec<Record>,
    parents: Vec<Parent>,
}

/// What is known of an image beside its names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// When it was pushed; where nobody knows, it is never too old, and newer than all others.
    pub pushed_at: Option<Timestamp>,
    /// When it came back from the archive last. From then on its age is counted, as ECR does.
    pub activated_at: Option<Timestamp>,
    /// When somebody pulled it last.
    pub last_pulled_at: Option<Timestamp>,
    /// Where its bytes are.
    pub storage_class: StorageClass,
    /// When it was moved to its storage class; where nobody knows, it never was long ago.
    pub transitioned_at: Option<Timestamp>,
    /// What it holds, in bytes.
    pub size_bytes: u64,
    /// Whether somebody runs it.
    pub is_in_use: bool,
    /// Whether it must stay by law.
    pub is_held: bool,
    /// Whether it was pushed under a tag that is not set yet.
    pub is_in_quarantine: bool,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    len: u32,
}

#[derive(Clone, Debug)]
struct Record {
    digest: Span,
    /// The first of its tags, which lie behind each other.
    tags_start: usize,
    tags_count: u32,
    facts: Facts,
}

#[derive(Clone, Copy, Debug)]
struct Parent {
    child: u32,
    digest: Span,
}

/// Who reaches whom, by the places of images in their list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) child: u32,
    pub(crate) parent: u32,
}

impl Images {
    /// An empty list with room for so many images of one tag.
    pub fn with_capacity(count: usize) -> Images {
        Images {
            texts: String::with_capacity(count.saturating_mul(96)),
            tags: Vec::with_capacity(count),
            records: Vec::with_capacity(count),
            parents: vec![],
        }
    }

    /// Adds an image, whose digest no image before it has. `parents` are the digests of what reaches it: the indexes that
    /// list it, and the image that it refers to. They need not be in the list; what is not there reaches nothing.
    ///
    /// # Panics
    /// For more than 4,294,967,295 images.
    pub fn push<'t>(
        &mut self,
        digest: &str,
        facts: Facts,
        tags: impl IntoIterator<Item = &'t str>,
        parents: impl IntoIterator<Item = &'t str>,
    ) {
        let place =
            u32::try_from(self.records.len()).expect("a repository has fewer than four thousand million images");
        let digest = self.keep(digest);
        let tags_start = self.tags.len();
        for tag in tags {
            let tag = self.keep(tag);
            self.tags.push(tag);
        }
        for parent in parents {
            let digest = self.keep(parent);
            self.parents.push(Parent { child: place, digest });
        }
        let tags_count = u32::try_from(self.tags.len() - tags_start).expect("an image has fewer tags than that");
        self.records.push(Record { digest, tags_start, tags_count, facts });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The digest of the image at a place, counted from 0 as they were added.
    ///
    /// # Panics
    /// If there is no such place; so do the others.
    pub fn digest(&self, place: usize) -> &str {
        self.text(self.records[place].digest)
    }

    /// Its tags.
    pub fn tags(&self, place: usize) -> impl ExactSizeIterator<Item = &str> + Clone {
        let record = &self.records[place];
        self.tags[record.tags_start..][..record.tags_count as usize].iter().map(|tag| self.text(*tag))
    }

    /// What else is known of it.
    pub fn facts(&self, place: usize) -> &Facts {
        &self.records[place].facts
    }

    /// Returns who reaches whom, sorted by child. An image that names itself is left out.
    pub(crate) fn edges(&self) -> Vec<Edge> {
        let mut places: HashMap<&str, Option<u32>> =
            self.parents.iter().map(|parent| (self.text(parent.digest), None)).collect();
        if places.is_empty() {
            return vec![];
        }
        for (place, record) in (0..).zip(&self.records) {
            if let Some(found) = places.get_mut(self.text(record.digest)) {
                *found = Some(place);
            }
        }
        let edges = self
            .parents
            .iter()
            .filter_map(|parent| Some(Edge { child: parent.child, parent: (*places.get(self.text(parent.digest))?)? }));
        edges.filter(|edge| edge.child != edge.parent).collect()
    }

    fn keep(&mut self, text: &str) -> Span {
        let start = self.texts.len();
        self.texts.push_str(text);
        Span { start, len: u32::try_from(text.len()).expect("no name is that long") }
    }

    fn text(&self, span: Span) -> &str {
        &self.texts[span.start..][..span.len as usize]
    }
}
