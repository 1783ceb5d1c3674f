use super::matches_wildcard;
use serde::{Deserialize, Serialize};

/// Which images are signed when they are pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningConfiguration {
    /// The rules.
    pub rules: Vec<SigningRule>,
}

/// Which images are signed by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningRule {
    /// The ARN of the profile that signs.
    pub signing_profile_arn: String,
    /// Of which repositories; of all where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_filters: Option<Vec<SigningFilter>>,
}

/// Repositories by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningFilter {
    /// A name with `*` for any characters.
    pub filter: String,
    /// `WILDCARD_MATCH`.
    pub filter_type: String,
}

impl SigningConfiguration {
    /// Returns the profiles that sign the images of a repository.
    pub fn profiles<'a>(&'a self, repository: &'a str) -> impl Iterator<Item = &'a str> {
        let is_meant = move |rule: &&SigningRule| {
            let filters = rule.repository_filters.as_deref();
            filters.is_none_or(|filters| filters.iter().any(|filter| matches_wildcard(&filter.filter, repository)))
        };
        self.rules.iter().filter(is_meant).map(|rule| rule.signing_profile_arn.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_signed_by_the_rules_that_mean_it() {
        let rule = |arn: &str, filters: &[&str]| SigningRule {
            signing_profile_arn: arn.into(),
            repository_filters: Some(
                filters
                    .iter()
                    .map(|text| SigningFilter { filter: text.to_string(), filter_type: "WILDCARD_MATCH".into() })
                    .collect(),
            )
            .filter(|_| !filters.is_empty()),
        };
        let configuration = SigningConfiguration { rules: vec![rule("all", &[]), rule("prod", &["prod/*"])] };

        assert_eq!(configuration.profiles("prod/app").collect::<Vec<_>>(), ["all", "prod"]);
        assert_eq!(configuration.profiles("my/prod/app").collect::<Vec<_>>(), ["all"]);
    }
}
