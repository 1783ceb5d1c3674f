use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_env::Env;
use gantry_words::Secret;

/// The credentials of the root of the default account: user and password of docker clients, and an AWS access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCredentials {
    /// `AKIA` and 16 of `A-Z2-7` where it was generated; any text without blanks where it was configured.
    pub access_key_id: String,
    /// 40 characters where it was generated.
    pub secret_access_key: Secret<String>,
}

/// Why a credentials file is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it lacks {member}; a credentials file has aws_access_key_id and aws_secret_access_key. Remove it, and the next start makes a new one"
)]
pub struct RootCredentialsError {
    member: &'static str,
}

impl RootCredentials {
    /// Makes new ones.
    pub fn generate(env: &Env) -> RootCredentials {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
        let id: String = env.random::<16>().iter().map(letter).collect();
        let secret = STANDARD.encode(env.random::<30>());
        RootCredentials { access_key_id: format!("AKIA{id}"), secret_access_key: Secret::new(secret) }
    }

    /// Prints them as the AWS tools keep theirs.
    pub fn print(&self) -> String {
        let (id, secret) = (&self.access_key_id, self.secret_access_key.reveal());
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    }

    /// Parses what [`RootCredentials::print`] printed.
    ///
    /// # Errors
    /// Which of the two is missing.
    pub fn parse(text: &str) -> Result<RootCredentials, RootCredentialsError> {
        let find = |member: &'static str| {
            let line = text.lines().find_map(|line| line.split_once('=').filter(|(name, _)| name.trim() == member));
            line.map(|(_, value)| value.trim().to_string())
                .filter(|value| !value.is_empty())
                .ok_or(RootCredentialsError { member })
        };
        Ok(RootCredentials {
            access_key_id: find("aws_access_key_id")?,
            secret_access_key: Secret::new(find("aws_secret_access_key")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_parsed_as_they_are_printed() {
        let made = RootCredentials::generate(&Env::real());

        assert_eq!(RootCredentials::parse(&made.print()), Ok(made.clone()));
        assert_eq!((made.access_key_id.len(), made.secret_access_key.reveal().len()), (20, 40));
    }

    #[test]
    fn a_file_without_a_secret_says_so() {
        let error = RootCredentials::parse("[default]\naws_access_key_id = AKIA\n").unwrap_err();

        assert!(error.to_string().contains("aws_secret_access_key"));
    }
}
