use crate::{
    Identities, IdentityKind, KeySource, OidcProvider, ProviderSettings, Site, Snapshot, SnapshotIdentity,
    identities::{SnapshotKey, built_in_text},
    key_policies::KeyPolicies,
    library::{Library, NamedPolicy},
    logins::{Logins, is_login},
    page_logins::revoked_person,
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
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::Hash,
    net::IpAddr,
    sync::Arc,
};

/// All that decisions know: who there is, what is attached to whom, and what stands at repositories. It is in memory, compiled,
/// and made anew when something of it has changed, of the accounts in which it has: no request waits for the database to be
/// decided.
pub(crate) struct Directory {
    /// What [`Metadata::access_epoch`] was before it was read.
    pub(crate) epoch: u64,
    /// What [`access_revision::find`] returned then.
    pub(crate) revision: i64,
    /// Users and roles, by their unique ids.
    persons: HashMap<Arc<str>, Arc<Person>>,
    /// The unique ids of users and roles, by ARN.
    ids: HashMap<Arc<str>, Arc<str>>,
    /// Access keys, those of root users of accounts besides the site's own among them.
    keys: HashMap<Arc<str>, Arc<KnownKey>>,
    pub(crate) logins: Logins,
    /// Identity providers, by account and issuer.
    providers: BTreeMap<(AccountId, Box<str>), Arc<Provider>>,
    /// Before when the sessions of a role must not have begun, by its unique id, and its account.
    revoked: HashMap<Arc<str>, (AccountId, Timestamp)>,
    /// Every account there is.
    states: HashMap<AccountId, AccountState>,
    /// What they have; of those without anything nothing.
    accounts: HashMap<AccountId, Arc<OfAccount>>,
}

/// An access key, and whose.
struct KnownKey {
    account: AccountId,
    key: SnapshotKey,
}

/// What an account has for itself.
pub(crate) struct OfAccount {
    account: AccountId,
    /// Users, groups and roles by kind and name in lower case (`user/ann`).
    names: HashMap<Box<str>, Named>,
    /// What is attached to its groups, by their names in lower case.
    groups: HashMap<Box<str>, Vec<NamedPolicy>>,
    /// Its managed policies, by ARN.
    managed: HashMap<Box<str>, NamedPolicy>,
    repositories: HashMap<Box<str>, AtRepository>,
    registry: Option<NamedPolicy>,
    /// What is denied to all of it.
    pub(crate) account_wide: Vec<NamedPolicy>,
    pub(crate) kms: KeyPolicies,
    pub(crate) secrets: SecretPolicies,
    /// Other accounts whose people its policies name: what becomes of those changes whom these mean.
    others: BTreeSet<AccountId>,
    library: Library,
}

/// An identity provider of an account.
pub(crate) struct Provider {
    pub(crate) account: AccountId,
    pub(crate) arn: Box<str>,
    pub(crate) is_single_use: bool,
    pub(crate) settings: ProviderSettings,
}

/// A user or role.
#[derive(Clone)]
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

/// The unique id of nobody.
const NOBODY: &str = "AIDANOBODY";

/// What stands at a repository.
#[derive(Default)]
pub(crate) struct AtRepository {
    pub(crate) policy: Option<NamedPolicy>,
    pub(crate) tags: Vec<(Box<str>, Box<str>)>,
}

impl Directory {
    /// Reads all of it, or, after `before`, what has changed since of it.
    pub(crate) async fn read(
        metadata: &Metadata,
        identities: &Identities,
        site: &Site,
        before: Option<&Directory>,
    ) -> Result<Directory, Fault> {
        // First: what changes while the rest is read is read again the next time.
        let epoch = metadata.access_epoch();
        let revision = metadata.read(access_revision::find).await?;
        // After a backup was put back everything may be other.
        let before = before.filter(|before| before.revision <= revision);
        let (mut directory, tenants) = match before {
            None => (Directory::nothing(site), identities.tenants().await?),
            Some(before) => {
                let since = before.revision;
                let changed = metadata.read_long(move |rows| access_revision::changed_since(rows, since)).await?;
                let changed = before.with_dependents(changed);
                (before.without(&changed, site), identities.tenants_among(changed).await?)
            }
        };
        (directory.epoch, directory.revision) = (epoch, revision);
        // What stayed of it is not read again.
        let mut fresh: Vec<AccountId> =
            (!directory.accounts.contains_key(&site.account)).then_some(site.account).into_iter().collect();
        for tenant in tenants {
            fresh.extend(directory.take_tenant(tenant, site));
        }
        // Policies name people of any account, so those come first.
        let mut owns = Vec::with_capacity(fresh.len());
        for account in fresh {
            let library = before.and_then(|before| before.of(account)).map(|own| &own.library);
            let mut own = OfAccount::new(account, site, Library::after(library));
            directory.take_identities(&mut own, identities.snapshot(account).await?, site);
            owns.push(own);
        }
        for mut own in owns {
            directory.bind_strangers(&mut own);
            directory.read_standing(&mut own, metadata, site).await?;
            own.library.settle();
            directory.accounts.insert(own.account, Arc::new(own));
        }
        Ok(directory)
    }

    /// A site without anybody.
    fn nothing(site: &Site) -> Self {
        Directory {
            epoch: 0,
            revision: 0,
            persons: HashMap::new(),
            ids: HashMap::new(),
            keys: HashMap::new(),
            logins: Logins::default(),
            providers: BTreeMap::new(),
            revoked: HashMap::new(),
            states: HashMap::from([(site.account, AccountState::Active)]),
            accounts: HashMap::new(),
        }
    }

    /// Those accounts, and those whose policies name people of them.
    fn with_dependents(&self, changed: Vec<AccountId>) -> HashSet<AccountId> {
        let changed: HashSet<AccountId> = changed.into_iter().collect();
        let depends = |own: &&Arc<OfAccount>| own.others.iter().any(|other| changed.contains(other));
        let dependents: Vec<_> = self.accounts.values().filter(depends).map(|own| own.account).collect();
        changed.into_iter().chain(dependents).collect()
    }

    /// The same without what is of those accounts.
    fn without(&self, accounts: &HashSet<AccountId>, site: &Site) -> Self {
        let stays = |account: AccountId| !accounts.contains(&account);
        let persons: HashMap<_, _> = kept(&self.persons, |_, person| stays(person.identity.account));
        let mut states = kept(&self.states, |account, _| stays(*account));
        states.insert(site.account, AccountState::Active);
        Directory {
            ids: kept(&self.ids, |_, id| persons.contains_key(id)),
            keys: kept(&self.keys, |_, known| stays(known.account)),
            logins: self.logins.of_accounts(stays),
            providers: self
                .providers
                .iter()
                .filter(|(key, _)| stays(key.0))
                .map(|(key, one)| (key.clone(), one.clone()))
                .collect(),
            revoked: kept(&self.revoked, |_, (account, _)| stays(*account)),
            accounts: kept(&self.accounts, |account, _| stays(*account)),
            persons,
            states,
            ..*self
        }
    }

    /// Reads the policies that stand at what an account has.
    async fn read_standing(&self, own: &mut OfAccount, metadata: &Metadata, site: &Site) -> Result<(), Fault> {
        let (account, region) = (own.account, site.region.clone());
        let standing = metadata.read_long(move |rows| access_documents(rows, account, &region)).await?;
        let keys = move |rows: &mut Reader| Ok((kms::policies(rows, account)?, kms::all_aliases(rows, account)?));
        let (keys, aliases) = metadata.read_long(keys).await?;
        let kept = metadata.read_long(move |rows| secrets::all(rows, account)).await?;
        for document in standing {
            self.take_document(own, document);
        }
        self.take_keys(own, keys, &aliases);
        self.take_secrets(own, kept);
        Ok(())
    }

    /// Returns its account, where it is one to be read.
    fn take_tenant(&mut self, tenant: KnownTenant, site: &Site) -> Option<AccountId> {
        let account = tenant.id;
        // The site's own account is the one in the settings, whatever a row of the same number says.
        if account == site.account {
            return None;
        }
        self.states.insert(account, tenant.state);
        self.keys.extend(tenant.root.map(|key| (key.id.as_str().into(), Arc::new(KnownKey { account, key }))));
        Some(account)
    }

    fn take_identities(&mut self, own: &mut OfAccount, snapshot: Snapshot, site: &Site) {
        let account = own.account;
        let groups: HashMap<&str, &SnapshotIdentity> =
            snapshot.of_kind(IdentityKind::Group).map(|group| (group.identity.id.as_str(), group)).collect();
        for one in &snapshot.identities {
            let identity = &one.identity;
            let name = format!("{}/{}", identity.kind.as_str(), identity.name.to_ascii_lowercase());
            let in_arn = format!("{}{}{}", identity.kind.as_str(), identity.path, identity.name).into();
            let boundary = identity.boundary.as_deref().map(Box::from);
            own.names.insert(name.into(), Named { in_arn, boundary });
        }
        for arn in snapshot.policies.keys() {
            own.managed.insert(arn.as_str().into(), own.library.managed(arn, &snapshot));
        }
        for group in groups.values() {
            let held = own.library.of_holder(group, &snapshot);
            own.groups.insert(group.identity.name.to_ascii_lowercase().into(), held);
        }
        for found in snapshot.identities.iter().filter(|found| found.identity.kind != IdentityKind::Group) {
            let of_groups = found.groups.iter().filter_map(|id| groups.get(id.as_str()).copied());
            let identity = &found.identity;
            let (mut policies, mut policy_groups) = (Vec::new(), Vec::new());
            for holder in std::iter::once(found).chain(of_groups) {
                let held = own.library.of_holder(holder, &snapshot);
                let group = (holder.identity.kind == IdentityKind::Group).then(|| holder.identity.name.as_str().into());
                policy_groups.extend(held.iter().map(|_| group.clone()));
                policies.extend(held);
            }
            let boundary = identity.boundary.as_ref().map(|arn| own.library.managed(arn, &snapshot));
            let trust = identity.role.as_ref().map(|role| own.library.trust(&identity.name, role));
            let caller = Arc::new(Caller::user(account, &identity.path, &identity.name, &identity.id));
            self.ids.insert(identity.arn().into(), identity.id.as_str().into());
            let identity = identity.clone();
            let person = Person { identity, caller, policies, policy_groups, boundary, trust };
            self.persons.insert(found.identity.id.as_str().into(), Arc::new(person));
        }
        self.logins.take(&snapshot, account == site.account, &mut own.library);
        for found in &snapshot.oidc_providers {
            let provider = Provider::of(account, found);
            self.providers.insert((account, provider.settings.issuer.clone()), Arc::new(provider));
        }
        self.revoked.extend(snapshot.revoked.into_iter().map(|(id, before)| (id.into(), (account, before))));
        let known = |key: SnapshotKey| (key.id.as_str().into(), Arc::new(KnownKey { account, key }));
        self.keys.extend(snapshot.access_keys.into_iter().map(known));
    }

    /// Lets trust policies mean nobody of another account here who was not there when they were written, or whose role is gone.
    fn bind_strangers(&mut self, own: &mut OfAccount) {
        let mut bound = Vec::new();
        for named in own.names.values() {
            let Some(role) = self.role(&format!("arn:aws:iam::{}:{}", own.account, named.in_arn)) else { continue };
            let Some((trust, rules)) = role.trust.as_ref().zip(role.identity.role.as_ref()) else { continue };
            let others = trust.policy.named_principals().into_iter();
            let others: HashMap<String, AccountId> = others
                .filter_map(|arn| account_in(&arn).map(|account| (arn, account)))
                .filter(|(_, account)| *account != own.account)
                .collect();
            if others.is_empty() {
                continue;
            }
            own.others.extend(others.values());
            let id_of = |arn: &str| {
                let id = rules.bindings.session_id(arn);
                let is_there = id.is_some_and(|id| self.persons.contains_key(id));
                let is_meant = is_there || !others.get(arn).is_some_and(|account| self.knows(*account));
                (!is_meant).then(|| id.unwrap_or(NOBODY).into())
            };
            let trust =
                NamedPolicy { policy: Arc::new(Policy::clone(&trust.policy).bound(id_of)), name: trust.name.clone() };
            bound.push((role.identity.id.clone(), Person { trust: Some(trust), ..Person::clone(role) }));
        }
        self.persons.extend(bound.into_iter().map(|(id, role)| (id.into(), Arc::new(role))));
    }

    fn take_document(&self, own: &mut OfAccount, document: AccessDocument) {
        let AccessDocument { repository, kind, name, body, changed_at } = document;
        match (kind.as_str(), repository) {
            (documents::ACCOUNT_POLICY, None) => {
                own.account_wide.push(own.library.standing(&name, &body, PolicyPlace::AccountWide));
            }
            (documents::REGISTRY_POLICY, None) => {
                let policy = own.library.standing("registry", &body, PolicyPlace::Registry);
                own.registry = Some(self.bound(own, policy, changed_at));
            }
            (documents::REPOSITORY_POLICY, Some(name)) => {
                let policy = own.library.standing(&name, &body, PolicyPlace::Repository);
                let policy = self.bound(own, policy, changed_at);
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

    fn take_keys(&self, own: &mut OfAccount, keys: Vec<kms::KeyPolicyRow>, aliases: &[[String; 2]]) {
        for key in keys {
            let policy = own.library.standing(&key.id, &key.policy, PolicyPlace::Key);
            let policy = self.bound(own, policy, key.policy_at);
            own.kms.add(&key.id, policy, &key.tags);
        }
        for [alias, id] in aliases {
            own.kms.name(alias, id);
        }
    }

    fn take_secrets(&self, own: &mut OfAccount, kept: Vec<secrets::SecretRow>) {
        for secret in kept {
            let policy = secret.policy.as_ref().map(|text| {
                let policy = own.library.standing(&secret.name, text, PolicyPlace::Key);
                self.bound(own, policy, secret.policy_at)
            });
            own.secrets.add(&secret.name, &secret.suffix, policy, &secret.tags, secret.kms_key.as_deref());
        }
    }

    /// Puts unique ids in the place of ARNs of the accounts here, so that whoever came after the policy was written is not meant by
    /// it, whatever his name.
    fn bound(&self, own: &mut OfAccount, named: NamedPolicy, written_at: Timestamp) -> NamedPolicy {
        let principals = named.policy.named_principals();
        own.others.extend(principals.iter().filter_map(|arn| account_in(arn)).filter(|at| *at != own.account));
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
        NamedPolicy { policy: Arc::new(Policy::clone(&named.policy).bound(id_of)), name: named.name }
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

    /// Returns what is attached to a group of an account, whose name is in any case.
    pub(crate) fn group(&self, account: AccountId, name: &str) -> Option<&[NamedPolicy]> {
        self.of(account)?.groups.get(name.to_ascii_lowercase().as_str()).map(Vec::as_slice)
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

    /// Whether what began at `began_at` may no more be a session of a role, by its unique id, or of a person.
    pub(crate) fn is_revoked(&self, role_id: &str, began_at: Timestamp) -> bool {
        self.revoked.get(role_id).is_some_and(|(_, before)| began_at < *before)
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
        self.keys.get(id).map(|known| &known.key).filter(|key| key.is_active)
    }

    /// Whether a user has an access key that may be used.
    pub(crate) fn has_key(&self, user_id: &str) -> bool {
        self.keys.values().any(|known| known.key.user_id == user_id && known.key.is_active)
    }

    /// Returns what an account has for itself.
    pub(crate) fn of(&self, account: AccountId) -> Option<&OfAccount> {
        self.accounts.get(&account).map(AsRef::as_ref)
    }

    /// Returns a managed policy that a session of a role of this account is narrowed by; one that is no more allows nothing.
    pub(crate) fn managed(&self, account: AccountId, arn: &str) -> NamedPolicy {
        let own = self.of(account).and_then(|own| own.managed.get(arn)).cloned();
        own.or_else(|| built_in_policy(account, arn)).unwrap_or_else(|| Library::nothing(arn))
    }

    /// Whether there is such a managed policy for the roles of an account.
    pub(crate) fn has_managed(&self, account: AccountId, arn: &str) -> bool {
        self.of(account).is_some_and(|own| own.managed.contains_key(arn)) || built_in_policy(account, arn).is_some()
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
        self.states.contains_key(&account)
    }

    /// Whether there is such an account, and it lets its people in.
    pub(crate) fn lets_in(&self, account: AccountId) -> bool {
        self.states.get(&account) == Some(&AccountState::Active)
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

    /// Returns the principal of a session that began with the personal token of this id; where it is empty, with something else.
    pub(crate) fn session_with(&self, id: &str, session: RoleSession, now: Timestamp) -> Option<Principal> {
        let is_there = id.is_empty() || self.logins.has_token(id, now);
        let principal = self.session(session, now).filter(|_| is_there)?;
        Some(if id.is_empty() { principal } else { Principal { access_key_id: id.into(), ..principal } })
    }

    /// Returns the principal of a session; none where it is over or revoked, or its role is no more.
    pub(crate) fn session(&self, session: RoleSession, now: Timestamp) -> Option<Principal> {
        let role = self.person(&session.role_id).filter(|role| role.trust.is_some())?;
        let role = Some(role).filter(|role| self.lets_in(role.identity.account))?;
        let identity = &role.identity;
        let caller = Caller::session(identity.account, &identity.path, &identity.name, &identity.id, &session.name);
        let person = session.provider.as_deref().zip(session.source_identity.as_deref());
        let person = person.map(|(provider, id)| revoked_person(provider, id));
        let is_revoked = [Some(&identity.id), person.as_ref()]
            .into_iter()
            .flatten()
            .any(|id| self.is_revoked(id, session.issued_at()));
        (now < session.expires_at() && !is_revoked)
            .then(|| Principal::role_session(identity.account, Arc::new(caller), Arc::new(session)))
    }
}

/// The account that an ARN names.
fn account_in(arn: &str) -> Option<AccountId> {
    arn.split(':').nth(4)?.parse().ok()
}

fn built_in_policy(account: AccountId, arn: &str) -> Option<NamedPolicy> {
    let policy = Policy::parse(&built_in_text(account, arn)?, PolicyPlace::Identity).ok()?;
    Some(NamedPolicy { name: arn.into(), policy: Arc::new(policy) })
}

/// The entries of a map that stay.
pub(crate) fn kept<K: Clone + Eq + Hash, V: Clone>(
    map: &HashMap<K, V>,
    stays: impl Fn(&K, &V) -> bool,
) -> HashMap<K, V> {
    map.iter().filter(|(key, value)| stays(key, value)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl OfAccount {
    /// Whether nothing is written at the registry, a repository or for all its people that could deny its root user anything.
    pub(crate) fn lets_root(&self) -> bool {
        let is_open = |at: &AtRepository| at.policy.is_none();
        self.registry.is_none() && self.account_wide.is_empty() && self.repositories.values().all(is_open)
    }

    fn new(account: AccountId, site: &Site, library: Library) -> Self {
        OfAccount {
            account,
            names: HashMap::new(),
            groups: HashMap::new(),
            managed: HashMap::new(),
            repositories: HashMap::new(),
            registry: None,
            account_wide: Vec::new(),
            kms: KeyPolicies::new(format!("arn:aws:kms:{}:{account}:", site.region)),
            secrets: SecretPolicies::new(format!("arn:aws:secretsmanager:{}:{account}:", site.region)),
            others: BTreeSet::new(),
            library,
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
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_keys: Vec::new(),
            source_identity: None,
            provider: None,
            issued_at: now.millis(),
            expires_at: now.millis(),
            vouched: None,
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

#[cfg(test)]
mod tests;
