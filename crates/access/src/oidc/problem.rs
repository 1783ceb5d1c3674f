use super::text::IDENTITY_TOKEN_CHARACTERS_MAX;

/// Why a token is not taken. Says nothing that its holder does not know, apart from what is registered of the provider that
/// he named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// It is longer than a token may be.
    #[error("the token is longer than {IDENTITY_TOKEN_CHARACTERS_MAX} characters")]
    TooLong,
    /// It is no signed JWT, or one that is not understood wholly.
    #[error("the token cannot be read: {0}")]
    Malformed(String),
    /// No key of the provider has signed it, as far as its header says which.
    #[error("no key of the provider is the one that the token names")]
    UnknownKey,
    /// The key that it names does not sign in this way.
    #[error("the key that the token names does not sign with {algorithm:?}")]
    Algorithm {
        /// What its header says.
        algorithm: String,
    },
    /// Its signature is not of that key.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It comes from somebody else.
    #[error("the token is not of the issuer {expected}")]
    Issuer {
        /// Whose it should be.
        expected: String,
    },
    /// It is for somebody else.
    #[error("Incorrect token audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the token is not valid yet; compare the clocks of the provider and of this site")]
    NotYet,
    /// Its time is longer than is taken from outside.
    #[error("the token lives longer than 24 hours; have the provider issue shorter ones")]
    Lifetime,
}

impl TokenProblem {
    /// Returns the exception of STS (AWS STS API, `AssumeRoleWithWebIdentity`).
    pub const fn aws_type(&self) -> &'static str {
        match self {
            TokenProblem::Expired => "ExpiredTokenException",
            TokenProblem::TooLong
            | TokenProblem::Malformed(_)
            | TokenProblem::UnknownKey
            | TokenProblem::Algorithm { .. }
            | TokenProblem::Signature
            | TokenProblem::Issuer { .. }
            | TokenProblem::Audience
            | TokenProblem::NotYet
            | TokenProblem::Lifetime => "InvalidIdentityToken",
        }
    }
}
