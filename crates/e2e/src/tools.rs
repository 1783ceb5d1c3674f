use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Returns the program of a client: from `GANTRY_TOOLS`, else `~/.cache/gantry-tools` (where `cargo xtask tools` puts
/// them), else `PATH`.
///
/// # Panics
/// It is nowhere: a test that cannot run has not passed.
pub fn tool(name: &str) -> PathBuf {
    let set = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let tools = set("GANTRY_TOOLS").or_else(|| set("HOME").map(|home| home.join(".cache/gantry-tools")));
    let own = tools.into_iter().flat_map(|folder| [folder.join("bin"), folder]);
    let path = env::var_os("PATH").unwrap_or_default();
    // Servers such as dockerd lie where only root's PATH looks.
    let system = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = own.chain(system).map(|folder| folder.join(name)).find(|file| is_program(file));
    found.unwrap_or_else(|| panic!("{name} is not installed: run `cargo xtask tools {}`", entry(name)))
}

/// Says that a test is skipped, and why: `skipped: why` on standard error, past what keeps a passing test silent. Only for
/// what `cargo xtask tools` does not install; all else that is missing is a failure.
pub fn skipped(why: &str) {
    writeln!(io::stderr(), "skipped: {why}").expect("there is a standard error");
}

/// Returns the entry of the catalogue that brings a program.
fn entry(program: &str) -> &str {
    match program {
        "docker" => "dockerd",
        "ctr" => "containerd",
        name => name,
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}
