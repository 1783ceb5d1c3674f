use super::{is_own, not_found};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Trail, Tx,
    selections::{self, FINISHED, LeftoverRow, READY, RUNNING, SelectionCounts, SelectionRow},
};
use gantry_words::{AccountId, Timestamp};
use std::{sync::Arc, time::Duration};

/// Lists of one owner that can wait to be run; with one more the oldest goes.
const WAITING_MAX: usize = 5;
/// Lists that there can be, of all accounts.
const LISTS_MAX: u64 = 200;
/// The longest run.
const RUN_MAX: Duration = Duration::from_secs(24 * 3600);
/// For how long it can be asked what has come of a list.
pub(super) const REPORTED_FOR: Duration = Duration::from_secs(3600);

/// The act that keeps a list, and forgets those whose time is over.
pub(super) struct KeepSelection {
    pub(super) account: AccountId,
    pub(super) row: SelectionRow,
    /// JSON.
    pub(super) images: String,
}

impl Act for KeepSelection {
    /// Those of the owner that wait, the oldest first, and how many there are in all.
    type Seen = (Vec<String>, u64);
    /// Those that make room.
    type Plan = Vec<String>;
    type Answer = ();
    const NAME: &'static str = "registry.keep_selection";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock("image selections")?;
        let waiting = selections::ready_of(rows, self.account, &self.row.owner, LISTS_MAX as usize)?;
        Ok((waiting, selections::count(rows, self.row.made_at)?))
    }

    fn decide(&self, (mut waiting, count): Self::Seen, _: Timestamp) -> Result<Vec<String>, Fault> {
        let surplus = (waiting.len() + 1).saturating_sub(WAITING_MAX);
        waiting.truncate(surplus);
        if count.saturating_sub(waiting.len() as u64) >= LISTS_MAX {
            let message = format!(
                "{LISTS_MAX} lists of images are kept already. Try again when some of them are run, or their time is over"
            );
            return Err(Fault::new(FaultKind::LimitExceeded, message));
        }
        Ok(waiting)
    }

    fn apply(&self, tx: &mut Tx, surplus: Vec<String>) -> Result<(), Fault> {
        selections::forget(tx, self.row.made_at)?;
        for id in surplus {
            selections::delete(tx, &id)?;
        }
        selections::insert(tx, self.account, &self.row, &self.images)
    }
}

/// The act that begins to run a list: once. Answers with it and with its images in JSON.
pub(super) struct BeginSelection {
    pub(super) account: AccountId,
    pub(super) actor: Arc<str>,
    pub(super) token: String,
}

impl Act for BeginSelection {
    type Seen = Option<(SelectionRow, String)>;
    type Plan = (SelectionRow, String);
    type Answer = (SelectionRow, String);
    const NAME: &'static str = "registry.begin_selection";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock("image selections")?;
        let Some(row) = selections::find(rows, self.account, &self.token)? else { return Ok(None) };
        Ok(selections::images(rows, &self.token)?.map(|images| (row, images)))
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        let found = seen.filter(|(row, _)| is_own(row, &self.actor, now));
        let (row, images) = found.ok_or_else(|| not_found(&self.token))?;
        if row.state != READY {
            let message =
                "These images were chosen once and run once; choose them again to do it to those that are left";
            return Err(Fault::new(FaultKind::SelectionUsed, message));
        }
        let (touched_at, ends_at) = (now, now.plus(RUN_MAX));
        Ok((SelectionRow { state: RUNNING.into(), touched_at, ends_at, ..row }, images))
    }

    fn apply(&self, tx: &mut Tx, (row, images): Self::Plan) -> Result<Self::Answer, Fault> {
        selections::go_on(tx, &row.id, &row.state, row.touched_at, row.ends_at, row.counts)?;
        Ok((row, images))
    }
}

/// The act that writes down how far a list is. Only who began it does.
pub(super) struct NoteSelection {
    pub(super) token: String,
    pub(super) counts: SelectionCounts,
    pub(super) leftovers: Vec<LeftoverRow>,
    pub(super) is_finished: bool,
}

impl Act for NoteSelection {
    type Seen = ();
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "registry.note_selection";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock("image selections")
    }

    fn decide(&self, (): (), now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(now)
    }

    fn apply(&self, tx: &mut Tx, at: Timestamp) -> Result<(), Fault> {
        let (state, kept_for) = if self.is_finished { (FINISHED, REPORTED_FOR) } else { (RUNNING, RUN_MAX) };
        selections::go_on(tx, &self.token, state, at, at.plus(kept_for), self.counts)?;
        selections::add_leftovers(tx, &self.token, &self.leftovers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn row(state: &str, ends_at: Timestamp) -> SelectionRow {
        SelectionRow {
            id: "t".into(),
            owner: "ann".into(),
            query: "untagged".into(),
            action: "{}".into(),
            image_count: 1,
            made_at: Timestamp::from_millis(0),
            ends_at,
            state: state.into(),
            touched_at: Timestamp::from_millis(0),
            counts: SelectionCounts::default(),
        }
    }

    fn begin(actor: &str) -> BeginSelection {
        BeginSelection { account: AccountId::DEFAULT, actor: actor.into(), token: "t".into() }
    }

    #[test]
    fn a_list_is_run_once_by_its_owner_and_in_its_time() {
        let (later, hour) = (Timestamp::from_millis(2_000_000), Duration::from_secs(3600));
        let cases = [
            ("ann", Some(row(READY, later)), None),
            ("bob", Some(row(READY, later)), Some(FaultKind::SelectionNotFound)),
            ("ann", Some(row(READY, NOW)), Some(FaultKind::SelectionNotFound)),
            ("ann", Some(row(RUNNING, NOW.plus(hour))), Some(FaultKind::SelectionUsed)),
            ("ann", Some(row(FINISHED, NOW.plus(hour))), Some(FaultKind::SelectionUsed)),
            ("ann", None, Some(FaultKind::SelectionNotFound)),
        ];
        for (actor, found, refused) in cases {
            let seen = found.clone().map(|row| (row, "[]".to_string()));

            let plan = begin(actor).decide(seen, NOW);

            assert_eq!(plan.err().map(|fault| fault.kind), refused, "{actor} {found:?}");
        }
    }

    #[test]
    fn one_owner_keeps_his_newest_lists_and_all_together_no_more_than_there_may_be() {
        let act = KeepSelection { account: AccountId::DEFAULT, row: row(READY, NOW), images: "[]".into() };
        let waiting = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();

        assert_eq!(act.decide((waiting(4), 4), NOW).unwrap(), waiting(0));
        assert_eq!(act.decide((waiting(6), 6), NOW).unwrap(), waiting(2));
        assert_eq!(act.decide((waiting(5), LISTS_MAX), NOW).unwrap(), waiting(1));
        assert_eq!(act.decide((waiting(0), LISTS_MAX), NOW).unwrap_err().kind, FaultKind::LimitExceeded);
    }
}
