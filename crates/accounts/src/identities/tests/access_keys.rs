use super::*;
use std::time::Duration;

#[tokio::test]
async fn a_secret_is_shown_once_and_lies_sealed() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;

        let made = identities.create_access_key(&cx, "CI").await.unwrap();
        let turned = identities.rotate_access_key(&cx, "ci", &made.key.id, Duration::from_secs(60)).await.unwrap();
        let snapshot = identities.snapshot(ACCOUNT).await.unwrap();

        let secrets = [made.secret.reveal(), turned.secret.reveal()];
        assert_eq!(snapshot.access_keys[0].secret.reveal(), secrets[1]);
        let dump = ground.dump().await;
        let shown = format!("{snapshot:?} {made:?} {turned:?}");
        assert!(dump.contains(&made.key.id), "the dump holds what is in the database");
        for secret in secrets {
            assert_eq!(secret.len(), 40);
            assert!(!dump.contains(secret) && !shown.contains(secret));
        }
    }
}

#[tokio::test]
async fn a_database_without_its_key_opens_no_secret() {
    for ground in Ground::both() {
        ground.user("ci").await;
        ground.identities.create_access_key(&ground.cx(), "ci").await.unwrap();
        let with = |keys| Identities::new(ground.metadata.clone(), ground.env.clone(), keys);

        let other = with(vec![key(2)]).snapshot(ACCOUNT).await.unwrap();
        let renewed = with(vec![SealingKey::derive(2, &[2; 32], &[]), key(1)]).snapshot(ACCOUNT).await.unwrap();

        assert_eq!((other.access_keys.len(), other.identities.len()), (0, 1));
        assert_eq!(renewed.access_keys.len(), 1);
    }
}

#[tokio::test]
async fn a_secret_moved_to_another_user_or_key_does_not_open() {
    let ground = Ground::on_postgres();
    for name in ["ci", "admin"] {
        ground.user(name).await;
        ground.identities.create_access_key(&ground.cx(), name).await.unwrap();
    }
    let opened = async || ground.identities.snapshot(ACCOUNT).await.unwrap().access_keys.len();
    let swap = |column: &str| {
        let swap = format!("UPDATE access_key a SET {column} = b.{column} FROM access_key b WHERE b.id <> a.id");
        ground.database.as_ref().unwrap().run(&swap);
    };

    swap("secret");
    assert_eq!(opened().await, 0);
    swap("secret");
    assert_eq!(opened().await, 2);
    swap("user_id");
    assert_eq!(opened().await, 0);
}

#[tokio::test]
async fn a_user_has_at_most_two_keys() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        let first = identities.create_access_key(&cx, "ci").await.unwrap().key.id;
        identities.create_access_key(&cx, "ci").await.unwrap();

        let third = identities.create_access_key(&cx, "ci").await;

        assert_eq!(third.unwrap_err().message, "Cannot exceed quota for AccessKeysPerUser: 2");
        identities.delete_access_key(&cx, "ci", &first).await.unwrap();
        identities.create_access_key(&cx, "ci").await.unwrap();
        assert_eq!(identities.list_access_keys(ACCOUNT, "ci").await.unwrap().len(), 2);
        assert_eq!(kind(identities.create_access_key(&cx, "nobody").await), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn a_key_is_switched_by_its_user_only() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        ground.user("other").await;
        let id = identities.create_access_key(&cx, "ci").await.unwrap().key.id;

        identities.set_access_key_status(&cx, "ci", &id, false).await.unwrap();

        assert!(!identities.snapshot(ACCOUNT).await.unwrap().access_keys[0].is_active);
        assert!(!identities.list_access_keys(ACCOUNT, "ci").await.unwrap()[0].is_active);
        let other = identities.set_access_key_status(&cx, "other", &id, true).await;
        assert_eq!(other.unwrap_err().message, format!("The Access Key with id {id} cannot be found."));
        assert_eq!(kind(identities.delete_access_key(&cx, "other", &id).await), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn an_old_secret_stays_good_for_as_long_as_was_said() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("bot").await;
        let made = identities.create_access_key(&cx, "bot").await.unwrap();
        let id = &made.key.id;

        let turned = identities.rotate_access_key(&cx, "bot", id, Duration::from_secs(3600)).await.unwrap();
        let key = identities.snapshot(ACCOUNT).await.unwrap().access_keys.remove(0);
        identities.rotate_access_key(&cx, "bot", id, Duration::ZERO).await.unwrap();
        let last = identities.snapshot(ACCOUNT).await.unwrap().access_keys.remove(0);

        assert_eq!(turned.key.id, *id);
        let (previous, until) = key.previous.unwrap();
        assert_eq!((previous.reveal(), until), (made.secret.reveal(), later(&cx, 3600)));
        assert!(last.previous.is_none());
        let too_long = identities.rotate_access_key(&cx, "bot", id, Duration::from_secs(8 * 24 * 3600)).await;
        assert_eq!(kind(too_long), FaultKind::InvalidInput);
    }
}

#[tokio::test]
async fn the_last_use_of_a_key_is_noted_without_trail_or_revision() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        ground.user("ci").await;
        let id = identities.create_access_key(&cx, "ci").await.unwrap().key.id;
        let unused = identities.access_key_last_used(ACCOUNT, &id).await.unwrap();
        let before = ground.revision().await;

        let at = Cx { now: later(&cx, 60), ..ground.cx() };
        identities.note_access_key_use(&at, &id, "ecr", "us-east-1").await.unwrap();
        identities.note_access_key_use(&cx, &id, "sts", "us-east-1").await.unwrap();

        assert_eq!(unused, AccessKeyUse { user: "ci".into(), used: None });
        let used = identities.access_key_last_used(ACCOUNT, &id).await.unwrap().used;
        assert_eq!(used, Some((later(&cx, 60), "ecr".into(), "us-east-1".into())));
        assert_eq!(ground.revision().await, before);
        assert_eq!(ground.ask("SELECT act FROM audit".into()).await.len(), 2);
        assert_eq!(kind(identities.access_key_last_used(ACCOUNT, "AKIANONE").await), FaultKind::NoSuchEntity);
    }
}
