use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, sync::Arc};

/// A hash function that digests may use: the two that OCI Image 1.1.1 registers ("Registered algorithms").
///
/// No weaker one is known here, so that none can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, the usual one.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

    /// Returns its name in a digest: `sha256` or `sha512`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// Returns how many hexadecimal digits its hashes have: twice their bytes.
    pub const fn hex_len(self) -> usize {
        match self {
            Algorithm::Sha256 => 64,
            Algorithm::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What content is called: `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits (OCI Image 1.1.1,
/// "Digests").
///
/// There is one way to write a digest, so equal digests are equal texts. Cheap to clone. Ordered as its text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Arc<str>);

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// No `:` between algorithm and hash.
    #[error("a digest is an algorithm, ':' and a hash, such as sha256:44136fa3…; this text has no ':'")]
    NoAlgorithm,
    /// Neither SHA-256 nor SHA-512.
    #[error("the digest algorithm {algorithm:?} is not known here; use sha256 or sha512")]
    UnknownAlgorithm {
        /// Its name, cut to 40 characters.
        algorithm: String,
    },
    /// Too few or too many digits.
    #[error("a {algorithm} digest has {} digits after the ':'; this one has {digits}", .algorithm.hex_len())]
    Length {
        /// The algorithm named.
        algorithm: Algorithm,
        /// Bytes after the `:`.
        digits: usize,
    },
    /// Something other than `0-9a-f` among the digits.
    #[error("a digest's digits are 0-9 and lower-case a-f; its character {} is another", .at + 1)]
    Character {
        /// Where in the whole text, in bytes from 0.
        at: usize,
    },
}

impl Digest {
    /// Names a hash that `algorithm` gave.
    ///
    /// # Panics
    /// If `hash` is not as long as a hash of `algorithm`.
    pub fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Digest {
        assert_eq!(hash.len() * 2, algorithm.hex_len(), "a {algorithm} hash of another length");
        let mut text = [0; Algorithm::Sha512.as_str().len() + 1 + Algorithm::Sha512.hex_len()];
        let name = algorithm.as_str();
        let start = name.len() + 1;
        let end = start + algorithm.hex_len();
        text[..name.len()].copy_from_slice(name.as_bytes());
        text[name.len()] = b':';
        hex::encode_to_slice(hash, &mut text[start..end]).expect("the slice holds two digits for each byte");
        Digest(str::from_utf8(&text[..end]).expect("a name, ':' and digits are ASCII").into())
    }

    /// Returns the digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns its hash function.
    pub fn algorithm(&self) -> Algorithm {
        if self.0.starts_with(Algorithm::Sha512.as_str()) { Algorithm::Sha512 } else { Algorithm::Sha256 }
    }

    /// Returns its digits, without the algorithm.
    pub fn hex(&self) -> &str {
        &self.0[self.algorithm().as_str().len() + 1..]
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (name, digits) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        let Some(algorithm) = Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name) else {
            return Err(DigestError::UnknownAlgorithm { algorithm: name.chars().take(40).collect() });
        };
        if digits.len() != algorithm.hex_len() {
            return Err(DigestError::Length { algorithm, digits: digits.len() });
        }
        match digits.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            Some(at) => Err(DigestError::Character { at: name.len() + 1 + at }),
            None => Ok(Digest(text.into())),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_digest_knows_its_parts() {
        for (algorithm, digits) in [(Algorithm::Sha256, "0a".repeat(32)), (Algorithm::Sha512, "9f".repeat(64))] {
            let text = format!("{algorithm}:{digits}");

            let digest: Digest = text.parse().unwrap();

            assert_eq!((digest.as_str(), digest.algorithm(), digest.hex()), (&*text, algorithm, &*digits));
        }
    }

    #[test]
    fn a_refusal_names_what_is_wrong() {
        let digits = "a".repeat(64);
        let with = |at: usize, character: &str| {
            format!("sha256:{}{character}{}", &digits[..at], &digits[at + character.len()..])
        };
        let unknown = |algorithm: &str| DigestError::UnknownAlgorithm { algorithm: algorithm.into() };
        let length = |algorithm, digits| DigestError::Length { algorithm, digits };
        let cases = [
            (String::new(), DigestError::NoAlgorithm),
            (digits.clone(), DigestError::NoAlgorithm),
            (format!(":{digits}"), unknown("")),
            (format!("md5:{}", &digits[..32]), unknown("md5")),
            (format!("SHA256:{digits}"), unknown("SHA256")),
            (format!(" sha256:{digits}"), unknown(" sha256")),
            (format!("sha256+b64u:{digits}"), unknown("sha256+b64u")),
            (format!("{}:{digits}", "ä".repeat(50)), unknown(&"ä".repeat(40))),
            ("sha256:".into(), length(Algorithm::Sha256, 0)),
            ("sha256:baddigeststring".into(), length(Algorithm::Sha256, 15)),
            (format!("sha256:{digits}a"), length(Algorithm::Sha256, 65)),
            (format!("sha256:{digits}\n"), length(Algorithm::Sha256, 65)),
            (format!("sha512:{digits}"), length(Algorithm::Sha512, 64)),
            (with(0, "A"), DigestError::Character { at: 7 }),
            (with(63, "g"), DigestError::Character { at: 70 }),
            (with(10, "\0"), DigestError::Character { at: 17 }),
            (with(10, "/"), DigestError::Character { at: 17 }),
            (with(10, "ä"), DigestError::Character { at: 17 }),
            (with(10, ":"), DigestError::Character { at: 17 }),
        ];
        for (text, refusal) in cases {
            assert_eq!(text.parse::<Digest>(), Err(refusal), "{text:?}");
        }
    }

    #[test]
    fn refusals_are_sentences() {
        let says = |text: &str| text.parse::<Digest>().unwrap_err().to_string();

        assert_eq!(says("md5:00"), "the digest algorithm \"md5\" is not known here; use sha256 or sha512");
        assert_eq!(says("sha256:00"), "a sha256 digest has 64 digits after the ':'; this one has 2");
        let upper = format!("sha256:{}", "A".repeat(64));
        assert_eq!(says(&upper), "a digest's digits are 0-9 and lower-case a-f; its character 8 is another");
    }

    #[test]
    #[should_panic(expected = "a sha256 hash of another length")]
    fn a_hash_of_another_algorithm_is_a_mistake_of_ours() {
        Digest::from_hash(Algorithm::Sha256, &[0; 64]);
    }

    #[test]
    fn in_json_a_digest_is_its_text() {
        let digest = Digest::from_hash(Algorithm::Sha256, &[7; 32]);

        let json = serde_json::to_string(&digest).unwrap();

        assert_eq!(json, format!("\"sha256:{}\"", "07".repeat(32)));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"sha256:07\"").is_err());
    }

    proptest! {
        #[test]
        fn printing_after_parsing_gives_the_text_back(text in "(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})") {
            let digest: Digest = text.parse().unwrap();

            prop_assert_eq!(digest.to_string(), &*text);
            prop_assert_eq!(format!("{}:{}", digest.algorithm(), digest.hex()), text);
        }

        #[test]
        fn a_hash_survives_printing_and_parsing(hash in any::<[u8; 32]>(), long in any::<[u8; 64]>()) {
            for digest in [Digest::from_hash(Algorithm::Sha256, &hash), Digest::from_hash(Algorithm::Sha512, &long)] {
                prop_assert_eq!(digest.to_string().parse(), Ok(digest));
            }
        }

        #[test]
        fn whatever_parses_prints_as_it_was(text in "(sha256|sha512|md5)?:?[0-9a-fA-F]{0,130}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.as_str(), text);
            }
        }
    }
}
