use crate::Html;
use askama::Template;
use gantry_api::{IntoWire, Outgoing, Payload};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// What is answered: a page, or the way to another.
pub struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Page {
    /// A page.
    pub(crate) fn of(template: &impl Template) -> Page {
        Page::text("text/html; charset=utf-8", html(template))
    }

    pub(crate) fn text(kind: &'static str, body: String) -> Page {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        Page { status: StatusCode::OK, headers, body }
    }

    /// Sends the browser on, to be asked with GET.
    pub(crate) fn go_to(url: &str) -> Page {
        // What is no header is no address either: it leads to where one begins.
        let location = HeaderValue::from_str(url).unwrap_or(HeaderValue::from_static("/ui/login"));
        let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
        Page { status: StatusCode::SEE_OTHER, headers, body: String::new() }
    }

    /// The same, with a cookie set.
    pub(crate) fn with_cookie(mut self, cookie: HeaderValue) -> Page {
        self.headers.append(header::SET_COOKIE, cookie);
        self
    }
}

impl IntoWire<Html> for Page {
    fn write(self) -> Outgoing {
        let body = if self.body.is_empty() { Payload::Empty } else { Payload::Bytes(self.body.into()) };
        Outgoing { status: self.status, headers: self.headers, body }
    }
}

/// Renders a template; all that is put into it is escaped.
pub(crate) fn html(template: &impl Template) -> String {
    template.render().expect("a string takes what is written, and no template of ours says no")
}
