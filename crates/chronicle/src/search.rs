use crate::{
    Audit,
    people::{as_stored, reveal_all},
};
use gantry_audit::{Outcome, key, number};
use gantry_fault::Fault;
use gantry_metadata::{
    Metadata, Reader,
    audit::{self, Found, Place, Search},
};
use gantry_words::{AccountId, Timestamp};
use serde_json::Value;
use std::cmp::Reverse;

/// Rows looked at in one read, so that none takes long.
const ROWS_MAX: usize = 1000;

/// What is asked of the audit of an account. What is `None` may be anything.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Who acted: an ARN, `anonymous`, `gantry:<job>`.
    pub principal: Option<String>,
    /// In which repository.
    pub repository: Option<String>,
    /// On which digest.
    pub digest: Option<String>,
    /// What was asked for: `ecr:PutImage`.
    pub action: Option<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// Records that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The newest first.
    pub items: Vec<Found>,
    /// The place before which the search goes on, also where fewer were found than were asked for; `None` at the end.
    pub next: Option<Place>,
}

impl Audit {
    /// As [`search`], in the database it writes to, up to what this server is doing now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn search(
        &self,
        account: AccountId,
        question: &Question,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Records, Fault> {
        if before.is_none() {
            self.catch_up().await;
        }
        search(self.metadata(), account, question, before, limit).await
    }
}

/// Returns up to `limit` records of an account before a place, the newest first; fewer, or none, where much had to be looked at:
/// the next call goes on from there. Among them are those that still count: they
/// have no `eventID` yet, and `pending` in `additionalEventData.gantry`.
///
/// # Errors
/// The database does not answer.
pub async fn search(
    metadata: &Metadata,
    account: AccountId,
    question: &Question,
    before: Option<Place>,
    limit: usize,
) -> Result<Records, Fault> {
    let of = |text: &Option<String>| text.as_deref().map_or(0, |text| key(account, text));
    let asked = Search {
        account: number(account),
        principal: of(&question.principal),
        repository: of(&question.repository),
        digest: of(&question.digest),
        action: of(&question.action),
        outcome: question.outcome.map_or(-1, Outcome::number),
        from: question.from.map_or(i64::MIN, Timestamp::millis),
    };
    let end = question.until.map_or(i64::MAX, Timestamp::millis);
    let end = Place { at: end, writer: i64::MIN, seq: i64::MIN };
    let place = before.map_or(end, |before| before.min(end));
    let wanted = limit.min(ROWS_MAX);
    let principal = question.principal.clone();
    // Both of one moment: what stops counting meanwhile is neither missing nor there twice.
    let look = move |rows: &mut Reader| {
        let counting = audit::counting(rows, &asked, place, wanted + 1)?;
        let stored = match &principal {
            None => vec![0],
            Some(arn) => as_stored(rows, arn)?.iter().map(|arn| key(account, arn)).collect(),
        };
        let (mut items, mut rest): (Vec<Found>, Option<Place>) = (vec![], None);
        for principal in stored {
            let looked = audit::search(rows, &Search { principal, ..asked }, place, wanted + 1)?;
            items.extend(looked.found);
            rest = rest.max(looked.rest);
        }
        items.extend(counting.into_iter().map(|found| Found { bytes: pending(&found.bytes), ..found }));
        items.sort_unstable_by_key(|found| Reverse(found.place));
        // Behind the place where one look ended others may have more.
        items.retain(|found| rest.is_none_or(|rest| found.place >= rest));
        let has_more = items.len() > wanted;
        items.truncate(wanted);
        let next = if has_more { items.last().map(|last| last.place) } else { rest };
        reveal_all(rows, items.iter_mut().map(|found| &mut found.bytes))?;
        Ok(Records { items, next })
    };
    let Records { mut items, next } = metadata.read_long(look).await?;
    // By an accident of 1 in 2^64 another text has the same key.
    items.retain(|found| is_meant(&found.bytes, account, question));
    Ok(Records { items, next })
}

/// Says of a record that it still counts, and that it has no place yet.
fn pending(bytes: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(bytes) else { return bytes.into() };
    value["additionalEventData"]["gantry"]["pending"] = true.into();
    if let Some(members) = value.as_object_mut() {
        members.remove("eventID");
    }
    value.to_string()
}

fn is_meant(bytes: &str, account: AccountId, question: &Question) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(bytes) else { return true };
    let own = &value["additionalEventData"]["gantry"];
    let fits = |wanted: &Option<String>, told: &Value| wanted.as_deref().is_none_or(|wanted| told == wanted);
    value["recipientAccountId"] == account.as_str()
        && fits(&question.principal, &own["principal"])
        && fits(&question.digest, &own["digest"])
        && fits(&question.action, &own["action"])
        && fits(&question.repository, &value["requestParameters"]["repositoryName"])
}
