use gantry_env::Env;
use gantry_words::Secret;

const ID_BYTES_MAX: usize = 128;
const SECRET_BYTES_MAX: usize = 1024;
const FILE_BYTES_MAX: usize = 16 * 1024;

/// The access key of the root user: user name and password for `docker login`.
#[derive(Clone, Debug)]
pub struct RootCredentials {
    /// The user name: 1 to 128 visible ASCII characters without a colon.
    pub access_key_id: String,
    /// The password: 1 to 1024 bytes without control characters.
    pub secret_access_key: Secret<String>,
}

/// Why credentials cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootCredentialsError {
    /// The id cannot be a user name.
    #[error("the access key id must be 1 to {ID_BYTES_MAX} visible ASCII characters without a colon")]
    Id,
    /// The secret cannot be a password.
    #[error("the secret access key must be 1 to {SECRET_BYTES_MAX} bytes without control characters")]
    Secret,
    /// A line of the file is none of those that are expected.
    #[error("line {line} is neither [default] nor aws_access_key_id = … nor aws_secret_access_key = …")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// A key stands twice.
    #[error("line {line} gives {key} a second time; keep one")]
    Twice {
        /// Its number, from 1.
        line: usize,
        /// The key.
        key: &'static str,
    },
    /// A key is missing.
    #[error("{key} is missing; restore the file, or remove it to have new credentials made at the next start")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// No credentials are so long.
    #[error("the file is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
}

const ID_KEY: &str = "aws_access_key_id";
const SECRET_KEY: &str = "aws_secret_access_key";

impl RootCredentials {
    /// Draws new ones: an id of 20 characters that looks like AWS's, and a secret of 40 letters and digits (238 bits),
    /// none of which a shell or an address would change.
    pub fn generate(env: &Env) -> Self {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const BASE62: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let id = env.random::<16>().map(|byte| char::from(BASE32[usize::from(byte % 32)]));
        // Eight bytes for each character: what the division favours is beyond measure.
        let secret: String = (0..40)
            .map(|_| u64::from_le_bytes(env.random()) % 62)
            .map(|number| char::from(BASE62[usize::try_from(number).expect("below 62")]))
            .collect();
        RootCredentials {
            access_key_id: format!("AKIA{}", String::from_iter(id)),
            secret_access_key: Secret::new(secret),
        }
    }

    /// Checks what came from outside.
    ///
    /// # Errors
    /// Id or secret cannot be sent as user name and password.
    pub fn check(&self) -> Result<(), RootCredentialsError> {
        let (id, secret) = (&self.access_key_id, self.secret_access_key.reveal());
        if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return Err(RootCredentialsError::Id);
        }
        if secret.is_empty() || secret.len() > SECRET_BYTES_MAX || secret.chars().any(char::is_control) {
            return Err(RootCredentialsError::Secret);
        }
        Ok(())
    }

    /// Reads the file `root-credentials`: the profile `default` as in `~/.aws/credentials`, and no other.
    ///
    /// # Errors
    /// A line is not understood, a key is missing or stands twice, or the credentials cannot be used.
    pub fn parse(text: &str) -> Result<Self, RootCredentialsError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(RootCredentialsError::TooLarge);
        }
        let (mut id, mut secret) = (None, None);
        for (line, content) in text.lines().map(str::trim).enumerate() {
            let line = line + 1;
            if content.is_empty() || content.starts_with(['#', ';']) || content == "[default]" {
                continue;
            }
            let (key, value) = content.split_once('=').ok_or(RootCredentialsError::Line { line })?;
            let (slot, key) = match key.trim_end() {
                ID_KEY => (&mut id, ID_KEY),
                SECRET_KEY => (&mut secret, SECRET_KEY),
                _ => return Err(RootCredentialsError::Line { line }),
            };
            if slot.replace(value.trim_start().to_string()).is_some() {
                return Err(RootCredentialsError::Twice { line, key });
            }
        }
        let credentials = RootCredentials {
            access_key_id: id.ok_or(RootCredentialsError::Missing { key: ID_KEY })?,
            secret_access_key: Secret::new(secret.ok_or(RootCredentialsError::Missing { key: SECRET_KEY })?),
        };
        credentials.check()?;
        Ok(credentials)
    }

    /// Prints the file: whoever reads it has everything.
    pub fn print(&self) -> String {
        let (id, secret) = (&self.access_key_id, self.secret_access_key.reveal());
        format!("[default]\n{ID_KEY} = {id}\n{SECRET_KEY} = {secret}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn credentials(id: &str, secret: &str) -> RootCredentials {
        RootCredentials { access_key_id: id.into(), secret_access_key: Secret::new(secret.into()) }
    }

    fn pair(credentials: &RootCredentials) -> (&str, &str) {
        (&credentials.access_key_id, credentials.secret_access_key.reveal())
    }

    #[test]
    fn generated_credentials_look_like_awss_and_differ() {
        let env = Env::real();

        let (one, other) = (RootCredentials::generate(&env), RootCredentials::generate(&env));

        assert!(one.access_key_id.starts_with("AKIA") && one.access_key_id.len() == 20);
        assert_eq!(one.secret_access_key.reveal().len(), 40);
        assert!(one.secret_access_key.reveal().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(one.check(), Ok(()));
        assert!(gantry_access::withstands_guessing(one.secret_access_key.reveal().as_bytes()));
        assert_ne!(pair(&one), pair(&other));
    }

    #[test]
    fn the_file_is_a_profile_of_the_aws_tools() {
        let text = credentials("AKIAEXAMPLE", "s3cret").print();

        assert_eq!(text, "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = s3cret\n");
    }

    #[test]
    fn comments_blanks_and_line_ends_do_not_matter() {
        let text = "# kept by ops\r\n\r\n[default]\r\naws_secret_access_key=a=b\r\n  aws_access_key_id  =  AKIAEXAMPLE\r\n; end";

        assert_eq!(pair(&RootCredentials::parse(text).unwrap()), ("AKIAEXAMPLE", "a=b"));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let long = "#".repeat(FILE_BYTES_MAX + 1);
        for (text, error) in [
            ("", RootCredentialsError::Missing { key: ID_KEY }),
            ("aws_access_key_id=a", RootCredentialsError::Missing { key: SECRET_KEY }),
            ("[default]\nregion = a", RootCredentialsError::Line { line: 2 }),
            ("[other]", RootCredentialsError::Line { line: 1 }),
            ("aws_access_key_id=a\naws_access_key_id=b", RootCredentialsError::Twice { line: 2, key: ID_KEY }),
            ("aws_access_key_id=a:b\naws_secret_access_key=c", RootCredentialsError::Id),
            ("aws_access_key_id=a\naws_secret_access_key=", RootCredentialsError::Secret),
            ("aws_access_key_id=a\naws_secret_access_key=b\0c", RootCredentialsError::Secret),
            (&long, RootCredentialsError::TooLarge),
        ] {
            assert_eq!(RootCredentials::parse(text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn the_secret_does_not_show_itself() {
        let shown = format!("{:?}", credentials("AKIAEXAMPLE", "hunter2"));

        assert!(shown.contains("AKIAEXAMPLE") && !shown.contains("hunter2"));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_parsed_to_the_same(id in "[!-9;-~]{1,128}", secret in "[!-~\u{a1}-\u{ff}]([ -~]{0,60}[!-~])?") {
            let credentials = credentials(&id, &secret);

            let read = RootCredentials::parse(&credentials.print()).unwrap();

            prop_assert_eq!(pair(&read), pair(&credentials));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,300}") {
            let _ = RootCredentials::parse(&text);
        }
    }
}
