use crate::{
    Found, OpenError, Refusal, Settings, attempts::Attempts, connect::Connector, entry::Entry, filter::Template,
};
use gantry_env::Env;
use gantry_words::Secret;
use ldap3::{DerefAliases, Ldap, Scope, SearchEntry, SearchOptions, SearchResult};
use std::{collections::HashSet, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// The longest password that a directory is asked about, and the longest name.
const PASSWORD_BYTES_MAX: usize = 1024;
const NAME_BYTES_MAX: usize = 256;
/// How many logins may wait for others; whoever comes beyond is told to come back.
const WAITING_MAX: usize = 64;
const GROUPS_MAX: usize = 500;
const LEVELS_MAX: usize = 8;
/// Result codes (RFC 4511, appendix A).
const SUCCESS: u32 = 0;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;

/// A directory. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    connector: Connector,
    user_base: String,
    user_filter: Template,
    name_attribute: String,
    id_attribute: String,
    group_base: String,
    group_filter: Template,
    nested_groups: bool,
    timeout: Duration,
    attempts: Attempts,
    permits: Semaphore,
    /// Those who are served, and those who wait for it.
    places: Semaphore,
    env: Env,
}

impl Directory {
    /// Reads what the settings name; asks the directory nothing yet.
    ///
    /// # Errors
    /// A setting cannot be meant, or a file cannot be read.
    pub fn open(settings: &Settings, env: Env) -> Result<Self, OpenError> {
        if let Some(complaint) = settings.check().into_iter().next() {
            return Err(OpenError::Setting(complaint));
        }
        let template = |name: &str, text: &str, place| {
            Template::parse(text, place).ok_or_else(|| OpenError::Setting(format!("{name} is no filter")))
        };
        Ok(Directory(Arc::new(Inner {
            connector: Connector::open(settings)?,
            user_base: settings.user_base.clone(),
            user_filter: template("user_filter", &settings.user_filter, "{name}")?,
            name_attribute: settings.name_attribute.clone(),
            id_attribute: settings.id_attribute.clone(),
            group_base: settings.group_base.clone(),
            group_filter: template("group_filter", &settings.group_filter, "{dn}")?,
            nested_groups: settings.nested_groups,
            timeout: settings.timeout.duration(),
            attempts: Attempts::new(settings.failures_per_person, settings.failures_period.duration()),
            permits: Semaphore::new(settings.connections_max as usize),
            places: Semaphore::new(settings.connections_max as usize + WAITING_MAX),
            env,
        })))
    }

    /// Says whose name and password these are, and in which groups he is, within the time of the settings. `source` is where they
    /// come from: what is tried of a person is counted.
    ///
    /// # Errors
    /// [`Refusal`]. A name that nobody has costs the directory what a wrong password does.
    pub async fn log_in(
        &self,
        name: &str,
        password: &Secret<String>,
        source: Option<IpAddr>,
    ) -> Result<Found, Refusal> {
        // Before all: with an empty password many directories let anybody in as nobody.
        if !(1..=PASSWORD_BYTES_MAX).contains(&password.reveal().len()) || password.reveal().contains('\0') {
            return Err(Refusal::PASSWORD);
        }
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
            return Err(Refusal::NO_USER);
        }
        let (inner, name, password) = (self.0.clone(), name.trim().to_string(), password.clone());
        let limit = inner.timeout;
        let env = inner.env.clone();
        // In a task of its own: the library panics at answers that are none.
        let task = tokio::spawn(async move {
            let _place = inner.places.try_acquire().map_err(|_| Refusal::Unavailable)?;
            let _permit = inner.permits.acquire().await.map_err(|_| Refusal::Unavailable)?;
            inner.log_in(&name, &password, source).await
        });
        let stop = task.abort_handle();
        match env.within(limit, task).await {
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                tracing::error!("asking the directory ended early: {error}");
                Err(Refusal::Unavailable)
            }
            None => {
                stop.abort();
                tracing::warn!("the directory did not answer within {} s", limit.as_secs());
                Err(Refusal::Unavailable)
            }
        }
    }
}

impl Inner {
    async fn log_in(&self, name: &str, password: &Secret<String>, source: Option<IpAddr>) -> Result<Found, Refusal> {
        let (mut service, found) = self.look_for(name).await?;
        let nobody = format!("cn=gantry-nobody,{}", self.user_base);
        let dn = found.as_ref().ok().and_then(Entry::dn).unwrap_or(&nobody);
        // By what the directory locks: a person has several names. Names that nobody has are counted alike, or it would tell.
        let person = if found.is_ok() { dn } else { name };
        self.attempts.admit(person, source, self.env.elapsed()).map_err(Refusal::TooMany)?;
        let bound = self.bind(dn, password).await;
        match (&found, &bound) {
            (Ok(_), Ok(())) => self.attempts.succeed(person, source),
            (_, Err(Refusal::Unavailable)) => self.attempts.take_back(person),
            (Err(_), Ok(())) | (_, Err(Refusal::Refused(_) | Refusal::TooMany(_))) => {}
        }
        let entry = found?;
        bound?;
        let dn = entry.dn().ok_or(Refusal::NO_USER)?;
        let Some(id) = entry.id(&self.id_attribute) else {
            tracing::error!("{dn} has no {}; see ldap.id_attribute", self.id_attribute);
            return Err(Refusal::Unavailable);
        };
        let name = entry.texts(&self.name_attribute).next().unwrap_or(name).to_string();
        let direct = entry.texts("memberOf").map(str::to_string).collect();
        let groups = self.groups(&mut service, dn, direct).await?;
        self.connector.keep(service);
        Ok(Found { id, name, groups })
    }

    /// Looks for the one person of a name. A connection that was kept may be dead: then another one is asked, once.
    async fn look_for(&self, name: &str) -> Result<(Ldap, Result<Entry, Refusal>), Refusal> {
        let filter = self.user_filter.with(name);
        let attributes = [self.name_attribute.as_str(), &self.id_attribute, "memberOf"];
        let mut service = self.connector.service().await?;
        let mut answer = search(&mut service, &self.user_base, &filter, &attributes, 2).await;
        if answer.is_err() {
            service = self.connector.new_service().await?;
            answer = search(&mut service, &self.user_base, &filter, &attributes, 2).await;
        }
        let SearchResult(entries, result) = answer.map_err(|error| self.connector.unavailable(&error))?;
        let mut entries = entries.into_iter();
        let found = match (result.rc, entries.next(), entries.next()) {
            (SUCCESS, Some(entry), None) => Ok(Entry::new(SearchEntry::construct(entry))),
            (SUCCESS, None, _) => Err(Refusal::NO_USER),
            (SUCCESS | SIZE_LIMIT_EXCEEDED, ..) => Err(Refusal::AMBIGUOUS),
            (code, ..) => {
                tracing::error!(code, "the directory does not search below ldap.user_base: {}", result.text);
                return Err(Refusal::Unavailable);
            }
        };
        Ok((service, found))
    }

    /// Tries a password on a connection of its own: who is bound is another then.
    async fn bind(&self, dn: &str, password: &Secret<String>) -> Result<(), Refusal> {
        let mut connection = self.connector.connect().await?;
        let result = connection.simple_bind(dn, password.reveal()).await;
        let result = result.map_err(|error| self.connector.unavailable(&error))?;
        let _ = connection.unbind().await;
        Refusal::of_bind(&result).map_or(Ok(()), Err)
    }

    /// Returns the DNs of all groups of somebody.
    async fn groups(&self, service: &mut Ldap, dn: &str, direct: Vec<String>) -> Result<Vec<String>, Refusal> {
        let mut known = HashSet::new();
        let mut groups: Vec<String> = Vec::new();
        let mut members = vec![dn.to_string()];
        let mut fresh = direct;
        for level in 0..LEVELS_MAX {
            if !self.group_base.is_empty() {
                for member in std::mem::take(&mut members) {
                    fresh.extend(self.groups_of(service, &member).await?);
                }
            }
            fresh.retain(|group| known.insert(group.to_lowercase()));
            if groups.len() + fresh.len() > GROUPS_MAX {
                // Some of them would be as wrong as none.
                tracing::error!("{dn} is in more than {GROUPS_MAX} groups; narrow ldap.group_filter");
                return Err(Refusal::Unavailable);
            }
            groups.extend(fresh.iter().cloned());
            members = std::mem::take(&mut fresh);
            if !self.nested_groups || members.is_empty() || level + 1 == LEVELS_MAX {
                break;
            }
        }
        Ok(groups)
    }

    async fn groups_of(&self, service: &mut Ldap, member: &str) -> Result<Vec<String>, Refusal> {
        let filter = self.group_filter.with(member);
        let limit = i32::try_from(GROUPS_MAX + 1).unwrap_or(i32::MAX);
        let found = search(service, &self.group_base, &filter, &["1.1"], limit).await;
        let SearchResult(entries, result) = found.map_err(|error| self.connector.unavailable(&error))?;
        match result.rc {
            SUCCESS => {
                let entries = entries.into_iter().map(|entry| Entry::new(SearchEntry::construct(entry)));
                Ok(entries.filter_map(|entry| entry.dn().map(str::to_string)).collect())
            }
            NO_SUCH_OBJECT => {
                tracing::error!("ldap.group_base names nothing in the directory");
                Err(Refusal::Unavailable)
            }
            code => {
                tracing::error!(code, "the directory does not tell all groups: {}", result.text);
                Err(Refusal::Unavailable)
            }
        }
    }
}

async fn search(
    ldap: &mut Ldap,
    base: &str,
    filter: &str,
    attributes: &[&str],
    entries_max: i32,
) -> Result<SearchResult, ldap3::LdapError> {
    const SECONDS_MAX: i32 = 5;
    let options = SearchOptions::new().deref(DerefAliases::Never).sizelimit(entries_max).timelimit(SECONDS_MAX);
    ldap.with_search_options(options).search(base, Scope::Subtree, filter, attributes.to_vec()).await
}
