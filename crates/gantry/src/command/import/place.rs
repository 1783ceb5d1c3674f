use gantry_oci::Reference;
use gantry_words::RepositoryName;
use std::str::FromStr;

/// How a registry is named, and whether it is asked over https.
const SCHEMES: [(&str, bool); 4] =
    [("docker://", true), ("oci://", true), ("docker+http://", false), ("oci+http://", false)];
/// The longest host with its port.
const HOST_BYTES_MAX: usize = 260;
/// Docker Hub as people call it, where its API is, and by what docker's configuration calls it.
const HUB: [&str; 2] = ["docker.io", "index.docker.io"];
const HUB_API: &str = "registry-1.docker.io";
const HUB_LOGIN: &str = "https://index.docker.io/v1/";
/// What is before the names of images that are Docker Hub's own.
const HUB_OWN: &str = "library/";

/// A registry, or a part of it: `docker://HOST[:PORT]`, `…/PREFIX/`, `…/REPOSITORY`, `…/REPOSITORY:TAG` or `…/REPOSITORY@DIGEST`.
/// `oci://` is the same, `docker+http://` and `oci+http://` are for registries without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RegistryPlace {
    /// Whether it is asked over https.
    pub(super) is_tls: bool,
    /// Its host, with the port where there is one.
    pub(super) host: String,
    /// What of it.
    pub(super) wanted: Wanted,
}

/// What of a registry is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every repository whose name begins so: with nothing, or with something that ends in a slash.
    Below(String),
    /// One repository, or one image of it.
    One(RepositoryName, Option<Reference>),
}

/// A text names no registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} names no registry: {problem}; write docker://HOST, docker://HOST/PREFIX/, docker://HOST/REPOSITORY, \
     docker://HOST/REPOSITORY:TAG or docker://HOST/REPOSITORY@DIGEST, and docker+http:// for one without TLS"
)]
pub(super) struct RegistryPlaceError {
    text: String,
    problem: String,
}

impl RegistryPlace {
    /// Whether a text begins as the name of a registry does.
    pub(super) fn is_meant(text: &str) -> bool {
        SCHEMES.iter().any(|(scheme, _)| text.starts_with(scheme))
    }

    /// By what docker's configuration calls it.
    pub(super) fn login_host(&self) -> &str {
        if self.host == HUB_API { HUB_LOGIN } else { &self.host }
    }

    /// Its address, without a slash at the end.
    pub(super) fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}

impl FromStr for RegistryPlace {
    type Err = RegistryPlaceError;

    fn from_str(text: &str) -> Result<Self, RegistryPlaceError> {
        let refuse = |problem: &dyn ToString| RegistryPlaceError {
            text: text.chars().take(300).collect(),
            problem: problem.to_string(),
        };
        let found = SCHEMES.iter().find_map(|(scheme, is_tls)| Some((text.strip_prefix(scheme)?, *is_tls)));
        let (rest, is_tls) = found.ok_or_else(|| refuse(&"its scheme is another"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_of_hosts = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.bytes().all(is_of_hosts) {
            return Err(refuse(&"it has no host that can be asked, or more than a host before the first slash"));
        }
        let is_hub = HUB.contains(&host);
        let wanted = match path {
            "" => Wanted::Below(String::new()),
            prefix if prefix.ends_with('/') => {
                let name = prefix.trim_end_matches('/').parse::<RepositoryName>().map_err(|error| refuse(&error))?;
                Wanted::Below(format!("{name}/"))
            }
            path => {
                let (name, reference) = match (path.split_once('@'), path.split_once(':')) {
                    // What has no `:` would be taken for a tag.
                    (Some((name, digest)), _) if digest.contains(':') => (name, Some(digest)),
                    (Some(_), _) => return Err(refuse(&"no digest stands behind the @")),
                    (None, Some((name, tag))) => (name, Some(tag)),
                    (None, None) => (path, None),
                };
                let own = if is_hub && !name.contains('/') { HUB_OWN } else { "" };
                let name = format!("{own}{name}")
                    .parse()
                    .map_err(|error: gantry_words::RepositoryNameError| refuse(&error))?;
                let reference = reference.map(str::parse).transpose();
                Wanted::One(name, reference.map_err(|error: gantry_oci::ReferenceError| refuse(&error))?)
            }
        };
        let host = if is_hub { HUB_API.to_owned() } else { host.to_owned() };
        Ok(RegistryPlace { is_tls, host, wanted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> RegistryPlace {
        text.parse().unwrap()
    }

    fn one(name: &str, reference: Option<&str>) -> Wanted {
        Wanted::One(name.parse().unwrap(), reference.map(|text| text.parse().unwrap()))
    }

    #[test]
    fn a_registry_is_wanted_whole_or_below_a_name_or_one_repository_or_image_of_it() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let by_digest = format!("docker://r.example.com/app@{digest}");
        for (text, wanted) in [
            ("docker://r.example.com", Wanted::Below(String::new())),
            ("docker://r.example.com/", Wanted::Below(String::new())),
            ("oci://r.example.com/team/", Wanted::Below("team/".into())),
            ("docker://r.example.com/team/app", one("team/app", None)),
            ("docker://r.example.com/team/app:v1", one("team/app", Some("v1"))),
            (by_digest.as_str(), one("app", Some(&digest))),
        ] {
            let found = place(text);

            assert_eq!(found, RegistryPlace { is_tls: true, host: "r.example.com".into(), wanted }, "{text}");
        }
    }

    #[test]
    fn a_registry_without_tls_has_to_be_named_so() {
        assert!(place("docker://localhost:5000").is_tls);
        for text in ["docker+http://[::1]:5000/app", "oci+http://[::1]:5000/app"] {
            assert_eq!(place(text).url(), "http://[::1]:5000");
        }
    }

    #[test]
    fn docker_hub_is_asked_where_its_api_is() {
        let found = place("docker://docker.io/alpine:3");

        assert_eq!(found.url(), "https://registry-1.docker.io");
        assert_eq!(found.wanted, one("library/alpine", Some("3")));
        assert_eq!(found.login_host(), "https://index.docker.io/v1/");
        assert_eq!(place("docker://r.example.com").login_host(), "r.example.com");
    }

    #[test]
    fn what_names_no_registry_is_refused() {
        for text in [
            "docker://",
            "docker:///app",
            "docker://user:secret@r.example.com/app",
            "docker://r.example.com/Upper",
            "docker://r.example.com/app@v1",
            "docker://r.example.com/app:v1:v2",
            "docker://r.example.com/app:v1@sha256:00",
            "docker://r.ex ample.com",
            "https://r.example.com/app",
        ] {
            let refused = text.parse::<RegistryPlace>();

            assert!(refused.is_err(), "{text}: {refused:?}");
        }
    }
}
