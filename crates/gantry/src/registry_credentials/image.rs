use gantry_words::RepositoryName;

/// What an image's name says: `reg.example.com:5000/team/app`, with or without tag and digest behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// Host, and port where there is one.
    pub(crate) host: String,
    /// The repository.
    pub(crate) repository: RepositoryName,
}

impl ImageName {
    /// Reads a name as the kubelet writes it; none where it names no registry, or what follows is no repository.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, rest) = text.split_once('/')?;
        // Docker takes the first part for a host only where it looks like one.
        let looks_like_one = host == "localhost" || host.contains(['.', ':']);
        if !looks_like_one || !is_host(host) {
            return None;
        }
        let rest = rest.split_once('@').map_or(rest, |(name, _)| name);
        let name = rest.rsplit_once(':').map_or(rest, |(name, _)| name);
        Some(ImageName { host: host.to_ascii_lowercase(), repository: name.parse().ok()? })
    }

    /// The name without tag and digest.
    pub(crate) fn print(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }
}

/// Whether a text is a host, with a port or without.
pub(super) fn is_host(text: &str) -> bool {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    let ends = text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == ']');
    begins && ends && text.len() <= 255 && text.bytes().all(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_registry_and_a_repository_whatever_comes_behind() {
        for (text, host, repository) in [
            ("reg.example.com/team/app", "reg.example.com", "team/app"),
            ("reg.example.com:5000/team/app:v1", "reg.example.com:5000", "team/app"),
            ("Reg.example.com/app@sha256:aa", "reg.example.com", "app"),
            ("reg.example.com/app:v1@sha256:aa", "reg.example.com", "app"),
            ("localhost/app", "localhost", "app"),
            ("[::1]:5000/app", "[::1]:5000", "app"),
        ] {
            let name = ImageName::parse(text).unwrap();
            assert_eq!((name.host.as_str(), name.repository.as_str()), (host, repository), "{text}");
        }
        for text in
            ["", "app", "team/app", "reg.example.com/", "reg.example.com/Team", "a b.c/app", "../x", "reg.x/../y"]
        {
            assert_eq!(ImageName::parse(text), None, "{text}");
        }
    }
}
