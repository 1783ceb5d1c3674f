use crate::filter::Template;
use gantry_words::{Period, Secret};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use url::Url;

const TIMEOUT_MIN: Period = Period::seconds(1);
const TIMEOUT_MAX: Period = Period::seconds(60);
const CONNECTIONS_MAX: u32 = 100;
const FAILURES_MAX: u32 = 100;
const FAILURES_PERIOD_MIN: Period = Period::minutes(1);
const FAILURES_PERIOD_MAX: Period = Period::hours(24);

/// How the directory is asked. Without an address it is not.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The directory: `ldaps://HOST` or `ldap://HOST`, with a port where it is another than 636 or 389. With `ldap://` TLS begins
    /// with StartTLS, and nothing is said before; without TLS no directory is asked.
    pub url: Option<String>,
    /// A PEM file of authorities whose certificates are believed instead of those of the machine.
    pub ca_file: Option<PathBuf>,
    /// As whom people are looked for; anonymously where nobody is named.
    pub bind_dn: Option<String>,
    /// His password.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub bind_password: Option<Secret<String>>,
    /// A file with his password.
    pub bind_password_file: Option<PathBuf>,
    /// Where people are looked for, with all that is below: a DN.
    pub user_base: String,
    /// Who is looked for; `{name}` is the name that somebody logs in with. For Active Directory
    /// `(&(objectCategory=person)(sAMAccountName={name})(!(userAccountControl:1.2.840.113556.1.4.803:=2)))`.
    pub user_filter: String,
    /// The attribute that holds the name as the directory spells it; `sAMAccountName` for Active Directory.
    pub name_attribute: String,
    /// The attribute that holds the id that never changes; `objectGUID` for Active Directory.
    pub id_attribute: String,
    /// Where groups are looked for, with all that is below: a DN. Without it only `memberOf` of a person tells his groups.
    pub group_base: String,
    /// Which groups hold somebody; `{dn}` is his DN. `(member:1.2.840.113556.1.4.1941:={dn})` lets Active Directory find groups
    /// within groups.
    pub group_filter: String,
    /// Whether who is in a group is in those that hold it too. They are looked for with `group_filter`, up to eight levels and
    /// 500 groups.
    pub nested_groups: bool,
    /// Which role the members of a group have: `GROUP -> ROLE`, the group a DN, the role its name or ARN, such as
    /// `cn=developers,ou=groups,dc=example,dc=org -> developer`. Of several the first counts whose role is there.
    pub roles: Vec<String>,
    /// How many passwords of a person may be wrong within `failures_period` before the directory is not asked about another, from
    /// whatever address it comes; less than after how many it locks him; 0 for any number. The last of them is for addresses from
    /// which he has logged in. Logins that are under way count as wrong until they end, so that of several of one person at once some
    /// are told to wait.
    pub failures_per_person: u32,
    /// Within which time, 1m to 24h; at least that after which the directory forgets wrong passwords.
    #[schemars(with = "String")]
    pub failures_period: Period,
    /// How long the directory has for a login, 1s to 60s.
    #[schemars(with = "String")]
    pub timeout: Period,
    /// How many logins ask it at once, 1 to 100; as many connections of the service stay open.
    pub connections_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            url: None,
            ca_file: None,
            bind_dn: None,
            bind_password: None,
            bind_password_file: None,
            user_base: String::new(),
            user_filter: "(&(objectClass=person)(uid={name}))".into(),
            name_attribute: "uid".into(),
            id_attribute: "entryUUID".into(),
            group_base: String::new(),
            group_filter: "(member={dn})".into(),
            nested_groups: false,
            roles: Vec::new(),
            failures_per_person: 0,
            failures_period: Period::minutes(10),
            timeout: Period::seconds(5),
            connections_max: 8,
        }
    }
}

/// Why no directory can be asked.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting cannot be meant.
    #[error("ldap.{0}")]
    Setting(String),
    /// A file cannot be read.
    #[error("ldap.{setting} names {path}, which cannot be read: {error}")]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The file of authorities holds none.
    #[error("ldap.ca_file names {0}, which holds no certificate that can be read; write certificates in PEM")]
    Authorities(String),
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant. It begins with the name of the setting.
    pub fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let Some(url) = &self.url else { return complaints };
        if parse_url(url).is_none() {
            complaints.push("url is no address of a directory; write ldaps://HOST or ldap://HOST".into());
        }
        if self.user_base.is_empty() {
            complaints.push(
                "user_base is empty; write the DN below which people are, such as ou=people,dc=example,dc=org".into(),
            );
        }
        let filters = [("user_filter", &self.user_filter, "{name}"), ("group_filter", &self.group_filter, "{dn}")];
        for (name, text, place) in filters {
            if Template::parse(text, place).is_none() {
                complaints.push(format!("{name} is {text:?}; write a filter in brackets with {place} in it"));
            }
        }
        for (name, text) in [("name_attribute", &self.name_attribute), ("id_attribute", &self.id_attribute)] {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                complaints.push(format!("{name} is {text:?}; write the name of an attribute"));
            }
        }
        match (&self.bind_dn, &self.bind_password, &self.bind_password_file) {
            (None, None, None) | (Some(_), Some(_), None) | (Some(_), None, Some(_)) => {}
            (Some(_), None, None) => {
                complaints.push("bind_dn is set without a password; set bind_password or bind_password_file".into());
            }
            (Some(_), Some(_), Some(_)) => {
                complaints.push("bind_password is set beside bind_password_file; set one of them".into());
            }
            (None, ..) => {
                complaints.push("bind_dn is missing, but there is a password for it; set both, or neither".into())
            }
        }
        if self.roles.is_empty() {
            complaints.push("roles is empty, so nobody could log in; write GROUP -> ROLE".into());
        }
        if self.failures_per_person > FAILURES_MAX {
            let count = self.failures_per_person;
            complaints
                .push(format!("failures_per_person is {count}; write at most {FAILURES_MAX}, or 0 for any number"));
        }
        if !(FAILURES_PERIOD_MIN..=FAILURES_PERIOD_MAX).contains(&self.failures_period) {
            let period = self.failures_period;
            complaints.push(format!(
                "failures_period is {period}; write a duration from {FAILURES_PERIOD_MIN} to {FAILURES_PERIOD_MAX}"
            ));
        }
        if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&self.timeout) {
            complaints
                .push(format!("timeout is {}; write a duration from {TIMEOUT_MIN} to {TIMEOUT_MAX}", self.timeout));
        }
        if !(1..=CONNECTIONS_MAX).contains(&self.connections_max) {
            complaints.push(format!("connections_max is {}; write 1 to {CONNECTIONS_MAX}", self.connections_max));
        }
        complaints
    }
}

/// Reads the address of a directory.
pub(crate) fn parse_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let is_one = matches!(url.scheme(), "ldap" | "ldaps") && matches!(url.path(), "" | "/");
    (is_one && is_bare && url.host_str().is_some_and(|host| !host.is_empty())).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Settings {
        Settings {
            url: Some("ldaps://ldap.example.org".into()),
            user_base: "ou=people,dc=example,dc=org".into(),
            roles: vec!["cn=dev,dc=example,dc=org -> developer".into()],
            ..Settings::default()
        }
    }

    #[test]
    fn without_an_address_nothing_is_asked_of_the_rest() {
        assert_eq!(Settings::default().check(), Vec::<String>::new());
        assert_eq!(usual().check(), Vec::<String>::new());
    }

    #[test]
    fn every_value_that_cannot_be_meant_is_named() {
        let wrong = Settings {
            url: Some("http://ldap.example.org".into()),
            user_base: String::new(),
            user_filter: "uid={name}".into(),
            group_filter: "(member=x)".into(),
            name_attribute: "a b".into(),
            id_attribute: String::new(),
            bind_password: Some(Secret::new("x".into())),
            timeout: Period::seconds(61),
            connections_max: 0,
            ..Settings::default()
        };

        let complaints = wrong.check();

        let keys: Vec<_> = complaints.iter().filter_map(|sentence| sentence.split(' ').next()).collect();
        let wanted = [
            "url",
            "user_base",
            "user_filter",
            "group_filter",
            "name_attribute",
            "id_attribute",
            "bind_dn",
            "roles",
            "timeout",
            "connections_max",
        ];
        assert_eq!(keys, wanted);
    }
}
