//! A list of images as JSON: an array of objects with `digest`, `tags`, `pushedAt`, `lastPulledAt`, `storageClass`,
//! `transitionedAt`, `sizeBytes`, `mediaType`, `parents`; and, for those who know them, `activatedAt`, `inUse`, `legalHold`.

use super::{Facts, Images};
use crate::StorageClass;
use gantry_words::Timestamp;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, collections::HashSet, fmt};

/// The longest text of a list of images, in bytes.
pub const IMAGES_BYTES_MAX: usize = 1 << 30;
/// The most images of a list.
pub const IMAGES_MAX: usize = 5_000_000;
/// The longest digest or tag, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// Why a text is no list of images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImagesError {
    /// More than [`IMAGES_BYTES_MAX`] bytes.
    #[error("the list of images has {bytes} bytes, and {IMAGES_BYTES_MAX} are allowed; split it by repositories")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// It is no JSON, or not of the right members.
    #[error("the list of images cannot be read: {problem}")]
    Json {
        /// What is wrong, with line and column.
        problem: String,
    },
    /// One of its images is not written as one.
    #[error("images[{at}] cannot be read: {problem}")]
    Image {
        /// Its position, from 0.
        at: usize,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A digest twice.
    #[error("images[{at}] has a digest that an image before it has: {digest}; an image has all its tags in one place")]
    Repeated {
        /// The position of the second, from 0.
        at: usize,
        /// The digest.
        digest: String,
    },
}

impl Images {
    /// Reads a list of images. A digest may be any text, and a member that is not known is passed over, unless it differs
    /// from a known one in case only. Members but `digest` may be absent or `null`.
    ///
    /// # Errors
    /// For the first thing in it that is wrong; the sentence names the image.
    pub fn parse(text: &str) -> Result<Images, ImagesError> {
        if text.len() > IMAGES_BYTES_MAX {
            return Err(ImagesError::TooLarge { bytes: text.len() });
        }
        let mut images = Images::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = List { images: &mut images }.deserialize(&mut deserializer);
        if let Err(error) = read {
            let problem = error.to_string();
            return Err(match text.trim_start().starts_with('[') {
                true => ImagesError::Image { at: images.len(), problem },
                false => ImagesError::Json { problem },
            });
        }
        deserializer.end().map_err(|error| ImagesError::Json { problem: error.to_string() })?;
        images.check_repeated().map(|()| images)
    }

    fn check_repeated(&self) -> Result<(), ImagesError> {
        let mut seen = HashSet::with_capacity(self.len());
        match (0..self.len()).find(|at| !seen.insert(self.digest(*at))) {
            Some(at) => Err(ImagesError::Repeated { at, digest: self.digest(at).into() }),
            None => Ok(()),
        }
    }
}

struct List<'i> {
    images: &'i mut Images,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of images")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Item { images: &mut *self.images })?.is_some() {
            if self.images.len() > IMAGES_MAX {
                return Err(A::Error::custom(format_args!("there are more than the {IMAGES_MAX} images allowed")));
            }
        }
        Ok(())
    }
}

struct Item<'i> {
    images: &'i mut Images,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// The members of an image. What stands there twice is refused by [`set`].
#[derive(Default)]
struct Members<'a> {
    digest: Option<Name<'a>>,
    tags: Option<Vec<Name<'a>>>,
    parents: Option<Vec<Name<'a>>>,
    pushed_at: Option<Option<Timestamp>>,
    activated_at: Option<Option<Timestamp>>,
    last_pulled_at: Option<Option<Timestamp>>,
    transitioned_at: Option<Option<Timestamp>>,
    storage_class: Option<StorageClass>,
    size_bytes: Option<u64>,
    media_type: Option<Option<Name<'a>>>,
    in_use: Option<bool>,
    legal_hold: Option<bool>,
}

const KNOWN: [&str; 12] = [
    "digest",
    "tags",
    "parents",
    "pushedAt",
    "activatedAt",
    "lastPulledAt",
    "transitionedAt",
    "storageClass",
    "sizeBytes",
    "mediaType",
    "inUse",
    "legalHold",
];

impl<'de> Visitor<'de> for Item<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an image, {\"digest\": ...}")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<Name<'de>>()? {
            read_member(&mut members, &name.0, &mut map)?;
        }
        let digest = members.digest.ok_or_else(|| A::Error::missing_field("digest"))?;
        if digest.0.is_empty() {
            return Err(A::Error::custom("digest is empty"));
        }
        let facts = Facts {
            pushed_at: members.pushed_at.flatten(),
            activated_at: members.activated_at.flatten(),
            last_pulled_at: members.last_pulled_at.flatten(),
            transitioned_at: members.transitioned_at.flatten(),
            storage_class: members.storage_class.unwrap_or_default(),
            size_bytes: members.size_bytes.unwrap_or(0),
            is_in_use: members.in_use.unwrap_or(false),
            is_held: members.legal_hold.unwrap_or(false),
            // Nobody says so in a file: a tag waits for minutes, and here days are looked at.
            is_in_quarantine: false,
        };
        let texts = |names: &Option<Vec<Name<'de>>>| names.clone().unwrap_or_default();
        let (tags, parents) = (texts(&members.tags), texts(&members.parents));
        self.images.push(&digest.0, facts, tags.iter().map(|tag| &*tag.0), parents.iter().map(|parent| &*parent.0));
        Ok(())
    }
}

fn read_member<'de, A: MapAccess<'de>>(members: &mut Members<'de>, name: &str, map: &mut A) -> Result<(), A::Error> {
    match name {
        "digest" => set(&mut members.digest, "digest", map.next_value()?),
        "tags" => set(&mut members.tags, "tags", map.next_value::<Option<_>>()?.unwrap_or_default()),
        "parents" => set(&mut members.parents, "parents", map.next_value::<Option<_>>()?.unwrap_or_default()),
        "pushedAt" => set(&mut members.pushed_at, "pushedAt", map.next_value()?),
        "activatedAt" => set(&mut members.activated_at, "activatedAt", map.next_value()?),
        "lastPulledAt" => set(&mut members.last_pulled_at, "lastPulledAt", map.next_value()?),
        "transitionedAt" => set(&mut members.transitioned_at, "transitionedAt", map.next_value()?),
        "storageClass" => set(&mut members.storage_class, "storageClass", read_class(map.next_value()?)?),
        "sizeBytes" => set(&mut members.size_bytes, "sizeBytes", map.next_value::<Option<_>>()?.unwrap_or(0)),
        "mediaType" => set(&mut members.media_type, "mediaType", map.next_value()?),
        "inUse" => set(&mut members.in_use, "inUse", map.next_value::<Option<_>>()?.unwrap_or(false)),
        "legalHold" => set(&mut members.legal_hold, "legalHold", map.next_value::<Option<_>>()?.unwrap_or(false)),
        other => match KNOWN.iter().find(|known| known.eq_ignore_ascii_case(other)) {
            Some(known) => Err(A::Error::custom(format_args!("{other} is not spelled {known}"))),
            None => map.next_value::<IgnoredAny>().map(drop),
        },
    }
}

fn set<T, E: Error>(member: &mut Option<T>, name: &'static str, value: T) -> Result<(), E> {
    match member.replace(value) {
        Some(_) => Err(E::duplicate_field(name)),
        None => Ok(()),
    }
}

fn read_class<E: Error>(name: Option<Name<'_>>) -> Result<StorageClass, E> {
    let Some(name) = name else { return Ok(StorageClass::Standard) };
    [StorageClass::Standard, StorageClass::Archive]
        .into_iter()
        .find(|class| class.as_str().eq_ignore_ascii_case(&name.0))
        .ok_or_else(|| E::custom(format_args!("storageClass is {:?}; write STANDARD or ARCHIVE", name.0)))
}

/// A text of [`NAME_BYTES_MAX`] bytes at most, borrowed where it holds no escape.
#[derive(Clone)]
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {NAME_BYTES_MAX} bytes")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Name<'de>, E> {
        check_length(text).map(|()| Name(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Name<'de>, E> {
        check_length(text).map(|()| Name(Cow::Owned(text.into())))
    }
}

fn check_length<E: Error>(text: &str) -> Result<(), E> {
    if text.len() > NAME_BYTES_MAX { Err(E::invalid_length(text.len(), &NameVisitor)) } else { Ok(()) }
}
