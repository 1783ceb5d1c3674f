use super::*;

#[tokio::test]
async fn a_text_decrypts_in_its_context_in_any_order_and_in_no_other() {
    for ground in Ground::both().await {
        let (key, cx) = (ground.key().await, ground.cx());
        let one = context(&[("a", "1"), ("b", "2")]);
        let encrypted = ground.keyring.encrypt(&cx, &key.id, &one, b"text").await.unwrap();

        let same = context(&[("b", "2"), ("a", "1")]);
        let decrypted = ground.keyring.decrypt(&cx, None, &same, &encrypted.ciphertext).await.unwrap();
        assert_eq!((decrypted.plaintext.as_slice(), &decrypted.key_arn), (&b"text"[..], &key.arn));
        for other in [context(&[]), context(&[("a", "1")]), context(&[("a", "2"), ("b", "1")])] {
            let refused = ground.keyring.decrypt(&cx, None, &other, &encrypted.ciphertext).await;
            assert_eq!(kind(refused), FaultKind::KmsInvalidCiphertext);
        }
    }
}

#[tokio::test]
async fn a_key_named_must_be_the_one_that_encrypted() {
    for ground in Ground::both().await {
        let (key, other, cx) = (ground.key().await, ground.key().await, ground.cx());
        let text = ground.encrypt(&key.id, "text").await.unwrap();
        let decrypt =
            async |named: &str| ground.keyring.decrypt(&cx, Some(named), &EncryptionContext::default(), &text).await;

        assert!(decrypt(&key.arn).await.is_ok());
        assert_eq!(kind(decrypt(&other.arn).await), FaultKind::KmsIncorrectKey);
    }
}

#[tokio::test]
async fn a_text_is_encrypted_again_under_another_key() {
    for ground in Ground::both().await {
        let (from, to, cx) = (ground.key().await, ground.key().await, ground.cx());
        let (before, after) = (EncryptionContext::default(), context(&[("a", "1")]));
        let text = ground.encrypt(&from.id, "text").await.unwrap();

        let again = ground.keyring.re_encrypt(&cx, (None, &before), (&to.id, &after), &text).await.unwrap();

        assert_eq!((again.0.key_arn.as_str(), again.1.as_str()), (to.arn.as_str(), from.arn.as_str()));
        let decrypted = ground.keyring.decrypt(&cx, Some(&to.id), &after, &again.0.ciphertext).await.unwrap();
        assert_eq!(decrypted.plaintext.as_slice(), b"text");
    }
}

#[tokio::test]
async fn texts_and_random_bytes_have_their_sizes() {
    let ground = Ground::new(None).await;
    let key = ground.key().await;

    assert!(ground.encrypt(&key.id, &"a".repeat(4096)).await.is_ok());
    assert_eq!(kind(ground.encrypt(&key.id, &"a".repeat(4097)).await), FaultKind::ValidationFailed);
    assert_eq!(kind(ground.encrypt(&key.id, "").await), FaultKind::ValidationFailed);
    assert_eq!(ground.keyring.random(1024).unwrap().len(), 1024);
    for count in [0, 1025] {
        assert_eq!(kind(ground.keyring.random(count)), FaultKind::ValidationFailed);
    }
}

#[tokio::test]
async fn a_data_key_is_unwrapped_for_its_use_only() {
    for ground in Ground::both().await {
        let (key, cx, of) = (ground.key().await, ground.cx(), context(&[("blob", "1")]));
        let data_key = ground.keyring.data_key(&cx, &key.arn, &of).await.unwrap();

        let wrapped = &data_key.wrapped.ciphertext;
        assert_eq!(data_key.wrapped.key_arn, key.arn);
        assert_eq!(ground.keyring.unwrap(&cx, &of, wrapped).await.unwrap().reveal(), data_key.plaintext.reveal());
        let other = context(&[("blob", "2")]);
        assert_eq!(kind(ground.keyring.unwrap(&cx, &other, wrapped).await), FaultKind::KmsInvalidCiphertext);
    }
}

#[tokio::test]
async fn material_leaves_memory_after_a_minute() {
    let ground = Ground::new(None).await;
    let key = ground.key().await;
    ground.encrypt(&key.id, "text").await.unwrap();
    assert_eq!(ground.keyring.kept().len(), 1);

    ground.pass(Duration::from_secs(60));
    ground.keyring.sweep(&ground.cx()).await.unwrap();

    assert!(ground.keyring.kept().is_empty());
}
