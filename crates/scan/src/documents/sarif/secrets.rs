use super::{level, uri};
use crate::documents::{Image, fingerprint};
use crate::{Confidence, LayerSecret, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Adds the secrets of an image to a document of [`super::write`]: a rule for each kind, a result for each secret.
///
/// What is likely no live secret is a note, whatever its severity.
pub fn add_secrets(document: &mut Value, image: &Image<'_>, secrets: &[LayerSecret]) {
    let run = &mut document["runs"][0];
    let mut kinds = BTreeMap::new();
    if let Value::Array(rules) = &mut run["tool"]["driver"]["rules"] {
        for LayerSecret { secret, .. } in secrets {
            kinds.entry(secret.rule.as_str()).or_insert_with(|| {
                rules.push(json!({
                    "id": secret.rule,
                    "name": "ExposedSecret",
                    "shortDescription": {"text": secret.title},
                    "defaultConfiguration": {"level": level(secret.severity)},
                    "properties": {
                        "precision": "high",
                        "security-severity": security_severity(secret.severity),
                        "tags": ["secret", "security", secret.severity.name()],
                    },
                }));
                rules.len() - 1
            });
        }
    }
    if let Value::Array(results) = &mut run["results"] {
        results.extend(secrets.iter().map(|secret| result(image, secret, kinds[secret.secret.rule.as_str()])));
    }
}

fn result(image: &Image<'_>, found: &LayerSecret, rule_index: usize) -> Value {
    let LayerSecret { secret, layer, is_deleted } = found;
    let hidden = if *is_deleted { ", deleted above but still in the image" } else { "" };
    let text = format!(
        "{} ({}) in {} of {}, layer {}{hidden}",
        secret.title,
        secret.preview,
        secret.path,
        image.reference,
        layer + 1
    );
    let is_sure = secret.confidence == Confidence::High;
    json!({
        "ruleId": secret.rule,
        "ruleIndex": rule_index,
        "level": if is_sure { level(secret.severity) } else { "note" },
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&secret.path), "uriBaseId": "ROOTPATH"},
                "region": {"startLine": secret.line},
            },
        }],
        "partialFingerprints": {
            "primaryLocationLineHash":
                format!("{:016x}:1", fingerprint(&[&secret.rule, &secret.fingerprint, &secret.path]) >> 64),
        },
        "properties": {"fingerprint": secret.fingerprint, "layer": layer, "deleted": is_deleted},
    })
}

/// The middle of a severity's range, as GitHub reads it.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low | Severity::Informational | Severity::Undefined => "2.0",
    }
}
