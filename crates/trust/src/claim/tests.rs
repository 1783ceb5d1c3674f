use super::*;
use crate::bundle::signed_bytes;
use gantry_oci::ManifestLimits;

const KINDS: [&str; 5] = ["p256", "p384", "p521", "ed25519", "rsa"];
/// The image of the fixtures.
const IMAGE: &str = "sha256:574f170954b62441314721fe7e5a73fa382e0a3a9079ccc90d88149f309c44bf";
const OTHER: &str = "sha256:674f170954b62441314721fe7e5a73fa382e0a3a9079ccc90d88149f309c44bf";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn keys(names: &[&str]) -> TrustedKeys {
    let mut keys = TrustedKeys::default();
    for name in names {
        keys.add(str::from_utf8(&fixture(&format!("{name}.pub"))).unwrap()).unwrap();
    }
    keys
}

fn read(name: &str) -> Manifest {
    Manifest::parse(&fixture(name), None, &ManifestLimits::default()).unwrap()
}

/// What stands under the tag of a signature, by `key`.
fn of_tag(key: &str) -> (Claim, Vec<u8>) {
    let mut found = claims(&read(&format!("{key}-manifest.json")));
    assert_eq!(found.len(), 1);
    (found.remove(0), fixture(&format!("{key}-payload.json")))
}

fn of_bundle(key: &str) -> (Claim, Vec<u8>) {
    let claim = claims(&read("p256-bundle-manifest.json")).remove(0);
    (claim, fixture(&format!("{key}-bundle.json")))
}

fn check((claim, payload): &(Claim, Vec<u8>), image: &str, keys: &TrustedKeys) -> Result<(), ClaimProblem> {
    claim.check(payload, &image.parse().unwrap(), keys)
}

fn changed((claim, payload): (Claim, Vec<u8>), from: &str, to: &str) -> (Claim, Vec<u8>) {
    let text = String::from_utf8(payload).unwrap();
    assert!(text.contains(from), "{text}");
    (claim, text.replace(from, to).into_bytes())
}

/// A bundle with a changed statement, which its signature is not of.
fn restated(key: &str, from: &str, to: &str) -> (Claim, Vec<u8>) {
    let (claim, bundle) = of_bundle(key);
    let mut bundle: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
    let payload = &mut bundle["dsseEnvelope"]["payload"];
    let text = String::from_utf8(STANDARD.decode(payload.as_str().unwrap()).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    *payload = STANDARD.encode(text.replace(from, to)).into();
    (claim, bundle.to_string().into_bytes())
}

#[test]
fn what_cosign_signs_with_a_key_of_any_kind_verifies_with_it() {
    for key in KINDS {
        assert_eq!(check(&of_tag(key), IMAGE, &keys(&[key])), Ok(()), "{key}");
        assert_eq!(check(&of_bundle(key), IMAGE, &keys(&[key])), Ok(()), "{key}");
        assert_eq!(check(&of_bundle(key), IMAGE, &keys(&KINDS)), Ok(()), "{key}");
    }
}

#[test]
fn a_signature_of_a_key_that_is_not_trusted_is_none() {
    for key in KINDS {
        let others: Vec<_> = KINDS.into_iter().filter(|other| *other != key).collect();
        for trusted in [keys(&others), TrustedKeys::default()] {
            assert_eq!(check(&of_tag(key), IMAGE, &trusted), Err(ClaimProblem::NotVerified), "{key}");
            assert_eq!(check(&of_bundle(key), IMAGE, &trusted), Err(ClaimProblem::NotVerified), "{key}");
        }
    }
}

#[test]
fn a_signature_of_another_image_is_none() {
    for claim in [of_tag("p256"), of_bundle("p256")] {
        assert_eq!(check(&claim, OTHER, &keys(&["p256"])), Err(ClaimProblem::OtherImage));
    }
}

#[test]
fn a_payload_that_was_changed_does_not_verify() {
    let (from, to) = (&IMAGE[7..], &OTHER[7..]);
    for key in KINDS {
        let trusted = keys(&[key]);
        assert_eq!(check(&changed(of_tag(key), from, to), OTHER, &trusted), Err(ClaimProblem::NotVerified), "{key}");
        assert_eq!(check(&restated(key, from, to), OTHER, &trusted), Err(ClaimProblem::NotVerified), "{key}");
        let spaced = changed(of_tag(key), "}", " }");
        assert_eq!(check(&spaced, IMAGE, &trusted), Err(ClaimProblem::NotVerified), "{key}");
    }
}

#[test]
fn a_signature_is_taken_for_its_own_payload_alone() {
    let of_another = fixture("p256-artifact-payload.json");

    let claim = (of_tag("p256").0, of_another);

    assert_eq!(check(&claim, IMAGE, &keys(&["p256"])), Err(ClaimProblem::NotVerified));
}

#[test]
fn a_statement_of_the_same_key_that_is_no_signature_is_none() {
    let manifest = read("p256-attestation-manifest.json");
    let attestation = (claims(&manifest).remove(0), fixture("p256-attestation.json"));
    let found = "https://cosign.sigstore.dev/attestation/v1".to_string();

    assert_eq!(
        check(&attestation, IMAGE, &keys(&["p256"])),
        Err(ClaimProblem::OtherStatement { found: found.clone() })
    );
    let renamed = restated("p256", "https://sigstore.dev/cosign/sign/v1", &found);
    assert_eq!(check(&renamed, IMAGE, &keys(&["p256"])), Err(ClaimProblem::OtherStatement { found }));
    let older = restated("p256", "Statement/v1", "Statement/v0.1");
    for claim in [older, changed(of_tag("p256"), "container image", "blob")] {
        let problem = check(&claim, IMAGE, &keys(&["p256"])).unwrap_err();
        assert!(matches!(problem, ClaimProblem::OtherStatement { .. }), "{problem}");
    }
}

#[test]
fn an_attestation_need_not_be_read_to_be_known_as_one() {
    let described = |name: &str| {
        let digest = IMAGE.parse().unwrap();
        Descriptor { annotations: read(name).annotations, ..Descriptor::new(BUNDLE, digest, 1) }
    };

    assert!(is_other_statement(&described("p256-attestation-manifest.json")));
    assert!(!is_other_statement(&described("p256-bundle-manifest.json")));
    assert!(!is_other_statement(&described("p256-artifact-manifest.json")));
}

#[test]
fn a_bundle_with_anything_but_one_signature_is_none() {
    let (claim, bundle) = of_bundle("p256");
    let bundle: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut bundle = bundle.clone();
        change(&mut bundle);
        check(&(claim.clone(), bundle.to_string().into_bytes()), IMAGE, &keys(&["p256"]))
    };

    assert_eq!(with(&|_| {}), Ok(()));
    let changes: [&dyn Fn(&mut serde_json::Value); 6] = [
        &|bundle| bundle["dsseEnvelope"]["signatures"] = serde_json::json!([]),
        &|bundle| {
            let one = bundle["dsseEnvelope"]["signatures"][0].clone();
            bundle["dsseEnvelope"]["signatures"] = serde_json::json!([one, one]);
        },
        &|bundle| bundle["dsseEnvelope"]["payloadType"] = "application/json".into(),
        &|bundle| bundle["dsseEnvelope"] = serde_json::Value::Null,
        &|bundle| bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into(),
        &|bundle| bundle["dsseEnvelope"]["signatures"][0]["sig"] = "".into(),
    ];
    for (number, change) in changes.iter().enumerate() {
        with(change).expect_err(&number.to_string());
    }
}

#[test]
fn what_lies_under_a_tag_verifies_as_a_referrer_too() {
    let manifest = read("p256-artifact-manifest.json");
    let claim = (claims(&manifest).remove(0), fixture("p256-artifact-payload.json"));

    assert_eq!(manifest.artifact_type.as_deref(), Some(SIGNATURE_ARTIFACT));
    assert_eq!(check(&claim, IMAGE, &keys(&["p256"])), Ok(()));
}

#[test]
fn what_is_too_long_is_not_read_and_of_too_many_layers_only_the_first_are() {
    let mut manifest = read("p256-manifest.json");
    let layer = manifest.layers[0].clone();
    manifest.layers = vec![Descriptor { size: PAYLOAD_BYTES_MAX + 1, ..layer.clone() }];
    assert_eq!(claims(&manifest), []);
    manifest.layers = vec![layer; CLAIMS_MAX + 1];
    assert_eq!(claims(&manifest).len(), CLAIMS_MAX);

    let (claim, payload) = of_tag("p256");
    let padded = [payload, vec![b' '; PAYLOAD_BYTES_MAX as usize]].concat();
    let bytes = padded.len();
    assert_eq!(check(&(claim, padded), IMAGE, &keys(&["p256"])), Err(ClaimProblem::TooLong { bytes }));
}

#[test]
fn a_layer_without_a_signature_or_of_another_type_claims_nothing() {
    let mut manifest = read("p256-manifest.json");
    let layer = manifest.layers[0].clone();
    let with = |text: Option<String>| {
        let mut layer = layer.clone();
        layer.annotations.clear();
        layer.annotations.extend(text.map(|text| (SIGNATURE.to_string(), text)));
        layer
    };
    manifest.layers = vec![
        with(None),
        with(Some("no base64".into())),
        with(Some("A".repeat(SIGNATURE_CHARS_MAX + 4))),
        Descriptor { media_type: "application/vnd.oci.image.layer.v1.tar".into(), ..layer.clone() },
    ];

    assert_eq!(claims(&manifest), []);
}

#[test]
fn what_cannot_be_read_is_none() {
    for (claim, _) in [of_tag("p256"), of_bundle("p256")] {
        for text in ["", "{}", "[]", r#"{"critical": 1}"#, r#"{"mediaType": 1}"#] {
            let problem = check(&(claim.clone(), text.into()), IMAGE, &keys(&["p256"])).unwrap_err();
            assert!(matches!(problem, ClaimProblem::Malformed(_)), "{text}: {problem}");
        }
    }
}

#[test]
fn the_tag_of_a_signature_is_that_of_cosign() {
    let tag = signature_tag(&IMAGE.parse().unwrap()).map(|tag| tag.to_string());
    assert_eq!(tag, Some(format!("{}.sig", IMAGE.replace(':', "-"))));
    let long: Digest = format!("sha512:{}", "a".repeat(128)).parse().unwrap();
    assert_eq!(signature_tag(&long), None, "no tag is that long");
}

#[test]
fn an_envelope_is_signed_as_dsse_encodes_it() {
    assert_eq!(
        signed_bytes("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}
