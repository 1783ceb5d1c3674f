//! Policy texts as they may be written here: within IAM's sizes, and refused in IAM's words with ours behind them.

use super::{
    faults::{malformed, quota},
    trust::NamedPrincipal,
};
use gantry_access::policy::{Policy, PolicyPlace, PolicyTextError};
use gantry_fault::Fault;

const MANAGED_CHARS_MAX: usize = 6_144;
const TRUST_CHARS_MAX: usize = 4_096;

/// What of a text counts against limits: its characters without white space (IAM User Guide, "IAM and STS quotas").
pub(super) fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Checks the text of a managed policy.
pub(super) fn check_managed(text: &str) -> Result<(), Fault> {
    check_identity(text)?;
    if size(text) > MANAGED_CHARS_MAX { Err(quota("PolicySize", MANAGED_CHARS_MAX)) } else { Ok(()) }
}

/// Checks the text of a policy that is attached to somebody; how much he may have together is not looked at.
pub(super) fn check_identity(text: &str) -> Result<(), Fault> {
    parse(text, PolicyPlace::Identity)?;
    // Read as 2008-10-17 where it says nothing, it would have variables that are none.
    let version = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|document| document.get("Version").and_then(|version| version.as_str().map(str::to_string)));
    if version.as_deref() == Some("2012-10-17") {
        return Ok(());
    }
    Err(malformed(
        "Policy document must be version 2012-10-17 or greater. Its Version is missing or older; write \"Version\": \"2012-10-17\"",
    ))
}

/// Checks a trust policy; returns the users, roles and sessions that it names.
pub(super) fn check_trust(text: &str) -> Result<Vec<NamedPrincipal>, Fault> {
    let policy = parse(text, PolicyPlace::Trust)?;
    if size(text) > TRUST_CHARS_MAX {
        return Err(quota("ACLSizePerRole", TRUST_CHARS_MAX));
    }
    let arns = policy.named_principals();
    let ids = policy.named_ids().into_iter().map(NamedPrincipal::of_id);
    Ok(arns.iter().filter_map(|arn| NamedPrincipal::read(arn)).chain(ids).collect())
}

fn parse(text: &str, place: PolicyPlace) -> Result<Policy, Fault> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        let line = 1 + text.split(c).next().unwrap_or_default().matches('\n').count();
        let what = format!(
            "the policy has the character {c:?}; it may have tab, line ends, and U+0020 to U+00FF (line {line})"
        );
        return Err(malformed(format!("Syntax errors in policy. {what}")));
    }
    Policy::parse(text, place).map_err(|error| malformed(in_words_of_iam(&error)))
}

/// What IAM says, then what is wrong exactly.
fn in_words_of_iam(error: &PolicyTextError) -> String {
    let PolicyTextError::Statement { what, .. } = error else { return format!("Syntax errors in policy. {error}") };
    let quoted = || what.split('"').nth(1).unwrap_or_default();
    let has = |words: &str| what.contains(words);
    let sentence = if has("has no Action") {
        "Policy statement must contain actions.".into()
    } else if has("has no Resource") {
        "Policy statement must contain resources.".into()
    } else if has("neither an ARN nor") {
        format!("Resource {} must be in ARN format or \"*\".", quoted())
    } else if has("names no service") {
        "Resource vendor must be fully qualified and cannot contain regexes.".into()
    } else if has("an action is a service and what is done") {
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into()
    } else if has("(SID)") {
        "Statement IDs (SID) in a single policy must be unique.".into()
    } else if has("prohibited field Resource") {
        "Has prohibited field Resource.".into()
    } else if let Some(at) = what.find("Invalid principal in policy: ") {
        what[at..].split_inclusive('"').take(4).collect()
    } else {
        "Syntax errors in policy.".to_string()
    };
    format!("{sentence} {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(statement: &str) -> String {
        format!("{{\"Version\": \"2012-10-17\",\n\"Statement\": [{statement}]}}")
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_iam_and_then_where() {
        let allow = r#""Effect": "Allow""#;
        for (statement, wanted) in [
            (
                format!("{{{allow}, \"Resource\": \"*\"}}"),
                "Policy statement must contain actions. statement 1: it has no Action (line 2)",
            ),
            (
                format!("{{{allow}, \"Action\": \"ecr:*\"}}"),
                "Policy statement must contain resources. statement 1: it has no Resource",
            ),
            (
                format!("{{{allow}, \"Action\": \"ecr:*\", \"Resource\": \"team\"}}"),
                "Resource team must be in ARN format or \"*\". statement 1",
            ),
            (
                format!("{{{allow}, \"Action\": \"ecr:*\", \"Resource\": \"arn:aws:e*:x:y:z\"}}"),
                "Resource vendor must be fully qualified and cannot contain regexes. statement 1",
            ),
            (
                format!("{{{allow}, \"Action\": \"pull\", \"Resource\": \"*\"}}"),
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. statement 1",
            ),
            (
                format!(
                    "{{\"Sid\": \"a\", {allow}, \"Action\": \"ecr:*\", \"Resource\": \"*\"}},{{\"Sid\": \"a\", {allow}, \"Action\": \"ecr:*\", \"Resource\": \"*\"}}"
                ),
                "Statement IDs (SID) in a single policy must be unique. statement 2",
            ),
            (
                format!("{{{allow}, {allow}, \"Action\": \"ecr:*\", \"Resource\": \"*\"}}"),
                "Syntax errors in policy. the policy cannot be read: the member \"Effect\" stands twice",
            ),
            ("{\"Effect\": \"allow\"}".into(), "Syntax errors in policy. statement 1: its Effect"),
            (
                format!("{{\"Sid\": \"ł\", {allow}, \"Action\": \"ecr:*\", \"Resource\": \"*\"}}"),
                "Syntax errors in policy. the policy has the character 'ł'",
            ),
        ] {
            let fault = check_managed(&identity(&statement)).unwrap_err();
            assert!(fault.message.starts_with(wanted), "{}", fault.message);
            assert_eq!(fault.kind, gantry_fault::FaultKind::MalformedPolicyDocument);
        }
    }

    #[test]
    fn a_policy_of_an_identity_is_of_the_newer_version() {
        for version in ["", "\"Version\": \"2008-10-17\","] {
            let text = format!(
                "{{{version} \"Statement\": {{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}}}}"
            );
            let fault = check_managed(&text).unwrap_err();
            assert!(fault.message.starts_with("Policy document must be version 2012-10-17 or greater."));
        }
    }

    #[test]
    fn white_space_does_not_count() {
        let policy = |blanks: usize, chars: usize| {
            let sid = "a".repeat(chars);
            let text = identity(&format!(
                "{{\"Sid\": \"{sid}\", \"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}}"
            ));
            text.replacen(' ', &" ".repeat(blanks), 1)
        };

        assert!(check_managed(&policy(20_000, 6_000)).is_ok());
        let fault = check_managed(&policy(1, 6_100)).unwrap_err();
        assert_eq!(fault.message, "Cannot exceed quota for PolicySize: 6144");
    }

    #[test]
    fn a_trust_policy_names_principals_and_no_resource() {
        let trust = |members: &str| {
            format!(
                "{{\"Version\": \"2012-10-17\", \"Statement\": {{\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", {members}}}}}"
            )
        };

        let message = |members| check_trust(&trust(members)).unwrap_err().message;
        assert!(
            message("\"Principal\": \"*\", \"Resource\": \"*\"")
                .starts_with("Has prohibited field Resource. statement 1")
        );
        let wrong = message("\"Principal\": {\"AWS\": \"arn:aws:iam::000000000000:group/g\"}");
        assert!(
            wrong.starts_with("Invalid principal in policy: \"AWS\":\"arn:aws:iam::000000000000:group/g\" statement 1"),
            "{wrong}"
        );
        let principals = "\"Principal\": {\"AWS\": [\"arn:aws:iam::000000000000:user/a/b\", \"arn:aws:iam::111111111111:user/x\", \"000000000000\"]}";
        let named = check_trust(&trust(principals)).unwrap();
        assert_eq!(
            named.iter().map(|named| named.text.as_str()).collect::<Vec<_>>(),
            ["arn:aws:iam::000000000000:user/a/b", "arn:aws:iam::111111111111:user/x"]
        );
    }
}
