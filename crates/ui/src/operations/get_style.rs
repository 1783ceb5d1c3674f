use crate::{Html, Page, visit::Visit};
use gantry_access::{Access, Principal};
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Returns how pages look. It stands in a file of its own so that pages need no styles within, which their policy forbids.
pub struct GetStyle;

impl Operation for GetStyle {
    type Wire = Html;
    const NAME: &'static str = "GetStyle";
    const ROUTE: (&'static str, &'static str) = ("GET", "/ui/style.css");
    const LOCK: Lock = Lock::Open;
    type Needs = ();
    type Request = Visit;
    type Response = Page;

    fn access(_: &Visit, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call((): &(), _: &Cx, _: &Principal, _: Visit) -> Result<Page, Fault> {
        Ok(Page::text("text/css; charset=utf-8", include_str!("../../templates/style.css").into()))
    }
}
