use gantry_oci::Tag;
use gantry_words::RepositoryName;
use std::collections::BTreeMap;

/// The annotation that names a tag (OCI Image 1.1.1, Annotations), and containerd's with the whole name.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
pub(crate) const IMAGE_NAME: &str = "io.containerd.image.name";

/// What layouts and archives call an image, as far as it is a repository and a tag here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// Without the host.
    pub(crate) repository: Option<RepositoryName>,
    /// The tag.
    pub(crate) tag: Option<Tag>,
}

impl ImageName {
    /// Reads `[host/]repository[:tag][@digest]`. What is no repository, or no tag, is left out.
    pub(crate) fn parse(text: &str) -> ImageName {
        let text = text.split_once('@').map_or(text, |(name, _)| name);
        let (name, tag) = match text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            Some((name, tag)) => (name, tag.parse().ok()),
            None => (text, None),
        };
        ImageName { repository: without_host(name).parse().ok(), tag }
    }

    /// Writes a whole name such that [`ImageName::parse`] reads it again.
    pub(crate) fn print(repository: &str, tag: &str) -> String {
        // What looks like a host is not to be taken for one.
        let host = if without_host(repository) == repository { "" } else { "localhost/" };
        format!("{host}{repository}{tag}")
    }

    /// Reads what annotations say: a whole name, or a tag alone.
    pub(crate) fn of(annotations: &BTreeMap<String, String>) -> ImageName {
        let whole = annotations.get(IMAGE_NAME).map(|text| ImageName::parse(text));
        let short = annotations.get(REF_NAME).map(|text| match text.parse::<Tag>() {
            Ok(tag) => ImageName { repository: None, tag: Some(tag) },
            Err(_) => ImageName::parse(text),
        });
        match (whole, short) {
            (Some(whole), short) => ImageName { tag: whole.tag.or(short.and_then(|short| short.tag)), ..whole },
            (None, short) => short.unwrap_or_default(),
        }
    }
}

/// The name without a registry's host, which has a dot or a port, as docker reads it.
fn without_host(name: &str) -> &str {
    match name.split_once('/') {
        Some(("docker.io" | "index.docker.io", rest)) => rest.strip_prefix("library/").unwrap_or(rest),
        Some((host, rest)) if host == "localhost" || host.contains(['.', ':']) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: ImageName) -> (String, String) {
        (
            name.repository.map(|name| name.to_string()).unwrap_or_default(),
            name.tag.map(|tag| tag.to_string()).unwrap_or_default(),
        )
    }

    #[test]
    fn a_name_is_a_repository_and_a_tag_without_the_host() {
        for (text, repository, tag) in [
            ("app:v1", "app", "v1"),
            ("team/app:v1", "team/app", "v1"),
            ("localhost/app:latest", "app", "latest"),
            ("registry.example:5000/team/app", "team/app", ""),
            ("docker.io/library/app:latest", "app", "latest"),
            ("docker.io/team/app:latest", "team/app", "latest"),
            ("team/app@sha256:00", "team/app", ""),
            ("Team/App:v1", "", "v1"),
            ("app:.bad", "app", ""),
        ] {
            assert_eq!(parts(ImageName::parse(text)), (repository.into(), tag.into()), "{text}");
        }
    }

    #[test]
    fn a_printed_name_is_read_again() {
        for repository in ["app", "team/app", "my.team/app", "localhost/app", "docker.io/library/app"] {
            let printed = ImageName::print(repository, ":v1");

            assert_eq!(parts(ImageName::parse(&printed)), (repository.into(), "v1".into()), "{printed}");
        }
    }

    #[test]
    fn a_short_name_is_a_tag_and_a_whole_one_goes_before_it() {
        let of = |pairs: &[(&str, &str)]| {
            parts(ImageName::of(&pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()))
        };

        assert_eq!(of(&[(REF_NAME, "v1")]), (String::new(), "v1".into()));
        assert_eq!(of(&[(REF_NAME, "team/app:v1")]), ("team/app".into(), "v1".into()));
        assert_eq!(of(&[(REF_NAME, "v1"), (IMAGE_NAME, "docker.io/library/app:v1")]), ("app".into(), "v1".into()));
        assert_eq!(of(&[]), (String::new(), String::new()));
    }
}
