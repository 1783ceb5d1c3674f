use crate::{
    expression::Node,
    field::Field,
    term::{Term, Test},
};
use gantry_words::Timestamp;

/// Where those images can only be that a query means. Not all that are there need be meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// When they were pushed.
    pub pushed: TimeBound,
    /// What their repositories are called.
    pub repository: Option<NameBound>,
    /// How their digests begin, with a part of the hash at least.
    pub digest: Option<NameBound>,
    /// A tag that each of them has.
    pub tag: Option<NameBound>,
    /// A label that each of them has.
    pub label: Option<LabelBound>,
    /// A platform that each of them runs on.
    pub platform: Option<NameBound>,
}

/// A time from one millisecond to another, both among it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBound {
    /// The first.
    pub from: i64,
    /// The last.
    pub to: i64,
}

/// A name, or all names that begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameBound {
    /// How they begin; not empty.
    pub prefix: String,
    /// Whether that is the whole name.
    pub is_exact: bool,
}

/// A label, or all labels of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelBound {
    /// Its name.
    pub name: String,
    /// Its value; any where there is none.
    pub value: Option<NameBound>,
}

impl LabelBound {
    /// The narrower of two that both hold.
    fn both(one: Option<LabelBound>, other: Option<LabelBound>) -> Option<LabelBound> {
        let (Some(one), Some(other)) = (one.clone(), other.clone()) else { return one.or(other) };
        let weight = |bound: &LabelBound| bound.value.as_ref().map(NameBound::weight);
        Some(if weight(&other) > weight(&one) { other } else { one })
    }

    /// What holds where one of two does.
    fn either(one: Option<LabelBound>, other: Option<LabelBound>) -> Option<LabelBound> {
        let (one, other) = (one?, other?);
        (one.name == other.name)
            .then(|| LabelBound { name: one.name, value: NameBound::either(one.value, other.value) })
    }
}

impl Default for TimeBound {
    fn default() -> Self {
        TimeBound { from: i64::MIN, to: i64::MAX }
    }
}

impl NameBound {
    fn of(prefix: &str, is_exact: bool) -> Option<NameBound> {
        (!prefix.is_empty()).then(|| NameBound { prefix: prefix.into(), is_exact })
    }

    /// The more, the narrower it is.
    fn weight(&self) -> (bool, usize) {
        (self.is_exact, self.prefix.len())
    }

    /// The narrower of two that both hold.
    fn both(one: Option<NameBound>, other: Option<NameBound>) -> Option<NameBound> {
        let (Some(one), Some(other)) = (one.clone(), other.clone()) else { return one.or(other) };
        Some(if other.weight() > one.weight() { other } else { one })
    }

    /// What holds where one of two does.
    fn either(one: Option<NameBound>, other: Option<NameBound>) -> Option<NameBound> {
        let (one, other) = (one?, other?);
        if one == other {
            return Some(one);
        }
        let common = one.prefix.chars().zip(other.prefix.chars()).take_while(|(a, b)| a == b);
        NameBound::of(&common.map(|(character, _)| character).collect::<String>(), false)
    }
}

impl Bounds {
    fn both(self, other: Bounds) -> Bounds {
        Bounds {
            pushed: TimeBound {
                from: self.pushed.from.max(other.pushed.from),
                to: self.pushed.to.min(other.pushed.to),
            },
            repository: NameBound::both(self.repository, other.repository),
            digest: NameBound::both(self.digest, other.digest),
            tag: NameBound::both(self.tag, other.tag),
            label: LabelBound::both(self.label, other.label),
            platform: NameBound::both(self.platform, other.platform),
        }
    }

    fn either(self, other: Bounds) -> Bounds {
        Bounds {
            pushed: TimeBound {
                from: self.pushed.from.min(other.pushed.from),
                to: self.pushed.to.max(other.pushed.to),
            },
            repository: NameBound::either(self.repository, other.repository),
            digest: NameBound::either(self.digest, other.digest).filter(narrows),
            tag: NameBound::either(self.tag, other.tag),
            label: LabelBound::either(self.label, other.label),
            platform: NameBound::either(self.platform, other.platform),
        }
    }

    fn of(term: &Term, now: Timestamp) -> Bounds {
        let mut bounds = Bounds::default();
        match (term.field, &term.test) {
            (Field::Repository, Test::Text(pattern)) => {
                bounds.repository = NameBound::of(pattern.prefix(), pattern.is_exact());
            }
            (Field::Tag, Test::Text(pattern)) => bounds.tag = NameBound::of(pattern.prefix(), pattern.is_exact()),
            (Field::Label, Test::Pair { key, value, .. }) => {
                let value = value.as_ref().and_then(|value| NameBound::of(value.prefix(), value.is_exact()));
                bounds.label = Some(LabelBound { name: key.clone(), value });
            }
            // What is called so, or begins so and has a variant.
            (Field::Platform, Test::Text(pattern)) => {
                bounds.platform = NameBound::of(pattern.prefix(), pattern.is_literal);
            }
            (Field::Digest, Test::Begins(prefix)) => bounds.digest = NameBound::of(prefix, false).filter(narrows),
            (Field::Pushed, Test::Moment(compare, moment)) => {
                let (first, last) = moment.ends(now);
                let (from, to) = compare.range(first, last);
                bounds.pushed = TimeBound { from, to };
            }
            _ => {}
        }
        bounds
    }
}

/// Whether the beginning of a digest says more than its algorithm.
fn narrows(digest: &NameBound) -> bool {
    digest.prefix.split_once(':').is_some_and(|(_, hash)| !hash.is_empty())
}

/// Where those can be that `node` means; `None` where none can.
pub(crate) fn bounds_of(
    node: &Node,
    terms: &[Term],
    now: Timestamp,
    known: &impl Fn(usize, &Term) -> Option<bool>,
) -> Option<Bounds> {
    match node.decide(terms, known) {
        Some(true) => return Some(Bounds::default()),
        Some(false) => return None,
        None => {}
    }
    match node {
        Node::Term(place) => Some(Bounds::of(&terms[*place], now)),
        // What is not within bounds can be anywhere.
        Node::Not(_) => Some(Bounds::default()),
        Node::All(nodes) => nodes
            .iter()
            .map(|node| bounds_of(node, terms, now, known))
            .try_fold(Bounds::default(), |all, bounds| Some(all.both(bounds?))),
        Node::Any(nodes) => nodes.iter().filter_map(|node| bounds_of(node, terms, now, known)).reduce(Bounds::either),
    }
}
