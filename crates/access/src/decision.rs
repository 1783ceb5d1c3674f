use crate::{Access, Principal, PrincipalKind};
use gantry_words::Region;

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may be done.
    pub is_allowed: bool,
    /// The statement that decided.
    pub statement: &'static str,
}

/// Why something may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody said who asks.
    Unauthenticated,
    /// The token was not asked for this scope: a new one may have it.
    InsufficientScope(Access),
    /// It is not allowed.
    Denied(Access),
}

/// Decides whether a principal may do one thing. Scopes are no matter of this: they narrow a token, they grant nothing.
pub fn decide(principal: &Principal, _access: &Access) -> Verdict {
    match principal.kind {
        PrincipalKind::Root => {
            Verdict { is_allowed: true, statement: "the root of an account may do everything in it" }
        }
        PrincipalKind::Anonymous => Verdict { is_allowed: false, statement: "no policy allows this to everybody" },
    }
}

/// Decides whether a principal may do all of `accesses`, and says how to refuse it where not.
///
/// # Errors
/// The first thing that stands in the way.
pub fn judge(principal: &Principal, accesses: &[Access]) -> Result<(), Refusal> {
    for access in accesses {
        let is_in_scope = principal.scopes.as_ref().is_none_or(|scopes| scopes.allows(access));
        if decide(principal, access).is_allowed && is_in_scope {
            continue;
        }
        return Err(match principal.kind {
            PrincipalKind::Anonymous => Refusal::Unauthenticated,
            PrincipalKind::Root if !is_in_scope => Refusal::InsufficientScope(access.clone()),
            PrincipalKind::Root => Refusal::Denied(access.clone()),
        });
    }
    Ok(())
}

impl Refusal {
    /// Says it to the client, as AWS does.
    pub fn message(&self, principal: &Principal, region: &Region) -> String {
        match self {
            Refusal::Unauthenticated => "Authentication is required; log in with: docker login".into(),
            Refusal::InsufficientScope(access) | Refusal::Denied(access) => format!(
                "User: {} is not authorized to perform: {} on resource: {}",
                principal.arn,
                access.action,
                access.arn(region, principal.account)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scopes, action};
    use gantry_words::AccountId;

    fn put() -> Access {
        Access::on(action::ECR_PUT_IMAGE, &"team/app".parse().unwrap())
    }

    #[test]
    fn nobody_in_particular_may_do_nothing() {
        let anonymous = Principal::anonymous(AccountId::DEFAULT);

        for (action, _) in action::ALL {
            assert_eq!(judge(&anonymous, &[Access::to(*action)]), Err(Refusal::Unauthenticated));
        }
    }

    #[test]
    fn a_token_does_only_what_it_was_asked_for() {
        let root = Principal::root(AccountId::DEFAULT);
        let pulls = root.clone().scoped(Scopes::parse(["repository:team/app:pull"]));
        let pushes = root.clone().scoped(Scopes::parse(["repository:team/app:pull,push"]));

        assert_eq!(judge(&root, &[put()]), Ok(()));
        assert_eq!(judge(&pushes, &[put()]), Ok(()));
        assert_eq!(judge(&pulls, &[put()]), Err(Refusal::InsufficientScope(put())));
    }

    #[test]
    fn a_refusal_names_who_what_and_where() {
        let message = Refusal::Denied(put()).message(&Principal::root(AccountId::DEFAULT), &Region::default());

        assert_eq!(
            message,
            "User: arn:aws:iam::000000000000:root is not authorized to perform: ecr:PutImage on resource: \
             arn:aws:ecr:us-east-1:000000000000:repository/team/app"
        );
    }
}
