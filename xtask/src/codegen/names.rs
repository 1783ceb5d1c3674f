//! The model's names in Rust's habits.

/// `imageTagMutability` and `IMAGE_TAG` become `image_tag_mutability` and `image_tag`.
pub(super) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut text = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let begins_word = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || chars.get(at + 1).is_some_and(|after| after.is_lowercase())
            });
        if !c.is_alphanumeric() {
            text.push('_');
            continue;
        }
        if begins_word && before.is_some_and(|before| before.is_alphanumeric()) {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// `IMMUTABLE_WITH_EXCLUSION`, `docker-hub` and `InvalidImageTag` become `ImmutableWithExclusion`, `DockerHub` and
/// `InvalidImageTag`.
pub(super) fn pascal(name: &str) -> String {
    snake(name).split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// `image_tag` becomes `imageTag`: what serde's `camelCase` makes of a field.
pub(super) fn camel(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_string();
    words.fold(first, |text, word| text + &word[..1].to_uppercase() + &word[1..])
}

/// The variant for a value: a word of Rust's own is another there.
pub(super) fn variant(name: &str) -> String {
    let variant = pascal(name);
    if variant == "Self" { "Oneself".into() } else { variant }
}

/// The field for a member: a word of Rust's own is written raw.
pub(super) fn field(name: &str) -> String {
    let field = snake(name);
    if field == "type" { "r#type".into() } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words() {
        for (name, words) in [
            ("repositoryName", "repository_name"),
            ("imageSizeInBytes", "image_size_in_bytes"),
            ("isPTCRuleValid", "is_ptc_rule_valid"),
            ("IMAGE_ARCHIVED", "image_archived"),
            ("docker-hub", "docker_hub"),
            ("Key", "key"),
            ("CvssV3Score", "cvss_v3_score"),
            ("AES256", "aes256"),
            ("k8s", "k8s"),
        ] {
            assert_eq!(snake(name), words, "{name}");
        }
        assert_eq!(pascal("KMS_DSSE"), "KmsDsse");
        assert_eq!(camel("repository_name"), "repositoryName");
        assert_eq!((variant("SELF"), variant("AWS_KMS")), ("Oneself".into(), "AwsKms".into()));
    }
}
