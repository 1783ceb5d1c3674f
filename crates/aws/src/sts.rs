//! AWS Security Token Service: who a signature is, and credentials that end by themselves.

gantry_api::operations! {
    assume_role::AssumeRole,
    assume_role_with_web_identity::AssumeRoleWithWebIdentity,
    get_caller_identity::GetCallerIdentity,
    get_session_token::GetSessionToken,
}
