use gantry_access::challenge::TokenProblem;
use gantry_fault::{Fault, FaultKind};

/// Why it cannot be said who someone is. The messages are for the client: none tells whether a user exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationProblem {
    /// No credentials came along.
    #[error("This needs credentials; run: docker login")]
    Missing,
    /// The header cannot be read.
    #[error(
        "The Authorization header cannot be read; send Basic with user name and password in base64, or Bearer with a \
         token from /token"
    )]
    Malformed,
    /// User name or password is wrong.
    #[error("The user name or the password is wrong; check both and run: docker login")]
    WrongCredentials,
    /// The password of `docker login --username AWS` is past its time.
    #[error("The password has expired; get another with: aws ecr get-login-password")]
    LoginExpired,
    /// The token is past its time.
    #[error("The token has expired; get a new one from /token")]
    TokenExpired,
    /// The token is none of this site's.
    #[error("The token is not valid here; get a new one from /token")]
    TokenInvalid,
    /// Only a slow look can tell: see [`Accounts::authenticate_slowly`](crate::Accounts::authenticate_slowly).
    #[error("The user name or the password is wrong; check both and run: docker login")]
    Unsettled,
    /// Somebody outside knows the name, and does not let him in. Why is for the audit: the client hears what it hears of a wrong
    /// password.
    #[error("The user name or the password is wrong; check both and run: docker login")]
    Refused(&'static str),
    /// The password is right, and only good for choosing another.
    #[error("The password must be changed before it can be used; run: gantry user password")]
    PasswordExpired,
    /// The directory that knows the password does not answer.
    #[error("The directory that knows the passwords does not answer; try again. Personal tokens work without it")]
    DirectoryUnavailable,
    /// Too many passwords are being looked at.
    #[error("Too many logins at once; try again in {retry_after_seconds} s")]
    Busy {
        /// When another try is worth it.
        retry_after_seconds: u64,
    },
    /// Too many logins from this address have failed.
    #[error(
        "Too many logins from your address have failed; check user name and password, and try again in \
         {retry_after_seconds} s"
    )]
    TooManyFailures {
        /// When another try is worth it.
        retry_after_seconds: u64,
    },
}

impl AuthenticationProblem {
    /// What to tell a client in the challenge about the token it came with; `None` where it came with none.
    pub const fn token_problem(self) -> Option<TokenProblem> {
        match self {
            AuthenticationProblem::TokenExpired | AuthenticationProblem::TokenInvalid => Some(TokenProblem::Invalid),
            AuthenticationProblem::Missing
            | AuthenticationProblem::Malformed
            | AuthenticationProblem::WrongCredentials
            | AuthenticationProblem::LoginExpired
            | AuthenticationProblem::Unsettled
            | AuthenticationProblem::Refused(_)
            | AuthenticationProblem::PasswordExpired
            | AuthenticationProblem::DirectoryUnavailable
            | AuthenticationProblem::Busy { .. }
            | AuthenticationProblem::TooManyFailures { .. } => None,
        }
    }

    /// When another try is worth it, where it is not at once.
    pub const fn retry_after_seconds(self) -> Option<u64> {
        match self {
            AuthenticationProblem::TooManyFailures { retry_after_seconds }
            | AuthenticationProblem::Busy { retry_after_seconds } => Some(retry_after_seconds),
            AuthenticationProblem::DirectoryUnavailable => Some(5),
            AuthenticationProblem::Missing
            | AuthenticationProblem::Malformed
            | AuthenticationProblem::WrongCredentials
            | AuthenticationProblem::LoginExpired
            | AuthenticationProblem::Unsettled
            | AuthenticationProblem::Refused(_)
            | AuthenticationProblem::PasswordExpired
            | AuthenticationProblem::TokenExpired
            | AuthenticationProblem::TokenInvalid => None,
        }
    }

    /// The refusal it comes to.
    pub fn fault(self) -> Fault {
        let kind = match self {
            AuthenticationProblem::TooManyFailures { .. } | AuthenticationProblem::Busy { .. } => {
                FaultKind::TooManyRequests
            }
            // Not 401: clients would tell people that their password is wrong.
            AuthenticationProblem::DirectoryUnavailable => FaultKind::Unavailable,
            AuthenticationProblem::Missing
            | AuthenticationProblem::Malformed
            | AuthenticationProblem::WrongCredentials
            | AuthenticationProblem::LoginExpired
            | AuthenticationProblem::Unsettled
            | AuthenticationProblem::Refused(_)
            | AuthenticationProblem::PasswordExpired
            | AuthenticationProblem::TokenExpired
            | AuthenticationProblem::TokenInvalid => FaultKind::Unauthenticated,
        };
        Fault::new(kind, self.to_string())
    }
}

impl From<AuthenticationProblem> for Fault {
    fn from(problem: AuthenticationProblem) -> Self {
        problem.fault()
    }
}

/// Why it cannot be said who asks, after a slow look.
#[derive(Debug, thiserror::Error)]
pub enum Unidentified {
    /// The credentials are not taken here.
    #[error(transparent)]
    Here(#[from] AuthenticationProblem),
    /// Others, who were asked, do not vouch for him, or do not answer.
    #[error(transparent)]
    Elsewhere(#[from] Fault),
}

impl From<Unidentified> for Fault {
    fn from(unidentified: Unidentified) -> Fault {
        match unidentified {
            Unidentified::Here(problem) => problem.into(),
            Unidentified::Elsewhere(fault) => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_flood_and_a_silent_directory_are_not_401() {
        for (problem, status) in [
            (AuthenticationProblem::Missing, 401),
            (AuthenticationProblem::Malformed, 401),
            (AuthenticationProblem::WrongCredentials, 401),
            (AuthenticationProblem::TokenExpired, 401),
            (AuthenticationProblem::TokenInvalid, 401),
            (AuthenticationProblem::TooManyFailures { retry_after_seconds: 2 }, 429),
            (AuthenticationProblem::Busy { retry_after_seconds: 2 }, 429),
            (AuthenticationProblem::DirectoryUnavailable, 503),
            (AuthenticationProblem::Refused("locked"), 401),
            (AuthenticationProblem::PasswordExpired, 401),
        ] {
            assert_eq!(problem.fault().kind.row().status, status, "{problem:?}");
        }
    }

    #[test]
    fn only_a_bad_token_is_said_to_be_one() {
        assert_eq!(AuthenticationProblem::TokenExpired.token_problem(), Some(TokenProblem::Invalid));
        assert_eq!(AuthenticationProblem::WrongCredentials.token_problem(), None);
    }
}
