use std::str::FromStr;

const BYTES_MAX: usize = 4096;

/// What transit makes of a secret: `vault:v1:` with the version of the transit key, and then base64 (Vault, "Transit secrets
/// engine (API)", "Encrypt data"). Up to 4096 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    text: String,
    version: u32,
}

/// A text is nothing that transit made. It is not repeated: it may be the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not begin with vault:v and a number, as what transit makes does")]
pub struct WrappedError;

impl Wrapped {
    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The version of the transit key that it was wrapped under, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }
}

impl FromStr for Wrapped {
    type Err = WrappedError;

    fn from_str(text: &str) -> Result<Self, WrappedError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
        let rest = text.strip_prefix("vault:v").filter(|_| text.len() <= BYTES_MAX).ok_or(WrappedError)?;
        let (version, sealed) = rest.split_once(':').ok_or(WrappedError)?;
        let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || sealed.is_empty() || !sealed.bytes().all(allowed) {
            return Err(WrappedError);
        }
        Ok(Wrapped { text: text.into(), version: version.parse().map_err(|_| WrappedError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_version_is_told() {
        let wrapped: Wrapped = "vault:v12:aGVsbG8+/w==".parse().unwrap();

        assert_eq!((wrapped.as_str(), wrapped.version()), ("vault:v12:aGVsbG8+/w==", 12));
    }

    #[test]
    fn what_transit_did_not_make_is_refused() {
        let long = format!("vault:v1:{}", "A".repeat(BYTES_MAX));
        for text in
            ["", "vault:v1", "vault:v1:", "vault:v:AA", "vault:v-1:AA", "vault:v99999999999:AA", "vault:v1:A A", &long]
        {
            assert_eq!(text.parse::<Wrapped>(), Err(WrappedError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            if let Ok(wrapped) = text.parse::<Wrapped>() {
                prop_assert_eq!(wrapped.as_str(), text);
            }
        }
    }
}
