//! People who log in at an identity provider, with a browser; and terminals that they let in from there.
//!
//! Somebody becomes the role of his group for as long as his session lasts. What decides is in `gantry_access::login`; here it is
//! asked, with what provider, database and clock say.
//!
//! | file | what |
//! |---|---|
//! | `settings.rs` | [`LoginSettings`] |
//! | `provider.rs` | the provider: where it is asked, and what a code is worth there |
//! | `pages.rs` | [`PageSession`]: who is logged in |
//! | `tokens.rs` | their personal tokens |
//! | `devices.rs` | terminals that wait (RFC 8628) |
//! | `open.rs` | [`OpenSession`]: what administrators see and end |
//! | `guesses.rs` | how often a code may be typed wrongly |

mod devices;
mod guesses;
mod open;
mod pages;
mod provider;
mod settings;
mod tokens;

pub use devices::{DeviceAsked, DevicePoll, WaitingDevice};
pub(crate) use open::revoked_person;
pub use open::{OpenSession, OpenSessionKind};
pub use pages::PageSession;
pub use settings::{LoginSettings, OidcLoginSettings};

use crate::{Accounts, ProviderProblem, Providers};
use gantry_access::login::{
    Callback, LoginAttempt, LoginProblem, PersonClaims, ProviderPerson, admit_callback, admit_person,
};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::Metadata;
use gantry_outbound::Client;
use gantry_words::{Cx, Secret, Timestamp};
use guesses::Guesses;
use provider::LoginProvider;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// What a login under way is sealed for.
const ATTEMPT: &str = "login-attempt";
/// Where the provider sends browsers back to; further ones to a place of their own below it.
const CALLBACK_PATH: &str = "/ui/callback";

/// The logins of people. Cheap to clone.
#[derive(Clone)]
pub struct Logins(Arc<Inner>);

struct Inner {
    settings: LoginSettings,
    /// That of `login.oidc`, where it is set, and those of its files.
    providers_at: Vec<LoginProvider>,
    accounts: Accounts,
    providers: Arc<Providers>,
    metadata: Metadata,
    env: Env,
    guesses: Guesses,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    completed: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    devices: AtomicU64,
}

/// What has come of logins since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginTotals {
    /// Those that opened a session.
    pub completed: u64,
    /// Those whose answer, token or groups were not taken.
    pub refused: u64,
    /// Those that the provider could not be asked for.
    pub failed: u64,
    /// Terminals that were given credentials.
    pub devices: u64,
}

/// A login that has begun: what the browser is given, and where it goes.
#[derive(Debug)]
pub struct BegunLogin {
    /// What the browser brings back with the answer.
    pub cookie: String,
    /// The provider's page.
    pub url: String,
}

/// A login that has ended well.
#[derive(Debug)]
pub struct FinishedLogin {
    /// The session, with the ticket that the browser is to carry.
    pub session: PageSession,
    /// Where it goes on; empty where that is not said.
    pub return_to: String,
}

/// Credentials for a terminal: user and password of `docker login`, which end by themselves.
#[derive(Clone, Debug)]
pub struct TerminalCredentials {
    /// The user.
    pub user: &'static str,
    /// The password.
    pub password: Secret<String>,
    /// From when on they are worth nothing.
    pub expires_at: Timestamp,
    /// The ARN of the session of the role that they stand for.
    pub arn: Arc<str>,
}

impl Logins {
    /// Makes ready for logins as `settings` have them, at further providers too, of `login.oidc_files`; without any there are none.
    ///
    /// # Errors
    /// The settings cannot be meant, or the file with the provider's authorities cannot be read.
    pub fn open(
        settings: &LoginSettings,
        further: &[OidcLoginSettings],
        accounts: Accounts,
        client: Client,
        providers: Arc<Providers>,
        metadata: Metadata,
        env: Env,
    ) -> Result<Self, Fault> {
        if let Some(complaint) = settings.check().into_iter().next() {
            return Err(Fault::new(FaultKind::InvalidParameter, format!("login.{complaint}")));
        }
        let mut providers_at: Vec<LoginProvider> =
            LoginProvider::of(&settings.oidc, CALLBACK_PATH.into(), client.clone())?.into_iter().collect();
        for oidc in further {
            let before: Vec<_> = providers_at.iter().map(LoginProvider::settings).collect();
            if let Some(complaint) = oidc.check_further(&before).into_iter().next() {
                let message = format!("The provider {:?} of login.oidc_files: {complaint}", oidc.name);
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
            providers_at.extend(LoginProvider::of(oidc, format!("{CALLBACK_PATH}/{}", oidc.name), client.clone())?);
        }
        let (guesses, totals) = (Guesses::default(), Totals::default());
        let settings = settings.clone();
        Ok(Logins(Arc::new(Inner { settings, providers_at, accounts, providers, metadata, env, guesses, totals })))
    }

    /// Whether there is a provider to log in at.
    pub fn is_open(&self) -> bool {
        !self.0.providers_at.is_empty()
    }

    /// What the providers are called, in the order of the settings.
    pub fn provider_names(&self) -> impl Iterator<Item = &str> {
        self.0.providers_at.iter().map(|provider| provider.settings().name.as_str())
    }

    /// What the provider with this URL is called.
    pub fn provider_name(&self, issuer: &str) -> Option<&str> {
        let provider = self.0.providers_at.iter().find(|provider| *provider.registered().issuer == *issuer);
        provider.map(|provider| provider.settings().name.as_str())
    }

    /// What is set.
    pub fn settings(&self) -> &LoginSettings {
        &self.0.settings
    }

    /// What has come of logins since the start.
    pub fn totals(&self) -> LoginTotals {
        let Totals { completed, refused, failed, devices } = &self.0.totals;
        LoginTotals {
            completed: completed.load(Relaxed),
            refused: refused.load(Relaxed),
            failed: failed.load(Relaxed),
            devices: devices.load(Relaxed),
        }
    }

    /// Begins a login at the provider of this name, or at the first. `return_to` is where the browser goes afterwards, where that is a path of this site.
    ///
    /// # Errors
    /// [`FaultKind::RouteNotFound`] where there is no provider; [`FaultKind::Unavailable`] where it does not answer.
    pub async fn begin(&self, named: Option<&str>, return_to: &str, now: Timestamp) -> Result<BegunLogin, Fault> {
        let provider = match named {
            None => self.0.providers_at.first(),
            Some(name) => self.0.providers_at.iter().find(|provider| provider.settings().name == name),
        };
        let provider = provider.ok_or_else(no_provider)?;
        let endpoints = provider.endpoints(now).await.inspect_err(|_| self.count_failure())?;
        let attempt = LoginAttempt::begin(&self.0.env.random(), return_to, now);
        let url = attempt.url(
            &endpoints.authorization_url,
            provider.client_id(),
            &self.redirect_url(provider),
            &provider.settings().scopes.join(" "),
        );
        Ok(BegunLogin { cookie: self.0.accounts.seal(&purpose(provider), &attempt.print(), now), url })
    }

    /// Ends a login that the browser with `cookie` began, by what the provider has sent it back with, to `path` of this site.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`] with a [`LoginProblem`] for the person at the browser; [`FaultKind::Unavailable`] where the
    /// provider does not answer.
    pub async fn finish(
        &self,
        path: &str,
        cookie: Option<&str>,
        callback: &Callback,
        cx: &Cx,
    ) -> Result<FinishedLogin, Fault> {
        let ended = self.try_to_finish(path, cookie, callback, cx).await;
        let totals = &self.0.totals;
        match &ended {
            Ok(_) => totals.completed.fetch_add(1, Relaxed),
            Err(fault) if fault.kind == FaultKind::AccessDenied => totals.refused.fetch_add(1, Relaxed),
            Err(_) => totals.failed.fetch_add(1, Relaxed),
        };
        ended
    }

    async fn try_to_finish(
        &self,
        path: &str,
        cookie: Option<&str>,
        callback: &Callback,
        cx: &Cx,
    ) -> Result<FinishedLogin, Fault> {
        let provider = self.0.providers_at.iter().find(|provider| provider.callback_path() == path);
        let provider = provider.ok_or_else(no_provider)?;
        // What began at another provider does not open.
        let attempt = cookie.and_then(|cookie| self.0.accounts.open_seal(&purpose(provider), cookie));
        let attempt = attempt.and_then(|bytes| LoginAttempt::parse(&bytes)).ok_or(LoginProblem::NoAttempt);
        let attempt = attempt.map_err(refused)?;
        let endpoints = provider.endpoints(cx.now).await?;
        let issuer = &provider.registered().issuer;
        let code = admit_callback(Some(&attempt), callback, issuer, endpoints.names_itself, cx.now).map_err(refused)?;
        let question = attempt.token_request(code, provider.client_id(), &self.redirect_url(provider));
        let token = provider.exchange(&endpoints, question).await?;
        let token = self.0.providers.verify(&token, provider.registered(), cx.now).await.map_err(|problem| {
            let kind = match &problem {
                ProviderProblem::Token(_) => FaultKind::AccessDenied,
                ProviderProblem::KeysUnavailable { .. } => FaultKind::Unavailable,
            };
            Fault::new(kind, format!("The token of the identity provider is not taken: {problem}"))
        })?;
        let oidc = provider.settings();
        let claims = PersonClaims { name: &oidc.name_claim, groups: &oidc.groups_claim };
        let person = admit_person(&token, &attempt, provider.client_id(), claims).map_err(refused)?;
        let session = self.open_session(person, cx).await?;
        Ok(FinishedLogin { session, return_to: attempt.return_to().into() })
    }

    /// Makes credentials of somebody who is logged in. They last as long as a session of his role may, and twelve hours at most.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`] where none of his groups has a role any more.
    pub async fn credentials(&self, session: &PageSession, cx: &Cx) -> Result<TerminalCredentials, Fault> {
        let made = self.credentials_of(session.person(), session.opened_at(), cx.now)?;
        self.note_credentials(session, cx).await?;
        Ok(made)
    }

    /// Credentials of somebody who logged in, or let a terminal in, no earlier than `began_at`.
    fn credentials_of(
        &self,
        person: &ProviderPerson,
        began_at: Timestamp,
        now: Timestamp,
    ) -> Result<TerminalCredentials, Fault> {
        let principal = self.0.accounts.person_as_role(person, began_at, now)?;
        let made = self.0.accounts.login_password(&principal, now);
        let (password, expires_at) = (made.password, made.expires_at);
        Ok(TerminalCredentials { user: "AWS", password, expires_at, arn: principal.arn })
    }

    fn count_failure(&self) {
        self.0.totals.failed.fetch_add(1, Relaxed);
    }

    fn redirect_url(&self, provider: &LoginProvider) -> String {
        format!("{}{}", self.0.settings.base(), provider.callback_path())
    }
}

/// What a login under way at a provider is sealed for.
fn purpose(provider: &LoginProvider) -> String {
    format!("{ATTEMPT} {}", provider.registered().issuer)
}

fn no_provider() -> Fault {
    let message = "People's logins are not set up here; whoever runs this server can, with login.oidc.issuer";
    Fault::new(FaultKind::RouteNotFound, message)
}

fn refused(problem: LoginProblem) -> Fault {
    Fault::new(FaultKind::AccessDenied, problem.to_string())
}

#[cfg(test)]
mod tests;
