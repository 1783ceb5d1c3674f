use crate::{
    Html,
    cookies::Cookie,
    forms::{TOKEN_FIELD, admit_form},
};
use gantry_access::login::return_path;
use gantry_accounts::{Logins, PageSession};
use gantry_api::{FromWire, Incoming, form};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::{HeaderMap, Method, header};

const FORM_BYTES_MAX: usize = 16 * 1024;

/// What of a request pages look at.
pub struct Visit {
    path: String,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
}

impl FromWire<Html> for Visit {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let query = form(incoming.uri.query().unwrap_or_default().as_bytes());
        let path = incoming.uri.path().to_string();
        let headers = incoming.headers;
        let form = match incoming.method {
            Method::POST => form(&incoming.body.collect(FORM_BYTES_MAX).await?),
            _ => Vec::new(),
        };
        Ok(Visit { path, headers, query, form })
    }
}

impl Visit {
    /// The path of the address.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The first value of a parameter of the address.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All parameters of the address.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of a field of the form.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where the browser is to go afterwards, where that is a path of this site.
    pub(crate) fn return_to(&self) -> Option<&str> {
        self.query("return_to").and_then(return_path)
    }

    pub(crate) fn cookie(&self, cookie: Cookie, logins: &Logins) -> Option<&str> {
        cookie.find(&self.headers, logins.settings().is_secure())
    }

    /// Who is logged in, if anybody is.
    pub(crate) async fn session(&self, logins: &Logins, cx: &Cx) -> Result<Option<PageSession>, Fault> {
        match self.cookie(Cookie::Session, logins) {
            Some(ticket) => logins.session(ticket, cx).await,
            None => Ok(None),
        }
    }

    /// Who has sent this form, from a page of his session.
    pub(crate) async fn sender(&self, logins: &Logins, cx: &Cx) -> Result<PageSession, Fault> {
        let session = self.session(logins, cx).await?.ok_or_else(|| {
            Fault::new(FaultKind::AccessDenied, "Nobody is logged in here any more. Log in again, and try again then")
        })?;
        let mut origins = self.headers.get_all(header::ORIGIN).iter();
        let origin = origins.next().filter(|_| origins.next().is_none()).and_then(|value| value.to_str().ok());
        admit_form(session.ticket(), origin, self.field(TOKEN_FIELD), logins.settings().base())?;
        Ok(session)
    }
}

/// An address of this site with a parameter.
pub(crate) fn with_parameter(path: &str, name: &str, value: &str) -> String {
    format!("{path}?{}", parameter(name, value))
}

/// A parameter as addresses have it.
pub(crate) fn parameter(name: &str, value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let escaped: String = value
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("{name}={escaped}")
}
