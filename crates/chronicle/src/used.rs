use crate::{Audit, Question, people::as_stored};
use gantry_audit::{Outcome, key};
use gantry_fault::Fault;
use gantry_metadata::{Reader, audit};
use gantry_words::{AccountId, Timestamp};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The most records that are looked at for sessions.
const RECORDS_MAX: usize = 50_000;
const PAGE: usize = 1_000;

/// What sessions of roles did.
#[derive(Clone, Debug, Default)]
pub struct SessionActions {
    /// What was done, by the names of roles.
    pub actions: HashMap<String, HashSet<String>>,
    /// Whether all records were looked at: what is not here was not done.
    pub is_complete: bool,
}

impl Audit {
    /// Returns which of `actions` a user has done since a moment. Costs one look at an index, and its records since then.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn actions_of(
        &self,
        account: AccountId,
        user: &str,
        actions: &[&'static str],
        from: Timestamp,
    ) -> Result<HashSet<&'static str>, Fault> {
        let arn = user.to_string();
        let look = move |rows: &mut Reader| {
            let mut done = HashSet::new();
            for stored in as_stored(rows, &arn)? {
                done.extend(audit::done_by(rows, key(account, &stored), from)?);
            }
            Ok(done)
        };
        let done: HashSet<i64> = self.metadata().read_long(look).await?;
        Ok(actions.iter().copied().filter(|action| done.contains(&key(account, action))).collect())
    }

    /// Returns what sessions of roles have done since a moment. Each has a name of its own, under which no index knows its role:
    /// so the records of the account are looked through, the newest 50,000 of them.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn session_actions(&self, account: AccountId, from: Timestamp) -> Result<SessionActions, Fault> {
        let question = Question { outcome: Some(Outcome::Success), from: Some(from), ..Question::default() };
        let (mut found, mut before) = (SessionActions::default(), None);
        for _ in 0..RECORDS_MAX / PAGE {
            let page = self.search(account, &question, before, PAGE).await?;
            before = page.next;
            for (role, action) in page.items.iter().filter_map(|record| session_action(&record.bytes)) {
                found.actions.entry(role).or_default().insert(action);
            }
            if before.is_none() {
                found.is_complete = true;
                break;
            }
        }
        Ok(found)
    }
}

/// The role of a session, and what it did.
fn session_action(bytes: &str) -> Option<(String, String)> {
    let record: Value = serde_json::from_str(bytes).ok()?;
    let own = &record["additionalEventData"]["gantry"];
    let (_, session) = own["principal"].as_str()?.split_once(":assumed-role/")?;
    let (role, _) = session.split_once('/')?;
    Some((role.into(), own["action"].as_str()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_did_its_role_did() {
        let of = |principal: &str| {
            let own = serde_json::json!({"principal": principal, "action": "ecr:PutImage"});
            session_action(&serde_json::json!({"additionalEventData": {"gantry": own}}).to_string())
        };

        let session = of("arn:aws:sts::000000000000:assumed-role/deploy/build-7");
        assert_eq!(session, Some(("deploy".into(), "ecr:PutImage".into())));
        assert_eq!(of("arn:aws:iam::000000000000:user/assumed-role/x"), None);
    }
}
