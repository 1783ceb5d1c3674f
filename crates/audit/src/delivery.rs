use crate::Signed;
use aws_lc_rs::hmac;
use gantry_words::{Secret, Timestamp};

/// The most bytes of a delivery, but for a single record that is longer.
pub const DELIVERY_BYTES_MAX: usize = 1024 * 1024;

/// What goes to a receiver at once: lines of JSON, in the order of the chain. Behind a record stands the signed checkpoint that
/// speaks of it, as a line of its own ([`Signed::print_line`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The lines.
    pub body: String,
    /// Up to which record the receiver has the chain afterwards.
    pub seq: u64,
    /// Up to which checkpoint.
    pub checkpoint_seq: u64,
    /// How many records are in it.
    pub records: u64,
}

impl Delivery {
    /// Puts together what comes behind the record `seq` and the checkpoint `checkpoint_seq`: as many `records` as fit, each with
    /// its place, and those of `checkpoints` that speak of what is delivered then. `None` where there is nothing.
    pub fn of(
        (seq, checkpoint_seq): (u64, u64),
        records: &[(u64, String)],
        checkpoints: &[(u64, Signed)],
    ) -> Option<Delivery> {
        let mut delivery = Delivery { body: String::new(), seq, checkpoint_seq, records: 0 };
        let mut checkpoints = checkpoints.iter().filter(|(place, _)| *place > checkpoint_seq).peekable();
        let mut sign = |delivery: &mut Delivery| {
            while let Some((place, signed)) = checkpoints.next_if(|(place, _)| *place <= delivery.seq) {
                delivery.line(&signed.print_line());
                delivery.checkpoint_seq = *place;
            }
        };
        sign(&mut delivery);
        for (place, bytes) in records.iter().filter(|(place, _)| *place > seq) {
            if delivery.records > 0 && delivery.body.len() + bytes.len() >= DELIVERY_BYTES_MAX {
                break;
            }
            delivery.line(bytes);
            (delivery.seq, delivery.records) = (*place, delivery.records + 1);
            sign(&mut delivery);
        }
        (!delivery.body.is_empty()).then_some(delivery)
    }

    fn line(&mut self, line: &str) {
        self.body.push_str(line);
        self.body.push('\n');
    }
}

/// The signatures of a delivery: HMAC-SHA-256 with a secret that the receiver has too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatures {
    /// `t=SECONDS,sha256=HEX`, over the seconds since 1970, a dot and the body: a receiver that looks at the time cannot be sent
    /// an old delivery again. For the header `X-Gantry-Signature`.
    pub stamped: String,
    /// `sha256=HEX`, over the body alone: what many receivers look for in `X-Signature` or `X-Hub-Signature-256`.
    pub plain: String,
}

impl Signatures {
    /// Signs `body`, sent at `at`.
    pub fn of(secret: &Secret<String>, at: Timestamp, body: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
        let seconds = at.seconds();
        let mut stamped = hmac::Context::with_key(&key);
        stamped.update(format!("{seconds}.").as_bytes());
        stamped.update(body);
        Signatures {
            stamped: format!("t={seconds},sha256={}", hex::encode(stamped.sign())),
            plain: format!("sha256={}", hex::encode(hmac::sign(&key, body))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(places: std::ops::RangeInclusive<u64>, bytes: usize) -> Vec<(u64, String)> {
        places.map(|place| (place, format!("{place}{}", "x".repeat(bytes - 1)))).collect()
    }

    fn checkpoint(place: u64) -> (u64, Signed) {
        (place, Signed { bytes: format!("c{place}"), signature: "00".into() })
    }

    #[test]
    fn a_delivery_holds_records_in_their_order_with_the_checkpoints_behind_what_they_speak_of() {
        let all = Delivery::of((1, 0), &records(2..=4, 1), &[checkpoint(1), checkpoint(3), checkpoint(9)]).unwrap();

        let line = |place| checkpoint(place).1.print_line();
        assert_eq!(all.body, format!("{}\n2\n3\n{}\n4\n", line(1), line(3)));
        assert_eq!((all.seq, all.checkpoint_seq, all.records), (4, 3, 3));
        assert_eq!(Delivery::of((4, 3), &[], &[checkpoint(3), checkpoint(9)]), None);
    }

    #[test]
    fn a_delivery_is_bounded_and_never_empty_for_a_long_record() {
        let half = DELIVERY_BYTES_MAX / 2;

        let first = Delivery::of((0, 0), &records(1..=3, half), &[]).unwrap();
        let long = Delivery::of((0, 0), &records(1..=2, DELIVERY_BYTES_MAX + 1), &[]).unwrap();

        assert_eq!((first.seq, first.records), (1, 1));
        assert_eq!((long.seq, long.records), (1, 1));
    }

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        let secret = Secret::new("Jefe".to_string());
        let body = b"what do ya want for nothing?";

        let signatures = Signatures::of(&secret, Timestamp::from_millis(1_800_000_000_999), body);

        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signatures.plain, format!("sha256={known}"));
        assert!(signatures.stamped.starts_with("t=1800000000,sha256="), "{}", signatures.stamped);
        let other = Signatures::of(&secret, Timestamp::from_millis(1_800_000_001_000), body);
        assert_ne!(signatures.stamped, other.stamped.replace("1800000001", "1800000000"));
    }
}
