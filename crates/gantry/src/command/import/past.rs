//! What a source knows of its images beside their bytes.

use gantry_oci::{Digest, Tag};
use gantry_words::Moment;
use std::collections::BTreeMap;

/// What is known of the images, tags and rules of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// By image. What is not told is missing.
    pub(super) images: BTreeMap<Digest, ImagePast>,
    /// By tag.
    pub(super) tags: BTreeMap<Tag, TagPast>,
    /// Of the repository.
    pub(super) repository: RepositoryPast,
}

/// What is known of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ImagePast {
    /// When it was pushed.
    pub(super) pushed: Option<Moment>,
    /// By whom, in the words of the source.
    pub(super) pushed_by: Option<String>,
    /// When it was pulled last.
    pub(super) pulled: Option<Moment>,
    /// Labels that people gave it there, each with its value, by the names that they are to have here.
    pub(super) labels: BTreeMap<String, String>,
}

/// What is known of a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TagPast {
    /// When it was set to where it points.
    pub(super) set: Option<Moment>,
    /// By whom.
    pub(super) set_by: Option<String>,
    /// Where it pointed before, oldest first; images that are gone may be among them.
    pub(super) earlier: Vec<Earlier>,
}

/// Where a tag pointed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    /// To this.
    pub(super) digest: Digest,
    /// Since then.
    pub(super) at: Moment,
    /// By whom it was set.
    pub(super) by: Option<String>,
}

/// What is known of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RepositoryPast {
    /// Its rules for deletion, written as a lifecycle policy of ECR (JSON).
    pub(super) lifecycle: Option<String>,
    /// That its tags may not be moved; `None` where they may, or it is not known.
    pub(super) is_immutable: Option<bool>,
    /// Its tags of its own, as ECR's `Tags`.
    pub(super) resource_tags: BTreeMap<String, String>,
    /// Who may pull and push, written as a repository policy of ECR (JSON).
    pub(super) policy: Option<String>,
    /// What cannot be said in these words, one sentence each, for the report.
    pub(super) remarks: Vec<String>,
}

impl Past {
    /// Notes when an image was pushed.
    pub(super) fn pushed(&mut self, digest: Digest, at: Moment) {
        self.images.entry(digest).or_default().pushed = Some(at);
    }

    /// Takes in what another knows; what was known before stays, and labels and remarks of both are kept.
    pub(super) fn join(&mut self, other: Past) {
        for (digest, image) in other.images {
            self.images.entry(digest).or_default().join(image);
        }
        for (tag, past) in other.tags {
            self.tags.entry(tag).or_default().join(past);
        }
        self.repository.join(other.repository);
    }
}

impl ImagePast {
    fn join(&mut self, other: ImagePast) {
        self.pushed = self.pushed.or(other.pushed);
        self.pushed_by = self.pushed_by.take().or(other.pushed_by);
        self.pulled = self.pulled.or(other.pulled);
        for (name, value) in other.labels {
            self.labels.entry(name).or_insert(value);
        }
    }
}

impl TagPast {
    fn join(&mut self, other: TagPast) {
        // One tag, one line of moves: two lines cannot be told apart once they are mixed.
        if *self == TagPast::default() {
            *self = other;
        }
    }
}

impl RepositoryPast {
    /// Whether something holds that is set on repositories which the import makes.
    pub(super) fn has_rules(&self) -> bool {
        self.is_immutable.is_some() || !self.resource_tags.is_empty()
    }

    fn join(&mut self, other: RepositoryPast) {
        self.lifecycle = self.lifecycle.take().or(other.lifecycle);
        self.is_immutable = self.is_immutable.or(other.is_immutable);
        for (key, value) in other.resource_tags {
            self.resource_tags.entry(key).or_insert(value);
        }
        self.policy = self.policy.take().or(other.policy);
        self.remarks.extend(other.remarks);
    }
}
