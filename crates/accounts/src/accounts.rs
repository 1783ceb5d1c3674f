use crate::{
    AuthenticationProblem, RootCredentials, Settings, Unidentified,
    failures::Failures,
    key_store::{self, RotateTokenKeys},
    keys::{KeyMaterial, Keys},
};
use crate::{
    Identities, LoginSource, Providers, RoleMapping, directory::Directory, image_keys::ImageSources,
    logins::is_personal_token, person_logins::Proofs,
};
use gantry_access::{
    Arrival, Authorization, Principal, PrincipalKind, RoleSession, Scopes, equal_secrets, personal_token_hash,
    token::{self, Claims, TokenError},
    withstands_guessing,
};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Metadata, access_revision};
use gantry_words::{AccountId, Cx, Period, Region, RequestId, Secret, Timestamp};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    time::Duration,
};

/// The longest audience a token holds.
const AUDIENCE_BYTES_MAX: usize = 255 - "/login".len();
/// The user name that comes with a password made for `docker login`, as in ECR.
const LOGIN_USER: &str = "AWS";
/// How long such a password is good, as in ECR.
const LOGIN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What this deployment is called: tokens are good for it only.
#[derive(Clone, Debug)]
pub struct Site {
    /// The account it serves.
    pub account: AccountId,
    /// The region it serves.
    pub region: Region,
    /// Its name in challenges.
    pub service: Box<str>,
}

/// A token as `/token` answers it.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: String,
    /// How long it is good, from `issued_at` on.
    pub expires_in_seconds: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The scopes it is of use for.
    pub scope: String,
}

/// A password for `docker login --username AWS`.
#[derive(Clone, Debug)]
pub struct LoginPassword {
    /// The password.
    pub password: Secret<String>,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Says who a credential is. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    settings: Settings,
    site: Site,
    audience: Box<str>,
    root: RootCredentials,
    root_principal: Principal,
    /// Whether the root password is too weak to be tried without limit.
    is_guessable: bool,
    keys: RwLock<Keys>,
    failures: Failures,
    /// Requests without credentials, counted as failed logins are: each empties a bucket of its source.
    strangers: Failures,
    proofs: Proofs,
    login_source: OnceLock<Arc<dyn LoginSource>>,
    /// Who knows what policies can ask of images.
    image_sources: ImageSources,
    /// When personal tokens were used, as far as that is not written down.
    token_uses: Mutex<HashMap<Box<str>, Timestamp>>,
    identities: Identities,
    directory: RwLock<Arc<Directory>>,
    /// Held by whoever reads the directory anew: all who wait for that have what he read.
    reading: tokio::sync::Mutex<()>,
    role_mappings: RwLock<Arc<[RoleMapping]>>,
    /// Who verifies tokens of identity providers; without one none are taken.
    providers: OnceLock<Arc<Providers>>,
    metadata: Metadata,
    env: Env,
}

impl Accounts {
    /// Opens the accounts of a site; draws its signing key at the first start.
    ///
    /// # Errors
    /// Settings, credentials or the site's name cannot be used; the metadata cannot be read or written.
    pub async fn open(
        settings: &Settings,
        root: RootCredentials,
        site: Site,
        identities: Identities,
        metadata: Metadata,
        env: Env,
    ) -> Result<Self, Fault> {
        let audience = audience(&site, site.account);
        if let Some(complaint) = complaint(settings, &root, &audience) {
            return Err(Fault::new(FaultKind::InvalidParameter, complaint));
        }
        let is_guessable = !withstands_guessing(root.secret_access_key.reveal().as_bytes());
        if is_guessable {
            tracing::warn!(
                "the root secret access key is short enough to be guessed; use one of 20 or more mixed characters"
            );
        }
        let root_principal = Principal::root(site.account);
        let failures = Failures::new(settings.login_failures_per_minute, settings.login_failures_per_name_per_minute);
        let strangers = Failures::new(settings.anonymous_requests_per_minute, 0);
        let proofs = Proofs::new(env.random());
        let keys = RwLock::new(Keys::derive(&[], &root));
        let settings = settings.clone();
        let directory = RwLock::new(Arc::new(Directory::read(&metadata, &identities, &site, None).await?));
        let inner = Inner {
            settings,
            site,
            audience,
            root,
            root_principal,
            is_guessable,
            keys,
            failures,
            strangers,
            proofs,
            login_source: OnceLock::new(),
            image_sources: ImageSources::default(),
            token_uses: Mutex::default(),
            identities,
            directory,
            reading: tokio::sync::Mutex::default(),
            role_mappings: RwLock::new(Arc::new([])),
            providers: OnceLock::new(),
            metadata,
            env,
        };
        let accounts = Accounts(Arc::new(inner));
        accounts.rotate(accounts.0.env.now()).await?;
        Ok(accounts)
    }

    /// The same, taking tokens of identity providers, which `providers` verifies.
    #[must_use]
    pub fn with_providers(self, providers: Arc<Providers>) -> Self {
        // Those that are there already stay.
        let _ = self.0.providers.set(providers);
        self
    }

    pub(crate) fn providers(&self) -> Option<&Arc<Providers>> {
        self.0.providers.get()
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Says who sends a request, by its `Authorization` header, to the registry of the site's own account:
    /// [`Accounts::authenticate_at`].
    ///
    /// # Errors
    /// The same.
    pub fn authenticate(
        &self,
        authorization: Option<&str>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        self.authenticate_at(self.0.site.account, authorization, source, now)
    }

    /// Says who sends a request to the registry of `account`, by its `Authorization` header. Asks no database.
    ///
    /// `source` is where the request comes from: failed logins are counted by it.
    ///
    /// # Errors
    /// Nobody known here; [`AuthenticationProblem::Missing`] where there is no header: see [`Accounts::anonymous`].
    pub fn authenticate_at(
        &self,
        account: AccountId,
        authorization: Option<&str>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let header = authorization.ok_or(AuthenticationProblem::Missing)?;
        match Authorization::parse(header).map_err(|_| AuthenticationProblem::Malformed)? {
            Authorization::Bearer(token) => self.bearer(token, account, source, now),
            Authorization::Basic { user, password } => self.password(&user, &password, source, now),
        }
    }

    /// Says whose user name and password these are, where they come otherwise than in a header.
    ///
    /// # Errors
    /// [`FaultKind::Unauthenticated`] if nobody's; [`FaultKind::TooManyRequests`] after too many failures.
    pub async fn log_in(&self, user: &str, password: &Secret<String>, arrival: Arrival) -> Result<Principal, Fault> {
        // The audit is told why not, which the client is not.
        let told = |problem: AuthenticationProblem| problem.fault().because(problem);
        match self.password(user, password, arrival.source, arrival.at) {
            Err(AuthenticationProblem::Unsettled) => {
                self.log_in_slowly(user, password, arrival).await.map_err(|unidentified| match unidentified {
                    Unidentified::Here(problem) => told(problem),
                    Unidentified::Elsewhere(fault) => fault,
                })
            }
            known => known.map(|principal| principal.arrived(arrival)).map_err(told),
        }
    }

    /// Issues a token for what was asked. The principal must have come with credentials of its own: against a token
    /// only an empty one is issued, or tokens would live for ever.
    ///
    /// The token carries what was asked for, so that a request beyond the principal's rights gets a clear refusal
    /// rather than a challenge to ask again; what the principal may have of it stands in `scope`.
    pub fn token(&self, principal: &Principal, scopes: Scopes, now: Timestamp) -> IssuedToken {
        let inner = &*self.0;
        let asked = if principal.scopes.is_some() { Scopes::default() } else { token::fitting(&scopes) };
        let granted = asked.filter(|verb, resource| self.may_have(principal, verb, resource));
        let settings = &inner.settings;
        let lifetime = if asked.has_writes() { settings.push_lifetime } else { settings.pull_lifetime }.duration();
        let expires_at = now.plus(lifetime);
        // That of a session ends with it, as that of a token of a provider does with the token.
        let session_end = principal.role_session.as_ref().map(|session| session.expires_at());
        let expires_at = session_end.map_or(expires_at, |end| end.min(expires_at));
        let claims = Claims {
            kind: principal.kind,
            id: self.id(principal),
            account: principal.account,
            audience: self.audience(principal.addressed()),
            role_session: principal.role_session.as_deref().cloned(),
            scopes: asked,
            issued_at: now,
            expires_at,
        };
        IssuedToken {
            token: inner.keys.read().unwrap_or_else(PoisonError::into_inner).sign(&claims, now),
            expires_in_seconds: expires_at.since(now).as_secs(),
            issued_at: now,
            scope: granted.to_string(),
        }
    }

    /// Issues a password for `docker login --username AWS`: it stands for the principal for twelve hours.
    pub fn login_password(&self, principal: &Principal, now: Timestamp) -> LoginPassword {
        self.password_of(principal, principal.role_session.as_deref().cloned(), LOGIN_LIFETIME, now)
    }

    /// The same for a while, and for a session in the place of the principal's own.
    pub(crate) fn password_of(
        &self,
        principal: &Principal,
        session: Option<RoleSession>,
        lifetime: Duration,
        now: Timestamp,
    ) -> LoginPassword {
        let inner = &*self.0;
        let expires_at = now.plus(lifetime);
        // The password of a session ends with it.
        let session_end = session.as_ref().map(RoleSession::expires_at);
        let expires_at = session_end.map_or(expires_at, |end| end.min(expires_at));
        let claims = Claims {
            kind: principal.kind,
            id: self.id(principal),
            account: principal.account,
            audience: login_audience(&inner.audience),
            role_session: session,
            scopes: Scopes::default(),
            issued_at: now,
            expires_at,
        };
        let keys = inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        LoginPassword { password: Secret::new(keys.sign(&claims, now)), expires_at }
    }

    /// Seals something for a client to bring back, for `purpose` only; it opens for a day at least, also after a restart.
    pub fn seal(&self, purpose: &str, content: &[u8], now: Timestamp) -> String {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.seal(purpose, content, self.0.env.random(), now)
    }

    /// Returns what was sealed for `purpose`; none where it was not, was changed since, or long ago.
    pub fn open_seal(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).open(purpose, text)
    }

    /// What tokens for the registry of an account are good for: in no other they are.
    fn audience(&self, account: AccountId) -> Box<str> {
        match account == self.0.site.account {
            true => self.0.audience.clone(),
            false => audience(&self.0.site, account),
        }
    }

    fn id(&self, principal: &Principal) -> Box<str> {
        match principal.kind {
            PrincipalKind::Root if principal.account == self.0.site.account => {
                self.0.root.access_key_id.as_str().into()
            }
            PrincipalKind::Root | PrincipalKind::User => (*principal.access_key_id).into(),
            // Of somebody from outside who came with a personal token: what is made of it ends with it.
            PrincipalKind::Session => (*principal.access_key_id).into(),
            PrincipalKind::Anonymous => "".into(),
        }
    }

    /// Reads anew what decisions know, where this process has changed something of it. Comes before each request is looked at;
    /// costs nothing where nothing has changed.
    ///
    /// # Errors
    /// The metadata cannot be read: nobody can be let in by what is no longer true.
    pub async fn freshen(&self) -> Result<(), Fault> {
        if !self.is_stale() {
            return Ok(());
        }
        let _reading = self.0.reading.lock().await;
        if self.is_stale() { self.read_directory().await } else { Ok(()) }
    }

    /// Whether this process has changed something that decisions know.
    pub fn is_stale(&self) -> bool {
        self.0.metadata.access_epoch() != self.directory().epoch
    }

    /// Reads anew what decisions know, where anybody has changed something of it: to be called every second.
    ///
    /// # Errors
    /// The metadata cannot be read; what was known stays.
    pub async fn look_for_changes(&self) -> Result<(), Fault> {
        let revision = self.0.metadata.read(access_revision::find).await?;
        if revision == self.directory().revision { Ok(()) } else { self.read_directory().await }
    }

    async fn read_directory(&self) -> Result<(), Fault> {
        let inner = &*self.0;
        let before = self.directory();
        let fresh = Directory::read(&inner.metadata, &inner.identities, &inner.site, Some(&before)).await?;
        let mut held = inner.directory.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have read later, and been faster.
        if (held.epoch, held.revision) <= (fresh.epoch, fresh.revision) {
            *held = Arc::new(fresh);
        }
        Ok(())
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        self.0.directory.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn is_open_to_anonymous(&self) -> bool {
        self.0.settings.anonymous_pull
    }

    /// The room in which users, groups, roles and their policies are kept.
    pub fn identities(&self) -> &Identities {
        &self.0.identities
    }

    /// The principal of whoever comes without credentials.
    pub fn anonymous(&self) -> Principal {
        Principal::anonymous(self.0.site.account)
    }

    /// Counts a request that is served without credentials. Returns how many seconds to wait where its source has had as many
    /// as it may (`tokens.anonymous_requests_per_minute`).
    pub fn note_anonymous(&self, source: Option<IpAddr>) -> Option<u64> {
        self.0.strangers.note(source, self.0.env.elapsed()).map(seconds)
    }

    /// Draws an access key.
    pub(crate) fn draw_credentials(&self) -> RootCredentials {
        RootCredentials::generate(&self.0.env)
    }

    /// Draws an id for something that a request makes.
    pub fn fresh_id(&self) -> RequestId {
        self.0.env.request_id()
    }

    /// What this deployment is called.
    pub fn site(&self) -> &Site {
        &self.0.site
    }

    /// Reads the signing keys again, and draws a new one when the newest is a day old; writes down when personal tokens were used.
    ///
    /// To be called every minute: a new key signs ten minutes after it was drawn, when every replica has read it.
    ///
    /// # Errors
    /// The metadata cannot be read or written; the keys in memory stay.
    pub async fn rotate(&self, now: Timestamp) -> Result<(), Fault> {
        let inner = &*self.0;
        self.write_token_uses(now).await;
        let found = inner.metadata.read(key_store::find).await?;
        if !key_store::is_due(found.first().map(|key| key.made_at), now) {
            self.install(&found);
            return Ok(());
        }
        let act = RotateTokenKeys { fresh: key_store::draw(&inner.env, now) };
        let keys = inner.metadata.perform(&self.housekeeping(now), act).await?;
        self.install(&keys);
        Ok(())
    }

    fn install(&self, material: &[KeyMaterial]) {
        let inner = &*self.0;
        let keys = Keys::derive(material, &inner.root);
        let mut held = inner.keys.write().unwrap_or_else(PoisonError::into_inner);
        if held.newest_made_at() != keys.newest_made_at() {
            let made_at = keys.newest_made_at().map(tracing::field::display);
            tracing::info!(made_at, keys = material.len(), "token keys read");
        }
        *held = keys;
    }

    /// The context of a login that nobody has yet.
    pub(crate) fn cx_of_login(&self) -> Cx {
        self.housekeeping(self.0.env.now())
    }

    fn housekeeping(&self, now: Timestamp) -> Cx {
        const NAME: &str = "accounts.rotate_token_keys";
        let inner = &*self.0;
        Cx {
            actor: format!("gantry:{NAME}").into(),
            account: inner.site.account,
            operation: NAME,
            request_id: inner.env.request_id(),
            now,
            source: None,
        }
    }

    fn bearer(
        &self,
        token: &str,
        account: AccountId,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let inner = &*self.0;
        let keys = inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        let claims = match keys.verify(token, &self.audience(account), now) {
            Ok(claims) => claims,
            Err(TokenError::Expired) => return Err(AuthenticationProblem::TokenExpired),
            Err(TokenError::Malformed | TokenError::Signature | TokenError::Audience | TokenError::NotYetValid) => {
                return Err(AuthenticationProblem::TokenInvalid);
            }
        };
        let scopes = claims.scopes.clone();
        let principal = self.principal(claims, source, now).ok_or(AuthenticationProblem::TokenInvalid)?;
        Ok(principal.within(scopes))
    }

    /// The right password of a strong root is let in however many failed before him, so that nobody can lock him out;
    /// a weak one could be found by trying, so there the count comes first.
    fn password(
        &self,
        user: &str,
        password: &Secret<String>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let inner = &*self.0;
        if let Some(owner) = self.token_owner(user, password, source, now) {
            return Ok(owner);
        }
        if self.is_token_user(user) {
            return Err(AuthenticationProblem::Unsettled);
        }
        if let Some(retry_after_seconds) = self.must_wait(source) {
            return Err(AuthenticationProblem::TooManyFailures { retry_after_seconds });
        }
        let is_login = user == LOGIN_USER && inner.root.access_key_id != LOGIN_USER;
        let problem = match is_login.then(|| self.login(password, source, now)) {
            // What was made of it must not outlive it.
            Some(Ok(principal)) => return Ok(principal.in_session()),
            Some(Err(problem)) => problem,
            None => AuthenticationProblem::WrongCredentials,
        };
        // Both are always compared: what takes how long does not tell which one was wrong.
        let is_user = equal_secrets(user.as_bytes(), inner.root.access_key_id.as_bytes());
        let is_password = equal_secrets(password.reveal().as_bytes(), inner.root.secret_access_key.reveal().as_bytes());
        if is_user & is_password {
            return Ok(inner.root_principal.clone());
        }
        if let Some(user) = self.user(user, password.reveal(), source, now) {
            return Ok(user);
        }
        // Whoever tries the root user is counted with his address here: of a guessable root nothing is tried beyond that.
        if !is_login && !is_user && self.may_be_persons(user, password.reveal()) {
            return Err(AuthenticationProblem::Unsettled);
        }
        if let Some(retry_after_seconds) = self.note_failure(source) {
            return Err(AuthenticationProblem::TooManyFailures { retry_after_seconds });
        }
        let source = source.map_or("a Unix socket".into(), |source| source.to_string());
        tracing::info!(source, "login refused: {problem}");
        Err(problem)
    }

    /// Says whose personal token this is. Whoever has one is never kept waiting: there is nothing to guess.
    fn token_owner(
        &self,
        user: &str,
        token: &Secret<String>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Option<Principal> {
        let hash = personal_token_hash(token.reveal())?;
        let directory = self.directory();
        let token = directory.logins.token(user, &hash, now)?;
        let owner = match &token.person {
            None => directory.came_with(&token.id, source, now)?,
            Some(person) => self.person_with_token(person, token, now)?,
        };
        let mut uses = self.0.token_uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.insert((&*token.id).into(), now);
        Some(owner)
    }

    /// Says whose password of [`Accounts::login_password`] this is.
    fn login(
        &self,
        password: &Secret<String>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let inner = &*self.0;
        let keys = inner.keys.read().unwrap_or_else(PoisonError::into_inner);
        match keys.verify(password.reveal(), &login_audience(&inner.audience), now) {
            Ok(claims) => {
                let principal = self.principal(claims, source, now).map(Principal::in_session);
                principal.ok_or(AuthenticationProblem::TokenInvalid)
            }
            Err(TokenError::Expired) => Err(AuthenticationProblem::LoginExpired),
            Err(TokenError::Malformed | TokenError::Signature | TokenError::Audience | TokenError::NotYetValid) => {
                Err(AuthenticationProblem::WrongCredentials)
            }
        }
    }

    /// Returns the principal a token was issued to, if there still is one.
    fn principal(&self, claims: Claims, source: Option<IpAddr>, now: Timestamp) -> Option<Principal> {
        let inner = &*self.0;
        match claims.kind {
            PrincipalKind::Root if claims.account == inner.site.account => {
                (*claims.id == *inner.root.access_key_id).then(|| inner.root_principal.clone())
            }
            PrincipalKind::Root | PrincipalKind::User => self.directory().came_with(&claims.id, source, now),
            PrincipalKind::Session => self.directory().session_with(&claims.id, claims.role_session?, now),
            PrincipalKind::Anonymous => Some(Principal::anonymous(claims.account)),
        }
        .filter(|principal| principal.account == claims.account)
    }

    /// Returns the user with this access key and secret. It takes as long where there is none.
    fn user(&self, id: &str, secret: &str, source: Option<IpAddr>, now: Timestamp) -> Option<Principal> {
        let directory = self.directory();
        let key = directory.key(id);
        let nobodys = Secret::new(String::new());
        let mut is_right = false;
        match key {
            Some(key) => {
                for good in key.secrets(now) {
                    is_right |= equal_secrets(secret.as_bytes(), good.reveal().as_bytes());
                }
            }
            None => drop(equal_secrets(secret.as_bytes(), nobodys.reveal().as_bytes())),
        }
        key.filter(|_| is_right).and_then(|key| directory.user(key, source, now))
    }

    /// Returns how many seconds whoever guesses from `source` has to wait; none where guessing is hopeless anyhow.
    pub(crate) fn must_wait(&self, source: Option<IpAddr>) -> Option<u64> {
        let inner = &*self.0;
        let wait = inner.is_guessable.then(|| inner.failures.wait(source, inner.env.elapsed())).flatten();
        wait.map(seconds)
    }

    /// Counts a failure. Returns how many seconds to wait where it was one too many.
    pub(crate) fn note_failure(&self, source: Option<IpAddr>) -> Option<u64> {
        self.0.failures.note(source, self.0.env.elapsed()).map(seconds)
    }

    pub(crate) fn keep_role_mappings(&self, mappings: Vec<RoleMapping>) {
        *self.0.role_mappings.write().unwrap_or_else(PoisonError::into_inner) = mappings.into();
    }

    pub(crate) fn role_mappings(&self) -> Arc<[RoleMapping]> {
        self.0.role_mappings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a failure of a name, before it is known whether it is one. Returns how many seconds to wait where it is one too many.
    pub(crate) fn charge_failure(&self, name: &str, source: Option<IpAddr>) -> Option<u64> {
        self.0.failures.charge(source, name, self.0.env.elapsed()).map(seconds)
    }

    /// Takes back what was counted.
    pub(crate) fn forgive_failure(&self, name: &str, source: Option<IpAddr>) {
        self.0.failures.forgive(source, name);
    }

    pub(crate) fn proofs(&self) -> &Proofs {
        &self.0.proofs
    }

    /// Says who knows passwords that are not kept here. Who was first said to stays.
    pub fn set_login_source(&self, source: Arc<dyn LoginSource>) {
        let _ = self.0.login_source.set(source);
    }

    pub(crate) fn login_source(&self) -> Option<&dyn LoginSource> {
        self.0.login_source.get().map(AsRef::as_ref)
    }

    pub(crate) fn image_sources(&self) -> &ImageSources {
        &self.0.image_sources
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.env.elapsed()
    }

    /// Whether a principal came with what ends by itself or was handed to a program: what he makes with it must not outlive it.
    pub fn is_temporary(&self, principal: &Principal) -> bool {
        principal.is_session || principal.scopes.is_some() || is_personal_token(&principal.access_key_id)
    }

    /// How long a personal token may live.
    pub fn personal_token_lifetime_max(&self) -> Period {
        self.0.settings.personal_token_lifetime_max
    }

    /// Writes down when personal tokens were used.
    async fn write_token_uses(&self, now: Timestamp) {
        let uses = std::mem::take(&mut *self.0.token_uses.lock().unwrap_or_else(PoisonError::into_inner));
        let cx = Cx { operation: "accounts.note_personal_token_uses", ..self.housekeeping(now) };
        if let Err(fault) = self.identities().note_personal_token_uses(&cx, uses.into_iter().collect()).await {
            tracing::warn!(error = ?fault, "when personal tokens were used could not be written down: {fault}");
        }
    }

    /// The key of the root user.
    pub(crate) fn root(&self) -> &RootCredentials {
        &self.0.root
    }
}

/// Rounded up: whoever comes back then is not too early.
pub(crate) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn audience(site: &Site, account: AccountId) -> Box<str> {
    format!("{}/{}/{account}", site.service, site.region).into()
}

/// The audience of passwords for `docker login`: a Bearer token is none, and none is a Bearer token.
fn login_audience(audience: &str) -> Box<str> {
    format!("{audience}/login").into()
}

/// What makes it impossible to open.
fn complaint(settings: &Settings, root: &RootCredentials, audience: &str) -> Option<String> {
    if let Some(complaint) = settings.check().into_iter().next() {
        return Some(complaint);
    }
    if let Err(error) = root.check() {
        return Some(format!("The root credentials cannot be used: {error}"));
    }
    let is_long = audience.len() > AUDIENCE_BYTES_MAX;
    is_long.then(|| {
        format!("service, region and account are too long together; {audience:?} may have {AUDIENCE_BYTES_MAX} bytes")
    })
}

#[cfg(test)]
pub(crate) mod tests;
