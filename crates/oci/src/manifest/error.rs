use super::Kind;
use crate::{DigestError, media_type};

/// Why bytes are no manifest that is taken here.
///
/// `place` says where, from the outermost object inwards: `layers[3].digest`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More bytes than [`ManifestLimits::bytes_max`](crate::ManifestLimits).
    #[error(
        "the manifest has {bytes} bytes, and {bytes_max} are allowed; move what makes it large (embedded data, \
         annotations) into layers"
    )]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// It begins with a byte order mark.
    #[error("the manifest begins with a byte order mark; write it as UTF-8 without one")]
    ByteOrderMark,
    /// It is not UTF-8.
    #[error("the manifest is not UTF-8 from its byte {} on; write it as UTF-8", .at + 1)]
    Encoding {
        /// The first byte that does not belong, from 0.
        at: usize,
    },
    /// It is not one JSON value.
    #[error("the manifest is no JSON: {problem}")]
    Json {
        /// What is wrong, with line and column.
        problem: String,
    },
    /// Nested too deeply.
    #[error("{place} is nested deeper than the {depth_max} levels allowed")]
    TooDeep {
        /// Where.
        place: String,
        /// The limit.
        depth_max: usize,
    },
    /// More JSON values than [`ManifestLimits::values_max`](crate::ManifestLimits).
    #[error("the manifest holds more than the {values_max} values allowed; split it")]
    TooManyValues {
        /// The limit.
        values_max: usize,
    },
    /// More descriptors than [`ManifestLimits::descriptors_max`](crate::ManifestLimits).
    #[error("the manifest points to more than the {descriptors_max} blobs and manifests allowed; split it")]
    TooManyDescriptors {
        /// The limit.
        descriptors_max: usize,
    },
    /// More text in annotations than [`ManifestLimits::annotations_bytes_max`](crate::ManifestLimits).
    #[error(
        "the manifest's annotations have more than the {annotations_bytes_max} bytes allowed; move them into a layer"
    )]
    AnnotationsTooLarge {
        /// The limit.
        annotations_bytes_max: usize,
    },
    /// A name twice in one object.
    #[error("{place} stands there twice, and programs differ in which they read; keep one")]
    Repeated {
        /// The member.
        place: String,
    },
    /// A name that differs from one of the specification in case only.
    #[error("{place} is not spelled {member:?}, but some programs read it as that; spell it so, or rename it")]
    Lookalike {
        /// The member.
        place: String,
        /// The name some programs take it for.
        member: &'static str,
    },
    /// A NUL in a text or a name.
    #[error("{place} holds a NUL character; take it out")]
    Nul {
        /// The text, or the object with the name.
        place: String,
    },
    /// A member that must be there is not.
    #[error("{place} is missing")]
    Missing {
        /// The member.
        place: String,
    },
    /// A value of the wrong kind, or a number outside its range.
    #[error("{place} is {found}; it must be {expected}")]
    Shape {
        /// The value.
        place: String,
        /// What belongs there.
        expected: &'static str,
        /// What stands there: its kind, or the number.
        found: String,
    },
    /// A digest that is none.
    #[error("{place}: {source}")]
    Digest {
        /// The digest.
        place: String,
        /// Why it is none.
        source: DigestError,
    },
    /// A media type that has not the shape of one.
    #[error(
        "{place} is {found:?}, which is no media type; one is written type/subtype, each part beginning with a letter \
         or digit (RFC 6838)"
    )]
    MediaType {
        /// The media type.
        place: String,
        /// What stands there, cut to 100 characters.
        found: String,
    },
    /// Docker schema 1.
    #[error(
        "this is a Docker schema 1 manifest, which is not taken; pull the image with a current client and push it \
         again, or convert it with `skopeo copy --format v2s2`"
    )]
    Schema1,
    /// Header and body name different types.
    #[error(
        "the Content-Type is {content_type:?}, but the manifest's mediaType is {media_type:?}; send the manifest with \
         its own type"
    )]
    MediaTypeMismatch {
        /// The header, without parameters, cut to 100 characters.
        content_type: String,
        /// The body's, cut to 100 characters.
        media_type: String,
    },
    /// Neither header nor body name a type, and the members could be of more than one kind, or none.
    #[error(
        "nothing says what this manifest is: send it with a Content-Type, or give it a mediaType, such as {}",
        media_type::OCI_MANIFEST
    )]
    Untyped,
    /// A member that belongs to another kind of manifest, so that programs would read different things.
    #[error(
        "{} cannot have {member:?}: programs would differ in what they read; take it out, or correct the media type",
        .kind.noun()
    )]
    ForeignMember {
        /// What the manifest is by its type.
        kind: Kind,
        /// The member.
        member: &'static str,
    },
    /// A type that is not taken.
    #[error("manifests of type {media_type:?} are not taken; these are: {}", media_type::MANIFESTS.join(", "))]
    Unsupported {
        /// The type, cut to 100 characters.
        media_type: String,
    },
}
