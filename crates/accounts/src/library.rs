use crate::{Snapshot, SnapshotIdentity, identities::RoleRules};
use gantry_access::{
    Action, action,
    policy::{Attached, Policy, PolicyPlace},
};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

/// A policy with the name under which verdicts speak of it.
#[derive(Clone, Debug)]
pub(crate) struct NamedPolicy {
    pub(crate) name: Arc<str>,
    pub(crate) policy: Arc<Policy>,
}

impl NamedPolicy {
    pub(crate) fn attached(&self) -> Attached<'_> {
        Attached { name: &self.name, policy: &self.policy }
    }
}

/// Policies by their texts: each is compiled once, also when the directory is read again.
#[derive(Default)]
pub(crate) struct Library {
    before: HashMap<Text, Arc<Policy>>,
    compiled: HashMap<Text, Arc<Policy>>,
}

/// Where it stands, and how it reads.
type Text = (PolicyPlace, Arc<str>);

/// What stands for a policy that cannot be read: what it denies is not known, so it denies all.
static DENIES_ALL: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#;
    Arc::new(Policy::parse(text, PolicyPlace::Identity).expect("the text above is a policy"))
});
/// The same, where principals are named.
static DENIES_ALL_TO_ALL: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*"}}"#;
    Arc::new(Policy::parse(text, PolicyPlace::Trust).expect("the text above is a policy"))
});

/// What everybody may with what is his own, unless a policy denies it.
static OWN_TOKENS: LazyLock<NamedPolicy> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Action": ["gantry:CreateToken", "gantry:ListTokens", "gantry:RevokeToken"],
        "Resource": ["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}",
            "arn:aws:iam::*:session/${sts:RoleSessionName}"]}}"#;
    let policy = Policy::parse(text, PolicyPlace::Identity).expect("the text above is a policy");
    NamedPolicy { name: "own tokens".into(), policy: Arc::new(policy) }
});
const OWN_TOKEN_ACTIONS: [Action; 3] =
    [action::GANTRY_CREATE_TOKEN, action::GANTRY_LIST_TOKENS, action::GANTRY_REVOKE_TOKEN];

/// Returns what everybody may of an action without being given it.
pub(crate) fn given_to_all(action: Action) -> Option<&'static NamedPolicy> {
    OWN_TOKEN_ACTIONS.contains(&action).then(|| &*OWN_TOKENS)
}

impl Library {
    /// An empty one that takes over from `before` what it is asked for.
    pub(crate) fn after(before: Option<&Library>) -> Self {
        Library { before: before.map(|before| before.compiled.clone()).unwrap_or_default(), compiled: HashMap::new() }
    }

    /// What allows nothing.
    pub(crate) fn nothing(name: &str) -> NamedPolicy {
        NamedPolicy { name: name.into(), policy: DENIES_ALL.clone() }
    }

    /// Everything that is attached to a user, group or role.
    pub(crate) fn of_holder(&mut self, holder: &SnapshotIdentity, snapshot: &Snapshot) -> Vec<NamedPolicy> {
        let mut policies: Vec<_> = holder.attached.iter().map(|arn| self.managed(arn, snapshot)).collect();
        for (name, text) in &holder.inline {
            policies.push(self.named(name, text, PolicyPlace::Identity));
        }
        policies
    }

    /// A managed policy; where it is no more it denies all.
    pub(crate) fn managed(&mut self, arn: &str, snapshot: &Snapshot) -> NamedPolicy {
        match snapshot.policies.get(arn) {
            Some(text) => self.named(arn, text, PolicyPlace::Identity),
            None => NamedPolicy { name: arn.into(), policy: DENIES_ALL.clone() },
        }
    }

    /// The trust policy of a role, which means those who had the names in it when it was written.
    pub(crate) fn trust(&mut self, role: &str, rules: &RoleRules) -> NamedPolicy {
        let trust = self.standing(role, &rules.trust, PolicyPlace::Trust);
        let bound = Policy::clone(&trust.policy).bound(|arn| rules.bindings.id_of(arn).map(Box::from));
        NamedPolicy { policy: Arc::new(bound), ..trust }
    }

    /// A policy that stands at a repository or at the registry.
    pub(crate) fn standing(&mut self, name: &str, text: &str, place: PolicyPlace) -> NamedPolicy {
        self.named(name, &text.into(), place)
    }

    /// What a personal token is narrowed to.
    pub(crate) fn limit(&mut self, text: &Arc<str>) -> NamedPolicy {
        self.named("personal token", text, PolicyPlace::Identity)
    }

    /// Returns a policy by its text.
    fn named(&mut self, name: &str, text: &Arc<str>, place: PolicyPlace) -> NamedPolicy {
        let key: Text = (place, text.clone());
        let policy = self.compiled.get(&key).or_else(|| self.before.get(&key)).cloned();
        let policy = policy.unwrap_or_else(|| compile(name, text, place));
        self.compiled.insert(key, policy.clone());
        NamedPolicy { name: name.into(), policy }
    }

    /// Forgets what is in no policy any more.
    pub(crate) fn settle(&mut self) {
        self.before = HashMap::new();
    }
}

fn compile(name: &str, text: &str, place: PolicyPlace) -> Arc<Policy> {
    match Policy::parse(text, place) {
        Ok(policy) => Arc::new(policy),
        Err(error) => {
            tracing::error!(
                policy = name,
                "a stored policy cannot be read, and denies everything until it is written anew: {error}"
            );
            match place {
                PolicyPlace::Identity | PolicyPlace::AccountWide => DENIES_ALL.clone(),
                PolicyPlace::Repository | PolicyPlace::Registry | PolicyPlace::Trust | PolicyPlace::Key => {
                    DENIES_ALL_TO_ALL.clone()
                }
            }
        }
    }
}
