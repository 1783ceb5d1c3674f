//! A request with the policies that bear on it, as JSON.

use crate::policy::{
    Attached, Caller, Context, Denial, Policies, Policy, PolicyPlace, Request, Side, Traced, Verdict, evaluate, trace,
};
use gantry_words::AccountId;
use serde_json::{Value, json};

/// The account of the repository, and another.
pub(super) const A: &str = "111111111111";
pub(super) const B: &str = "222222222222";
/// The repository.
pub(super) const R: &str = "arn:aws:ecr:us-east-1:111111111111:repository/team/app";
pub(super) const PULL: &str = "ecr:BatchGetImage";
pub(super) const LOGIN: &str = "ecr:GetAuthorizationToken";
pub(super) const USER: &str = "arn:aws:iam::111111111111:user/ci";
pub(super) const ROLE: &str = "arn:aws:iam::111111111111:role/deploy";
pub(super) const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/deploy/s1";
pub(super) const OTHER: &str = "arn:aws:iam::222222222222:user/ub";

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) caller: Caller,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) account: AccountId,
    pub(super) keys: Vec<(String, Vec<String>)>,
    pub(super) identity: Vec<Value>,
    pub(super) boundary: Option<Value>,
    pub(super) session: Vec<Value>,
    pub(super) account_wide: Vec<Value>,
    pub(super) repository: Option<Value>,
    pub(super) registry: Option<Value>,
    pub(super) trust: Option<Value>,
    pub(super) is_open: bool,
}

pub(super) fn account(text: &str) -> AccountId {
    text.parse().unwrap()
}

pub(super) fn user() -> Caller {
    Caller::user(account(A), "/", "ci", "AIDAUSERUSERUSERUSER")
}

pub(super) fn session() -> Caller {
    Caller::session(account(A), "/", "deploy", "AROAROLEROLEROLEROLE", "s1")
}

pub(super) fn other() -> Caller {
    Caller::user(account(B), "/", "ub", "AIDAOTHEROTHEROTHERO")
}

/// `caller` pulls from the repository, and nothing is said about it.
pub(super) fn pull(caller: Caller) -> World {
    World {
        caller,
        action: PULL.into(),
        resource: R.into(),
        account: account(A),
        keys: Vec::new(),
        identity: Vec::new(),
        boundary: None,
        session: Vec::new(),
        account_wide: Vec::new(),
        repository: None,
        registry: None,
        trust: None,
        is_open: false,
    }
}

/// A statement for identities.
pub(super) fn statement(effect: &str, action: &str, resource: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": resource})
}

/// A statement that allows pulls to `who`, an object or `"*"`.
pub(super) fn to(who: Value) -> Value {
    json!({"Effect": "Allow", "Principal": who, "Action": PULL})
}

/// The same with a member more.
pub(super) fn and(mut statement: Value, member: &str, value: Value) -> Value {
    statement[member] = value;
    statement
}

/// A document of statements.
pub(super) fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

impl World {
    pub(super) fn identity(mut self, statements: Value) -> Self {
        self.identity.push(document(statements));
        self
    }
    pub(super) fn repository(mut self, statements: Value) -> Self {
        self.repository = Some(document(statements));
        self
    }
    pub(super) fn boundary(mut self, statements: Value) -> Self {
        self.boundary = Some(document(statements));
        self
    }
    pub(super) fn session(mut self, statements: Value) -> Self {
        self.session.push(document(statements));
        self
    }
    pub(super) fn account_wide(mut self, statements: Value) -> Self {
        self.account_wide.push(document(statements));
        self
    }
    pub(super) fn trust(mut self, statements: Value) -> Self {
        self.trust = Some(document(statements));
        self
    }
    pub(super) fn asks(self, action: &str, resource: &str) -> Self {
        World { action: action.into(), resource: resource.into(), ..self }
    }
    pub(super) fn of(self, account_id: &str) -> Self {
        World { account: account(account_id), ..self }
    }
    pub(super) fn key(mut self, name: &str, values: &[&str]) -> Self {
        self.keys.push((name.into(), values.iter().map(ToString::to_string).collect()));
        self
    }
    pub(super) fn open(self) -> Self {
        World { is_open: true, ..self }
    }

    pub(super) fn context(&self) -> Context {
        let mut context = Context::of(&self.caller);
        for (key, values) in &self.keys {
            context.set(key, values.iter().map(String::as_str));
        }
        context
    }

    /// What the engine says: `allow`, or the kind of denial.
    pub(super) fn outcome(&self) -> String {
        self.decided(|verdict| match verdict {
            Verdict::Allowed(_) => "allow".into(),
            Verdict::Denied(Denial::Explicit(at)) => match at.side {
                Side::Identity => "explicit in identity".into(),
                Side::Boundary => "explicit in boundary".into(),
                Side::Repository => "explicit in repository".into(),
                side => format!("explicit in {side:?}"),
            },
            Verdict::Denied(denial) => format!("{denial:?}").to_lowercase(),
        })
    }

    /// Has the request decided, and tells the verdict.
    pub(super) fn decided<T>(&self, tell: impl FnOnce(Verdict<'_>) -> T) -> T {
        self.asked(|request, policies| tell(evaluate(request, policies)))
    }

    /// Has every statement looked at, and tells what became of each.
    pub(super) fn traced<T>(&self, tell: impl Fn(&Traced<'_>) -> T) -> Vec<T> {
        self.asked(|request, policies| trace(request, policies).iter().map(tell).collect())
    }

    fn asked<T>(&self, ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> T) -> T {
        let parse = |place: PolicyPlace| {
            move |value: &Value| {
                Policy::parse(&value.to_string(), place).unwrap_or_else(|error| panic!("{error}: {value}"))
            }
        };
        let all = |values: &[Value], place| values.iter().map(parse(place)).collect::<Vec<_>>();
        let identity = all(&self.identity, PolicyPlace::Identity);
        let session = all(&self.session, PolicyPlace::Identity);
        let account_wide = all(&self.account_wide, PolicyPlace::AccountWide);
        let boundary = self.boundary.as_ref().map(parse(PolicyPlace::Identity));
        let repository = self.repository.as_ref().map(parse(PolicyPlace::Repository));
        let registry = self.registry.as_ref().map(parse(PolicyPlace::Registry));
        let trust = self.trust.as_ref().map(parse(PolicyPlace::Trust));
        let identity: Vec<_> = unnamed(&identity).collect();
        let session: Vec<_> = unnamed(&session).collect();
        let account_wide: Vec<_> = unnamed(&account_wide).collect();
        let context = self.context();
        let request = Request {
            caller: &self.caller,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.account,
            context: &context,
        };
        let policies = Policies {
            limit: None,
            identity: &identity,
            boundary: unnamed(&boundary).next(),
            session: &session,
            account_wide: &account_wide,
            repository: unnamed(&repository).next(),
            registry: unnamed(&registry).next(),
            trust: unnamed(&trust).next(),
            is_open_to_anonymous: self.is_open,
        };
        ask(&request, &policies)
    }
}

fn unnamed<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> impl Iterator<Item = Attached<'a>> {
    policies.into_iter().map(|policy| Attached { name: "p", policy })
}
