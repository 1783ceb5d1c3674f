use crate::{Html, Page, visit::Visit};
use askama::Template;
use gantry_access::{Access, Principal};
use gantry_accounts::Logins;
use gantry_api::{Lock, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Period};

/// How long a token lives where nobody says.
const DAYS: u64 = 30;
const DAYS_MAX: u64 = 90;

/// Makes a personal token of somebody who is logged in, and shows it once.
pub struct MakeOwnToken;

#[derive(Template)]
#[template(path = "token.html")]
struct Made<'a> {
    name: &'a str,
    user: &'a str,
    secret: &'a str,
    expires_at: String,
    host: &'a str,
}

impl Operation for MakeOwnToken {
    type Wire = Html;
    const NAME: &'static str = "MakeOwnToken";
    const ROUTE: (&'static str, &'static str) = ("POST", "/ui/tokens");
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
        let lifetime = lifetime(visit.field("days"), logins.token_lifetime_max())?;
        let name = visit.field("name").unwrap_or_default().trim();
        let (token, secret) = logins.make_token(&session, cx, name, lifetime).await?;
        let base = logins.settings().base();
        Ok(Page::of(&Made {
            name: &token.name,
            user: &token.user,
            secret: secret.reveal(),
            expires_at: token.expires_at.to_string(),
            host: base.split_once("://").map_or(base, |(_, host)| host),
        }))
    }
}

/// Reads for how many days.
fn lifetime(days: Option<&str>, most: Period) -> Result<Period, Fault> {
    let Some(text) = days.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(Period::hours(DAYS * 24).min(most));
    };
    let days = text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    days.map(|days: u64| Period::hours(days * 24)).ok_or_else(|| {
        Fault::new(FaultKind::InvalidParameter, format!("A token lives 1 to {DAYS_MAX} days; go back and write a number"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_thirty_days_or_as_many_as_are_said_and_ninety_at_most() {
        let most = Period::hours(90 * 24);
        let days = |text| lifetime(text, most).ok().map(|period| period.duration().as_secs() / 86_400);

        assert_eq!([days(None), days(Some(" ")), days(Some("7")), days(Some("90"))], [30, 30, 7, 90].map(Some));
        assert_eq!([days(Some("0")), days(Some("91")), days(Some("-1")), days(Some("a week"))], [None; 4]);
        assert_eq!(lifetime(None, Period::hours(1)).unwrap(), Period::hours(1));
    }
}
