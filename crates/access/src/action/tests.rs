use super::*;
use std::collections::HashSet;

#[test]
fn every_action_has_a_name_of_its_own_behind_its_service() {
    let names: HashSet<_> = ALL.iter().map(|action| action.name()).collect();

    assert_eq!(names.len(), ALL.len());
    for name in names {
        let (service, verb) = name.split_once(':').unwrap();
        assert!(["ecr", "gantry", "iam", "kms", "secretsmanager", "sts"].contains(&service), "{name}");
        assert!(verb.starts_with(|first: char| first.is_ascii_uppercase()), "{name}");
    }
}

#[test]
fn actions_are_known_to_docker_by_four_verbs() {
    for (action, verb) in [
        (ECR_BATCH_GET_IMAGE, Some(ScopeVerb::Pull)),
        (ECR_BATCH_CHECK_LAYER_AVAILABILITY, Some(ScopeVerb::Pull)),
        (ECR_PUT_IMAGE, Some(ScopeVerb::Push)),
        (ECR_CREATE_REPOSITORY, Some(ScopeVerb::Push)),
        (ECR_BATCH_DELETE_IMAGE, Some(ScopeVerb::Delete)),
        (ECR_DESCRIBE_REPOSITORIES, Some(ScopeVerb::Catalog)),
        (ECR_DELETE_REPOSITORY, None),
        (GANTRY_GET_METRICS, None),
    ] {
        assert_eq!(action.scope_verb(), verb, "{action}");
    }
}
