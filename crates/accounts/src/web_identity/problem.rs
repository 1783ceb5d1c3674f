use crate::ProviderProblem;
use gantry_access::oidc::TokenProblem;
use gantry_fault::{Fault, FaultKind};

/// Why a token of an identity provider opens nothing. Says nothing of roles that its holder may not know.
#[derive(Debug, thiserror::Error)]
pub enum WebIdentityProblem {
    /// Nobody of this issuer is registered.
    #[error("No OpenIDConnect provider found in your account for {issuer}")]
    NoProvider {
        /// Whose it says that it is.
        issuer: String,
    },
    /// It is none that is taken, or its provider does not answer.
    #[error(transparent)]
    Provider(#[from] ProviderProblem),
    /// The role does not trust him, or does not exist.
    #[error("Not authorized to perform sts:AssumeRoleWithWebIdentity")]
    NotTrusted,
    /// No role takes it.
    #[error(
        "No role takes this identity token; the trust policy of the role must name its provider, its audience and its subject"
    )]
    NoRole,
    /// More than one takes it.
    #[error("Several roles take this identity token; log in as oidc/ROLE, with the name of the one that is meant")]
    SeveralRoles,
    /// It was shown before.
    #[error("This identity token was used before, and its provider's tokens are taken once; get a new one")]
    UsedUp,
    /// It is good for once, and a password is shown again and again.
    #[error(
        "The tokens of this identity provider are taken once, so they are no passwords; get credentials from sts:AssumeRoleWithWebIdentity"
    )]
    SingleUse,
    /// It was issued before the sessions of the role were revoked.
    #[error("The sessions of this role were revoked after this identity token was issued; get a new one")]
    Revoked,
    /// It brings more than a session can carry.
    #[error("The identity token brings more tags than a session can carry")]
    TooManyTags,
    /// This process asks nobody.
    #[error("This site takes no identity tokens")]
    NotHere,
    /// It is known whose it is.
    #[error("{problem}")]
    Of {
        /// How the audit names him.
        actor: Box<str>,
        /// What is wrong.
        problem: Box<WebIdentityProblem>,
    },
    /// What is asked for is given to nobody, or our own failure.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<TokenProblem> for WebIdentityProblem {
    fn from(problem: TokenProblem) -> Self {
        WebIdentityProblem::Provider(problem.into())
    }
}

impl WebIdentityProblem {
    pub(super) fn no_provider(issuer: &str) -> Self {
        const CHARS_MAX: usize = 200;
        let issuer = issuer.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect();
        WebIdentityProblem::NoProvider { issuer }
    }

    /// Whether it counts as a login that failed: not where somebody is who he says, nor where others are to blame.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            WebIdentityProblem::NoProvider { .. } | WebIdentityProblem::Provider(ProviderProblem::Token(_)) => true,
            WebIdentityProblem::NotTrusted | WebIdentityProblem::NoRole | WebIdentityProblem::UsedUp => true,
            WebIdentityProblem::Of { problem, .. } => problem.is_failure(),
            WebIdentityProblem::Provider(ProviderProblem::KeysUnavailable { .. })
            | WebIdentityProblem::SeveralRoles
            | WebIdentityProblem::SingleUse
            | WebIdentityProblem::Revoked
            | WebIdentityProblem::TooManyTags
            | WebIdentityProblem::NotHere
            | WebIdentityProblem::Fault(_) => false,
        }
    }

    /// As STS says it (AWS STS API, `AssumeRoleWithWebIdentity`).
    pub(super) fn sts_fault(self) -> Fault {
        let kind = match &self {
            WebIdentityProblem::Provider(ProviderProblem::Token(TokenProblem::Expired)) => {
                FaultKind::IdentityTokenExpired
            }
            WebIdentityProblem::NotTrusted | WebIdentityProblem::NoRole | WebIdentityProblem::Revoked => {
                FaultKind::AccessDenied
            }
            WebIdentityProblem::TooManyTags => FaultKind::ValidationFailed,
            WebIdentityProblem::Of { .. } | WebIdentityProblem::Fault(_) => FaultKind::Internal,
            WebIdentityProblem::NoProvider { .. }
            | WebIdentityProblem::Provider(_)
            | WebIdentityProblem::SeveralRoles
            | WebIdentityProblem::UsedUp
            | WebIdentityProblem::SingleUse
            | WebIdentityProblem::NotHere => FaultKind::IdentityTokenInvalid,
        };
        match self {
            WebIdentityProblem::Of { actor, problem } => problem.sts_fault().of(actor),
            WebIdentityProblem::Fault(fault) => fault,
            other => Fault::new(kind, other.to_string()),
        }
    }

    /// As a login hears it.
    pub(super) fn login_fault(self) -> Fault {
        match self {
            WebIdentityProblem::Of { actor, problem } => problem.login_fault().of(actor),
            WebIdentityProblem::Fault(fault) => fault,
            WebIdentityProblem::Provider(ProviderProblem::KeysUnavailable { .. }) => {
                Fault::new(FaultKind::Unavailable, self.to_string())
            }
            WebIdentityProblem::Provider(_) => {
                let message = format!("The identity token is not taken: {self}");
                Fault::new(FaultKind::Unauthenticated, message)
            }
            other => Fault::new(FaultKind::Unauthenticated, other.to_string()),
        }
    }
}
