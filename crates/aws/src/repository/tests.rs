use super::*;
use crate::testing::{cx, site};

fn filters(patterns: &[&str]) -> Vec<ImageTagMutabilityExclusionFilter> {
    let filter = |text: &&str| ImageTagMutabilityExclusionFilter {
        filter: text.to_string(),
        filter_type: ImageTagMutabilityExclusionFilterType::Wildcard,
    };
    patterns.iter().map(filter).collect()
}

#[test]
fn all_four_kinds_of_mutability_are_shown_as_they_were_asked_for() {
    for (kind, patterns) in [
        (ImageTagMutability::Mutable, &[][..]),
        (ImageTagMutability::Immutable, &[]),
        (ImageTagMutability::MutableWithExclusion, &["v*"]),
        (ImageTagMutability::ImmutableWithExclusion, &["dev-*", "latest"]),
    ] {
        let rule = read_tags(Some(kind), Some(&filters(patterns))).unwrap();

        let shown = Some(filters(patterns)).filter(|filters| !filters.is_empty());
        assert_eq!(show_tags(&rule), (kind, shown));
    }
    assert_eq!(show_tags(&read_tags(None, None).unwrap()), (ImageTagMutability::Mutable, None));
}

#[test]
fn filters_come_with_their_kind_only() {
    for (kind, patterns) in [
        (ImageTagMutability::Mutable, &["v*"][..]),
        (ImageTagMutability::Immutable, &["v*"]),
        (ImageTagMutability::MutableWithExclusion, &[]),
        (ImageTagMutability::ImmutableWithExclusion, &[]),
        (ImageTagMutability::ImmutableWithExclusion, &["a*b*c*"]),
    ] {
        let fault = read_tags(Some(kind), Some(&filters(patterns))).unwrap_err();
        assert_eq!(fault.kind, FaultKind::InvalidParameter, "{kind:?} {patterns:?}");
    }
}

fn encryption(kind: EncryptionType, key: Option<&str>) -> Result<Option<String>, String> {
    let asked = EncryptionConfiguration { encryption_type: kind, kms_key: key.map(str::to_string) };
    read_encryption(&asked, &cx("ecr:CreateRepository"), &site()).map(|read| read.key).map_err(|fault| fault.message)
}

#[test]
fn a_key_is_kept_by_its_full_arn() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");

    assert_eq!(encryption(EncryptionType::Kms, Some(id)), Ok(Some(arn.clone())));
    assert_eq!(encryption(EncryptionType::KmsDsse, Some(&arn)), Ok(Some(arn)));
    assert_eq!(encryption(EncryptionType::Aes256, None), Ok(None));
}

#[test]
fn without_a_key_kms_has_one_of_the_account() {
    let key = encryption(EncryptionType::Kms, None).unwrap().unwrap();

    assert!(key.starts_with("arn:aws:kms:us-east-1:000000000000:key/") && key.len() == 75, "{key}");
    assert_eq!(encryption(EncryptionType::Kms, Some("alias/aws/ecr")), Ok(Some(key)));
}

#[test]
fn what_is_no_key_of_the_account_is_refused() {
    for key in
        ["", "alias/other", "1234", "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
    {
        assert!(encryption(EncryptionType::Kms, Some(key)).unwrap_err().contains("'kmsKey'"), "{key}");
    }
    assert!(encryption(EncryptionType::Aes256, Some("1234")).unwrap_err().contains("'kmsKey'"));
}

#[test]
fn an_arn_is_read_as_it_is_printed() {
    let name: RepositoryName = "team/app".parse().unwrap();
    let (cx, site) = (cx("ecr:TagResource"), site());

    assert_eq!(parse_arn(&arn(&site, cx.account, &name), &cx, &site).unwrap(), name);
    for (text, kind) in [
        ("", FaultKind::InvalidParameter),
        ("team/app", FaultKind::InvalidParameter),
        ("arn:aws:s3:us-east-1:000000000000:repository/team/app", FaultKind::InvalidParameter),
        ("arn:aws:ecr:eu-west-1:000000000000:repository/team/app", FaultKind::InvalidParameter),
        ("arn:aws:ecr:us-east-1:000000000000:team/app", FaultKind::InvalidParameter),
        ("arn:aws:ecr:us-east-1:000000000000:repository/Team", FaultKind::InvalidParameter),
        ("arn:aws:ecr:us-east-1:222222222222:repository/team/app", FaultKind::RepositoryNotFound),
    ] {
        assert_eq!(parse_arn(text, &cx, &site).unwrap_err().kind, kind, "{text}");
    }
}
