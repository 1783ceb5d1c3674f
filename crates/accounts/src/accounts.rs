use crate::{
    RootCredentials, Settings,
    guesses::Guesses,
    keys::{RenewKeys, StoredKeys},
};
use gantry_access::{
    Access, Principal, Refusal, Scopes, action, basic, decide, equal_secrets, judge,
    token::{self, Claims, Key, TokenError},
};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::Metadata;
use gantry_words::{AccountId, Cx, Region, RepositoryName, Secret, Timestamp};
use std::{
    net::IpAddr,
    sync::{Arc, RwLock},
};

/// The room for accounts: who a credential is. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    root: RootCredentials,
    site: Site,
    metadata: Metadata,
    env: Env,
    guesses: Guesses,
    keys: RwLock<Vec<Key>>,
}

/// The deployment tokens are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The default account.
    pub account: AccountId,
    /// The region it serves.
    pub region: Region,
    /// What tokens name it by.
    pub service: String,
}

/// Why a credential is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationProblem {
    /// The header is not of a known scheme, or malformed.
    Malformed,
    /// No such user, or not that password.
    WrongCredentials,
    /// Too many wrong passwords came from this address.
    TooManyGuesses,
    /// The token's time is over.
    TokenExpired,
    /// It is no valid token of this site.
    TokenInvalid,
}

/// A token, and how long it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token.
    pub token: String,
    /// Seconds until it ends.
    pub expires_in_seconds: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The scopes it has.
    pub scope: String,
}

impl Accounts {
    /// Opens the room, and makes the first key where there is none.
    pub async fn open(
        settings: &Settings,
        root: RootCredentials,
        site: Site,
        metadata: Metadata,
        env: Env,
    ) -> Result<Self, Fault> {
        let inner = Inner {
            settings: settings.clone(),
            root,
            site,
            metadata,
            env,
            guesses: Guesses::default(),
            keys: RwLock::default(),
        };
        let accounts = Accounts { inner: Arc::new(inner) };
        accounts.renew_keys().await?;
        Ok(accounts)
    }

    /// Makes a new key where one is due, and takes over those that other replicas made. To be called now and then.
    pub async fn renew_keys(&self) -> Result<(), Fault> {
        let env = &self.inner.env;
        let cx = Cx {
            actor: "gantry:accounts.keys".into(),
            account: self.inner.site.account,
            operation: "accounts.keys",
            request_id: env.request_id(),
            now: env.now(),
            source: None,
        };
        let stored: StoredKeys = self.inner.metadata.perform(&cx, RenewKeys { secret: env.random() }).await?;
        *self.inner.keys.write().expect("nothing panics while it holds the keys") = stored.keys();
        Ok(())
    }

    /// The deployment this is.
    pub fn site(&self) -> &Site {
        &self.inner.site
    }

    /// Says who a request comes from, by its `Authorization` header. Without one it is nobody in particular.
    ///
    /// # Errors
    /// Why the credential is not taken.
    pub fn authenticate(
        &self,
        authorization: Option<&str>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        let Some(authorization) = authorization else { return Ok(Principal::anonymous(self.inner.site.account)) };
        let (scheme, value) = authorization.split_once(' ').ok_or(AuthenticationProblem::Malformed)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.bearer(value.trim(), now);
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let (user, password) = basic::parse(value).ok_or(AuthenticationProblem::Malformed)?;
            return self.password(&user, &password, source);
        }
        Err(AuthenticationProblem::Malformed)
    }

    fn bearer(&self, token: &str, now: Timestamp) -> Result<Principal, AuthenticationProblem> {
        let keys = self.inner.keys.read().expect("nothing panics while it holds the keys");
        match token::verify(&keys, token, &self.inner.site.service, now) {
            Ok(claims) => Ok(claims.principal),
            Err(TokenError::Expired) => Err(AuthenticationProblem::TokenExpired),
            Err(_) => Err(AuthenticationProblem::TokenInvalid),
        }
    }

    fn password(
        &self,
        user: &str,
        password: &Secret<String>,
        source: Option<IpAddr>,
    ) -> Result<Principal, AuthenticationProblem> {
        let root = &self.inner.root;
        // Both are compared whatever the first says: an unknown user takes as long as a wrong password.
        let is_user = equal_secrets(user.as_bytes(), root.access_key_id.as_bytes());
        let is_password = equal_secrets(password.reveal().as_bytes(), root.secret_access_key.reveal().as_bytes());
        if is_user & is_password {
            return Ok(Principal::root(self.inner.site.account));
        }
        match self.inner.guesses.wrong(source, self.inner.env.elapsed()) {
            true => Err(AuthenticationProblem::TooManyGuesses),
            false => Err(AuthenticationProblem::WrongCredentials),
        }
    }

    /// Says who somebody is by user and password.
    ///
    /// # Errors
    /// [`FaultKind::Unauthenticated`], [`FaultKind::TooManyRequests`].
    pub fn log_in(&self, user: &str, password: &Secret<String>, cx: &Cx) -> Result<Principal, Fault> {
        self.password(user, password, cx.source).map_err(AuthenticationProblem::fault)
    }

    /// Issues a token that says who the principal is and what was asked for. What he may not do at all is left out.
    pub fn token(&self, principal: &Principal, scopes: Scopes, now: Timestamp) -> IssuedToken {
        let settings = &self.inner.settings;
        let lifetime = if scopes.has_pushes() { settings.push_lifetime } else { settings.pull_lifetime };
        let claims = Claims {
            principal: principal.clone().scoped(scopes.clone()),
            audience: self.inner.site.service.clone(),
            issued_at: now,
            expires_at: now.plus(lifetime.duration()),
        };
        let keys = self.inner.keys.read().expect("nothing panics while it holds the keys");
        let key = keys.first().expect("the room opens only with a key");
        IssuedToken {
            token: token::sign(key, &claims),
            expires_in_seconds: lifetime.duration().as_secs(),
            issued_at: now,
            scope: scopes.print(),
        }
    }

    /// Decides whether a principal may do all of `accesses`.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    pub fn authorize(&self, principal: &Principal, accesses: &[Access]) -> Result<(), Refusal> {
        judge(principal, accesses)
    }

    /// Whether a principal may do one thing.
    pub fn may(&self, principal: &Principal, access: &Access) -> bool {
        self.authorize(principal, std::slice::from_ref(access)).is_ok()
    }

    /// Whether a principal who may list repositories may see this one.
    pub fn may_see(&self, principal: &Principal, name: &RepositoryName) -> bool {
        decide(principal, &Access::on(action::ECR_DESCRIBE_REPOSITORIES, name)).is_allowed
    }
}

impl AuthenticationProblem {
    /// Says it to the client.
    pub fn fault(self) -> Fault {
        let (kind, message) = match self {
            AuthenticationProblem::Malformed => (
                FaultKind::Unauthenticated,
                "The Authorization header is neither Basic nor a Bearer token of this registry; run: docker login",
            ),
            AuthenticationProblem::WrongCredentials => {
                (FaultKind::Unauthenticated, "User name or password is wrong; run: docker login")
            }
            AuthenticationProblem::TooManyGuesses => {
                (FaultKind::TooManyRequests, "Too many wrong passwords came from this address; wait a minute")
            }
            AuthenticationProblem::TokenExpired => {
                (FaultKind::Unauthenticated, "The token has expired; ask for a new one")
            }
            AuthenticationProblem::TokenInvalid => {
                (FaultKind::Unauthenticated, "The token is not valid here; ask this registry for one")
            }
        };
        Fault::new(kind, message)
    }
}

#[cfg(test)]
mod tests;
