use super::*;
use crate::action;
use proptest::{collection::vec, prelude::*, sample::select};

fn printed(text: &str) -> String {
    Scopes::parse([text]).to_string()
}

fn on(action: Action, name: &str) -> Access {
    Access::on(action, &name.parse().unwrap())
}

#[test]
fn scopes_print_in_one_way() {
    for (asked, canonical) in [
        ("repository:team/app:pull", "repository:team/app:pull"),
        ("repository:a:push,pull", "repository:a:pull,push"),
        ("repository:a:delete,pull,push", "repository:a:pull,push,delete"),
        ("repository:a:*", "repository:a:*"),
        ("repository:a:pull,*", "repository:a:*"),
        ("repository:b:pull repository:a:pull", "repository:a:pull repository:b:pull"),
        ("repository:a:pull registry:catalog:*", "registry:catalog:* repository:a:pull"),
        ("repository(plugin):a:pull", "repository:a:pull"),
        ("  repository:a:pull   repository:b:push ", "repository:a:pull repository:b:push"),
    ] {
        assert_eq!(printed(asked), canonical, "{asked}");
    }
}

#[test]
fn several_scopes_of_one_repository_are_joined() {
    let scopes = Scopes::parse(["repository:a:pull", "repository:b:pull repository:a:push"]);

    assert_eq!(scopes.to_string(), "repository:a:pull,push repository:b:pull");
}

#[test]
fn what_cannot_be_read_asks_for_nothing() {
    for text in [
        "",
        " ",
        ":",
        "::",
        "repository",
        "repository:a",
        "repository:a:",
        "repository::pull",
        "repository:A:pull",
        "repository:../etc:pull",
        "repository:host.example:5000/a:pull",
        "repository:a:fly",
        "repository:a:PULL",
        "repository:a:pull\"",
        "repository:a: pull",
        "Repository:a:pull",
        "repository():a:pull",
        "repository(plugin:a:pull",
        "repository(pl ug):a:pull",
        "aws:a:*",
        "registry:catalog:pull",
        "registry:other:*",
        "registry:catalog",
    ] {
        assert!(Scopes::parse([text]).is_empty(), "{text:?} became {}", printed(text));
    }
}

#[test]
fn what_cannot_be_read_takes_nothing_from_the_rest() {
    assert_eq!(
        printed("repository:a:fly,pull plugin:b:* repository:C:pull repository:d:push"),
        "repository:a:pull repository:d:push"
    );
}

#[test]
fn beyond_a_hundred_scopes_nothing_more_is_asked_for() {
    let many: Vec<String> = (0..150).map(|number| format!("repository:r{number:03}:pull")).collect();

    let scopes = Scopes::parse(many.iter().map(String::as_str));

    assert_eq!(scopes.repositories().len(), SCOPES_MAX);
    assert!(scopes.verbs(&"r100".parse().unwrap()).is_empty());
}

#[test]
fn beyond_eight_kibibytes_nothing_more_is_asked_for() {
    let many: Vec<String> = (0..50).map(|number| format!("repository:{}{number:02}:pull", "a".repeat(250))).collect();

    let scopes = Scopes::parse([many.join(" ").as_str()]);

    assert_eq!(scopes.repositories().len(), SCOPES_BYTES_MAX / many[0].len());
    assert!(scopes.to_string().len() <= SCOPES_BYTES_MAX + SCOPES_MAX);
}

#[test]
fn an_action_is_allowed_by_its_verb_on_its_repository() {
    for (scope, access, allowed) in [
        ("repository:a:pull", on(action::ECR_BATCH_GET_IMAGE, "a"), true),
        ("repository:a:pull", on(action::ECR_PUT_IMAGE, "a"), false),
        ("repository:a:push", on(action::ECR_BATCH_GET_IMAGE, "a"), false),
        ("repository:a:push", on(action::ECR_BATCH_CHECK_LAYER_AVAILABILITY, "a"), true),
        ("repository:a:push", on(action::ECR_CREATE_REPOSITORY, "a"), true),
        ("repository:a:push", on(action::ECR_BATCH_DELETE_IMAGE, "a"), false),
        ("repository:a:*", on(action::ECR_BATCH_DELETE_IMAGE, "a"), true),
        ("repository:a:*", on(action::ECR_DELETE_REPOSITORY, "a"), false),
        ("repository:a:*", on(action::ECR_PUT_IMAGE, "a/b"), false),
        ("repository:a:*", Access::to(action::ECR_DESCRIBE_REPOSITORIES), false),
        ("registry:catalog:*", Access::to(action::ECR_DESCRIBE_REPOSITORIES), true),
        ("registry:catalog:*", on(action::ECR_DESCRIBE_REPOSITORIES, "a"), true),
        ("registry:catalog:*", on(action::ECR_BATCH_GET_IMAGE, "a"), false),
        ("repository:a:pull", on(action::ECR_DESCRIBE_REPOSITORIES, "a"), true),
        ("repository:a:pull", Access::to(action::ECR_BATCH_GET_IMAGE), false),
        ("registry:catalog:* repository:a:*", Access::to(action::GANTRY_GET_METRICS), false),
    ] {
        assert_eq!(Scopes::parse([scope]).allows(&access), allowed, "{scope} for {access:?}");
    }
}

#[test]
fn the_scopes_of_what_is_needed_are_enough_for_it() {
    let needs = [on(action::ECR_INITIATE_LAYER_UPLOAD, "b"), on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, "a")];

    let scopes = Scopes::of(&needs);

    assert_eq!(scopes.to_string(), "repository:a:pull repository:b:pull,push");
    assert!(needs.iter().all(|access| scopes.allows(access)));
}

#[test]
fn a_star_that_loses_a_verb_becomes_the_others() {
    let scopes = Scopes::parse(["registry:catalog:* repository:a:* repository:b:*"]);

    let kept = scopes.filter(|verb, resource| match resource {
        Resource::Registry | Resource::Repositories | Resource::Owned { .. } | Resource::Arn(_) => false,
        Resource::Repository(name) => name.as_str() == "a" || verb == ScopeVerb::Pull,
    });

    assert_eq!(kept.to_string(), "repository:a:* repository:b:pull");
}

fn scope() -> impl Strategy<Value = String> {
    let kind = select(&["repository", "registry", "repository(plugin)", "other"][..]);
    let name = prop_oneof!["[a-c]", "[a-z]{1,5}(/[a-z0-9]{1,5}){0,2}", Just("catalog".to_string()), ".{0,8}"];
    let verb = select(&["pull", "push", "delete", "*", "fly", ""][..]);
    (kind, name, vec(verb, 0..5)).prop_map(|(kind, name, verbs)| format!("{kind}:{name}:{}", verbs.join(",")))
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed_to_the_same(texts in vec(scope(), 0..20)) {
        let scopes = Scopes::parse(texts.iter().map(String::as_str));

        let printed = scopes.to_string();

        prop_assert_eq!(&Scopes::parse([printed.as_str()]), &scopes);
        prop_assert_eq!(Scopes::parse([printed.as_str()]).to_string(), printed);
    }

    #[test]
    fn any_text_is_read_without_panic_and_never_grants_more_than_it_names(text in ".{0,200}") {
        let scopes = Scopes::parse([text.as_str()]);

        for (name, _) in scopes.repositories() {
            prop_assert!(text.contains(name.as_str()));
        }
    }

    #[test]
    fn order_and_repetition_change_nothing(texts in vec(scope(), 0..10)) {
        let there = Scopes::parse(texts.iter().map(String::as_str));
        let back = Scopes::parse(texts.iter().rev().chain(&texts).map(String::as_str));

        prop_assert_eq!(there, back);
    }
}
