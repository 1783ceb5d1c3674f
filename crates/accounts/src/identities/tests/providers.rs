use super::*;

const URL: &str = "https://token.actions.example.com/org";
const THUMBPRINT: &str = "0123456789abcdef0123456789ABCDEF01234567";

fn new(url: &str) -> NewOidcProvider {
    NewOidcProvider { url: url.into(), client_ids: vec!["sts".into()], ..NewOidcProvider::default() }
}

#[tokio::test]
async fn a_provider_is_known_by_its_issuer_without_the_scheme() {
    for ground in Ground::both() {
        let created = ground.identities.create_oidc_provider(&ground.cx(), new(URL)).await.unwrap();

        let again = ground.identities.create_oidc_provider(&ground.cx(), new(URL)).await;

        assert_eq!(created.arn, "arn:aws:iam::000000000000:oidc-provider/token.actions.example.com/org");
        assert_eq!(created.url, "token.actions.example.com/org");
        assert_eq!(kind(again), FaultKind::EntityAlreadyExists);
        assert_eq!(ground.identities.load_oidc_provider(ACCOUNT, &created.arn).await.unwrap(), created);
        assert_eq!(ground.identities.snapshot(ACCOUNT).await.unwrap().oidc_providers, [created]);
    }
}

#[tokio::test]
async fn a_provider_changes_part_by_part_and_goes() {
    for ground in Ground::both() {
        let (identities, cx) = (&ground.identities, ground.cx());
        let arn = identities.create_oidc_provider(&cx, new(URL)).await.unwrap().arn;
        let tags = IdentityTags::parse([("a", "1")]).unwrap();

        identities.add_oidc_client_id(&cx, &arn, "second").await.unwrap();
        identities.add_oidc_client_id(&cx, &arn, "second").await.unwrap();
        identities.remove_oidc_client_id(&cx, &arn, "sts").await.unwrap();
        identities.remove_oidc_client_id(&cx, &arn, "none").await.unwrap();
        identities.set_oidc_thumbprints(&cx, &arn, vec![THUMBPRINT.into()]).await.unwrap();
        identities.tag_oidc_provider(&cx, &arn, tags.clone()).await.unwrap();
        let changed = identities.load_oidc_provider(ACCOUNT, &arn).await.unwrap();
        identities.untag_oidc_provider(&cx, &arn, vec!["A".into()]).await.unwrap();
        let untagged = identities.load_oidc_provider(ACCOUNT, &arn).await.unwrap();
        identities.delete_oidc_provider(&cx, &arn).await.unwrap();

        assert_eq!((changed.client_ids, changed.thumbprints), (vec!["second".to_string()], vec![THUMBPRINT.into()]));
        assert_eq!((changed.tags, untagged.tags), (tags, IdentityTags::default()));
        assert_eq!(identities.list_oidc_providers(ACCOUNT).await.unwrap(), []);
        assert_eq!(kind(identities.delete_oidc_provider(&cx, &arn).await), FaultKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn what_is_no_provider_is_refused() {
    let ground = Ground::on_sqlite();
    let create = async |new| kind(ground.identities.create_oidc_provider(&ground.cx(), new).await);
    let long = format!("https://a/{}", "x".repeat(255));

    for url in
        ["http://a", "a", "https://", "https://A", "https://a?b", "https://a/#", "https://u@a", "https://a/*", &long]
    {
        assert_eq!(create(new(url)).await, FaultKind::InvalidInput, "{url}");
    }
    for thumbprint in ["", "0123", &"g".repeat(40)] {
        let new = NewOidcProvider { thumbprints: vec![thumbprint.into()], ..new(URL) };
        assert_eq!(create(new).await, FaultKind::InvalidInput, "{thumbprint}");
    }
    let many = NewOidcProvider { client_ids: vec!["x".into(); 101], ..new(URL) };
    assert_eq!(create(many).await, FaultKind::IdentityLimitExceeded);
    assert_eq!(create(NewOidcProvider { client_ids: vec!["".into()], ..new(URL) }).await, FaultKind::InvalidInput);
}
