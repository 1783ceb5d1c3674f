use gantry_accounts::{LoginRefusal, LoginSource, Person};
use gantry_env::BoxFuture;
use gantry_ldap::{Directory, Refusal};
use gantry_words::Secret;

/// What mappings call people of the directory.
const PROVIDER: &str = "ldap";

/// A directory as the accounts ask it.
pub(crate) struct LdapLogins(pub(crate) Directory);

impl LoginSource for LdapLogins {
    fn log_in<'a>(
        &'a self,
        name: &'a str,
        password: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<Person, LoginRefusal>> {
        Box::pin(async move {
            match self.0.log_in(name, password).await {
                Ok(found) => {
                    Ok(Person { provider: PROVIDER.into(), id: found.id, name: found.name, groups: found.groups })
                }
                Err(Refusal::Refused(why)) => Err(LoginRefusal::Refused(why)),
                Err(Refusal::Unavailable) => Err(LoginRefusal::Unavailable),
            }
        })
    }
}
