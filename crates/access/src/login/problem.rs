/// Why somebody is not logged in. The messages are for the person at the browser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginProblem {
    /// The browser that answers has begun no login.
    #[error("This browser has no login under way. Begin it here, and keep cookies on")]
    NoAttempt,
    /// It was begun too long ago.
    #[error("The login took longer than ten minutes. Begin it anew")]
    TooLate,
    /// The answer belongs to another login.
    #[error("The answer belongs to another login, perhaps of another window. Begin it anew")]
    State,
    /// The answer is of another provider than was asked.
    #[error(
        "The answer comes from another identity provider than was asked. If you did not begin a login, tell your administrator"
    )]
    Issuer,
    /// The answer is none.
    #[error("The answer of the identity provider cannot be read. Begin the login anew")]
    Malformed,
    /// The provider says no.
    #[error("The identity provider says no: {0}. Begin the login anew, or ask your administrator")]
    Refused(String),
    /// The token belongs to another login.
    #[error("The token of the identity provider belongs to another login. Begin it anew")]
    Nonce,
    /// The token was given to another program.
    #[error("The token of the identity provider was given to another program (azp). Ask your administrator")]
    AuthorizedParty,
    /// The groups do not stand in the token.
    #[error(
        "You are in more groups than the identity provider puts into a token, so it cannot be told which. Ask your \
         administrator to have it send only the groups that are assigned to this program"
    )]
    GroupsElsewhere,
}
