//! The files that AWS's programs share (AWS SDKs and Tools Reference Guide, "Shared config and credentials files").

use gantry_words::Secret;

/// The texts of `credentials` and `config`, each empty where there is none.
pub(super) struct Profiles {
    pub(super) credentials: Secret<String>,
    pub(super) config: Secret<String>,
}

impl Profiles {
    /// Returns a setting of a profile, such as `region`: `credentials` goes before `config`.
    pub(super) fn find(&self, profile: &str, key: &str) -> Option<String> {
        let of_config = |section: &str| match section.strip_prefix("profile") {
            Some(name) if name.starts_with(char::is_whitespace) => name.trim() == profile,
            _ => section == profile && profile == "default",
        };
        let of_credentials = |section: &str| section == profile;
        let own = value(self.credentials.reveal(), of_credentials, key);
        own.or_else(|| value(self.config.reveal(), of_config, key))
    }
}

/// Returns the last value of a key in the sections asked for. What is indented belongs to the line before it, and is not read.
fn value(text: &str, is_asked: impl Fn(&str) -> bool, key: &str) -> Option<String> {
    let (mut is_within, mut found) = (false, None);
    for line in text.lines().filter(|line| !line.starts_with(char::is_whitespace)) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(section, _)| section)
        {
            is_within = is_asked(section.trim());
        } else if is_within
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case(key)
        {
            found = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIA1\n[ci]\nAWS_ACCESS_KEY_ID=AKIA2\nregion=\n";
    const CONFIG: &str = "\
[default]
region = us-east-1
[profile ci]
# endpoint_url = http://commented.example
region=eu-west-1
s3 =
  endpoint_url = http://nested.example
[profile other]
region = eu-north-1
[services x]
endpoint_url = http://service.example
";

    #[test]
    fn a_setting_is_that_of_its_profile() {
        let profiles = Profiles { credentials: Secret::new(CREDENTIALS.into()), config: Secret::new(CONFIG.into()) };

        for (profile, key, value) in [
            ("default", "aws_access_key_id", Some("AKIA1")),
            ("ci", "aws_access_key_id", Some("AKIA2")),
            ("default", "region", Some("us-east-1")),
            ("ci", "region", Some("eu-west-1")),
            ("ci", "endpoint_url", None),
            ("services x", "endpoint_url", None),
            ("none", "region", None),
        ] {
            assert_eq!(profiles.find(profile, key).as_deref(), value, "{profile} {key}");
        }
    }
}
