use crate::{
    Accounts,
    decisions::account_of,
    directory::{Directory, Person},
    explain::{asked_role, worded},
};
use gantry_access::{
    Access, Action, Arrival, Facts, Principal, Resource,
    policy::{Attached, Caller, Grant, Policies, Policy, PolicyPlace, Verdict},
};
use gantry_words::AccountId;
use std::sync::{Arc, LazyLock};

/// The most rows of an answer.
pub const PERMITTED_MAX: usize = 10_000;
/// What sessions are called of which only the role is known.
const SESSION: &str = "any";
/// An account that stands for all others.
const OTHER: &str = "999999999999";

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permitted {
    /// `root`, `user`, `robot`, `role`, `anonymous`, `account`.
    pub kind: &'static str,
    /// The ARN of a user, a role or the root user; `anonymous`; of other accounts the account or the ARN, or `*` for all.
    pub principal: String,
    /// The group by which a user may.
    pub group: Option<String>,
    /// Which statements allow it.
    pub by: String,
}

/// What a statement attached to a user or role allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// `user`, `robot` or `role`.
    pub kind: &'static str,
    /// The ARN of the user or role.
    pub principal: String,
    /// The group by which a user has it.
    pub group: Option<String>,
    /// The policy.
    pub policy: String,
    /// Which statement, counted from 1.
    pub statement: usize,
    /// Its name.
    pub sid: Option<String>,
    /// The actions that it allows on something.
    pub actions: Vec<Action>,
}

/// Allows everything: what other accounts allow to their own people is not known here.
static ALLOWS_ALL: LazyLock<Policy> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    Policy::parse(text, PolicyPlace::Identity).expect("the text above is a policy")
});

impl Accounts {
    /// Returns everybody who may do all of `needs` in an account in a request that came so, up to one more than [`PERMITTED_MAX`]: the
    /// account's own by name, then those of other accounts whom the policy of the repository names.
    pub fn who_can(&self, account: AccountId, needs: &[Access], arrival: &Arrival) -> Vec<Permitted> {
        let directory = self.directory();
        let arrival = &Arrival { account: Some(account), ..arrival.clone() };
        let besides = needs.iter().flat_map(|access| self.asked_besides(account, access));
        let needs: Vec<Access> = needs.iter().cloned().chain(besides).collect();
        let needs = needs.as_slice();
        let mut persons: Vec<&Arc<Person>> = directory.persons(account).collect();
        persons.sort_by_cached_key(|person| person.identity.arn());
        let mut found = Vec::new();
        let may = |principal: Principal| self.allowing(&directory, &principal.arrived(arrival.clone()), needs, false);
        if let Some(by) = may(Principal::root(account)) {
            let principal = Caller::root(account).arn().into();
            found.push(Permitted { kind: "root", principal, group: None, by: by.sentence });
        }
        let is_alive =
            |person: &&Arc<Person>| person.identity.robot.as_ref().is_none_or(|rules| rules.is_alive(arrival.at));
        for person in persons.into_iter().filter(is_alive) {
            let Some(by) = may(person.principal(SESSION, arrival.at)) else { continue };
            let group = by.policy.and_then(|policy| person.group_of(&policy)).map(Into::into);
            let (kind, principal) = (person.kind(), person.identity.arn());
            found.push(Permitted { kind, principal, group, by: by.sentence });
            if found.len() > PERMITTED_MAX {
                return found;
            }
        }
        if let Some(by) = may(Principal::anonymous(account)) {
            found.push(Permitted { kind: "anonymous", principal: "anonymous".into(), group: None, by: by.sentence });
        }
        for (name, stranger) in self.strangers(&directory, account, needs) {
            if let Some(by) = self.allowing(&directory, &stranger.arrived(arrival.clone()), needs, true) {
                found.push(Permitted { kind: "account", principal: name, group: None, by: by.sentence });
            }
        }
        found
    }

    /// Those of other accounts whom the policy of the repository names.
    fn strangers(&self, directory: &Directory, here: AccountId, needs: &[Access]) -> Vec<(String, Principal)> {
        let Some(Access { resource: Resource::Repository(name), .. }) = needs.first() else { return Vec::new() };
        let at = directory.at_repository(here, name.as_str()).and_then(|at| at.policy.as_ref());
        let mut found = Vec::new();
        for text in at.map(|named| named.policy.allowed_principals()).unwrap_or_default() {
            let account = if text == "*" { OTHER } else { text.as_str() };
            let caller = account.parse().ok().map(Caller::root).or_else(|| Caller::of_arn(&text, SESSION));
            let Some((account, caller)) = caller.and_then(|caller| Some((caller.account()?, caller))) else { continue };
            if account != here {
                found.push((text, Principal::stranger(account, caller)));
            }
        }
        found
    }

    /// Which statements allow all of `needs` to a principal; none where it may not. `at_home` says that its own account, which
    /// is not this one, allows it everything.
    fn allowing(
        &self,
        directory: &Directory,
        principal: &Principal,
        needs: &[Access],
        at_home: bool,
    ) -> Option<Allowing> {
        let mut first = None;
        for access in needs {
            let access = &*directory.settled(principal.addressed(), access);
            let role = asked_role(directory, access, principal.addressed());
            let at_key = directory.of(account_of(principal, access)).and_then(|own| own.kms.at(access));
            let trust = role.as_ref().and_then(|role| role.trust.as_ref()).or(at_key.map(|key| &key.policy));
            let allowing = self.with_facts(directory, principal, access, trust, |facts| {
                let identity = [Attached { name: "its own account", policy: &ALLOWS_ALL }];
                let policies =
                    if at_home { Policies { identity: &identity, ..facts.policies } } else { facts.policies };
                Allowing::read(&gantry_access::decide(principal, access, &Facts { policies, ..*facts }))
            })?;
            let sentence = worded(access.action, allowing.sentence);
            first.get_or_insert(Allowing { sentence, policy: allowing.policy });
        }
        first
    }

    /// Returns what the policies of all users and roles of an account allow, statement by statement.
    pub fn grants(&self, account: AccountId) -> Vec<Granted> {
        let directory = self.directory();
        let mut persons: Vec<&Arc<Person>> = directory.persons(account).collect();
        persons.sort_by_cached_key(|person| person.identity.arn());
        let mut found = Vec::new();
        for person in persons {
            for (policy, group) in person.policies.iter().zip(&person.policy_groups) {
                for (statement, sid, actions) in policy.policy.allowances(gantry_access::action::ALL) {
                    found.push(Granted {
                        kind: person.kind(),
                        principal: person.identity.arn(),
                        group: group.as_deref().map(Into::into),
                        policy: policy.name.to_string(),
                        statement,
                        sid: sid.map(Into::into),
                        actions,
                    });
                }
            }
        }
        found
    }
}

/// What allowed something.
struct Allowing {
    sentence: String,
    /// The policy of the caller, where one did.
    policy: Option<String>,
}

impl Allowing {
    fn read(verdict: &Verdict<'_>) -> Option<Self> {
        let Verdict::Allowed(Grant { caller, .. }) = verdict else { return None };
        Some(Allowing { sentence: verdict.to_string(), policy: caller.map(|at| at.policy.into()) })
    }
}

impl Person {
    fn kind(&self) -> &'static str {
        match (&self.trust, &self.identity.robot) {
            (Some(_), _) => "role",
            (None, Some(_)) => "robot",
            (None, None) => "user",
        }
    }

    /// The group by which it has a policy; none where it is its own.
    fn group_of(&self, policy: &str) -> Option<&str> {
        let at = self.policies.iter().position(|named| *named.name == *policy)?;
        self.policy_groups.get(at)?.as_deref()
    }
}
