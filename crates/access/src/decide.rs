use crate::{Access, Action, Principal, PrincipalKind, Resource};
use gantry_words::{AccountId, Region};
use std::{borrow::Cow, sync::Arc};

/// What a decision needs to know besides who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The account whose registry is addressed.
    pub account: AccountId,
    /// The region of this site.
    pub region: &'a Region,
}

/// A decision and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is allowed.
    pub allowed: bool,
    /// What decided it.
    pub statement: Cow<'static, str>,
}

/// Why something may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody said who he is, and anonymous may not.
    Unauthenticated,
    /// The token was not asked for this: a client that asks for another may succeed.
    InsufficientScope,
    /// The principal may not, whatever it asks for.
    Denied {
        /// Who may not.
        principal: Arc<str>,
        /// What.
        action: Action,
        /// To what: an ARN, or `*`.
        resource: String,
        /// Why not: the end of a sentence that begins with "because".
        because: String,
    },
}

impl Refusal {
    /// Returns what happened and what to do, in AWS's words where AWS has some.
    pub fn message(&self) -> String {
        match self {
            Refusal::Unauthenticated => "This needs credentials; run: docker login".into(),
            Refusal::InsufficientScope => {
                "The token was not asked for this; ask for one with the scope of the WWW-Authenticate header".into()
            }
            Refusal::Denied { principal, action, resource, because } => {
                format!(
                    "User: {principal} is not authorized to perform: {action} on resource: {resource} because {because}"
                )
            }
        }
    }
}

/// Decides whether `principal` may do what `access` says, whatever token it came with.
pub fn decide(principal: &Principal, access: &Access, facts: &Facts<'_>) -> Verdict {
    let verdict = decide_action(principal, access.action, &access.resource, facts);
    match access.alternative {
        Some(action) if !verdict.allowed => {
            let other = decide_action(principal, action, &access.resource, facts);
            if other.allowed { other } else { verdict }
        }
        _ => verdict,
    }
}

fn decide_action(principal: &Principal, action: Action, _: &Resource, facts: &Facts<'_>) -> Verdict {
    match principal.kind {
        PrincipalKind::Root if principal.account == facts.account => {
            allow("the root user of the account may do everything in it")
        }
        PrincipalKind::Root => deny(format!("no resource-based policy allows the {action} action")),
        PrincipalKind::Anonymous => deny("nothing is open to anonymous"),
    }
}

fn allow(statement: &'static str) -> Verdict {
    Verdict { allowed: true, statement: statement.into() }
}

fn deny(statement: impl Into<Cow<'static, str>>) -> Verdict {
    Verdict { allowed: false, statement: statement.into() }
}

/// Judges a request: everything in `needs` must be allowed, and lie within the scopes of the token if it came with one.
///
/// # Errors
/// The first thing that is not. Whether a repository exists plays no part in it.
pub fn judge(principal: &Principal, needs: &[Access], facts: &Facts<'_>) -> Result<(), Refusal> {
    needs.iter().try_for_each(|access| judge_one(principal, access, facts))
}

fn judge_one(principal: &Principal, access: &Access, facts: &Facts<'_>) -> Result<(), Refusal> {
    let denied = |because| Refusal::Denied {
        principal: principal.arn.clone(),
        action: access.action,
        resource: access.arn(facts.region, facts.account),
        because,
    };
    if let Some(scopes) = &principal.scopes
        && !scopes.allows(access)
    {
        // Where no scope would help, a challenge would only send the client round in circles.
        let may_ask = !crate::Scopes::of(std::slice::from_ref(access)).is_empty();
        return Err(match may_ask {
            true => Refusal::InsufficientScope,
            false => {
                denied("a Bearer token never covers this action; send user name and password (Basic) instead".into())
            }
        });
    }
    let verdict = decide(principal, access, facts);
    match principal.kind {
        _ if verdict.allowed => Ok(()),
        PrincipalKind::Anonymous => Err(Refusal::Unauthenticated),
        PrincipalKind::Root => Err(denied(verdict.statement.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scopes, action};

    const OTHER: &str = "222222222222";

    fn facts() -> Facts<'static> {
        static REGION: std::sync::LazyLock<Region> = std::sync::LazyLock::new(Region::default);
        Facts { account: AccountId::DEFAULT, region: &REGION }
    }

    fn root() -> Principal {
        Principal::root(AccountId::DEFAULT)
    }

    fn with_token(scope: &str) -> Principal {
        root().within(Scopes::parse([scope]))
    }

    fn on(action: Action, name: &str) -> Access {
        Access::on(action, &name.parse().unwrap())
    }

    #[test]
    fn root_may_do_everything_in_his_account() {
        for action in action::ALL {
            assert_eq!(judge(&root(), &[on(*action, "team/app"), Access::to(*action)], &facts()), Ok(()), "{action}");
        }
    }

    #[test]
    fn root_of_another_account_may_do_nothing() {
        let stranger = Principal::root(OTHER.parse().unwrap());

        let refusal = judge(&stranger, &[on(action::ECR_PUT_IMAGE, "team/app")], &facts()).unwrap_err();

        assert_eq!(
            refusal.message(),
            "User: arn:aws:iam::222222222222:root is not authorized to perform: ecr:PutImage on resource: \
             arn:aws:ecr:us-east-1:000000000000:repository/team/app because no resource-based policy allows the \
             ecr:PutImage action"
        );
    }

    #[test]
    fn anonymous_may_do_nothing_and_is_asked_who_he_is() {
        let nobody = Principal::anonymous(AccountId::DEFAULT);

        for action in action::ALL {
            assert_eq!(judge(&nobody, &[on(*action, "a")], &facts()), Err(Refusal::Unauthenticated), "{action}");
        }
    }

    #[test]
    fn a_token_of_anonymous_opens_nothing_whatever_it_was_asked_for() {
        let nobody = Principal::anonymous(AccountId::DEFAULT).within(Scopes::parse(["repository:a:*"]));

        assert_eq!(judge(&nobody, &[on(action::ECR_BATCH_GET_IMAGE, "a")], &facts()), Err(Refusal::Unauthenticated));
    }

    #[test]
    fn what_needs_nothing_is_open_to_all() {
        assert_eq!(judge(&Principal::anonymous(AccountId::DEFAULT), &[], &facts()), Ok(()));
    }

    #[test]
    fn a_token_is_good_for_what_it_was_asked_for() {
        let pull = on(action::ECR_BATCH_GET_IMAGE, "a");
        let push = on(action::ECR_PUT_IMAGE, "a");

        assert_eq!(judge(&with_token("repository:a:pull"), std::slice::from_ref(&pull), &facts()), Ok(()));
        assert_eq!(judge(&with_token("repository:a:pull,push"), &[pull.clone(), push.clone()], &facts()), Ok(()));
        for scope in ["repository:a:pull", "repository:b:push", "repository:ab:push", "registry:catalog:*", ""] {
            assert_eq!(
                judge(&with_token(scope), std::slice::from_ref(&push), &facts()),
                Err(Refusal::InsufficientScope),
                "{scope}"
            );
        }
    }

    #[test]
    fn one_need_beyond_the_scopes_refuses_the_request() {
        let needs = [on(action::ECR_PUT_IMAGE, "a"), on(action::ECR_BATCH_DELETE_IMAGE, "a")];

        assert_eq!(judge(&with_token("repository:a:pull,push"), &needs, &facts()), Err(Refusal::InsufficientScope));
    }

    #[test]
    fn what_no_token_covers_is_denied_and_says_what_to_send() {
        let refusal =
            judge(&with_token("repository:a:*"), &[on(action::ECR_DELETE_REPOSITORY, "a")], &facts()).unwrap_err();

        assert!(matches!(refusal, Refusal::Denied { .. }));
        assert!(refusal.message().ends_with("send user name and password (Basic) instead"));
    }

    #[test]
    fn of_two_alternatives_one_is_enough() {
        let check = on(action::ECR_BATCH_GET_IMAGE, "a").or(action::ECR_BATCH_CHECK_LAYER_AVAILABILITY);

        assert_eq!(judge(&with_token("repository:a:push"), std::slice::from_ref(&check), &facts()), Ok(()));
        assert_eq!(judge(&with_token("repository:a:delete"), &[check], &facts()), Err(Refusal::InsufficientScope));
    }
}
