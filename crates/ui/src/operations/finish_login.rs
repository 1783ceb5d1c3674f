use crate::{Html, Page, cookies::Cookie, visit::Visit};
use gantry_access::{Access, Principal, login::Callback};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

/// Takes what the identity provider sends the browser back with.
pub struct FinishLogin;

impl Operation for FinishLogin {
    type Wire = Html;
    const NAME: &'static str = "FinishLogin";
    const ROUTE: (&'static str, &'static str) = ("GET", "/ui/callback/{provider}");
    const LOCK: Lock = Lock::Open;
    type Needs = Logins;
    type Request = Visit;
    type Response = Page;

    fn access(_: &Visit, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, visit: Visit) -> Result<Page, Fault> {
        let is_secure = logins.settings().is_secure();
        let callback = Callback::read(visit.parameters())
            .map_err(|problem| Fault::new(FaultKind::AccessDenied, problem.to_string()))?;
        let finished = logins.finish(visit.path(), visit.cookie(Cookie::Attempt, logins), &callback, cx).await?;
        // Whoever was logged in before with this browser is so no more.
        if let Some(before) = visit.session(logins, cx).await? {
            logins.log_out(&before, cx).await?;
        }
        let there = if finished.return_to.is_empty() { "/ui/login" } else { &finished.return_to };
        let session = Cookie::Session.set(finished.session.ticket().reveal(), None, is_secure);
        Ok(Page::go_to(there).with_cookie(session).with_cookie(Cookie::Attempt.clear(is_secure)))
    }
}
