use crate::{
    Access, Facts, Principal, PrincipalKind, Resource,
    decide::Explained,
    policy::{
        Attached, BUILT_IN_ROLES, BuiltInRole, Denial, Effect, Element, Policies, Policy, PolicyPlace, Request, Side,
        Verdict, evaluate,
    },
};
use serde_json::json;

/// Returns what is missing where something is denied, and what to do about it, each a sentence; nothing where it is allowed.
pub fn advice(principal: &Principal, access: &Access, facts: &Facts<'_>, explained: &Explained<'_>) -> Vec<String> {
    let Verdict::Denied(denial) = &explained.verdict else { return Vec::new() };
    let case = Case { principal, access, facts, arn: access.arn(facts.region, facts.account) };
    let mut sentences = vec![case.remedy(denial)];
    sentences.extend(near_misses(explained));
    sentences
}

struct Case<'a> {
    principal: &'a Principal,
    access: &'a Access,
    facts: &'a Facts<'a>,
    arn: String,
}

impl Case<'_> {
    fn remedy(&self, denial: &Denial<'_>) -> String {
        let (action, arn) = (self.access.action, &self.arn);
        let own = json!({"Effect": "Allow", "Action": action.name(), "Resource": arn});
        match denial {
            Denial::Explicit(at) => {
                format!("{at} denies it, and no other statement can allow that: narrow it, or remove it")
            }
            Denial::Identity if self.principal.account != self.facts.account => format!(
                "No policy of its own account allows {action} on {arn}; both accounts must. There it needs a statement like {own}"
            ),
            Denial::Identity => match self.grant() {
                Some(grant) => {
                    format!(
                        "No statement allows {action} on {arn}; run: {grant}; or add to a policy of it a statement like {own}"
                    )
                }
                None => format!("No statement allows {action} on {arn}; add to a policy of it a statement like {own}"),
            },
            Denial::Boundary => {
                let boundary = self.facts.policies.boundary.map_or("", |boundary| boundary.name);
                format!(
                    "The permissions boundary {boundary} does not allow {action} on {arn}; add to it a statement like {own}"
                )
            }
            Denial::Session => format!(
                "The policy that the session was narrowed by does not allow {action} on {arn}; take the role without it, or with a statement like {own}"
            ),
            Denial::Resource => self.missing_at_resource(),
            Denial::Trust => format!(
                "The trust policy of {arn} does not name it; add to that a statement like {}",
                json!({"Effect": "Allow", "Principal": {"AWS": self.principal.caller.principal_arn()}, "Action": action.name()})
            ),
            Denial::Anonymous => "It is open to everybody, but this server lets in nobody without credentials: set \
                                  tokens.anonymous_pull = true"
                .into(),
        }
    }

    fn missing_at_resource(&self) -> String {
        let (action, arn) = (self.access.action, &self.arn);
        let who = match self.principal.kind {
            PrincipalKind::Anonymous => json!("*"),
            PrincipalKind::Root | PrincipalKind::User | PrincipalKind::Session => {
                json!({"AWS": self.principal.caller.principal_arn()})
            }
        };
        match &self.access.resource {
            Resource::Repository(name) => {
                let statement = json!({"Effect": "Allow", "Principal": who, "Action": action.name()});
                format!("No policy of the repository {name} allows {action}; add to it a statement like {statement}")
            }
            _ => format!(
                "Nothing at {arn} can allow {action}, since no policy stands there: only its own account may do it"
            ),
        }
    }

    /// The command that gives the smallest built-in role with which it would be allowed.
    fn grant(&self) -> Option<String> {
        let kind = match self.principal.kind {
            PrincipalKind::User => "user",
            PrincipalKind::Session => "role",
            PrincipalKind::Root | PrincipalKind::Anonymous => return None,
        };
        let name = self.principal.caller.principal_arn().rsplit('/').next()?;
        let prefix = match &self.access.resource {
            Resource::Repository(name) => name.as_str(),
            Resource::Registry => "",
            Resource::Repositories | Resource::Owned { .. } | Resource::Arn(_) => return None,
        };
        let role = BUILT_IN_ROLES.iter().take(5).find(|role| self.would_do(role, prefix))?;
        let below = if prefix.is_empty() { String::new() } else { format!(" --prefix {prefix}") };
        Some(format!("gantry access grant {kind}/{name} {}{below}", role.name))
    }

    fn would_do(&self, role: &BuiltInRole, prefix: &str) -> bool {
        let text = role.policy_text(self.facts.account, prefix);
        let Ok(policy) = Policy::parse(&text, PolicyPlace::Identity) else { return false };
        let identity = [Attached { name: role.name, policy: &policy }];
        let request = Request {
            caller: &self.principal.caller,
            action: self.access.action.name(),
            resource: &self.arn,
            resource_account: self.facts.account,
            context: self.facts.context,
        };
        evaluate(&request, &Policies { identity: &identity, ..Policies::default() }).is_allowed()
    }
}

/// Statements that nearly allow it: but for a condition, or for the resource.
fn near_misses(explained: &Explained<'_>) -> impl Iterator<Item = String> {
    let is_allowing = |side: Side, effect| {
        effect == Effect::Allow && matches!(side, Side::Identity | Side::Repository | Side::Trust | Side::Boundary)
    };
    explained.statements.iter().filter(move |traced| is_allowing(traced.at.side, traced.effect)).filter_map(|traced| {
        let at = traced.at;
        match traced.fails_at? {
            Element::Condition => Some(format!(
                "{at} would apply but for its Condition: say what the request brings with --context key=value"
            )),
            Element::Resource => Some(format!("{at} speaks of this action, but of other resources")),
            Element::Principal => Some(format!("{at} speaks of this action, but to others")),
            Element::Action => None,
        }
    })
}

#[cfg(test)]
mod tests;
