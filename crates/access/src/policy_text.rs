//! The form of a policy of a resource, as people write it: read strictly, so that what a reviewer sees is what counts.
//!
//! Says whether a text is such a policy, and what in it was probably meant otherwise; not yet what it allows.

use crate::action;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The longest policy of a repository or registry, in bytes (ECR API, `RepositoryPolicyText`).
pub const POLICY_BYTES_MAX: usize = 10_240;
/// Lists and objects within each other.
const DEPTH_MAX: usize = 32;

/// Which resource a policy stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyPlace {
    /// A repository: it names no resource, since it stands at one.
    Repository,
    /// A registry: it names repositories, and allows what other registries do in it.
    Registry,
}

/// What the policy of a registry may speak of (Amazon ECR User Guide, "Private registry permissions").
const REGISTRY_ACTIONS: [&str; 4] =
    ["ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository", "ecr:*"];

/// Why a text is no such policy. Statements are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyTextError {
    /// It is not JSON, holds a member twice, or lies too deep.
    #[error("the policy cannot be read: {0}")]
    Json(String),
    /// It is longer than it may be.
    #[error("the policy has {bytes} bytes; it may have {POLICY_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The document as a whole.
    #[error("the policy {0}")]
    Document(String),
    /// A statement.
    #[error("statement {number}: {what}")]
    Statement {
        /// Which.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// Something that is taken, but probably meant otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyHint {
    /// The statement, counted from 1.
    pub statement: usize,
    /// What it probably means, in a sentence.
    pub sentence: String,
}

/// Checks the text of a policy, and returns what in it was probably meant otherwise.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_policy_text(text: &str, place: PolicyPlace) -> Result<Vec<PolicyHint>, PolicyTextError> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(PolicyTextError::TooLong { bytes: text.len() });
    }
    let root: Node = serde_json::from_str(text).map_err(|error| PolicyTextError::Json(error.to_string()))?;
    let document = |what: &str| PolicyTextError::Document(what.into());
    let Node::Object(members) = &root else { return Err(document("is no JSON object")) };
    if root.depth() > DEPTH_MAX {
        return Err(document("holds values too deep within each other"));
    }
    if let Some((name, _)) = members.iter().find(|(name, _)| !["Version", "Id", "Statement"].contains(&name.as_str())) {
        return Err(document(&format!("has a member {name:?}; it has Version, Id and Statement")));
    }
    match root.get("Version") {
        None | Some(Node::Text(_)) if root.get("Version").is_none_or(Node::is_version) => {}
        _ => return Err(document("has a Version that is neither \"2012-10-17\" nor \"2008-10-17\"")),
    }
    let statements = root.get("Statement").ok_or_else(|| document("has no Statement"))?.each();
    if statements.is_empty() {
        return Err(document("has no statement in its Statement"));
    }
    let mut hints = Vec::new();
    for (number, statement) in (1..).zip(statements) {
        let what = Statement { node: statement, place };
        let found = what.check().map_err(|what| PolicyTextError::Statement { number, what })?;
        hints.extend(found.into_iter().map(|sentence| PolicyHint { statement: number, sentence }));
    }
    Ok(hints)
}

struct Statement<'a> {
    node: &'a Node,
    place: PolicyPlace,
}

impl Statement<'_> {
    /// Checks it; returns hints.
    fn check(&self) -> Result<Vec<String>, String> {
        const MEMBERS: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        let Node::Object(members) = self.node else { return Err("it is no JSON object".into()) };
        if let Some((name, _)) = members.iter().find(|(name, _)| !MEMBERS.contains(&name.as_str())) {
            return Err(format!("{name:?} is no member of a statement; those are {}", MEMBERS.join(", ")));
        }
        match self.node.get("Effect").map(Node::text) {
            Some(Some("Allow" | "Deny")) => {}
            _ => return Err("its Effect is neither \"Allow\" nor \"Deny\"".into()),
        }
        if self.node.get("Sid").is_some_and(|sid| sid.text().is_none()) {
            return Err("its Sid is no string".into());
        }
        self.check_principal()?;
        self.check_resource()?;
        self.check_condition()?;
        self.check_actions()
    }

    fn check_principal(&self) -> Result<(), String> {
        let principal = match (self.node.get("Principal"), self.node.get("NotPrincipal")) {
            (Some(principal), None) | (None, Some(principal)) => principal,
            (Some(_), Some(_)) => return Err("it has both Principal and NotPrincipal".into()),
            (None, None) => return Err("it has no Principal: say who, or \"*\" for anybody".into()),
        };
        match principal {
            Node::Text(text) if text == "*" => Ok(()),
            Node::Object(kinds) if !kinds.is_empty() => {
                kinds.iter().try_for_each(|(kind, who)| check_principals(kind, who))
            }
            _ => Err("its Principal is neither \"*\" nor an object such as {\"AWS\": \"123456789012\"}".into()),
        }
    }

    fn check_resource(&self) -> Result<(), String> {
        let resource = match (self.node.get("Resource"), self.node.get("NotResource")) {
            (None, None) if self.place == PolicyPlace::Repository => return Ok(()),
            (None, None) => return Err("it has no Resource: name repositories, or \"*\"".into()),
            (Some(_), Some(_)) => return Err("it has both Resource and NotResource".into()),
            (Some(resource), None) | (None, Some(resource)) => resource,
        };
        let is_resource = |text: &str| text == "*" || (text.starts_with("arn:") && text.splitn(6, ':').count() == 6);
        match strings(resource) {
            Some(texts) if !texts.is_empty() => match texts.iter().find(|text| !is_resource(text)) {
                None => Ok(()),
                Some(text) => Err(format!(
                    "its Resource {text:?} is neither an ARN nor \"*\"{}",
                    if self.place == PolicyPlace::Repository {
                        "; leave Resource out, it is this repository"
                    } else {
                        ""
                    }
                )),
            },
            _ => Err("its Resource is neither a string nor a list of strings".into()),
        }
    }

    fn check_condition(&self) -> Result<(), String> {
        let Some(condition) = self.node.get("Condition") else { return Ok(()) };
        let is_value = |node: &Node| match node {
            Node::List(items) => items.iter().all(Node::is_scalar),
            node => node.is_scalar(),
        };
        let is_test = |node: &Node| match node {
            Node::Object(keys) => keys.iter().all(|(_, value)| is_value(value)),
            _ => false,
        };
        match condition {
            Node::Object(operators) if operators.iter().all(|(_, test)| is_test(test)) => Ok(()),
            _ => Err("its Condition is no object of operators, each with keys and their values".into()),
        }
    }

    fn check_actions(&self) -> Result<Vec<String>, String> {
        let actions = match (self.node.get("Action"), self.node.get("NotAction")) {
            (Some(actions), None) | (None, Some(actions)) => actions,
            (Some(_), Some(_)) => return Err("it has both Action and NotAction".into()),
            (None, None) => return Err("it has no Action".into()),
        };
        let actions = strings(actions).filter(|actions| !actions.is_empty());
        let actions = actions.ok_or("its Action is neither a string nor a list of strings")?;
        let mut hints = Vec::new();
        for text in actions {
            let is_action = text == "*"
                || text.split_once(':').is_some_and(|(service, verb)| !service.is_empty() && !verb.is_empty());
            if !is_action {
                return Err(format!(
                    "its Action {text:?} is none; an action is a service and what is done, such as ecr:PutImage"
                ));
            }
            if self.place == PolicyPlace::Registry
                && !REGISTRY_ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(text))
            {
                let known = REGISTRY_ACTIONS.join(", ");
                return Err(format!("the policy of a registry speaks of {known}; {text:?} is none of these"));
            }
            hints.extend(hint(text));
        }
        Ok(hints)
    }
}

/// Who a principal of a kind may be.
fn check_principals(kind: &str, who: &Node) -> Result<(), String> {
    if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind) {
        return Err(format!("{kind:?} is no kind of principal; those are AWS, Service and Federated"));
    }
    let who = strings(who).filter(|who| !who.is_empty());
    let who = who.ok_or_else(|| format!("its principals of kind {kind} are neither a string nor a list of strings"))?;
    match who.iter().find(|text| kind == "AWS" && !is_aws_principal(text)) {
        None => Ok(()),
        Some(text) => Err(format!(
            "Invalid principal in policy: \"AWS\":\"{text}\": a principal is \"*\", an account of 12 digits, or the ARN of a user or role{}",
            if text.contains("*") { ", without wildcards" } else { "" }
        )),
    }
}

fn is_aws_principal(text: &str) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.splitn(6, ':');
    let [scheme, partition, service, region, account, name] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let is_name = match service {
        "iam" => {
            name == "root" || ["user/", "role/"].iter().any(|kind| name.len() > kind.len() && name.starts_with(kind))
        }
        "sts" => name.starts_with("assumed-role/") && name.matches('/').count() == 2,
        _ => false,
    };
    let is_arn = scheme == "arn" && partition.starts_with("aws") && region.is_empty() && is_account(account) && is_name;
    text == "*" || is_account(text) || (is_arn && !text.contains('*'))
}

/// An action that ECR does not have allows nothing: the one that was probably meant is told.
fn hint(text: &str) -> Option<String> {
    let verb = text.strip_prefix("ecr:").filter(|verb| !verb.contains(['*', '?']))?;
    let known = || action::ALL.iter().filter_map(|action| action.name().strip_prefix("ecr:"));
    if known().any(|known| known.eq_ignore_ascii_case(verb))
        || REGISTRY_ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(text))
    {
        return None;
    }
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &verb.to_lowercase());
    // What holds the word as a part of it is nearer than what only looks like it.
    let nearest = known().min_by_key(|known| (!known.ends_with(verb), distance(known)))?;
    Some(format!("{text:?} is no action of ECR and allows nothing; did you mean ecr:{nearest}?"))
}

/// One string or a list of them.
fn strings(node: &Node) -> Option<Vec<&str>> {
    node.each().iter().map(|node| node.text()).collect()
}

/// JSON, with members in their order and each only once.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Scalar,
    Null,
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Node::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, node)| node),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        if let Node::Text(text) = self { Some(text) } else { None }
    }

    fn is_version(&self) -> bool {
        matches!(self.text(), Some("2012-10-17" | "2008-10-17"))
    }

    fn is_scalar(&self) -> bool {
        matches!(self, Node::Text(_) | Node::Scalar)
    }

    /// The items of a list, or the one thing.
    fn each(&self) -> Vec<&Node> {
        if let Node::List(items) = self { items.iter().collect() } else { vec![self] }
    }

    fn depth(&self) -> usize {
        1 + match self {
            Node::List(items) => items.iter().map(Node::depth).max().unwrap_or(0),
            Node::Object(members) => members.iter().map(|(_, node)| node.depth()).max().unwrap_or(0),
            Node::Text(_) | Node::Scalar | Node::Null => 0,
        }
    }
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
    fn visit_bool<E: Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
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
        let mut members: Vec<(String, Node)> = Vec::new();
        while let Some((name, node)) = object.next_entry::<String, Node>()? {
            // Of two members of one name a reader may see the one and a program the other.
            if members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format_args!("the member {name:?} stands twice")));
            }
            members.push((name, node));
        }
        Ok(Node::Object(members))
    }
}

#[cfg(test)]
mod tests;
