use super::{LoginAttempt, LoginProblem};
use crate::equal_secrets;
use gantry_words::Timestamp;

/// The longest value of a parameter that is looked at.
const VALUE_BYTES_MAX: usize = 8 * 1024;
/// How much of the provider's own words is repeated.
const WORDS_CHARS_MAX: usize = 200;

/// What the provider has sent the browser back with (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callback {
    code: Option<String>,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
}

impl Callback {
    /// Reads the parameters of a query, decoded; those that are not known are left aside.
    ///
    /// # Errors
    /// [`LoginProblem::Malformed`] where one is there twice, or too long.
    pub fn read<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, LoginProblem> {
        let mut callback = Callback::default();
        for (name, value) in parameters {
            let place = match name {
                "code" => &mut callback.code,
                "state" => &mut callback.state,
                "iss" => &mut callback.issuer,
                "error" => &mut callback.error,
                _ => continue,
            };
            if place.is_some() || value.len() > VALUE_BYTES_MAX {
                return Err(LoginProblem::Malformed);
            }
            *place = Some(value.into());
        }
        Ok(callback)
    }
}

/// Decides whether an answer belongs to a login that this browser has begun, at the provider `issuer`; returns the code it
/// brings.
///
/// `names_itself` says that the provider always says who it is (`authorization_response_iss_parameter_supported`): then an answer
/// that does not is another's.
///
/// # Errors
/// [`LoginProblem`].
pub fn admit_callback<'a>(
    attempt: Option<&LoginAttempt>,
    callback: &'a Callback,
    issuer: &str,
    names_itself: bool,
    now: Timestamp,
) -> Result<&'a str, LoginProblem> {
    let attempt = attempt.ok_or(LoginProblem::NoAttempt)?;
    if attempt.is_over(now) {
        return Err(LoginProblem::TooLate);
    }
    let state = callback.state.as_deref().unwrap_or_default();
    if !equal_secrets(state.as_bytes(), attempt.state().as_bytes()) {
        return Err(LoginProblem::State);
    }
    match callback.issuer.as_deref() {
        Some(named) if named != issuer => return Err(LoginProblem::Issuer),
        None if names_itself => return Err(LoginProblem::Issuer),
        Some(_) | None => {}
    }
    if let Some(error) = &callback.error {
        let words: String = error.chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect();
        return Err(LoginProblem::Refused(words));
    }
    callback.code.as_deref().filter(|code| !code.is_empty()).ok_or(LoginProblem::Malformed)
}
