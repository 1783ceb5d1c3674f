use crate::{
    accounts::Accounts,
    directory::{Directory, OfAccount, Person},
    library::{Library, NamedPolicy, given_to_all},
    logins::Limit,
    registry_credentials::held_by,
};
use gantry_access::{
    Access, Facts, Principal, PrincipalKind, Refusal, Resource, ScopeVerb, action,
    policy::{Attached, Context, Grant, Policies, Policy, PolicyPlace, Verdict},
};
use gantry_words::{AccountId, RepositoryName};
use std::sync::Arc;

impl Accounts {
    /// Whether `principal` may do everything in `needs`; returns which statements say so of the first of them, and nothing
    /// where none had to.
    ///
    /// # Errors
    /// Why not.
    pub fn authorize(&self, principal: &Principal, needs: &[Access]) -> Result<String, Refusal> {
        let directory = self.directory();
        let mut statement = String::new();
        let addressed = principal.addressed();
        let own = directory.of(addressed);
        let settled: Vec<_> = needs.iter().map(|access| directory.settled(addressed, access)).collect();
        let besides: Vec<_> =
            settled.iter().flat_map(|access| own.into_iter().flat_map(|own| own.secrets.besides(access))).collect();
        let besides = besides.iter().map(|access| directory.settled(addressed, access));
        for access in settled.iter().cloned().chain(besides) {
            let access = &*access;
            let at_key = directory.of(account_of(principal, access)).and_then(|own| own.kms.at(access));
            let at_key = at_key.map(|key| &key.policy);
            self.with_facts(&directory, principal, access, at_key, |facts| {
                let verdict = gantry_access::judge(principal, access, facts)?;
                if statement.is_empty() && !is_unwritten(&verdict) {
                    statement = verdict.to_string();
                }
                Ok(())
            })?;
        }
        Ok(statement)
    }

    /// Whether one of `needs` is on a key that is not known here: [`Accounts::look_for_changes`] comes first then, since another
    /// server may have made it a moment ago.
    pub fn misses(&self, principal: &Principal, needs: &[Access]) -> bool {
        let is_on_key = |access: &&Access| match &access.resource {
            Resource::Owned { service, .. } => *service == "kms",
            Resource::Arn(arn) => arn.starts_with("arn:aws:kms:"),
            Resource::Repository(_) | Resource::Registry | Resource::Repositories => false,
        };
        let mut on_keys = needs.iter().filter(is_on_key).peekable();
        if on_keys.peek().is_none() {
            return false;
        }
        let (directory, addressed) = (self.directory(), principal.addressed());
        on_keys.any(|access| {
            let settled = directory.settled(addressed, access);
            directory.of(account_of(principal, &settled)).is_some_and(|own| own.kms.misses(&settled))
        })
    }

    /// Whether `principal` could do `access` to a key that had this policy and no other. A text that is no policy lets nobody.
    pub fn would_let(&self, principal: &Principal, access: &Access, policy: &str) -> bool {
        let Ok(policy) = Policy::parse(policy, PolicyPlace::Key) else { return false };
        let policy = NamedPolicy { name: "key".into(), policy: Arc::new(policy) };
        let decide = |facts: &Facts<'_>| gantry_access::decide(principal, access, facts).is_allowed();
        self.with_facts(&self.directory(), principal, access, Some(&policy), decide)
    }

    /// Whether `principal` may do this one thing.
    pub fn may(&self, principal: &Principal, access: &Access) -> bool {
        self.authorize(principal, std::slice::from_ref(access)).is_ok()
    }

    /// Whether a list of repositories shows this one to `principal`.
    pub fn may_see(&self, principal: &Principal, repository: &RepositoryName) -> bool {
        self.may(principal, &Access::on(action::ECR_DESCRIBE_REPOSITORIES, repository))
    }

    /// Whether `principal` may see all repositories of the account that is addressed, whatever they are called: the root user where
    /// nothing is written that could deny him anything. Of everybody else it has to be asked for each repository.
    pub fn may_see_all(&self, principal: &Principal) -> bool {
        let (directory, account) = (self.directory(), principal.addressed());
        principal.kind == PrincipalKind::Root
            && principal.account == account
            && principal.scopes.is_none()
            && directory.of(account).is_none_or(OfAccount::lets_root)
    }

    /// Whether a token for a verb would be of use. One action stands for each.
    pub(crate) fn may_have(&self, principal: &Principal, verb: ScopeVerb, resource: &Resource) -> bool {
        let action = match verb {
            ScopeVerb::Pull => action::ECR_BATCH_GET_IMAGE,
            ScopeVerb::Push => action::ECR_PUT_IMAGE,
            ScopeVerb::Delete => action::ECR_BATCH_DELETE_IMAGE,
            ScopeVerb::Catalog => action::ECR_DESCRIBE_REPOSITORIES,
        };
        let access = Access { resource: resource.clone(), ..Access::to(action) };
        let decide = |facts: &Facts<'_>| gantry_access::decide(principal, &access, facts).is_allowed();
        self.with_facts(&self.directory(), principal, &access, None, decide)
    }

    /// Gathers what a decision needs to know. `trust` is the policy of the role or key that is asked for; where there is one, what
    /// stands at repositories and registry has no say.
    pub(crate) fn with_facts<T>(
        &self,
        directory: &Directory,
        principal: &Principal,
        access: &Access,
        trust: Option<&NamedPolicy>,
        decide: impl FnOnce(&Facts<'_>) -> T,
    ) -> T {
        let person = person(directory, principal);
        let account = account_of(principal, access);
        let narrowing: Vec<Policy> =
            principal.role_session.iter().flat_map(|session| &session.policies).map(narrow).collect();
        let managed = principal.role_session.iter().flat_map(|session| &session.policy_arns);
        let managed: Vec<_> = managed.map(|arn| directory.managed(principal.account, arn)).collect();
        // The texts come first: `held_by` says the place of one of them.
        let session = narrowing.iter().map(|policy| Attached { name: "session", policy });
        let session: Vec<_> = session.chain(managed.iter().map(NamedPolicy::attached)).collect();
        let held = principal.role_session.as_deref().and_then(held_by).and_then(|place| session.get(place).copied());
        let identity = person.into_iter().flat_map(|person| person.policies.iter().chain(given_to_all(access.action)));
        let identity: Vec<_> = identity.map(NamedPolicy::attached).collect();
        let own = directory.of(account);
        // What is denied at home is denied abroad too.
        let home = directory.of(principal.account).filter(|_| principal.account != account);
        let account_wide = own.into_iter().chain(home).flat_map(|own| &own.account_wide);
        let account_wide: Vec<_> = account_wide.map(NamedPolicy::attached).collect();
        let limit = match directory.logins.limit(&principal.access_key_id) {
            Limit::No => None,
            Limit::To(limit) => Some(limit.clone()),
            Limit::Gone => Some(Library::nothing("personal token")),
        };
        let at = match &access.resource {
            Resource::Repository(name) => {
                directory.at_repository(account, name.as_str()).and_then(|at| at.policy.as_ref())
            }
            Resource::Owned { .. } => own.and_then(|own| own.secrets.at(access)).and_then(|at| at.policy.as_ref()),
            Resource::Registry | Resource::Repositories | Resource::Arn(_) => None,
        };
        let policies = Policies {
            identity: &identity,
            boundary: person.and_then(|person| person.boundary.as_ref()).map(NamedPolicy::attached),
            session: &session,
            account_wide: &account_wide,
            limit: limit.as_ref().map(NamedPolicy::attached).or(held),
            repository: at.map(NamedPolicy::attached),
            registry: directory.registry(account).filter(|_| trust.is_none()).map(NamedPolicy::attached),
            trust: trust.map(NamedPolicy::attached),
            is_open_to_anonymous: self.is_open_to_anonymous(),
        };
        let standing = [policies.repository, policies.registry, policies.trust];
        let is_asked =
            !identity.is_empty() || !account_wide.is_empty() || limit.is_some() || standing.iter().any(Option::is_some);
        let context = if is_asked { self.context(principal, person, access, directory) } else { Context::default() };
        decide(&Facts { account, region: &self.site().region, policies, context: &context })
    }

    /// What is known of a request besides who asks for what.
    pub(crate) fn context(
        &self,
        principal: &Principal,
        person: Option<&Person>,
        access: &Access,
        directory: &Directory,
    ) -> Context {
        let (site, arrival, account) = (self.site(), &principal.arrival, account_of(principal, access));
        let own = directory.of(account);
        let mut context = Context::of(&principal.caller).at(arrival.at);
        let is_secure = if arrival.is_secure { "true" } else { "false" };
        context.set("aws:SecureTransport", [is_secure]);
        context.set("aws:RequestedRegion", [site.region.as_str()]);
        context.set("aws:ResourceAccount", [account.as_str()]);
        if let Some(source) = arrival.source {
            context.set("aws:SourceIp", [source.to_canonical().to_string().as_str()]);
        }
        if let Some(agent) = &arrival.user_agent {
            context.set("aws:UserAgent", [&**agent]);
        }
        for (key, value) in person.into_iter().flat_map(|person| person.identity.tags.iter()) {
            context.set(&format!("aws:PrincipalTag/{key}"), [value]);
        }
        if let Some(session) = &principal.role_session {
            for (key, value) in &session.tags {
                context.set(&format!("aws:PrincipalTag/{key}"), [&**value]);
            }
            context.set("aws:TokenIssueTime", [session.issued_at().to_string().as_str()]);
            context.set("aws:SourceIdentity", session.source_identity.as_deref());
            context.set("aws:FederatedProvider", session.provider.as_deref());
        }
        if let Resource::Repository(name) = &access.resource
            && let Some(at) = directory.at_repository(account, name.as_str())
        {
            for (key, value) in &at.tags {
                context.set(&format!("aws:ResourceTag/{key}"), [&**value]);
                context.set(&format!("ecr:ResourceTag/{key}"), [&**value]);
            }
        }
        if let Some(key) = own.and_then(|own| own.kms.at(access)) {
            context.set("kms:CallerAccount", [principal.account.as_str()]);
            context.set("kms:ResourceAliases", key.aliases.iter().map(AsRef::as_ref));
            for (key, value) in &key.tags {
                context.set(&format!("aws:ResourceTag/{key}"), [&**value]);
            }
        }
        let secret = own.and_then(|own| own.secrets.at(access));
        for (key, value) in secret.into_iter().flat_map(|secret| &secret.tags) {
            context.set(&format!("aws:ResourceTag/{key}"), [&**value]);
            context.set(&format!("secretsmanager:ResourceTag/{key}"), [&**value]);
        }
        for (key, values) in &access.context {
            context.set(key, values.iter().map(AsRef::as_ref));
        }
        context
    }
}

/// Whose the resource is.
pub(crate) fn account_of(principal: &Principal, access: &Access) -> AccountId {
    match &access.resource {
        Resource::Arn(arn) => arn.split(':').nth(4).and_then(|account| account.parse().ok()),
        Resource::Repository(_) | Resource::Registry | Resource::Repositories | Resource::Owned { .. } => None,
    }
    .unwrap_or_else(|| principal.addressed())
}

/// Whether no statement had to allow it.
const fn is_unwritten(verdict: &Verdict<'_>) -> bool {
    matches!(verdict, Verdict::Allowed(Grant { caller: None, resource: None }))
}

/// Returns the user or role behind a principal.
pub(crate) fn person<'a>(directory: &'a Directory, principal: &Principal) -> Option<&'a Person> {
    match principal.kind {
        PrincipalKind::Root | PrincipalKind::Anonymous => None,
        PrincipalKind::User | PrincipalKind::Session => directory.person(principal.caller.id()).map(AsRef::as_ref),
    }
}

/// Compiles a policy that a session was narrowed by. It was read when the session began; one that cannot be read now leaves
/// nothing.
fn narrow(text: impl AsRef<str>) -> Policy {
    Policy::parse(text.as_ref(), PolicyPlace::Identity).unwrap_or_else(|_| Policy::nothing())
}

#[cfg(test)]
mod key_tests;
#[cfg(test)]
mod tests;
