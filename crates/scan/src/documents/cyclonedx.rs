//! CycloneDX 1.6 JSON (ECMA-424).

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Component, Image, TOOL, TOOL_VERSION, advice, components, cvss_version, licences, number, page_of, title_of,
};
use crate::{Finding, Inventory, Package, PackageType, Severity, purl};

/// Writes the bill of materials of an image; with `findings`, also its vulnerabilities, those that are suppressed with
/// an `analysis` that says why.
///
/// Every package is one component, each path that holds it an occurrence; the distribution is a component of its own.
pub fn write(image: &Image<'_>, inventory: &Inventory, findings: Option<&[Finding]>) -> Value {
    let components = components(inventory);
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", image.uuid("cyclonedx")),
        "version": 1,
        "metadata": metadata(image),
        "components": distribution(inventory).into_iter().chain(components.iter().map(component)).collect::<Vec<_>>(),
        "dependencies": [{
            "ref": image.digest,
            "dependsOn": components.iter().map(|component| component.id.as_str()).collect::<Vec<_>>(),
        }],
    });
    if let Some(findings) = findings {
        let ids: HashMap<_, _> =
            components.iter().map(|component| (component.package, component.id.as_str())).collect();
        document["vulnerabilities"] = vulnerabilities(findings, inventory, &ids);
    }
    document
}

fn metadata(image: &Image<'_>) -> Value {
    json!({
        "timestamp": image.created,
        "tools": {"components": [{
            "type": "application",
            "name": TOOL,
            "version": TOOL_VERSION,
        }]},
        "component": {
            "type": "container",
            "bom-ref": image.digest,
            "name": image.reference,
            "version": image.digest,
            "purl": image.purl(),
        },
    })
}

fn distribution(inventory: &Inventory) -> Option<Value> {
    let distribution = inventory.distribution.as_ref()?;
    let mut component = json!({
        "type": "operating-system",
        "bom-ref": format!("distribution:{}:{}", distribution.id, distribution.version),
        "name": distribution.id,
    });
    if !distribution.version.is_empty() {
        component["version"] = json!(distribution.version);
    }
    if let Some(name) = &distribution.pretty_name {
        component["description"] = json!(name);
    }
    Some(component)
}

fn component(component: &Component<'_>) -> Value {
    let package = component.package;
    let mut made = json!({
        "type": "library",
        "bom-ref": component.id,
        "purl": component.purl,
        "evidence": {"occurrences": component.paths.iter().map(|path| json!({"location": path})).collect::<Vec<_>>()},
        "properties": properties(component),
    });
    let map = made.as_object_mut().expect("the value above is an object");
    name(package, map);
    if !package.version.is_empty() {
        map.insert("version".into(), json!(package.version));
    }
    if let Some(vendor) = &package.vendor {
        map.insert("publisher".into(), json!(vendor));
    }
    if let Some(licences) = licences(&package.licences) {
        map.insert("licenses".into(), licences);
    }
    if let Some(sha1) = package.sha1.as_ref().filter(|sha1| is_sha1(sha1)) {
        map.insert("hashes".into(), json!([{"alg": "SHA-1", "content": sha1.to_ascii_lowercase()}]));
    }
    made
}

fn is_sha1(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Maven's groups and npm's scopes are CycloneDX's groups.
fn name(package: &Package, map: &mut Map<String, Value>) {
    let split = match package.kind {
        PackageType::Maven => package.name.split_once(':'),
        PackageType::Npm => package.name.split_once('/').filter(|(scope, _)| scope.starts_with('@')),
        PackageType::Composer => package.name.split_once('/'),
        PackageType::Apk
        | PackageType::Bitnami
        | PackageType::Cargo
        | PackageType::Deb
        | PackageType::Gem
        | PackageType::Golang
        | PackageType::Nuget
        | PackageType::Pypi
        | PackageType::Rpm => None,
    };
    if let Some((group, _)) = split {
        map.insert("group".into(), json!(group));
    }
    map.insert("name".into(), json!(split.map_or(package.name.as_str(), |(_, name)| name)));
}

/// Returns one expression, or a list of licences: the schema allows no mixture (1.6, `licenseChoice`).
fn licences(texts: &[String]) -> Option<Value> {
    use licences::Licence::{Expression, Id, Words};
    if let [text] = texts
        && let Expression(text) = licences::classify(text)
    {
        return Some(json!([{"expression": text}]));
    }
    let list: Vec<_> = texts
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| match licences::classify(text) {
            Id(id) => json!({"license": {"id": id}}),
            Expression(text) | Words(text) => json!({"license": {"name": text}}),
        })
        .collect();
    (!list.is_empty()).then_some(Value::Array(list))
}

fn properties(component: &Component<'_>) -> Value {
    let package = component.package;
    let mut properties: Vec<_> = component.layers.iter().map(|layer| property("gantry:layer", layer)).collect();
    properties.extend(component.build_steps.iter().map(|step| property("gantry:build-step", step)));
    properties.push(property("gantry:package:type", package.kind.name()));
    if let Some(source) = &package.source {
        properties.push(property("gantry:package:source-name", &source.name));
        properties.push(property("gantry:package:source-version", &source.version));
    }
    if let Some(stream) = &package.module_stream {
        properties.push(property("gantry:package:module-stream", stream));
    }
    Value::Array(properties)
}

fn property(name: &str, value: impl ToString) -> Value {
    json!({"name": name, "value": value.to_string()})
}

/// What makes two findings one entry: the analysis is said of the vulnerability, not of what it affects.
type Key<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Severity);

fn vulnerabilities(findings: &[Finding], inventory: &Inventory, ids: &HashMap<&Package, &str>) -> Value {
    let mut groups = BTreeMap::<Key<'_>, Vec<&Finding>>::new();
    for finding in findings {
        let key =
            (finding.id.as_str(), finding.suppressed.as_deref(), finding.severity_source.as_deref(), finding.severity);
        groups.entry(key).or_default().push(finding);
    }
    let id = |finding: &Finding| match ids.get(&finding.package) {
        Some(id) => (*id).to_owned(),
        None => purl::of(&finding.package, inventory.distribution.as_ref()),
    };
    groups.values().filter_map(|group| Some(vulnerability(group.first()?, group, &id))).collect()
}

fn vulnerability(first: &Finding, group: &[&Finding], id: &impl Fn(&Finding) -> String) -> Value {
    let mut entry = json!({
        "id": first.id,
        "source": {"name": source_name(first), "url": page_of(first)},
        "ratings": ratings(first),
        "description": title_of(first),
        "recommendation": group.iter().map(|finding| advice(finding)).collect::<Vec<_>>().join(" "),
        "affects": group.iter().map(|finding| affected(finding, id(finding))).collect::<Vec<_>>(),
    });
    if !first.description.is_empty() {
        entry["detail"] = json!(first.description);
    }
    if !first.aliases.is_empty() {
        let reference = |alias: &String| json!({"id": alias, "source": {"name": source_of_id(alias)}});
        entry["references"] = first.aliases.iter().map(reference).collect();
    }
    if !first.references.is_empty() {
        entry["advisories"] = first.references.iter().map(|url| json!({"url": url})).collect();
    }
    for (key, time) in [("published", &first.published), ("updated", &first.modified)] {
        if let Some(time) = time {
            entry[key] = json!(time);
        }
    }
    if let Some(reason) = &first.suppressed {
        entry["analysis"] = json!({"state": "not_affected", "detail": reason});
    }
    entry["properties"] = exploitation(first);
    entry
}

fn exploitation(finding: &Finding) -> Value {
    let mut properties = Vec::new();
    if let Some(epss) = finding.epss {
        properties.push(property("gantry:epss", epss));
    }
    if finding.known_exploited {
        properties.push(property("gantry:known-exploited", true));
    }
    Value::Array(properties)
}

fn affected(finding: &Finding, id: String) -> Value {
    let mut versions = vec![json!({"version": finding.package.version, "status": "affected"})];
    if let Some(fixed) = &finding.fixed_version {
        versions.push(json!({"version": fixed, "status": "unaffected"}));
    }
    json!({"ref": id, "versions": versions})
}

fn ratings(finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Undefined => "unknown",
        Severity::Informational => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    };
    let mut rating = json!({"severity": severity});
    if let Some(source) = &finding.severity_source {
        rating["source"] = json!({"name": source});
    }
    if let Some(score) = finding.cvss_score {
        rating["score"] = json!(number(score));
    }
    if let Some(vector) = &finding.cvss_vector {
        rating["vector"] = json!(vector);
        rating["method"] = json!(match cvss_version(vector) {
            "2.0" => "CVSSv2",
            "3.0" => "CVSSv3",
            "3.1" => "CVSSv31",
            "4.0" => "CVSSv4",
            _ => "other",
        });
    }
    json!([rating])
}

fn source_name(finding: &Finding) -> &str {
    if finding.evidence.source.is_empty() { source_of_id(&finding.id) } else { &finding.evidence.source }
}

fn source_of_id(id: &str) -> &str {
    match id.split_once('-').map_or(id, |(family, _)| family) {
        "CVE" => "NVD",
        "GHSA" => "GitHub",
        family => family,
    }
}
