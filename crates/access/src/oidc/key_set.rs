//! Keys as a provider publishes them: a JWK set (RFC 7517).

use super::algorithm::{Algorithm, OF_RSA};
use super::{TokenProblem, UnverifiedToken, parse_json};
use crate::policy::json::Node;
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The longest key set, in bytes.
pub const KEY_SET_BYTES_MAX: usize = 1024 * 1024;
/// The most keys in a set, those included that nothing here is signed with.
pub const KEYS_MAX: usize = 100;
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The longest exponent; nearly all are 65537.
const EXPONENT_BYTES_MAX: usize = 4;

/// The keys of a provider with which tokens may be signed: RSA of 2048 to 8192 bits, P-256, P-384, P-521, Ed25519.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet(Box<[Key]>);

/// Why a text is no key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is too long.
    #[error("the key set has {bytes} bytes; it may have {KEY_SET_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is no JSON as a key set is.
    #[error("the key set cannot be read: {0}")]
    Malformed(String),
    /// It has too many keys.
    #[error("the key set has {keys} keys; it may have {KEYS_MAX}")]
    TooMany {
        /// How many.
        keys: usize,
    },
    /// It holds what only the provider should have: whoever has read it can sign.
    #[error("key {number} of the key set is a private key; revoke it, and publish the public part alone")]
    Private {
        /// Which, counted from 1.
        number: usize,
    },
    /// No key in it is of use.
    #[error("the key set holds no key to verify tokens with{}", .0.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Empty(Option<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    id: Option<Box<str>>,
    algorithms: Box<[Algorithm]>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
    /// A point as its curve's standard writes it.
    Point(Box<[u8]>),
}

impl KeySet {
    /// No key: nothing is signed with any of it.
    pub fn none() -> Self {
        KeySet(Box::default())
    }

    /// Reads a key set. Keys of other kinds or for other uses are left out.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > KEY_SET_BYTES_MAX {
            return Err(KeySetError::TooLong { bytes: bytes.len() });
        }
        let set = parse_json(bytes).map_err(KeySetError::Malformed)?;
        let Some(Node::List(listed)) = set.get("keys") else {
            return Err(KeySetError::Malformed("it has no list of keys".into()));
        };
        if listed.len() > KEYS_MAX {
            return Err(KeySetError::TooMany { keys: listed.len() });
        }
        let (mut keys, mut problem) = (Vec::new(), None);
        for (number, node) in (1..).zip(listed) {
            if ["d", "k", "p", "q"].iter().any(|member| node.get(member).is_some()) {
                return Err(KeySetError::Private { number });
            }
            match Key::read(node) {
                Ok(key) => keys.push(key),
                Err(why) => problem = problem.or(Some(format!("key {number} {why}"))),
            }
        }
        if keys.is_empty() { Err(KeySetError::Empty(problem)) } else { Ok(KeySet(keys.into())) }
    }

    /// Returns how many keys are of use.
    pub fn keys_count(&self) -> usize {
        self.0.len()
    }

    /// Checks the signature of a token: by the keys that have the id it names; where it names none, by the only key there is
    /// of the kind that signs so.
    ///
    /// # Errors
    /// [`TokenProblem::UnknownKey`], which another look at the provider may mend; [`TokenProblem::Algorithm`],
    /// [`TokenProblem::Signature`].
    pub(super) fn check(&self, token: &UnverifiedToken<'_>) -> Result<(), TokenProblem> {
        let named: Vec<&Key> = match token.key_id() {
            Some(id) => self.0.iter().filter(|key| key.id.as_deref() == Some(id)).collect(),
            None => self.0.iter().filter(|key| key.algorithms.contains(&token.algorithm)).collect(),
        };
        if named.is_empty() || (token.key_id().is_none() && named.len() > 1) {
            return Err(TokenProblem::UnknownKey);
        }
        let mut fitting = named.iter().filter(|key| key.algorithms.contains(&token.algorithm)).peekable();
        if fitting.peek().is_none() {
            return Err(TokenProblem::Algorithm { algorithm: token.algorithm_name().into() });
        }
        let is_signed = fitting.any(|key| key.verifies(token.algorithm, token.signed.as_bytes(), &token.signature));
        if is_signed { Ok(()) } else { Err(TokenProblem::Signature) }
    }
}

impl Key {
    /// Reads a key; the error is the end of a sentence.
    fn read(node: &Node) -> Result<Self, String> {
        let text = |member: &str| node.get(member).and_then(Node::text);
        if node.get("use").is_some() && text("use") != Some("sig") {
            return Err("is not for signatures".into());
        }
        if let Some(uses) = node.get("key_ops")
            && !uses.texts().is_some_and(|uses| uses.contains(&"verify"))
        {
            return Err("is not for verifying".into());
        }
        let id = match node.get("kid") {
            None => None,
            Some(Node::Text(id)) => Some(id.as_str().into()),
            Some(_) => return Err("has a kid that is no text".into()),
        };
        let (possible, material) = match text("kty") {
            Some("RSA") => (OF_RSA.to_vec(), read_rsa(node)?),
            Some("EC" | "OKP") => read_point(node)?,
            _ => return Err("is of no kind that tokens are signed with here; those are RSA, EC and OKP".into()),
        };
        let algorithms = match node.get("alg") {
            None => possible,
            Some(named) => {
                let named = named.text().and_then(Algorithm::parse);
                let named = named.filter(|named| possible.contains(named));
                vec![named.ok_or("has an alg that is not taken, or not of its kind")?]
            }
        };
        Ok(Key { id, algorithms: algorithms.into(), material })
    }

    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let checked = match &self.material {
            Material::Rsa { n, e } => {
                algorithm.rsa().map(|parameters| RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature))
            }
            Material::Point(point) => {
                algorithm.curve().map(|curve| UnparsedPublicKey::new(curve, point).verify(signed, signature))
            }
        };
        checked.is_some_and(|checked| checked.is_ok())
    }
}

fn read_rsa(node: &Node) -> Result<Material, String> {
    let number = |member: &str| {
        let bytes = decoded(node, member)?;
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        Some(Box::<[u8]>::from(&bytes[start..]))
    };
    let n = number("n").ok_or("has no modulus n")?;
    let e = number("e").ok_or("has no exponent e")?;
    let bits = n.len() * 8 - n.first().map_or(0, |first| usize::try_from(first.leading_zeros()).unwrap_or(0));
    if !RSA_BITS.contains(&bits) {
        return Err(format!("is an RSA key of {bits} bits; it must have 2048 to 8192"));
    }
    // With an exponent of 1 everything is its own signature.
    let is_sound = e.len() <= EXPONENT_BYTES_MAX && e.last().is_some_and(|last| last % 2 == 1) && *e != [1];
    if is_sound { Ok(Material::Rsa { n, e }) } else { Err("has an exponent e that is not sound".into()) }
}

fn read_point(node: &Node) -> Result<(Vec<Algorithm>, Material), String> {
    let text = |member: &str| node.get(member).and_then(Node::text);
    let (algorithm, bytes) = match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => (Algorithm::Es256, 32),
        (Some("EC"), Some("P-384")) => (Algorithm::Es384, 48),
        (Some("EC"), Some("P-521")) => (Algorithm::Es512, 66),
        (Some("OKP"), Some("Ed25519")) => (Algorithm::EdDsa, 32),
        _ => return Err("is of a curve that is not taken; those are P-256, P-384, P-521 and Ed25519".into()),
    };
    let coordinate = |member: &str| {
        let bytes = decoded(node, member).filter(|found| found.len() == bytes);
        bytes.ok_or_else(|| format!("has no coordinate {member} as its curve has them"))
    };
    let point = match algorithm {
        Algorithm::EdDsa => coordinate("x")?,
        _ => [vec![4], coordinate("x")?, coordinate("y")?].concat(),
    };
    let curve = algorithm.curve().ok_or("is of no curve")?;
    ParsedPublicKey::new(curve, point.as_slice()).map_err(|_| "is no point of its curve")?;
    Ok((vec![algorithm], Material::Point(point.into())))
}

fn decoded(node: &Node, member: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(node.get(member)?.text()?).ok()
}
