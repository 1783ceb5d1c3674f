//! The principals of a statement, and how they name a caller.

use super::json::Node;
use super::{Caller, CallerKind, PolicyPlace};
use gantry_words::AccountId;

/// `Principal`, or all but those of `NotPrincipal`.
#[derive(Clone, Debug)]
pub(super) struct Principals {
    pub(super) is_listed: bool,
    listed: Box<[Principal]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Principal {
    Anyone,
    Account(AccountId),
    /// The ARN of a user, of a role, or of a session.
    Arn(Box<str>),
    /// The unique id of a user or role: `AIDA…`, `AROA…`.
    Id(Box<str>),
    Service(Box<str>),
    Federated(Box<str>),
    /// A kind that no caller here is of.
    Canonical,
}

/// How a statement names a caller. What it allows is the more the further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// By its account, which thereby may hand on, but has not.
    Account,
    /// By its role: what narrows the role or the session, narrows this.
    Role,
    /// Itself, or anyone: nothing narrows this but a denial.
    Itself,
}

impl Principals {
    /// Reads `Principal` or `NotPrincipal` of a statement; `None` where the policy stands at an identity.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub(super) fn read(statement: &Node, place: PolicyPlace) -> Result<Option<Self>, String> {
        let (is_listed, node) = match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (None, None) if !place.names_principals() => return Ok(None),
            _ if !place.names_principals() => {
                return Err("it has a Principal; a policy of this kind is about those it is attached to".into());
            }
            (Some(principal), None) => (true, principal),
            (None, Some(_)) if place == PolicyPlace::Trust => {
                return Err("it has NotPrincipal, which the policy of a role may not have".into());
            }
            (None, Some(_)) if statement.get("Effect").and_then(Node::text) == Some("Allow") => {
                return Err("it allows with NotPrincipal, which lets in everybody else, without credentials too; \
                            say with Principal who may"
                    .into());
            }
            (None, Some(principal)) => (false, principal),
            (Some(_), Some(_)) => return Err("it has both Principal and NotPrincipal".into()),
            (None, None) => return Err("it has no Principal: say who, or \"*\" for anybody".into()),
        };
        let mut listed = Vec::new();
        match node {
            Node::Text(text) if text == "*" => listed.push(Principal::Anyone),
            Node::Object(kinds) if !kinds.is_empty() => {
                for (kind, who) in kinds {
                    listed.extend(read(kind, who)?);
                }
            }
            _ => return Err("its Principal is neither \"*\" nor an object such as {\"AWS\": \"123456789012\"}".into()),
        }
        Ok(Some(Principals { is_listed, listed: listed.into() }))
    }

    /// Says how a statement that allows names `caller`: the way that allows most.
    pub(super) fn naming(&self, caller: &Caller) -> Option<Naming> {
        self.listed.iter().filter_map(|principal| principal.naming(caller)).max()
    }

    /// Says whether a statement that denies is about `caller`.
    ///
    /// Of those excepted by `NotPrincipal` every name must stand there: the account, the user or role, and the session.
    /// Who has a permissions boundary is never excepted (AWS IAM User Guide, "NotPrincipal").
    pub(super) fn hit(&self, caller: &Caller, has_boundary: bool) -> bool {
        match self.is_listed {
            true => self.naming(caller).is_some(),
            false => has_boundary || !self.names_wholly(caller),
        }
    }

    fn names_wholly(&self, caller: &Caller) -> bool {
        let names = |wanted| self.listed.iter().any(|principal| principal.naming(caller) == Some(wanted));
        let by_itself = names(Naming::Itself);
        match caller.kind {
            _ if self.listed.contains(&Principal::Anyone) => true,
            CallerKind::Root => names(Naming::Account),
            CallerKind::User => by_itself && names(Naming::Account),
            CallerKind::Session => by_itself && names(Naming::Role) && names(Naming::Account),
            CallerKind::Federated | CallerKind::Service | CallerKind::Anonymous => by_itself,
        }
    }

    /// The accounts and ARNs that are listed, `*` for anyone.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        self.listed.iter().filter_map(|principal| match principal {
            Principal::Anyone => Some("*".to_string()),
            Principal::Account(account) => Some(account.to_string()),
            Principal::Arn(arn) => Some(arn.to_string()),
            Principal::Id(_) | Principal::Service(_) | Principal::Federated(_) | Principal::Canonical => None,
        })
    }

    /// The unique ids that are listed.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().filter_map(|principal| match principal {
            Principal::Id(id) => Some(&**id),
            Principal::Anyone | Principal::Account(_) | Principal::Arn(_) => None,
            Principal::Service(_) | Principal::Federated(_) | Principal::Canonical => None,
        })
    }

    /// Puts the unique id that `id_of` knows for an ARN in the ARN's place.
    pub(super) fn bind(&mut self, id_of: &dyn Fn(&str) -> Option<Box<str>>) {
        for principal in &mut self.listed {
            if let Principal::Arn(arn) = principal
                && let Some(id) = id_of(arn)
            {
                *principal = Principal::Id(id);
            }
        }
    }
}

impl Principal {
    fn naming(&self, caller: &Caller) -> Option<Naming> {
        let naming = |is_named: bool, naming| is_named.then_some(naming);
        let of_principal = if caller.kind == CallerKind::Session { Naming::Role } else { Naming::Itself };
        match self {
            Principal::Anyone => Some(Naming::Itself),
            Principal::Account(account) => naming(caller.account == Some(*account), Naming::Account),
            Principal::Arn(arn) if caller.account.is_some() && *arn == caller.arn => Some(Naming::Itself),
            Principal::Arn(arn) => naming(caller.account.is_some() && *arn == caller.principal_arn, of_principal),
            Principal::Id(id) => naming(caller.account.is_some() && *id == caller.id, of_principal),
            Principal::Service(name) => {
                naming(caller.kind == CallerKind::Service && *name == caller.name, Naming::Itself)
            }
            Principal::Federated(name) => {
                naming(caller.kind == CallerKind::Federated && *name == caller.name, Naming::Itself)
            }
            Principal::Canonical => None,
        }
    }
}

/// Reads who a principal of a kind may be.
fn read(kind: &str, who: &Node) -> Result<Vec<Principal>, String> {
    if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind) {
        return Err(format!("{kind:?} is no kind of principal; those are AWS, Service and Federated"));
    }
    let who = who.texts().filter(|who| !who.is_empty());
    let who = who.ok_or_else(|| format!("its principals of kind {kind} are neither a string nor a list of strings"))?;
    let read_one = |text: &str| {
        match kind {
        "AWS" => read_aws(text).ok_or_else(|| {
            format!(
                "Invalid principal in policy: \"AWS\":\"{text}\": a principal is \"*\", an account of 12 digits, or the ARN of a user or role{}",
                if text.contains('*') { ", without wildcards" } else { "" }
            )
        }),
        "Service" => Ok(Principal::Service(text.into())),
        "Federated" => Ok(Principal::Federated(text.into())),
        _ => Ok(Principal::Canonical),
    }
    };
    who.into_iter().map(read_one).collect()
}

fn read_aws(text: &str) -> Option<Principal> {
    if text == "*" {
        return Some(Principal::Anyone);
    }
    if let Ok(account) = text.parse() {
        return Some(Principal::Account(account));
    }
    if is_id(text) {
        return Some(Principal::Id(text.into()));
    }
    let ["arn", partition, service, "", account, name] = super::pattern::arn_parts(text)? else { return None };
    let account: AccountId = account.parse().ok()?;
    let is_name = match service {
        "iam" if name == "root" && partition.starts_with("aws") => return Some(Principal::Account(account)),
        "iam" => ["user/", "role/"].iter().any(|kind| name.len() > kind.len() && name.starts_with(kind)),
        "sts" => name.starts_with("assumed-role/") && name.matches('/').count() == 2,
        _ => false,
    };
    (partition.starts_with("aws") && is_name && !text.contains('*')).then(|| Principal::Arn(text.into()))
}

/// The unique id of a user or role (AWS IAM User Guide, "IAM identifiers").
fn is_id(text: &str) -> bool {
    let rest = text.strip_prefix("AIDA").or_else(|| text.strip_prefix("AROA")).unwrap_or_default();
    (12..=124).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
