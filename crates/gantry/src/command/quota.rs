use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::{QuotaDocument, QuotaLimitsDocument, QuotaMeasureDocument};
use gantry_words::{AccountId, ByteCount};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

/// Limit how much repositories may hold together
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry quota ls")]
pub(crate) struct QuotaCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Set how much repositories may hold together, in place of what was set before
    ///
    /// What there is already stays. What is pushed beyond a hard limit is refused; an event tells when 80, 90 and 100 percent are
    /// reached, and when a soft limit is passed.
    #[command(after_help = "Example:\n  gantry quota set 'team/*' --bytes 500GiB --soft-bytes 400GiB --images 10000")]
    Set {
        /// * for all repositories, team/* for those below a prefix, team/app for one
        scope: String,
        /// Take no more bytes than this
        #[arg(long, value_name = "SIZE")]
        bytes: Option<ByteCount>,
        /// Tell when there are more bytes than this
        #[arg(long, value_name = "SIZE")]
        soft_bytes: Option<ByteCount>,
        /// Take no more images than this
        #[arg(long, value_name = "COUNT")]
        images: Option<u64>,
        /// Tell when there are more images than this
        #[arg(long, value_name = "COUNT")]
        soft_images: Option<u64>,
        /// How bytes of what several repositories hold are counted: in each (logical), or once (physical)
        #[arg(long, value_enum, default_value_t)]
        measure: Measure,
        /// Of this account, as the root user of the site's own
        #[arg(long, value_name = "ID")]
        account: Option<AccountId>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List quotas, how much of each is used, and when its bytes are full if they go on to grow
    #[command(after_help = "Example:\n  gantry quota ls --output json")]
    Ls {
        /// Of this account, as the root user of the site's own
        #[arg(long, value_name = "ID")]
        account: Option<AccountId>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Remove a quota
    #[command(after_help = "Example:\n  gantry quota rm 'team/*'")]
    Rm {
        /// The scope as it was given
        scope: String,
        /// Of this account, as the root user of the site's own
        #[arg(long, value_name = "ID")]
        account: Option<AccountId>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Measure {
    #[default]
    Logical,
    Physical,
}

#[derive(Deserialize)]
struct Quotas {
    quotas: Vec<QuotaDocument>,
}

impl QuotaCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Set { scope, bytes, soft_bytes, images, soft_images, measure, account, remote, output } => {
                let limits = QuotaLimitsDocument {
                    measure: match measure {
                        Measure::Logical => QuotaMeasureDocument::Logical,
                        Measure::Physical => QuotaMeasureDocument::Physical,
                    },
                    bytes_hard: bytes.map(ByteCount::get),
                    bytes_soft: soft_bytes.map(ByteCount::get),
                    images_hard: images,
                    images_soft: soft_images,
                };
                if [bytes, soft_bytes] == [None; 2] && [images, soft_images] == [None; 2] {
                    let remedy = "Say how much with --bytes, --images, --soft-bytes or --soft-images, or remove it with: gantry quota rm";
                    return Err(Failure::usage("a quota limits something", remedy));
                }
                let set: QuotaDocument =
                    Remote::open(&remote)?.put(Method::PUT, &of_account(&path_of(&scope), account), &limits)?;
                Printer::stdout(output.format).answer(&set, |set| table(std::slice::from_ref(set)))?;
            }
            What::Ls { account, remote, output } => {
                let found: Quotas = Remote::open(&remote)?.get(&of_account("/api/v1/quotas", account))?;
                Printer::stdout(output.format).answer(&found.quotas, |quotas| table(quotas))?;
            }
            What::Rm { scope, account, remote, output } => {
                Remote::open(&remote)?.delete(&of_account(&path_of(&scope), account))?;
                let sentence = format!("Removed the quota of {scope}");
                Printer::stdout(output.format).tell(&json!({"removed": scope}), &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Where the server has the quota of a scope.
fn path_of(scope: &str) -> String {
    format!("/api/v1/quotas/{}", percent_encoded(scope, "/"))
}

/// The same address for another account, where one is named.
fn of_account(path: &str, account: Option<AccountId>) -> String {
    account.map_or_else(|| path.to_string(), |account| format!("{path}?account={account}"))
}

fn table(quotas: &[QuotaDocument]) -> Table {
    let header =
        ["SCOPE", "MEASURE", "BYTES", "RESERVED", "SOFT", "HARD", "USED", "FULL", "IMAGES", "SOFT", "HARD", "USED"];
    let mut table = Table::new(header).right(&[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for quota in quotas {
        let QuotaLimitsDocument { measure, bytes_hard, bytes_soft, images_hard, images_soft } = quota.limits;
        let size = |bytes: u64| ByteCount::bytes(bytes).rounded();
        let count = |images: u64| images.to_string();
        table.row([
            quota.scope.as_str().into(),
            match measure {
                QuotaMeasureDocument::Logical => "logical".into(),
                QuotaMeasureDocument::Physical => "physical".into(),
            },
            size(quota.used_bytes).into(),
            size(quota.reserved_bytes).into(),
            limit(bytes_soft, size),
            limit(bytes_hard, size),
            share(quota.used_bytes, bytes_hard),
            limit(quota.days_until_full, |days| format!("in {days} days")),
            count(quota.used_images).into(),
            limit(images_soft, count),
            limit(images_hard, count),
            share(quota.used_images, images_hard),
        ]);
    }
    table
}

fn limit(limit: Option<u64>, print: impl Fn(u64) -> String) -> Cell {
    limit.map_or_else(|| Cell::toned("-", Tone::Faint), |limit| print(limit).into())
}

/// How much of a hard limit is used.
fn share(used: u64, hard: Option<u64>) -> Cell {
    let Some(hard) = hard else { return Cell::toned("-", Tone::Faint) };
    let percent = u128::from(used) * 100 / u128::from(hard.max(1));
    let tone = if percent >= 100 { Tone::Bad } else { Tone::Plain };
    Cell::toned(format!("{percent}%"), tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_how_much_of_a_quota_is_used() {
        let quota = QuotaDocument {
            scope: "team/*".into(),
            limits: QuotaLimitsDocument { bytes_hard: Some(4 << 30), images_soft: Some(9), ..Default::default() },
            used_bytes: 3 << 30,
            used_images: 7,
            reserved_bytes: 0,
            growth_bytes_per_day: Some(1 << 29),
            days_until_full: Some(2),
            changed_at: "2026-01-01T00:00:00Z".into(),
            changed_by: "ann".into(),
        };

        let text = table(&[quota]).print(false);

        let cells: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(cells[..10], ["team/*", "logical", "3.0", "GiB", "0", "B", "-", "4.0", "GiB", "75%"]);
        assert_eq!(cells[10..], ["in", "2", "days", "7", "9", "-", "-"]);
    }

    #[test]
    fn the_star_of_a_scope_is_escaped_and_its_slash_is_not() {
        assert_eq!(path_of("team/*"), "/api/v1/quotas/team/%2A");
    }
}
