use super::{BucketError, profiles::Profiles};
use crate::config::read_text;
use gantry_words::Secret;
use std::{
    env, io,
    path::{Path, PathBuf},
};

/// The region of a store that was given none: what others than Amazon answer to.
const REGION: &str = "us-east-1";
const REGION_BYTES_MAX: usize = 64;
const CREDENTIAL_BYTES_MAX: usize = 16 << 10;

/// Who asks for a bucket, where, and in which region.
#[derive(Debug)]
pub(crate) struct BucketAccess {
    pub(super) credentials: Credentials,
    pub(super) region: String,
    /// The URL of the store; Amazon's where there is none.
    pub(super) endpoint: Option<String>,
}

/// An access key.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret: Secret<String>,
    /// What goes with the key of a session.
    pub(super) session_token: Option<Secret<String>>,
}

impl BucketAccess {
    /// Finds all of it where AWS's programs look: in the environment (`AWS_ACCESS_KEY_ID` and so on), then in the shared files.
    /// `endpoint`, a URL, goes before theirs.
    ///
    /// # Errors
    /// There are no credentials, or a file cannot be read.
    pub(crate) fn find(endpoint: Option<&str>) -> Result<BucketAccess, BucketError> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let shared = |name: &str, usual: &str| {
            let of_home = || variable("HOME").map(|home| PathBuf::from(home).join(".aws").join(usual));
            variable(name).map(PathBuf::from).or_else(of_home).map_or(Ok(String::new()), |path| read(&path))
        };
        let profiles = Profiles {
            credentials: Secret::new(shared("AWS_SHARED_CREDENTIALS_FILE", "credentials")?),
            config: Secret::new(shared("AWS_CONFIG_FILE", "config")?),
        };
        decide(variable, &profiles, endpoint)
    }

    /// A key for the tests, at a store of theirs.
    #[cfg(test)]
    pub(super) fn of_test(endpoint: String) -> BucketAccess {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret: Secret::new("wJalrXUtnFEMI".into()),
            session_token: None,
        };
        BucketAccess { credentials, region: REGION.into(), endpoint: Some(endpoint) }
    }
}

fn read(path: &Path) -> Result<String, BucketError> {
    match read_text(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => {
            read.map_err(|error| BucketError::File { path: path.display().to_string(), problem: error.to_string() })
        }
    }
}

fn decide(
    variable: impl Fn(&str) -> Option<String>,
    profiles: &Profiles,
    endpoint: Option<&str>,
) -> Result<BucketAccess, BucketError> {
    let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".into());
    let setting = |key: &str| profiles.find(&profile, key);
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or_else(|| setting("region"));
    let region = region.unwrap_or_else(|| REGION.into());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if region.len() > REGION_BYTES_MAX || !region.bytes().all(is_plain) {
        return Err(BucketError::Region { text: region });
    }
    let theirs = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].into_iter().find_map(&variable);
    let endpoint = endpoint.map(str::to_owned).or(theirs).or_else(|| setting("endpoint_url"));
    let given = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let credentials = match given {
        (None, None) => {
            let key = (setting("aws_access_key_id"), setting("aws_secret_access_key"));
            credentials(key, setting("aws_session_token"))?
        }
        key => credentials(key, variable("AWS_SESSION_TOKEN"))?,
    };
    Ok(BucketAccess { credentials, region, endpoint })
}

fn credentials(key: (Option<String>, Option<String>), token: Option<String>) -> Result<Credentials, BucketError> {
    match key {
        (Some(access_key_id), Some(secret)) => {
            let is_plain =
                |text: &str| text.len() <= CREDENTIAL_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
            // The id stands between slashes and commas in the header that is signed.
            let is_whole = is_plain(&access_key_id) && !access_key_id.contains(['/', ',']);
            if !is_whole || !is_plain(&secret) || !token.as_deref().is_none_or(is_plain) {
                return Err(BucketError::Credentials);
            }
            Ok(Credentials { access_key_id, secret: Secret::new(secret), session_token: token.map(Secret::new) })
        }
        (None, None) => Err(BucketError::NoCredentials),
        _ => Err(BucketError::Credentials),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "\
[default]
aws_access_key_id = ONE
aws_secret_access_key = one
[two]
aws_access_key_id = TWO
aws_secret_access_key = two
aws_session_token = token
";
    const CONFIG: &str = "[profile two]\nregion = eu-west-1\nendpoint_url = https://two.example\n";

    fn found(variables: &[(&str, &str)], endpoint: Option<&str>) -> Result<BucketAccess, BucketError> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        let profiles = Profiles { credentials: Secret::new(CREDENTIALS.into()), config: Secret::new(CONFIG.into()) };
        decide(variable, &profiles, endpoint)
    }

    #[test]
    fn the_environment_goes_before_the_files_and_what_was_typed_before_both() {
        let key = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "env")];
        let two = ("AWS_PROFILE", "two");
        let url = ("AWS_ENDPOINT_URL", "https://all.example");
        let of_s3 = ("AWS_ENDPOINT_URL_S3", "https://s3.example");

        for (variables, typed, id, region, endpoint) in [
            (vec![], None, "ONE", "us-east-1", None),
            (vec![two], None, "TWO", "eu-west-1", Some("https://two.example")),
            (vec![two, key[0], key[1]], None, "ENV", "eu-west-1", Some("https://two.example")),
            (vec![two, url], None, "TWO", "eu-west-1", Some("https://all.example")),
            (vec![url, of_s3], None, "ONE", "us-east-1", Some("https://s3.example")),
            (vec![of_s3], Some("http://typed"), "ONE", "us-east-1", Some("http://typed")),
            (vec![two, ("AWS_REGION", "eu-north-1")], None, "TWO", "eu-north-1", Some("https://two.example")),
            (vec![("AWS_DEFAULT_REGION", "eu-north-1")], None, "ONE", "eu-north-1", None),
        ] {
            let access = found(&variables, typed).unwrap();

            let said = (access.credentials.access_key_id.as_str(), access.region.as_str(), access.endpoint.as_deref());
            assert_eq!(said, (id, region, endpoint), "{variables:?}");
        }
        assert!(found(&[two], None).unwrap().credentials.session_token.is_some());
    }

    #[test]
    fn half_a_key_and_what_cannot_be_sent_are_refused() {
        for variables in [
            vec![("AWS_ACCESS_KEY_ID", "ENV")],
            vec![("AWS_ACCESS_KEY_ID", "A/B"), ("AWS_SECRET_ACCESS_KEY", "x")],
            vec![("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_SESSION_TOKEN", "a\nb")],
        ] {
            assert!(matches!(found(&variables, None), Err(BucketError::Credentials)), "{variables:?}");
        }
        assert!(matches!(found(&[("AWS_PROFILE", "none")], None), Err(BucketError::NoCredentials)));
        assert!(matches!(found(&[("AWS_REGION", "a.b/c")], None), Err(BucketError::Region { .. })));
    }

    #[test]
    fn no_secret_is_shown() {
        let access = found(&[("AWS_PROFILE", "two")], None).unwrap();

        let shown = format!("{access:?}");

        assert!(!shown.contains("two\"") && !shown.contains("token\""), "{shown}");
    }
}
