use crate::page::html;
use askama::Template;
use gantry_api::{Challenges, Outgoing, Payload, Refused, Wire};
use gantry_words::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Pages.
pub struct Html;

/// What every answer carries: nothing of another site in a page, no page in another site, no form to one.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With less, browsers would leave out the Origin that forms need.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    message: &'a str,
    request_id: String,
}

impl Wire for Html {
    const NAME: &'static str = "html";
    const READS_BODY: bool = true;
    const CHALLENGES: Challenges = Challenges::Basic;

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        let page = RefusedPage { message: &refused.fault.message, request_id: refused.request_id.to_string() };
        let mut headers = refused.headers();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        Outgoing { status: refused.status(), headers, body: Payload::Bytes(html(&page).into()) }
    }

    fn dress(headers: &mut HeaderMap, _: RequestId) {
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
