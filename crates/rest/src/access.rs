//! What is said about access: why somebody may do something, who may, and what of it nobody uses.

use gantry_access::policy::{Effect, Element, HintSeverity, PolicyHint, PolicyPlace, PolicyTextError};
use gantry_accounts::{Explanation, Granted, Permitted};
use gantry_registry::Document;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why somebody may do something, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccessExplanation")]
pub struct AccessExplanationDocument {
    /// Who: an ARN, or `anonymous`.
    pub principal: String,
    /// Whether all of it may be done.
    pub is_allowed: bool,
    /// What keeps him out before anything is decided, or may: sentences.
    pub notes: Vec<String>,
    /// What is decided: several for `pull` and `push`.
    pub decisions: Vec<AccessDecisionDocument>,
}

/// A decision about one action, and what made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccessDecision")]
pub struct AccessDecisionDocument {
    /// The action.
    pub action: String,
    /// An ARN, or `*` for the registry as a whole.
    pub resource: String,
    /// Whether it may be done.
    pub is_allowed: bool,
    /// Which statements decided, or what does not allow it.
    pub decided_by: String,
    /// Which side does not allow it: `identity-based policy`, `resource-based policy`, `permissions boundary`,
    /// `session policy`, `role trust policy`, `explicit deny` or `tokens.anonymous_pull`; missing where it is allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub missing: Option<String>,
    /// What a request is told; missing where it is allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub message: Option<String>,
    /// What to do about it: sentences.
    pub advice: Vec<String>,
    /// What became of every statement that was looked at.
    pub statements: Vec<AccessStatementDocument>,
}

/// A statement, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccessStatement")]
pub struct AccessStatementDocument {
    /// What kind of policy it stands in.
    pub side: String,
    /// The policy.
    pub policy: String,
    /// Which statement, counted from 1.
    pub statement: usize,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// The first member that does not apply: `Principal`, `Action`, `Resource` or `Condition`; missing where it applies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub fails_at: Option<String>,
}

/// Who may do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PermittedPage")]
pub struct PermittedPageDocument {
    /// All of them.
    pub principals: Vec<PermittedDocument>,
    /// Whether there are more than are shown.
    pub has_more: bool,
}

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Permitted")]
pub struct PermittedDocument {
    /// `root`, `user`, `robot`, `role`, `anonymous` or `account`: another one, which must allow it too.
    pub kind: String,
    /// An ARN, an account, `anonymous`, or `*` for all accounts.
    pub principal: String,
    /// The group by which a user may.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub group: Option<String>,
    /// Which statements allow it.
    pub decided_by: String,
}

/// What is granted and not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "UnusedAccess")]
pub struct UnusedDocument {
    /// Since when the audit was looked at, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    /// Statements of which something was not used.
    pub grants: Vec<UnusedGrantDocument>,
    /// Whether what sessions of roles did is wholly known: of a busy registry only the newest records are looked at, and roles
    /// are then left out.
    pub are_roles_known: bool,
}

/// A statement of which something was not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "UnusedGrant")]
pub struct UnusedGrantDocument {
    /// `user`, `robot` or `role`.
    pub kind: String,
    /// Its ARN.
    pub principal: String,
    /// The group by which a user has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub group: Option<String>,
    /// The policy.
    pub policy: String,
    /// Which statement, counted from 1.
    pub statement: usize,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub sid: Option<String>,
    /// Whether nothing of it was used, as far as the audit tells: it records pulls, logins and changes, no other reads.
    pub is_wholly_unused: bool,
    /// Actions that it allows and that were not done.
    pub unused: Vec<String>,
}

/// What is wrong with a policy, or probably meant otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PolicyFindings")]
pub struct LintDocument {
    /// In the order of lines.
    pub findings: Vec<PolicyFindingDocument>,
}

/// Something that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PolicyFinding")]
pub struct PolicyFindingDocument {
    /// Where: a line, counted from 1.
    pub line: usize,
    /// The statement, counted from 1; missing where it is about the whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "i32")]
    pub statement: Option<usize>,
    /// `error` where it is refused or lets in strangers; else `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
}

/// A built-in role that somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Grant")]
pub struct GrantDocument {
    /// `user/NAME`, `robot/NAME`, `group/NAME` or `role/NAME`.
    #[schemars(extend("example" = "user/ci"))]
    pub principal: String,
    /// A built-in role.
    #[schemars(extend("example" = "push"))]
    pub role: String,
    /// For the repositories below; for all of them where it is empty.
    #[serde(default)]
    #[schemars(extend("example" = "team"))]
    pub prefix: String,
    /// The managed policy that it is; only in answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub policy_arn: Option<String>,
}

/// A policy that denies to the whole account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountPolicy")]
pub struct AccountPolicyDocument {
    /// Its name.
    pub name: String,
    /// Its text, as it was written.
    pub policy: String,
    /// When it was first written, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// When it was last written, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub changed_at: String,
}

impl From<Document> for AccountPolicyDocument {
    fn from(document: Document) -> Self {
        AccountPolicyDocument {
            name: document.name,
            policy: document.body,
            created_at: document.created_at.to_string(),
            changed_at: document.changed_at.to_string(),
        }
    }
}

impl From<Explanation> for AccessDecisionDocument {
    fn from(explanation: Explanation) -> Self {
        let statements = explanation.statements.into_iter().map(|statement| AccessStatementDocument {
            side: statement.side.into(),
            policy: statement.policy,
            statement: statement.number,
            sid: statement.sid,
            effect: match statement.effect {
                Effect::Allow => "Allow".into(),
                Effect::Deny => "Deny".into(),
            },
            fails_at: statement.fails_at.map(|element| {
                match element {
                    Element::Principal => "Principal",
                    Element::Action => "Action",
                    Element::Resource => "Resource",
                    Element::Condition => "Condition",
                }
                .into()
            }),
        });
        AccessDecisionDocument {
            statements: statements.collect(),
            action: explanation.action.to_string(),
            resource: explanation.resource,
            is_allowed: explanation.is_allowed,
            decided_by: explanation.by,
            missing: explanation.missing.map(Into::into),
            message: explanation.message,
            advice: explanation.advice,
        }
    }
}

impl From<Permitted> for PermittedDocument {
    fn from(permitted: Permitted) -> Self {
        let Permitted { kind, principal, group, by } = permitted;
        PermittedDocument { kind: kind.into(), principal, group, decided_by: by }
    }
}

impl UnusedGrantDocument {
    /// A grant of which `unused` was not used; `is_wholly_unused` where nothing of it was.
    pub(crate) fn of(granted: Granted, unused: Vec<String>, is_wholly_unused: bool) -> Self {
        let Granted { kind, principal, group, policy, statement, sid, .. } = granted;
        UnusedGrantDocument { kind: kind.into(), principal, group, policy, statement, sid, is_wholly_unused, unused }
    }
}

impl From<PolicyHint> for PolicyFindingDocument {
    fn from(hint: PolicyHint) -> Self {
        let severity = match hint.severity {
            HintSeverity::Warning => "warning",
            HintSeverity::Error => "error",
        };
        let statement = Some(hint.statement);
        PolicyFindingDocument { line: hint.line, statement, severity: severity.into(), message: hint.sentence }
    }
}

impl From<PolicyTextError> for PolicyFindingDocument {
    fn from(error: PolicyTextError) -> Self {
        let (line, statement, message) = match error {
            PolicyTextError::Statement { number, what, line } => (line, Some(number), what),
            PolicyTextError::Document { what, line } => (line, None, format!("the policy {what}")),
            error @ (PolicyTextError::Json(_) | PolicyTextError::TooLong { .. }) => {
                let text = error.to_string();
                // The reader of JSON says where it stopped: "… at line 3 column 7".
                let told = text.rsplit_once(" at line ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
                (told.unwrap_or(1), None, text)
            }
        };
        PolicyFindingDocument { line, statement, severity: "error".into(), message }
    }
}

/// Returns what is wrong with the text of a policy, in the order of lines: with that of what cannot be read the first thing.
pub fn lint(text: &str, place: PolicyPlace) -> Vec<PolicyFindingDocument> {
    let mut findings: Vec<PolicyFindingDocument> = match gantry_access::policy::lint_policy(text, place) {
        Ok(hints) => hints.into_iter().map(PolicyFindingDocument::from).collect(),
        Err(error) => vec![error.into()],
    };
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// Finds out what kind a policy is of: by the word of whoever asks, or by how it reads.
pub fn policy_place(kind: Option<&str>, text: &str) -> Option<PolicyPlace> {
    match kind {
        Some("identity") => Some(PolicyPlace::Identity),
        Some("repository") => Some(PolicyPlace::Repository),
        Some("registry") => Some(PolicyPlace::Registry),
        Some("trust") => Some(PolicyPlace::Trust),
        Some("key") => Some(PolicyPlace::Key),
        Some("account") => Some(PolicyPlace::AccountWide),
        Some(_) => None,
        None => Some(guess_place(text)),
    }
}

fn guess_place(text: &str) -> PolicyPlace {
    let has = |word: &str| text.contains(word);
    match has("\"Principal\"") || has("\"NotPrincipal\"") {
        false => PolicyPlace::Identity,
        true if has("\"sts:Assume") => PolicyPlace::Trust,
        true if has("\"kms:") => PolicyPlace::Key,
        true if has("\"Resource\"") && (has("ecr:ReplicateImage") || has("ecr:BatchImportUpstreamImage")) => {
            PolicyPlace::Registry
        }
        true => PolicyPlace::Repository,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_line_and_statement() {
        let text = "{\"Version\": \"2012-10-17\", \"Statement\": [\n  {\"Effect\": \"Allow\",\n   \"Action\": [\"ecr:GetImage\"],\n   \"Resource\": \"arn:aws:ecr:us-east-1:123456789:repository/a\"}\n]}";

        let findings = lint(text, PolicyPlace::Identity);

        let told: Vec<_> = findings.iter().map(|finding| (finding.line, finding.statement)).collect();
        assert_eq!(told, [(3, Some(1)), (4, Some(1))]);
        assert!(findings[0].message.contains("did you mean ecr:BatchGetImage?"), "{findings:?}");
        assert!(findings[1].message.contains("9 digits"), "{findings:?}");
    }

    #[test]
    fn what_cannot_be_read_is_one_finding_with_its_line() {
        for (text, line) in
            [("{\n \"Statement\": [\n}", 3), ("[]", 1), ("{\"Statement\":\n {\"Effect\": \"Alow\"}}", 2)]
        {
            let findings = lint(text, PolicyPlace::Identity);
            assert_eq!((findings.len(), findings[0].line, &*findings[0].severity), (1, line, "error"), "{findings:?}");
        }
    }

    #[test]
    fn the_kind_of_a_policy_is_what_it_reads_like() {
        for (text, place) in [
            ("{\"Action\": \"ecr:PutImage\", \"Resource\": \"*\"}", PolicyPlace::Identity),
            ("{\"Principal\": \"*\", \"Action\": \"ecr:PutImage\"}", PolicyPlace::Repository),
            ("{\"Principal\": \"*\", \"Action\": \"sts:AssumeRole\"}", PolicyPlace::Trust),
            ("{\"Principal\": \"*\", \"Action\": \"kms:*\", \"Resource\": \"*\"}", PolicyPlace::Key),
            ("{\"Principal\": \"*\", \"Action\": \"ecr:ReplicateImage\", \"Resource\": \"*\"}", PolicyPlace::Registry),
        ] {
            assert_eq!(policy_place(None, text), Some(place), "{text}");
        }
        assert_eq!(policy_place(Some("trust"), "{}"), Some(PolicyPlace::Trust));
        assert_eq!(policy_place(Some("bucket"), "{}"), None);
    }
}
