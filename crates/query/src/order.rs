use std::{fmt, str::FromStr};

/// What a list of images is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortColumn {
    /// The repository's name; within one the newest come first, either way.
    Repository,
    /// When they were pushed.
    Pushed,
    /// When a tag was last set on them.
    Tagged,
    /// When they were last pulled.
    Pulled,
    /// Bytes of what they name.
    Size,
    /// How many tags they have.
    Tags,
    /// Their digests.
    Digest,
    /// Their artifact types, or the media types standing for them.
    Type,
    /// Whether they can be pulled: `activating`, `active`, `archived`.
    Status,
    /// Who pushed them.
    Pusher,
    /// Their storage classes.
    Class,
}

impl SortColumn {
    /// All of them.
    pub const ALL: [SortColumn; 11] = [
        SortColumn::Repository,
        SortColumn::Pushed,
        SortColumn::Tagged,
        SortColumn::Pulled,
        SortColumn::Size,
        SortColumn::Tags,
        SortColumn::Digest,
        SortColumn::Type,
        SortColumn::Status,
        SortColumn::Pusher,
        SortColumn::Class,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            SortColumn::Repository => "repository",
            SortColumn::Pushed => "pushed",
            SortColumn::Tagged => "tagged",
            SortColumn::Pulled => "pulled",
            SortColumn::Size => "size",
            SortColumn::Tags => "tags",
            SortColumn::Digest => "digest",
            SortColumn::Type => "type",
            SortColumn::Status => "status",
            SortColumn::Pusher => "pusher",
            SortColumn::Class => "class",
        }
    }
}

/// A column, and from which end: `size` begins with the least, `-size` with the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// What is compared.
    pub column: SortColumn,
    /// Whether the greatest comes first.
    pub is_descending: bool,
}

/// By repository, within each the newest first: what is read as it lies.
impl Default for Order {
    fn default() -> Self {
        Order { column: SortColumn::Repository, is_descending: false }
    }
}

/// Why a text is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no order {text:?}; there are repository, pushed, tagged, pulled, size, tags, digest, type, status, pusher and class, each with - before it for the other way round"
)]
pub struct OrderError {
    text: String,
}

impl FromStr for Order {
    type Err = OrderError;
    fn from_str(text: &str) -> Result<Self, OrderError> {
        let (is_descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let column = SortColumn::ALL.into_iter().find(|column| column.name() == name);
        column
            .map(|column| Order { column, is_descending })
            .ok_or_else(|| OrderError { text: text.chars().take(64).collect() })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_descending { "-" } else { "" }, self.column.name())
    }
}
