//! JSON read strictly: members in their order and each only once, with the line of each at hand where one is wrong.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// JSON, with members in their order and each only once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// A string.
    Text(String),
    /// A number or a boolean, as JSON prints it.
    Scalar(String),
    Null,
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Node::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, node)| node),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Node::Text(text) = self { Some(text) } else { None }
    }

    /// A string, a number or a boolean, as text.
    pub(crate) fn scalar(&self) -> Option<&str> {
        if let Node::Text(text) | Node::Scalar(text) = self { Some(text) } else { None }
    }

    /// The items of a list, or the one thing.
    pub(crate) fn each(&self) -> &[Node] {
        if let Node::List(items) = self { items } else { std::slice::from_ref(self) }
    }

    /// One string or a list of them.
    pub(crate) fn texts(&self) -> Option<Vec<&str>> {
        self.each().iter().map(Node::text).collect()
    }

    pub(crate) fn depth(&self) -> usize {
        1 + match self {
            Node::List(items) => items.iter().map(Node::depth).max().unwrap_or(0),
            Node::Object(members) => members.iter().map(|(_, node)| node.depth()).max().unwrap_or(0),
            Node::Text(_) | Node::Scalar(_) | Node::Null => 0,
        }
    }
}

/// One step down into JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// The member of this name; a list or value without it is its own.
    Member(&'a str),
    /// The item of this index; what is no list is its own only item.
    Item(usize),
}

/// Returns the line (from 1) on which what lies at the end of `path` begins, or the last thing on the way that is there.
/// `text` is JSON.
pub(crate) fn line(text: &str, path: &[Step<'_>]) -> usize {
    let at = path.iter().fold(value_start(text, 0), |at, step| find(text, at, *step).unwrap_or(at));
    1 + text[..at].bytes().filter(|byte| *byte == b'\n').count()
}

/// Where in the value at `at` the next one begins.
fn find(text: &str, at: usize, step: Step<'_>) -> Option<usize> {
    let is_object = match text.as_bytes().get(at)? {
        b'{' => true,
        b'[' => false,
        _ => return None,
    };
    let mut next = value_start(text, at + 1);
    for index in 0.. {
        let key = match is_object {
            true => {
                let name: String = serde_json::Deserializer::from_str(&text[next..]).into_iter().next()?.ok()?;
                next = value_start(text, value_end(text, next)?);
                Some(name)
            }
            false => None,
        };
        match step {
            Step::Member(name) if key.as_deref() == Some(name) => return Some(next),
            Step::Item(wanted) if key.is_none() && index == wanted => return Some(next),
            Step::Member(_) | Step::Item(_) => {}
        }
        next = value_start(text, value_end(text, next)?);
    }
    None
}

/// Skips what stands between values.
fn value_start(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.bytes().take_while(|byte| byte.is_ascii_whitespace() || b",:".contains(byte)).count()
}

fn value_end(text: &str, at: usize) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text.get(at..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(at + values.byte_offset())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.into()))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Scalar(number.to_string()))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Scalar(number.to_string()))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Scalar(number.to_string()))
    }
    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        while let Some((name, node)) = object.next_entry::<String, Node>()? {
            // Of two members of one name a reader may see the one and a program the other.
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("the member {name:?} stands twice")));
            }
            members.push((name, node));
        }
        Ok(Node::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n \"a\": [1,\n  {\"b\\u0063\":\n   \"x]\"}],\n \"d\": 2\n}";

    #[test]
    fn a_value_is_found_with_its_line() {
        use Step::{Item, Member};

        for (path, wanted) in [
            (&[][..], 1),
            (&[Member("a")], 2),
            (&[Member("a"), Item(1)], 3),
            (&[Member("a"), Item(1), Member("bc")], 4),
            (&[Member("a"), Item(7)], 2),
            (&[Member("d"), Item(0)], 5),
            (&[Member("e")], 1),
        ] {
            assert_eq!(line(TEXT, path), wanted, "{path:?}");
        }
    }
}
