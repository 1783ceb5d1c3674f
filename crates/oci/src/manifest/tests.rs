//! What real manifests say, and how their type is decided.

use super::*;
use crate::media_type::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn parse(bytes: impl AsRef<[u8]>, content_type: Option<&str>) -> Result<Manifest, ManifestError> {
    Manifest::parse(bytes.as_ref(), content_type, &ManifestLimits::default())
}

fn untyped(json: &Value) -> Result<Manifest, ManifestError> {
    parse(json.to_string(), None)
}

fn descriptor(media_type: &str, digit: char) -> Value {
    json!({"mediaType": media_type, "digest": format!("sha256:{}", digit.to_string().repeat(64)), "size": 5})
}

fn image() -> Value {
    json!({"schemaVersion": 2, "config": descriptor(OCI_CONFIG, 'c'), "layers": [descriptor(OCI_LAYER_GZIP, '1')]})
}

fn index() -> Value {
    json!({"schemaVersion": 2, "manifests": [descriptor(OCI_MANIFEST, 'a')]})
}

fn with(mut json: Value, member: &str, value: impl Into<Value>) -> Value {
    json[member] = value.into();
    json
}

fn without(mut json: Value, member: &str) -> Value {
    json.as_object_mut().unwrap().remove(member);
    json
}

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../fixtures/", $name, ".json"))
    };
}

fn hex(descriptors: &[Descriptor]) -> Vec<&str> {
    descriptors.iter().map(|descriptor| &descriptor.digest.hex()[..2]).collect()
}

#[test]
fn a_docker_image_is_read() {
    let manifest = parse(fixture!("docker-manifest"), Some(DOCKER_MANIFEST)).unwrap();

    assert_eq!((manifest.kind, &*manifest.media_type), (Kind::Image, DOCKER_MANIFEST));
    assert_eq!(manifest.artifact_type.as_deref(), Some(DOCKER_CONFIG));
    assert_eq!(manifest.config.as_ref().unwrap().size, 7023);
    assert_eq!(hex(&manifest.layers), ["11", "22", "11"]);
    assert_eq!((manifest.manifests, manifest.subject, manifest.annotations), (vec![], None, BTreeMap::new()));
}

#[test]
fn a_docker_list_is_read_with_its_platforms() {
    let manifest = parse(fixture!("docker-manifest-list"), Some(DOCKER_MANIFEST_LIST)).unwrap();

    assert_eq!((manifest.kind, &*manifest.media_type), (Kind::Index, DOCKER_MANIFEST_LIST));
    let platforms: Vec<Platform> = manifest.manifests.into_iter().filter_map(|child| child.platform).collect();
    let linux =
        |architecture: &str| Platform { architecture: architecture.into(), os: "linux".into(), ..Platform::default() };
    let windows = Platform {
        architecture: "amd64".into(),
        os: "windows".into(),
        os_version: Some("10.0.17763.1577".into()),
        os_features: vec!["win32k".into()],
        variant: None,
    };
    assert_eq!(platforms, [linux("amd64"), Platform { variant: Some("v7".into()), ..linux("arm") }, windows]);
}

#[test]
fn an_oci_image_is_read_with_or_without_its_type() {
    let typed = parse(fixture!("oci-image"), Some(OCI_MANIFEST)).unwrap();
    let untyped = parse(fixture!("oci-untyped"), None).unwrap();

    assert_eq!((typed.kind, &*typed.media_type), (Kind::Image, OCI_MANIFEST));
    assert_eq!(typed.artifact_type.as_deref(), Some(OCI_CONFIG));
    assert_eq!(typed.annotations["org.opencontainers.image.created"], "2026-03-02T10:11:12Z");
    assert_eq!((untyped.kind, &*untyped.media_type), (Kind::Image, OCI_MANIFEST));
}

#[test]
fn an_index_is_read_with_its_attestations() {
    let manifest = parse(fixture!("oci-index-attestations"), Some(OCI_INDEX)).unwrap();

    assert_eq!((manifest.kind, manifest.artifact_type, manifest.config), (Kind::Index, None, None));
    let attestation = &manifest.manifests[2];
    assert_eq!(attestation.annotations["vnd.docker.reference.type"], "attestation-manifest");
    assert_eq!(attestation.platform.as_ref().unwrap().os, "unknown");
}

#[test]
fn artifacts_are_read_with_their_type_and_subject() {
    let artifact = parse(fixture!("oci-artifact"), Some(OCI_MANIFEST)).unwrap();
    let bundle = parse(fixture!("oci-cosign-bundle"), Some(OCI_MANIFEST)).unwrap();
    let chart = parse(fixture!("oci-helm-chart"), Some(OCI_MANIFEST)).unwrap();

    assert_eq!(artifact.artifact_type.as_deref(), Some("application/vnd.example.sbom.v1+json"));
    assert_eq!(artifact.config.unwrap().media_type, OCI_EMPTY);
    assert_eq!(artifact.subject.unwrap().size, 1234);
    assert_eq!(bundle.artifact_type.as_deref(), Some("application/vnd.dev.sigstore.bundle.v0.3+json"));
    assert_eq!(bundle.subject.unwrap().media_type, OCI_INDEX);
    assert_eq!(bundle.annotations["dev.sigstore.bundle.content"], "dsse-envelope");
    assert_eq!(chart.artifact_type.as_deref(), Some("application/vnd.cncf.helm.config.v1+json"));
}

#[test]
fn a_classic_signature_keeps_the_annotations_of_its_layer() {
    let manifest = parse(fixture!("oci-cosign-classic"), Some(OCI_MANIFEST)).unwrap();

    assert!(manifest.layers[0].annotations["dev.sigstore.cosign/certificate"].ends_with("-----END CERTIFICATE-----\n"));
}

#[test]
fn a_build_cache_is_an_index_of_layers() {
    let manifest = parse(fixture!("oci-build-cache"), Some(OCI_INDEX)).unwrap();

    assert_eq!(manifest.kind, Kind::Index);
    assert_eq!(manifest.manifests[1].media_type, "application/vnd.buildkit.cacheconfig.v0");
}

#[test]
fn schema_1_is_refused_with_what_to_do() {
    let by_version = parse(fixture!("docker-schema1"), None).unwrap_err();
    let by_header = |header| parse("{}", Some(header)).unwrap_err();

    assert_eq!(by_version, ManifestError::Schema1);
    assert!(by_version.to_string().contains("skopeo copy --format v2s2"));
    assert_eq!(by_header(DOCKER_SCHEMA1), ManifestError::Schema1);
    assert_eq!(
        by_header("application/vnd.docker.distribution.manifest.v1+PRETTYJWS; charset=utf-8"),
        ManifestError::Schema1
    );
    assert_eq!(untyped(&json!({"mediaType": DOCKER_SCHEMA1_SIGNED})), Err(ManifestError::Schema1));
}

#[test]
fn the_header_may_have_parameters_and_any_case() {
    for header in [
        OCI_MANIFEST,
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
        " Application/VND.oci.image.manifest.v1+JSON\t;",
    ] {
        for body in [image(), with(image(), "mediaType", OCI_MANIFEST)] {
            assert_eq!(parse(body.to_string(), Some(header)).unwrap().media_type, OCI_MANIFEST, "{header}");
        }
    }
}

#[test]
fn an_empty_header_or_type_is_none() {
    let empty = with(image(), "mediaType", "");

    for header in [None, Some(""), Some(" "), Some("; charset=utf-8")] {
        assert_eq!(parse(empty.to_string(), header).unwrap().media_type, OCI_MANIFEST);
    }
    assert_eq!(
        parse(with(image(), "mediaType", Value::Null).to_string(), Some(DOCKER_MANIFEST)).unwrap().media_type,
        DOCKER_MANIFEST
    );
}

#[test]
fn header_and_body_must_name_the_same_type() {
    let cases = [
        (DOCKER_MANIFEST, with(image(), "mediaType", OCI_MANIFEST)),
        (OCI_INDEX, with(image(), "mediaType", OCI_MANIFEST)),
        (OCI_MANIFEST, with(index(), "mediaType", OCI_INDEX)),
        ("application/json", with(image(), "mediaType", OCI_MANIFEST)),
        (OCI_MANIFEST, with(image(), "mediaType", "application/vnd.oci.image.manifest.v1+json ")),
    ];
    for (header, body) in cases {
        let expected = ManifestError::MediaTypeMismatch {
            content_type: header.into(),
            media_type: body["mediaType"].as_str().unwrap().into(),
        };
        assert_eq!(parse(body.to_string(), Some(header)), Err(expected));
    }
}

#[test]
fn a_type_that_is_not_taken_is_named() {
    for name in [OCI_ARTIFACT_MANIFEST, OCI_CONFIG, "application/json", "text/plain", "*/*", "nonsense"] {
        let expected = Err(ManifestError::Unsupported { media_type: name.into() });
        assert_eq!(parse(image().to_string(), Some(name)), expected);
        assert_eq!(untyped(&with(image(), "mediaType", name)), expected);
    }
    let loud = OCI_MANIFEST.to_uppercase();
    assert_eq!(untyped(&with(image(), "mediaType", &*loud)), Err(ManifestError::Unsupported { media_type: loud }));
}

#[test]
fn without_any_type_only_clear_members_decide() {
    assert_eq!(untyped(&image()).unwrap().media_type, OCI_MANIFEST);
    assert_eq!(untyped(&index()).unwrap().media_type, OCI_INDEX);
    for unclear in [without(image(), "config"), without(image(), "layers"), without(index(), "manifests"), json!({})] {
        assert_eq!(untyped(&unclear), Err(ManifestError::Untyped), "{unclear}");
    }
}

#[test]
fn members_of_two_kinds_are_refused() {
    let foreign = |kind, member| Err(ManifestError::ForeignMember { kind, member });
    let cases = [
        (None, with(image(), "manifests", json!([])), foreign(Kind::Image, "manifests")),
        (None, with(index(), "config", json!({})), foreign(Kind::Image, "manifests")),
        (Some(OCI_MANIFEST), with(image(), "manifests", json!([])), foreign(Kind::Image, "manifests")),
        (Some(OCI_MANIFEST), with(image(), "manifests", Value::Null), foreign(Kind::Image, "manifests")),
        (Some(OCI_MANIFEST), index(), foreign(Kind::Image, "manifests")),
        (Some(DOCKER_MANIFEST), with(image(), "fsLayers", json!([])), foreign(Kind::Image, "fsLayers")),
        (Some(OCI_INDEX), with(index(), "layers", json!([])), foreign(Kind::Index, "layers")),
        (Some(OCI_INDEX), with(index(), "config", 5), foreign(Kind::Index, "config")),
        (Some(OCI_INDEX), image(), foreign(Kind::Index, "config")),
        (Some(DOCKER_MANIFEST_LIST), with(index(), "fsLayers", json!([])), foreign(Kind::Index, "fsLayers")),
    ];
    for (header, body, expected) in cases {
        assert_eq!(parse(body.to_string(), header), expected, "{body}");
    }
}

#[test]
fn the_schema_version_must_be_2() {
    let shape =
        |found: &str| Err(ManifestError::Shape { place: "schemaVersion".into(), expected: "2", found: found.into() });
    let cases = [
        (json!(3), "3"),
        (json!(0), "0"),
        (json!(-2), "-2"),
        (json!(2.0), "2.0"),
        (json!("2"), "a text"),
        (json!([2]), "a list"),
    ];
    for (version, found) in cases {
        assert_eq!(untyped(&with(image(), "schemaVersion", version)), shape(found));
    }
    let missing = Err(ManifestError::Missing { place: "schemaVersion".into() });
    assert_eq!(untyped(&without(image(), "schemaVersion")), missing);
    assert_eq!(untyped(&with(image(), "schemaVersion", Value::Null)), missing);
}

#[test]
fn an_image_must_have_a_configuration_and_a_list_of_layers() {
    for member in ["config", "layers"] {
        let missing = Err(ManifestError::Missing { place: member.into() });
        assert_eq!(parse(without(image(), member).to_string(), Some(OCI_MANIFEST)), missing);
    }
    let missing = Err(ManifestError::Missing { place: "manifests".into() });
    assert_eq!(parse(without(index(), "manifests").to_string(), Some(OCI_INDEX)), missing);
}

#[test]
fn lists_may_be_empty() {
    for empty in [json!([]), Value::Null] {
        assert_eq!(untyped(&with(image(), "layers", empty.clone())).unwrap().layers, []);
        assert_eq!(untyped(&with(index(), "manifests", empty)).unwrap().manifests, []);
    }
}

#[test]
fn the_artifact_type_falls_back_to_the_configuration_but_not_to_the_empty_one() {
    let mut empty_config = image();
    empty_config["config"]["mediaType"] = OCI_EMPTY.into();
    let cases = [
        (with(image(), "artifactType", "a/b"), Some("a/b"), Some("a/b")),
        (with(image(), "artifactType", ""), Some(OCI_CONFIG), Some(OCI_CONFIG)),
        (image(), Some(OCI_CONFIG), Some(OCI_CONFIG)),
        (empty_config, None, Some(OCI_EMPTY)),
        (with(index(), "artifactType", "a/b"), Some("a/b"), Some("a/b")),
        (with(index(), "artifactType", ""), None, None),
        (index(), None, None),
    ];
    for (body, kept, listed) in cases {
        let manifest = untyped(&body).unwrap();
        assert_eq!((manifest.artifact_type.as_deref(), manifest.listed_artifact_type()), (kept, listed), "{body}");
    }
}

#[test]
fn any_manifest_may_have_a_subject() {
    for body in [image(), index()] {
        for header in [[OCI_MANIFEST, OCI_INDEX], [DOCKER_MANIFEST, DOCKER_MANIFEST_LIST]] {
            let header = header[usize::from(body.get("manifests").is_some())];

            let manifest =
                parse(with(body.clone(), "subject", descriptor(OCI_MANIFEST, 'd')).to_string(), Some(header)).unwrap();

            assert_eq!(manifest.subject.unwrap().digest.hex(), "d".repeat(64));
        }
    }
    assert_eq!(untyped(&with(image(), "subject", Value::Null)).unwrap().subject, None);
}

#[test]
fn members_that_are_not_known_do_not_matter() {
    let mut body = with(image(), "org.example.custom", json!({"layers": [1, 2.5e3, {"digest": 7}]}));
    body["config"]["newUnspecifiedField"] = json!("aGVsbG8=");
    body["layers"][0]["data"] = json!("e30=");

    assert_eq!(untyped(&body), untyped(&image()));
}

#[test]
fn blobs_come_once_in_their_order() {
    let manifest = parse(fixture!("docker-manifest"), None).unwrap();

    let blobs: Vec<&str> = manifest.blobs().map(|blob| &blob.digest.hex()[..2]).collect();

    assert_eq!(blobs, ["c0", "11", "22"]);
}

#[test]
fn an_index_has_no_blobs() {
    let manifest = parse(fixture!("oci-index-attestations"), None).unwrap();

    assert_eq!((manifest.blobs().count(), manifest.required_blobs().count()), (0, 0));
}

#[test]
fn foreign_layers_are_not_required() {
    let manifest = parse(fixture!("docker-foreign-layer"), None).unwrap();

    assert_eq!(manifest.blobs().count(), 3);
    let required: Vec<&str> = manifest.required_blobs().map(|blob| &blob.digest.hex()[..2]).collect();
    assert_eq!(required, ["c1", "33"]);
    assert_eq!(manifest.layers[0].urls.len(), 1);
}

#[test]
fn a_configuration_is_required_whatever_its_type() {
    let config = descriptor(DOCKER_LAYER_FOREIGN_GZIP, '1');

    let manifest = untyped(&with(image(), "config", config)).unwrap();

    assert!(manifest.required_blobs().any(|blob| blob.media_type == DOCKER_LAYER_FOREIGN_GZIP));
}

#[test]
fn a_blob_named_as_foreign_and_as_a_plain_layer_is_required() {
    let layers = json!([descriptor(DOCKER_LAYER_FOREIGN_GZIP, '1'), descriptor(DOCKER_LAYER_GZIP, '1')]);

    let manifest = untyped(&with(image(), "layers", layers)).unwrap();

    assert_eq!(manifest.blobs().count(), 2);
    assert!(manifest.required_blobs().any(|blob| blob.media_type == DOCKER_LAYER_GZIP));
}

/// Every fixture that is taken, for laws about all of them.
const TAKEN: [&[u8]; 11] = [
    fixture!("docker-manifest"),
    fixture!("docker-manifest-list"),
    fixture!("docker-foreign-layer"),
    fixture!("oci-image"),
    fixture!("oci-untyped"),
    fixture!("oci-index-attestations"),
    fixture!("oci-artifact"),
    fixture!("oci-cosign-bundle"),
    fixture!("oci-cosign-classic"),
    fixture!("oci-helm-chart"),
    fixture!("oci-build-cache"),
];

#[test]
fn layout_does_not_matter() {
    for fixture in TAKEN {
        let json: Value = serde_json::from_slice(fixture).unwrap();
        let manifest = parse(fixture, None).unwrap();

        assert_eq!(parse(json.to_string(), None).as_ref(), Ok(&manifest));
        assert_eq!(parse(format!(" \t\r\n{json:#}\n\n"), None).as_ref(), Ok(&manifest));
    }
}

proptest! {
    #[test]
    fn a_damaged_manifest_never_panics_and_agrees_with_a_lax_parser(
        at in 0..TAKEN.len(), cut in any::<prop::sample::Index>(), byte in any::<u8>(), truncate in any::<bool>(),
    ) {
        let mut bytes = TAKEN[at].to_vec();
        let cut = cut.index(bytes.len());
        if truncate { bytes.truncate(cut) } else { bytes[cut] = byte }

        if let Ok(manifest) = parse(&bytes, None) {
            let lax: Value = serde_json::from_slice(&bytes).unwrap();
            let lists = [("layers", &manifest.layers), ("manifests", &manifest.manifests)];
            for (name, descriptors) in lists {
                for (at, descriptor) in descriptors.iter().enumerate() {
                    prop_assert_eq!(lax[name][at]["digest"].as_str(), Some(descriptor.digest.as_str()));
                    prop_assert_eq!(lax[name][at]["size"].as_u64(), Some(descriptor.size));
                }
                prop_assert_eq!(lax[name].as_array().map_or(0, Vec::len), descriptors.len());
            }
        }
    }
}
