//! The decision (AWS IAM User Guide, "Policy evaluation logic").
//!
//! 1. A statement that denies wins, wherever it stands.
//! 2. The root user may do everything in its account.
//! 3. Within an account one side is enough: what is attached to the caller, or what stands at the resource.
//! 4. From another account both sides must allow.
//! 5. Boundaries and the policies of a session allow nothing; they narrow what is attached to the caller, and what a resource
//!    gives to its role. They do not narrow what a resource gives to the caller itself, or to anyone.
//! 6. A resource that names the caller's account lets that account decide; it does not allow.

use super::members::Answers;
use super::pattern::arn_parts;
use super::principals::Naming;
use super::{
    Caller, CallerKind, Context, Denial, Effect, Element, Grant, ImageKeys, Policy, Side, Statement, StatementAt,
    Verdict,
};
use gantry_words::AccountId;

/// What the root user can do though the policy of the repository denies it: nobody else could undo a policy that denies
/// everything to everybody.
const REPAIRS: [&str; 3] = ["ecr:getrepositorypolicy", "ecr:setrepositorypolicy", "ecr:deleterepositorypolicy"];
/// What he can do though the account denies it to everybody: nobody else could end that either.
const REPAIRS_ACCOUNT_WIDE: [&str; 3] =
    ["gantry:listaccountpolicies", "gantry:putaccountpolicy", "gantry:deleteaccountpolicy"];

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What is to be done, such as `ecr:PutImage`, in any case.
    pub action: &'a str,
    /// To what: an ARN, or `*` for an account's registry as a whole.
    pub resource: &'a str,
    /// The account that the resource belongs to.
    pub resource_account: AccountId,
    /// What else is known; it begins as [`Context::of`] the caller.
    pub context: &'a Context,
}

/// A policy with the name under which verdicts speak of it.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// Its name.
    pub name: &'a str,
    /// The policy.
    pub policy: &'a Policy,
}

/// The policies that bear on a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Those of the user and its groups, or of the role.
    pub identity: &'a [Attached<'a>],
    /// The permissions boundary of the user or role.
    pub boundary: Option<Attached<'a>>,
    /// Those that the session was narrowed by; where there are none, it was not.
    pub session: &'a [Attached<'a>],
    /// What the credentials were narrowed to: what it does not allow they do not give, whoever else allows it, a repository
    /// that names their owner or anyone included.
    pub limit: Option<Attached<'a>>,
    /// Those that only deny: of the caller's account and of the resource's.
    pub account_wide: &'a [Attached<'a>],
    /// That of the repository. On `*` it has no say.
    pub repository: Option<Attached<'a>>,
    /// That of the registry in which the repository is. On `*` it has no say.
    pub registry: Option<Attached<'a>>,
    /// That of the role (or key) asked for. Where there is one, nobody comes in whom it does not name: neither root nor those
    /// whose own policies allow it.
    pub trust: Option<Attached<'a>>,
    /// Whether what is allowed to anyone is allowed without credentials too.
    pub is_open_to_anonymous: bool,
}

/// A statement of the policies, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced<'a> {
    /// Which.
    pub at: StatementAt<'a>,
    /// What it does where it applies.
    pub effect: Effect,
    /// The first member that does not apply; `None` where it applies.
    pub fails_at: Option<Element>,
}

/// Decides a request. Of all that `policies` hold each statement is looked at once; none of them costs memory.
pub fn evaluate<'a>(request: &Request<'_>, policies: &Policies<'a>) -> Verdict<'a> {
    let action = request.action.to_ascii_lowercase();
    let asked = Asked::new(request, policies, &action);
    let identity = asked.scan(policies.identity, Side::Identity);
    let boundary = policies.boundary.map(|boundary| asked.scan(&[boundary], Side::Boundary));
    let session = (!policies.session.is_empty()).then(|| asked.scan(policies.session, Side::Session));
    let limit = policies.limit.map(|limit| asked.scan(&[limit], Side::Session));
    let account_wide = asked.scan(policies.account_wide, Side::AccountWide);
    let resource = asked.scan_resource(policies);

    let mut denials =
        [Some(&account_wide), Some(&identity), boundary.as_ref(), session.as_ref(), Some(&resource), limit.as_ref()];
    if asked.caller.kind == CallerKind::Root && asked.is_own_account {
        denials[0] = denials[0].filter(|_| !REPAIRS_ACCOUNT_WIDE.contains(&action.as_str()));
        denials[4] = denials[4].filter(|_| !REPAIRS.contains(&action.as_str()));
    }
    if let Some(at) = denials.into_iter().flatten().find_map(|found| found.deny) {
        return Verdict::Denied(Denial::Explicit(at));
    }
    if limit.is_some_and(|limit| limit.allow.is_none()) {
        return Verdict::Denied(Denial::Session);
    }
    let narrowed = match (&boundary, &session) {
        (Some(boundary), _) if boundary.allow.is_none() => Err(Denial::Boundary),
        (_, Some(session)) if session.allow.is_none() => Err(Denial::Session),
        _ => Ok(()),
    };
    let by_caller = match (asked.caller.kind, identity.allow) {
        (CallerKind::Root, _) => Ok(None),
        (_, None) => Err(Denial::Identity),
        (_, Some((_, at))) => narrowed.map(|()| Some(at)),
    };
    match combine(&asked, policies, by_caller, narrowed, resource.allow) {
        Ok(grant) => Verdict::Allowed(grant),
        Err(denial) => Verdict::Denied(denial),
    }
}

/// Puts the two sides together where nothing denies.
fn combine<'a>(
    asked: &Asked<'_>,
    policies: &Policies<'a>,
    by_caller: Result<Option<StatementAt<'a>>, Denial<'a>>,
    narrowed: Result<(), Denial<'a>>,
    by_resource: Option<(Naming, StatementAt<'a>)>,
) -> Result<Grant<'a>, Denial<'a>> {
    let missing = if policies.trust.is_some() { Denial::Trust } else { Denial::Resource };
    let alone = |at| Grant { caller: None, resource: Some(at) };
    match (asked.caller.kind, by_resource) {
        (CallerKind::Anonymous, Some((_, at))) if policies.is_open_to_anonymous => Ok(alone(at)),
        (CallerKind::Anonymous, Some(_)) => Err(Denial::Anonymous),
        (CallerKind::Federated | CallerKind::Service, Some((_, at))) => Ok(alone(at)),
        (CallerKind::Anonymous | CallerKind::Federated | CallerKind::Service, None) => Err(missing),
        (CallerKind::Root | CallerKind::User | CallerKind::Session, by_resource) => match by_resource {
            _ if !asked.is_own_account => {
                let caller = by_caller?;
                let (_, at) = by_resource.ok_or(missing)?;
                Ok(Grant { caller, resource: Some(at) })
            }
            Some((Naming::Itself, at)) => Ok(alone(at)),
            Some((Naming::Role, at)) => narrowed.map(|()| alone(at)),
            Some((Naming::Account, at)) if policies.trust.is_some() => {
                by_caller.map(|caller| Grant { caller, resource: Some(at) })
            }
            None if policies.trust.is_some() => Err(missing),
            Some((Naming::Account, _)) | None => by_caller.map(|caller| Grant { caller, resource: None }),
        },
    }
}

/// Returns what became of every statement of the policies that bear on a request: for explanations, not for decisions.
pub fn trace<'a>(request: &Request<'_>, policies: &Policies<'a>) -> Vec<Traced<'a>> {
    let action = request.action.to_ascii_lowercase();
    let asked = Asked::new(request, policies, &action);
    let mut traced = Vec::new();
    let mut add = |attached: &[Attached<'a>], side: Side| {
        for attached in attached {
            let mut compared = Compared::new(&asked, attached.policy);
            for (at, statement) in attached.statements(side) {
                traced.push(Traced { at, effect: statement.effect, fails_at: compared.fails_at(statement) });
            }
        }
    };
    add(policies.account_wide, Side::AccountWide);
    add(policies.identity, Side::Identity);
    add(policies.boundary.as_slice(), Side::Boundary);
    add(policies.session, Side::Session);
    add(policies.limit.as_slice(), Side::Session);
    for (attached, side) in policies.at_resource(&asked) {
        add(&[attached], side);
    }
    traced
}

/// A request, prepared for being compared with many statements.
struct Asked<'a> {
    caller: &'a Caller,
    /// In lower case.
    action: &'a str,
    /// The parts of the resource's ARN; `None` for the registry as a whole.
    arn: Option<[&'a str; 6]>,
    context: &'a Context,
    has_boundary: bool,
    is_own_account: bool,
}

/// What the policies of one side say.
#[derive(Default)]
struct Found<'a> {
    deny: Option<StatementAt<'a>>,
    /// The first of those that name the caller in the way that allows most.
    allow: Option<(Naming, StatementAt<'a>)>,
}

impl<'a> Asked<'a> {
    fn new(request: &Request<'a>, policies: &Policies<'_>, action: &'a str) -> Self {
        Asked {
            caller: request.caller,
            action,
            arn: arn_parts(request.resource),
            context: request.context,
            has_boundary: policies.boundary.is_some(),
            is_own_account: request.caller.account == Some(request.resource_account),
        }
    }

    fn scan<'p>(&self, attached: &[Attached<'p>], side: Side) -> Found<'p> {
        let mut found = Found::default();
        for attached in attached {
            found.add(self, *attached, side);
        }
        found
    }

    fn scan_resource<'p>(&self, policies: &Policies<'p>) -> Found<'p> {
        let mut found = Found::default();
        for (attached, side) in policies.at_resource(self) {
            found.add(self, attached, side);
        }
        found
    }
}

impl<'a> Found<'a> {
    fn add(&mut self, asked: &Asked<'_>, attached: Attached<'a>, side: Side) {
        let mut compared = Compared::new(asked, attached.policy);
        for (at, statement) in attached.statements(side) {
            if compared.fails_at(statement).is_some() {
                continue;
            }
            match statement.effect {
                Effect::Deny => self.deny = self.deny.or(Some(at)),
                Effect::Allow => {
                    let naming =
                        statement.principals.as_ref().map_or(Some(Naming::Itself), |who| who.naming(asked.caller));
                    if naming > self.allow.map(|(naming, _)| naming) {
                        self.allow = naming.map(|naming| (naming, at));
                    }
                }
            }
        }
    }
}

impl<'a> Attached<'a> {
    fn statements(self, side: Side) -> impl Iterator<Item = (StatementAt<'a>, &'a Statement)> {
        (1..).zip(&self.policy.statements).map(move |(number, statement)| {
            (StatementAt { side, policy: self.name, number, sid: statement.sid.as_deref() }, statement)
        })
    }
}

impl<'a> Policies<'a> {
    /// Returns what one of them asks for in whatever statement, of what is looked up about images.
    pub fn asked_keys(&self) -> ImageKeys {
        let one = [self.boundary, self.limit, self.repository, self.registry, self.trust];
        let lists = [self.identity, self.session, self.account_wide];
        let all = lists.into_iter().flatten().copied().chain(one.into_iter().flatten());
        all.fold(ImageKeys::NONE, |asked, attached| asked.or(attached.policy.asked))
    }

    /// Those that stand at the resource and have a say.
    fn at_resource(&self, asked: &Asked<'_>) -> impl Iterator<Item = (Attached<'a>, Side)> + use<'a> {
        let is_one = asked.arn.is_some();
        let at_one = |attached: Option<Attached<'a>>| attached.filter(|_| is_one);
        let sides = [
            (at_one(self.repository), Side::Repository),
            (at_one(self.registry), Side::Registry),
            (self.trust, Side::Trust),
        ];
        sides.into_iter().filter_map(|(attached, side)| attached.map(|attached| (attached, side)))
    }
}

/// A request that is compared with the statements of one policy.
struct Compared<'a> {
    asked: &'a Asked<'a>,
    policy: &'a Policy,
    // What was found out of the members that statements share.
    actions: Answers,
    resources: Answers,
    conditions: Answers,
}

impl<'a> Compared<'a> {
    fn new(asked: &'a Asked<'a>, policy: &'a Policy) -> Self {
        let (actions, resources, conditions) = Default::default();
        Compared { asked, policy, actions, resources, conditions }
    }

    /// The first member of a statement of the policy that does not apply to the request, the cheap ones first; `None` where the
    /// statement applies.
    fn fails_at(&mut self, statement: &Statement) -> Option<Element> {
        let (asked, policy) = (self.asked, self.policy);
        let is_about = |who: &super::Principals| match statement.effect {
            Effect::Allow => who.naming(asked.caller).is_some(),
            Effect::Deny => who.hit(asked.caller, asked.has_boundary),
        };
        let (actions, conditions) = (&policy.actions[statement.actions], &policy.conditions[statement.conditions]);
        if !self.actions.of(statement.actions, || actions.hold(asked.action, asked.context)) {
            return Some(Element::Action);
        }
        if let Some(number) = statement.resources
            && !self.resources.of(number, || policy.resources[number].hold(asked.arn.as_ref(), asked.context))
        {
            return Some(Element::Resource);
        }
        if statement.principals.as_ref().is_some_and(|who| !is_about(who)) {
            return Some(Element::Principal);
        }
        let holds = self.conditions.of(statement.conditions, || conditions.hold(asked.context));
        (!holds).then_some(Element::Condition)
    }
}
