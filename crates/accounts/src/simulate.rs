//! What somebody may, or might with policies that are only supposed, by the decision that requests get.

use crate::{
    Accounts, AskedAbout, ExplainedStatement,
    decisions::{account_of, person},
    directory::Directory,
    explain::{SESSION, asked_role, is_of_keys, statement},
    library::NamedPolicy,
};
use gantry_access::{
    Access, Arrival, Explained, Facts, Principal,
    policy::{Attached, Caller, Context, Denial, Effect, Policies, Policy, PolicyPlace, Side, Verdict},
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::AccountId;
use std::sync::Arc;

/// Whose policies a simulation begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimulatedSource {
    /// Those of a user with his groups', or of a role: an ARN.
    Person(String),
    /// Those of a group, by its name.
    Group(String),
    /// Nobody's: somebody is asked about who has nothing. He is the user of this ARN, where there is one.
    Nobody(Option<String>),
}

/// Policies that are supposed, compiled.
#[derive(Clone, Debug, Default)]
pub struct SimulatedPolicies {
    identity: Vec<NamedPolicy>,
    boundary: Option<NamedPolicy>,
    resource: Option<NamedPolicy>,
}

/// What is decided about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// What was asked.
    pub action: String,
    /// On what: an ARN, or `*`.
    pub resource: String,
    /// Whether it may be done.
    pub is_allowed: bool,
    /// Whether it may not because a statement says so.
    pub is_denied_by_statement: bool,
    /// The statements that decided, or would have.
    pub statements: Vec<ExplainedStatement>,
    /// Whether the boundary allows it, where there is one.
    pub boundary_allows: Option<bool>,
    /// Keys that conditions ask for and that nobody gave.
    pub missing_keys: Vec<String>,
}

impl SimulatedSource {
    /// Reads the ARN of a user, group or role of an account.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`].
    pub fn parse(arn: &str, account: AccountId) -> Result<Self, Fault> {
        let kind_and_name = arn.strip_prefix(&format!("arn:aws:iam::{account}:")).and_then(|rest| rest.split_once('/'));
        match kind_and_name {
            Some(("user" | "role", _)) => Ok(SimulatedSource::Person(arn.into())),
            Some(("group", path)) => Ok(SimulatedSource::Group(path.rsplit('/').next().unwrap_or_default().into())),
            _ => {
                let message = format!("{arn} is not the ARN of a user, group or role of the account {account}");
                Err(Fault::new(FaultKind::InvalidInput, message))
            }
        }
    }
}

impl SimulatedPolicies {
    /// Compiles texts: what is attached besides, what bounds instead of the boundary that there is, and what stands at the
    /// resource instead of what stands there.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`]: one is no policy, or there are two boundaries.
    pub fn compile(identity: &[String], boundaries: &[String], resource: Option<&str>) -> Result<Self, Fault> {
        if boundaries.len() > 1 {
            return Err(Fault::new(FaultKind::InvalidInput, "Only one policy bounds somebody; give one boundary"));
        }
        let compile = |name: String, text: &str, place| match Policy::parse(text, place) {
            Ok(policy) => Ok(NamedPolicy { name: name.into(), policy: Arc::new(policy) }),
            Err(error) => Err(Fault::new(FaultKind::InvalidInput, format!("{name}: {error}"))),
        };
        let numbered = |name: &str, texts: &[String]| -> Result<Vec<NamedPolicy>, Fault> {
            let texts = (1..).zip(texts);
            texts.map(|(number, text)| compile(format!("{name}.{number}"), text, PolicyPlace::Identity)).collect()
        };
        Ok(SimulatedPolicies {
            identity: numbered("PolicyInputList", identity)?,
            boundary: numbered("PermissionsBoundaryPolicyInputList", boundaries)?.pop(),
            resource: resource.map(|text| compile("ResourcePolicy".into(), text, PolicyPlace::Key)).transpose()?,
        })
    }

    /// Returns the keys that their conditions ask for.
    pub fn context_keys(&self) -> Vec<String> {
        let named = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        sorted(named.flat_map(|named| named.policy.context_keys()).collect())
    }
}

impl Accounts {
    /// Decides whether `source` might do `access`, had he `supposed` too, in a request that comes so: by the decision of a real one,
    /// with what stands at the resource.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidParameter`]: `source` is nobody.
    pub fn simulate(
        &self,
        account: AccountId,
        source: &SimulatedSource,
        supposed: &SimulatedPolicies,
        access: &Access,
        arrival: Arrival,
    ) -> Result<Simulated, Fault> {
        let directory = self.directory();
        let principal = self.simulated(account, source, arrival)?;
        let access = &*directory.settled(account, access);
        let role = asked_role(&directory, access, account);
        let at_key = directory.of(account_of(&principal, access)).and_then(|own| own.kms.at(access));
        let trust = role.as_deref().and_then(|role| role.trust.as_ref()).or(at_key.map(|key| &key.policy));
        let group = group_policies(&directory, account, source)?;
        let someone = person(&directory, &principal);
        let context = self.context(&principal, someone, access, &directory);
        Ok(self.with_facts(&directory, &principal, access, trust, |facts| {
            let more = group.iter().chain(&supposed.identity).map(NamedPolicy::attached);
            let identity: Vec<Attached<'_>> = facts.policies.identity.iter().copied().chain(more).collect();
            let policies = Policies {
                identity: &identity,
                boundary: supposed.boundary.as_ref().map(NamedPolicy::attached).or(facts.policies.boundary),
                ..with_resource(facts.policies, supposed.resource.as_ref())
            };
            let facts = Facts { policies, context: &context, ..*facts };
            let explained = gantry_access::explain(&principal, access, &facts);
            let missing_keys = missing(&policies, &context);
            told(access, &facts, &explained, missing_keys)
        }))
    }

    /// Returns the keys that the conditions of somebody's policies ask for.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidParameter`]: `source` is nobody.
    pub fn context_keys_of(&self, account: AccountId, source: &SimulatedSource) -> Result<Vec<String>, Fault> {
        let directory = self.directory();
        let principal = self.simulated(account, source, Arrival::default())?;
        let own = person(&directory, &principal).map_or(&[][..], |person| &person.policies);
        let all = own.iter().chain(group_policies(&directory, account, source)?);
        Ok(sorted(all.flat_map(|named| named.policy.context_keys()).collect()))
    }

    fn simulated(&self, account: AccountId, source: &SimulatedSource, arrival: Arrival) -> Result<Principal, Fault> {
        let nobody = || Caller::user(account, "/", SESSION, "AIDASIMULATED");
        let caller = match source {
            SimulatedSource::Person(arn) => {
                return self.asked_about(account, &AskedAbout::Arn(arn.clone()), arrival);
            }
            SimulatedSource::Group(_) | SimulatedSource::Nobody(None) => nobody(),
            SimulatedSource::Nobody(Some(arn)) => {
                let caller = Caller::of_arn(arn, SESSION);
                let is_user = arn.contains(":user/");
                caller.filter(|caller| is_user && caller.account() == Some(account)).ok_or_else(|| {
                    let message = format!("CallerArn {arn} is not the ARN of a user of the account {account}");
                    Fault::new(FaultKind::InvalidInput, message)
                })?
            }
        };
        let principal = Principal::user(account, Arc::new(caller), "".into());
        Ok(principal.arrived(Arrival { account: Some(account), ..arrival }))
    }
}

fn group_policies<'a>(
    directory: &'a Directory,
    account: AccountId,
    source: &SimulatedSource,
) -> Result<&'a [NamedPolicy], Fault> {
    let SimulatedSource::Group(name) = source else { return Ok(&[]) };
    directory.group(account, name).ok_or_else(|| {
        Fault::new(FaultKind::NoSuchEntity, format!("There is no group {name} in the account {account}"))
    })
}

/// The same, with another policy at the resource.
fn with_resource<'a>(policies: Policies<'a>, supposed: Option<&'a NamedPolicy>) -> Policies<'a> {
    match supposed.map(NamedPolicy::attached) {
        None => policies,
        supposed if policies.trust.is_some() => Policies { trust: supposed, ..policies },
        supposed => Policies { repository: supposed, ..policies },
    }
}

/// The keys that policies ask for and that a request does not have.
fn missing(policies: &Policies<'_>, context: &Context) -> Vec<String> {
    let at_resource = [policies.boundary, policies.repository, policies.registry, policies.trust];
    let all = policies.identity.iter().copied().chain(at_resource.into_iter().flatten());
    let keys = all.flat_map(|attached| attached.policy.context_keys());
    sorted(keys.filter(|key| !context.has(key)).collect())
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable_by_key(|key| key.to_ascii_lowercase());
    keys.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    keys
}

fn told(access: &Access, facts: &Facts<'_>, explained: &Explained<'_>, missing_keys: Vec<String>) -> Simulated {
    let is_allowed = explained.verdict.is_allowed();
    let effect = match &explained.verdict {
        Verdict::Denied(Denial::Explicit(_)) => Effect::Deny,
        Verdict::Allowed(_) | Verdict::Denied(_) => Effect::Allow,
    };
    let applying = explained.statements.iter().filter(|traced| traced.fails_at.is_none());
    let boundary_allows = facts.policies.boundary.map(|_| {
        let mut of_boundary = applying.clone().filter(|traced| traced.at.side == Side::Boundary).peekable();
        of_boundary.peek().is_some() && of_boundary.all(|traced| traced.effect == Effect::Allow)
    });
    let is_key = is_of_keys(access.action);
    Simulated {
        action: access.action.name().into(),
        resource: access.arn(facts.region, facts.account),
        is_allowed,
        is_denied_by_statement: effect == Effect::Deny,
        statements: applying.filter(|traced| traced.effect == effect).map(|traced| statement(traced, is_key)).collect(),
        boundary_allows,
        missing_keys,
    }
}

#[cfg(test)]
mod tests;
