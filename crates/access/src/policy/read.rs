//! Policies as people write them: read strictly, so that what a reviewer sees is what counts.

use super::actions::Actions;
use super::conditions::Conditions;
use super::json::{Node, Step, line};
use super::members::Gathering;
use super::principals::Principals;
use super::resources::Resources;
use super::{Effect, FINDING_SEVERITY, ImageKeys, Policy, SIGNED, Statement, hints};

/// The longest policy of a repository or registry, in bytes (ECR API, `RepositoryPolicyText`).
pub const POLICY_BYTES_MAX: usize = 10_240;
/// The longest document that the IAM API takes, in bytes; what of it counts against a policy's limit is less.
pub const POLICY_DOCUMENT_BYTES_MAX: usize = 131_072;
/// The longest policy of a key, in bytes (KMS API, `PolicyType`).
const KEY_POLICY_BYTES_MAX: usize = 32_768;
/// Lists and objects within each other.
const DEPTH_MAX: usize = 32;

/// What a policy stands at, which decides what may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyPlace {
    /// A repository: it names no resource, since it stands at one.
    Repository,
    /// A registry: it names repositories, and allows what other registries do in it.
    Registry,
    /// A user, a group or a role: it names no principal. Boundaries and the policies of sessions have this form too.
    Identity,
    /// A role: it says who may become it, and names no resource.
    Trust,
    /// An account: it names no principal, and only denies.
    AccountWide,
    /// A key: it says who may do what with it, and names principals and resources.
    Key,
}

/// Why a text is no such policy. Statements and lines are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyTextError {
    /// It is not JSON, holds a member twice, or lies too deep.
    #[error("the policy cannot be read: {0}")]
    Json(String),
    /// It is longer than it may be.
    #[error("the policy has {bytes} bytes; it may have {bytes_max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The length it may have.
        bytes_max: usize,
    },
    /// The document as a whole.
    #[error("the policy {what} (line {line})")]
    Document {
        /// What is wrong with it: the end of a sentence.
        what: String,
        /// Where.
        line: usize,
    },
    /// A statement.
    #[error("statement {number}: {what} (line {line})")]
    Statement {
        /// Which.
        number: usize,
        /// What is wrong with it, in a sentence that names the member.
        what: String,
        /// Where: the line of the member, or that of the statement where the member is missing.
        line: usize,
    },
}

/// Something that is taken, but probably meant otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyHint {
    /// The statement, counted from 1.
    pub statement: usize,
    /// Where what it is about begins: a line, counted from 1.
    pub line: usize,
    /// How bad it is.
    pub severity: HintSeverity,
    /// What it probably means, in a sentence.
    pub sentence: String,
}

/// How bad a hint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HintSeverity {
    /// It may be meant.
    Warning,
    /// It lets in strangers: nobody means that.
    Error,
}

/// Checks the text of a policy, and returns what in it was probably meant otherwise.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_policy_text(text: &str, place: PolicyPlace) -> Result<Vec<PolicyHint>, PolicyTextError> {
    let (document, _) = read(text, place)?;
    let statements = document.get("Statement").map(Node::each).unwrap_or_default();
    let document = &document;
    let hints = (1..).zip(statements).flat_map(|(statement, node)| {
        hints::of(node).into_iter().map(move |sentence| PolicyHint {
            statement,
            line: line_of(text, document, statement, &["Action", "NotAction"]),
            severity: HintSeverity::Warning,
            sentence,
        })
    });
    Ok(hints.collect())
}

impl Policy {
    /// Reads and compiles the text of a policy that stands at `place`: JSON of Version `2012-10-17` or `2008-10-17`
    /// (which is meant where there is none), at most [`POLICY_BYTES_MAX`] bytes long at a repository or registry, and
    /// [`POLICY_DOCUMENT_BYTES_MAX`] elsewhere.
    ///
    /// # Errors
    /// The first thing that is wrong, with statement, member and line.
    pub fn parse(text: &str, place: PolicyPlace) -> Result<Self, PolicyTextError> {
        read(text, place).map(|(_, policy)| policy)
    }
}

impl PolicyPlace {
    /// The longest text it may have, in bytes.
    pub const fn bytes_max(self) -> usize {
        match self {
            PolicyPlace::Repository | PolicyPlace::Registry => POLICY_BYTES_MAX,
            PolicyPlace::Identity | PolicyPlace::Trust | PolicyPlace::AccountWide => POLICY_DOCUMENT_BYTES_MAX,
            PolicyPlace::Key => KEY_POLICY_BYTES_MAX,
        }
    }

    /// Whether its statements must say to whom they apply.
    pub(super) const fn names_principals(self) -> bool {
        matches!(self, PolicyPlace::Repository | PolicyPlace::Registry | PolicyPlace::Trust | PolicyPlace::Key)
    }

    /// Whether its statements must say to what they apply.
    pub(super) const fn names_resources(self) -> bool {
        matches!(self, PolicyPlace::Registry | PolicyPlace::Identity | PolicyPlace::AccountWide | PolicyPlace::Key)
    }
}

/// Reads a policy, and returns the document besides.
pub(super) fn read(text: &str, place: PolicyPlace) -> Result<(Node, Policy), PolicyTextError> {
    if text.len() > place.bytes_max() {
        return Err(PolicyTextError::TooLong { bytes: text.len(), bytes_max: place.bytes_max() });
    }
    let root: Node = serde_json::from_str(text).map_err(|error| PolicyTextError::Json(error.to_string()))?;
    let document = |member: &str, what: &str| PolicyTextError::Document {
        what: what.into(),
        line: line(text, &[Step::Member(member)]),
    };
    let Node::Object(members) = &root else { return Err(document("", "is no JSON object")) };
    if root.depth() > DEPTH_MAX {
        return Err(document("", "holds values too deep within each other"));
    }
    if let Some((name, _)) = members.iter().find(|(name, _)| !["Version", "Id", "Statement"].contains(&name.as_str())) {
        return Err(document(name, &format!("has a member {name:?}; it has Version, Id and Statement")));
    }
    if place == PolicyPlace::Identity && root.get("Id").is_some() {
        return Err(document("Id", "has an Id, which only policies of resources have"));
    }
    let variables = match root.get("Version").map(Node::text) {
        None | Some(Some("2008-10-17")) => false,
        Some(Some("2012-10-17")) => true,
        Some(_) => return Err(document("Version", "has a Version that is neither \"2012-10-17\" nor \"2008-10-17\"")),
    };
    let nodes = root.get("Statement").ok_or_else(|| document("", "has no Statement"))?.each();
    if nodes.is_empty() {
        return Err(document("Statement", "has no statement in its Statement"));
    }
    let is_identity = matches!(place, PolicyPlace::Identity | PolicyPlace::Trust | PolicyPlace::AccountWide);
    let mut statements: Vec<Statement> = Vec::with_capacity(nodes.len());
    let mut reading = Reading::new(place, variables);
    for (index, node) in nodes.iter().enumerate() {
        let wrong = |(members, what): (Members, String)| PolicyTextError::Statement {
            number: index + 1,
            what,
            line: line_of(text, &root, index + 1, members),
        };
        let statement = reading.statement(node).map_err(wrong)?;
        let is_same = |other: &Statement| other.sid.is_some() && other.sid == statement.sid;
        if is_identity && statements.iter().any(is_same) {
            let what =
                "Statement IDs (SID) in a single policy must be unique: its Sid is that of an earlier one".into();
            return Err(wrong((&["Sid"], what)));
        }
        statements.push(statement);
    }
    let mut policy = Policy {
        statements: statements.into(),
        actions: reading.actions.done(),
        resources: reading.resources.done(),
        conditions: reading.conditions.done(),
        asked: ImageKeys::NONE,
    };
    let (keys, small) = (policy.context_keys(), text.to_ascii_lowercase());
    let asks_for = |key: &str| {
        keys.iter().any(|asked| asked.eq_ignore_ascii_case(key))
            || small.contains(&format!("${{{}", key.to_ascii_lowercase()))
    };
    policy.asked = ImageKeys { severity: asks_for(FINDING_SEVERITY), signed: asks_for(SIGNED) };
    Ok((root, policy))
}

/// Returns the line of the first of `members` that the statement `number` (from 1) has, or of the statement itself.
pub(super) fn line_of(text: &str, document: &Node, number: usize, members: &[&str]) -> usize {
    let statements = document.get("Statement");
    let node = statements.and_then(|statements| statements.each().get(number - 1));
    // Of two members that exclude each other it is the one that is there.
    let member = members.iter().find(|member| node.is_some_and(|node| node.get(member).is_some()));
    let path = [Step::Member("Statement"), Step::Item(number - 1), Step::Member(member.copied().unwrap_or_default())];
    // A lone statement is no list: it has no items to step to.
    match statements {
        Some(Node::List(_)) => line(text, &path),
        _ => line(text, &[path[0], path[2]]),
    }
}

/// The members of a statement that something is about.
type Members = &'static [&'static str];

const MEMBERS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Reads statements of one policy.
struct Reading {
    place: PolicyPlace,
    /// Whether `${…}` are variables.
    variables: bool,
    actions: Gathering<Actions>,
    resources: Gathering<Resources>,
    conditions: Gathering<Conditions>,
}

impl Reading {
    fn new(place: PolicyPlace, variables: bool) -> Self {
        let (actions, resources, conditions) = Default::default();
        Reading { place, variables, actions, resources, conditions }
    }

    /// Reads a statement; what is wrong comes with the members that it lies in.
    fn statement(&mut self, node: &Node) -> Result<Statement, (Members, String)> {
        let (place, variables) = (self.place, self.variables);
        let Node::Object(members) = node else { return Err((&[], "it is no JSON object".into())) };
        if let Some((name, _)) = members.iter().find(|(name, _)| !MEMBERS.contains(&name.as_str())) {
            return Err((&[], format!("{name:?} is no member of a statement; those are {}", MEMBERS.join(", "))));
        }
        let effect = match node.get("Effect").map(Node::text) {
            Some(Some("Allow")) => Effect::Allow,
            Some(Some("Deny")) => Effect::Deny,
            _ => return Err((&["Effect"], "its Effect is neither \"Allow\" nor \"Deny\"".into())),
        };
        if effect == Effect::Allow && place == PolicyPlace::AccountWide {
            return Err((&["Effect"], "its Effect is not \"Deny\"; what holds account-wide only denies".into()));
        }
        let sid = match node.get("Sid").map(Node::text) {
            None => None,
            Some(Some(sid)) => Some(sid.into()),
            Some(None) => return Err((&["Sid"], "its Sid is no string".into())),
        };
        let principals =
            Principals::read(node, place).map_err(|what| (&["Principal", "NotPrincipal"] as Members, what))?;
        let resources = self.resources(node).map_err(|what| (&["Resource", "NotResource"] as Members, what))?;
        let conditions = self
            .conditions
            .number(written(node, &["Condition"]), || Conditions::read(node, variables))
            .map_err(|what| (&["Condition"] as Members, what))?;
        let actions = self
            .actions
            .number(written(node, &["Action", "NotAction"]), || Actions::read(node, place))
            .map_err(|what| (&["Action", "NotAction"] as Members, what))?;
        Ok(Statement { sid, effect, principals, actions, resources, conditions })
    }

    fn resources(&mut self, node: &Node) -> Result<Option<usize>, String> {
        let Some(texts) = Resources::texts(node, self.place)? else { return Ok(None) };
        let compile = || Resources::compile(texts, self.place, self.variables);
        self.resources.number(written(node, &["Resource", "NotResource"]), compile).map(Some)
    }
}

/// What is written in these members, so that it is told from all else.
fn written(statement: &Node, members: &[&str]) -> String {
    format!("{:?}", members.iter().map(|member| statement.get(member)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
