use crate::{
    Html, Page,
    visit::{Visit, with_parameter},
};
use askama::Template;
use gantry_access::{Access, Principal};
use gantry_accounts::{Logins, WaitingDevice};
use gantry_api::{Lock, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

/// Shows which terminal waits with a code, to whoever is logged in.
pub struct ShowDevice;

#[derive(Template)]
#[template(path = "device.html")]
struct AskForCode<'a> {
    problem: &'a str,
}

#[derive(Template)]
#[template(path = "device-waits.html")]
struct Waits<'a> {
    code: &'a str,
    device: WaitingDevice,
    name: &'a str,
    arn: &'a str,
    token: String,
}

impl Operation for ShowDevice {
    type Wire = Html;
    const NAME: &'static str = "ShowDevice";
    const ROUTE: (&'static str, &'static str) = ("GET", "/ui/device");
    const LOCK: Lock = Lock::Open;
    type Needs = Logins;
    type Request = Visit;
    type Response = Page;

    fn access(_: &Visit, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, visit: Visit) -> Result<Page, Fault> {
        let code = visit.query("code").unwrap_or_default();
        let Some(session) = visit.session(logins, cx).await? else {
            let here = if code.is_empty() { "/ui/device".into() } else { with_parameter("/ui/device", "code", code) };
            return Ok(Page::go_to(&with_parameter("/ui/login", "return_to", &here)));
        };
        if code.is_empty() {
            return Ok(Page::of(&AskForCode { problem: "" }));
        }
        let device = match logins.find_device(code, cx).await {
            Ok(device) => device,
            Err(fault) if fault.kind == FaultKind::InvalidParameter => {
                return Ok(Page::of(&AskForCode { problem: &fault.message }));
            }
            Err(fault) => return Err(fault),
        };
        let token = session.ticket().form_token();
        Ok(Page::of(&Waits { code, device, name: session.name(), arn: &session.principal().arn, token }))
    }
}
