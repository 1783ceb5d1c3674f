use std::fmt::Write;

/// What can be asked of an image. A new one is a variant, its row in [`Field::row`], and what it holds of in `term.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The repository's name.
    Repository,
    /// One of its tags.
    Tag,
    /// Its digest, from the beginning.
    Digest,
    /// An annotation of its manifest.
    Annotation,
    /// A label of its configuration.
    Label,
    /// What it runs on.
    Platform,
    /// The media type it was pushed with.
    MediaType,
    /// Its artifact type.
    ArtifactType,
    /// When it was pushed.
    Pushed,
    /// When it was last tagged.
    Tagged,
    /// When it was last pulled.
    Pulled,
    /// Bytes of what it names.
    Size,
    /// Who pushed it.
    Pusher,
    /// Its storage class.
    Class,
    /// Whether it can be pulled, and whether it is on hold.
    Status,
    /// Whether it has no tag.
    Untagged,
}

/// What values a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, in which `*` stands for any characters.
    Text,
    /// The beginning of a digest.
    Digest,
    /// The name of an annotation or a label, with or without its value.
    Pair,
    /// A day, a time or an age.
    Moment,
    /// A number of bytes.
    Size,
    /// One of these words.
    Words(&'static [&'static str]),
    /// None.
    Flag,
}

struct Row {
    name: &'static str,
    /// Other words for it.
    aliases: &'static [&'static str],
    kind: Kind,
    says: &'static str,
    example: &'static str,
}

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    says: &'static str,
    example: &'static str,
) -> Row {
    Row { name, aliases, kind, says, example }
}

/// The words of [`Field::Status`].
pub(crate) const STATUS_WORDS: &[&str] = &["active", "archived", "activating", "held"];
/// The words of [`Field::Class`], as ECR has them in capitals.
pub(crate) const CLASS_WORDS: &[&str] = &["standard", "archive"];

impl Field {
    /// Every field, in the order in which they are shown.
    pub const ALL: [Field; 16] = [
        Field::Repository,
        Field::Tag,
        Field::Untagged,
        Field::Digest,
        Field::Pushed,
        Field::Tagged,
        Field::Pulled,
        Field::Size,
        Field::Pusher,
        Field::Status,
        Field::Class,
        Field::MediaType,
        Field::ArtifactType,
        Field::Annotation,
        Field::Label,
        Field::Platform,
    ];

    const fn row(self) -> Row {
        match self {
            Field::Repository => row(
                "repository",
                &["repo", "name"],
                Kind::Text,
                "the repository's name; `*` stands for any characters, slashes too",
                "repository:team/*",
            ),
            Field::Tag => row("tag", &[], Kind::Text, "one of its tags", "tag:v1.*"),
            Field::Untagged => row("untagged", &[], Kind::Flag, "it has no tag", "untagged"),
            Field::Digest => row(
                "digest",
                &[],
                Kind::Digest,
                "how its digest begins; without an algorithm that of sha256",
                "digest:sha256:4f1e",
            ),
            Field::Pushed => row("pushed", &[], Kind::Moment, "when it was pushed", "pushed<2026-01-01"),
            Field::Tagged => {
                row("tagged", &[], Kind::Moment, "when a tag was last set on it; `never` is a value too", "tagged>7d")
            }
            Field::Pulled => row(
                "pulled",
                &[],
                Kind::Moment,
                "when it was last pulled; `never` is a value too, and no comparison holds of what never was",
                "pulled<90d",
            ),
            Field::Size => row("size", &["bytes"], Kind::Size, "bytes of what it names", "size>1GiB"),
            Field::Pusher => row(
                "pusher",
                &["pushedby"],
                Kind::Text,
                "who pushed it: the whole ARN, or the name at its end",
                "pusher:ci-*",
            ),
            Field::Status => row(
                "status",
                &[],
                Kind::Words(STATUS_WORDS),
                "`active`, `archived`, `activating`, or `held` where it is on hold",
                "status:archived",
            ),
            Field::Class => row(
                "class",
                &[],
                Kind::Words(CLASS_WORDS),
                "its storage class: `standard` or `archive`",
                "class:archive",
            ),
            Field::MediaType => {
                row("mediatype", &["type"], Kind::Text, "the media type of its manifest", "mediatype:*index*")
            }
            Field::ArtifactType => row(
                "artifacttype",
                &["artifact"],
                Kind::Text,
                "its artifact type, or the media type of its config standing for it",
                "artifacttype:*sbom*",
            ),
            Field::Annotation => row(
                "annotation",
                &[],
                Kind::Pair,
                "an annotation of its manifest: that it is there, or its value",
                "annotation:org.opencontainers.image.version=1.*",
            ),
            Field::Label => row(
                "label",
                &[],
                Kind::Pair,
                "a label of its configuration, or one that people gave it here: that it is there, or its value",
                "label:org.opencontainers.image.vendor=ACME",
            ),
            Field::Platform => row(
                "platform",
                &[],
                Kind::Text,
                "what it runs on, with or without the variant; an index has the platforms that it names",
                "platform:linux/arm64",
            ),
        }
    }

    /// Its name in queries.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What values it takes.
    pub const fn kind(self) -> Kind {
        self.row().kind
    }

    /// What it asks, in a line of Markdown.
    pub const fn says(self) -> &'static str {
        self.row().says
    }

    /// A condition with it.
    pub const fn example(self) -> &'static str {
        self.row().example
    }

    /// Returns the field of a name or another word for it, in capitals or not.
    pub fn find(name: &str) -> Option<Field> {
        let is_it = |field: &Field| {
            let Row { name: known, aliases, .. } = field.row();
            known.eq_ignore_ascii_case(name) || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        };
        Field::ALL.into_iter().find(is_it)
    }
}

/// All names of all fields.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    Field::ALL.into_iter().flat_map(|field| {
        let Row { name, aliases, .. } = field.row();
        std::iter::once(name).chain(aliases.iter().copied())
    })
}

/// Every field as a table in Markdown, as `docs/search.md` has it.
pub fn field_table() -> String {
    let mut table = String::from("| field | what it asks | example |\n|---|---|---|\n");
    for field in Field::ALL {
        let Row { name, aliases, says, example, .. } = field.row();
        let names: Vec<_> = std::iter::once(&name).chain(aliases).map(|name| format!("`{name}`")).collect();
        // Writing to a text does not fail.
        let _ = writeln!(table, "| {} | {says} | `{example}` |", names.join(", "));
    }
    table
}
