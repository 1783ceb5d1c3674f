use crate::{
    bounds::{Bounds, bounds_of},
    field::Field,
    pattern::Pattern,
    term::{Term, Test},
};
use gantry_words::Timestamp;
use std::fmt;

/// Which images are meant. Prints as what is read the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(crate) terms: Vec<Term>,
    pub(crate) root: Node,
}

/// How terms go together. Neither an `All` nor an `Any` holds one of its own kind, or less than two: but for the root, which is an
/// empty `All` where everything is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    /// By its place among the terms.
    Term(usize),
}

impl Query {
    /// Its conditions, in the order in which they are written; at most [`crate::TERMS_MAX`] of one that was read.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether a condition asks about this.
    pub fn asks(&self, field: Field) -> bool {
        self.terms.iter().any(|term| term.field() == field)
    }

    /// Whether an image is meant of which `known` says of each term, by its place, whether it holds; `None` where that lies with
    /// what is not known.
    pub fn decide(&self, known: impl Fn(usize, &Term) -> Option<bool>) -> Option<bool> {
        self.root.decide(&self.terms, &known)
    }

    /// Where those can only be that are meant, as far as `known` does not say it; `None` where none can be.
    pub fn bounds(&self, now: Timestamp, known: impl Fn(usize, &Term) -> Option<bool>) -> Option<Bounds> {
        bounds_of(&self.root, &self.terms, now, &known)
    }

    /// The same query, of the images of one repository.
    #[must_use]
    pub fn within(mut self, repository: &str) -> Query {
        let test = Test::Text(Pattern { text: repository.into(), is_literal: true });
        let place = self.terms.len();
        self.terms.push(Term { field: Field::Repository, test });
        self.root = Node::all(vec![Node::Term(place), self.root]);
        self
    }
}

impl Node {
    pub(crate) fn all(nodes: Vec<Node>) -> Node {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Node::All(flat) }
    }

    pub(crate) fn any(nodes: Vec<Node>) -> Node {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Node::Any(flat) }
    }

    pub(crate) fn negated(self) -> Node {
        match self {
            Node::Not(inner) => *inner,
            other => Node::Not(Box::new(other)),
        }
    }

    pub(crate) fn decide(&self, terms: &[Term], known: &impl Fn(usize, &Term) -> Option<bool>) -> Option<bool> {
        match self {
            Node::Term(place) => known(*place, &terms[*place]),
            Node::Not(inner) => inner.decide(terms, known).map(|holds| !holds),
            Node::All(nodes) => settled(nodes.iter().map(|node| node.decide(terms, known)), false),
            Node::Any(nodes) => settled(nodes.iter().map(|node| node.decide(terms, known)), true),
        }
    }

    fn print(&self, terms: &[Term], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Term(place) => write!(f, "{}", terms[*place]),
            Node::Not(inner) => {
                f.write_str("-")?;
                inner.print_within(terms, f, matches!(**inner, Node::All(_) | Node::Any(_)))
            }
            Node::All(nodes) => {
                for (place, node) in nodes.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { " " })?;
                    node.print_within(terms, f, matches!(node, Node::Any(_)))?;
                }
                Ok(())
            }
            Node::Any(nodes) => {
                for (place, node) in nodes.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { " or " })?;
                    node.print(terms, f)?;
                }
                Ok(())
            }
        }
    }

    fn print_within(&self, terms: &[Term], f: &mut fmt::Formatter<'_>, has_parentheses: bool) -> fmt::Result {
        if !has_parentheses {
            return self.print(terms, f);
        }
        f.write_str("(")?;
        self.print(terms, f)?;
        f.write_str(")")
    }
}

/// What follows from several answers, of which one such as `decisive` decides alone.
fn settled(answers: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut settled = Some(!decisive);
    for answer in answers {
        match answer {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => settled = None,
        }
    }
    settled
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.print(&self.terms, f)
    }
}
