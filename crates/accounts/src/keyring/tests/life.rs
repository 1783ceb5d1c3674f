use super::*;
use gantry_words::Page;

#[tokio::test]
async fn a_key_is_read_as_it_was_created_under_all_its_names() {
    for ground in Ground::both().await {
        let tags = KeyTags::parse([("team", "app")]).unwrap();
        let new = NewKey { description: "for app".into(), policy: None, tags };
        let key = ground.keyring.create(&ground.cx(), new).await.unwrap();
        ground.keyring.create_alias(&ground.cx(), "alias/app", &key.arn).await.unwrap();

        for name in [&key.id, &key.arn, "alias/app", "arn:aws:kms:us-east-1:000000000000:alias/app"] {
            assert_eq!(ground.keyring.load(&ground.cx(), name).await.unwrap(), key, "{name}");
        }
        assert_eq!(key.arn, format!("arn:aws:kms:us-east-1:000000000000:key/{}", key.id));
        assert_eq!((key.state, key.manager, key.version), (KeyState::Enabled, KeyManager::Customer, 1));
        assert!(key.policy.contains("Enable IAM User Permissions") && key.policy.contains("000000000000:root"));
        assert_eq!(kind(ground.keyring.load(&ground.cx(), "alias/none").await), FaultKind::KmsNotFound);
    }
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    for ground in Ground::both().await {
        let mut ids = vec![ground.key().await.id, ground.key().await.id, ground.key().await.id];
        ids.sort();

        let first = ground.keyring.list(&ground.cx(), "", 2).await.unwrap();
        let second = ground.keyring.list(&ground.cx(), &first.items[1].id, 2).await.unwrap();

        let listed: Vec<_> = first.items.iter().chain(&second.items).map(|key| key.id.clone()).collect();
        assert_eq!((listed, first.has_more, second.has_more), (ids, true, false));
    }
}

#[tokio::test]
async fn a_disabled_key_neither_encrypts_nor_decrypts_until_it_is_enabled() {
    for ground in Ground::both().await {
        let key = ground.key().await;
        let text = ground.encrypt(&key.id, "text").await.unwrap();

        ground.change(&key, KeyChange::Disable).await.unwrap();
        assert_eq!(kind(ground.encrypt(&key.id, "text").await), FaultKind::KmsKeyDisabled);
        assert_eq!(kind(ground.decrypt(&text).await), FaultKind::KmsKeyDisabled);
        assert!(ground.keyring.kept().is_empty());

        ground.change(&key, KeyChange::Enable).await.unwrap();
        assert_eq!(ground.decrypt(&text).await.unwrap(), "text");
    }
}

#[tokio::test]
async fn a_key_to_be_deleted_can_be_saved_and_is_disabled_then() {
    for ground in Ground::both().await {
        let key = ground.key().await;
        for days in [6, 31] {
            assert_eq!(kind(ground.change(&key, KeyChange::ScheduleDeletion(days)).await), FaultKind::ValidationFailed);
        }
        assert_eq!(kind(ground.change(&key, KeyChange::CancelDeletion).await), FaultKind::KmsInvalidState);

        let scheduled = ground.change(&key, KeyChange::ScheduleDeletion(7)).await.unwrap();
        assert_eq!(
            (scheduled.state, scheduled.deletion_at),
            (KeyState::PendingDeletion, Some(key.created_at.plus(7 * DAY)))
        );
        for change in [KeyChange::Enable, KeyChange::ScheduleDeletion(7), KeyChange::EnableRotation(90)] {
            assert_eq!(kind(ground.change(&key, change).await), FaultKind::KmsInvalidState);
        }
        assert_eq!(kind(ground.encrypt(&key.id, "text").await), FaultKind::KmsInvalidState);

        let saved = ground.change(&key, KeyChange::CancelDeletion).await.unwrap();
        assert_eq!((saved.state, saved.deletion_at), (KeyState::Disabled, None));
    }
}

#[tokio::test]
async fn a_key_whose_time_has_come_is_erased_with_its_material_and_names() {
    for ground in Ground::both().await {
        let (key, other) = (ground.key().await, ground.key().await);
        ground.keyring.create_alias(&ground.cx(), "alias/app", &key.id).await.unwrap();
        let text = ground.encrypt(&key.id, "text").await.unwrap();
        ground.change(&key, KeyChange::ScheduleDeletion(7)).await.unwrap();

        ground.pass(7 * DAY - Duration::from_secs(1));
        assert_eq!(ground.keyring.sweep(&ground.cx()).await.unwrap(), KeysSwept::default());
        ground.pass(Duration::from_secs(1));
        assert_eq!(ground.keyring.sweep(&ground.cx()).await.unwrap(), KeysSwept { erased: 1, rotated: 0 });
        assert_eq!(ground.keyring.sweep(&ground.cx()).await.unwrap(), KeysSwept::default());

        assert_eq!(kind(ground.decrypt(&text).await), FaultKind::KmsNotFound);
        assert_eq!(kind(ground.keyring.load(&ground.cx(), "alias/app").await), FaultKind::KmsNotFound);
        assert_eq!(ground.ask("SELECT key_id FROM kms_material".into()).await, [other.id.as_str()]);
        let trail = ground.ask("SELECT act FROM audit WHERE act = 'accounts.erase_key'".into()).await;
        assert_eq!(trail.len(), 1);
    }
}

#[tokio::test]
async fn rotation_makes_new_material_and_what_was_encrypted_before_still_decrypts() {
    for ground in Ground::both().await {
        let key = ground.key().await;
        assert_eq!(kind(ground.change(&key, KeyChange::EnableRotation(89)).await), FaultKind::ValidationFailed);
        let old = ground.encrypt(&key.id, "old").await.unwrap();
        ground.change(&key, KeyChange::EnableRotation(90)).await.unwrap();

        ground.pass(90 * DAY);
        assert_eq!(ground.keyring.sweep(&ground.cx()).await.unwrap().rotated, 1);
        assert_eq!(ground.keyring.sweep(&ground.cx()).await.unwrap().rotated, 0);
        let rotated = ground.keyring.rotate(&ground.cx(), &key.id).await.unwrap();

        assert_eq!((rotated.version, rotated.next_rotation_at), (3, Some(key.created_at.plus(180 * DAY))));
        let new = ground.encrypt(&key.id, "new").await.unwrap();
        assert_eq!(ground.decrypt(&old).await.unwrap(), "old");
        assert_eq!(ground.decrypt(&new).await.unwrap(), "new");
        let rotations = ground.keyring.rotations(&ground.cx(), &key.id, 0, 10).await.unwrap().items;
        let told: Vec<_> = rotations.iter().map(|rotation| (rotation.version, rotation.is_on_demand)).collect();
        assert_eq!(told, [(2, false), (3, true)]);
    }
}

#[tokio::test]
async fn a_disabled_key_rotates_once_it_is_enabled() {
    for ground in Ground::both().await {
        let key = ground.key().await;
        ground.change(&key, KeyChange::EnableRotation(90)).await.unwrap();
        ground.change(&key, KeyChange::Disable).await.unwrap();
        ground.pass(100 * DAY);

        assert_eq!(ground.keyring.sweep(&ground.cx()).await.unwrap().rotated, 0);
        ground.change(&key, KeyChange::Enable).await.unwrap();
        assert_eq!(ground.keyring.sweep(&ground.cx()).await.unwrap().rotated, 1);
    }
}

#[tokio::test]
async fn rotation_said_again_moves_nothing() {
    for ground in Ground::both().await {
        let key = ground.key().await;
        let first = ground.change(&key, KeyChange::EnableRotation(90)).await.unwrap();
        ground.pass(DAY);

        assert_eq!(ground.change(&key, KeyChange::EnableRotation(90)).await.unwrap(), first);
        assert_eq!(ground.change(&key, KeyChange::DisableRotation).await.unwrap().next_rotation_at, None);
    }
}

#[tokio::test]
async fn an_alias_moves_from_key_to_key_and_old_texts_still_decrypt() {
    for ground in Ground::both().await {
        let (one, other) = (ground.key().await, ground.key().await);
        ground.keyring.create_alias(&ground.cx(), "alias/app", &one.id).await.unwrap();
        let old = ground.encrypt("alias/app", "old").await.unwrap();
        let again = ground.keyring.create_alias(&ground.cx(), "alias/app", &other.id).await;
        assert_eq!(kind(again), FaultKind::KmsAliasExists);

        ground.keyring.update_alias(&ground.cx(), "alias/app", &other.id).await.unwrap();

        assert_eq!(ground.keyring.load(&ground.cx(), "alias/app").await.unwrap(), other);
        assert_eq!(ground.decrypt(&old).await.unwrap(), "old");
        let ids = |page: Page<Alias>| page.items.into_iter().map(|alias| alias.key_id).collect::<Vec<_>>();
        let of_one = ground.keyring.aliases(&ground.cx(), Some(&one.id), "", 10).await.unwrap();
        let of_all = ground.keyring.aliases(&ground.cx(), None, "", 10).await.unwrap();
        assert_eq!((ids(of_one), ids(of_all)), (vec![], vec![other.id.clone()]));

        ground.keyring.delete_alias(&ground.cx(), "alias/app").await.unwrap();
        assert_eq!(kind(ground.keyring.delete_alias(&ground.cx(), "alias/app").await), FaultKind::KmsNotFound);
    }
}

#[tokio::test]
async fn policy_description_and_tags_become_others() {
    for ground in Ground::both().await {
        let key = ground.key().await;
        let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}}"#;
        let tags = |pairs: &[(&'static str, &'static str)]| KeyTags::parse(pairs.iter().copied()).unwrap();

        ground.change(&key, KeyChange::SetPolicy(policy.into())).await.unwrap();
        ground.change(&key, KeyChange::Describe("new".into())).await.unwrap();
        ground.change(&key, KeyChange::Tag(tags(&[("a", "1"), ("b", "2")]))).await.unwrap();
        let changed = ground.change(&key, KeyChange::Untag(vec!["a".into()])).await.unwrap();

        assert_eq!((changed.policy.as_str(), changed.description.as_str()), (policy, "new"));
        assert_eq!(changed.tags.iter().collect::<Vec<_>>(), [("b", "2")]);
        let refused = ground.change(&key, KeyChange::SetPolicy("{".into())).await;
        assert_eq!(kind(refused), FaultKind::MalformedPolicyDocument);
    }
}

#[tokio::test]
async fn the_key_of_a_service_is_made_once_and_changed_by_nobody() {
    for ground in Ground::both().await {
        let cx = ground.cx();
        let (one, other) = tokio::join!(ground.keyring.service_key(&cx, "ecr"), ground.keyring.service_key(&cx, "ecr"));

        let key = one.unwrap();
        assert_eq!((&key, key.manager), (&other.unwrap(), KeyManager::Aws));
        assert_eq!(ground.keyring.load(&cx, "alias/aws/ecr").await.unwrap(), key);
        assert_eq!(ground.keyring.list(&cx, "", 10).await.unwrap().items.len(), 1);
        assert_eq!(kind(ground.change(&key, KeyChange::Disable).await), FaultKind::KmsUnsupportedOperation);
        assert_eq!(kind(ground.keyring.delete_alias(&cx, "alias/aws/ecr").await), FaultKind::KmsInvalidAliasName);
    }
}

#[tokio::test]
async fn two_who_rotate_at_once_make_two_versions() {
    for ground in Ground::both().await {
        let (key, cx) = (ground.key().await, ground.cx());

        let (one, other) = tokio::join!(ground.keyring.rotate(&cx, &key.id), ground.keyring.rotate(&cx, &key.id));

        let mut versions = [one.unwrap().version, other.unwrap().version];
        versions.sort_unstable();
        assert_eq!(versions, [2, 3]);
    }
}

#[tokio::test]
async fn a_key_that_was_made_for_a_service_is_nobodys_to_change() {
    for ground in Ground::both().await {
        let (keyring, cx) = (&ground.keyring, ground.cx());
        let (key, own) = (keyring.service_key(&cx, "ecr").await.unwrap(), ground.key().await);
        keyring.create_alias(&cx, "alias/own", &own.id).await.unwrap();

        let refused = [
            kind(keyring.rotate(&cx, &key.id).await),
            kind(keyring.create_alias(&cx, "alias/mine", &key.id).await),
            kind(keyring.update_alias(&cx, "alias/own", &key.id).await),
            kind(ground.change(&key, KeyChange::Disable).await),
            kind(ground.change(&key, KeyChange::SetPolicy(key.policy.clone())).await),
            kind(ground.change(&key, KeyChange::ScheduleDeletion(7)).await),
            kind(ground.change(&key, KeyChange::EnableRotation(100)).await),
        ];

        assert_eq!(refused, [FaultKind::KmsUnsupportedOperation; 7]);
        for name in ["alias/aws/ecr", "alias/aws/other"] {
            assert_eq!(kind(keyring.create_alias(&cx, name, &own.id).await), FaultKind::KmsInvalidAliasName);
            assert_eq!(kind(keyring.update_alias(&cx, name, &own.id).await), FaultKind::KmsInvalidAliasName);
            assert_eq!(kind(keyring.delete_alias(&cx, name).await), FaultKind::KmsInvalidAliasName);
        }
        assert_eq!(keyring.load(&cx, "alias/aws/ecr").await.unwrap(), key);
    }
}
