//! Policies as a platform team has them: many statements, and nearly all of them about something else.

use gantry_words::AccountId;
use serde_json::json;
use std::ops::Range;

/// Returns the text of a policy with the statements of these numbers, of which none applies to a pull below `prefix`: of five
/// two are about another action, two about other repositories, and one asks for a tag of the caller's that holds his name.
pub(crate) fn print(prefix: &str, numbers: Range<usize>) -> String {
    let statement = |number: usize| {
        let actions = match number % 5 {
            0 | 1 => ["ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart"],
            _ => ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGet*"],
        };
        let place = if matches!(number % 5, 2 | 3) { format!("{prefix}-{number}") } else { prefix.into() };
        json!({
            "Effect": if number % 10 == 9 { "Deny" } else { "Allow" },
            "Action": actions,
            "Resource": format!("arn:aws:ecr:*:{}:repository/{place}/*", AccountId::DEFAULT),
            "Condition": {"StringLike": {"aws:PrincipalTag/team": "x-${aws:username}-*"}},
        })
    };
    json!({"Version": "2012-10-17", "Statement": numbers.map(statement).collect::<Vec<_>>()}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_access::policy::{Policy, PolicyPlace};

    #[test]
    fn a_policy_has_the_statements_asked_for() {
        let policy = Policy::parse(&print("team", 100..200), PolicyPlace::Identity).unwrap();

        assert_eq!(policy.statements_count(), 100);
    }
}
