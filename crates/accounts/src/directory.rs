use crate::{
    Identities, IdentityKind, KeySource, OidcProvider, ProviderSettings, Site, Snapshot, SnapshotIdentity,
    identities::SnapshotKey,
    key_policies::KeyPolicies,
    library::{Library, NamedPolicy},
    logins::{Logins, is_login},
    secret_policies::SecretPolicies,
    tenants::{AccountState, KnownTenant},
};
use gantry_access::{
    Access, Principal, Resource, RoleSession,
    oidc::KeySet,
    policy::{Caller, Policy, PolicyPlace},
};
use gantry_fault::Fault;
use gantry_metadata::{
    Metadata, Reader, access_revision, documents,
    documents::{AccessDocument, access_documents},
    kms, secrets,
};
use gantry_words::{AccountId, Secret, Timestamp};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
};

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
    pub(crate) logins: Logins,
    /// Identity providers, by account and issuer.
    providers: BTreeMap<(AccountId, Box<str>), Arc<Provider>>,
    /// Before when the sessions of a role must not have begun, by its unique id.
    revoked: HashMap<Box<str>, Timestamp>,
    /// Every account there is.
    accounts: HashMap<AccountId, OfAccount>,
    library: Library,
}

/// What an account has for itself.
pub(crate) struct OfAccount {
    state: AccountState,
    /// Users, groups and roles by kind and name in lower case (`user/ann`).
    names: HashMap<Box<str>, Named>,
    repositories: HashMap<Box<str>, AtRepository>,
    registry: Option<NamedPolicy>,
    /// What is denied to all of it.
    pub(crate) account_wide: Vec<NamedPolicy>,
    pub(crate) kms: KeyPolicies,
    pub(crate) secrets: SecretPolicies,
}

/// An identity provider of an account.
pub(crate) struct Provider {
    pub(crate) account: AccountId,
    pub(crate) arn: Box<str>,
    pub(crate) is_single_use: bool,
    pub(crate) settings: ProviderSettings,
}

/// A user or role.
pub(crate) struct Person {
    pub(crate) identity: crate::Identity,
    /// Of a user.
    caller: Arc<Caller>,
    /// What is attached to it, and of a user to its groups.
    pub(crate) policies: Vec<NamedPolicy>,
    /// For each of them the group by which it has it; none where it is its own.
    pub(crate) policy_groups: Vec<Option<Box<str>>>,
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
            logins: Logins::default(),
            providers: BTreeMap::new(),
            revoked: HashMap::new(),
            accounts: HashMap::new(),
            library: Library::after(before.map(|before| &before.library)),
        };
        directory.accounts.insert(site.account, OfAccount::new(site.account, AccountState::Active, site));
        for tenant in tenants {
            directory.take_tenant(tenant, site);
        }
        // Policies name people of any account, so those come first.
        let accounts: Vec<AccountId> = directory.accounts.keys().copied().collect();
        for account in &accounts {
            directory.take_identities(identities.snapshot(*account).await?, site);
        }
        for account in accounts {
            directory.read_standing(metadata, site, account).await?;
        }
        directory.library.settle();
        Ok(directory)
    }

    /// Reads the policies that stand at what an account has.
    async fn read_standing(&mut self, metadata: &Metadata, site: &Site, account: AccountId) -> Result<(), Fault> {
        let region = site.region.clone();
        let standing = metadata.read_long(move |rows| access_documents(rows, account, &region)).await?;
        let keys = move |rows: &mut Reader| Ok((kms::policies(rows, account)?, kms::all_aliases(rows, account)?));
        let (keys, aliases) = metadata.read_long(keys).await?;
        let kept = metadata.read_long(move |rows| secrets::all(rows, account)).await?;
        let Some(place) = self.accounts.get_mut(&account) else { return Ok(()) };
        // While it is filled an empty one stands for it.
        let mut own = std::mem::replace(place, OfAccount::new(account, AccountState::Active, site));
        for document in standing {
            self.take_document(&mut own, document);
        }
        self.take_keys(&mut own, keys, &aliases);
        self.take_secrets(&mut own, kept);
        self.accounts.insert(account, own);
        Ok(())
    }

    fn take_tenant(&mut self, tenant: KnownTenant, site: &Site) {
        // The site's own account is the one in the settings, whatever a row of the same number says.
        if self.accounts.contains_key(&tenant.id) {
            return;
        }
        self.accounts.insert(tenant.id, OfAccount::new(tenant.id, tenant.state, site));
        self.keys.extend(tenant.root.map(|key| (key.id.as_str().into(), key)));
    }

    fn take_identities(&mut self, snapshot: Snapshot, site: &Site) {
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
            let identity = &found.identity;
            let (mut policies, mut policy_groups) = (Vec::new(), Vec::new());
            for holder in std::iter::once(found).chain(of_groups) {
                let own = self.library.of_holder(holder, &snapshot);
                let group = (holder.identity.kind == IdentityKind::Group).then(|| holder.identity.name.as_str().into());
                policy_groups.extend(own.iter().map(|_| group.clone()));
                policies.extend(own);
            }
            let boundary = identity.boundary.as_ref().map(|arn| self.library.managed(arn, &snapshot));
            let trust = identity.role.as_ref().map(|role| self.library.trust(&identity.name, role));
            let caller = Arc::new(Caller::user(identity.account, &identity.path, &identity.name, &identity.id));
            self.ids.insert(identity.arn().into(), identity.id.as_str().into());
            let identity = identity.clone();
            let person = Person { identity, caller, policies, policy_groups, boundary, trust };
            self.persons.insert(found.identity.id.as_str().into(), Arc::new(person));
        }
        self.logins.take(&snapshot, snapshot.account == site.account, &mut self.library);
        for found in &snapshot.oidc_providers {
            let provider = Provider::of(snapshot.account, found);
            let key = (provider.account, provider.settings.issuer.clone());
            self.providers.insert(key, Arc::new(provider));
        }
        self.revoked.extend(snapshot.revoked.into_iter().map(|(id, before)| (id.into(), before)));
        self.keys.extend(snapshot.access_keys.into_iter().map(|key| (key.id.as_str().into(), key)));
    }

    fn take_document(&mut self, own: &mut OfAccount, document: AccessDocument) {
        let AccessDocument { repository, kind, name, body, changed_at } = document;
        match (kind.as_str(), repository) {
            (documents::ACCOUNT_POLICY, None) => {
                own.account_wide.push(self.library.standing(&name, &body, PolicyPlace::AccountWide));
            }
            (documents::REGISTRY_POLICY, None) => {
                let policy = self.library.standing("registry", &body, PolicyPlace::Registry);
                let bound = self.bound(&policy.policy, changed_at);
                own.registry = Some(NamedPolicy { name: policy.name, policy: bound });
            }
            (documents::REPOSITORY_POLICY, Some(name)) => {
                let policy = self.library.standing(&name, &body, PolicyPlace::Repository);
                let bound = self.bound(&policy.policy, changed_at);
                let policy = NamedPolicy { name: policy.name, policy: bound };
                own.repositories.entry(name.into()).or_default().policy = Some(policy);
            }
            (documents::RESOURCE_TAGS, Some(name)) => {
                let tags: HashMap<Box<str>, Box<str>> = serde_json::from_str(&body).unwrap_or_else(|error| {
                    tracing::error!(repository = name, "the tags of a repository cannot be read: {error}");
                    HashMap::new()
                });
                own.repositories.entry(name.into()).or_default().tags = tags.into_iter().collect();
            }
            // Of a repository that is gone.
            _ => {}
        }
    }

    fn take_keys(&mut self, own: &mut OfAccount, keys: Vec<kms::KeyPolicyRow>, aliases: &[[String; 2]]) {
        for key in keys {
            let policy = self.library.standing(&key.id, &key.policy, PolicyPlace::Key);
            let bound = self.bound(&policy.policy, key.policy_at);
            own.kms.add(&key.id, NamedPolicy { name: policy.name, policy: bound }, &key.tags);
        }
        for [alias, id] in aliases {
            own.kms.name(alias, id);
        }
    }

    fn take_secrets(&mut self, own: &mut OfAccount, kept: Vec<secrets::SecretRow>) {
        for secret in kept {
            let policy = secret.policy.as_ref().map(|text| {
                let policy = self.library.standing(&secret.name, text, PolicyPlace::Key);
                NamedPolicy { policy: self.bound(&policy.policy, secret.policy_at), name: policy.name }
            });
            own.secrets.add(&secret.name, &secret.suffix, policy, &secret.tags, secret.kms_key.as_deref());
        }
    }

    /// Puts unique ids in the place of ARNs of the accounts here, so that whoever came after the policy was written is not meant by
    /// it, whatever his name.
    fn bound(&self, policy: &Arc<Policy>, written_at: Timestamp) -> Arc<Policy> {
        const NOBODY: &str = "AIDANOBODY";
        let id_of = |arn: &str| -> Option<Box<str>> {
            let session = arn.strip_prefix("arn:aws:sts::").and_then(|rest| rest.split_once(":assumed-role/"));
            if let Some((account, named)) = session {
                let account: AccountId = account.parse().ok()?;
                let role = named.split('/').next()?;
                let is_meant =
                    |person: &Arc<Person>| person.identity.name == role && person.identity.created_at <= written_at;
                let is_nobodys = self.knows(account) && !self.roles(account).any(is_meant);
                // A session of a role that was there stays named as it is.
                return is_nobodys.then(|| NOBODY.into());
            }
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

    /// Returns a user or role of an account by how it is named without its path, in any case: `user/ann`, `role/deploy`.
    pub(crate) fn named(&self, account: AccountId, name: &str) -> Option<&Arc<Person>> {
        let named = self.of(account)?.names.get(name.to_ascii_lowercase().as_str())?;
        self.by_arn(&format!("arn:aws:iam::{account}:{}", named.in_arn))
    }

    /// Returns a user or role by its ARN.
    pub(crate) fn by_arn(&self, arn: &str) -> Option<&Arc<Person>> {
        self.person(self.ids.get(arn)?)
    }

    /// Returns all users and roles of an account, in no order.
    pub(crate) fn persons(&self, account: AccountId) -> impl Iterator<Item = &Arc<Person>> {
        self.persons.values().filter(move |person| person.identity.account == account)
    }

    /// Returns a role by its ARN.
    pub(crate) fn role(&self, arn: &str) -> Option<&Arc<Person>> {
        self.by_arn(arn).filter(|person| person.trust.is_some())
    }

    /// Returns the roles of an account.
    pub(crate) fn roles(&self, account: AccountId) -> impl Iterator<Item = &Arc<Person>> {
        self.persons.values().filter(move |person| person.trust.is_some() && person.identity.account == account)
    }

    /// Returns the provider of an account that is this issuer.
    pub(crate) fn provider(&self, account: AccountId, issuer: &str) -> Option<&Arc<Provider>> {
        self.providers.get(&(account, issuer.into()))
    }

    /// Returns the providers of all accounts that are this issuer.
    pub(crate) fn providers_of(&self, issuer: &str) -> Vec<Arc<Provider>> {
        self.providers.values().filter(|provider| *provider.settings.issuer == *issuer).cloned().collect()
    }

    /// Whether what began at `began_at` may be a session of a role.
    pub(crate) fn is_revoked(&self, role_id: &str, began_at: Timestamp) -> bool {
        self.revoked.get(role_id).is_some_and(|before| began_at < *before)
    }

    /// The same access, to whom is meant: requests name users, groups and roles without their paths and in any case, policies by
    /// their ARNs, keys by their aliases, secrets by their names.
    pub(crate) fn settled<'a>(&self, account: AccountId, access: &'a Access) -> Cow<'a, Access> {
        let Some(own) = self.of(account) else { return Cow::Borrowed(access) };
        let Resource::Owned { service: "iam", path } = &access.resource else {
            return own.settled(access);
        };
        let Some(named) = own.names.get(path.to_ascii_lowercase().as_str()) else { return Cow::Borrowed(access) };
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

    /// Whether a user has an access key that may be used.
    pub(crate) fn has_key(&self, user_id: &str) -> bool {
        self.keys.values().any(|key| key.user_id == user_id && key.is_active)
    }

    /// Returns what an account has for itself.
    pub(crate) fn of(&self, account: AccountId) -> Option<&OfAccount> {
        self.accounts.get(&account)
    }

    /// Returns what stands at a repository of an account.
    pub(crate) fn at_repository(&self, account: AccountId, name: &str) -> Option<&AtRepository> {
        self.of(account)?.repositories.get(name)
    }

    /// Returns the policy of the registry of an account.
    pub(crate) fn registry(&self, account: AccountId) -> Option<&NamedPolicy> {
        self.of(account)?.registry.as_ref()
    }

    /// Whether there is such an account, in any state.
    pub(crate) fn knows(&self, account: AccountId) -> bool {
        self.accounts.contains_key(&account)
    }

    /// Whether there is such an account, and it lets its people in.
    pub(crate) fn lets_in(&self, account: AccountId) -> bool {
        self.of(account).is_some_and(|own| own.state == AccountState::Active)
    }

    /// Returns the principal of whoever has an access key; none where its user is no more, or may not come from there, or
    /// nobody of its account may.
    pub(crate) fn user(&self, key: &SnapshotKey, source: Option<IpAddr>, now: Timestamp) -> Option<Principal> {
        // Unique ids begin with letters: only the key of a root user is an account's.
        if let Ok(account) = key.user_id.parse() {
            return self.lets_in(account).then(|| Principal::root_with_key(account, key.id.as_str().into()));
        }
        self.holder(&key.user_id, &key.id, source, now)
    }

    /// Returns the principal of whoever came with what has this id: an access key, a password or a personal token; none where that
    /// is no more, or its user.
    pub(crate) fn came_with(&self, id: &str, source: Option<IpAddr>, now: Timestamp) -> Option<Principal> {
        match is_login(id) {
            true => self.holder(self.logins.user(id, now)?, id, source, now),
            false => self.user(self.key(id)?, source, now),
        }
    }

    /// Returns the principal of a session that a user began with an access key, whatever has become of the key; none where the user
    /// is no more. With a robot's key its sessions end too: to switch that off is to switch the robot off.
    pub(crate) fn in_session(
        &self,
        user_id: &str,
        key: &str,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Option<Principal> {
        match self.person(user_id)?.identity.robot.is_some() {
            true => self.came_with(key, source, now),
            false => self.holder(user_id, key, source, now),
        }
    }

    fn holder(&self, user_id: &str, id: &str, source: Option<IpAddr>, now: Timestamp) -> Option<Principal> {
        let person = self.person(user_id).filter(|person| self.lets_in(person.identity.account))?;
        let rules = person.identity.robot.as_ref();
        let may_come = rules.is_none_or(|rules| rules.is_alive(now) && rules.admits(source));
        may_come.then(|| Principal::user(person.identity.account, person.caller.clone(), id.into()))
    }

    /// Returns the principal of a session; none where it is over or revoked, or its role is no more.
    pub(crate) fn session(&self, session: RoleSession, now: Timestamp) -> Option<Principal> {
        let role = self.person(&session.role_id).filter(|role| role.trust.is_some())?;
        let role = Some(role).filter(|role| self.lets_in(role.identity.account))?;
        let identity = &role.identity;
        let caller = Caller::session(identity.account, &identity.path, &identity.name, &identity.id, &session.name);
        (now < session.expires_at() && !self.is_revoked(&identity.id, session.issued_at()))
            .then(|| Principal::role_session(identity.account, Arc::new(caller), Arc::new(session)))
    }
}

impl OfAccount {
    fn new(account: AccountId, state: AccountState, site: &Site) -> Self {
        OfAccount {
            state,
            names: HashMap::new(),
            repositories: HashMap::new(),
            registry: None,
            account_wide: Vec::new(),
            kms: KeyPolicies::new(format!("arn:aws:kms:{}:{account}:", site.region)),
            secrets: SecretPolicies::new(format!("arn:aws:secretsmanager:{}:{account}:", site.region)),
        }
    }

    fn settled<'a>(&self, access: &'a Access) -> Cow<'a, Access> {
        match self.kms.settled(access) {
            Cow::Borrowed(access) => self.secrets.settled(access),
            settled @ Cow::Owned(_) => settled,
        }
    }
}

impl Person {
    /// Returns it as who asks: a user as if he came with a key of his, a role in a session called `session`.
    pub(crate) fn principal(&self, session: &str, now: Timestamp) -> Principal {
        let identity = &self.identity;
        if self.trust.is_none() {
            return Principal::user(identity.account, self.caller.clone(), "".into());
        }
        let caller = Caller::session(identity.account, &identity.path, &identity.name, &identity.id, session);
        let session = RoleSession {
            role_id: identity.id.as_str().into(),
            name: session.into(),
            policies: Vec::new(),
            tags: Vec::new(),
            source_identity: None,
            provider: None,
            issued_at: now.millis(),
            expires_at: now.millis(),
        };
        Principal::role_session(identity.account, Arc::new(caller), Arc::new(session))
    }
}

impl Provider {
    fn of(account: AccountId, found: &OidcProvider) -> Self {
        let issuer: Box<str> = format!("https://{}", found.url).into();
        let options = &found.options;
        let uploaded = options.key_set.as_ref().map(|text| {
            KeySet::parse(text.as_bytes()).unwrap_or_else(|error| {
                tracing::error!(issuer = %issuer, "the uploaded keys of an identity provider cannot be read: {error}");
                KeySet::none()
            })
        });
        let keys = match uploaded {
            Some(keys) => KeySource::Uploaded(Arc::new(keys)),
            None => KeySource::Discovered { authorities: options.authorities.as_deref().map(Box::from) },
        };
        Provider {
            account,
            arn: found.arn.as_str().into(),
            is_single_use: options.is_single_use,
            settings: ProviderSettings {
                issuer,
                client_ids: found.client_ids.iter().map(|id| id.as_str().into()).collect(),
                keys,
            },
        }
    }
}

impl SnapshotKey {
    /// Returns the secrets that are good now.
    pub(crate) fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &Secret<String>> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(previous)
    }
}
