use crate::{
    Identities, IdentityKind, Site, Snapshot, SnapshotIdentity,
    identities::SnapshotKey,
    library::{Library, NamedPolicy},
    tenants::{AccountState, KnownTenant},
};
use gantry_access::{
    Access, Principal, Resource, RoleSession,
    policy::{Caller, Policy, PolicyPlace},
};
use gantry_fault::Fault;
use gantry_metadata::{
    Metadata, access_revision, documents,
    documents::{AccessDocument, access_documents},
};
use gantry_words::{AccountId, Secret, Timestamp};
use std::{borrow::Cow, collections::HashMap, net::IpAddr, sync::Arc};

/// All that decisions know: who there is, what is attached to whom, and what stands at repositories. It is in memory, compiled,
/// and made anew when something of it has changed: no request waits for the database to be decided.
pub(crate) struct Directory {
    /// What [`Metadata::access_epoch`] was before it was read.
    pub(crate) epoch: u64,
    /// What [`access_revision::find`] returned then.
    pub(crate) revision: i64,
    /// Users and roles, by their unique ids.
    persons: HashMap<Box<str>, Arc<Person>>,
    /// The unique ids of users and roles, by ARN.
    ids: HashMap<Box<str>, Box<str>>,
    /// Access keys, those of root users of accounts besides the site's own among them.
    keys: HashMap<Box<str>, SnapshotKey>,
    /// Every account there is.
    accounts: HashMap<AccountId, OfAccount>,
    library: Library,
}

/// What an account has for itself.
struct OfAccount {
    state: AccountState,
    /// Users, groups and roles by kind and name in lower case (`user/ann`).
    names: HashMap<Box<str>, Named>,
    repositories: HashMap<Box<str>, AtRepository>,
    registry: Option<NamedPolicy>,
}

/// A user or role.
pub(crate) struct Person {
    pub(crate) identity: crate::Identity,
    /// Of a user.
    caller: Arc<Caller>,
    /// What is attached to it, and of a user to its groups.
    pub(crate) policies: Vec<NamedPolicy>,
    pub(crate) boundary: Option<NamedPolicy>,
    /// Of a role: who may become it.
    pub(crate) trust: Option<NamedPolicy>,
}

/// Somebody whom requests can name.
struct Named {
    /// How ARNs name him: `user/team/ann`.
    in_arn: Box<str>,
    boundary: Option<Box<str>>,
}

/// What policies call the boundary that an action of IAM is about.
const BOUNDARY_KEY: &str = "iam:PermissionsBoundary";

/// What stands at a repository.
#[derive(Default)]
pub(crate) struct AtRepository {
    pub(crate) policy: Option<NamedPolicy>,
    pub(crate) tags: Vec<(Box<str>, Box<str>)>,
}

impl Directory {
    /// Reads all of it; what `before` has compiled is not compiled again.
    pub(crate) async fn read(
        metadata: &Metadata,
        identities: &Identities,
        site: &Site,
        before: Option<&Directory>,
    ) -> Result<Directory, Fault> {
        // First: what changes while the rest is read is read again the next time.
        let epoch = metadata.access_epoch();
        let revision = metadata.read(access_revision::find).await?;
        let tenants = identities.tenants().await?;
        let mut directory = Directory {
            epoch,
            revision,
            persons: HashMap::new(),
            ids: HashMap::new(),
            keys: HashMap::new(),
            accounts: HashMap::new(),
            library: Library::after(before.map(|before| &before.library)),
        };
        directory.take_account(site.account, AccountState::Active);
        for tenant in tenants {
            directory.take_tenant(tenant);
        }
        // Policies name people of any account, so those come first.
        let accounts: Vec<AccountId> = directory.accounts.keys().copied().collect();
        for account in &accounts {
            directory.take_identities(identities.snapshot(*account).await?);
        }
        for account in accounts {
            let region = site.region.clone();
            let standing = metadata.read_long(move |rows| access_documents(rows, account, &region)).await?;
            for document in standing {
                directory.take_document(account, document);
            }
        }
        directory.library.settle();
        Ok(directory)
    }

    fn take_account(&mut self, account: AccountId, state: AccountState) {
        let own = OfAccount { state, names: HashMap::new(), repositories: HashMap::new(), registry: None };
        self.accounts.insert(account, own);
    }

    fn take_tenant(&mut self, tenant: KnownTenant) {
        // The site's own account is the one in the settings, whatever a row of the same number says.
        if self.accounts.contains_key(&tenant.id) {
            return;
        }
        self.take_account(tenant.id, tenant.state);
        self.keys.extend(tenant.root.map(|key| (key.id.as_str().into(), key)));
    }

    fn take_identities(&mut self, snapshot: Snapshot) {
        let groups: HashMap<&str, &SnapshotIdentity> =
            snapshot.of_kind(IdentityKind::Group).map(|group| (group.identity.id.as_str(), group)).collect();
        for one in &snapshot.identities {
            let identity = &one.identity;
            let name = format!("{}/{}", identity.kind.as_str(), identity.name.to_ascii_lowercase());
            let in_arn = format!("{}{}{}", identity.kind.as_str(), identity.path, identity.name).into();
            let boundary = identity.boundary.as_deref().map(Box::from);
            if let Some(own) = self.accounts.get_mut(&snapshot.account) {
                own.names.insert(name.into(), Named { in_arn, boundary });
            }
        }
        for found in snapshot.identities.iter().filter(|found| found.identity.kind != IdentityKind::Group) {
            let of_groups = found.groups.iter().filter_map(|id| groups.get(id.as_str()).copied());
            let holders = std::iter::once(found).chain(of_groups);
            let policies = holders.flat_map(|holder| self.library.of_holder(holder, &snapshot)).collect();
            let identity = &found.identity;
            let boundary = identity.boundary.as_ref().map(|arn| self.library.managed(arn, &snapshot));
            let trust = identity.role.as_ref().map(|role| self.library.trust(&identity.name, role));
            let caller = Arc::new(Caller::user(identity.account, &identity.path, &identity.name, &identity.id));
            self.ids.insert(identity.arn().into(), identity.id.as_str().into());
            let person = Person { identity: identity.clone(), caller, policies, boundary, trust };
            self.persons.insert(identity.id.as_str().into(), Arc::new(person));
        }
        self.keys.extend(snapshot.access_keys.into_iter().map(|key| (key.id.as_str().into(), key)));
    }

    fn take_document(&mut self, account: AccountId, document: AccessDocument) {
        let AccessDocument { repository, kind, body, changed_at } = document;
        match (kind.as_str(), repository) {
            (documents::REGISTRY_POLICY, None) => {
                let policy = self.library.standing("registry", &body, PolicyPlace::Registry);
                if let Some(own) = self.accounts.get_mut(&account) {
                    own.registry = Some(policy);
                }
            }
            (documents::REPOSITORY_POLICY, Some(name)) => {
                let policy = self.library.standing(&name, &body, PolicyPlace::Repository);
                let bound = self.bound(&policy.policy, changed_at);
                let policy = NamedPolicy { name: policy.name, policy: bound };
                if let Some(at) = self.at_repository_mut(account, name) {
                    at.policy = Some(policy);
                }
            }
            (documents::RESOURCE_TAGS, Some(name)) => {
                let tags: HashMap<Box<str>, Box<str>> = serde_json::from_str(&body).unwrap_or_else(|error| {
                    tracing::error!(repository = name, "the tags of a repository cannot be read: {error}");
                    HashMap::new()
                });
                if let Some(at) = self.at_repository_mut(account, name) {
                    at.tags = tags.into_iter().collect();
                }
            }
            // Of a repository that is gone.
            _ => {}
        }
    }

    fn at_repository_mut(&mut self, account: AccountId, name: String) -> Option<&mut AtRepository> {
        Some(self.accounts.get_mut(&account)?.repositories.entry(name.into()).or_default())
    }

    /// Puts unique ids in the place of ARNs of the accounts here, so that whoever came after the policy was written is not meant by
    /// it, whatever his name.
    fn bound(&self, policy: &Arc<Policy>, written_at: Timestamp) -> Arc<Policy> {
        const NOBODY: &str = "AIDANOBODY";
        let id_of = |arn: &str| -> Option<Box<str>> {
            let account = arn.strip_prefix("arn:aws:iam::")?.split(':').next()?;
            if !self.knows(account.parse().ok()?) {
                return None;
            }
            let person = self.ids.get(arn).and_then(|id| self.person(id));
            let person = person.filter(|person| person.identity.created_at <= written_at);
            Some(person.map_or(NOBODY, |person| person.identity.id.as_str()).into())
        };
        Arc::new(Policy::clone(policy).bound(id_of))
    }

    /// Returns a user or role by its unique id.
    pub(crate) fn person(&self, id: &str) -> Option<&Arc<Person>> {
        self.persons.get(id)
    }

    /// Returns a role by its ARN.
    pub(crate) fn role(&self, arn: &str) -> Option<&Arc<Person>> {
        self.person(self.ids.get(arn)?).filter(|person| person.trust.is_some())
    }

    /// The same access, to whom is meant: requests name users, groups and roles without their paths and in any case, policies by
    /// their ARNs.
    pub(crate) fn settled<'a>(&self, account: AccountId, access: &'a Access) -> Cow<'a, Access> {
        let Resource::Owned { service: "iam", path } = &access.resource else { return Cow::Borrowed(access) };
        let own = self.accounts.get(&account);
        let named = own.and_then(|own| own.names.get(path.to_ascii_lowercase().as_str()));
        let Some(named) = named else { return Cow::Borrowed(access) };
        let resource = Resource::Owned { service: "iam", path: named.in_arn.to_string() };
        let settled = Access { resource, ..access.clone() };
        // Where the request sets none, policies ask for the boundary of whom it is about.
        let is_told = settled.context.iter().any(|(key, _)| key == BOUNDARY_KEY);
        Cow::Owned(match &named.boundary {
            Some(arn) if !is_told => settled.with(BOUNDARY_KEY, [&**arn]),
            _ => settled,
        })
    }

    /// Returns an access key that may be used.
    pub(crate) fn key(&self, id: &str) -> Option<&SnapshotKey> {
        self.keys.get(id).filter(|key| key.is_active)
    }

    /// Returns what stands at a repository.
    pub(crate) fn at_repository(&self, account: AccountId, name: &str) -> Option<&AtRepository> {
        self.accounts.get(&account)?.repositories.get(name)
    }

    /// Returns the policy of the registry of an account.
    pub(crate) fn registry(&self, account: AccountId) -> Option<&NamedPolicy> {
        self.accounts.get(&account)?.registry.as_ref()
    }

    /// Whether there is such an account, in any state.
    pub(crate) fn knows(&self, account: AccountId) -> bool {
        self.accounts.contains_key(&account)
    }

    /// Whether there is such an account, and it lets its people in.
    pub(crate) fn lets_in(&self, account: AccountId) -> bool {
        self.accounts.get(&account).is_some_and(|own| own.state == AccountState::Active)
    }

    /// Returns the principal of whoever has an access key; none where its user is no more, or may not come from there, or
    /// nobody of its account may.
    pub(crate) fn user(&self, key: &SnapshotKey, source: Option<IpAddr>, now: Timestamp) -> Option<Principal> {
        // Unique ids begin with letters: only the key of a root user is an account's.
        if let Ok(account) = key.user_id.parse() {
            return self.lets_in(account).then(|| Principal::root_with_key(account, key.id.as_str().into()));
        }
        let person = self.person(&key.user_id).filter(|person| self.lets_in(person.identity.account))?;
        let rules = person.identity.robot.as_ref();
        let may_come = rules.is_none_or(|rules| rules.is_alive(now) && rules.admits(source));
        may_come.then(|| Principal::user(person.identity.account, person.caller.clone(), key.id.as_str().into()))
    }

    /// Returns the principal of a session; none where it is over or its role is no more.
    pub(crate) fn session(&self, session: RoleSession, now: Timestamp) -> Option<Principal> {
        let role = self.person(&session.role_id).filter(|role| role.trust.is_some())?;
        let role = Some(role).filter(|role| self.lets_in(role.identity.account))?;
        let identity = &role.identity;
        let caller = Caller::session(identity.account, &identity.path, &identity.name, &identity.id, &session.name);
        (now < session.expires_at())
            .then(|| Principal::role_session(identity.account, Arc::new(caller), Arc::new(session)))
    }
}

impl SnapshotKey {
    /// Returns the secrets that are good now.
    pub(crate) fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &Secret<String>> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(previous)
    }
}
