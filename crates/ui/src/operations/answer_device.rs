use crate::{Html, Page, visit::Visit};
use askama::Template;
use gantry_access::{Access, Principal};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

/// Lets a terminal in, or refuses it.
pub struct AnswerDevice;

#[derive(Template)]
#[template(path = "device-answered.html")]
struct Answered {
    lets_in: bool,
}

impl Operation for AnswerDevice {
    type Wire = Html;
    const NAME: &'static str = "AnswerDevice";
    const ROUTE: (&'static str, &'static str) = ("POST", "/ui/device");
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
        let lets_in = match visit.field("answer") {
            Some("allow") => true,
            Some("refuse") => false,
            _ => return Err(Fault::new(FaultKind::InvalidParameter, "The form says neither allow nor refuse")),
        };
        logins.answer_device(&session, visit.field("code").unwrap_or_default(), lets_in, cx).await?;
        Ok(Page::of(&Answered { lets_in }))
    }
}
