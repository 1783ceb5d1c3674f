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
    /// It is a token of an identity provider, who may have to be asked first.
    #[error("The identity token has not been looked at yet")]
    AskProvider,
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
            | AuthenticationProblem::AskProvider
            | AuthenticationProblem::TooManyFailures { .. } => None,
        }
    }

    /// The refusal it comes to.
    pub fn fault(self) -> Fault {
        let kind = match self {
            AuthenticationProblem::TooManyFailures { .. } => FaultKind::TooManyRequests,
            AuthenticationProblem::Missing
            | AuthenticationProblem::Malformed
            | AuthenticationProblem::WrongCredentials
            | AuthenticationProblem::LoginExpired
            | AuthenticationProblem::TokenExpired
            | AuthenticationProblem::AskProvider
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_flood_of_failures_is_not_401() {
        for (problem, status) in [
            (AuthenticationProblem::Missing, 401),
            (AuthenticationProblem::Malformed, 401),
            (AuthenticationProblem::WrongCredentials, 401),
            (AuthenticationProblem::TokenExpired, 401),
            (AuthenticationProblem::TokenInvalid, 401),
            (AuthenticationProblem::TooManyFailures { retry_after_seconds: 2 }, 429),
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
