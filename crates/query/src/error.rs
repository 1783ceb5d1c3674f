use crate::{
    field::{self, Field},
    parse::{DEPTH_MAX, QUERY_BYTES_MAX, TERMS_MAX},
};
use std::fmt;

/// A part of a text, in bytes; both ends are between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub offset: usize,
    /// How long it is.
    pub length: usize,
}

impl Span {
    /// The part between two places.
    pub(crate) fn between(from: usize, to: usize) -> Self {
        Span { offset: from, length: to.saturating_sub(from) }
    }

    /// The same part of `text`, counted in characters: its offset from 0, and its length.
    pub fn in_characters(self, text: &str) -> (usize, usize) {
        let count = |part: Option<&str>| part.map_or(0, |part| part.chars().count());
        let end = self.offset.saturating_add(self.length);
        (count(text.get(..self.offset)), count(text.get(self.offset..end)))
    }
}

/// Why a text is no query, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// The part that is wrong.
    pub span: Span,
    /// What is wrong with it, and what would be right.
    pub problem: QueryProblem,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem)
    }
}

impl std::error::Error for QueryError {}

/// What is wrong with a text that is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryProblem {
    /// More than [`QUERY_BYTES_MAX`].
    #[error("the query has {bytes} bytes; it may have {QUERY_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// More than [`TERMS_MAX`].
    #[error("this is one condition too many; a query may have {TERMS_MAX}")]
    TooManyTerms,
    /// Deeper than [`DEPTH_MAX`].
    #[error("parentheses and negations may lie in each other {DEPTH_MAX} deep")]
    TooDeep,
    /// There is no such field.
    #[error("there is no field {name:?}; {}", did_you_mean(.name))]
    UnknownField {
        /// As it was written.
        name: String,
    },
    /// A word that is no condition.
    #[error("{word:?} alone is no condition; write {}", conditions_of(.word))]
    NoCondition {
        /// The word.
        word: String,
    },
    /// A field without a value.
    #[error("{name} wants a value, without a space before it, as in {}", .field.example())]
    ValueMissing {
        /// As it was written.
        name: String,
        /// The field.
        field: Field,
    },
    /// A field that takes no value.
    #[error("{name} takes no value; write {name} alone, or -{name}")]
    ValueTooMuch {
        /// As it was written.
        name: String,
    },
    /// An operator that the field does not know.
    #[error("{name} cannot be compared with {operator:?}; write {}", .field.example())]
    Operator {
        /// As it was written.
        name: String,
        /// The operator.
        operator: &'static str,
        /// The field.
        field: Field,
    },
    /// A value that is none of the field.
    #[error("{message}")]
    Value {
        /// What is wrong with it.
        message: String,
    },
    /// A quote that is not closed.
    #[error("this quote is not closed; end the value with another")]
    QuoteOpen,
    /// A parenthesis that is not closed.
    #[error("this parenthesis is not closed")]
    ParenthesisOpen,
    /// A parenthesis that was not opened.
    #[error("this parenthesis was not opened")]
    ParenthesisClosed,
    /// Nothing where a condition must be.
    #[error("a condition is missing here, such as tag:v1.*")]
    ConditionMissing,
}

/// How alike two names must be for one to be taken for the other.
const LIKENESS_MIN: f64 = 0.6;

fn did_you_mean(name: &str) -> String {
    // A word may be as long as the query; nothing near a field is.
    let name: String = name.chars().take(32).collect::<String>().to_lowercase();
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(&name, known);
    let known = field::names().map(|known| (known, likeness(known)));
    match known.filter(|(_, likeness)| *likeness >= LIKENESS_MIN).max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((known, _)) => format!("did you mean {known:?}?"),
        None => {
            let names: Vec<_> = Field::ALL.iter().map(|field| field.name()).collect();
            format!("there are {}", names.join(", "))
        }
    }
}

fn conditions_of(word: &str) -> String {
    match Field::find(word) {
        Some(field) => field.example().to_string(),
        None if word.chars().count() <= 64 => format!("repository:*{word}* or tag:{word}"),
        None => "repository:NAME or tag:NAME".to_string(),
    }
}
