use crate::{Html, Page, visit::Visit};
use gantry_access::{Access, Principal};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Revokes a personal token of somebody who is logged in.
pub struct RevokeOwnToken;

impl Operation for RevokeOwnToken {
    type Wire = Html;
    const NAME: &'static str = "RevokeOwnToken";
    const ROUTE: (&'static str, &'static str) = ("POST", "/ui/tokens/revoke");
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
        logins.revoke_token(&session, cx, visit.field("id").unwrap_or_default()).await?;
        Ok(Page::go_to("/ui/login"))
    }
}
