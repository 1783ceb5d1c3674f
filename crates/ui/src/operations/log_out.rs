use crate::{Html, Page, cookies::Cookie, visit::Visit};
use gantry_access::{Access, Principal};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Ends the session. Credentials that terminals got from it end by themselves.
pub struct LogOut;

impl Operation for LogOut {
    type Wire = Html;
    const NAME: &'static str = "LogOut";
    const ROUTE: (&'static str, &'static str) = ("POST", "/ui/logout");
    // Who sends the form is known by a cookie; see `forms`.
    const LOCK: Lock = Lock::Open;
    type Needs = Logins;
    type Request = Visit;
    type Response = Page;

    fn access(_: &Visit, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, visit: Visit) -> Result<Page, Fault> {
        let session = visit.sender(logins, cx).await?;
        logins.log_out(&session, cx).await?;
        Ok(Page::go_to("/ui/login").with_cookie(Cookie::Session.clear(logins.settings().is_secure())))
    }
}
