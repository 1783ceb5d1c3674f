//! The kubelet's credential provider exec API (Kubernetes documentation, "Kubelet credential provider (v1)").

use super::{ImageName, RegistryCredentials};
use gantry_words::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const API_VERSION: &str = "credentialprovider.kubelet.k8s.io/v1";
const KIND: &str = "CredentialProviderRequest";

/// What the kubelet asks.
#[derive(Debug)]
pub(crate) struct KubeletRequest {
    /// For which image.
    pub(crate) image: ImageName,
    /// The token of the pod's service account; none where the configuration has no `tokenAttributes`, and for pods without one.
    pub(crate) token: Option<Secret<String>>,
    /// The annotations of the service account that the configuration names.
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KubeletRequestError {
    #[error("the request is no JSON that is understood: {0}")]
    Json(String),
    #[error("the request is of {api_version:?} {kind:?}; set apiVersion: {API_VERSION} in the kubelet's configuration")]
    Version { api_version: String, kind: String },
    #[error("{0:?} names no registry with a repository; correct matchImages")]
    Image(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: String,
    image: String,
    #[serde(default)]
    service_account_token: Option<String>,
    #[serde(default)]
    service_account_annotations: Option<BTreeMap<String, String>>,
}

/// Reads a request. Members that are not known are left aside: others may come.
pub(crate) fn read_request(bytes: &[u8]) -> Result<KubeletRequest, KubeletRequestError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| KubeletRequestError::Json(error.to_string()))?;
    if document.api_version != API_VERSION || document.kind != KIND {
        return Err(KubeletRequestError::Version { api_version: document.api_version, kind: document.kind });
    }
    let image = ImageName::parse(&document.image).ok_or(KubeletRequestError::Image(document.image))?;
    let token = document.service_account_token.filter(|token| !token.is_empty()).map(Secret::new);
    Ok(KubeletRequest { image, token, annotations: document.service_account_annotations.unwrap_or_default() })
}

/// The answer that holds credentials. They pull from the asked repository alone, so they are kept for this image only, and
/// `kept` long.
pub(crate) fn answer(image: &ImageName, credentials: &RegistryCredentials, kept: Duration) -> Value {
    let auth = json!({"username": credentials.username, "password": credentials.password.reveal()});
    let mut auths = serde_json::Map::new();
    auths.insert(image.print(), auth);
    json!({
        "apiVersion": API_VERSION,
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Image",
        "cacheDuration": format!("{}s", kept.as_secs()),
        "auth": auths,
    })
}

/// The answer for whom there are none: the pull goes on without.
pub(crate) fn answer_nothing() -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Image",
        "cacheDuration": "0s",
        "auth": null,
    })
}

/// The user of a login with a token: the role that an annotation of the service account names, or else `role`.
pub(crate) fn user(request: &KubeletRequest, annotation: Option<&str>, role: Option<&str>) -> String {
    let annotated = annotation.and_then(|key| request.annotations.get(key)).map(String::as_str);
    annotated.or(role).map_or_else(|| "oidc".into(), |role| format!("oidc/{role}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(changes: Value) -> Vec<u8> {
        let mut document = json!({
            "apiVersion": API_VERSION, "kind": KIND, "image": "reg.example.com:5000/team/app:v1",
            "serviceAccountToken": "eyJ.a.b", "serviceAccountAnnotations": {"gantry-role": "puller"},
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        document.to_string().into_bytes()
    }

    #[test]
    fn a_request_is_read_with_the_token_of_the_service_account() {
        let read = read_request(&request(json!({"later": true}))).unwrap();

        assert_eq!(read.image.print(), "reg.example.com:5000/team/app");
        assert_eq!(read.token.as_ref().unwrap().reveal(), "eyJ.a.b");
        assert_eq!(user(&read, Some("gantry-role"), Some("other")), "oidc/puller");
        assert_eq!(user(&read, Some("another"), Some("other")), "oidc/other");
        assert_eq!(user(&read, None, None), "oidc");
    }

    #[test]
    fn a_pod_without_service_account_brings_no_token() {
        for token in [json!(null), json!("")] {
            assert!(read_request(&request(json!({"serviceAccountToken": token}))).unwrap().token.is_none());
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_in_words() {
        for (bytes, words) in [
            (b"".to_vec(), "no JSON"),
            (request(json!({"apiVersion": "credentialprovider.kubelet.k8s.io/v1beta1"})), "set apiVersion"),
            (request(json!({"kind": "CredentialProviderResponse"})), "set apiVersion"),
            (request(json!({"image": "app"})), "matchImages"),
        ] {
            assert!(read_request(&bytes).unwrap_err().to_string().contains(words));
        }
    }

    #[test]
    fn an_answer_is_for_the_asked_image_alone() {
        let image = ImageName::parse("reg.example.com:5000/team/app").unwrap();
        let credentials = RegistryCredentials {
            username: "AWS".into(),
            password: Secret::new("word".into()),
            expires_at: "2026-11-26T08:00:00Z".parse().unwrap(),
        };

        let said = answer(&image, &credentials, Duration::from_secs(675));

        assert_eq!(
            said,
            json!({
                "apiVersion": API_VERSION, "kind": "CredentialProviderResponse", "cacheKeyType": "Image",
                "cacheDuration": "675s",
                "auth": {"reg.example.com:5000/team/app": {"username": "AWS", "password": "word"}},
            })
        );
        assert_eq!(answer_nothing()["auth"], Value::Null);
    }
}
