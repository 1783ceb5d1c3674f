//! What Harbor answers (`/api/v2.0`), page by page. Members that are not known are passed over, and what is no digest, tag or
//! time is named.

use gantry_oci::{Digest, Tag};
use gantry_words::{RepositoryName, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Labels of an image at most, and characters of each.
const LABELS_MAX: usize = 100;
const LABEL_CHARS_MAX: usize = 128;
/// Characters of a name that is shown.
const SHOWN_CHARS_MAX: usize = 100;

#[derive(Deserialize)]
struct ArtifactDocument {
    digest: String,
    #[serde(default)]
    push_time: Option<String>,
    #[serde(default)]
    pull_time: Option<String>,
    #[serde(default)]
    tags: Option<Vec<TagDocument>>,
    #[serde(default)]
    labels: Option<Vec<NamedDocument>>,
    #[serde(default)]
    references: Option<Vec<ReferenceDocument>>,
    #[serde(default)]
    accessories: Option<Vec<AccessoryDocument>>,
}

#[derive(Deserialize)]
struct TagDocument {
    name: String,
    #[serde(default)]
    push_time: Option<String>,
    #[serde(default)]
    pull_time: Option<String>,
}

#[derive(Deserialize)]
struct NamedDocument {
    name: String,
}

#[derive(Deserialize)]
struct ReferenceDocument {
    child_digest: String,
}

#[derive(Deserialize)]
struct AccessoryDocument {
    digest: String,
    #[serde(default)]
    creation_time: Option<String>,
}

#[derive(Deserialize)]
struct ProjectDocument {
    #[serde(default)]
    registry_id: Option<i64>,
    #[serde(default)]
    metadata: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct DeedDocument {
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    resource_type: Option<String>,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    operation_result: Option<bool>,
    #[serde(default)]
    op_time: Option<String>,
}

/// A page of artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Artifacts {
    /// Those that are understood.
    pub(crate) list: Vec<Artifact>,
    /// How many the page has.
    pub(super) count: usize,
    /// What is not understood, a sentence each.
    pub(super) complaints: Vec<String>,
}

/// What Harbor calls an artifact: an image that is no part of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) digest: Digest,
    pub(super) pushed: Option<Timestamp>,
    pub(super) pulled: Option<Timestamp>,
    pub(super) tags: Vec<TagTimes>,
    pub(super) labels: BTreeSet<String>,
    /// The images that it lists.
    pub(super) parts: Vec<Digest>,
    /// What refers to it, such as signatures, with when that came.
    pub(super) accessories: Vec<(Digest, Option<Timestamp>)>,
}

/// A tag of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagTimes {
    pub(super) tag: Tag,
    pub(super) pushed: Option<Timestamp>,
    pub(super) pulled: Option<Timestamp>,
}

/// What a project says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Project {
    /// The number of its retention policy.
    pub(super) retention_id: Option<u64>,
    /// Whether it caches what another registry has.
    pub(super) is_cache: bool,
    /// Whether anybody may pull from it.
    pub(super) is_public: bool,
}

/// Something that somebody made, by the audit log: an artifact, or a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deed {
    /// Who.
    pub(super) by: String,
    pub(super) at: Timestamp,
    /// `project/repository:tag`, or `project/repository@digest`.
    pub(super) resource: String,
}

/// Reads a page of `/projects/{name}/repositories/{name}/artifacts`.
///
/// # Errors
/// Why it is none.
pub(crate) fn read_artifacts(bytes: &[u8]) -> Result<Artifacts, String> {
    let documents: Vec<ArtifactDocument> = read_list(bytes)?;
    let mut artifacts = Artifacts { count: documents.len(), ..Artifacts::default() };
    for document in documents {
        match document.digest.parse::<Digest>() {
            Ok(digest) => {
                let artifact = read_artifact(digest, document, &mut artifacts.complaints);
                artifacts.list.push(artifact);
            }
            Err(error) => artifacts.complaints.push(complaint("artifact", &document.digest, &error)),
        }
    }
    Ok(artifacts)
}

fn read_artifact(digest: Digest, document: ArtifactDocument, complaints: &mut Vec<String>) -> Artifact {
    let mut tags = Vec::new();
    for tag in document.tags.unwrap_or_default() {
        match tag.name.parse::<Tag>() {
            Ok(name) => {
                let (pushed, pulled) = (read_time(tag.push_time), read_time(tag.pull_time));
                tags.push(TagTimes { tag: name, pushed, pulled });
            }
            Err(error) => complaints.push(complaint("tag", &tag.name, &error)),
        }
    }
    let mut digest_of = |what: &str, text: &str| match text.parse::<Digest>() {
        Ok(digest) => Some(digest),
        Err(error) => {
            complaints.push(complaint(what, text, &error));
            None
        }
    };
    let mut parts = Vec::new();
    for reference in document.references.unwrap_or_default() {
        parts.extend(digest_of("reference", &reference.child_digest));
    }
    let mut accessories = Vec::new();
    for accessory in document.accessories.unwrap_or_default() {
        let at = read_time(accessory.creation_time);
        accessories.extend(digest_of("accessory", &accessory.digest).map(|digest| (digest, at)));
    }
    let labels = document.labels.unwrap_or_default().into_iter().take(LABELS_MAX);
    Artifact {
        digest,
        pushed: read_time(document.push_time),
        pulled: read_time(document.pull_time),
        tags,
        labels: labels.map(|label| label.name.chars().take(LABEL_CHARS_MAX).collect()).collect(),
        parts,
        accessories,
    }
}

/// Reads the names of a page of `/projects`.
///
/// # Errors
/// Why it is none.
pub(super) fn read_names(bytes: &[u8]) -> Result<Vec<String>, String> {
    let documents: Vec<NamedDocument> = read_list(bytes)?;
    Ok(documents.into_iter().map(|document| document.name).collect())
}

/// Reads a page of `/projects/{name}/repositories`.
///
/// # Errors
/// Why it is none.
pub(super) fn read_repositories(bytes: &[u8]) -> Result<Vec<RepositoryName>, String> {
    let names = read_names(bytes)?.into_iter();
    names.map(|name| name.parse().map_err(|error: gantry_words::RepositoryNameError| error.to_string())).collect()
}

/// Reads the answer of `/projects/{name}`.
///
/// # Errors
/// Why it is none.
pub(super) fn read_project(bytes: &[u8]) -> Result<Project, String> {
    let document: ProjectDocument = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let metadata = document.metadata.unwrap_or_default();
    let text = |name: &str| match metadata.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Ok(Project {
        retention_id: text("retention_id").and_then(|text| text.parse().ok()).filter(|id| *id > 0),
        is_cache: document.registry_id.is_some_and(|id| id > 0),
        is_public: text("public").is_some_and(|text| text == "true"),
    })
}

/// Reads a page of an audit log; returns who made which artifacts and tags, and how many entries there are.
///
/// # Errors
/// Why it is none.
pub(super) fn read_deeds(bytes: &[u8]) -> Result<(Vec<Deed>, usize), String> {
    let documents: Vec<DeedDocument> = read_list(bytes)?;
    let count = documents.len();
    let made = documents.into_iter().filter_map(|document| {
        let is_made = document.operation.as_deref() == Some("create") && document.operation_result != Some(false);
        let is_image = matches!(document.resource_type.as_deref(), Some("artifact" | "tag"));
        let by = document.username.filter(|name| !name.is_empty() && is_made && is_image)?;
        let by = by.chars().take(LABEL_CHARS_MAX).collect();
        Some(Deed { by, at: read_time(document.op_time)?, resource: document.resource? })
    });
    Ok((made.collect(), count))
}

/// A list, for which Harbor writes `null` where it is empty.
fn read_list<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, String> {
    serde_json::from_slice::<Option<Vec<T>>>(bytes).map(Option::unwrap_or_default).map_err(|error| error.to_string())
}

/// A time; the year 1 is never.
fn read_time(text: Option<String>) -> Option<Timestamp> {
    text?.parse().ok().filter(|at| *at > Timestamp::default())
}

fn complaint(what: &str, text: &str, error: &dyn std::fmt::Display) -> String {
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("the {what} {shown:?} is left out: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e";

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_artifact_is_read_as_harbor_writes_it() {
        let page = format!(
            r#"[{{"accessories":[{{"artifact_id":9,"creation_time":"2026-05-02T08:15:00.500Z","digest":"{DIGEST}","icon":"",
            "id":1,"size":1234,"subject_artifact_digest":"{DIGEST}","type":"signature.cosign"}}],
            "addition_links":{{"vulnerabilities":{{"absolute":false,"href":"/api/v2.0/projects"}}}},"digest":"{DIGEST}",
            "extra_attrs":{{"architecture":"amd64","os":"linux"}},"id":8,
            "labels":[{{"id":1,"name":"approved","scope":"g"}},{{"id":2,"name":"team-a","scope":"p"}}],
            "manifest_media_type":"application/vnd.oci.image.index.v1+json","project_id":1,
            "pull_time":"0001-01-01T00:00:00.000Z","push_time":"2026-05-02T08:14:21.123Z",
            "references":[{{"child_digest":"{DIGEST}","child_id":7,"parent_id":8,"platform":{{"os":"linux"}}}}],
            "repository_id":1,"size":4711,"tags":[{{"artifact_id":8,"id":5,"immutable":false,"name":"v1",
            "pull_time":"2026-06-01T00:00:00.000Z","push_time":"2026-05-02T08:14:22.001Z","repository_id":1}}],
            "type":"IMAGE"}}]"#
        );

        let artifacts = read_artifacts(page.as_bytes()).unwrap();

        let digest: Digest = DIGEST.parse().unwrap();
        let (tag, pushed, pulled) = ("v1".parse().unwrap(), at("2026-05-02T08:14:22.001Z"), at("2026-06-01T00:00:00Z"));
        let wanted = Artifact {
            digest: digest.clone(),
            pushed: at("2026-05-02T08:14:21.123Z"),
            pulled: None,
            tags: vec![TagTimes { tag, pushed, pulled }],
            labels: ["approved".to_owned(), "team-a".to_owned()].into(),
            parts: vec![digest.clone()],
            accessories: vec![(digest, at("2026-05-02T08:15:00.500Z"))],
        };
        assert_eq!(artifacts, Artifacts { list: vec![wanted], count: 1, complaints: vec![] });
    }

    #[test]
    fn what_is_odd_is_named_and_all_else_is_read() {
        let page = format!(
            r#"[{{"digest":"md5:x","new":[]}},{{"digest":"{DIGEST}","tags":[{{"name":"-no"}}],"references":null,"labels":null,
            "accessories":[{{"digest":"\u001b"}}],"push_time":"yesterday"}}]"#
        );

        let artifacts = read_artifacts(page.as_bytes()).unwrap();

        assert_eq!((artifacts.list.len(), artifacts.count, artifacts.complaints.len()), (1, 2, 3));
        assert_eq!(artifacts.list[0].pushed, None);
        assert!(artifacts.complaints[0].starts_with("the artifact \"md5:x\" is left out: "));
        assert!(artifacts.complaints.iter().all(|complaint| !complaint.chars().any(char::is_control)));
        assert_eq!(read_artifacts(b"null"), Ok(Artifacts::default()));
        for odd in [&b""[..], b"{}", b"[1]", b"[{}]", b"{\"errors\":[]}"] {
            assert!(read_artifacts(odd).is_err());
        }
    }

    #[test]
    fn a_project_says_which_retention_it_has_and_whether_it_is_a_cache() {
        let project = read_project(
            br#"{"project_id":3,"name":"cache","registry_id":2,"repo_count":4,
            "metadata":{"public":"true","retention_id":"7","auto_scan":"false"}}"#,
        );

        assert_eq!(project, Ok(Project { retention_id: Some(7), is_cache: true, is_public: true }));
        assert_eq!(read_project(br#"{"metadata":{"retention_id":"","public":"false"}}"#), Ok(Project::default()));
    }

    #[test]
    fn of_an_audit_log_only_who_made_artifacts_and_tags_is_read() {
        let (deeds, count) = read_deeds(
            br#"[{"id":3,"op_time":"2026-05-02T08:14:22.000Z","operation":"create","resource":"team/app:v1",
            "resource_type":"artifact","username":"alice"},
            {"id":2,"op_time":"2026-05-02T08:14:22.000Z","operation":"pull","resource":"team/app:v1",
            "resource_type":"artifact","username":"bob"},
            {"id":1,"op_time":"2026-05-02T08:14:22.000Z","operation":"create","operation_result":false,
            "resource":"team/app:v1","resource_type":"artifact","username":"carol"}]"#,
        )
        .unwrap();

        assert_eq!((deeds.len(), count), (1, 3));
        assert_eq!((deeds[0].by.as_str(), deeds[0].resource.as_str()), ("alice", "team/app:v1"));
    }
}
