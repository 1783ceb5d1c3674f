use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn digest(number: u8) -> Digest {
    Digest::from_hash(gantry_oci::Algorithm::Sha256, &[number; 32])
}

fn descriptor(number: u8, media_type: &str) -> serde_json::Value {
    json!({"mediaType": media_type, "digest": digest(number).as_str(), "size": 10 + u64::from(number)})
}

fn image(layers: &[(u8, &str)]) -> PutImage {
    let layers: Vec<_> = layers.iter().map(|(number, kind)| descriptor(*number, kind)).collect();
    put(json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(1, "application/vnd.oci.image.config.v1+json"), "layers": layers,
    }))
}

fn index(children: &[u8]) -> PutImage {
    let children: Vec<_> = children.iter().map(|number| descriptor(*number, media_type::OCI_MANIFEST)).collect();
    put(json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": children}))
}

fn put(document: serde_json::Value) -> PutImage {
    let body = Bytes::from(document.to_string());
    PutImage {
        account: AccountId::DEFAULT,
        repository: 7,
        name: "team/app".parse().unwrap(),
        digest: digest(200),
        manifest: Manifest::parse(&body, None, &Default::default()).unwrap(),
        body,
        tags: vec!["v1".parse().unwrap()],
        refuses_repeat: false,
        is_quarantined: false,
        dates: None,
        actor: "root".into(),
        request_id: RequestId::new([0; 16]),
    }
}

fn seen() -> Seen {
    Seen { repository_exists: true, tags: vec![None], ..Seen::default() }
}

fn holding(blobs: &[u8]) -> Seen {
    let held = |number: &u8| {
        let digest = digest(*number).to_string();
        (digest.clone(), blobs::HeldRow { digest, size: 10 + i64::from(*number), is_present: true, is_archived: false })
    };
    Seen { links: blobs.iter().map(held).collect(), ..seen() }
}

/// As [`holding`], but the bytes of one blob were found damaged.
fn holding_damaged(blobs: &[u8], damaged: u8) -> Seen {
    let mut seen = holding(blobs);
    seen.links.get_mut(digest(damaged).as_str()).unwrap().is_present = false;
    seen
}

fn holding_children(children: &[(u8, i64)]) -> Seen {
    let held = |(number, bytes): &(u8, i64)| {
        let digest = digest(*number).to_string();
        (digest.clone(), manifests::HeldRow { digest, size: 10 + i64::from(*number), bytes: *bytes, is_active: true })
    };
    Seen { children: children.iter().map(held).collect(), ..seen() }
}

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

#[test]
fn an_image_whose_blobs_are_held_is_stored_and_tagged() {
    let plan = image(&[(2, LAYER), (3, LAYER)]).decide(holding(&[1, 2, 3]), NOW).unwrap();

    let stored = plan.store.unwrap();
    assert_eq!(stored.blobs, [1, 2, 3].map(|number| digest(number).to_string()).into());
    assert_eq!(stored.bytes, 11 + 12 + 13);
    assert_eq!(plan.moves, [TagMove { name: "v1".into(), previous: None }]);
}

#[test]
fn a_missing_layer_is_named_with_its_place() {
    let fault = image(&[(2, LAYER), (3, LAYER)]).decide(holding(&[1, 2]), NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::LayersNotFound);
    assert!(fault.message.contains("layers[1]") && fault.message.contains(digest(3).as_str()), "{}", fault.message);
}

#[test]
fn a_missing_config_is_refused() {
    let fault = image(&[]).decide(seen(), NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::LayersNotFound);
    assert!(fault.message.contains("as config"), "{}", fault.message);
}

#[test]
fn a_layer_whose_bytes_are_damaged_is_as_good_as_missing() {
    let fault = image(&[(2, LAYER)]).decide(holding_damaged(&[1, 2], 2), NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::LayersNotFound);
    assert!(fault.message.contains("layers[0]") && fault.message.contains("damaged"), "{}", fault.message);
}

#[test]
fn a_manifest_that_is_held_is_refused_while_one_of_its_layers_is_damaged() {
    let held = Seen { is_held: true, ..holding_damaged(&[1, 2], 2) };

    let fault = image(&[(2, LAYER)]).decide(held, NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::LayersNotFound);
}

#[test]
fn a_nondistributable_layer_whose_bytes_are_damaged_is_still_counted() {
    let plan = image(&[(2, FOREIGN)]).decide(holding_damaged(&[1, 2], 2), NOW).unwrap();

    assert!(plan.store.unwrap().blobs.contains(digest(2).as_str()));
}

#[test]
fn a_config_of_a_nondistributable_type_is_required_all_the_same() {
    let body = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": descriptor(1, FOREIGN), "layers": [],
    });

    let fault = put(body).decide(seen(), NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::LayersNotFound);
    assert!(fault.message.contains("as config"), "{}", fault.message);
}

#[test]
fn a_size_that_is_not_the_blobs_is_refused_with_its_place() {
    let mut held = holding(&[1, 2, 3]);
    held.links.get_mut(digest(3).as_str()).unwrap().size = 2;

    let fault = image(&[(2, LAYER), (3, LAYER)]).decide(held, NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::ManifestInvalid);
    assert!(fault.message.contains("layers[1]") && fault.message.contains("13 bytes"), "{}", fault.message);
}

#[test]
fn a_size_that_is_not_the_childs_is_refused_with_its_place() {
    let mut held = holding_children(&[(2, 100)]);
    held.children.get_mut(digest(2).as_str()).unwrap().size = 13;

    let fault = index(&[2]).decide(held, NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::ManifestInvalid);
    assert!(fault.message.contains("manifests[0]"), "{}", fault.message);
}

#[test]
fn a_nondistributable_layer_may_be_missing_and_is_not_counted() {
    let plan = image(&[(2, FOREIGN)]).decide(holding(&[1]), NOW).unwrap();

    let stored = plan.store.unwrap();
    assert_eq!(stored.blobs, [digest(1).to_string()].into());
    assert!(stored.edges.iter().any(|edge| edge.child == digest(2).to_string() && !edge.is_required));
}

#[test]
fn a_layer_named_twice_is_counted_once() {
    let plan = image(&[(2, LAYER), (2, LAYER)]).decide(holding(&[1, 2]), NOW).unwrap();

    assert_eq!(plan.store.unwrap().blobs.len(), 2);
}

#[test]
fn an_index_holds_its_children() {
    let held = holding_children(&[(2, 100), (3, 50)]);

    let stored = index(&[2, 3]).decide(held, NOW).unwrap().store.unwrap();

    assert_eq!(stored.children, [digest(2).to_string(), digest(3).to_string()].into());
    assert_eq!(stored.bytes, 150);
}

#[test]
fn an_index_without_one_of_its_children_is_refused() {
    let held = holding_children(&[(2, 100)]);

    let fault = index(&[2, 3]).decide(held, NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::ReferencedImagesNotFound);
    assert!(fault.message.contains("manifests[1]"), "{}", fault.message);
}

#[test]
fn an_index_may_name_blobs_as_build_caches_do() {
    let stored = index(&[2]).decide(holding(&[2]), NOW).unwrap().store.unwrap();

    assert_eq!(stored.blobs, [digest(2).to_string()].into());
    assert!(stored.children.is_empty());
}

#[test]
fn a_manifest_that_is_held_already_only_moves_its_tags() {
    let held = Seen { is_held: true, tags: vec![Some(digest(9).to_string())], ..holding(&[1, 2]) };

    let plan = image(&[(2, LAYER)]).decide(held, NOW).unwrap();

    assert_eq!(plan.store, None);
    assert_eq!(plan.moves, [TagMove { name: "v1".into(), previous: Some(digest(9).to_string()) }]);
}

#[test]
fn a_repository_that_went_meanwhile_refuses_the_push() {
    let fault = image(&[]).decide(Seen::default(), NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::RepositoryNotFound);
}

/// A push of a second image under `v1`, which names a first.
fn moving(rules: crate::rules::TagRule) -> Result<Plan, Fault> {
    let previous = vec![Some(digest(9).to_string())];
    let rules = RepositoryRules { tags: rules, ..RepositoryRules::default() };
    image(&[]).decide(Seen { tags: previous, rules, ..holding(&[1]) }, NOW)
}

fn immutable(exceptions: &[&str]) -> crate::rules::TagRule {
    let exceptions = exceptions.iter().map(|text| text.parse().unwrap()).collect();
    crate::rules::TagRule { mutability: crate::rules::Mutability::Immutable, exceptions }
}

#[test]
fn an_immutable_tag_does_not_move_to_another_image() {
    let fault = moving(immutable(&[])).unwrap_err();

    assert_eq!((fault.kind, fault.kind.row().oci), (FaultKind::TagImmutable, "TAG_INVALID"));
    assert!(fault.message.contains("'v1'") && fault.message.contains("immutable"), "{}", fault.message);
}

#[test]
fn an_exception_to_immutable_tags_moves() {
    assert!(moving(immutable(&["v*"])).is_ok());
    assert!(moving(immutable(&["w*"])).is_err());
}

#[test]
fn an_immutable_tag_may_be_set_to_the_image_it_names() {
    let put = image(&[]);
    let rules = RepositoryRules { tags: immutable(&[]), ..RepositoryRules::default() };
    let seen = Seen { is_held: true, rules, tags: vec![Some(put.digest.to_string())], ..holding(&[1]) };

    assert_eq!(put.decide(seen, NOW).unwrap().store, None);
}

#[test]
fn the_same_image_under_the_same_tag_is_an_error_where_that_was_asked() {
    let put = PutImage { refuses_repeat: true, ..image(&[]) };
    let here = put.digest.to_string();

    let held = |tag: Option<String>| Seen { is_held: true, tags: vec![tag], ..holding(&[1]) };
    assert_eq!(put.decide(held(Some(here)), NOW).unwrap_err().kind, FaultKind::ImageExists);
    assert!(put.decide(held(None), NOW).is_ok());
    assert!(put.decide(held(Some(digest(9).to_string())), NOW).is_ok());
    let untagged = PutImage { tags: vec![], ..put };
    assert_eq!(untagged.decide(Seen { tags: vec![], ..held(None) }, NOW).unwrap_err().kind, FaultKind::ImageExists);
}

#[test]
fn a_tag_that_would_move_waits_in_quarantine_with_where_it_points() {
    let tags = ["here", "new", "old"].iter().map(|tag| tag.parse().unwrap()).collect();
    let put = PutImage { tags, is_quarantined: true, ..image(&[]) };
    let (here, other) = (put.digest.to_string(), digest(9).to_string());
    let tags = vec![Some(here.clone()), None, Some(other.clone())];
    let seen = Seen { tags, tagged_at: vec![Some(NOW), None, Some(NOW)], ..holding(&[1]) };

    let plan = put.decide(seen, NOW).unwrap();

    let tag = |name: &str, previous: Option<&String>| TagMove { name: name.into(), previous: previous.cloned() };
    assert_eq!(plan.moves, [tag("here", Some(&here))], "it points there already");
    assert_eq!(plan.held, [(tag("new", None), None), (tag("old", Some(&other)), Some(NOW))]);
}

#[test]
fn an_immutable_tag_is_refused_at_the_push_though_it_would_wait() {
    let rules = RepositoryRules { tags: immutable(&[]), ..RepositoryRules::default() };
    let seen = Seen { rules, tags: vec![Some(digest(9).to_string())], tagged_at: vec![Some(NOW)], ..holding(&[1]) };

    let fault = PutImage { is_quarantined: true, ..image(&[]) }.decide(seen, NOW).unwrap_err();

    assert_eq!(fault.kind, FaultKind::TagImmutable);
}
