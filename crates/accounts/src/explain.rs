use crate::{
    Accounts,
    decisions::account_of,
    directory::{Directory, Person},
    library::NamedPolicy,
};
use gantry_access::{
    Access, Action, Arrival, Facts, Principal, Resource, action,
    policy::{Caller, Denial, Effect, Element, Policies, Policy, Side, Traced, Verdict},
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Region};

/// What sessions are called of which only the role is known.
pub(crate) const SESSION: &str = "explained";

/// Whom a question about access is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedAbout {
    /// The root user.
    Root,
    /// Whoever comes without credentials.
    Anonymous,
    /// A user, robot or role, named without its path: `user/ann`, `role/deploy`.
    Named(String),
    /// Whoever has this ARN.
    Arn(String),
}

/// Why something may be done, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The ARN of who asks.
    pub principal: String,
    /// What was decided: of two actions of which one is enough, the one that is allowed.
    pub action: Action,
    /// On what: an ARN, or `*`.
    pub resource: String,
    /// Whether it may be done.
    pub is_allowed: bool,
    /// Which statements decided, or what is missing.
    pub by: String,
    /// Where it may not: which side is missing or denies, in a word.
    pub missing: Option<&'static str>,
    /// Where it may not: what a request is told.
    pub message: Option<String>,
    /// Where it may not: what to do, a sentence each.
    pub advice: Vec<String>,
    /// What became of every statement that was looked at.
    pub statements: Vec<ExplainedStatement>,
}

/// A statement, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedStatement {
    /// What AWS calls such a policy.
    pub side: &'static str,
    /// The policy.
    pub policy: String,
    /// Which statement, counted from 1.
    pub number: usize,
    /// Its name.
    pub sid: Option<String>,
    /// What it does where it applies.
    pub effect: Effect,
    /// The first member that does not apply; `None` where it applies.
    pub fails_at: Option<Element>,
}

impl AskedAbout {
    /// Reads `root`, `anonymous`, `user/NAME`, `robot/NAME`, `role/NAME`, or an ARN.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let named = |kind: &str, name: &str| (!name.is_empty()).then(|| AskedAbout::Named(format!("{kind}/{name}")));
        let found = match text.split_once('/') {
            None if text == "root" => Some(AskedAbout::Root),
            None if text == "anonymous" => Some(AskedAbout::Anonymous),
            Some(("user" | "robot", name)) => named("user", name),
            Some(("role", name)) => named("role", name),
            _ if text.starts_with("arn:") => Some(AskedAbout::Arn(text.into())),
            _ => None,
        };
        found.ok_or_else(|| {
            let message = format!(
                "{text:?} is nobody whose access can be explained; write user/NAME, robot/NAME, role/NAME, root, anonymous, or an ARN"
            );
            Fault::new(FaultKind::InvalidParameter, message)
        })
    }

    /// What must be allowed to whoever asks about him in the account `here`.
    pub fn access(&self, here: AccountId) -> Access {
        let action = action::IAM_SIMULATE_PRINCIPAL_POLICY;
        match self {
            AskedAbout::Root => Access::of(action, "iam", "root"),
            AskedAbout::Anonymous => Access::to(action),
            AskedAbout::Named(name) => Access::of(action, "iam", name.as_str()),
            // Of somebody at home elsewhere nothing is told but what is said of him here.
            AskedAbout::Arn(arn) if owner_of(arn).is_some_and(|owner| owner != here) => Access::to(action),
            AskedAbout::Arn(arn) => Access::on_arn(action, arn.as_str()),
        }
    }
}

/// The account that an ARN names.
fn owner_of(arn: &str) -> Option<AccountId> {
    arn.split(':').nth(4)?.parse().ok()
}

/// Returns what a request needs that does `words` to a resource: the action of that name, or what docker's clients ask for a
/// `pull`, a `push` or a `delete`.
///
/// # Errors
/// [`FaultKind::InvalidParameter`]: there is no such action; the message names the nearest.
pub fn explained_accesses(words: &str, resource: &Resource) -> Result<Vec<Access>, Fault> {
    let on = |action| Access { resource: resource.clone(), ..Access::to(action) };
    Ok(match words {
        "pull" => vec![on(action::ECR_BATCH_GET_IMAGE), on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER)],
        "push" => vec![
            // Clients ask whether a blob is there before they send it.
            on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER).or(action::ECR_BATCH_CHECK_LAYER_AVAILABILITY),
            on(action::ECR_INITIATE_LAYER_UPLOAD),
            on(action::ECR_UPLOAD_LAYER_PART),
            on(action::ECR_COMPLETE_LAYER_UPLOAD),
            on(action::ECR_PUT_IMAGE),
        ],
        "delete" => vec![on(action::ECR_BATCH_DELETE_IMAGE)],
        name => {
            let action = Action::find(name).ok_or_else(|| {
                let nearest = Action::nearest(name);
                let message = format!(
                    "{name:?} is no action; did you mean {nearest}? (pull, push and delete are understood too)"
                );
                Fault::new(FaultKind::InvalidParameter, message)
            })?;
            vec![on(action)]
        }
    })
}

/// Reads a resource: a repository's name, `*` for the registry as a whole, or an ARN.
///
/// # Errors
/// [`FaultKind::NameInvalid`]; [`FaultKind::InvalidParameter`] for what is of another account, whose policies are not told here.
pub fn explained_resource(text: &str, action: &str, account: AccountId, region: &Region) -> Result<Resource, Fault> {
    let repository = |name: &str| {
        let parsed = name.parse().map(Resource::Repository);
        parsed.map_err(|error: gantry_words::RepositoryNameError| Fault::new(FaultKind::NameInvalid, error.to_string()))
    };
    if text == "*" {
        let is_list = action.eq_ignore_ascii_case(action::ECR_DESCRIBE_REPOSITORIES.name());
        return Ok(if is_list { Resource::Repositories } else { Resource::Registry });
    }
    if let Some(owner) = owner_of(text).filter(|owner| *owner != account) {
        let message = format!("{text} is of the account {owner}; what its policies say is explained there only");
        return Err(Fault::new(FaultKind::InvalidParameter, message));
    }
    let Some(rest) = text.strip_prefix("arn:aws:") else { return repository(text) };
    let (ecr, kms) = (format!("ecr:{region}:{account}:repository/"), format!("kms:{region}:{account}:"));
    let owned = |service, path: &str| Resource::Owned { service, path: path.into() };
    Ok(match rest {
        rest if rest.starts_with(&ecr) => repository(&rest[ecr.len()..])?,
        rest if rest.starts_with(&kms) => owned("kms", &rest[kms.len()..]),
        rest => match rest.strip_prefix(&format!("iam::{account}:")) {
            Some(path) => owned("iam", path),
            None => Resource::Arn(text.into()),
        },
    })
}

impl Accounts {
    /// Returns whom a question in an account is about as a principal whose request came so. Nothing is known of users and roles of other
    /// accounts but what their ARNs say.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidParameter`].
    pub fn asked_about(&self, account: AccountId, asked: &AskedAbout, arrival: Arrival) -> Result<Principal, Fault> {
        let (directory, here) = (self.directory(), account);
        let nobody =
            |who: &str| Fault::new(FaultKind::NoSuchEntity, format!("There is no {who} in the account {here}"));
        let principal = match asked {
            AskedAbout::Root => Principal::root(here),
            AskedAbout::Anonymous => Principal::anonymous(here),
            AskedAbout::Named(name) => {
                directory.named(here, name).ok_or_else(|| nobody(name))?.principal(SESSION, arrival.at)
            }
            AskedAbout::Arn(arn) => {
                let caller = Caller::of_arn(arn, SESSION).ok_or_else(|| {
                    let message = format!("{arn:?} is not the ARN of a user, a role, a session, or root");
                    Fault::new(FaultKind::InvalidParameter, message)
                })?;
                match caller.account() {
                    Some(account) if account == here && *arn == *Caller::root(account).arn() => {
                        Principal::root(account)
                    }
                    Some(account) if account == here => {
                        let session = arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/'));
                        match session {
                            Some((role, session)) => directory
                                .named(here, &format!("role/{role}"))
                                .ok_or_else(|| nobody(arn))?
                                .principal(session, arrival.at),
                            None => directory.by_arn(arn).ok_or_else(|| nobody(arn))?.principal(SESSION, arrival.at),
                        }
                    }
                    account => Principal::stranger(account.unwrap_or(here), caller),
                }
            }
        };
        Ok(principal.arrived(Arrival { account: Some(here), ..arrival }))
    }

    /// Says what decides about one thing, and what is missing where it may not be done: the same that a request is told that
    /// came so.
    pub fn explain(&self, principal: &Principal, access: &Access) -> Explanation {
        let directory = self.directory();
        let access = &*directory.settled(principal.addressed(), access);
        let own = directory.of(account_of(principal, access));
        let role = asked_role(&directory, access, principal.addressed());
        let at_key = own.and_then(|own| own.kms.at(access)).map(|key| &key.policy);
        let trust = role.as_deref().and_then(|role| role.trust.as_ref()).or(at_key);
        // What other accounts deny to their own people is not told here.
        let account_wide: Vec<_> =
            own.into_iter().flat_map(|own| &own.account_wide).map(NamedPolicy::attached).collect();
        self.with_facts(&directory, principal, access, trust, |facts| {
            let policies = Policies { account_wide: &account_wide, ..facts.policies };
            tell(principal, access, &Facts { policies, ..*facts })
        })
    }

    /// Returns what a request in an account that does this is asked besides: the use of the key that a secret lies under.
    pub fn asked_besides(&self, account: AccountId, access: &Access) -> Vec<Access> {
        let directory = self.directory();
        let settled = directory.settled(account, access);
        directory.of(account).map_or_else(Vec::new, |own| own.secrets.besides(&settled))
    }

    /// Returns what keeps somebody out before anything is decided, or may: a sentence each.
    pub fn notes_about(&self, principal: &Principal) -> Vec<String> {
        let directory = self.directory();
        let Some(person) = crate::decisions::person(&directory, principal) else { return Vec::new() };
        let (name, at) = (&person.identity.name, principal.arrival.at);
        let mut notes = Vec::new();
        if let Some(rules) = &person.identity.robot {
            if let Some(end) = rules.expires_at.filter(|_| !rules.is_alive(at)) {
                notes.push(format!("The robot {name} ended at {end}: it is let in no more, whatever it may do"));
            }
            if !rules.networks.is_empty() {
                notes.push(format!("The robot {name} is let in only from {}", rules.networks.join(", ")));
            }
        }
        if person.trust.is_none() && !directory.has_key(&person.identity.id) {
            notes.push(format!("The user {name} has no access key that may be used: it cannot log in with one"));
        }
        notes
    }

    /// Returns those of an account's users and roles that a policy names and that are not there, by their ARNs.
    pub fn unknown_principals(&self, account: AccountId, policy: &Policy) -> Vec<String> {
        let (directory, own) = (self.directory(), format!("arn:aws:iam::{account}:"));
        let named = policy.named_principals();
        named.into_iter().filter(|arn| arn.starts_with(&own) && directory.by_arn(arn).is_none()).collect()
    }
}

/// The role that somebody wants to become, whose trust policy then decides.
pub(crate) fn asked_role(directory: &Directory, access: &Access, account: AccountId) -> Option<std::sync::Arc<Person>> {
    if ![action::STS_ASSUME_ROLE, action::STS_TAG_SESSION].contains(&access.action) {
        return None;
    }
    let arn = match &access.resource {
        Resource::Arn(arn) => arn.clone(),
        Resource::Owned { service: "iam", path } => format!("arn:aws:iam::{account}:{path}"),
        Resource::Owned { .. } | Resource::Repository(_) | Resource::Registry | Resource::Repositories => return None,
    };
    directory.role(&arn).cloned()
}

fn tell(principal: &Principal, access: &Access, facts: &Facts<'_>) -> Explanation {
    let explained = gantry_access::explain(principal, access, facts);
    let refusal = gantry_access::judge(principal, access, facts).err();
    let is_key = is_of_keys(access.action);
    Explanation {
        principal: principal.arn.to_string(),
        action: explained.action,
        resource: access.arn(facts.region, facts.account),
        is_allowed: refusal.is_none(),
        by: match &explained.verdict {
            Verdict::Allowed(_)
                if explained.statements.is_empty() && principal.caller.arn() != Caller::root(facts.account).arn() =>
            {
                "everybody who is known may ask for this list, which shows each what he may see".into()
            }
            verdict => worded(access.action, verdict.to_string()),
        },
        missing: missing(&explained.verdict, is_key),
        message: refusal.map(|refusal| refusal.message()),
        advice: gantry_access::advice(principal, access, facts, &explained),
        statements: explained.statements.iter().map(|traced| statement(traced, is_key)).collect(),
    }
}

pub(crate) fn is_of_keys(action: Action) -> bool {
    action.name().starts_with("kms:")
}

/// The same words about a key: what stands at one is asked as what stands at a role is, but is called otherwise.
pub(crate) fn worded(action: Action, text: String) -> String {
    if is_of_keys(action) { text.replace("role trust policy", "key policy") } else { text }
}

const fn missing(verdict: &Verdict<'_>, is_key: bool) -> Option<&'static str> {
    match verdict {
        Verdict::Allowed(_) => None,
        Verdict::Denied(denial) => Some(match denial {
            Denial::Explicit(_) => "explicit deny",
            Denial::Identity => "identity-based policy",
            Denial::Boundary => "permissions boundary",
            Denial::Session => "session policy",
            Denial::Resource => "resource-based policy",
            Denial::Trust if is_key => "resource-based policy",
            Denial::Trust => "role trust policy",
            Denial::Anonymous => "tokens.anonymous_pull",
        }),
    }
}

pub(crate) fn statement(traced: &Traced<'_>, is_key: bool) -> ExplainedStatement {
    let at = traced.at;
    ExplainedStatement {
        side: match at.side {
            Side::AccountWide => "account-wide policy",
            Side::Registry => "registry policy",
            Side::Repository => "repository policy",
            Side::Trust if is_key => "key policy",
            side @ (Side::Identity | Side::Boundary | Side::Session | Side::Trust) => side.name(),
        },
        policy: at.policy.into(),
        number: at.number,
        sid: at.sid.map(Into::into),
        effect: traced.effect,
        fails_at: traced.fails_at,
    }
}
