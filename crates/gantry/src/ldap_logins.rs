use crate::output::Failure;
use gantry_accounts::{LoginRefusal, LoginSource, Person, RoleMapping};
use gantry_env::BoxFuture;
use gantry_ldap::{Directory, Refusal, Settings};
use gantry_words::Secret;
use std::net::IpAddr;

/// What mappings call people of the directory.
const PROVIDER: &str = "ldap";

/// Reads which roles the groups of the directory have (`ldap.roles`).
pub(crate) fn role_mappings(settings: &Settings) -> Result<Vec<RoleMapping>, Failure> {
    let read = |row: &String| {
        format!("{PROVIDER}: {row}").parse().map_err(|_| {
            let problem = format!("ldap.roles has {row:?}, which is no group with a role");
            Failure::usage(problem, "Write GROUP -> ROLE, such as cn=dev,ou=groups,dc=example,dc=org -> developer")
        })
    };
    settings.roles.iter().map(read).collect()
}

/// A directory as the accounts ask it.
pub(crate) struct LdapLogins(pub(crate) Directory);

impl LoginSource for LdapLogins {
    fn log_in<'a>(
        &'a self,
        name: &'a str,
        password: &'a Secret<String>,
        source: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Person, LoginRefusal>> {
        Box::pin(async move {
            match self.0.log_in(name, password, source).await {
                Ok(found) => {
                    Ok(Person { provider: PROVIDER.into(), id: found.id, name: found.name, groups: found.groups })
                }
                Err(Refusal::Refused(why)) => Err(LoginRefusal::Refused(why)),
                Err(Refusal::Unavailable) => Err(LoginRefusal::Unavailable),
                Err(Refusal::TooMany(wait)) => Err(LoginRefusal::TooMany(wait)),
            }
        })
    }
}
