//! What ECR answers (JSON 1.1; the model of the service, version 2015-09-21). Members that are not known are passed over.

use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_oci::{Digest, Tag};
use gantry_words::{RepositoryName, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Characters of a name that is shown.
const SHOWN_CHARS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImagesDocument {
    #[serde(default)]
    image_details: Option<Vec<ImageDocument>>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument {
    image_digest: String,
    #[serde(default)]
    image_tags: Option<Vec<String>>,
    #[serde(default)]
    image_pushed_at: Option<f64>,
    #[serde(default)]
    last_recorded_pull_time: Option<f64>,
    #[serde(default)]
    image_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoriesDocument {
    #[serde(default)]
    repositories: Option<Vec<RepositoryDocument>>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryDocument {
    repository_name: String,
    #[serde(default)]
    repository_arn: Option<String>,
    #[serde(default)]
    image_tag_mutability: Option<String>,
    #[serde(default)]
    image_tag_mutability_exclusion_filters: Option<Vec<FilterDocument>>,
}

#[derive(Deserialize)]
struct FilterDocument {
    #[serde(default)]
    filter: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokensDocument {
    authorization_data: Vec<TokenDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenDocument {
    authorization_token: String,
}

#[derive(Deserialize)]
struct TagsDocument {
    #[serde(default)]
    tags: Option<Vec<TagDocument>>,
}

#[derive(Deserialize)]
struct TagDocument {
    #[serde(rename = "Key")]
    key: String,
    #[serde(default, rename = "Value")]
    value: String,
}

#[derive(Deserialize)]
struct RefusalDocument {
    #[serde(default, rename = "__type")]
    kind: Option<String>,
    #[serde(default, alias = "Message")]
    message: Option<String>,
}

/// A page of a list, and where the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) list: Vec<T>,
    pub(super) next: Option<String>,
    /// What is not understood, a sentence each.
    pub(super) complaints: Vec<String>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) digest: Digest,
    pub(super) tags: Vec<Tag>,
    pub(super) pushed: Option<Timestamp>,
    /// When a pull was recorded last: ECR does so once a day at most.
    pub(super) pulled: Option<Timestamp>,
    /// Whether it can be pulled, and is not in the archive.
    pub(super) is_active: bool,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    pub(crate) name: RepositoryName,
    pub(super) arn: Option<String>,
    /// `MUTABLE`, `IMMUTABLE`, or either `_WITH_EXCLUSION`.
    pub(super) mutability: String,
    /// The tags that are excluded from that.
    pub(super) exclusions: Vec<String>,
}

/// What ECR says of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The exception: `RepositoryNotFoundException`.
    pub(crate) kind: String,
    /// What it says.
    pub(crate) message: String,
}

/// Reads the answer of `DescribeImages`.
///
/// # Errors
/// Why it is none.
pub(crate) fn read_images(bytes: &[u8]) -> Result<Page<Image>, String> {
    let document: ImagesDocument = read(bytes)?;
    let (mut list, mut complaints) = (Vec::new(), Vec::new());
    for image in document.image_details.unwrap_or_default() {
        match image.image_digest.parse::<Digest>() {
            Ok(digest) => list.push(read_image(digest, image, &mut complaints)),
            Err(error) => complaints.push(complaint("image", &image.image_digest, &error)),
        }
    }
    Ok(Page { list, next: some(document.next_token), complaints })
}

fn read_image(digest: Digest, document: ImageDocument, complaints: &mut Vec<String>) -> Image {
    let mut tags = Vec::new();
    for tag in document.image_tags.unwrap_or_default() {
        match tag.parse::<Tag>() {
            Ok(tag) => tags.push(tag),
            Err(error) => complaints.push(complaint("tag", &tag, &error)),
        }
    }
    Image {
        digest,
        tags,
        pushed: document.image_pushed_at.and_then(read_time),
        pulled: document.last_recorded_pull_time.and_then(read_time),
        is_active: document.image_status.is_none_or(|status| status == "ACTIVE"),
    }
}

/// Reads the answer of `DescribeRepositories`.
///
/// # Errors
/// Why it is none.
pub(crate) fn read_repositories(bytes: &[u8]) -> Result<Page<Repository>, String> {
    let document: RepositoriesDocument = read(bytes)?;
    let (mut list, mut complaints) = (Vec::new(), Vec::new());
    for repository in document.repositories.unwrap_or_default() {
        match repository.repository_name.parse::<RepositoryName>() {
            Ok(name) => {
                let filters = repository.image_tag_mutability_exclusion_filters.unwrap_or_default();
                list.push(Repository {
                    name,
                    arn: repository.repository_arn,
                    mutability: repository.image_tag_mutability.unwrap_or_else(|| "MUTABLE".into()),
                    exclusions: filters.into_iter().filter_map(|filter| filter.filter).collect(),
                });
            }
            Err(error) => complaints.push(complaint("repository", &repository.repository_name, &error)),
        }
    }
    Ok(Page { list, next: some(document.next_token), complaints })
}

/// Reads the answer of `GetAuthorizationToken`; returns the first name and password.
///
/// # Errors
/// Why it is none. What it says is no part of that.
pub(crate) fn read_login(bytes: &[u8]) -> Result<(String, String), String> {
    let document: TokensDocument = serde_json::from_slice(bytes).map_err(|_| "it holds no token".to_owned())?;
    let token = document.authorization_data.into_iter().next().ok_or("it holds no token")?;
    let text = STANDARD.decode(token.authorization_token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or("its token is not base64 of a text")?;
    let (user, password) = text.split_once(':').ok_or("its token holds no name with a password")?;
    Ok((user.to_owned(), password.to_owned()))
}

/// Reads the answer of `ListTagsForResource`.
///
/// # Errors
/// Why it is none.
pub(crate) fn read_tags(bytes: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let document: TagsDocument = read(bytes)?;
    Ok(document.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// Reads a member of an answer that is a text, such as `lifecyclePolicyText`.
///
/// # Errors
/// Why it is none.
pub(crate) fn read_text(bytes: &[u8], member: &str) -> Result<String, String> {
    let document: serde_json::Value = read(bytes)?;
    document[member].as_str().map(str::to_owned).ok_or_else(|| format!("it has no {member}"))
}

/// Reads a refusal; nothing where it is none.
pub(crate) fn read_refusal(bytes: &[u8]) -> Refusal {
    let Ok(RefusalDocument { kind, message }) = serde_json::from_slice(bytes) else { return Refusal::default() };
    let kind = kind.unwrap_or_default();
    // Some services write the model before it.
    let kind = kind.rsplit('#').next().unwrap_or_default().to_owned();
    Refusal { kind, message: message.unwrap_or_default() }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// Seconds since 1970, with a fraction.
fn read_time(seconds: f64) -> Option<Timestamp> {
    const YEAR_9999_SECONDS: f64 = 253_402_300_799.0;
    (seconds > 0.0 && seconds <= YEAR_9999_SECONDS).then(|| Timestamp::from_millis((seconds * 1000.0).round() as i64))
}

fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn complaint(what: &str, text: &str, error: &dyn std::fmt::Display) -> String {
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("the {what} {shown:?} is left out: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e0f3a7c1e";

    #[test]
    fn images_are_read_as_ecr_writes_them() {
        let page = format!(
            r#"{{"imageDetails":[{{"registryId":"012345678910","repositoryName":"ubuntu","imageDigest":"{DIGEST}",
            "imageTags":["trusty","14.04"],"imageSizeInBytes":98361723,"imagePushedAt":1.433874241372E9,
            "lastRecordedPullTime":1.6e9,"artifactMediaType":"application/vnd.docker.container.image.v1+json"}},
            {{"imageDigest":"{DIGEST}","imageStatus":"ARCHIVED"}}],"nextToken":"abc"}}"#
        );

        let page = read_images(page.as_bytes()).unwrap();

        let at = |millis| Some(Timestamp::from_millis(millis));
        let wanted = Image {
            digest: DIGEST.parse().unwrap(),
            tags: vec!["trusty".parse().unwrap(), "14.04".parse().unwrap()],
            pushed: at(1_433_874_241_372),
            pulled: at(1_600_000_000_000),
            is_active: true,
        };
        assert_eq!(page.list[0], wanted);
        assert!(!page.list[1].is_active && page.list[1].pushed.is_none());
        assert_eq!((page.next.as_deref(), page.complaints.len()), (Some("abc"), 0));
    }

    #[test]
    fn what_is_odd_is_named_and_all_else_is_read() {
        let page = format!(
            r#"{{"imageDetails":[{{"imageDigest":"\u001b"}},
            {{"imageDigest":"{DIGEST}","imageTags":["-"],"imagePushedAt":-1e300,"lastRecordedPullTime":1e300}}],
            "nextToken":"","new":1}}"#
        );

        let page = read_images(page.as_bytes()).unwrap();

        assert_eq!((page.list.len(), page.complaints.len(), page.next), (1, 2, None));
        assert_eq!((page.list[0].pushed, page.list[0].pulled), (None, None));
        assert!(page.complaints.iter().all(|complaint| !complaint.chars().any(char::is_control)));
        for odd in [&b""[..], b"[]x", b"{\"imageDetails\":{}}", b"{\"imageDetails\":[{}]}"] {
            assert!(read_images(odd).is_err());
        }
    }

    #[test]
    fn a_repository_says_which_of_its_tags_may_be_moved() {
        let page = read_repositories(
            br#"{"repositories":[{"registryId":"012345678910","repositoryName":"nginx",
            "repositoryArn":"arn:aws:ecr:us-west-2:012345678910:repository/nginx","createdAt":1.478202664E9,
            "repositoryUri":"012345678910.dkr.ecr.us-west-2.amazonaws.com/nginx","imageTagMutability":"MUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters":[{"filterType":"WILDCARD","filter":"v*"}],
            "encryptionConfiguration":{"encryptionType":"AES256"}},{"repositoryName":"Odd"}]}"#,
        )
        .unwrap();

        assert_eq!((page.list.len(), page.complaints.len()), (1, 1));
        assert_eq!(page.list[0].name.as_str(), "nginx");
        assert_eq!(page.list[0].mutability, "MUTABLE_WITH_EXCLUSION");
        assert_eq!(page.list[0].exclusions, ["v*"]);
    }

    #[test]
    fn a_token_is_a_name_and_a_password_and_what_is_none_is_not_shown() {
        let answer =
            |token: &str| format!(r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":1.7e9}}]}}"#);

        // base64 of `AWS:pass:word`
        assert_eq!(read_login(answer("QVdTOnBhc3M6d29yZA==").as_bytes()), Ok(("AWS".into(), "pass:word".into())));
        for odd in [answer("QVdT"), answer("!secret"), r#"{"authorizationData":[]}"#.into(), "secret".into()] {
            assert!(!read_login(odd.as_bytes()).unwrap_err().contains("secret"));
        }
    }

    #[test]
    fn a_refusal_says_what_and_why() {
        let refusal = |text: &str| read_refusal(text.as_bytes());

        let wanted = Refusal { kind: "RepositoryNotFoundException".into(), message: "no".into() };
        assert_eq!(refusal(r#"{"__type":"RepositoryNotFoundException","message":"no"}"#), wanted);
        assert_eq!(refusal(r#"{"__type":"com.amazonaws.ecr#RepositoryNotFoundException","Message":"no"}"#), wanted);
        assert_eq!(refusal("<html>"), Refusal::default());
    }

    #[test]
    fn tags_and_texts_are_read() {
        let tags = read_tags(br#"{"tags":[{"Key":"team","Value":"a"},{"Key":"empty"}]}"#).unwrap();

        assert_eq!(tags, BTreeMap::from([("empty".into(), String::new()), ("team".into(), "a".into())]));
        assert_eq!(read_text(br#"{"policyText":"{}"}"#, "policyText").as_deref(), Ok("{}"));
        assert!(read_text(b"{}", "policyText").is_err());
    }
}
