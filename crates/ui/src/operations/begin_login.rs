use crate::{Html, Page, cookies::Cookie, visit::Visit};
use gantry_access::{Access, Principal, login::ATTEMPT_LIFETIME};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Sends the browser to the identity provider.
pub struct BeginLogin;

impl Operation for BeginLogin {
    type Wire = Html;
    const NAME: &'static str = "BeginLogin";
    const ROUTE: (&'static str, &'static str) = ("GET", "/ui/login/begin");
    const LOCK: Lock = Lock::Open;
    type Needs = Logins;
    type Request = Visit;
    type Response = Page;

    fn access(_: &Visit, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, visit: Visit) -> Result<Page, Fault> {
        let begun = logins.begin(visit.query("provider"), visit.return_to().unwrap_or_default(), cx.now).await?;
        let seconds = Some(ATTEMPT_LIFETIME.as_secs());
        let cookie = Cookie::Attempt.set(&begun.cookie, seconds, logins.settings().is_secure());
        Ok(Page::go_to(&begun.url).with_cookie(cookie))
    }
}
