use super::*;
use IdentityKind::{Group, Role, User};

const PUSH: &str = "arn:aws:iam::aws:policy/gantry/team/push";

#[tokio::test]
async fn a_policy_is_attached_once_and_detached_once() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        let arn = ground.policy("read").await.arn;

        identities.attach_policy(&cx, User, "ci", &arn).await.unwrap();
        identities.attach_policy(&cx, User, "ci", &arn).await.unwrap();

        let listed = identities.list_attached_policies(ACCOUNT, User, "ci", "", 9).await.unwrap().items;
        assert_eq!(listed, [AttachedPolicy { arn: arn.clone(), name: "read".into() }]);
        assert_eq!(identities.load_policy(ACCOUNT, &arn).await.unwrap().attachment_count, 1);
        identities.detach_policy(&cx, User, "ci", &arn).await.unwrap();
        let again = identities.detach_policy(&cx, User, "ci", &arn).await;
        assert_eq!(again.unwrap_err().message, format!("Policy {arn} was not found."));
        let missing = identities.attach_policy(&cx, User, "ci", "arn:aws:iam::000000000000:policy/none").await;
        assert_eq!(kind(missing), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn a_user_has_at_most_ten_policies_of_which_lists_show_pages() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        for number in 0..11 {
            let arn = ground.policy(&format!("p{number:02}")).await.arn;
            let attached = identities.attach_policy(&cx, User, "ci", &arn).await;
            match number {
                10 => assert_eq!(attached.unwrap_err().message, "Cannot exceed quota for PoliciesPerUser: 10"),
                _ => attached.unwrap(),
            }
        }

        let first = identities.list_attached_policies(ACCOUNT, User, "ci", "", 6).await.unwrap();
        let second = identities.list_attached_policies(ACCOUNT, User, "ci", &first.items[5].arn, 6).await.unwrap();

        assert!(first.has_more && !second.has_more);
        assert_eq!((first.items[5].name.as_str(), second.items[3].name.as_str()), ("p05", "p09"));
    }
}

#[tokio::test]
async fn who_has_a_policy_is_listed() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        ground.create(NewIdentity::group("ops")).await;
        ground.create(NewIdentity::role("deploy", &trust("000000000000"))).await;
        for (kind, name) in [(User, "ci"), (Group, "ops"), (Role, "deploy")] {
            identities.attach_policy(&cx, kind, name, PUSH).await.unwrap();
        }

        let first = identities.list_policy_holders(ACCOUNT, PUSH, "", 2).await.unwrap();
        let rest = identities.list_policy_holders(ACCOUNT, PUSH, &first.items[1].id, 2).await.unwrap();

        let all: Vec<_> =
            first.items.iter().chain(&rest.items).map(|holder| (holder.kind, holder.name.as_str())).collect();
        assert_eq!(all, [(Group, "ops"), (User, "ci"), (Role, "deploy")]);
        assert_eq!(kind(identities.list_policy_holders(ACCOUNT, "arn:none", "", 2).await), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn a_user_is_in_at_most_ten_groups() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        for number in 0..11 {
            let name = format!("g{number:02}");
            ground.create(NewIdentity::group(&name)).await;
            let joined = identities.add_to_group(&cx, &name, "ci").await;
            assert_eq!(joined.is_ok(), number < 10, "{number}");
        }

        identities.add_to_group(&cx, "g00", "ci").await.unwrap();
        let page = identities.list_groups_of(ACCOUNT, "ci", "G07", 9).await.unwrap();

        assert_eq!(names(&page.items), ["g08", "g09"]);
        assert_eq!(kind(identities.remove_from_group(&cx, "g10", "ci").await), FaultKind::NoSuchEntity);
        assert_eq!(kind(identities.add_to_group(&cx, "none", "ci").await), FaultKind::NoSuchEntity);
        assert_eq!(kind(identities.add_to_group(&cx, "g00", "none").await), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn an_inline_policy_is_written_over_and_comes_back_as_written() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        let other = READ.replace("BatchGetImage", "PutImage") + "\n";

        for (name, text) in [("own", READ), ("Own", READ), ("own", &other), ("z", READ)] {
            identities.put_inline_policy(&cx, User, "ci", name, text).await.unwrap();
        }

        assert_eq!(identities.load_inline_policy(ACCOUNT, User, "ci", "own").await.unwrap(), other);
        let page = identities.list_inline_policies(ACCOUNT, User, "ci", "Own", 1).await.unwrap();
        assert_eq!((page.items, page.has_more), (vec!["own".to_string()], true));
        let missing = identities.load_inline_policy(ACCOUNT, User, "ci", "none").await.unwrap_err();
        assert_eq!(missing.message, "The user policy with name none cannot be found.");
        assert_eq!(kind(identities.delete_inline_policy(&cx, User, "ci", "none").await), FaultKind::NoSuchEntity);
        let malformed = identities.put_inline_policy(&cx, User, "ci", "own", "{}").await;
        assert_eq!(kind(malformed), FaultKind::MalformedPolicyDocument);
    }
}

#[tokio::test]
async fn inline_policies_are_short_together() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        let long =
            |chars: usize| READ.replace("\"Effect\"", &format!("\"Sid\": \"{}\", \"Effect\"", "a".repeat(chars)));
        identities.put_inline_policy(&cx, User, "ci", "one", &long(1_000)).await.unwrap();

        let both = identities.put_inline_policy(&cx, User, "ci", "two", &long(1_000)).await.unwrap_err();

        assert_eq!(both.kind, FaultKind::IdentityLimitExceeded);
        assert!(both.message.starts_with("Maximum policy size of 2048 bytes exceeded for user ci"), "{}", both.message);
        // In its own place it counts once.
        identities.put_inline_policy(&cx, User, "ci", "one", &long(1_500)).await.unwrap();
    }
}

#[tokio::test]
async fn a_snapshot_holds_what_a_decision_needs() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let user = ground.user("ci").await;
        let group = ground.create(NewIdentity::group("ops")).await;
        ground.create(NewIdentity::role("deploy", &trust(&user.arn()))).await;
        let arn = ground.policy("read").await.arn;
        let newer = READ.replace("BatchGetImage", "PutImage");
        identities.create_policy_version(&cx, &arn, &newer, true).await.unwrap();
        identities.attach_policy(&cx, User, "ci", &arn).await.unwrap();
        identities.attach_policy(&cx, Group, "ops", PUSH).await.unwrap();
        identities.put_inline_policy(&cx, Role, "deploy", "own", READ).await.unwrap();
        identities.add_to_group(&cx, "ops", "ci").await.unwrap();

        let snapshot = identities.snapshot(ACCOUNT).await.unwrap();

        let one = |kind| snapshot.of_kind(kind).next().unwrap();
        assert_eq!(snapshot.revision, ground.revision().await);
        assert_eq!((&one(User).groups, &one(User).attached), (&vec![group.id], &vec![arn.clone()]));
        assert_eq!(one(Role).identity.role.as_ref().unwrap().bindings.id_of(&user.arn()), Some(user.id.as_str()));
        assert_eq!(one(Role).inline, [("own".to_string(), Arc::from(READ))]);
        assert_eq!(*snapshot.policies[&arn], newer);
        assert!(snapshot.policies[PUSH].contains("ecr:PutImage"));
        assert_eq!(snapshot.policies.len(), 2);
    }
}
