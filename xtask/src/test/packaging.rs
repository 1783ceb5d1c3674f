//! What Gantry is handed over in: the Helm chart, the systemd unit, the Containerfile.

mod container;

use super::{Grounds, Verdict};
use crate::{
    run, tools,
    trouble::{Outcome, Trouble, While},
};
use std::{collections::BTreeSet, fs, process::Command};

/// What the chart makes when everything in it is on.
const KINDS_ALL: &[&str] = &[
    "ConfigMap",
    "Deployment",
    "Ingress",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "Secret",
    "Service",
    "ServiceAccount",
    "ServiceMonitor",
];
/// systemd's own figure for how much a service could do to its machine, in tenths: 0 nothing, 100 everything.
const EXPOSURE_MAX: u32 = 20;

/// Checks all three.
pub(super) fn run(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    check_chart(grounds)?;
    container::check(grounds)?;
    check_unit(grounds)?;
    Ok(Verdict::Passed(String::new()))
}

fn check_chart(grounds: &Grounds<'_>) -> Outcome<()> {
    let helm = tools::require(grounds.places, "helm")?;
    let folder = grounds.places.root.join("packaging/helm");
    let helm = |words: &[&str]| {
        let mut command = Command::new(&helm);
        command.current_dir(&folder).args(words);
        run::capture(&mut command)
    };
    for values in [&[][..], &["--values", "gantry/ci/all-values.yaml"], &["--values", "gantry/ci/replicas-values.yaml"]]
    {
        helm(&[&["lint", "--strict", "gantry"], values].concat())?;
        helm(&[&["template", "gantry", "gantry"], values].concat())?;
    }
    let all = helm(&["template", "gantry", "gantry", "--values", "gantry/ci/all-values.yaml"])?;
    let made = kinds(&all);
    let missing: Vec<_> = KINDS_ALL.iter().filter(|kind| !made.contains(**kind)).copied().collect();
    if !missing.is_empty() {
        return Err(Trouble::new(format!("with everything on, the chart makes no {}", missing.join(", "))));
    }
    // Two writers on one SQLite would be two truths; the chart must not make them.
    match helm(&["template", "gantry", "gantry", "--set", "replicaCount=2"]) {
        Ok(_) => Err(Trouble::new("the chart makes two replicas on one SQLite, and should refuse")),
        Err(_) => Ok(()),
    }
}

/// Returns the kinds of the objects in a rendered chart.
fn kinds(rendered: &str) -> BTreeSet<&str> {
    rendered.lines().filter_map(|line| line.strip_prefix("kind:")).map(str::trim).collect()
}

fn check_unit(grounds: &Grounds<'_>) -> Outcome<()> {
    let unit = fs::read_to_string(grounds.places.root.join("packaging/systemd/gantry.service"))
        .while_trying("read the systemd unit")?;
    let folder = tempfile::tempdir().while_trying("make a temporary folder")?;
    let copy = folder.path().join("gantry.service");
    // Verifying wants the program to be there.
    let here = unit.replace("/usr/bin/gantry", &grounds.binary()?.display().to_string());
    fs::write(&copy, here).while_trying("copy the systemd unit")?;
    run::capture(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&copy))?;
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    run::capture(
        Command::new("systemd-analyze").args(["security", "--no-pager", "--offline=true", &threshold]).arg(&copy),
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_a_rendered_chart_are_those_at_the_beginning_of_a_line() {
        let rendered = "---\nkind: Service\nspec:\n  kind: Inner\n---\napiVersion: v1\nkind: Secret\n";

        assert_eq!(kinds(rendered), BTreeSet::from(["Secret", "Service"]));
    }
}
