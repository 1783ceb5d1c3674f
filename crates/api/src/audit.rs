//! What the audit is told of a call: who asked for what, what came of it, and why.

use crate::{Lock, Outgoing, porch::Porch};
use gantry_access::{Access, Action, Principal, PrincipalKind, Resource, RoleSession};
use gantry_accounts::{AuthenticationProblem, SignatureProblem};
use gantry_audit::{Entry, Full, Kind, Outcome};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, RequestId, Timestamp};
use http::{HeaderName, HeaderValue, Method, Uri, header};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::oneshot;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// How long an answer waits for its record: the refusal stands in any case.
const DURABLE_WAIT: Duration = Duration::from_secs(2);
/// Operations that show who somebody is, or give credentials for others.
const LOGINS: [&str; 8] = [
    "ApiVersion",
    "CreateRegistryCredentials",
    "GetToken",
    "PostToken",
    "ecr:GetAuthorizationToken",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:GetSessionToken",
];
/// Operations that hand out manifests and blobs.
const PULLS: [&str; 5] = ["GetManifest", "GetBlob", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetLayer"];
/// What the names of actions begin with that change nothing.
const READS: [&str; 6] = ["Get", "List", "Describe", "BatchGet", "BatchCheck", "Validate"];

/// Whether the audit tells that an action was done: reads beside pulls and logins are not recorded, nor what only goes with
/// something else, such as tags in the making of a repository.
pub fn is_recorded(action: Action) -> bool {
    let (service, name) = action.name().split_once(':').unwrap_or_default();
    let is_known = PULLS.contains(&action.name()) || LOGINS.contains(&action.name());
    let is_read = READS.iter().any(|verb| name.starts_with(verb));
    let goes_along = name.starts_with("Tag") || name == "PassRole" || service == "kms";
    is_known || !(is_read || goes_along)
}

/// Who keeps the audit.
pub trait Audit: Send + Sync + 'static {
    /// Takes a fact.
    ///
    /// # Errors
    /// There is no room for it, and nothing may happen unrecorded.
    fn note(&self, entry: &Entry<'_>) -> Result<(), Full>;

    /// The same, and says when it is durable.
    ///
    /// # Errors
    /// As [`Audit::note`].
    fn note_durably(&self, entry: &Entry<'_>) -> Result<oneshot::Receiver<()>, Full>;

    /// Whether a change may begin: there is room for its record, or it may be missing.
    fn has_room(&self) -> bool {
        true
    }
}

impl Audit for gantry_chronicle::Audit {
    fn note(&self, entry: &Entry<'_>) -> Result<(), Full> {
        gantry_chronicle::Audit::note(self, entry)
    }

    fn note_durably(&self, entry: &Entry<'_>) -> Result<oneshot::Receiver<()>, Full> {
        gantry_chronicle::Audit::note_durably(self, entry)
    }

    fn has_room(&self) -> bool {
        gantry_chronicle::Audit::has_room(self)
    }
}

/// What is known of a call while it goes through a door.
pub(crate) struct Seen {
    method: Method,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    source: Option<IpAddr>,
    /// Who it is, once that is known.
    pub(crate) actor: Option<Arc<str>>,
    account: Option<AccountId>,
    /// The account whose registry is addressed.
    owner: Option<AccountId>,
    is_session: bool,
    role_session: Option<Arc<RoleSession>>,
    is_anonymous: bool,
    /// Why it cannot be said who it is.
    failure: Option<&'static str>,
    /// What is asked for.
    pub(crate) accesses: Vec<Access>,
    /// The statement that allowed it, where that is told.
    pub(crate) statement: String,
}

/// How a call ended, for its record.
pub(crate) struct Ended<'a> {
    pub(crate) operation: &'static str,
    pub(crate) lock: Lock,
    pub(crate) now: Timestamp,
    pub(crate) request_id: RequestId,
    /// What it was refused with.
    pub(crate) fault: Option<FaultKind>,
    /// Why, as the client is told.
    pub(crate) message: &'a str,
    pub(crate) outgoing: &'a Outgoing,
}

impl Seen {
    pub(crate) fn of(incoming: &crate::Incoming) -> Self {
        Seen {
            method: incoming.method.clone(),
            uri: incoming.uri.clone(),
            user_agent: incoming.headers.get(header::USER_AGENT).cloned(),
            source: incoming.peer,
            actor: None,
            account: None,
            owner: None,
            is_session: false,
            role_session: None,
            is_anonymous: true,
            failure: None,
            accesses: Vec::new(),
            statement: String::new(),
        }
    }

    /// It is known who asks, and of which account.
    pub(crate) fn know(&mut self, principal: &Principal, owner: AccountId) {
        self.owner = Some(owner);
        self.role_session.clone_from(&principal.role_session);
        self.actor = Some(principal.arn.clone());
        self.account = Some(principal.account);
        self.is_session = principal.is_session;
        self.is_anonymous = principal.kind == PrincipalKind::Anonymous;
    }

    /// The request has named the account that it is about.
    pub(crate) fn is_about(&mut self, owner: AccountId) {
        self.owner = Some(owner);
    }

    /// It cannot be said who asks.
    pub(crate) fn fails(&mut self, problem: AuthenticationProblem) {
        self.failure = Some(match problem {
            AuthenticationProblem::Missing => return,
            AuthenticationProblem::Malformed => "malformed",
            AuthenticationProblem::WrongCredentials => "wrong_credentials",
            AuthenticationProblem::LoginExpired => "login_expired",
            AuthenticationProblem::TokenExpired => "token_expired",
            AuthenticationProblem::TokenInvalid => "token_invalid",
            AuthenticationProblem::Unsettled => "unsettled",
            AuthenticationProblem::Refused(why) => why,
            AuthenticationProblem::PasswordExpired => "password_expired",
            AuthenticationProblem::DirectoryUnavailable => "directory_unavailable",
            AuthenticationProblem::Busy { .. } => "busy",
            AuthenticationProblem::TooManyFailures { .. } => "too_many_failures",
        });
    }

    /// The call itself found out who asks.
    pub(crate) fn turns_out(&mut self, actor: Arc<str>) {
        self.account = actor.split(':').nth(4).and_then(|account| account.parse().ok()).or(self.account);
        self.actor = Some(actor);
        self.is_anonymous = false;
    }

    /// The call itself refused what it was shown.
    pub(crate) fn refused_with(&mut self, fault: &Fault) {
        if let Some(actor) = &fault.actor {
            self.turns_out(actor.as_ref().into());
        }
        // Credentials in a body, as those of `POST /token`, are looked at by the call.
        let problem = fault.source.as_deref().and_then(|source| source.downcast_ref::<AuthenticationProblem>());
        if let Some(problem) = problem.filter(|problem| !matches!(problem, AuthenticationProblem::Busy { .. })) {
            self.fails(*problem);
        }
        if matches!(fault.kind, FaultKind::IdentityTokenInvalid | FaultKind::IdentityTokenExpired) {
            self.failure = Some("identity_token");
        }
    }

    /// A token of an identity provider is not taken.
    pub(crate) fn is_not_vouched_for(&mut self) {
        self.failure = Some("identity_token");
    }

    /// The signature is not taken.
    pub(crate) fn is_signed_wrongly(&mut self, problem: &SignatureProblem) {
        self.failure = Some(match problem {
            SignatureProblem::Signature(_) => "signature",
            SignatureProblem::Unknown => "access_key_unknown",
            SignatureProblem::SessionExpired => "session_expired",
            SignatureProblem::Presigned => "presigned",
            SignatureProblem::TooManyFailures { .. } => "too_many_failures",
        });
    }

    /// Tells the audit what came of the call.
    ///
    /// # Errors
    /// It has no room, and nothing may happen unrecorded.
    pub(crate) async fn tell(&self, porch: &Porch, ended: &Ended<'_>) -> Result<(), Fault> {
        if let Some(reason) = self.failure {
            porch.failures.count(reason, source_class(self.source));
        }
        let Some(audit) = &porch.audit else { return Ok(()) };
        let Some((kind, outcome)) = self.kind(ended) else { return Ok(()) };
        let entry = self.entry(porch, ended, kind, outcome);
        if entry.account != entry.owner {
            // Each of the two accounts hears of it: first that of the resource.
            audit.note(&Entry { account: entry.owner, ..entry }).map_err(no_room)?;
        }
        // Of pulls a crash may lose the last; what a change has done is in its own transaction. Whoever comes without credentials is
        // asked for them, again and again: nobody waits for that to be written down.
        let is_awaited = match kind {
            Kind::AuthenticationFailure | Kind::Login => true,
            Kind::Refusal => !self.is_anonymous,
            Kind::Change => outcome == Outcome::Failed,
            Kind::Pull | Kind::Service => false,
        };
        if !is_awaited {
            return audit.note(&entry).map_err(no_room);
        }
        let durable = audit.note_durably(&entry).map_err(no_room)?;
        if !matches!(porch.env.within(DURABLE_WAIT, durable).await, Some(Ok(()))) {
            let request_id = ended.request_id;
            tracing::warn!(%request_id, "a call was answered before its audit record was durable");
        }
        Ok(())
    }

    fn entry<'a>(&'a self, porch: &Porch, ended: &Ended<'a>, kind: Kind, outcome: Outcome) -> Entry<'a> {
        let repository = self.accesses.iter().find_map(|access| match &access.resource {
            Resource::Repository(name) => Some(name.as_str()),
            Resource::Registry | Resource::Repositories | Resource::Owned { .. } | Resource::Arn(_) => None,
        });
        let reference = self.reference();
        let told = ended.outgoing.headers.get(DIGEST).and_then(|value| value.to_str().ok());
        let (digest, tag) = match reference {
            Some(reference) if reference.contains(':') => (told.unwrap_or(reference), ""),
            reference => (told.unwrap_or_default(), reference.unwrap_or_default()),
        };
        let error_code = match (self.failure, ended.fault) {
            (Some(reason), _) => reason,
            (None, Some(fault)) => fault.row().aws,
            (None, None) => "",
        };
        let account = self.account.unwrap_or_else(|| porch.guard.anonymous().account);
        let role_session = self.role_session.as_deref().map(|session| gantry_audit::RoleSession {
            role_id: &session.role_id,
            began_at: session.issued_at(),
            provider: session.provider.as_deref().unwrap_or_default(),
        });
        Entry {
            kind,
            at: ended.now,
            account,
            owner: self.owner.unwrap_or(account),
            principal: self.actor.as_deref().unwrap_or("unidentified"),
            is_session: self.is_session,
            role_session,
            source: self.source,
            user_agent: self.user_agent.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default(),
            action: action(&self.accesses, ended.operation),
            operation: match (&self.method, ended.operation) {
                (&Method::HEAD, "GetManifest") => "HeadManifest",
                (&Method::HEAD, "GetBlob") => "HeadBlob",
                (_, operation) => operation,
            },
            repository: repository.unwrap_or_default(),
            digest,
            tag,
            outcome,
            error_code,
            error_message: ended.message,
            statement: &self.statement,
            request_id: ended.request_id,
        }
    }

    /// The tag or digest that an address of the registry's own protocol ends in.
    fn reference(&self) -> Option<&str> {
        let (head, last) = self.uri.path().rsplit_once('/')?;
        let is_one = head.starts_with("/v2/") && (head.ends_with("/manifests") || head.ends_with("/blobs"));
        is_one.then_some(last)
    }

    /// What kind of fact it is; none where nothing was changed, refused or handed out.
    fn kind(&self, ended: &Ended<'_>) -> Option<(Kind, Outcome)> {
        if self.failure.is_some() {
            return Some((Kind::AuthenticationFailure, Outcome::Refused));
        }
        if matches!(
            ended.fault,
            Some(FaultKind::Unauthenticated | FaultKind::AccessDenied | FaultKind::SignatureMissing)
        ) {
            return Some((Kind::Refusal, Outcome::Refused));
        }
        let outcome = if ended.fault.is_some() { Outcome::Failed } else { Outcome::Success };
        let only_looks = self.method == Method::HEAD && ended.operation == "GetBlob";
        if PULLS.contains(&ended.operation) && !only_looks {
            return Some((Kind::Pull, outcome));
        }
        if LOGINS.contains(&ended.operation) {
            return (!self.is_anonymous).then_some((Kind::Login, outcome));
        }
        let action = action(&self.accesses, ended.operation);
        let name = action.split_once(':').map_or(action, |(_, name)| name);
        let reads = self.method.is_safe() || READS.iter().any(|verb| name.starts_with(verb));
        (!reads && ended.lock == Lock::Access).then_some((Kind::Change, outcome))
    }
}

/// What was asked for, as policies write it; operations that need no permission have names of their own.
fn action(accesses: &[Access], operation: &'static str) -> &'static str {
    match (accesses.first(), operation) {
        (Some(access), _) => access.action.name(),
        (None, "GetToken" | "PostToken") => "ecr:GetAuthorizationToken",
        (None, operation) => operation,
    }
}

/// Turns a change away before it is made, where its record would find no room and must not be missing.
pub(crate) fn make_sure_of_room(porch: &Porch) -> Result<(), Fault> {
    let has_room = porch.audit.as_ref().is_none_or(|audit| audit.has_room());
    if has_room { Ok(()) } else { Err(no_room(Full)) }
}

fn no_room(full: Full) -> Fault {
    let message =
        "The audit cannot be written at the moment, and nothing is done unrecorded (audit.on_overflow); try again";
    Fault::new(FaultKind::Unavailable, message).because(full)
}

/// What kind of place an address is: few words, so that they may be labels.
fn source_class(source: Option<IpAddr>) -> &'static str {
    match source.map(|address| address.to_canonical()) {
        None => "unix",
        Some(address) if address.is_loopback() => "loopback",
        Some(IpAddr::V4(address)) if address.is_private() || address.is_link_local() => "private",
        Some(IpAddr::V6(address)) if address.is_unique_local() || address.is_unicast_link_local() => "private",
        Some(_) => "public",
    }
}

/// Authentications that failed, by reason and class of the source. Both are few: no name of a user is a label.
#[derive(Default)]
pub(crate) struct Failures(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Failures {
    fn count(&self, reason: &'static str, class: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((reason, class)).or_default() += 1;
    }

    pub(crate) fn collect(&self, figures: &mut crate::Figures) {
        for ((reason, class), count) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let help = "Requests whose credentials were not taken, by reason and by where they came from";
            let labels = [("reason", *reason), ("source_class", *class)];
            figures.counter("gantry_auth_failures", help, &labels, *count as f64);
        }
    }
}

/// Requests without credentials that were allowed, and those of them that were turned away because there were too many.
#[derive(Default)]
pub(crate) struct Strangers {
    served: AtomicU64,
    limited: AtomicU64,
}

impl Strangers {
    pub(crate) fn count(&self, is_limited: bool) {
        let counter = if is_limited { &self.limited } else { &self.served };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn collect(&self, figures: &mut crate::Figures) {
        let help = "Requests without credentials that a policy allows: served, or answered 429 as one too many from their source";
        for (outcome, counter) in [("limited", &self.limited), ("served", &self.served)] {
            figures.counter("gantry_anonymous_requests", help, &[("outcome", outcome)], counter.load(Relaxed) as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Incoming;
    use gantry_access::action as actions;
    use http::StatusCode;

    fn kind_of(
        method: Method,
        operation: &'static str,
        access: Option<gantry_access::Action>,
        fault: Option<FaultKind>,
    ) -> Option<Kind> {
        let mut seen = Seen::of(&Incoming::new(method, "/v2/team/app/manifests/v1"));
        seen.know(&Principal::root(AccountId::DEFAULT), AccountId::DEFAULT);
        seen.accesses = access.map(|action| Access::on(action, &"team/app".parse().unwrap())).into_iter().collect();
        let outgoing = Outgoing::empty(StatusCode::OK);
        let ended = Ended {
            operation,
            lock: Lock::Access,
            now: Timestamp::default(),
            request_id: RequestId::new([0; 16]),
            fault,
            message: "",
            outgoing: &outgoing,
        };
        seen.kind(&ended).map(|(kind, _)| kind)
    }

    #[test]
    fn pulls_changes_and_refusals_are_facts_and_looking_around_is_none() {
        let pull = Some(actions::ECR_BATCH_GET_IMAGE);
        let denied = Some(FaultKind::AccessDenied);
        for (method, operation, access, fault, kind) in [
            (Method::GET, "GetManifest", pull, None, Some(Kind::Pull)),
            (Method::GET, "GetManifest", pull, Some(FaultKind::ImageNotFound), Some(Kind::Pull)),
            (Method::HEAD, "GetManifest", pull, None, Some(Kind::Pull)),
            (Method::HEAD, "GetBlob", Some(actions::ECR_GET_DOWNLOAD_URL_FOR_LAYER), None, None),
            (Method::GET, "GetManifest", pull, denied, Some(Kind::Refusal)),
            (Method::GET, "ListReferrers", pull, None, None),
            (Method::PUT, "PutManifest", Some(actions::ECR_PUT_IMAGE), None, Some(Kind::Change)),
            (Method::POST, "ecr:DescribeImages", Some(actions::ECR_DESCRIBE_IMAGES), None, None),
            (Method::POST, "ecr:DescribeImages", Some(actions::ECR_DESCRIBE_IMAGES), denied, Some(Kind::Refusal)),
            (Method::GET, "GetToken", None, None, Some(Kind::Login)),
        ] {
            assert_eq!(kind_of(method.clone(), operation, access, fault), kind, "{method} {operation} {fault:?}");
        }
    }

    #[test]
    fn an_address_is_of_one_of_four_classes() {
        for (address, class) in [
            ("127.0.0.1", "loopback"),
            ("::ffff:10.1.2.3", "private"),
            ("fd00::1", "private"),
            ("203.0.113.9", "public"),
            ("2001:db8::1", "public"),
        ] {
            assert_eq!(source_class(Some(address.parse().unwrap())), class, "{address}");
        }
        assert_eq!(source_class(None), "unix");
    }
}
