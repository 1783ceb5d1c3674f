use crate::{
    AuthenticationProblem, PasswordChange, Person, Unidentified,
    accounts::{Accounts, seconds},
    logins::{Password, name_key},
    web_identity::is_token_user,
};
use gantry_access::{
    Arrival, Authorization, PASSWORD_BYTES_MAX, PERSONAL_TOKEN_PREFIX, PasswordProver, Principal, is_password,
};
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Secret, Timestamp};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The longest name that somebody logs in with.
const NAME_BYTES_MAX: usize = 256;
/// How long a password that was right is known to be without being looked at again: a client sends it with every request.
const PROVEN: Duration = Duration::from_secs(60);
/// How long somebody is in the groups of which a directory said that he is.
const GROUPS_HOLD: Duration = Duration::from_secs(5 * 60);
const PROOFS_MAX: usize = 4096;

/// Who knows passwords that are not kept here: a directory.
pub trait LoginSource: Send + Sync + 'static {
    /// Says whose name and password these are, and in which groups he is; `source` is where they come from.
    fn log_in<'a>(
        &'a self,
        name: &'a str,
        password: &'a Secret<String>,
        source: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Person, LoginRefusal>>;
}

/// Why a [`LoginSource`] does not say who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Nobody's name and password, or somebody's who may not log in; which, is for the audit only.
    Refused(&'static str),
    /// It cannot be asked, or did not answer in time.
    Unavailable,
    /// It is not asked about this person for so long, lest it lock him.
    TooMany(Duration),
}

/// Passwords that were right a moment ago. They are not in it: what is, is of no use without a key that is in memory only.
pub(crate) struct Proofs {
    prover: PasswordProver,
    proven: Mutex<HashMap<[u8; 32], Proof>>,
}

#[derive(Clone)]
struct Proof {
    until: Duration,
    who: Who,
}

/// Whose password it was.
#[derive(Clone)]
enum Who {
    /// That of a user, by the id of the password.
    User(Box<str>),
    /// That of a person of a directory, with when it was asked.
    Person(Arc<Person>, Timestamp),
}

impl Proofs {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Proofs { prover: PasswordProver::new(&key), proven: Mutex::default() }
    }

    fn find(&self, proof: &[u8; 32], now: Duration) -> Option<Who> {
        let proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        proven.get(proof).filter(|found| now < found.until).map(|found| found.who.clone())
    }

    fn keep(&self, proof: [u8; 32], who: Who, now: Duration) {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.len() >= PROOFS_MAX {
            proven.retain(|_, kept| now < kept.until);
        }
        if proven.len() < PROOFS_MAX {
            proven.insert(proof, Proof { until: now + PROVEN, who });
        }
    }
}

impl Accounts {
    /// Says who sends a request, where [`Accounts::authenticate`] has said that only a slow look can tell: hashes the password, or
    /// asks a directory or an identity provider. So many wrong ones are looked at of one name from one address, and of one
    /// address, and no more.
    ///
    /// # Errors
    /// Nobody known here, in the same words and after the same work whether there is such a user or not; those of
    /// [`Accounts::log_in_with_token`].
    pub async fn authenticate_slowly(&self, authorization: &str, arrival: Arrival) -> Result<Principal, Unidentified> {
        match Authorization::parse(authorization).map_err(|_| AuthenticationProblem::Malformed)? {
            Authorization::Basic { user, password } => self.log_in_slowly(&user, &password, arrival).await,
            Authorization::Bearer(_) => Err(AuthenticationProblem::TokenInvalid.into()),
        }
    }

    pub(crate) async fn log_in_slowly(
        &self,
        user: &str,
        password: &Secret<String>,
        arrival: Arrival,
    ) -> Result<Principal, Unidentified> {
        if self.is_token_user(user) {
            return Ok(self.log_in_with_token(user, password, arrival).await?);
        }
        Ok(self.settle(user, password, arrival.source, arrival.at).await?.arrived(arrival))
    }

    /// Whether what comes with this name is the token of an identity provider.
    pub(crate) fn is_token_user(&self, user: &str) -> bool {
        is_token_user(user) && user != self.root().access_key_id
    }

    /// Whether it may be a person's name and password. What is none by its form is never looked at slowly.
    pub(crate) fn may_be_persons(&self, user: &str, password: &str) -> bool {
        let is_key = user.len() == 20 && (user.starts_with("AKIA") || user.starts_with("ASIA"));
        let is_name = (1..=NAME_BYTES_MAX).contains(&user.len()) && !is_key && !user.chars().any(char::is_control);
        // An empty password would log in anybody with directories that take it for an anonymous login (RFC 4513, section 5.1.2).
        let is_password = (1..=PASSWORD_BYTES_MAX).contains(&password.len())
            && !password.contains('\0')
            && !password.starts_with(PERSONAL_TOKEN_PREFIX);
        is_name && is_password && (self.directory().logins.has_passwords() || self.login_source().is_some())
    }

    async fn settle(
        &self,
        user: &str,
        password: &Secret<String>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        self.charge(user, source)?;
        let found = self.settle_charged(user, password, source, now).await;
        self.conclude(user, source, found)
    }

    async fn settle_charged(
        &self,
        user: &str,
        password: &Secret<String>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let key = name_key(user);
        let known = self.directory().logins.password(user);
        // Another password is another proof.
        let bound = known.as_ref().map_or("", |known| &*known.id);
        let proof = self.proofs().prover.prove(&[bound, &key, password.reveal()]);
        let who = match self.proofs().find(&proof, self.elapsed()) {
            Some(who) => who,
            None => {
                let who = self.look(user, password, known, source, now).await?;
                self.proofs().keep(proof, who.clone(), self.elapsed());
                who
            }
        };
        match who {
            Who::User(id) => {
                let found = self.directory().came_with(&id, source, now);
                found.ok_or(AuthenticationProblem::WrongCredentials)
            }
            Who::Person(person, asked_at) => self
                .principal_of_person(&person, asked_at.plus(GROUPS_HOLD), now)
                .map_err(|_| AuthenticationProblem::Refused("no_role")),
        }
    }

    async fn look(
        &self,
        user: &str,
        password: &Secret<String>,
        known: Option<Arc<Password>>,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Who, AuthenticationProblem> {
        let is_known = known.is_some();
        if let Some(known) = self.check_kept(password, known).await? {
            return match known.must_change {
                true => Err(AuthenticationProblem::PasswordExpired),
                false => Ok(Who::User(known.id.clone())),
            };
        }
        // Who has a password here is not looked for elsewhere: another of the same name is not he.
        let source = self.login_source().filter(|_| !is_known).ok_or(AuthenticationProblem::WrongCredentials)?;
        match source.log_in(user, password, address).await {
            Ok(person) => Ok(Who::Person(Arc::new(person), now)),
            Err(LoginRefusal::Refused(why)) => Err(AuthenticationProblem::Refused(why)),
            Err(LoginRefusal::Unavailable) => Err(AuthenticationProblem::DirectoryUnavailable),
            Err(LoginRefusal::TooMany(wait)) => Err(too_many(seconds(wait))),
        }
    }

    /// Hashes a password also for whoever has none; returns the kept one that it is.
    async fn check_kept(
        &self,
        password: &Secret<String>,
        known: Option<Arc<Password>>,
    ) -> Result<Option<Arc<Password>>, AuthenticationProblem> {
        if !self.directory().logins.has_passwords() {
            return Ok(None);
        }
        let (kept, password) = (known.clone(), password.clone());
        let compare = move || is_password(password.reveal(), kept.as_ref().map(|kept| kept.hash.reveal().as_str()));
        let is_right = self.identities().hasher().run(compare).await?;
        Ok(known.filter(|_| is_right))
    }

    /// Lets a user choose another password, also one whose password is only good for that.
    ///
    /// # Errors
    /// [`FaultKind::Unauthenticated`]: nobody's name and password; [`FaultKind::TooManyRequests`];
    /// [`FaultKind::PasswordPolicyViolation`].
    pub async fn change_own_password(
        &self,
        cx: &Cx,
        user: &str,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), Fault> {
        let wrong = AuthenticationProblem::WrongCredentials;
        // The audit is told why not, which the client is not.
        let told = |problem: AuthenticationProblem| problem.fault().because(problem);
        if !self.may_be_persons(user, old.reveal()) {
            return Err(told(self.note_failure(cx.source).map_or(wrong, too_many)));
        }
        self.charge(user, cx.source).map_err(told)?;
        let known = self.directory().logins.password(user);
        let found = match self.check_kept(old, known).await {
            Ok(Some(known)) => self.directory().came_with(&known.id, cx.source, cx.now).ok_or(wrong),
            Ok(None) => Err(wrong),
            Err(problem) => Err(problem),
        };
        let principal = self.conclude(user, cx.source, found).map_err(told)?;
        if gantry_access::equal_secrets(old.reveal().as_bytes(), new.reveal().as_bytes()) {
            return Err(Fault::new(
                FaultKind::PasswordPolicyViolation,
                "The new password is the old one; choose another",
            ));
        }
        let cx = Cx { actor: principal.arn.clone(), account: principal.account, ..cx.clone() };
        let name = principal.arn.rsplit('/').next().unwrap_or(user);
        self.identities().put_password(&cx, name, new, false, PasswordChange::Update).await.map(drop)
    }

    /// Counts a failure before it is known to be one: of many that come at once, none is looked at beyond those that may be.
    fn charge(&self, user: &str, source: Option<IpAddr>) -> Result<(), AuthenticationProblem> {
        self.charge_failure(&name_key(user), source).map_or(Ok(()), |seconds| Err(too_many(seconds)))
    }

    /// Takes back the failure that was counted where it is none.
    fn conclude(
        &self,
        user: &str,
        source: Option<IpAddr>,
        found: Result<Principal, AuthenticationProblem>,
    ) -> Result<Principal, AuthenticationProblem> {
        match &found {
            Ok(_)
            | Err(
                AuthenticationProblem::Busy { .. }
                | AuthenticationProblem::DirectoryUnavailable
                | AuthenticationProblem::PasswordExpired
                // Nothing was tried.
                | AuthenticationProblem::TooManyFailures { .. }
                | AuthenticationProblem::Refused("no_role"),
            ) => self.forgive_failure(&name_key(user), source),
            Err(problem) => {
                let source = source.map_or("a Unix socket".into(), |source| source.to_string());
                tracing::info!(source, "login refused: {problem}");
            }
        }
        found
    }
}

fn too_many(retry_after_seconds: u64) -> AuthenticationProblem {
    AuthenticationProblem::TooManyFailures { retry_after_seconds }
}

#[cfg(test)]
mod tests;
