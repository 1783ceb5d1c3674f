use std::path::PathBuf;

/// Who a job is, and where the token or password lies that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The user: `oidc`, `oidc/ROLE`, or one with a password.
    pub(crate) user: String,
    /// Where the password is.
    pub(crate) password: PasswordPlace,
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasswordPlace {
    /// In a file, that is written anew from time to time.
    File(PathBuf),
    /// In this variable of the environment.
    Variable(&'static str),
    /// At GitHub's token service: its address, and the name of the variable that holds the word for it.
    GitHub {
        /// Where to ask, without the audience.
        url: String,
        /// Whom the token is to be for.
        audience: String,
    },
}

/// The variable with an identity token in it, as GitLab's `id_tokens` sets one.
pub(crate) const TOKEN_VARIABLE: &str = "GANTRY_IDENTITY_TOKEN";
/// The variable with the word for GitHub's token service.
pub(crate) const GITHUB_VARIABLE: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Finds who a job is, by its environment; the first that is there:
///
/// 1. `GANTRY_PASSWORD_FILE`, of the user `GANTRY_USER`;
/// 2. `AWS_WEB_IDENTITY_TOKEN_FILE`, for the role of `AWS_ROLE_ARN`, as AWS's programs read them;
/// 3. `GANTRY_IDENTITY_TOKEN`, the token itself, as GitLab sets it;
/// 4. GitHub's token service, where a job has `id-token: write`.
///
/// The user is `GANTRY_USER` where it is set; else `oidc`. `host` is the registry, for whom GitHub's token is unless
/// `GANTRY_AUDIENCE` says otherwise.
pub(crate) fn find_identity(variable: impl Fn(&str) -> Option<String>, host: &str) -> Option<Identity> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let user = variable("GANTRY_USER");
    let oidc = || user.clone().unwrap_or_else(|| "oidc".into());
    if let (Some(user), Some(file)) = (&user, variable("GANTRY_PASSWORD_FILE")) {
        return Some(Identity { user: user.clone(), password: PasswordPlace::File(file.into()) });
    }
    if let Some(file) = variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let of_role = variable("AWS_ROLE_ARN").and_then(|arn| user_of_role(&arn));
        let user = user.or(of_role).unwrap_or_else(|| "oidc".into());
        return Some(Identity { user, password: PasswordPlace::File(file.into()) });
    }
    if variable(TOKEN_VARIABLE).is_some() {
        return Some(Identity { user: oidc(), password: PasswordPlace::Variable(TOKEN_VARIABLE) });
    }
    let url = variable("ACTIONS_ID_TOKEN_REQUEST_URL")?;
    variable(GITHUB_VARIABLE)?;
    let audience = variable("GANTRY_AUDIENCE").unwrap_or_else(|| host.into());
    Some(Identity { user: oidc(), password: PasswordPlace::GitHub { url, audience } })
}

/// The user who logs in as a role: `oidc/ACCOUNT/NAME`.
fn user_of_role(arn: &str) -> Option<String> {
    let (account, path) = arn.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    Some(format!("oidc/{account}/{}", path.rsplit('/').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Option<Identity> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        find_identity(variable, "reg.example.com")
    }

    #[test]
    fn the_environment_says_who_a_job_is() {
        let aws = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
        let role = ("AWS_ROLE_ARN", "arn:aws:iam::111111111111:role/ci/deploy");
        let github = [("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x?y=1"), (GITHUB_VARIABLE, "word")];
        let file = PasswordPlace::File("/token".into());

        for (variables, user, password) in [
            (vec![("GANTRY_USER", "robot"), ("GANTRY_PASSWORD_FILE", "/token"), aws], "robot", file.clone()),
            (vec![aws, role], "oidc/111111111111/deploy", file.clone()),
            (vec![aws, role, ("GANTRY_USER", "oidc/other")], "oidc/other", file.clone()),
            (vec![aws], "oidc", file),
            (vec![(TOKEN_VARIABLE, "eyJ")], "oidc", PasswordPlace::Variable(TOKEN_VARIABLE)),
            (
                github.to_vec(),
                "oidc",
                PasswordPlace::GitHub { url: "https://x?y=1".into(), audience: "reg.example.com".into() },
            ),
        ] {
            assert_eq!(find(&variables), Some(Identity { user: user.into(), password }), "{variables:?}");
        }
        assert_eq!(find(&[]), None);
        assert_eq!(find(&[(TOKEN_VARIABLE, ""), github[0]]), None);
    }
}
