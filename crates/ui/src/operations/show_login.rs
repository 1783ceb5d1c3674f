use crate::{
    Html, Page,
    visit::{Visit, parameter, with_parameter},
};
use askama::Template;
use gantry_access::{Access, Principal};
use gantry_accounts::{Logins, PersonalToken};
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Shows who is logged in, or the way to do so.
pub struct ShowLogin;

#[derive(Template)]
#[template(path = "login.html")]
struct LoggedOut<'a> {
    /// What each provider is called, and where a login there begins.
    providers: Vec<(&'a str, String)>,
}

#[derive(Template)]
#[template(path = "session.html")]
struct LoggedIn<'a> {
    name: &'a str,
    provider: &'a str,
    subject: &'a str,
    issuer: &'a str,
    arn: &'a str,
    ends_at: String,
    token: String,
    tokens: Vec<OwnToken>,
    days: u64,
    days_max: u64,
}

/// A personal token, as it is shown.
struct OwnToken {
    id: String,
    name: String,
    expires_at: String,
    used: String,
}

/// How long a token lives where nobody says, in days.
const DAYS: u64 = 30;

impl Operation for ShowLogin {
    type Wire = Html;
    const NAME: &'static str = "ShowLogin";
    const ROUTE: (&'static str, &'static str) = ("GET", "/ui/login");
    const LOCK: Lock = Lock::Open;
    type Needs = Logins;
    type Request = Visit;
    type Response = Page;

    fn access(_: &Visit, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, visit: Visit) -> Result<Page, Fault> {
        let settings = logins.settings();
        let Some(session) = visit.session(logins, cx).await? else {
            // To the public address: the cookie has to be there when the provider sends the browser back to it.
            let begin = format!("{}/ui/login/begin", settings.base());
            let begin_at = |name| {
                let begin = with_parameter(&begin, "provider", name);
                match visit.return_to() {
                    Some(path) => format!("{begin}&{}", parameter("return_to", path)),
                    None => begin,
                }
            };
            let providers = logins.provider_names().map(|name| (name, begin_at(name))).collect();
            return Ok(Page::of(&LoggedOut { providers }));
        };
        let days_max = (logins.token_lifetime_max().duration().as_secs() / 86_400).max(1);
        Ok(Page::of(&LoggedIn {
            name: session.name(),
            provider: logins.provider_name(session.issuer()).unwrap_or_default(),
            subject: session.subject(),
            issuer: session.issuer(),
            arn: &session.principal().arn,
            ends_at: session.ends_at().to_string(),
            token: session.ticket().form_token(),
            tokens: logins.tokens(&session, cx).await?.into_iter().map(OwnToken::of).collect(),
            days: DAYS.min(days_max),
            days_max,
        }))
    }
}

impl OwnToken {
    fn of(token: PersonalToken) -> Self {
        let used = token.used_at.map_or_else(|| "never used".into(), |at| format!("last used at {at}"));
        OwnToken { id: token.id, name: token.name, expires_at: token.expires_at.to_string(), used }
    }
}
