use super::{
    catalogue::{Catalogue, Place, find},
    complaint::Complaint,
    environment, file,
    flags::ConfigFlags,
    kind::Kind,
    nearest::last,
    origin::Origin,
    settings::{Config, HIDDEN},
    tree::{Source, Tree},
};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::OpenOptions,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The name of a configuration file in the data folder.
const FILE_NAME: &str = "gantry.toml";
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The configuration, and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// All settings.
    pub(crate) config: Config,
    /// Each setting with its origin, secrets hidden.
    pub(crate) settings: Vec<Shown>,
}

/// A setting as people may see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Shown {
    /// The key.
    pub(crate) key: String,
    /// The value; `***` for a secret, null for nothing.
    pub(crate) value: Value,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// Reads file, environment and flags into the configuration.
///
/// `variables` is the environment (`std::env::vars_os()`).
///
/// # Errors
/// All complaints at once. None of them shows a secret.
pub(crate) fn load(
    flags: &ConfigFlags,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Vec<Complaint>> {
    let variables: Vec<_> = variables.into_iter().collect();
    let catalogue = Catalogue::of::<Config>(HIDDEN);
    let mut complaints = vec![];

    let flag_source = flags.read(&catalogue);
    let environment = environment::read(&variables, &catalogue, &read_text);
    let data_dir = data_dir(&catalogue, &[&environment, &flag_source]);
    let found = find_file(flags, &variables, &data_dir);
    let file = read_found(&found, &catalogue);

    let tree = Tree::lay(&catalogue, vec![file, environment, flag_source], &mut complaints);
    complaints.extend(moved_away(&found, &data_dir, &tree));
    conclude(&catalogue, &tree, complaints)
}

/// Reads the text of a configuration file by itself. Returns the settings that it sets, by key, as `gantry config show`
/// prints them.
///
/// # Errors
/// All complaints at once, those of the file with their line: `gantry.toml:3: …`. None of them shows a secret.
pub fn read_configuration(text: &str) -> Result<BTreeMap<String, Value>, Vec<String>> {
    // Made once: it takes longer than all the rest.
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::of::<Config>(HIDDEN));
    let mut complaints = vec![];
    let tree = Tree::lay(&CATALOGUE, vec![file::read(text, Path::new(FILE_NAME), &CATALOGUE)], &mut complaints);
    let loaded = conclude(&CATALOGUE, &tree, complaints)
        .map_err(|complaints| complaints.iter().map(Complaint::to_string).collect::<Vec<_>>())?;
    let set = loaded.settings.into_iter().filter(|shown| shown.origin != Origin::Default);
    Ok(set.map(|shown| (shown.key, shown.value)).collect())
}

/// Returns the configuration, where there is nothing to complain of.
fn conclude(catalogue: &Catalogue, tree: &Tree, mut complaints: Vec<Complaint>) -> Result<Loaded, Vec<Complaint>> {
    match finish(catalogue, tree, &mut complaints) {
        Some(config) if complaints.is_empty() => {
            let settings = show(catalogue, &config, tree);
            Ok(Loaded { config, settings })
        }
        _ => Err(complaints),
    }
}

/// Which file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// Somebody named it: it must exist.
    Named(PathBuf),
    /// It lies in the data folder.
    InDataFolder(PathBuf),
    /// None.
    Nowhere,
}

impl Found {
    fn path(&self) -> Option<PathBuf> {
        match self {
            Found::Named(path) | Found::InDataFolder(path) => Some(path.clone()),
            Found::Nowhere => None,
        }
    }
}

fn find_file(flags: &ConfigFlags, variables: &[(OsString, OsString)], data_dir: &Path) -> Found {
    let variable = || variables.iter().find(|(name, value)| name == environment::CONFIG && !value.is_empty());
    if let Some(path) = flags.config.clone().or_else(|| variable().map(|(_, value)| value.into())) {
        return Found::Named(path);
    }
    let path = data_dir.join(FILE_NAME);
    if path.exists() { Found::InDataFolder(path) } else { Found::Nowhere }
}

/// The data folder by flag, environment or default: where to look for the file, which therefore has no say.
fn data_dir(catalogue: &Catalogue, sources: &[&Source]) -> PathBuf {
    let set = sources.iter().rev().find_map(|source| {
        let assignment = source.assignments.iter().find(|assignment| assignment.path == "data_dir")?;
        assignment.value.as_str()
    });
    let default = || match catalogue.look_up("data_dir") {
        Place::Key(key) => key.default.as_str(),
        Place::Section | Place::Unknown => None,
    };
    PathBuf::from(set.or_else(default).unwrap_or_default())
}

fn read_found(found: &Found, catalogue: &Catalogue) -> Source {
    let Some(path) = found.path() else { return Source::default() };
    let remedy = match found {
        Found::Named(_) => "name a TOML file that this user may read",
        Found::InDataFolder(_) | Found::Nowhere => "make it readable for this user, or take it away",
    };
    match read_text(&path) {
        Ok(text) => file::read(&text, &path, catalogue),
        Err(error) => {
            let problem = format!("cannot read the configuration {}: {error}", path.display());
            Source { complaints: vec![Complaint::of(problem, remedy)], is_broken: true, ..Source::default() }
        }
    }
}

/// Reads a small text file, of 1 MiB at the most.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = OpenOptions::new().read(true).open(path)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1MiB"));
    }
    Ok(text)
}

/// A file found in the data folder that sends the data elsewhere would not be found there again.
fn moved_away(found: &Found, data_dir: &Path, tree: &Tree) -> Option<Complaint> {
    let origin = tree.origin("data_dir");
    let said = tree.value("data_dir").and_then(Value::as_str)?;
    let is_from_file = matches!((found, &origin), (Found::InDataFolder(_), Origin::File { .. }));
    (is_from_file && Path::new(said) != data_dir).then(|| {
        let problem = format!("data_dir is {said:?}, but this file was found in {}", data_dir.display());
        Complaint::at(&origin, problem, "leave it out here, or name the file with --config")
    })
}

/// Makes the configuration of the values that were accepted, and checks how they go together.
fn finish(catalogue: &Catalogue, tree: &Tree, complaints: &mut Vec<Complaint>) -> Option<Config> {
    let config: Config = match serde_json::from_value(tree.clone().into_value()) {
        Ok(config) => config,
        Err(error) => {
            complaints.push(Complaint::of(format!("the settings do not go together: {error}"), ""));
            return None;
        }
    };
    let config = config.complete();
    if tree.is_broken() {
        return Some(config);
    }
    for (section, sentence) in config.check() {
        let (key, sentence) = qualify(catalogue, section, &sentence);
        // What follows from a value that was refused would only confuse.
        if tree.refused().any(|path| mentions(&sentence, path)) {
            continue;
        }
        complaints.push(match key.map(|key| tree.origin(&key)) {
            None | Some(Origin::Default) => Complaint::of(sentence, ""),
            Some(origin) => Complaint::at(&origin, sentence, ""),
        });
    }
    Some(config)
}

/// Gives the key at the beginning of a section's sentence its whole path.
///
/// A crate does not know under which name it is composed here: `url is …` and `metadata.url is …` both become
/// `database.url is …`.
fn qualify(catalogue: &Catalogue, section: &str, sentence: &str) -> (Option<String>, String) {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let end = sentence.find(|c| !is_of_key(c)).unwrap_or(sentence.len());
    let (word, rest) = sentence.split_at(end);
    let (word, rest) = word.strip_suffix('.').map_or((word, rest), |word| (word, &sentence[word.len()..]));
    let ends = std::iter::successors(Some(word), |word| word.split_once('.').map(|(_, rest)| rest));
    let paths = ends.flat_map(|end| [format!("{section}.{end}"), end.to_owned()]);
    match paths.into_iter().find(|path| matches!(catalogue.look_up(path), Place::Key(_))) {
        Some(path) => (Some(path.clone()), format!("{path}{rest}")),
        None if section.is_empty() => (None, sentence.to_owned()),
        None => (None, format!("{section}: {sentence}")),
    }
}

fn mentions(sentence: &str, path: &str) -> bool {
    sentence.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == last(path))
}

fn show(catalogue: &Catalogue, config: &Config, tree: &Tree) -> Vec<Shown> {
    let values = serde_json::to_value(config).expect("settings are made of what JSON can say");
    let shown = catalogue.keys().iter().map(|key| {
        let origin = tree.origin(&key.path);
        let value = match (&key.kind, &origin) {
            (Kind::Secret, Origin::Default) => Value::Null,
            (Kind::Secret, _) => "***".into(),
            _ => find(&values, &key.path).cloned().unwrap_or_default(),
        };
        Shown { key: key.path.clone(), value, origin }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::of::<Config>(HIDDEN)
    }

    #[test]
    fn a_file_found_in_the_data_folder_cannot_send_the_data_elsewhere() {
        let found = Found::InDataFolder("gantry-data/gantry.toml".into());
        let source = file::read("data_dir = '/elsewhere'", "gantry-data/gantry.toml".as_ref(), &catalogue());
        let tree = Tree::lay(&catalogue(), vec![source], &mut vec![]);

        let complaint = moved_away(&found, "gantry-data".as_ref(), &tree).unwrap();

        assert_eq!(
            complaint.to_string(),
            "gantry-data/gantry.toml:1: data_dir is \"/elsewhere\", but this file was found in gantry-data; leave it out \
             here, or name the file with --config"
        );
        assert_eq!(moved_away(&Found::Named("gantry.toml".into()), "gantry-data".as_ref(), &tree), None);
    }

    #[test]
    fn a_sentence_gets_the_whole_path_of_its_key() {
        for (section, sentence, whole) in [
            ("http", "keep_alive is zero", "http.keep_alive is zero"),
            ("database", "metadata.url names no host", "database.url names no host"),
            ("tokens", "tokens.pull_lifetime is 1s", "tokens.pull_lifetime is 1s"),
            ("http", "tls.key is set", "tls.key is set"),
            ("", "limits.manifest_bytes_max is small", "limits.manifest_bytes_max is small"),
            ("storage", "nobody knows", "storage: nobody knows"),
        ] {
            assert_eq!(qualify(&catalogue(), section, sentence).1, whole);
        }
    }
}
