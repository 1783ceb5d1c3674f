use crate::{
    Html, Page,
    visit::{Visit, with_parameter},
};
use askama::Template;
use gantry_access::{Access, Principal};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Shows who is logged in, or the way to do so.
pub struct ShowLogin;

#[derive(Template)]
#[template(path = "login.html")]
struct LoggedOut<'a> {
    is_open: bool,
    provider: &'a str,
    begin: String,
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
}

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
        let provider = &settings.oidc.name;
        let Some(session) = visit.session(logins, cx).await? else {
            // To the public address: the cookie has to be there when the provider sends the browser back to it.
            let begin = format!("{}/ui/login/begin", settings.base());
            let begin = match visit.return_to() {
                Some(path) => with_parameter(&begin, "return_to", path),
                None => begin,
            };
            return Ok(Page::of(&LoggedOut { is_open: logins.is_open(), provider, begin }));
        };
        Ok(Page::of(&LoggedIn {
            name: session.name(),
            provider,
            subject: session.subject(),
            issuer: session.issuer(),
            arn: &session.principal().arn,
            ends_at: session.ends_at().to_string(),
            token: session.ticket().form_token(),
        }))
    }
}
