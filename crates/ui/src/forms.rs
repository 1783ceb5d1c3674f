//! Whether a form came from a page of ours. Browsers send cookies along with what other sites have them send, so a cookie alone
//! shows no will: a form needs the `Origin` of this site, and what stood in a page of the same session.

use gantry_access::login::Ticket;
use gantry_fault::{Fault, FaultKind};

/// The field that carries [`Ticket::form_token`].
pub const TOKEN_FIELD: &str = "token";

/// Decides whether a form is taken, by the `Origin` it came with and its token.
///
/// # Errors
/// [`FaultKind::AccessDenied`].
pub fn admit_form(ticket: &Ticket, origin: Option<&str>, token: Option<&str>, base: &str) -> Result<(), Fault> {
    let is_ours = origin.is_some_and(|origin| origin == base);
    if is_ours && token.is_some_and(|token| ticket.admits_form(token)) {
        return Ok(());
    }
    let message =
        "The form came from no page of this session, so nothing was done. Open the page anew, and try again there";
    Err(Fault::new(FaultKind::AccessDenied, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://registry.example.com";

    /// Threat 38.
    #[test]
    fn a_form_needs_our_origin_and_the_token_of_its_session() {
        let (mine, other) = (Ticket::draw(&[1; 32]), Ticket::draw(&[2; 32]));
        let (right, wrong) = (mine.form_token(), other.form_token());

        assert!(admit_form(&mine, Some(BASE), Some(&right), BASE).is_ok());
        for (origin, token) in [
            (None, Some(right.as_str())),
            (Some("null"), Some(&right)),
            (Some("https://evil.example.com"), Some(&right)),
            (Some("http://registry.example.com"), Some(&right)),
            (Some("https://registry.example.com.evil.example"), Some(&right)),
            (Some(BASE), None),
            (Some(BASE), Some("")),
            (Some(BASE), Some(&wrong)),
        ] {
            let refused = admit_form(&mine, origin, token, BASE).unwrap_err();
            assert_eq!(refused.kind, FaultKind::AccessDenied, "{origin:?}");
        }
    }
}
