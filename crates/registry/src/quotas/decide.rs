//! Whether a quota lets something be taken, and what is to be told of it: pure.

use gantry_fault::{Detail, Fault, FaultKind};
use gantry_metadata::{
    Event,
    quotas::{Measure, QuotaLimits, QuotaRow},
};
use gantry_words::ByteCount;
use serde_json::json;

/// Of how much of a limit it is told once that is reached, in percent.
const TOLD_AT: [u64; 3] = [100, 90, 80];

/// What is to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Adds {
    /// Bytes of a blob that its repository does not hold yet.
    pub(crate) bytes: u64,
    /// Images that are new in their repository.
    pub(crate) images: u64,
    /// Bytes that quotas keep for it now, and no longer once it is taken.
    pub(crate) released: u64,
}

/// That so much of a quota is used as it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    scope: String,
    what: &'static str,
    /// How much of the limit that is; `None` where it is the soft limit beside a hard one.
    percent: Option<u64>,
    used: u64,
    limit: u64,
}

impl Reached {
    /// The fact for the outbox.
    pub(crate) fn event(&self, repository: i64) -> Event {
        let Reached { scope, what, percent, used, limit } = self;
        let body = json!({"scope": scope, "of": what, "percent": percent, "used": used, "limit": limit});
        Event { kind: "quota.reached", repository: Some(repository), body }
    }
}

/// One of the two things that a quota counts.
#[derive(Clone, Copy)]
struct Count {
    what: &'static str,
    used: u64,
    reserved: u64,
    adds: u64,
    hard: Option<u64>,
    soft: Option<u64>,
}

/// Decides whether all of these quotas let it be taken; returns what is to be told then.
///
/// # Errors
/// [`FaultKind::QuotaExceeded`] for the first that does not.
pub(crate) fn decide(quotas: &[QuotaRow], adds: Adds) -> Result<Vec<Reached>, Fault> {
    let mut reached = Vec::new();
    for quota in quotas {
        for count in counts(quota, adds) {
            let taken = count.used.saturating_add(count.reserved);
            if count.adds > 0 && count.hard.is_some_and(|hard| taken.saturating_add(count.adds) > hard) {
                return Err(refusal(quota, &count));
            }
            reached.extend(told(&quota.scope, &count));
        }
    }
    Ok(reached)
}

/// Returns what is to be told of these quotas once that is taken, whatever they allow.
pub(crate) fn reached(quotas: &[QuotaRow], adds: Adds) -> Vec<Reached> {
    let of_quota = |quota: &QuotaRow| counts(quota, adds).map(|count| told(&quota.scope, &count));
    quotas.iter().flat_map(of_quota).flatten().collect()
}

/// Returns how many bytes all of these quotas have room for beyond what is to be taken.
pub(crate) fn room(quotas: &[QuotaRow], adds: Adds) -> u64 {
    let room = |quota: &QuotaRow| {
        let [Count { used, reserved, adds, hard, .. }, _] = counts(quota, adds);
        hard.map(|hard| hard.saturating_sub(used.saturating_add(reserved).saturating_add(adds)))
    };
    quotas.iter().filter_map(room).min().unwrap_or(u64::MAX)
}

fn counts(quota: &QuotaRow, adds: Adds) -> [Count; 2] {
    let QuotaLimits { measure, bytes_hard, bytes_soft, images_hard, images_soft } = quota.limits;
    let needs_room = measure == Measure::Logical || !quota.holds_blob;
    [
        Count {
            what: "bytes",
            used: quota.used_bytes,
            reserved: quota.reserved_bytes.saturating_sub(adds.released),
            adds: if needs_room { adds.bytes } else { 0 },
            hard: bytes_hard,
            soft: bytes_soft,
        },
        Count {
            what: "images",
            used: quota.used_images,
            reserved: 0,
            adds: adds.images,
            hard: images_hard,
            soft: images_soft,
        },
    ]
}

/// What of a limit is used only with what is added.
fn told(scope: &str, count: &Count) -> Vec<Reached> {
    let after = count.used.saturating_add(count.adds);
    let tell = |percent, limit| Reached { scope: scope.into(), what: count.what, percent, used: after, limit };
    let mut told = Vec::new();
    if let Some(limit) = count.hard.or(count.soft) {
        let is_at = |used: u64, percent: u64| u128::from(used) * 100 >= u128::from(limit) * u128::from(percent);
        let crossed = TOLD_AT.into_iter().find(|percent| is_at(after, *percent) && !is_at(count.used, *percent));
        told.extend(crossed.map(|percent| tell(Some(percent), limit)));
    }
    if let (Some(_), Some(soft)) = (count.hard, count.soft)
        && count.used <= soft
        && after > soft
    {
        told.push(tell(None, soft));
    }
    told
}

fn refusal(quota: &QuotaRow, count: &Count) -> Fault {
    let Count { what, used, reserved, adds, hard, .. } = *count;
    let hard = hard.unwrap_or_default();
    // Rounded alone, 9.96 and 10.04 would look the same.
    let size = |bytes| match ByteCount::bytes(bytes).rounded() {
        exact if bytes < 1024 => exact,
        rounded => format!("{rounded} ({bytes} bytes)"),
    };
    let scope = &quota.scope;
    let counted = if quota.limits.measure == Measure::Physical { ", each blob counted once" } else { "" };
    let said = match what {
        "bytes" => format!(
            "allows {}{counted}; {} are used, {} more are kept for open uploads, and this needs {} more",
            size(hard),
            size(used),
            size(reserved),
            size(adds)
        ),
        _ => format!("allows {hard} images; there are {used}, and this needs {adds} more"),
    };
    let message = format!(
        "The quota of '{scope}' {said}. Delete what is not needed (gantry usage shows the largest repositories; what is in the trash counts \
         until it is emptied), or ask for more: gantry quota set '{scope}'"
    );
    let number = |count: u64| Detail::Number(i64::try_from(count).unwrap_or(i64::MAX));
    Fault::new(FaultKind::QuotaExceeded, message).with("limit", number(hard)).with("used", number(used))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Timestamp;

    fn quota(hard: Option<u64>, soft: Option<u64>, used: u64) -> QuotaRow {
        QuotaRow {
            id: 1,
            scope: "team/*".into(),
            limits: QuotaLimits {
                measure: Measure::Logical,
                bytes_hard: hard,
                bytes_soft: soft,
                images_hard: Some(10),
                images_soft: None,
            },
            used_bytes: used,
            used_images: 3,
            reserved_bytes: 0,
            holds_blob: false,
            growth_bytes_per_day: None,
            changed_at: Timestamp::default(),
            changed_by: "ann".into(),
        }
    }

    fn bytes(bytes: u64) -> Adds {
        Adds { bytes, ..Adds::default() }
    }

    #[test]
    fn a_quota_takes_exactly_what_it_allows() {
        let quota = quota(Some(100), None, 60);

        assert!(decide(std::slice::from_ref(&quota), bytes(40)).is_ok());
        let refused = decide(std::slice::from_ref(&quota), bytes(41)).unwrap_err();
        assert_eq!(refused.kind, FaultKind::QuotaExceeded);
        assert!(refused.message.contains("'team/*' allows 100 B; 60 B are used"), "{}", refused.message);
        assert!(refused.message.contains("this needs 41 B more"), "{}", refused.message);
    }

    #[test]
    fn what_uploads_have_reserved_is_taken() {
        let quota = QuotaRow { reserved_bytes: 30, ..quota(Some(100), None, 60) };

        assert!(decide(std::slice::from_ref(&quota), bytes(10)).is_ok());
        assert!(decide(std::slice::from_ref(&quota), bytes(11)).is_err());
    }

    #[test]
    fn the_room_is_that_of_the_fullest_quota() {
        let quotas = [quota(None, Some(1), 60), quota(Some(100), None, 60), quota(Some(90), None, 50)];

        assert_eq!(room(&quotas, bytes(10)), 30);
        assert_eq!(room(&quotas, bytes(50)), 0);
        assert_eq!(room(&quotas[..1], bytes(10)), u64::MAX);
    }

    #[test]
    fn what_was_reserved_for_it_is_its_own() {
        let quota = QuotaRow { reserved_bytes: 30, ..quota(Some(100), None, 60) };

        let adds = |bytes| Adds { bytes, released: 30, ..Adds::default() };

        assert!(decide(std::slice::from_ref(&quota), adds(40)).is_ok());
        assert!(decide(std::slice::from_ref(&quota), adds(41)).is_err());
    }

    #[test]
    fn a_blob_that_is_counted_already_needs_room_only_where_each_repository_counts() {
        let physical = |holds_blob| {
            let mut quota = QuotaRow { holds_blob, ..quota(Some(100), None, 100) };
            quota.limits.measure = Measure::Physical;
            quota
        };

        let again = decide(&[physical(true)], bytes(10));
        let new = decide(&[physical(false)], bytes(10)).unwrap_err();
        let logical = decide(&[QuotaRow { holds_blob: true, ..quota(Some(100), None, 100) }], bytes(10));

        assert_eq!(again.unwrap(), []);
        assert!(new.message.contains("allows 100 B, each blob counted once"), "{}", new.message);
        assert!(logical.is_err());
    }

    #[test]
    fn what_needs_nothing_is_taken_beyond_the_limit_too() {
        let quota = quota(Some(100), None, 200);

        assert_eq!(decide(std::slice::from_ref(&quota), Adds { images: 1, ..Adds::default() }).unwrap(), []);
        assert!(decide(std::slice::from_ref(&quota), Adds { images: 8, ..Adds::default() }).is_err());
    }

    #[test]
    fn every_quota_is_asked() {
        let quotas = [quota(None, None, 60), quota(Some(1_000), None, 60), quota(Some(61), None, 60)];

        assert!(decide(&quotas, bytes(1)).is_ok());
        assert!(decide(&quotas, bytes(2)).is_err());
    }

    #[test]
    fn it_is_told_once_when_eighty_ninety_and_a_hundred_percent_are_reached() {
        let cases = [
            (0, 79, vec![]),
            (0, 80, vec![Some(80)]),
            (79, 2, vec![Some(80)]),
            (80, 1, vec![]),
            (0, 95, vec![Some(90)]),
            (85, 15, vec![Some(100)]),
            (100, 0, vec![]),
        ];
        for (used, adds, percents) in cases {
            let reached = decide(&[quota(Some(100), None, used)], bytes(adds)).unwrap();
            let told: Vec<_> = reached.iter().map(|reached| reached.percent).collect();
            assert_eq!(told, percents, "{used} and {adds}");
        }
    }

    #[test]
    fn a_soft_limit_is_told_of_and_refuses_nothing() {
        let alone = decide(&[quota(None, Some(100), 70)], bytes(50)).unwrap();
        let beside = decide(&[quota(Some(1_000), Some(100), 70)], bytes(50)).unwrap();

        assert_eq!((alone.len(), alone[0].percent, alone[0].used), (1, Some(100), 120));
        assert_eq!((beside.len(), beside[0].percent, beside[0].limit), (1, None, 100));
    }
}
