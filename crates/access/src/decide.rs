use crate::{
    Access, Action, Principal, PrincipalKind, Resource, action,
    policy::{Context, Grant, ImageKeys, Policies, Request, Traced, Verdict, evaluate, trace},
};
use gantry_words::{AccountId, Region};
use std::sync::Arc;

/// What a decision needs to know besides who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The account whose registry is addressed.
    pub account: AccountId,
    /// The region of this site.
    pub region: &'a Region,
    /// The policies that bear on it.
    pub policies: Policies<'a>,
    /// What is known of the request.
    pub context: &'a Context,
}

/// Why something may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody said who he is, and anonymous may not.
    Unauthenticated,
    /// The token was not asked for this: a client that asks for another may succeed.
    InsufficientScope,
    /// It cannot be said yet: a policy asks for these keys, which were not looked up. Where nobody does, it may not be done.
    Unsettled(ImageKeys),
    /// The principal may not, whatever it asks for.
    Denied {
        /// Who may not.
        principal: Arc<str>,
        /// What.
        action: Action,
        /// To what: an ARN, or `*`.
        resource: String,
        /// Why not: the end of a sentence, such as "because no identity-based policy allows it".
        reason: String,
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
            Refusal::Unsettled(asked) => {
                let what = match asked {
                    ImageKeys { signed: true, .. } => "Whether the image is signed",
                    ImageKeys { signed: false, .. } => "What scans found in the image",
                };
                format!("{what} is not known, and a policy asks for it; try again")
            }
            Refusal::Denied { principal, action, resource, reason } => {
                format!("User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}")
            }
        }
    }
}

/// Decides whether `principal` may do what `access` says, whatever token it came with.
pub fn decide<'a>(principal: &Principal, access: &Access, facts: &Facts<'a>) -> Verdict<'a> {
    if is_plain_root(principal, facts) || is_filtered(principal, access) {
        return Verdict::Allowed(Grant { caller: None, resource: None });
    }
    let verdict = decide_action(principal, access.action, &access.resource, facts);
    match access.alternative {
        Some(action) if !verdict.is_allowed() => {
            let other = decide_action(principal, action, &access.resource, facts);
            if other.is_allowed() { other } else { verdict }
        }
        _ => verdict,
    }
}

/// Whether it is the root user at home, where nothing is written that could deny him anything.
fn is_plain_root(principal: &Principal, facts: &Facts<'_>) -> bool {
    let policies = &facts.policies;
    principal.kind == PrincipalKind::Root
        && principal.account == facts.account
        && policies.repository.is_none()
        && policies.registry.is_none()
        && policies.trust.is_none()
        && policies.account_wide.is_empty()
}

/// Whether it is a list that shows everybody only what he may see.
fn is_filtered(principal: &Principal, access: &Access) -> bool {
    access.resource == Resource::Repositories && principal.kind != PrincipalKind::Anonymous
}

fn decide_action<'a>(principal: &Principal, action: Action, resource: &Resource, facts: &Facts<'a>) -> Verdict<'a> {
    let arn = resource.arn(facts.region, facts.account);
    evaluate(&request(principal, action, &arn, facts), &facts.policies)
}

fn request<'r>(principal: &'r Principal, action: Action, arn: &'r str, facts: &'r Facts<'_>) -> Request<'r> {
    // Everybody gets his tokens at home: no other account can give them to him, or keep them from him.
    let is_at_home = action == action::ECR_GET_AUTHORIZATION_TOKEN && principal.kind != PrincipalKind::Anonymous;
    Request {
        caller: &principal.caller,
        action: action.name(),
        resource: arn,
        resource_account: if is_at_home { principal.account } else { facts.account },
        context: facts.context,
    }
}

/// A decision with all that was looked at for it.
#[derive(Clone, Debug)]
pub struct Explained<'a> {
    /// What [`decide`] says.
    pub verdict: Verdict<'a>,
    /// The action that was decided: the alternative, where only that is allowed.
    pub action: Action,
    /// What became of every statement that was looked at; nothing where none had to be.
    pub statements: Vec<Traced<'a>>,
}

/// Decides as [`decide`] does, and tells what it looked at: for people who ask why.
pub fn explain<'a>(principal: &Principal, access: &Access, facts: &Facts<'a>) -> Explained<'a> {
    let verdict = decide(principal, access, facts);
    if is_plain_root(principal, facts) || is_filtered(principal, access) {
        return Explained { verdict, action: access.action, statements: Vec::new() };
    }
    let is_by_first =
        !verdict.is_allowed() || decide_action(principal, access.action, &access.resource, facts).is_allowed();
    let action = access.alternative.filter(|_| !is_by_first).unwrap_or(access.action);
    let arn = access.arn(facts.region, facts.account);
    let statements = trace(&request(principal, action, &arn, facts), &facts.policies);
    Explained { verdict, action, statements }
}

/// Judges one thing that a request needs: it must be allowed, and lie within the scopes of the token if it came with one.
///
/// # Errors
/// Why not. Whether a repository exists plays no part in it.
pub fn judge<'a>(principal: &Principal, access: &Access, facts: &Facts<'a>) -> Result<Verdict<'a>, Refusal> {
    let denied = |reason| Refusal::Denied {
        principal: principal.arn.clone(),
        action: access.action,
        resource: access.arn(facts.region, facts.account),
        reason,
    };
    if let Some(scopes) = &principal.scopes
        && !scopes.allows(access)
    {
        // Where no scope would help, a challenge would only send the client round in circles.
        let may_ask = !crate::Scopes::of(std::slice::from_ref(access)).is_empty();
        return Err(match may_ask {
            true => Refusal::InsufficientScope,
            false => denied(
                "because a Bearer token never covers this action; send user name and password (Basic) instead".into(),
            ),
        });
    }
    let unsettled = match access.lacking_keys() {
        ImageKeys::NONE => ImageKeys::NONE,
        lacking => lacking.and(facts.policies.asked_keys()),
    };
    if unsettled != ImageKeys::NONE {
        return Err(Refusal::Unsettled(unsettled));
    }
    match decide(principal, access, facts) {
        verdict @ Verdict::Allowed(_) => Ok(verdict),
        Verdict::Denied(_) if principal.kind == PrincipalKind::Anonymous => Err(Refusal::Unauthenticated),
        Verdict::Denied(denial) => Err(denied(denial.reason(access.action.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scopes;

    const OTHER: &str = "222222222222";

    fn judge(principal: &Principal, needs: &[Access]) -> Result<(), Refusal> {
        let region = Region::default();
        let context = Context::of(&principal.caller);
        let policies = Policies::default();
        let facts = Facts { account: AccountId::DEFAULT, region: &region, policies, context: &context };
        needs.iter().try_for_each(|access| super::judge(principal, access, &facts).map(drop))
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
    fn what_credentials_were_narrowed_to_no_repository_widens() {
        use crate::policy::{Attached, Caller, Policy, PolicyPlace};
        let parse = |text: &str, place| Policy::parse(text, place).unwrap();
        let everyone =
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}}"#;
        let pull = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*"}}"#;
        let (repository, limit) = (parse(everyone, PolicyPlace::Repository), parse(pull, PolicyPlace::Identity));
        let caller = std::sync::Arc::new(Caller::user(AccountId::DEFAULT, "/", "ann", "AIDA1"));
        let ann = Principal::user(AccountId::DEFAULT, caller, "GTPT1".into());
        let context = Context::of(&ann.caller);
        let may = |action, limit| {
            let repository = Some(Attached { name: "a", policy: &repository });
            let policies = Policies { repository, limit, ..Policies::default() };
            let region = Region::default();
            let facts = Facts { account: AccountId::DEFAULT, region: &region, policies, context: &context };
            super::judge(&ann, &on(action, "a"), &facts).is_ok()
        };
        let limit = Some(Attached { name: "token", policy: &limit });

        assert!(may(action::ECR_PUT_IMAGE, None) && may(action::ECR_BATCH_GET_IMAGE, limit));
        assert!(!may(action::ECR_PUT_IMAGE, limit));
    }

    #[test]
    fn what_is_known_of_an_image_is_asked_for_only_where_a_policy_does() {
        use crate::policy::{Attached, Caller, FINDING_SEVERITY, Policy, PolicyPlace, SIGNED};
        let parse = |condition: &str| {
            let allow = r#"{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}"#;
            let deny = format!(r#"{{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}}}"#);
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{allow}, {deny}]}}"#);
            Policy::parse(&text, PolicyPlace::Identity).unwrap()
        };
        let caller = std::sync::Arc::new(Caller::user(AccountId::DEFAULT, "/", "ann", "AIDA1"));
        let ann = Principal::user(AccountId::DEFAULT, caller, "AKIA1".into());
        let judged = |policy: &Policy, access: &Access| {
            let mut context = Context::of(&ann.caller);
            access.context.iter().for_each(|(key, values)| context.set(key, values.iter().map(AsRef::as_ref)));
            let identity = [Attached { name: "own", policy }];
            let policies = Policies { identity: &identity, ..Policies::default() };
            let region = Region::default();
            let facts = Facts { account: AccountId::DEFAULT, region: &region, policies, context: &context };
            super::judge(&ann, access, &facts).map(drop)
        };
        let by_severity = parse(r#"{"StringEquals": {"GANTRY:findingseverity": "CRITICAL"}}"#);
        let by_variable = parse(r#"{"StringEquals": {"aws:username": "${gantry:FindingSeverity}"}}"#);
        let other = parse(r#"{"StringEquals": {"gantry:ImageTag": "v2"}}"#);
        let image = on(action::ECR_BATCH_GET_IMAGE, "a").with_image(Some("v1"), None);
        let found = |severity: &str| image.clone().with(FINDING_SEVERITY, [severity]);

        let severity = ImageKeys { severity: true, signed: false };
        assert_eq!(judged(&by_severity, &image), Err(Refusal::Unsettled(severity)));
        assert_eq!(judged(&by_variable, &image), Err(Refusal::Unsettled(severity)));
        assert_eq!(judged(&other, &image), Ok(()));
        assert_eq!(judged(&by_severity, &found("HIGH")), Ok(()));
        assert_eq!(judged(&by_severity, &image.clone().with(FINDING_SEVERITY, [""; 0])), Ok(()));
        assert!(matches!(judged(&by_severity, &found("CRITICAL")), Err(Refusal::Denied { .. })));
        assert_eq!(judged(&by_severity, &on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, "a")), Ok(()));

        let unsigned = parse(r#"{"Bool": {"gantry:Signed": "false"}}"#);
        let signed = |value: &str| image.clone().with(SIGNED, [value]);
        assert_eq!(judged(&unsigned, &image), Err(Refusal::Unsettled(ImageKeys { severity: false, signed: true })));
        assert_eq!(judged(&unsigned, &signed("true")), Ok(()));
        assert!(matches!(judged(&unsigned, &signed("false")), Err(Refusal::Denied { .. })));
    }

    #[test]
    fn root_may_do_everything_in_his_account() {
        for action in action::ALL {
            assert_eq!(judge(&root(), &[on(*action, "team/app"), Access::to(*action)]), Ok(()), "{action}");
        }
    }

    #[test]
    fn root_of_another_account_may_do_nothing() {
        let stranger = Principal::root(OTHER.parse().unwrap());

        let refusal = judge(&stranger, &[on(action::ECR_PUT_IMAGE, "team/app")]).unwrap_err();

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
            assert_eq!(judge(&nobody, &[on(*action, "a")]), Err(Refusal::Unauthenticated), "{action}");
        }
    }

    #[test]
    fn a_token_of_anonymous_opens_nothing_whatever_it_was_asked_for() {
        let nobody = Principal::anonymous(AccountId::DEFAULT).within(Scopes::parse(["repository:a:*"]));

        assert_eq!(judge(&nobody, &[on(action::ECR_BATCH_GET_IMAGE, "a")]), Err(Refusal::Unauthenticated));
    }

    #[test]
    fn what_needs_nothing_is_open_to_all() {
        assert_eq!(judge(&Principal::anonymous(AccountId::DEFAULT), &[]), Ok(()));
    }

    #[test]
    fn a_token_is_good_for_what_it_was_asked_for() {
        let pull = on(action::ECR_BATCH_GET_IMAGE, "a");
        let push = on(action::ECR_PUT_IMAGE, "a");

        assert_eq!(judge(&with_token("repository:a:pull"), std::slice::from_ref(&pull)), Ok(()));
        assert_eq!(judge(&with_token("repository:a:pull,push"), &[pull.clone(), push.clone()]), Ok(()));
        for scope in ["repository:a:pull", "repository:b:push", "repository:ab:push", "registry:catalog:*", ""] {
            assert_eq!(
                judge(&with_token(scope), std::slice::from_ref(&push)),
                Err(Refusal::InsufficientScope),
                "{scope}"
            );
        }
    }

    #[test]
    fn one_need_beyond_the_scopes_refuses_the_request() {
        let needs = [on(action::ECR_PUT_IMAGE, "a"), on(action::ECR_BATCH_DELETE_IMAGE, "a")];

        assert_eq!(judge(&with_token("repository:a:pull,push"), &needs), Err(Refusal::InsufficientScope));
    }

    #[test]
    fn what_no_token_covers_is_denied_and_says_what_to_send() {
        let refusal = judge(&with_token("repository:a:*"), &[on(action::ECR_DELETE_REPOSITORY, "a")]).unwrap_err();

        assert!(matches!(refusal, Refusal::Denied { .. }));
        assert!(refusal.message().ends_with("send user name and password (Basic) instead"));
    }

    #[test]
    fn whoever_is_known_may_ask_for_a_list_of_what_he_may_see() {
        let list = [Access::to_list(action::ECR_DESCRIBE_REPOSITORIES)];
        let stranger = Principal::root(OTHER.parse().unwrap());

        assert_eq!(judge(&stranger, &list), Ok(()));
        assert_eq!(judge(&Principal::anonymous(AccountId::DEFAULT), &list), Err(Refusal::Unauthenticated));
        assert_eq!(judge(&with_token("repository:a:pull"), &list), Err(Refusal::InsufficientScope));
    }

    #[test]
    fn of_two_alternatives_one_is_enough() {
        let check = on(action::ECR_BATCH_GET_IMAGE, "a").or(action::ECR_BATCH_CHECK_LAYER_AVAILABILITY);

        assert_eq!(judge(&with_token("repository:a:push"), std::slice::from_ref(&check)), Ok(()));
        assert_eq!(judge(&with_token("repository:a:delete"), &[check]), Err(Refusal::InsufficientScope));
    }
}
