use super::*;
use gantry_access::material::KeyBytes;

#[tokio::test]
async fn a_master_key_is_made_with_the_first_key_and_not_before() {
    for ground in Ground::both().await {
        assert!(ground.place.key().is_none());

        ground.key().await;
        let made = ground.place.key().unwrap();
        ground.key().await;

        assert_eq!(ground.place.key().unwrap().check_value(), made.check_value());
    }
}

#[tokio::test]
async fn with_another_master_key_or_none_nothing_opens_where_something_is_wrapped() {
    for ground in Ground::both().await {
        let (key, place) = (ground.key().await, Arc::new(Place::default()));
        let text = ground.encrypt(&key.id, "text").await.unwrap();

        let other = MasterKey::generate(&ground.env);
        let refused = open(&ground.metadata, &ground.env, Some(other), &place).await.err().unwrap();
        assert!(matches!(refused, KeyringError::MasterKeyOther), "{refused}");
        let refused = open(&ground.metadata, &ground.env, None, &place).await.err().unwrap();
        assert!(matches!(refused, KeyringError::MasterKeyMissing), "{refused}");
        assert!(place.key().is_none(), "none is made then");

        let again = open(&ground.metadata, &ground.env, ground.place.key(), &place).await.unwrap();
        let decrypted = again.decrypt(&ground.cx(), None, &EncryptionContext::default(), &text).await.unwrap();
        assert_eq!(decrypted.plaintext.as_slice(), b"text");
    }
}

#[tokio::test]
async fn a_replica_that_started_before_there_was_a_master_key_makes_none_of_its_own() {
    for ground in Ground::both().await {
        let place = Arc::new(Place::default());
        let replica = open(&ground.metadata, &ground.env, None, &place).await.unwrap();
        ground.key().await;

        let refused = replica.create(&ground.cx(), NewKey::default()).await;

        assert_eq!(kind(refused), FaultKind::Internal);
        assert!(place.key().is_none());
    }
}

#[tokio::test]
async fn a_given_master_key_is_taken_and_none_is_made() {
    for ground in Ground::both().await {
        let given = MasterKey::generate(&ground.env);
        let keyring = open(&ground.metadata, &ground.env, Some(given.clone()), &ground.place).await.unwrap();

        keyring.create(&ground.cx(), NewKey::default()).await.unwrap();

        assert!(ground.place.key().is_none());
        assert_eq!(ground.metadata.read(gantry_metadata::kms::check_value).await.unwrap(), Some(given.check_value()));
    }
}

/// Threat 43: whoever steals the database has no key.
#[tokio::test]
async fn no_key_and_no_text_lies_in_the_database() {
    for ground in Ground::both().await {
        let key = ground.key().await;
        ground.encrypt(&key.id, "canary-text").await.unwrap();
        let data_key = ground.keyring.data_key(&ground.cx(), &key.id, &EncryptionContext::default()).await.unwrap();

        let master = ground.place.key().unwrap();
        let material = unwrapped(&ground, &master, &key).await;
        let dump = ground.dump().await;

        let secrets = [
            material.reveal().to_vec(),
            master.subkey(KMS_MATERIAL).reveal().to_vec(),
            data_key.plaintext.reveal().to_vec(),
            master.print().trim().as_bytes().to_vec(),
            b"canary-text".to_vec(),
        ];
        for secret in secrets {
            let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            for form in [secret.as_slice(), digits.as_bytes()] {
                assert!(!dump.windows(form.len()).any(|part| part == form));
            }
        }
        assert!(dump.windows(36).any(|part| part == key.id.as_bytes()), "the dump holds what it should");
    }
}

/// The material of a key's first version, as only the master key shows it.
async fn unwrapped(ground: &Ground, master: &MasterKey, key: &Key) -> KeyBytes {
    let id = key.id.clone();
    let look = move |rows: &mut Reader| gantry_metadata::kms::find_material(rows, AccountId::DEFAULT, &id, 1);
    let row = ground.metadata.read(look).await.unwrap().unwrap();
    let associated = ciphertext::of_material(AccountId::DEFAULT, &key.id, 1);
    let wrapping = WrappingKey::new(&master.subkey(KMS_MATERIAL));
    KeyBytes::read(&wrapping.unwrap(&associated, &row.wrapped).unwrap()).unwrap()
}

/// Threat 45: wrapped material put in the place of another key's.
#[tokio::test]
async fn material_moved_to_another_key_does_not_open() {
    for ground in Ground::both().await {
        let (key, other) = (ground.key().await, ground.key().await);
        swap(&ground, &key, &other).await;

        let refused = ground.encrypt(&key.id, "text").await.unwrap_err();

        assert_eq!(refused.kind, FaultKind::Internal);
        assert!(refused.source.unwrap().to_string().contains("does not open"));
    }
}

/// Swaps the first versions of two keys, as one would who writes to the database.
async fn swap(ground: &Ground, key: &Key, other: &Key) {
    use gantry_metadata::{Act, kms};

    struct Swap([String; 2]);

    impl Act for Swap {
        type Seen = Vec<kms::MaterialRow>;
        type Plan = Vec<kms::MaterialRow>;
        type Answer = ();
        const NAME: &'static str = "test.swap";

        fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
            rows.lock("swap")?;
            let of = |id: &String| Ok(kms::find_material(rows, AccountId::DEFAULT, id, 1)?.unwrap());
            self.0.iter().map(of).collect()
        }

        fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<Self::Plan, Fault> {
            Ok(seen)
        }

        fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<(), Fault> {
            for (id, material) in self.0.iter().zip(plan.iter().rev()) {
                let row = ground_row(tx, id)?;
                kms::erase(tx, AccountId::DEFAULT, id)?;
                kms::put(tx, AccountId::DEFAULT, &row)?;
                kms::add_material(tx, AccountId::DEFAULT, id, material)?;
            }
            Ok(())
        }
    }

    fn ground_row(tx: &mut Tx, id: &str) -> Result<kms::KeyRow, Fault> {
        Ok(kms::find(tx, AccountId::DEFAULT, id)?.unwrap())
    }

    ground.metadata.perform(&ground.cx(), Swap([key.id.clone(), other.id.clone()])).await.unwrap();
}

#[tokio::test]
async fn of_two_that_wrap_a_master_key_at_once_the_first_is_kept() {
    for ground in Ground::both().await {
        let wrapped = WrappedMasterKey::new(ground.metadata.clone());
        let [first, second] = [(); 2].map(|()| MasterKey::generate(&ground.env));
        assert_eq!(wrapped.find().await.unwrap(), WrappedSeen { wrapped: None, is_used: false });

        let kept = wrapped.keep(&ground.cx(), &first, "vault:v1:first").await.unwrap();
        let later = wrapped.keep(&ground.cx(), &second, "vault:v1:second").await.unwrap();

        assert_eq!((kept.as_str(), later.as_str()), ("vault:v1:first", "vault:v1:first"));
        assert!(open(&ground.metadata, &ground.env, Some(first), &ground.place).await.is_ok());
        assert!(open(&ground.metadata, &ground.env, Some(second), &ground.place).await.is_err());
    }
}

#[tokio::test]
async fn a_master_key_that_nothing_is_encrypted_under_is_not_wrapped_in_the_place_of_the_one_that_is() {
    for ground in Ground::both().await {
        ground.key().await;
        let wrapped = WrappedMasterKey::new(ground.metadata.clone());

        let other = wrapped.keep(&ground.cx(), &MasterKey::generate(&ground.env), "vault:v1:other").await;
        let same = wrapped.keep(&ground.cx(), &ground.place.key().unwrap(), "vault:v1:same").await;

        assert!(matches!(other, Err(KeyringError::MasterKeyOther)));
        assert_eq!(same.unwrap(), "vault:v1:same");
    }
}

#[tokio::test]
async fn a_master_key_that_was_wrapped_anew_replaces_the_one_it_was_made_of_and_no_other() {
    for ground in Ground::both().await {
        let (wrapped, cx) = (WrappedMasterKey::new(ground.metadata.clone()), ground.cx());
        wrapped.keep(&cx, &MasterKey::generate(&ground.env), "vault:v1:a").await.unwrap();

        let replaced = [
            wrapped.replace(&cx, "vault:v1:a", "vault:v2:b").await.unwrap(),
            wrapped.replace(&cx, "vault:v1:a", "vault:v2:c").await.unwrap(),
        ];

        assert_eq!(replaced, [true, false]);
        assert_eq!(wrapped.find().await.unwrap().wrapped.as_deref(), Some("vault:v2:b"));
    }
}
