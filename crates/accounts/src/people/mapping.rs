use super::Person;
use gantry_words::AccountId;
use std::{fmt, str::FromStr};

/// The longest text of a mapping.
const MAPPING_BYTES_MAX: usize = 2048;

/// Which role the members of a group have: `PROVIDER: GROUP -> ROLE`, such as
/// `ldap: cn=developers,ou=groups,dc=example,dc=org -> developer`.
///
/// The provider is `ldap` or the issuer of an OIDC provider, the group a DN or the value of a claim, the role the name of one or
/// its ARN. DNs are alike whatever the case of their letters and the blanks at their commas; values of claims only where every
/// byte is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMapping {
    provider: Box<str>,
    group: Box<str>,
    role: Box<str>,
}

/// A text that is no mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown:?} maps no group to a role; write PROVIDER: GROUP -> ROLE, such as \"ldap: cn=dev,dc=example,dc=org -> developer\""
)]
pub struct RoleMappingError {
    shown: Box<str>,
}

impl RoleMapping {
    /// Whether a person is in its group.
    pub fn means(&self, person: &Person) -> bool {
        let is_group = |group: &String| match &*self.provider {
            "ldap" => same_dn(group, &self.group),
            _ => **group == *self.group,
        };
        *self.provider == *person.provider && person.groups.iter().any(is_group)
    }

    /// The ARN of its role; a role of which only the name is given is one of `account` without a path.
    pub fn role_arn(&self, account: AccountId) -> String {
        match self.role.starts_with("arn:") {
            true => self.role.to_string(),
            false => format!("arn:aws:iam::{account}:role/{}", self.role),
        }
    }
}

/// Whether two DNs are the same, but for the case of letters and blanks around commas and equals signs.
fn same_dn(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.trim().to_lowercase();
    // An equals sign within a value divides nothing: `cn=a=ou=b` is not `cn=a,ou=b`.
    let part = |text: &str| {
        let (kind, value) = text.split_once('=').unwrap_or((text, ""));
        (plain(kind), plain(value))
    };
    let parts = |dn: &str| -> Vec<(String, String)> { dn.split(',').map(part).collect() };
    parts(a) == parts(b)
}

impl FromStr for RoleMapping {
    type Err = RoleMappingError;

    fn from_str(text: &str) -> Result<Self, RoleMappingError> {
        let read = |text: &str| {
            let (rest, role) = text.rsplit_once("->")?;
            let (provider, group) = rest.split_once(": ")?;
            let (provider, group, role) = (provider.trim(), group.trim(), role.trim());
            let is_whole = ![provider, group, role].contains(&"");
            is_whole.then(|| RoleMapping { provider: provider.into(), group: group.into(), role: role.into() })
        };
        let fits =
            (text.len() <= MAPPING_BYTES_MAX && !text.chars().any(char::is_control)).then(|| read(text)).flatten();
        fits.ok_or_else(|| RoleMappingError { shown: text.chars().take(200).collect::<String>().into() })
    }
}

impl fmt::Display for RoleMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.provider, self.group, self.role)
    }
}
