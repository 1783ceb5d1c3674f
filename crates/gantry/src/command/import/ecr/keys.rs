//! Whose keys sign what ECR is asked, and where a registry of ECR is: what AWS's own programs read from the environment, from
//! `~/.aws/credentials` and from `~/.aws/config`.

use crate::{command::import::api_client::ApiError, config::read_text};
use gantry_words::{Region, Secret};
use std::path::{Path, PathBuf};

/// Lines of a file that are read.
const LINES_MAX: usize = 100_000;

/// An access key.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(super) id: String,
    pub(super) secret: Secret<String>,
    /// Of a role or a login.
    pub(super) session_token: Option<Secret<String>>,
}

/// A registry of ECR, by its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The address of its API.
    pub(crate) endpoint: String,
    pub(crate) region: String,
    /// The account; `None` is that of the keys.
    pub(crate) registry_id: Option<String>,
}

/// Finds where the API of a registry is, by an address such as `https://012345678910.dkr.ecr.eu-west-1.amazonaws.com`; `None`
/// where that is none of AWS's.
pub(crate) fn place_of(base: &str) -> Option<Place> {
    let host = base.split_once("://").map_or(base, |(_, rest)| rest).trim_end_matches('/');
    let (account, rest) = host.split_once('.')?;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (service, rest) = [("api.ecr", "dkr.ecr."), ("ecr-fips", "dkr.ecr-fips."), ("ecr", "dkr-ecr.")]
        .into_iter()
        .find_map(|(service, begin)| rest.strip_prefix(begin).map(|rest| (service, rest)))?;
    let (region, domain) = rest.split_once('.')?;
    region.parse::<Region>().ok()?;
    let domain = match (service, domain) {
        ("ecr", "on.aws") => "api.aws",
        ("api.ecr" | "ecr-fips", "amazonaws.com") => "amazonaws.com",
        ("api.ecr", "amazonaws.com.cn") => "amazonaws.com.cn",
        _ => return None,
    };
    let endpoint = format!("https://{service}.{region}.{domain}");
    Some(Place { endpoint, region: region.to_owned(), registry_id: Some(account.to_owned()) })
}

/// What is asked of the machine: variables and files by name.
pub(super) struct Machine<'a> {
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    pub(super) file: &'a dyn Fn(&Path) -> Option<String>,
}

impl Machine<'_> {
    /// Runs with the real one.
    pub(super) fn real<T>(run: impl FnOnce(&Machine<'_>) -> T) -> T {
        let variable = |name: &str| std::env::var(name).ok();
        // A file that is not there says nothing, as it does for AWS's programs.
        let file = |path: &Path| read_text(path).ok();
        run(&Machine { variable: &variable, file: &file })
    }

    fn set(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn profile(&self) -> String {
        self.set("AWS_PROFILE").unwrap_or_else(|| "default".into())
    }

    fn read(&self, variable: &str, name: &str) -> Option<String> {
        let home = || self.set("HOME").map(|home| PathBuf::from(home).join(".aws").join(name));
        (self.file)(&self.set(variable).map(PathBuf::from).or_else(home)?)
    }

    /// Finds the keys: those of the environment, else those of the profile.
    ///
    /// # Errors
    /// There are none that are written down: logins and roles are first to be made keys of.
    pub(super) fn keys(&self) -> Result<Keys, ApiError> {
        let of = |id: Option<String>, secret: Option<String>, token: Option<String>| {
            let (id, secret) = id.zip(secret)?;
            Some(Keys { id, secret: Secret::new(secret), session_token: token.map(Secret::new) })
        };
        let (id, secret) = (self.set("AWS_ACCESS_KEY_ID"), self.set("AWS_SECRET_ACCESS_KEY"));
        if let Some(keys) = of(id, secret, self.set("AWS_SESSION_TOKEN")) {
            return Ok(keys);
        }
        let profile = self.profile();
        let credentials = self.read("AWS_SHARED_CREDENTIALS_FILE", "credentials").unwrap_or_default();
        let config = self.read("AWS_CONFIG_FILE", "config").unwrap_or_default();
        let found =
            |name: &str| in_profile(&credentials, &profile, name).or_else(|| in_profile(&config, &profile, name));
        let keys = of(found("aws_access_key_id"), found("aws_secret_access_key"), found("aws_session_token"));
        keys.ok_or_else(|| ApiError::Keys {
            problem: format!("no keys of AWS are set, and profile {profile} has none in ~/.aws/credentials"),
            remedy: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as with: \
                     eval $(aws configure export-credentials --format env)",
        })
    }

    /// Finds the region that is set; `None` where none is.
    pub(super) fn region(&self) -> Option<String> {
        let in_file = || in_profile(&self.read("AWS_CONFIG_FILE", "config")?, &self.profile(), "region");
        self.set("AWS_REGION").or_else(|| self.set("AWS_DEFAULT_REGION")).or_else(in_file)
    }
}

/// Finds a setting of a profile in a file of AWS's (INI; sections are `[name]` or `[profile name]`): the last one there.
pub(crate) fn in_profile(text: &str, profile: &str, setting: &str) -> Option<String> {
    let (mut is_inside, mut found) = (false, None);
    for line in text.lines().take(LINES_MAX) {
        // What is indented belongs to a setting above.
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        let line = line.trim_end();
        if let Some(section) = line.strip_prefix('[') {
            let name = section.split(']').next().unwrap_or_default().trim();
            let name = name.strip_prefix("profile ").map_or(name, str::trim);
            is_inside = name == profile;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_inside)
            && name.trim().eq_ignore_ascii_case(setting)
        {
            found = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const CREDENTIALS: &str = "# keys\n[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key=one\n\n[work]\n\
        aws_access_key_id=ASIAWORK\nAWS_Secret_Access_Key = two \naws_session_token = three\nnested =\n  region = not-this\n";
    const CONFIG: &str = "[default]\nregion = us-east-1\n[profile work]\nregion = eu-west-1\n";

    fn with<T>(variables: &[(&str, &str)], run: impl FnOnce(&Machine<'_>) -> T) -> T {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let variable = |name: &str| variables.get(name).map(|value| (*value).to_owned());
        let file = |path: &Path| match path.to_str() {
            Some("/home/a/.aws/credentials" | "/elsewhere") => Some(CREDENTIALS.to_owned()),
            Some("/home/a/.aws/config") => Some(CONFIG.to_owned()),
            _ => None,
        };
        run(&Machine { variable: &variable, file: &file })
    }

    /// Id, secret and token in one line.
    fn print(keys: &Keys) -> String {
        let token = keys.session_token.as_ref().map_or("-", |token| token.reveal().as_str());
        format!("{} {} {token}", keys.id, keys.secret.reveal())
    }

    #[test]
    fn a_registry_of_aws_says_where_its_api_is() {
        for (base, endpoint) in [
            ("https://012345678910.dkr.ecr.eu-west-1.amazonaws.com", "https://api.ecr.eu-west-1.amazonaws.com"),
            ("012345678910.dkr.ecr.cn-north-1.amazonaws.com.cn/", "https://api.ecr.cn-north-1.amazonaws.com.cn"),
            ("https://012345678910.dkr.ecr-fips.us-east-1.amazonaws.com", "https://ecr-fips.us-east-1.amazonaws.com"),
            ("https://012345678910.dkr-ecr.us-east-1.on.aws", "https://ecr.us-east-1.api.aws"),
        ] {
            let place = place_of(base).unwrap();

            assert_eq!((place.endpoint.as_str(), place.registry_id.as_deref()), (endpoint, Some("012345678910")));
        }
        for other in [
            "https://127.0.0.1:5000",
            "https://registry.example",
            "https://1234.dkr.ecr.eu-west-1.amazonaws.com",
            "https://012345678910.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "https://012345678910.dkr.ecr.a/b.amazonaws.com",
        ] {
            assert_eq!(place_of(other), None, "{other}");
        }
    }

    #[test]
    fn keys_of_the_environment_go_before_those_of_the_profile() {
        let home = ("HOME", "/home/a");
        let keys = |variables: &[(&str, &str)]| with(variables, |machine| machine.keys().map(|keys| print(&keys)));

        let set = [home, ("AWS_ACCESS_KEY_ID", "AKIASET"), ("AWS_SECRET_ACCESS_KEY", "set")];
        assert_eq!(keys(&set).unwrap(), "AKIASET set -");
        assert_eq!(keys(&[home]).unwrap(), "AKIADEFAULT one -");
        assert_eq!(keys(&[home, ("AWS_PROFILE", "work")]).unwrap(), "ASIAWORK two three");
        assert_eq!(keys(&[("AWS_SHARED_CREDENTIALS_FILE", "/elsewhere")]).unwrap(), "AKIADEFAULT one -");
        let refused = keys(&[home, ("AWS_PROFILE", "none")]).unwrap_err().to_string();
        assert!(refused.contains("profile none") && refused.contains("export-credentials"), "{refused}");
    }

    #[test]
    fn the_region_is_that_of_the_environment_or_of_the_profile() {
        let region = |variables: &[(&str, &str)]| with(variables, |machine| machine.region());

        assert_eq!(region(&[("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b")]).as_deref(), Some("a"));
        assert_eq!(region(&[("AWS_DEFAULT_REGION", "b"), ("HOME", "/home/a")]).as_deref(), Some("b"));
        assert_eq!(region(&[("HOME", "/home/a"), ("AWS_PROFILE", "work")]).as_deref(), Some("eu-west-1"));
        assert_eq!(region(&[]), None);
    }
}
