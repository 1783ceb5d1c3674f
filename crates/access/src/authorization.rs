use crate::{basic, token::TOKEN_BYTES_MAX};
use gantry_words::Secret;

/// What an `Authorization` header holds.
#[derive(Debug)]
pub enum Authorization<'a> {
    /// User name and password.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: Secret<String>,
    },
    /// A token, not verified yet.
    Bearer(&'a str),
}

/// An `Authorization` header that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header is neither Basic with user name and password in base64, nor Bearer with a token")]
pub struct AuthorizationError;

impl<'a> Authorization<'a> {
    /// Reads the value of the header.
    ///
    /// # Errors
    /// The scheme is another, or what follows it is not of its grammar, or longer than it may be.
    pub fn parse(header: &'a str) -> Result<Self, AuthorizationError> {
        if let Some((scheme, token)) = header.split_once(' ')
            && scheme.eq_ignore_ascii_case("Bearer")
        {
            let token = token.trim_start_matches(' ');
            // RFC 6750, section 2.1: b64token
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
            let is_well_formed = (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(is_token);
            return if is_well_formed { Ok(Authorization::Bearer(token)) } else { Err(AuthorizationError) };
        }
        let (user, password) = basic::parse(header).ok_or(AuthorizationError)?;
        Ok(Authorization::Basic { user, password })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemes_are_read_in_any_case() {
        let read = |header| match Authorization::parse(header).unwrap() {
            Authorization::Bearer(token) => format!("bearer {token}"),
            Authorization::Basic { user, password } => format!("basic {user} {}", password.reveal()),
        };

        assert_eq!(read("Bearer gtk1.a.b"), "bearer gtk1.a.b");
        assert_eq!(read("bearer  x"), "bearer x");
        assert_eq!(read("basic YTpi"), "basic a b");
    }

    #[test]
    fn other_schemes_and_broken_tokens_are_refused() {
        let too_long = format!("Bearer {}", "a".repeat(TOKEN_BYTES_MAX + 1));
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer ä",
            "Digest x",
            "AWS4-HMAC-SHA256 x",
            &too_long,
        ] {
            assert_eq!(Authorization::parse(header).err(), Some(AuthorizationError), "{header}");
        }
    }
}
