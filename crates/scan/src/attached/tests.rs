use super::*;
use crate::{Inventory, documents};
use serde_json::{Value, json};

const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const OTHER: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const BEARER: Bearer<'static> = Bearer { digest: DIGEST, indexes: &[], repository: "team/app" };

fn read(document: &Value) -> Result<AttachedDocument, AttachedError> {
    read_attached("referrer sha256:1", document.to_string().as_bytes(), &BEARER)
}

fn openvex() -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "timestamp": "2026-11-20T00:00:00Z",
        "statements": [{"vulnerability": {"name": "CVE-2099-0001"}, "status": "not_affected",
            "justification": "vulnerable_code_not_present"}],
    })
}

fn spdx() -> Value {
    json!({"spdxVersion": "SPDX-2.3", "packages": [{"name": "lodash", "versionInfo": "4.17.20", "externalRefs": [
        {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/lodash@4.17.20"}]}]})
}

fn cyclonedx() -> Value {
    json!({"bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [{"type": "library", "bom-ref": "a", "name": "lodash", "purl": "pkg:npm/lodash@4.17.20"}],
        "vulnerabilities": [{"id": "CVE-2099-0001", "analysis": {"state": "not_affected"}, "affects": [{"ref": "a"}]}]})
}

fn attested(predicate: &Value, subject: &str) -> Value {
    let hex = subject.strip_prefix("sha256:").unwrap();
    json!({"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://openvex.dev/ns/v0.2.0",
        "subject": [{"name": "team/app", "digest": {"sha256": hex}}], "predicate": predicate})
}

fn sealed(statement: &Value) -> Value {
    let payload = STANDARD.encode(statement.to_string());
    json!({"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "bm9uZQ=="}]})
}

#[test]
fn a_document_says_the_same_plain_attested_in_an_envelope_and_in_a_bundle() {
    let attestation = attested(&openvex(), DIGEST);
    let envelope = sealed(&attestation);
    let bundle = json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope});

    for document in [openvex(), attestation, envelope, bundle] {
        let read = read(&document).unwrap();

        assert_eq!(read.statements.len(), 1, "{document}");
        assert_eq!(read.statements[0].author.as_deref(), Some("ann (referrer sha256:1)"));
        assert_eq!(read.packages, []);
    }
}

#[test]
fn packages_are_read_of_either_format_and_flaws_too_where_cyclonedx_speaks_of_them() {
    for (document, statements) in [(spdx(), 0), (attested(&spdx(), DIGEST), 0), (cyclonedx(), 1)] {
        let read = read(&document).unwrap();

        let names: Vec<&str> = read.packages.iter().map(|package| &*package.name).collect();
        assert_eq!((names, read.statements.len()), (vec!["lodash"], statements), "{document}");
    }
}

#[test]
fn an_attestation_of_another_image_is_refused() {
    let refused = read(&sealed(&attested(&openvex(), OTHER))).unwrap_err();

    assert!(matches!(refused, AttachedError::OtherSubject), "{refused}");
}

#[test]
fn what_gantry_wrote_itself_says_nothing() {
    let image = documents::Image { reference: "team/app", digest: DIGEST, created: "2026-11-20T00:00:00Z" };
    let inventory = Inventory::default();

    for document in [documents::spdx::write(&image, &inventory), documents::cyclonedx::write(&image, &inventory, None)]
    {
        let mut document = document;
        let component = json!({"name": "a", "bom-ref": "a", "purl": "pkg:npm/a@1", "type": "library"});
        document["components"] = json!([component]);

        assert_eq!(read(&document).unwrap(), AttachedDocument::default(), "{document}");
    }
}

#[test]
fn other_predicates_say_nothing_and_what_is_broken_is_refused() {
    for predicate in [json!({"buildType": "https://example.com"}), json!("text")] {
        assert_eq!(read(&attested(&predicate, DIGEST)).unwrap(), AttachedDocument::default());
    }
    for document in [json!({"payload": "?"}), json!([]), json!({"payload": STANDARD.encode("{")})] {
        assert!(read(&document).is_err(), "{document}");
    }
}

#[test]
fn an_attested_bill_of_materials_is_one_and_a_plain_one_is_no_attestation() {
    for bill in [spdx(), cyclonedx()] {
        assert!(read(&sealed(&attested(&bill, DIGEST))).unwrap().attests_sbom, "{bill}");
        assert!(!read(&bill).unwrap().attests_sbom, "{bill}");
    }
}

#[test]
fn an_attested_bill_of_materials_that_gantry_wrote_is_one() {
    let image = documents::Image { reference: "team/app", digest: DIGEST, created: "2026-11-20T00:00:00Z" };
    let bill = documents::spdx::write(&image, &Inventory::default());

    let read = read(&attested(&bill, DIGEST)).unwrap();

    assert_eq!(read, AttachedDocument { attests_sbom: true, ..AttachedDocument::default() });
}

#[test]
fn what_is_attested_of_flaws_alone_is_no_bill_of_materials_and_a_broken_one_is_refused() {
    let mut of_flaws = cyclonedx();
    of_flaws.as_object_mut().unwrap().remove("components");
    let mut broken = spdx();
    broken["packages"] = json!(1);

    for predicate in [openvex(), of_flaws, json!({"buildType": "https://example.com"})] {
        assert!(!read(&attested(&predicate, DIGEST)).unwrap().attests_sbom, "{predicate}");
    }
    assert!(read(&attested(&broken, DIGEST)).is_err());
}
