use crate::keys::{KeyMaterial, SIGNS_AFTER};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Act, Change, Query, Reader, Trail, Tx, change, query, values};
use gantry_words::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How old the newest key grows.
const ROTATED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// The one that signs, and the one that did or will.
const KEYS_KEPT: usize = 2;
const SETTING: &str = "token-keys";

// A key that is let go signed its last token `SIGNS_AFTER` after the next was drawn; none may still be alive then.
const _: () = assert!(ROTATED_EVERY.as_secs() > SIGNS_AFTER.as_secs() + 12 * 60 * 60);

static FIND: Query = query("SELECT value FROM setting WHERE name = $1");
static SET: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
);

/// The form of the setting.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// The newest first.
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    kid: u32,
    made_at: Timestamp,
    /// 32 bytes in base64.
    secret: String,
}

/// Draws a key for `now`.
pub(crate) fn draw(env: &Env, now: Timestamp) -> KeyMaterial {
    KeyMaterial { kid: u32::from_le_bytes(env.random()), made_at: now, bytes: Secret::new(env.random()) }
}

/// Returns the keys that are kept, the newest first; none before the first start.
pub(crate) fn find(rows: &mut Reader) -> Result<Vec<KeyMaterial>, Fault> {
    match rows.one(&FIND, values![SETTING])? {
        None => Ok(vec![]),
        Some(row) => parse(row.text(0)?),
    }
}

/// Whether it is time for a new key.
pub(crate) fn is_due(newest_made_at: Option<Timestamp>, now: Timestamp) -> bool {
    newest_made_at.is_none_or(|made_at| now.since(made_at) >= ROTATED_EVERY)
}

/// Puts `fresh` before the keys that are kept if it is time, and lets the oldest go. Returns those kept after it.
pub(crate) struct RotateTokenKeys {
    /// Drawn beforehand: an act may run more than once.
    pub(crate) fresh: KeyMaterial,
}

/// What becomes of the keys.
#[derive(Debug)]
pub(crate) struct Rotation {
    keys: Vec<KeyMaterial>,
    is_new: bool,
}

impl Act for RotateTokenKeys {
    type Seen = Vec<KeyMaterial>;
    type Plan = Rotation;
    type Answer = Vec<KeyMaterial>;
    const NAME: &'static str = "RotateTokenKeys";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Vec<KeyMaterial>, Fault> {
        rows.lock(SETTING)?;
        find(rows)
    }

    fn decide(&self, seen: Vec<KeyMaterial>, now: Timestamp) -> Result<Rotation, Fault> {
        // Another replica may have been faster.
        if !is_due(seen.first().map(|key| key.made_at), now) {
            return Ok(Rotation { keys: seen, is_new: false });
        }
        let mut fresh = self.fresh.clone();
        while seen.iter().any(|key| key.kid == fresh.kid) {
            fresh.kid = fresh.kid.wrapping_add(1);
        }
        Ok(Rotation { keys: [fresh].into_iter().chain(seen).take(KEYS_KEPT).collect(), is_new: true })
    }

    fn apply(&self, tx: &mut Tx, plan: Rotation) -> Result<Vec<KeyMaterial>, Fault> {
        if plan.is_new {
            let now = tx.now();
            tx.write(&SET, values![SETTING, print(&plan.keys), now])?;
        }
        Ok(plan.keys)
    }
}

fn print(keys: &[KeyMaterial]) -> String {
    let stored = |key: &KeyMaterial| StoredKey {
        kid: key.kid,
        made_at: key.made_at,
        secret: STANDARD.encode(key.bytes.reveal()),
    };
    serde_json::to_string(&Stored { keys: keys.iter().map(stored).collect() }).expect("numbers and texts are JSON")
}

fn parse(text: &str) -> Result<Vec<KeyMaterial>, Fault> {
    // What stands there is never repeated: it may be half a key.
    let unreadable = || {
        Fault::internal(format!(
            "the row {SETTING:?} of table setting is unreadable; delete it to have new keys drawn: every token issued \
             before is then worth nothing, and clients get new ones by themselves"
        ))
    };
    let stored: Stored = serde_json::from_str(text).map_err(|_| unreadable())?;
    let read = |key: StoredKey| {
        let bytes = STANDARD.decode(key.secret).ok()?.try_into().ok()?;
        Some(KeyMaterial { kid: key.kid, made_at: key.made_at, bytes: Secret::new(bytes) })
    };
    stored.keys.into_iter().map(read).collect::<Option<Vec<_>>>().ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_255_200_000);

    fn key(kid: u32, made_at: Timestamp) -> KeyMaterial {
        KeyMaterial { kid, made_at, bytes: Secret::new([kid.to_be_bytes()[3]; 32]) }
    }

    fn decide(fresh: u32, seen: &[(u32, Timestamp)]) -> (Vec<u32>, bool) {
        let act = RotateTokenKeys { fresh: key(fresh, NOW) };
        let plan = act.decide(seen.iter().map(|(kid, made_at)| key(*kid, *made_at)).collect(), NOW).unwrap();
        (plan.keys.iter().map(|key| key.kid).collect(), plan.is_new)
    }

    fn hours_ago(hours: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(hours * 3600))
    }

    #[test]
    fn the_first_start_draws_a_key() {
        assert_eq!(decide(7, &[]), (vec![7], true));
    }

    #[test]
    fn a_key_of_today_stays() {
        assert_eq!(decide(7, &[(1, hours_ago(23))]), (vec![1], false));
    }

    #[test]
    fn a_key_of_yesterday_gets_a_successor_and_the_one_before_goes() {
        assert_eq!(decide(7, &[(2, hours_ago(24)), (1, hours_ago(48))]), (vec![7, 2], true));
    }

    #[test]
    fn two_keys_never_have_the_same_number() {
        assert_eq!(decide(2, &[(2, hours_ago(24))]), (vec![3, 2], true));
    }

    #[test]
    fn keys_are_read_as_they_were_written() {
        let keys = [key(u32::MAX, NOW), key(0, hours_ago(24))];

        let read = parse(&print(&keys)).unwrap();

        for (read, key) in read.iter().zip(&keys) {
            assert_eq!((read.kid, read.made_at), (key.kid, key.made_at));
            assert_eq!(read.bytes.reveal(), key.bytes.reveal());
        }
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn an_unreadable_row_says_what_to_do_and_shows_no_key() {
        let short = r#"{"keys":[{"kid":1,"made_at":"2026-11-21T09:00:00Z","secret":"c2VjcmV0"}]}"#;
        for text in ["", "{}", "[]", short, r#"{"keys":[],"more":1}"#, r#"{"keys":[{"secret":"c2VjcmV0"}]}"#] {
            let fault = parse(text).unwrap_err();
            let cause = fault.source.unwrap().to_string();
            assert!(cause.contains("token-keys") && cause.contains("delete it"), "{cause}");
            assert!(!cause.contains("c2VjcmV0"));
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert!(format!("{:?}", key(200, NOW)).ends_with("bytes: *** }"));
    }
}
