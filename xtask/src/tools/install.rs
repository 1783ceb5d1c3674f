//! Installs one tool, as its entry in the catalogue says.

use super::catalogue::{Make, Source, Tool};
use crate::{
    run::{self, find_program},
    trouble::{Outcome, Trouble, While},
    workspace::Places,
};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Installs a tool and sees it answer.
///
/// # Errors
/// When a source is missing, an installer fails, or the program does not answer; the sentence names the tool.
pub(super) fn install(places: &Places, tool: &Tool) -> Outcome<PathBuf> {
    let scratch = places.tools.join(".building");
    if scratch.exists() {
        // Left by an installation that failed or was stopped.
        fs::remove_dir_all(&scratch).while_trying(format!("remove {}", scratch.display()))?;
    }
    fs::create_dir_all(&scratch).while_trying(format!("make {}", scratch.display()))?;
    let program = match &tool.source {
        Source::Debian { packages, program } => install_debian(packages, program),
        Source::Go { package, program } => {
            install_go(&scratch, tool, package).and_then(|()| keep(places, &scratch.join(program), tool))
        }
        Source::Module { module, package, tags } => {
            build_module(&scratch, tool, module, (package, tags)).and_then(|made| keep(places, &made, tool))
        }
        Source::Archive { archive, module, make } => {
            let archive = places.shared.join("clients").join(archive);
            build_archive(&scratch, tool, &archive, module, make).and_then(|made| keep(places, &made, tool))
        }
        Source::Python { packages } => install_python(places, tool, packages),
        Source::Node { package } => install_node(places, tool, package),
        Source::Crate { features } => install_crate(&scratch, tool, features)
            .and_then(|()| keep(places, &scratch.join("bin").join(tool.name), tool)),
    }
    .map_err(|trouble| Trouble::new(format!("{} {} was not installed: {trouble}", tool.name, tool.version)))?;
    fs::remove_dir_all(&scratch).while_trying(format!("remove {}", scratch.display()))?;
    Ok(program)
}

/// Returns what a tool says when asked for its version: the first line with a digit in it.
///
/// # Errors
/// When it cannot be started, or fails.
pub(super) fn ask(program: &Path, tool: &Tool) -> Outcome<String> {
    if tool.alive.is_empty() {
        return Ok("built".to_string());
    }
    let mut command = Command::new(program);
    // The conformance suite wants an address before it says anything, even which tests it has.
    command.args(tool.alive).stdin(Stdio::null()).env("OCI_ROOT_URL", "http://127.0.0.1");
    let output = command.output().while_trying(format!("start {}", program.display()))?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let line = said.lines().find(|line| line.contains(|c: char| c.is_ascii_digit())).or(said.lines().next());
    // wrk prints its version and ends with 1.
    match line {
        Some(line) if output.status.success() || tool.name == "wrk" => Ok(line.trim().to_string()),
        _ => Err(Trouble::new(format!(
            "{} {} ends with {}: {said}",
            program.display(),
            tool.alive.join(" "),
            output.status
        ))),
    }
}

/// Returns the program of one of Debian's packages, if it is there.
pub(super) fn find_debian(program: &str) -> Option<PathBuf> {
    find_program(program).or_else(|| {
        // Debian keeps PostgreSQL's server beside its major version, outside of PATH.
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        versions.flatten().map(|version| version.path().join("bin").join(program)).find(|file| file.is_file())
    })
}

fn install_debian(packages: &[&str], program: &str) -> Outcome<PathBuf> {
    let install = || {
        let mut command = Command::new("apt-get");
        // RUNLEVEL=1: the packages' servers are not started; each test starts its own.
        command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        command.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
        run::capture(&mut command)
    };
    // A list that is too old names packages that are gone, so the first failure asks for a new list.
    if install().is_err() {
        run::capture(Command::new("apt-get").args(["update", "--quiet"]))?;
        install()?;
    }
    find_debian(program).ok_or_else(|| Trouble::new(format!("{packages:?} brought no {program}")))
}

fn go_command(folder: &Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(folder).env("GOBIN", folder).env("CGO_ENABLED", "0").env_remove("GOFLAGS");
    command
}

const GO_FLAGS: [&str; 4] = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w"];

fn install_go(scratch: &Path, tool: &Tool, package: &str) -> Outcome<()> {
    let mut command = go_command(scratch);
    command.arg("install").args(GO_FLAGS).arg(format!("{package}@{}", tool.version));
    run::capture(&mut command).map(drop)
}

fn build_module(scratch: &Path, tool: &Tool, module: &str, (package, tags): (&str, &str)) -> Outcome<PathBuf> {
    let mut command = go_command(scratch);
    command.args(["mod", "download", "-json"]).arg(format!("{module}@{}", tool.version));
    let said: serde_json::Value = serde_json::from_str(&run::capture(&mut command)?)
        .map_err(|error| Trouble::new(format!("go mod download says no JSON: {error}")))?;
    let folder = said["Dir"].as_str().ok_or_else(|| Trouble::new(format!("go mod download says no folder: {said}")))?;
    let source = scratch.join("source");
    // Go keeps its modules read-only, and builds a program of one only where it is the main module.
    run::capture(Command::new("cp").args(["-r", "--no-preserve=mode", folder]).arg(&source))?;
    let made = scratch.join(tool.name);
    let mut command = go_command(&source);
    command.arg("build").args(GO_FLAGS).args(["-tags", tags]).arg("-o").arg(&made).arg(package);
    run::capture(&mut command)?;
    Ok(made)
}

fn build_archive(scratch: &Path, tool: &Tool, archive: &Path, module: &str, make: &Make) -> Outcome<PathBuf> {
    if !archive.is_file() {
        return Err(Trouble::new(format!(
            "its sources are not at {}; GANTRY_SHARED names the folder that holds clients/",
            archive.display()
        )));
    }
    let source = scratch.join("source");
    fs::create_dir_all(&source).while_trying(format!("make {}", source.display()))?;
    run::capture(Command::new("tar").arg("-C").arg(&source).arg("-xf").arg(archive))?;
    let made = scratch.join(tool.name);
    let mut command = go_command(&source.join(module));
    match make {
        Make::Program(package) => command.arg("build").args(GO_FLAGS).arg("-o").arg(&made).arg(package),
        Make::Tests => command.args(["test", "-c"]).args(GO_FLAGS).arg("-o").arg(&made).arg("."),
    };
    run::capture(&mut command)?;
    Ok(made)
}

/// Makes an environment and a program that starts its interpreter. (A link would not do: where it lies is how an
/// interpreter finds its packages.)
fn install_python(places: &Places, tool: &Tool, packages: &[&str]) -> Outcome<PathBuf> {
    let environment = fresh_packages(places, tool)?;
    run::capture(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    let python = environment.join("bin/python");
    let mut command = Command::new(&python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]).args(packages);
    run::capture(&mut command)?;
    keep_script(places, tool, &format!("exec '{}' \"$@\"", python.display()))
}

/// Puts a package and what it needs into a folder, and makes a program that starts node there: what it is given to run finds the
/// package from where it is run.
fn install_node(places: &Places, tool: &Tool, package: &str) -> Outcome<PathBuf> {
    let folder = fresh_packages(places, tool)?;
    fs::create_dir_all(&folder).while_trying(format!("make {}", folder.display()))?;
    let mut command = Command::new("npm");
    command.args(["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix"]);
    command.arg(&folder).arg(format!("{package}@{}", tool.version));
    run::capture(&mut command)?;
    keep_script(places, tool, &format!("cd '{}' && exec node \"$@\"", folder.display()))
}

/// The folder for the packages of a tool, of which nothing is left.
fn fresh_packages(places: &Places, tool: &Tool) -> Outcome<PathBuf> {
    let folder = places.tools.join(format!("{}.packages", tool.name));
    if folder.exists() {
        fs::remove_dir_all(&folder).while_trying(format!("remove {}", folder.display()))?;
    }
    Ok(folder)
}

fn keep_script(places: &Places, tool: &Tool, line: &str) -> Outcome<PathBuf> {
    let kept = places.tools.join(tool.name);
    fs::write(&kept, format!("#!/bin/sh\n{line}\n")).while_trying("write a program")?;
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o755)).while_trying("make it a program")?;
    Ok(kept)
}

fn install_crate(scratch: &Path, tool: &Tool, features: &[&str]) -> Outcome<()> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Outside the checkout, so that its .cargo/config.toml says nothing about the tool.
    command.current_dir(scratch).args([
        "install",
        "--quiet",
        // It is built sooner than it would be faster.
        "--debug",
        "--locked",
        tool.name,
        "--version",
        tool.version,
        "--root",
    ]);
    command.arg(scratch);
    if !features.is_empty() {
        command.arg("--features").arg(features.join(","));
    }
    run::capture(&mut command).map(drop)
}

/// Moves a finished program to its place, where it appears whole or not at all.
fn keep(places: &Places, made: &Path, tool: &Tool) -> Outcome<PathBuf> {
    let kept = places.tools.join(tool.name);
    fs::rename(made, &kept).while_trying(format!("move {} to {}", made.display(), kept.display()))?;
    Ok(kept)
}
