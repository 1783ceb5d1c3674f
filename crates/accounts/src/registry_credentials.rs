//! Passwords that pull from one repository and soon end: what a node is given.

use crate::accounts::{Accounts, LoginPassword};
use gantry_access::{Principal, ROLE_SESSION_BYTES_MAX, RoleSession};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{RepositoryName, Timestamp};
use serde_json::json;
use std::time::Duration;

/// The shortest life of such a password, in seconds.
pub const REGISTRY_CREDENTIALS_SECONDS_MIN: u32 = 60;
/// The longest.
pub const REGISTRY_CREDENTIALS_SECONDS_MAX: u32 = 43_200;

/// The name of the statement that holds a session to a repository.
const HELD: &str = "HeldToOneRepository";

/// Returns which policy of a session holds it to a repository: what that one does not allow it may not, whoever else allows it.
pub(crate) fn held_by(session: &RoleSession) -> Option<usize> {
    session.policies.iter().position(|policy| policy.contains(HELD))
}

impl Accounts {
    /// Issues a password for the user `AWS` that stands for a principal for so many seconds, or until his session ends. With a
    /// repository it pulls from that one alone, as far as he may: for this he must have become a role.
    ///
    /// # Errors
    /// [`FaultKind::Unauthenticated`] for who came with a token of `/token`, [`FaultKind::AccessDenied`] for who came with a
    /// password that would live for ever so; [`FaultKind::InvalidParameter`] where it cannot be held to a repository.
    pub fn registry_credentials(
        &self,
        principal: &Principal,
        repository: Option<&RepositoryName>,
        seconds: u32,
        now: Timestamp,
    ) -> Result<LoginPassword, Fault> {
        if principal.scopes.is_some() {
            let message = "A password is issued against credentials of one's own, not against a token of /token";
            return Err(Fault::new(FaultKind::Unauthenticated, message));
        }
        if principal.is_session && principal.role_session.is_none() {
            let message = "A password that ends by itself begets no other; bring an access key or an identity token";
            return Err(Fault::new(FaultKind::AccessDenied, message));
        }
        let session = match (&principal.role_session, repository) {
            (session, None) => session.as_deref().cloned(),
            (Some(session), Some(repository)) => Some(narrowed(session, repository)?),
            (None, Some(_)) => {
                let message =
                    "Only the session of a role can be held to a repository; log in as oidc with an identity token";
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        };
        Ok(self.password_of(principal, session, Duration::from_secs(seconds.into()), now))
    }
}

/// The same session, for pulls from one repository.
fn narrowed(session: &RoleSession, repository: &RepositoryName) -> Result<RoleSession, Fault> {
    let wrong = |message: &str| Fault::new(FaultKind::InvalidParameter, message);
    if !session.policies.is_empty() || !session.policy_arns.is_empty() {
        // Of several policies each would allow what it allows.
        return Err(wrong("The session is narrowed by a policy already; bring one that is not"));
    }
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Sid": HELD,
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": format!("arn:aws:ecr:*:*:repository/{repository}"),
        },
    ]});
    let session = RoleSession { policies: vec![policy.to_string().into()], ..session.clone() };
    match session.print().len() {
        0..=ROLE_SESSION_BYTES_MAX => Ok(session),
        _ => Err(wrong("The session carries so many tags that it cannot be held to a repository besides")),
    }
}
