//! Secrets that the kubelet pulls with (Kubernetes documentation, "Docker config Secrets").

use super::RegistryCredentials;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Which form it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretForm {
    /// `kubernetes.io/dockerconfigjson`.
    Config,
    /// The old `kubernetes.io/dockercfg`.
    Legacy,
}

/// Where a secret is to stand, and for what.
#[derive(Clone, Debug)]
pub(crate) struct PullSecret<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) form: SecretForm,
    /// The registry, with a path where it is for that part of it only: `reg.example.com:5000/team`.
    pub(crate) registry: &'a str,
}

/// The secret as a manifest.
pub(crate) fn print(secret: &PullSecret<'_>, credentials: &RegistryCredentials) -> Value {
    let (user, password) = (&credentials.username, credentials.password.reveal());
    let mut auths = serde_json::Map::new();
    let auth = STANDARD.encode(format!("{user}:{password}"));
    auths.insert(secret.registry.into(), json!({"username": user, "password": password, "auth": auth}));
    let (kind, key, content) = match secret.form {
        SecretForm::Config => ("kubernetes.io/dockerconfigjson", ".dockerconfigjson", json!({"auths": auths})),
        SecretForm::Legacy => ("kubernetes.io/dockercfg", ".dockercfg", Value::Object(auths)),
    };
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret.name, "namespace": secret.namespace},
        "type": kind,
        "data": {key: STANDARD.encode(content.to_string())},
    })
}

/// Where the API server takes it (Kubernetes documentation, "Server-Side Apply").
pub(crate) fn path(secret: &PullSecret<'_>) -> String {
    let (namespace, name) = (secret.namespace, secret.name);
    format!("/api/v1/namespaces/{namespace}/secrets/{name}?fieldManager=gantry&force=true")
}

/// Whether a name is one of Kubernetes (RFC 1123, in lower case; dots only where `dots` are allowed).
pub(crate) fn is_name(text: &str, dots: bool) -> bool {
    let is_inner =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || dots && byte == b'.';
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    let bytes_max = if dots { 253 } else { 63 };
    bytes.len() <= bytes_max
        && bytes.iter().all(|byte| is_inner(*byte))
        && is_end(bytes.first())
        && is_end(bytes.last())
}

/// What lets nodes mint tokens of service accounts for an audience, which they may not by themselves.
pub(crate) fn node_access(audience: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "gantry-node-token-audience"},
            "rules": [{
                "apiGroups": [""], "resources": [audience], "verbs": ["request-serviceaccounts-token-audience"],
            }],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "gantry-node-token-audience"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "gantry-node-token-audience",
            },
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}],
        },
    ]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Secret;

    fn data(form: SecretForm, key: &str) -> (Value, Value) {
        let secret = PullSecret { name: "pull", namespace: "prod", form, registry: "reg.example.com:5000/team" };
        let credentials = RegistryCredentials {
            username: "AWS".into(),
            password: Secret::new("word".into()),
            expires_at: "2026-11-26T08:00:00Z".parse().unwrap(),
        };
        let mut manifest = print(&secret, &credentials);
        let content = STANDARD.decode(manifest["data"][key].as_str().unwrap()).unwrap();
        manifest["data"] = json!(null);
        (manifest, serde_json::from_slice(&content).unwrap())
    }

    #[test]
    fn a_secret_holds_what_docker_would_have_in_its_file() {
        let (manifest, content) = data(SecretForm::Config, ".dockerconfigjson");

        assert_eq!(
            manifest,
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "data": null,
                "metadata": {"name": "pull", "namespace": "prod"},
            })
        );
        let auth = json!({"username": "AWS", "password": "word", "auth": "QVdTOndvcmQ="});
        assert_eq!(content, json!({"auths": {"reg.example.com:5000/team": auth}}));
    }

    #[test]
    fn the_old_form_is_the_inner_map_alone() {
        let (manifest, content) = data(SecretForm::Legacy, ".dockercfg");

        assert_eq!(manifest["type"], "kubernetes.io/dockercfg");
        assert_eq!(content["reg.example.com:5000/team"]["auth"], "QVdTOndvcmQ=");
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_the_address() {
        assert!(is_name("pull-secret.v1", true) && is_name("prod", false));
        for name in ["", "a/b", "../x", "A", "a?b", "-a", "a-", "a%2f", &"a".repeat(254)] {
            assert!(!is_name(name, true), "{name}");
        }
        assert!(!is_name("a.b", false));
    }

    #[test]
    fn nodes_are_let_mint_tokens_for_one_audience() {
        let manifest = node_access("reg.example.com");

        assert_eq!(manifest["items"][0]["rules"][0]["resources"], json!(["reg.example.com"]));
        assert_eq!(manifest["items"][1]["subjects"][0]["name"], "system:nodes");
    }
}
