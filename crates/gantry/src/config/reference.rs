use super::{
    catalogue::{Catalogue, Key},
    kind::{Kind, shown},
};
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Configuration

This page is made by `gantry config reference`.

Every setting is a key in a TOML file, an environment variable, and, for the few that people type, a flag (`gantry serve
--help`); `--set key=value` sets any. A flag beats the environment, which beats the file, which beats the default. The file
is the one that `--config` names, else `GANTRY_CONFIG`, else `gantry.toml` in the data folder.

- A duration is a whole number with `s`, `m`, `h` or `d`, such as `24h`; a size one with `KiB`, `MiB`, `GiB` or `TiB`, such
  as `64MiB`. A bare number is refused.
- A list is `[\"a\", \"b\"]` in the file, and `a,b` in the environment and in flags. A switch is `true` or `false`.
- A secret can lie in a file of its own: `_FILE` behind its variable, such as `GANTRY_ROOT_SECRET_ACCESS_KEY_FILE`, names it.
- A path that does not begin with `/` begins at the folder the program was started in.
- A key that does not exist is an error. `gantry config check` tells all mistakes at once, `gantry config show` every value
  with where it came from.
";

/// Prints the reference of all settings as Markdown.
pub(crate) fn markdown(catalogue: &Catalogue) -> String {
    let mut text = String::from(INTRODUCTION);
    table(&mut text, "General", "", catalogue.keys().iter().filter(|key| !key.path.contains('.')));
    for section in catalogue.sections() {
        let keys = catalogue.keys().iter();
        let own = keys.filter(|key| key.path.rsplit_once('.').is_some_and(|(path, _)| path == section.path));
        table(&mut text, &format!("`[{}]`", section.path), &section.description, own);
    }
    text
}

fn table<'a>(text: &mut String, title: &str, description: &str, keys: impl Iterator<Item = &'a Key>) {
    let mut keys = keys.peekable();
    if keys.peek().is_none() {
        return;
    }
    *text += &format!("\n## {title}\n\n");
    if !description.is_empty() {
        *text += &format!("{description}\n\n");
    }
    *text += "| key | type | default | environment variable | description |\n|---|---|---|---|---|\n";
    for key in keys {
        let cells = [
            format!("`{}`", key.path),
            key.kind.name(),
            default(key),
            format!("`{}`", key.variable()),
            key.description.clone(),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        writeln!(text, "| {} |", cells.join(" | ")).expect("a String takes all that is written");
    }
}

fn default(key: &Key) -> String {
    match (&key.kind, shown(&key.default).as_str()) {
        (Kind::Secret, _) | (_, "-") => "–".into(),
        (_, value) => format!("`{value}`"),
    }
}
