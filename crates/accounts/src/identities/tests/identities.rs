use super::{super::create::CreateIdentity, super::create::CreateSeen, *};
use IdentityKind::{Group, Role, User};
use gantry_metadata::Act;

#[tokio::test]
async fn a_name_is_kept_as_written_and_unique_whatever_its_case() {
    for ground in Ground::both() {
        let created = ground.user("Ci").await;

        let again = ground.identities.create(&ground.cx(), NewIdentity::user("cI")).await;
        let found = ground.identities.load(ACCOUNT, User, "CI").await.unwrap();

        assert_eq!(again.unwrap_err().message, "User with name cI already exists.");
        assert_eq!((found.name.as_str(), &found.id), ("Ci", &created.id));
        assert_eq!(found.arn(), "arn:aws:iam::000000000000:user/Ci");
        assert!(found.id.starts_with("AIDA") && found.id.len() == 20, "{}", found.id);
        // A role may have the name of a user.
        ground.create(NewIdentity::role("ci", &trust("000000000000"))).await;
    }
}

#[tokio::test]
async fn what_a_user_is_made_with_is_read_again() {
    for ground in Ground::both() {
        let boundary = ground.policy("bounds").await.arn;
        let new = NewIdentity {
            path: "/team/".into(),
            boundary: Some(boundary),
            tags: IdentityTags::parse([("Team", "größe")]).unwrap(),
            ..NewIdentity::user("ci")
        };

        let created = ground.create(new).await;

        assert_eq!(ground.identities.load(ACCOUNT, User, "ci").await.unwrap(), created);
        assert_eq!(created.arn(), "arn:aws:iam::000000000000:user/team/ci");
    }
}

#[tokio::test]
async fn lists_are_in_the_order_of_names_and_go_on_behind_a_name() {
    for ground in Ground::both() {
        for name in ["b", "A", "c", "B2", "_"] {
            ground.create(NewIdentity { path: "/team/".into(), ..NewIdentity::user(name) }).await;
        }
        ground.user("other").await;
        ground.create(NewIdentity::group("a")).await;

        let list = async |after, count| ground.identities.list(ACCOUNT, User, "/te", after, count).await.unwrap();
        let first = list("", 3).await;
        let second = list(&first.items[2].name, 3).await;

        assert_eq!((names(&first.items), first.has_more), (vec!["_", "A", "b"], true));
        assert_eq!((names(&second.items), second.has_more), (vec!["B2", "c"], false));
        assert_eq!(kind(ground.identities.list(ACCOUNT, User, "team", "", 1).await), FaultKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_new_name_moves_everything_along() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let before = ground.user("old").await;
        ground.create(NewIdentity::group("ops")).await;
        let arn = ground.policy("read").await.arn;
        identities.add_to_group(&cx, "ops", "old").await.unwrap();
        identities.attach_policy(&cx, User, "old", &arn).await.unwrap();
        identities.put_inline_policy(&cx, User, "old", "own", READ).await.unwrap();
        let key = identities.create_access_key(&cx, "old").await.unwrap().key.id;

        identities.rename(&cx, User, "old", Some("new"), Some("/moved/")).await.unwrap();
        identities.rename(&cx, Group, "ops", Some("Ops"), None).await.unwrap();

        let after = identities.load(ACCOUNT, User, "new").await.unwrap();
        assert_eq!((after.id, after.path.as_str()), (before.id, "/moved/"));
        assert_eq!(names(&identities.list_groups_of(ACCOUNT, "new", "", 9).await.unwrap().items), ["Ops"]);
        assert_eq!(names(&identities.list_members(ACCOUNT, "ops", "", 9).await.unwrap().items), ["new"]);
        assert_eq!(identities.list_attached_policies(ACCOUNT, User, "new", "", 9).await.unwrap().items[0].arn, arn);
        assert_eq!(identities.load_inline_policy(ACCOUNT, User, "new", "own").await.unwrap(), READ);
        assert_eq!(identities.list_access_keys(ACCOUNT, "new").await.unwrap()[0].id, key);
        assert_eq!(kind(identities.load(ACCOUNT, User, "old").await), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn a_name_that_another_has_is_not_given() {
    for ground in Ground::both() {
        ground.user("one").await;
        ground.user("two").await;

        let rename = async |to| ground.identities.rename(&ground.cx(), User, "one", Some(to), None).await;

        assert_eq!(kind(rename("TWO").await), FaultKind::EntityAlreadyExists);
        assert_eq!(kind(rename("a b").await), FaultKind::InvalidInput);
        rename("One").await.unwrap();
        let role = ground.identities.rename(&ground.cx(), Role, "one", Some("x"), None).await;
        assert_eq!(kind(role), FaultKind::InvalidInput);
    }
}

#[tokio::test]
async fn what_still_has_something_is_not_deleted() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        ground.create(NewIdentity::group("ops")).await;
        let arn = ground.policy("read").await.arn;
        let key = identities.create_access_key(&cx, "ci").await.unwrap().key.id;
        identities.add_to_group(&cx, "ops", "ci").await.unwrap();
        identities.attach_policy(&cx, User, "ci", &arn).await.unwrap();
        identities.put_inline_policy(&cx, User, "ci", "own", READ).await.unwrap();

        let refused =
            async |kind| identities.delete(&cx, kind, if kind == User { "ci" } else { "ops" }).await.unwrap_err();
        let group = refused(Group).await;
        assert_eq!(group.kind, FaultKind::DeleteConflict);
        assert_eq!(group.message, "Cannot delete entity, must remove users from group first.");
        assert_eq!(refused(User).await.message, "Cannot delete entity, must remove the user from all groups first.");
        identities.remove_from_group(&cx, "ops", "ci").await.unwrap();
        assert_eq!(refused(User).await.message, "Cannot delete entity, must delete access keys first.");
        identities.delete_access_key(&cx, "ci", &key).await.unwrap();
        assert_eq!(refused(User).await.message, "Cannot delete entity, must detach all policies first.");
        identities.detach_policy(&cx, User, "ci", &arn).await.unwrap();
        assert_eq!(refused(User).await.message, "Cannot delete entity, must delete policies first.");
        identities.delete_inline_policy(&cx, User, "ci", "own").await.unwrap();

        identities.delete(&cx, User, "ci").await.unwrap();
        identities.delete(&cx, Group, "ops").await.unwrap();
        assert_eq!(kind(identities.delete(&cx, User, "ci").await), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn tags_and_boundary_become_others_and_groups_have_none() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        ground.create(NewIdentity::group("ops")).await;
        let arn = ground.policy("bounds").await.arn;
        let tags = |pairs: &[(&str, &str)]| IdentityTags::parse(pairs.iter().copied()).unwrap();

        identities.tag(&cx, User, "ci", tags(&[("team", "a"), ("stage", "x")])).await.unwrap();
        identities.tag(&cx, User, "ci", tags(&[("Team", "b")])).await.unwrap();
        identities.untag(&cx, User, "ci", vec!["STAGE".into(), "none".into()]).await.unwrap();
        identities.set_boundary(&cx, User, "ci", Some(&arn)).await.unwrap();
        let changed = identities.load(ACCOUNT, User, "ci").await.unwrap();
        identities.set_boundary(&cx, User, "ci", None).await.unwrap();

        assert_eq!((changed.tags, changed.boundary), (tags(&[("Team", "b")]), Some(arn.clone())));
        assert_eq!(identities.load(ACCOUNT, User, "ci").await.unwrap().boundary, None);
        let missing = identities.set_boundary(&cx, User, "ci", Some("arn:aws:iam::000000000000:policy/none")).await;
        assert_eq!(kind(missing), FaultKind::NoSuchEntity);
        assert_eq!(kind(identities.set_boundary(&cx, Group, "ops", Some(&arn)).await), FaultKind::InvalidInput);
        assert_eq!(kind(identities.tag(&cx, Group, "ops", tags(&[("a", "b")])).await), FaultKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_role_trusts_who_was_there_and_nobody_made_later_under_his_name() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let arn = "arn:aws:iam::000000000000:user/team/ci";
        let make = || NewIdentity { path: "/team/".into(), ..NewIdentity::user("ci") };
        let early = identities.create(&cx, NewIdentity::role("deploy", &trust(arn))).await.unwrap_err();
        let first = ground.create(make()).await;
        ground.create(NewIdentity::role("deploy", &trust(arn))).await;

        identities.delete(&cx, User, "ci").await.unwrap();
        let second = ground.create(make()).await;

        assert_eq!(early.kind, FaultKind::MalformedPolicyDocument);
        assert!(
            early
                .message
                .starts_with("Invalid principal in policy: \"AWS\":\"arn:aws:iam::000000000000:user/team/ci\"")
        );
        let bound = async || identities.load(ACCOUNT, Role, "deploy").await.unwrap().role.unwrap().bindings;
        assert_eq!(bound().await.id_of(arn), Some(first.id.as_str()));
        assert_ne!(first.id, second.id);
        identities.set_trust(&cx, "deploy", &trust(arn)).await.unwrap();
        assert_eq!(bound().await.id_of(arn), Some(second.id.as_str()));
    }
}

#[tokio::test]
async fn a_session_of_a_role_made_again_is_not_the_one_that_was_trusted() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let (anyone, arn) = (trust("000000000000"), "arn:aws:sts::000000000000:assumed-role/ci/s1");
        let first = ground.create(NewIdentity::role("ci", &anyone)).await;
        ground.create(NewIdentity::role("deploy", &trust(arn))).await;
        let bound = async || {
            let snapshot = identities.snapshot(ACCOUNT).await.unwrap();
            let deploy = snapshot.of_kind(Role).find(|one| one.identity.name == "deploy").unwrap();
            deploy.identity.role.as_ref().unwrap().bindings.id_of(arn).map(str::to_string)
        };

        let while_it_is_there = bound().await;
        identities.delete(&cx, Role, "ci").await.unwrap();
        ground.create(NewIdentity::role("ci", &anyone)).await;

        assert_eq!((while_it_is_there, bound().await), (None, Some(first.id.clone())));
        let deploy = identities.load(ACCOUNT, Role, "deploy").await.unwrap();
        assert!(identities.shown_trust(&deploy).await.unwrap().contains(&first.id));
    }
}

#[tokio::test]
async fn a_trust_policy_shows_whom_it_means_today() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let arn = |name: &str| format!("arn:aws:iam::000000000000:user/{name}");
        let gone = ground.user("gone").await;
        ground.user("old").await;
        let principals = format!("[\"{}\", \"{}\", \"111111111111\"]", arn("gone"), arn("old"));
        let text = trust("000000000000").replace("\"000000000000\"", &principals);
        let role = ground.create(NewIdentity::role("deploy", &text)).await;
        let as_written = identities.shown_trust(&role).await.unwrap();

        identities.delete(&cx, User, "gone").await.unwrap();
        ground.user("gone").await;
        identities.rename(&cx, User, "old", Some("new"), None).await.unwrap();
        let shown = identities.shown_trust(&role).await.unwrap();

        assert_eq!(as_written, text);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["Statement"]["Principal"]["AWS"], json!([gone.id, arn("new"), "111111111111"]));
        // Whoever writes it again must take out who is gone, as in AWS.
        let refused = identities.set_trust(&cx, "deploy", &shown.to_string()).await.unwrap_err();
        assert!(refused.message.contains(&gone.id), "{}", refused.message);
    }
}

#[tokio::test]
async fn principals_of_a_trust_policy_are_told_apart_by_path_and_case() {
    for ground in Ground::both() {
        ground.user("ci").await;
        ground.create(NewIdentity::role("deploy", &trust("000000000000"))).await;

        let set = async |arn: &str| ground.identities.set_trust(&ground.cx(), "deploy", &trust(arn)).await;

        for wrong in
            ["iam::000000000000:user/x/ci", "iam::000000000000:user/CI", "sts::000000000000:assumed-role/Deploy/s"]
        {
            assert_eq!(kind(set(&format!("arn:aws:{wrong}")).await), FaultKind::MalformedPolicyDocument, "{wrong}");
        }
        for right in
            ["iam::000000000000:user/ci", "iam::111111111111:user/any", "sts::000000000000:assumed-role/deploy/s"]
        {
            set(&format!("arn:aws:{right}")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_role_says_what_it_is_for_and_how_long() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.create(NewIdentity::role("deploy", &trust("000000000000"))).await;

        identities.update_role(&cx, "deploy", Some("puts it there"), None).await.unwrap();
        identities.update_role(&cx, "deploy", None, Some(43_200)).await.unwrap();

        let role = identities.load(ACCOUNT, Role, "deploy").await.unwrap();
        assert_eq!((role.description.as_str(), role.role.unwrap().session_seconds_max), ("puts it there", 43_200));
        assert_eq!(kind(identities.update_role(&cx, "deploy", None, Some(3_599)).await), FaultKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_robot_keeps_its_end_and_its_networks() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let rules = RobotRules { expires_at: Some(later(&cx, 60)), networks: vec!["10.0.0.0/8".into()] };
        let robot = ground.create(NewIdentity { robot: Some(rules.clone()), ..NewIdentity::user("bot") }).await;
        ground.user("person").await;

        identities.update_robot(&cx, "bot", RobotRules { expires_at: None, ..rules.clone() }).await.unwrap();

        assert_eq!(robot.robot, Some(rules.clone()));
        let after = identities.load(ACCOUNT, User, "bot").await.unwrap().robot.unwrap();
        assert_eq!((after.expires_at, after.networks), (None, rules.networks.clone()));
        assert_eq!(kind(identities.update_robot(&cx, "person", rules).await), FaultKind::InvalidInput);
    }
}

#[tokio::test]
async fn what_cannot_be_made_is_refused() {
    let ground = Ground::on_sqlite();
    let long = "n".repeat(65);

    for new in [
        NewIdentity::user(""),
        NewIdentity::user("a/b"),
        NewIdentity::user("größe"),
        NewIdentity::user(&long),
        NewIdentity { path: "team".into(), ..NewIdentity::user("a") },
        NewIdentity { path: "/te*m/".into(), ..NewIdentity::user("a") },
        NewIdentity { description: "x".repeat(1001), ..NewIdentity::role("a", &trust("000000000000")) },
        NewIdentity { trust: Some(trust("000000000000")), ..NewIdentity::user("a") },
        NewIdentity { kind: Role, ..NewIdentity::user("a") },
        NewIdentity { boundary: Some("x".into()), ..NewIdentity::group("a") },
        NewIdentity { robot: Some(RobotRules::default()), ..NewIdentity::group("a") },
    ] {
        let shown = format!("{new:?}");
        assert_eq!(kind(ground.identities.create(&ground.cx(), new).await), FaultKind::InvalidInput, "{shown}");
    }
    ground.create(NewIdentity::group(&long)).await;
}

#[tokio::test]
async fn an_account_has_so_many_of_a_kind_and_no_more() {
    let ground = Ground::on_sqlite();
    let identity = ground.create(NewIdentity::group("ops")).await;
    let act = CreateIdentity { identity, named: vec![], actor: "".into() };
    let seen = |count| CreateSeen { is_taken: false, count, has_boundary: true, ids: vec![] };

    let full = act.decide(seen(300), ground.env.now()).unwrap_err();

    assert!(act.decide(seen(299), ground.env.now()).is_ok());
    assert_eq!(full.message, "Cannot exceed quota for GroupsPerAccount: 300");
}

#[tokio::test]
async fn who_changed_whom_is_kept_and_what_changes_nothing_leaves_nothing() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        let before = ground.revision().await;

        identities.untag(&cx, User, "ci", vec!["none".into()]).await.unwrap();
        let same = ground.revision().await;
        identities.rename(&cx, User, "ci", Some("bot"), None).await.unwrap();

        assert_eq!((before, same, ground.revision().await), (1, 1, 2));
        let acts =
            ground.ask("SELECT act FROM audit WHERE actor = 'arn:aws:iam::000000000000:root' ORDER BY id".into()).await;
        assert_eq!(acts, ["accounts.create_identity", "accounts.change_identity"]);
        let events = ground.ask("SELECT body FROM event WHERE kind = 'identity.changed'".into()).await;
        let body: Value = serde_json::from_str(&events[0]).unwrap();
        assert_eq!(body["arn"], "arn:aws:iam::000000000000:user/bot");
        assert_eq!(body["was"], "arn:aws:iam::000000000000:user/ci");
        assert_eq!(body["actor"], "arn:aws:iam::000000000000:root");
    }
}

#[tokio::test]
async fn accounts_know_nothing_of_each_other() {
    for ground in Ground::both() {
        ground.user("ci").await;
        let other: AccountId = "111111111111".parse().unwrap();

        let found = ground.identities.load(other, User, "ci").await;
        let snapshot = ground.identities.snapshot(other).await.unwrap();

        assert_eq!(kind(found), FaultKind::NoSuchEntity);
        assert!(snapshot.identities.is_empty() && snapshot.revision == 0);
    }
}

#[tokio::test]
async fn an_account_has_one_alias_that_no_other_has() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let other = Cx { account: "111111111111".parse().unwrap(), ..ground.cx() };

        identities.set_account_alias(&cx, "first").await.unwrap();
        identities.set_account_alias(&cx, "plat-form").await.unwrap();

        assert_eq!(identities.account_alias(ACCOUNT).await.unwrap().as_deref(), Some("plat-form"));
        assert_eq!(kind(identities.set_account_alias(&other, "plat-form").await), FaultKind::EntityAlreadyExists);
        assert_eq!(kind(identities.delete_account_alias(&cx, "first").await), FaultKind::NoSuchEntity);
        for wrong in ["ab", "-ab", "ab-", "a--b", "Abc", "a.b"] {
            assert_eq!(kind(identities.set_account_alias(&cx, wrong).await), FaultKind::InvalidInput, "{wrong}");
        }
        identities.delete_account_alias(&cx, "plat-form").await.unwrap();
        identities.set_account_alias(&other, "plat-form").await.unwrap();
        ground.user("ci").await;
        identities.create_access_key(&cx, "ci").await.unwrap();
        let summary = identities.account_summary(ACCOUNT).await.unwrap();
        assert_eq!(summary, AccountSummary { users: 1, access_keys: 1, ..AccountSummary::default() });
    }
}
