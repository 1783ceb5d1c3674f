//! What in a policy is taken, but was probably meant otherwise.

mod federated;

use super::json::Node;
use super::read::{line_of, read};
use super::{HintSeverity, PolicyHint, PolicyPlace, PolicyTextError, actions, pattern::arn_parts};

/// The keys that requests here may have; behind a slash comes the name of a tag.
const KEYS: [&str; 41] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:RequestedRegion",
    "aws:RequestTag/",
    "aws:ResourceAccount",
    "aws:ResourceTag/",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "ecr:AccountSetting",
    "ecr:ResourceTag/",
    "gantry:FindingSeverity",
    "gantry:ImageDigest",
    "gantry:ImageTag",
    "gantry:Signed",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "kms:CallerAccount",
    "kms:EncryptionContext:",
    "kms:EncryptionContextKeys",
    "kms:RequestAlias",
    "kms:ResourceAliases",
    "secretsmanager:Name",
    "secretsmanager:ResourceTag/",
    "sts:ExternalId",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
    "sts:TransitiveTagKeys",
];

/// The keys that say who asks: what is open to anyone is closed again where one of them must have a value.
const KEYS_OF_CALLERS: [&str; 10] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principaltag/",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:userid",
    "aws:username",
    "sts:externalid",
];

/// Reads a policy, and returns all that was probably meant otherwise, or opens more than people see in it: actions and keys
/// that do not exist, with the nearest that does; accounts that are none; access for anyone; exceptions that allow
/// everything else; tests that hold where their key is absent; trust
/// in identity providers that lets in strangers. More than [`check_policy_text`](super::check_policy_text).
///
/// # Errors
/// The first thing that is wrong.
pub fn lint_policy(text: &str, place: PolicyPlace) -> Result<Vec<PolicyHint>, PolicyTextError> {
    let (document, _) = read(text, place)?;
    let variables = document.get("Version").and_then(Node::text) == Some("2012-10-17");
    let statements = document.get("Statement").map(Node::each).unwrap_or_default();
    let mut found = Vec::new();
    for (statement, node) in (1..).zip(statements) {
        let statement_of = Statement { node, place, allows: node.get("Effect").and_then(Node::text) == Some("Allow") };
        let variables_hint = (!variables && has_variable(node))
            .then(|| "it has ${…}, which is plain text unless the policy has the Version \"2012-10-17\"".to_string());
        let texts = actions::texts(node).map(|(_, texts)| texts).unwrap_or_default();
        let elsewhere = texts.into_iter().filter_map(actions::hint_elsewhere);
        let parts: [(&[&str], Vec<String>); 6] = [
            (&["Action", "NotAction"], of(node).into_iter().chain(elsewhere).collect()),
            (&["Action", "NotAction"], statement_of.actions()),
            (&["Resource", "NotResource"], statement_of.resources()),
            (&["Condition"], statement_of.conditions()),
            (&["Principal"], statement_of.openness()),
            (&[], variables_hint.into_iter().collect()),
        ];
        let federated = if place == PolicyPlace::Trust { federated::hints(&statement_of) } else { Vec::new() };
        let federated = federated.into_iter().map(|(severity, sentence)| (&["Principal"][..], severity, sentence));
        let hints = parts.into_iter().flat_map(|(members, sentences)| {
            sentences.into_iter().map(move |sentence| (members, HintSeverity::Warning, sentence))
        });
        found.extend(hints.chain(federated).map(|(members, severity, sentence)| {
            let line = line_of(text, &document, statement, members);
            PolicyHint { statement, line, severity, sentence }
        }));
    }
    Ok(found)
}

/// Hints on the actions of a statement that has been read without an error, each a sentence.
pub(super) fn of(statement: &Node) -> Vec<String> {
    let actions = actions::texts(statement).map(|(_, texts)| texts).unwrap_or_default();
    actions.into_iter().filter_map(actions::hint).collect()
}

struct Statement<'a> {
    node: &'a Node,
    place: PolicyPlace,
    allows: bool,
}

/// A key under an operator.
struct Test<'a> {
    /// Without quantifier and `IfExists`.
    operator: &'a str,
    quantifier: Option<&'a str>,
    if_exists: bool,
    key: &'a str,
    values: Vec<&'a str>,
}

impl Test<'_> {
    /// Whether it keeps out those for whom the key has another value, or none.
    fn narrows(&self) -> bool {
        self.quantifier != Some("ForAllValues") && self.narrows_where_present()
    }

    /// Whether it keeps out those for whom the key has another value.
    fn narrows_where_present(&self) -> bool {
        let is_all = |value: &&str| ["*", "0.0.0.0/0", "::/0"].contains(value);
        let is_negated = self.operator.contains("Not");
        let is_sure = !self.if_exists && self.operator != "Null";
        is_sure && !is_negated && !self.values.iter().any(is_all)
    }
}

impl<'a> Statement<'a> {
    fn actions(&self) -> Vec<String> {
        let texts = actions::texts(self.node).map(|(_, texts)| texts).unwrap_or_default();
        let mut found = Vec::new();
        if self.allows && self.node.get("NotAction").is_some() {
            found.push("it allows with NotAction: everything else, also to make users and give them rights".into());
        }
        let is_login = |text: &&str| text.eq_ignore_ascii_case("ecr:GetAuthorizationToken");
        if self.place == PolicyPlace::Repository && texts.iter().any(is_login) {
            found.push(
                "ecr:GetAuthorizationToken is not about a repository; allow it in a policy of the user or role".into(),
            );
        }
        found
    }

    fn resources(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.allows && self.node.get("NotResource").is_some() {
            found.push("it allows with NotResource: everything else, also what is made later".into());
        }
        let resources = [self.node.get("Resource"), self.node.get("NotResource")].into_iter().flatten();
        for text in resources.filter_map(Node::texts).flatten() {
            let Some([_, _, service, _, account, name]) = arn_parts(text) else { continue };
            found.extend(no_account(account).map(|what| format!("its Resource {text:?} names {what}")));
            if service == "ecr" && (name.is_empty() || name == "repository" || name == "repository/") {
                found.push(format!(
                    "its Resource {text:?} names no repository; end it in repository/NAME or repository/*"
                ));
            }
        }
        found
    }

    fn conditions(&self) -> Vec<String> {
        let tests = self.tests();
        let asks_for = |key: &str| {
            let is_asked = |test: &Test<'_>| test.operator == "Null" && test.values == ["false"];
            tests.iter().any(|test| test.key.eq_ignore_ascii_case(key) && is_asked(test))
        };
        let mut found = Vec::new();
        for test in &tests {
            let Test { key, operator, .. } = test;
            found.extend(no_key(key));
            if self.allows && test.quantifier == Some("ForAllValues") && !asks_for(key) {
                found.push(format!(
                    "it allows where {key} is absent too, since then ForAllValues holds; add \"Null\": {{\"{key}\": \"false\"}}"
                ));
            }
            if key.eq_ignore_ascii_case("aws:TagKeys") && test.quantifier.is_none() && *operator != "Null" {
                found.push(format!(
                    "{key} may have several values; say ForAllValues:{operator} or ForAnyValue:{operator}"
                ));
            }
            if operator.ends_with("Equals") && operator.starts_with("String") {
                let wild = test.values.iter().find(|value| value.contains('*') && !value.contains("${*}"));
                found.extend(wild.map(|value| {
                    format!("the * in {value:?} is a plain character under {operator}; StringLike knows wildcards")
                }));
            }
            if key.to_ascii_lowercase().ends_with("account") {
                let values = test.values.iter().filter(|value| !value.contains('$') && **value != "anonymous");
                found.extend(values.filter_map(|value| no_account(value)).map(|what| format!("its {key} is {what}")));
            }
        }
        found
    }

    /// What is open to more people than it seems.
    fn openness(&self) -> Vec<String> {
        let Some(principal) = self.node.get("Principal").filter(|_| self.allows) else { return Vec::new() };
        let has =
            |kind: &str, who: &str| principal.get(kind).and_then(Node::texts).is_some_and(|texts| texts.contains(&who));
        let tests = self.tests();
        let of_caller = |test: &Test<'_>| {
            let key = test.key.to_ascii_lowercase();
            KEYS_OF_CALLERS.iter().any(|known| key == *known || (known.ends_with('/') && key.starts_with(known)))
        };
        let is_anyone = principal.text() == Some("*") || has("AWS", "*");
        let mut found = Vec::new();
        if is_anyone && !tests.iter().any(|test| of_caller(test) && test.narrows()) {
            found.push(match self.place {
                PolicyPlace::Trust => "anybody at all may become this role; name accounts, users or roles".into(),
                _ => "it is public: anybody may do this, without credentials too where the server lets those in; name \
                      accounts, users or roles, or ask for aws:PrincipalOrgID or aws:PrincipalAccount"
                    .to_string(),
            });
        }
        found
    }

    fn tests(&self) -> Vec<Test<'a>> {
        let mut found = Vec::new();
        let Some(Node::Object(operators)) = self.node.get("Condition") else { return found };
        for (name, keys) in operators {
            let Node::Object(keys) = keys else { continue };
            let (quantifier, rest) = name.split_once(':').map_or((None, &**name), |(each, rest)| (Some(each), rest));
            let (operator, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |rest| (rest, true));
            for (key, values) in keys {
                let values = values.each().iter().filter_map(Node::scalar).collect();
                found.push(Test { operator, quantifier, if_exists, key, values });
            }
        }
        found
    }
}

/// What is wrong with an account; `None` where it may be one, or several.
fn no_account(text: &str) -> Option<String> {
    let is_open = text.is_empty() || text.contains(['*', '?']);
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        12 if is_number => None,
        _ if is_open => None,
        digits if is_number => Some(format!("the account {text}, which has {digits} digits; an account has 12")),
        _ => Some(format!("the account {text:?}, which is none; an account has 12 digits")),
    }
}

/// What is wrong with a key. Those of a provider's claims, which begin with its host, are not known here.
fn no_key(key: &str) -> Option<String> {
    let service = key.split(':').next().unwrap_or_default();
    let tag = key.find('/').map_or(key, |slash| &key[..=slash]);
    // Behind the colon comes the name of a pair of the context.
    let pair = key.match_indices(':').nth(1).map_or(tag, |(colon, _)| &key[..=colon]);
    let is_known = |known: &&str| known.eq_ignore_ascii_case(tag) || known.eq_ignore_ascii_case(pair);
    if service.contains('.') || KEYS.iter().any(is_known) {
        return None;
    }
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &tag.to_lowercase());
    let nearest = KEYS.iter().min_by_key(|known| distance(known)).copied().unwrap_or_default();
    Some(format!("no request has the key {key}; did you mean {nearest}?"))
}

fn has_variable(node: &Node) -> bool {
    match node {
        Node::Text(text) => text.contains("${"),
        Node::List(items) => items.iter().any(has_variable),
        Node::Object(members) => members.iter().any(|(_, node)| has_variable(node)),
        Node::Scalar(_) | Node::Null => false,
    }
}

#[cfg(test)]
mod tests;
