use crate::{Html, Page, visit::Visit};
use askama::Template;
use gantry_access::{Access, Principal};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Makes credentials for `docker login`, and shows them once.
pub struct MakeCredentials;

#[derive(Template)]
#[template(path = "credentials.html")]
struct Made<'a> {
    user: &'a str,
    password: &'a str,
    expires_at: String,
    host: &'a str,
}

impl Operation for MakeCredentials {
    type Wire = Html;
    const NAME: &'static str = "MakeCredentials";
    const ROUTE: (&'static str, &'static str) = ("POST", "/ui/credentials");
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
        let made = logins.credentials(&session, cx).await?;
        let base = logins.settings().base();
        Ok(Page::of(&Made {
            user: made.user,
            password: made.password.reveal(),
            expires_at: made.expires_at.to_string(),
            host: base.split_once("://").map_or(base, |(_, host)| host),
        }))
    }
}
