use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_access::token::Key;
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Trail, Tx, site_settings};
use gantry_words::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The row the keys are kept in.
const NAME: &str = "token-keys";
/// A key signs for so long, and is believed for as long again.
const SIGNS_FOR: Duration = Duration::from_secs(24 * 3600);

/// The keys as they are stored, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKeys {
    keys: Vec<StoredKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredKey {
    id: u32,
    /// 32 bytes, base64.
    secret: String,
    /// Milliseconds since the Unix epoch.
    made_at: i64,
}

impl StoredKeys {
    /// Returns the keys, the one that signs first. A key that cannot be read is left out.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let key = |stored: &StoredKey| {
            let secret = STANDARD.decode(&stored.secret).ok()?;
            Some(Key::new(stored.id, secret.as_slice().try_into().ok()?))
        };
        self.keys.iter().filter_map(key).collect()
    }

    /// Returns the keys with a new one in front, where the newest is old enough, or `None` where nothing is due.
    fn renewed(&self, secret: &[u8; 32], now: Timestamp) -> Option<StoredKeys> {
        let newest = self.keys.first();
        if newest.is_some_and(|key| now.since(Timestamp::from_millis(key.made_at)) < SIGNS_FOR) {
            return None;
        }
        let id = newest.map_or(1, |key| key.id.wrapping_add(1));
        let fresh = StoredKey { id, secret: STANDARD.encode(secret), made_at: now.millis() };
        Some(StoredKeys { keys: std::iter::once(fresh).chain(self.keys.iter().take(1).cloned()).collect() })
    }
}

/// The act that makes a new key where one is due, and answers the keys there are.
pub(crate) struct RenewKeys {
    pub(crate) secret: [u8; 32],
}

impl Act for RenewKeys {
    type Seen = StoredKeys;
    type Plan = (Option<StoredKeys>, StoredKeys, Timestamp);
    type Answer = StoredKeys;
    const NAME: &'static str = "accounts.renew_keys";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<StoredKeys, Fault> {
        rows.lock("token keys")?;
        match site_settings::find(rows, NAME)? {
            None => Ok(StoredKeys::default()),
            Some(text) => serde_json::from_str(&text).map_err(Fault::internal),
        }
    }

    fn decide(&self, seen: StoredKeys, now: Timestamp) -> Result<Self::Plan, Fault> {
        Ok((seen.renewed(&self.secret, now), seen, now))
    }

    fn apply(&self, tx: &mut Tx, (renewed, held, now): Self::Plan) -> Result<StoredKeys, Fault> {
        let Some(renewed) = renewed else { return Ok(held) };
        site_settings::put(tx, NAME, &serde_json::to_string(&renewed).map_err(Fault::internal)?, now)?;
        Ok(renewed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    #[test]
    fn the_first_start_makes_a_key() {
        let made = StoredKeys::default().renewed(&[1; 32], at(0)).unwrap();

        assert_eq!(made.keys().len(), 1);
        assert_eq!(made.renewed(&[2; 32], at(DAY - 1)), None);
    }

    #[test]
    fn the_key_of_yesterday_is_believed_and_the_one_before_forgotten() {
        let first = StoredKeys::default().renewed(&[1; 32], at(0)).unwrap();
        let second = first.renewed(&[2; 32], at(DAY)).unwrap();
        let third = second.renewed(&[3; 32], at(2 * DAY)).unwrap();

        assert_eq!(second.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(third.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [3, 2]);
    }
}
