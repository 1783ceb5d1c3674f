use crate::{
    Hash,
    chain::GENESIS,
    record::{parse_hash, print_hash},
};
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use gantry_words::Timestamp;
use serde_json::{Value, json};

/// An Ed25519 public key.
pub type PublicKey = [u8; 32];

/// What signs checkpoints: one for each writer of a chain. It lies in a file, not in the database it vouches for.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed of Ed25519 (RFC 8032, 5.1.5)");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        SigningKey { pair, public }
    }

    /// Returns the public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs a checkpoint.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Signed {
        let bytes = checkpoint.print();
        let signature = hex::encode(self.pair.sign(bytes.as_bytes()));
        Signed { bytes, signature }
    }
}

/// Returns the number of the writer whose key this is: positive, from a SHA-256 of it. A chain cannot change its key.
pub fn writer_of(public: &PublicKey) -> i64 {
    let hash = digest(&SHA256, public);
    let number = hash.as_ref().first_chunk().copied().map_or(1, i64::from_be_bytes);
    (number & i64::MAX).max(1)
}

/// What a writer says of its chain at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain.
    pub writer: i64,
    /// The place of its last record, which is also how many it has had.
    pub seq: u64,
    /// The hash there.
    pub hash: Hash,
    /// When it was made.
    pub at: Timestamp,
    /// SHA-256 of the checkpoint before, as printed; zeros for the first.
    pub previous: Hash,
    /// Where the chains of all writers of this database ended then.
    pub heads: Vec<(i64, u64, Hash)>,
}

impl Checkpoint {
    /// Prints it: JSON with keys in the order of their bytes.
    pub fn print(&self) -> String {
        let heads: Vec<Value> = self
            .heads
            .iter()
            .map(|(writer, seq, hash)| json!({"writer": writer, "seq": seq, "hash": print_hash(hash)}))
            .collect();
        json!({
            "writer": self.writer,
            "seq": self.seq,
            "hash": print_hash(&self.hash),
            "at": self.at.millis(),
            "time": self.at.to_string(),
            "previous": print_hash(&self.previous),
            "heads": heads,
        })
        .to_string()
    }

    fn parse(text: &str) -> Option<Checkpoint> {
        let value: Value = serde_json::from_str(text).ok()?;
        let hash = |value: &Value| parse_hash(value.as_str()?);
        let heads = value["heads"].as_array()?.iter();
        let heads = heads.map(|head| Some((head["writer"].as_i64()?, head["seq"].as_u64()?, hash(&head["hash"])?)));
        Some(Checkpoint {
            writer: value["writer"].as_i64()?,
            seq: value["seq"].as_u64()?,
            hash: hash(&value["hash"])?,
            at: Timestamp::from_millis(value["at"].as_i64()?),
            previous: hash(&value["previous"])?,
            heads: heads.collect::<Option<_>>()?,
        })
    }
}

/// A checkpoint with its signature: an anchor, once a copy of it lies where nobody of this host can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The checkpoint, as it was signed.
    pub bytes: String,
    /// The signature: 64 bytes in hexadecimal.
    pub signature: String,
}

impl Signed {
    /// Returns the checkpoint if `public` has signed it.
    pub fn check(&self, public: &PublicKey) -> Option<Checkpoint> {
        let signature = hex::decode(&self.signature).ok()?;
        UnparsedPublicKey::new(&ED25519, public).verify(self.bytes.as_bytes(), &signature).ok()?;
        Checkpoint::parse(&self.bytes)
    }

    /// Returns what it says, whoever has signed it.
    pub fn claim(&self) -> Option<Checkpoint> {
        Checkpoint::parse(&self.bytes)
    }

    /// Returns what the next checkpoint names as the one before.
    pub fn hash(&self) -> Hash {
        let mut hash = GENESIS;
        hash.copy_from_slice(digest(&SHA256, self.bytes.as_bytes()).as_ref());
        hash
    }

    /// Prints it as a line to be kept elsewhere.
    pub fn print_line(&self) -> String {
        json!({"checkpoint": self.bytes, "signature": self.signature}).to_string()
    }

    /// Reads such a line; `None` where it is none.
    pub fn parse_line(line: &str) -> Option<Signed> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value[key].as_str().map(str::to_string);
        Some(Signed { bytes: text("checkpoint")?, signature: text("signature")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let at = Timestamp::from_millis(1_800_000_000_000);
        Checkpoint { writer: 5, seq: 10, hash: [7; 32], at, previous: GENESIS, heads: vec![(5, 10, [7; 32])] }
    }

    #[test]
    fn a_signed_checkpoint_is_read_back_by_whoever_has_the_public_key() {
        let key = SigningKey::from_seed(&[1; 32]);

        let line = key.sign(&checkpoint()).print_line();

        assert_eq!(Signed::parse_line(&line).unwrap().check(&key.public()), Some(checkpoint()));
    }

    #[test]
    fn neither_another_key_nor_other_bytes_pass() {
        let key = SigningKey::from_seed(&[1; 32]);
        let signed = key.sign(&checkpoint());
        let changed = Signed { bytes: signed.bytes.replace("\"seq\":10,", "\"seq\":11,"), ..signed.clone() };

        assert_ne!(changed, signed);
        assert_eq!(changed.check(&key.public()), None);
        assert_eq!(signed.check(&SigningKey::from_seed(&[2; 32]).public()), None);
    }

    #[test]
    fn a_key_is_the_same_as_that_of_rfc_8032() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let seed: [u8; 32] = hex::decode(seed).unwrap().try_into().unwrap();

        assert_eq!(hex::encode(SigningKey::from_seed(&seed).public()), public);
    }
}
