use super::*;

#[tokio::test]
async fn a_policy_has_five_versions_one_of_which_counts() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let arn = ground.policy("read").await.arn;
        let add = async |is_default| identities.create_policy_version(&cx, &arn, READ, is_default).await;
        for number in 2..=5 {
            assert_eq!(add(number == 3).await.unwrap().number, number);
        }

        let sixth = add(true).await.unwrap_err();
        let counting = identities.delete_policy_version(&cx, &arn, 3).await;
        identities.delete_policy_version(&cx, &arn, 5).await.unwrap();
        let next = add(true).await.unwrap();
        identities.set_default_policy_version(&cx, &arn, 1).await.unwrap();

        assert_eq!(sixth.kind, FaultKind::IdentityLimitExceeded);
        assert_eq!(counting.unwrap_err().message, "Cannot delete the default version of a policy.");
        assert_eq!((next.number, next.is_default), (6, true), "no number is given twice");
        let versions = identities.list_policy_versions(ACCOUNT, &arn).await.unwrap();
        let seen: Vec<_> = versions.iter().map(|version| (version.number, version.is_default)).collect();
        assert_eq!(seen, [(6, false), (4, false), (3, false), (2, false), (1, true)]);
        assert_eq!(identities.load_policy_version(ACCOUNT, &arn, 4).await.unwrap().document, READ);
        assert_eq!(kind(identities.load_policy_version(ACCOUNT, &arn, 5).await), FaultKind::NoSuchEntity);
        assert_eq!(kind(identities.set_default_policy_version(&cx, &arn, 5).await), FaultKind::NoSuchEntity);
        assert_eq!(identities.load_policy(ACCOUNT, &arn).await.unwrap().default_version, 1);
    }
}

#[tokio::test]
async fn the_name_of_a_policy_is_unique_whatever_its_case_and_path() {
    for ground in Ground::both() {
        let created = ground.policy("Read").await;

        let again = NewPolicy { path: "/team/".into(), ..policy("read") };
        let again = ground.identities.create_policy(&ground.cx(), again).await;

        assert_eq!(kind(again), FaultKind::EntityAlreadyExists);
        assert_eq!(created.arn, "arn:aws:iam::000000000000:policy/Read");
        assert!(created.id.starts_with("ANPA") && created.id.len() == 20);
        assert_eq!(ground.identities.load_policy(ACCOUNT, &created.arn).await.unwrap(), created);
    }
}

#[tokio::test]
async fn a_policy_in_use_is_not_deleted() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let arn = ground.policy("read").await.arn;
        ground.user("ci").await;
        let refused = async || identities.delete_policy(&cx, &arn).await.unwrap_err();

        identities.attach_policy(&cx, IdentityKind::User, "ci", &arn).await.unwrap();
        assert_eq!(refused().await.message, "Cannot delete a policy attached to entities.");
        identities.detach_policy(&cx, IdentityKind::User, "ci", &arn).await.unwrap();
        identities.set_boundary(&cx, IdentityKind::User, "ci", Some(&arn)).await.unwrap();
        assert_eq!(refused().await.kind, FaultKind::DeleteConflict);
        identities.set_boundary(&cx, IdentityKind::User, "ci", None).await.unwrap();
        identities.create_policy_version(&cx, &arn, READ, true).await.unwrap();
        assert!(refused().await.message.starts_with("This policy has more than one version."));
        identities.delete_policy_version(&cx, &arn, 1).await.unwrap();

        identities.delete_policy(&cx, &arn).await.unwrap();
        assert_eq!(kind(identities.delete_policy(&cx, &arn).await), FaultKind::NoSuchEntity);
        assert_eq!(identities.list_policy_versions(ACCOUNT, &arn).await.unwrap_err().kind, FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn lists_show_own_policies_and_then_those_built_in() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        for name in ["b", "A"] {
            ground.policy(name).await;
        }
        ground.user("ci").await;
        identities.attach_policy(&cx, IdentityKind::User, "ci", "arn:aws:iam::aws:policy/gantry/push").await.unwrap();
        let built_in_count = gantry_access::policy::BUILT_IN_ROLES.len();

        let (mut all, mut after, mut pages) = (vec![], String::new(), 0);
        loop {
            let page = identities.list_policies(ACCOUNT, PolicyScope::All, false, "/", &after, 3).await.unwrap();
            pages += 1;
            after = page.items.last().unwrap().marker();
            all.extend(page.items);
            if !page.has_more {
                break;
            }
        }
        let list = async |scope, attached, path| {
            let page = identities.list_policies(ACCOUNT, scope, attached, path, "", 100).await.unwrap();
            page.items.into_iter().map(|policy| policy.name).collect::<Vec<_>>()
        };

        assert_eq!((all.len(), pages), (2 + built_in_count, (2 + built_in_count).div_ceil(3)));
        assert_eq!((all[0].name.as_str(), all[1].name.as_str(), all[2].name.as_str()), ("A", "b", "AcrDelete"));
        assert_eq!(list(PolicyScope::Local, false, "/").await, ["A", "b"]);
        assert_eq!(list(PolicyScope::BuiltIn, false, "/").await.len(), built_in_count);
        assert_eq!(list(PolicyScope::All, true, "/").await, ["push"]);
        assert_eq!(list(PolicyScope::All, false, "/gantry/").await.len(), built_in_count);
    }
}

#[tokio::test]
async fn nobody_changes_a_built_in_policy() {
    let ground = Ground::on_sqlite();
    let (identities, cx, arn) = (&ground.identities, ground.cx(), "arn:aws:iam::aws:policy/gantry/pull");

    let policy = identities.load_policy(ACCOUNT, arn).await.unwrap();

    assert!(policy.is_built_in && policy.arn == arn);
    assert!(identities.load_policy_version(ACCOUNT, arn, 1).await.unwrap().document.contains("ecr:BatchGetImage"));
    for refused in [
        identities.delete_policy(&cx, arn).await,
        identities.create_policy_version(&cx, arn, READ, true).await.map(drop),
        identities.delete_policy_version(&cx, arn, 1).await,
        identities.set_default_policy_version(&cx, arn, 1).await,
        identities.tag_policy(&cx, arn, IdentityTags::default()).await,
    ] {
        assert_eq!(kind(refused), FaultKind::UnmodifiableEntity);
    }
}

#[tokio::test]
async fn a_policy_keeps_its_tags() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let tags = |pairs: &[(&str, &str)]| IdentityTags::parse(pairs.iter().copied()).unwrap();
        let new = NewPolicy { tags: tags(&[("a", "1"), ("b", "1")]), ..policy("read") };
        let arn = identities.create_policy(&cx, new).await.unwrap().arn;

        identities.tag_policy(&cx, &arn, tags(&[("B", "2")])).await.unwrap();
        identities.untag_policy(&cx, &arn, vec!["a".into()]).await.unwrap();

        assert_eq!(identities.load_policy(ACCOUNT, &arn).await.unwrap().tags, tags(&[("B", "2")]));
    }
}
