use super::*;
use crate::ecosystems::packed_tests::names;

const CYCLONEDX: &str = r#"{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:npm/lodash@4.17.20"}]}"#;

fn statement(predicate: &str) -> String {
    format!(
        r#"{{"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://cyclonedx.org/bom", "predicate": {predicate}}}"#
    )
}

fn envelope(payload: &str) -> String {
    let payload = STANDARD.encode(payload);
    format!(r#"{{"payloadType": "application/vnd.in-toto+json", "payload": "{payload}", "signatures": []}}"#)
}

fn listed(document: &str) -> Vec<String> {
    names(&read_document(document.as_bytes()).unwrap())
}

#[test]
fn a_document_is_read_plain_in_a_statement_and_in_an_envelope() {
    assert_eq!(listed(CYCLONEDX), ["lodash 4.17.20"]);
    assert_eq!(listed(&statement(CYCLONEDX)), ["lodash 4.17.20"]);
    assert_eq!(listed(&envelope(&statement(CYCLONEDX))), ["lodash 4.17.20"]);
}

#[test]
fn envelopes_are_not_opened_again_and_again() {
    assert!(matches!(read_document(envelope(&envelope(CYCLONEDX)).as_bytes()), Err(DocumentError::Unknown)));
    assert!(matches!(read_document(statement(&statement(CYCLONEDX)).as_bytes()), Err(DocumentError::Unknown)));
}

#[test]
fn other_json_is_no_document() {
    for text in ["{}", r#"{"spdxVersion": "SPDX-1.0"}"#, r#"{"predicate": {}}"#] {
        assert!(matches!(read_document(text.as_bytes()), Err(DocumentError::Unknown)), "{text}");
    }
    for text in ["", "[]", r#"{"bomFormat": "CycloneDX", "components": 1}"#, r#"{"@graph": {}}"#] {
        assert!(matches!(read_document(text.as_bytes()), Err(DocumentError::Json(_))), "{text}");
    }
}

#[test]
fn components_within_each_other_beyond_measure_are_an_error() {
    let nested = |depth: usize| {
        let open = r#"[{"purl": "pkg:npm/a@1", "components": "#.repeat(depth);
        format!(r#"{{"bomFormat": "CycloneDX", "components": {open}[]{}}}"#, "}]".repeat(depth))
    };
    assert_eq!(listed(&nested(20)), ["a 1"]);

    let read = read_document(nested(10_000).as_bytes());

    assert!(matches!(read, Err(DocumentError::Json(_))));
}

#[test]
fn the_component_has_a_version_where_its_purl_has_none() {
    let document = r#"{"bomFormat": "CycloneDX", "components": [
        {"purl": "pkg:gem/rack", "version": "2.2.3"}, {"purl": "pkg:gem/puma@5.0", "version": "5.1"}, {"purl": "pkg:gem/thin"}]}"#;

    assert_eq!(listed(document), ["puma 5.0", "rack 2.2.3", "thin "]);
}

#[test]
fn the_builds_of_bitnami_are_of_the_version_they_build() {
    let of = |version: &str| {
        let mut version = version.to_owned();
        without_revision(&mut version);
        version
    };

    assert_eq!(of("15.2.0-3"), "15.2.0");
    assert_eq!(of("15.2.0"), "15.2.0");
    assert_eq!(of("1.0.0-rc1"), "1.0.0-rc1");
    assert_eq!(of("1.0.0-"), "1.0.0-");
}

#[test]
fn files_are_claimed_by_name_folder_or_content() {
    let claims = |path: &str, head: &str| Sbom.claims(path, head.as_bytes(), 0o644);

    assert!(claims("app/a.cdx.json", "{"));
    assert!(claims("app/a.spdx.json", " \n{"));
    assert!(claims("usr/local/share/sbom/any.json", "{"));
    assert!(claims("app/bom.json", CYCLONEDX));
    assert!(!claims("app/bom.json", r#"{"ingredients": []}"#));
    assert!(!claims("app/a.cdx.json", "<bom/>"));
    assert!(!claims("app/package.json", "{"));
}
