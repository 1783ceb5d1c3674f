//! The stages, in the order they run. A new one is an entry here.

use super::{
    Grounds, Verdict,
    cargo_tests::{self, CargoTests, Database, Place},
    conform, conform_as_it_comes, conform_on_postgresql, fuzz, packaging,
};
use crate::{
    check,
    conformance::Suite,
    tools,
    trouble::{Outcome, Trouble},
};

/// One stage.
pub(super) struct Stage {
    /// What `--only` calls it.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    /// Whether `--quick` runs it.
    pub(super) is_quick: bool,
    /// The tools it uses, installed before it begins.
    tools: &'static [&'static str],
    deed: Deed,
}

enum Deed {
    Function(fn(&Grounds<'_>) -> Outcome<Verdict>),
    Tests(CargoTests),
}

/// Every stage.
pub(super) const STAGES: &[Stage] = &[
    Stage { is_quick: true, ..stage("check", "form, lints, walls, generated pages, licences", &[], run_check) },
    Stage {
        is_quick: true,
        ..stage("unit", "the crates' own tests, and their examples", &["postgres", "slapd"], cargo_tests::run_unit)
    },
    stage("build", "the binary, without shared libraries", &[], |grounds| {
        grounds.binary().map(|_| Verdict::Passed(String::new()))
    }),
    stage(
        "packaging",
        "Helm chart, systemd unit, a container that runs",
        &["helm", "buildah", "podman", "runc", "systemd-analyze"],
        packaging::run,
    ),
    stage("conformance-1.1.1", "OCI's suite of release 1.1.1", &[], |grounds| conform(grounds, Suite::Release)),
    stage("conformance-head", "OCI's suite for what comes next", &[], |grounds| conform(grounds, Suite::Head)),
    stage("conformance-as-it-comes", "both suites, with nothing set", &[], conform_as_it_comes),
    stage("conformance-postgresql", "both suites, on PostgreSQL", &["postgres"], conform_on_postgresql),
    client(
        "docker",
        &["clients::docker::"],
        "docker engine and its containerd push and pull",
        &["dockerd", "containerd"],
    ),
    client("podman", &["clients::podman::"], "podman pushes and pulls", &["podman", "skopeo"]),
    client("skopeo", &["clients::skopeo::"], "skopeo copies", &["skopeo"]),
    client("buildah", &["clients::buildah::"], "buildah pushes and pulls", &["buildah"]),
    client("crane", &["clients::crane::"], "crane pushes, pulls, copies and deletes", &["crane"]),
    client("regctl", &["clients::regctl::"], "regctl pushes, pulls, copies and deletes", &["regctl"]),
    client("oras", &["clients::oras::"], "oras attaches and discovers", &["oras"]),
    client("helm", &["clients::helm::"], "helm pushes and pulls charts", &["helm"]),
    client("cosign", &["clients::cosign::"], "cosign signs and verifies", &["cosign"]),
    client("notation", &["clients::notation::"], "notation signs and verifies", &["notation"]),
    client(
        "moving",
        &["moving::"],
        "what skopeo, oras, docker, podman, distribution and zot wrote moves in, and out",
        &["skopeo", "oras", "podman", "dockerd", "distribution", "zot", "versitygw"],
    ),
    client(
        "aws",
        &["aws::"],
        "boto3 and the AWS command line manage repositories and images",
        &["python-aws", "skopeo", "crane", "podman", "dockerd", "postgres"],
    ),
    client(
        "terraform",
        &["terraform::"],
        "Terraform's AWS provider, where it is installed (TF_MIRROR)",
        &["python-aws"],
    ),
    client(
        "logins",
        &["logins::"],
        "people log in at a provider, and let terminals in",
        &["node", "npm", "oidc-provider", "python-aws", "crane", "postgres"],
    ),
    client("crash", &["crash::"], "killed at random moments, nothing acknowledged is lost", &[]),
    client("storage", &["storage::"], "a disk that fills up, a blob that rots, what is collected", &["strace"]),
    client("database", &["database::"], "a database that goes away, and one of either kind", &["postgres"]),
    client("hostile", &["hostile::", "limits::", "smuggling::"], "what bad input gets", &["curl"]),
    client(
        "other",
        &[],
        "everything else that is tried on the binary",
        &["postgres", "slapd", "curl", "openssl", "sqlite3", "python-aws", "crane", "npm", "mvn", "osv-scanner"],
    ),
    Stage {
        tools: &["postgres", "strace", "curl", "crane", "python-aws"],
        ..tests(
            "postgresql",
            "what must hold of registry and scanner whatever the database is, on PostgreSQL",
            CargoTests {
                database: Database::Postgresql,
                filters: ON_BOTH,
                skipped: ONCE_ONLY,
                environment: &[("GANTRY_CRASHES", "60")],
                ..AGAINST_BINARY
            },
        )
    },
    tests(
        "simulation",
        "a simulated world, thousands of times",
        CargoTests { place: Place::Simulation, environment: &[("GANTRY_SEEDS", "2000")], ..AGAINST_BINARY },
    ),
    stage("fuzz", "each fuzz target, six seconds, two at a time", &["cargo-fuzz"], fuzz::run),
];

/// Tests of the binary that run once on SQLite, with all others, and once on PostgreSQL.
const ON_BOTH: &[&str] = &[
    "basics::",
    "bulk::",
    "clients::crane::",
    "conditions::",
    "crash::",
    "events::",
    "found::",
    "gates::",
    "heads::",
    "hostile::",
    "lifecycle::",
    "lists::",
    "protection::",
    "quotas::",
    "referrers::",
    "resume::",
    "scan::",
    "storage::",
    "undo::",
    "uploads::",
    "usage::",
    // The others are about layers and their reader; that it died is kept in the database.
    "workers::a_worker_that_is_killed_is_replaced",
];

/// Of them those that are about the file of SQLite, about a disk that it shares with the blobs, or about bytes without a row, which are
/// left alone for an hour where another server might be about to link them; those that bring a PostgreSQL of their own, or need no
/// server; those that make access keys, which want a master key that servers on one database would have to share; and those of the ECR API that
/// have such a name too.
const ONCE_ONLY: &[&str] = &[
    "storage::owner::",
    "full_to_the_last_byte",
    "leftovers_of_a_crash",
    "of_two_servers_",
    "without_a_server",
    "_root_folder_",
    "a_pipeline_says_",
    "a_role_whose_policy_denies_",
    "a_search_shows_everybody_",
    "a_token_is_its_owners_",
    "each_image_is_decided_by_policy_",
    "nobody_is_told_of_what_he_may_not_see",
    "where_two_people_are_asked_",
    "aws::",
];

const AGAINST_BINARY: CargoTests = CargoTests {
    place: Place::AgainstBinary,
    filters: &[],
    skipped: &[],
    database: Database::Sqlite,
    environment: &[],
};

/// Returns the filters of all stages that are tests of the binary, as it comes.
pub(super) fn client_filters() -> impl Iterator<Item = &'static str> {
    let filters = STAGES.iter().filter_map(|stage| match &stage.deed {
        Deed::Tests(CargoTests { place: Place::AgainstBinary, database: Database::Sqlite, filters, .. }) => {
            Some(*filters)
        }
        Deed::Tests(_) | Deed::Function(_) => None,
    });
    filters.flatten().copied()
}

const fn stage(
    name: &'static str,
    about: &'static str,
    tools: &'static [&'static str],
    function: fn(&Grounds<'_>) -> Outcome<Verdict>,
) -> Stage {
    Stage { name, about, is_quick: false, tools, deed: Deed::Function(function) }
}

/// Modules of `crates/e2e/tests/it`; without one, those that no other stage names.
const fn client(
    name: &'static str,
    filters: &'static [&'static str],
    about: &'static str,
    tools: &'static [&'static str],
) -> Stage {
    Stage { tools, ..tests(name, about, CargoTests { filters, ..AGAINST_BINARY }) }
}

const fn tests(name: &'static str, about: &'static str, tests: CargoTests) -> Stage {
    Stage { name, about, is_quick: false, tools: &[], deed: Deed::Tests(tests) }
}

fn run_check(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    check::perform(grounds.places, check::Mode::Look).map(|()| Verdict::Passed(String::new()))
}

impl Stage {
    /// Installs its tools and runs it.
    pub(super) fn run(&self, grounds: &Grounds<'_>) -> Outcome<Verdict> {
        for name in self.tools {
            tools::require(grounds.places, name)
                .map_err(|trouble| Trouble::new(format!("cannot be run: {trouble}")))?;
        }
        match &self.deed {
            Deed::Function(function) => function(grounds),
            Deed::Tests(tests) => tests.run(grounds),
        }
    }
}

#[cfg(test)]
mod tests_of_the_table {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_stages_share_a_name() {
        let names: BTreeSet<_> = STAGES.iter().map(|stage| stage.name).collect();

        assert_eq!(names.len(), STAGES.len());
    }

    #[test]
    fn the_tools_of_every_stage_are_in_the_catalogue() {
        let missing = STAGES.iter().flat_map(|stage| stage.tools).find(|name| tools::catalogue::find(name).is_none());

        assert_eq!(missing, None);
    }
}
