//! Packages at given versions, as the ordinary client of each registry brings them, laid where an image has them.

use gantry_e2e::tool;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Each of them `name=version`: unpacked into the root folder, and written into dpkg's database. `archives` is a folder for
/// the packages themselves. Says what Debian no longer has: an update takes the place of what it mends.
pub(super) fn debian(root: &Path, archives: &Path, pinned: &[&str]) -> Result<(), String> {
    let download = || client("apt-get", archives).args(["download", "--quiet"]).args(pinned).output().unwrap();
    // A list that is too old names packages that are gone.
    if !download().status.success() {
        done(client("apt-get", archives).args(["update", "--quiet"]));
        let output = download();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.contains("was not found") {
            return Err(said.trim().to_owned());
        }
        assert!(output.status.success(), "apt-get download: {}: {said}", output.status);
    }
    let (mut status, info) = (String::new(), root.join("var/lib/dpkg/info"));
    fs::create_dir_all(&info).unwrap();
    for package in files(archives) {
        let control = text(client("dpkg-deb", archives).arg("--field").arg(&package));
        let name = control.lines().find_map(|line| line.strip_prefix("Package: ")).unwrap();
        status.push_str(&control.replacen('\n', "\nStatus: install ok installed\n", 1));
        status.push('\n');
        let content = done(client("dpkg-deb", archives).arg("--fsys-tarfile").arg(&package));
        fs::write(info.join(format!("{name}.list")), owned(&content)).unwrap();
        tar::Archive::new(&content[..]).unpack(root).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), status).unwrap();
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/os-release"), crate::scan::OS_RELEASE).unwrap();
    Ok(())
}

/// The paths of an archive, as dpkg notes them: `/.`, `/usr`, `/usr/bin`.
fn owned(archive: &[u8]) -> String {
    let mut archive = tar::Archive::new(archive);
    let paths = archive.entries().unwrap().map(|entry| {
        let path = entry.unwrap().path().unwrap().to_string_lossy().into_owned();
        format!("{}\n", path.trim_start_matches('.').trim_end_matches('/'))
    });
    paths.collect()
}

/// Each of them `name==version`, for CPython 3.9, whatever Python there is.
pub(super) fn python(folder: &Path, pinned: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    let mut command = client(tool("python-aws"), folder);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    command.args(["--no-deps", "--no-compile", "--only-binary", ":all:", "--python-version", "3.9"]);
    command.args(["--implementation", "cp", "--abi", "cp39", "--abi", "none"]);
    command.args(["--platform", "manylinux1_x86_64", "--platform", "manylinux2014_x86_64", "--platform", "any"]);
    done(command.arg("--target").arg(folder).args(pinned));
}

/// Each of them `name@version`, with what they need, below `node_modules`.
pub(super) fn node(folder: &Path, pinned: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("package.json"), r#"{"name": "app", "version": "1.0.0"}"#).unwrap();
    // What they need is of that day, whatever came since.
    let quiet = ["install", "--before=2026-11-26", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
    done(client("npm", folder).args(quiet).args(pinned));
}

/// Each of them `group:artifact:version`, an archive without what it needs.
pub(super) fn java(folder: &Path, pinned: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    let items = pinned.iter().map(|coordinates| {
        let [group, artifact, version] = coordinates.split(':').collect::<Vec<_>>()[..] else { panic!("{coordinates}") };
        format!(
            "<artifactItem><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></artifactItem>"
        )
    });
    let project = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>compared</groupId><artifactId>compared</artifactId><version>1</version><build><plugins><plugin>\
         <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>\
         <configuration><outputDirectory>{}</outputDirectory><artifactItems>{}</artifactItems></configuration>\
         </plugin></plugins></build></project>",
        folder.display(),
        items.collect::<String>()
    );
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("pom.xml"), project).unwrap();
    done(client("mvn", scratch.path()).args(["--quiet", "--batch-mode", "dependency:copy"]));
}

/// Packs what `within` is in a folder into an archive of Java: a web application.
pub(super) fn pack(folder: &Path, within: &str, archive: &Path) {
    done(client(tool("python-aws"), folder).args(["-m", "zipfile", "--create"]).arg(archive).arg(within));
}

/// Two programs: one of these packages (each with its module's version), and `gofmt`, both of the same old release of Go.
pub(super) fn go(folder: &Path, source: &Path, pinned: &[(&str, &str)]) {
    let imports: String = pinned.iter().map(|(package, _)| format!("import _ \"{package}\"\n")).collect();
    fs::write(source.join("main.go"), format!("package main\n\n{imports}\nfunc main() {{}}\n")).unwrap();
    fs::write(source.join("go.mod"), "module example.com/app\n\ngo 1.21\n").unwrap();
    fs::create_dir_all(folder).unwrap();
    let command = || {
        let mut command = client("go", source);
        command.env("GOTOOLCHAIN", "go1.21.0").env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false");
        command
    };
    let required = pinned.iter().map(|(package, version)| format!("{package}@{version}"));
    done(command().arg("get").args(required));
    done(command().args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(folder.join("app")));
    let toolchain = text(command().args(["env", "GOROOT"]));
    program(&Path::new(toolchain.trim()).join("bin/gofmt"), folder);
}

/// The lock file of a program that needs crates which are known to be vulnerable, as cargo wrote it on 27 November 2026: what they need is
/// of that day.
pub(super) fn crates(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("Cargo.lock"), include_str!("crates/Cargo.lock")).unwrap();
}

/// Copies a program into a folder.
pub(super) fn program(program: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let copy = folder.join(program.file_name().unwrap());
    fs::copy(program, &copy).unwrap();
    fs::set_permissions(copy, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A client that runs in a folder, and has four minutes.
fn client(program: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.arg("--kill-after=5").arg("240").arg(program.as_ref()).current_dir(folder);
    command
}

#[track_caller]
fn done(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    output.stdout
}

#[track_caller]
fn text(command: &mut Command) -> String {
    String::from_utf8(done(command)).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
