//! The build information itself: a header, and two strings behind it or pointed to.

/// What it begins with.
pub(super) const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER_BYTES: usize = 32;
/// Bytes before and behind the modules' lines, by which debuggers find them.
const SENTINEL_BYTES: usize = 16;
/// Modules at most; the largest programs have about two thousand.
const MODULES_MAX: usize = 20_000;

/// The two ways in which it lies in a file.
pub(super) enum Blob {
    /// Since Go 1.18: both strings stand behind the header.
    Inline { go_version: Vec<u8>, modules: Vec<u8> },
    /// Before: the addresses of the headers of both strings.
    Pointers { go_version: u64, modules: u64, width: usize, big_endian: bool },
}

impl Blob {
    pub(super) fn parse(bytes: &[u8]) -> Result<Blob, &'static str> {
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or("it is cut off")?;
        if !header.starts_with(MAGIC) {
            return Err("it does not begin as one");
        }
        let (width, flags) = (usize::from(header[14]), header[15]);
        if flags & 2 != 0 {
            let (go_version, rest) = string(rest)?;
            let (modules, _) = string(rest)?;
            return Ok(Blob::Inline { go_version: go_version.to_owned(), modules: modules.to_owned() });
        }
        if !matches!(width, 4 | 8) {
            return Err("its pointers are neither of 4 nor of 8 bytes");
        }
        let big_endian = flags & 1 != 0;
        let pointer = |at: usize| number(&header[at..at + width], big_endian);
        Ok(Blob::Pointers { go_version: pointer(16), modules: pointer(16 + width), width, big_endian })
    }
}

/// Splits off a string with its length before it, seven bits a byte.
fn string(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    const CUT: &str = "it is cut off";
    let end = bytes.iter().take(9).position(|byte| byte & 0x80 == 0).ok_or(CUT)?;
    let length = bytes[..=end].iter().rev().fold(0_u64, |length, byte| length << 7 | u64::from(byte & 0x7f));
    bytes[end + 1..].split_at_checked(usize::try_from(length).map_err(|_| CUT)?).ok_or(CUT)
}

/// A number of up to 8 bytes.
pub(super) fn number(bytes: &[u8], big_endian: bool) -> u64 {
    let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    match big_endian {
        true => bytes.iter().fold(0, join),
        false => bytes.iter().rev().fold(0, join),
    }
}

/// What Go wrote into a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// Go's own version, in its words: `go1.22.3`, `devel go1.23-f8f5f1d`.
    pub go_version: String,
    /// The module of the main package; `None` in programs that were built without modules.
    pub main: Option<Module>,
    /// The modules it was built with, each as what replaced it.
    pub modules: Vec<Module>,
    /// How it was built: `-ldflags`, `GOARCH`, `vcs.revision`.
    pub settings: Vec<(String, String)>,
}

/// A module of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its path.
    pub path: String,
    /// Its version; `(devel)` where it was built from a folder.
    pub version: String,
}

impl BuildInfo {
    /// Reads both strings; lines that are not known are for later versions of Go, and skipped.
    pub(super) fn parse(go_version: &[u8], modules: &[u8]) -> Result<BuildInfo, &'static str> {
        let go_version = std::str::from_utf8(go_version).map_err(|_| "Go's version is no text")?.to_owned();
        let mut info = BuildInfo { go_version, ..BuildInfo::default() };
        let text = String::from_utf8_lossy(without_sentinels(modules));
        for line in text.lines() {
            let (word, rest) = line.split_once('\t').unwrap_or((line, ""));
            match word {
                "mod" => info.main = Some(module(rest)),
                "dep" if info.modules.len() < MODULES_MAX => info.modules.push(module(rest)),
                "dep" => return Err("it names more modules than a program has"),
                "=>" => {
                    if let Some(replaced) = info.modules.last_mut().or(info.main.as_mut()) {
                        replace(replaced, module(rest));
                    }
                }
                "build" => info.settings.extend(setting(rest)),
                _ => {}
            }
        }
        Ok(info)
    }
}

fn without_sentinels(modules: &[u8]) -> &[u8] {
    match modules.len().checked_sub(SENTINEL_BYTES) {
        Some(end) if end > SENTINEL_BYTES && modules[end - 1] == b'\n' => &modules[SENTINEL_BYTES..end],
        _ => modules,
    }
}

fn module(fields: &str) -> Module {
    let mut fields = fields.split('\t');
    let mut next = || fields.next().unwrap_or_default().to_owned();
    Module { path: next(), version: next() }
}

/// A folder has no path that an advisory could know, and what lies in it is of no version.
fn replace(replaced: &mut Module, by: Module) {
    match by.path.starts_with(['.', '/']) {
        true => replaced.version = "(devel)".to_owned(),
        false => *replaced = by,
    }
}

/// `key=value`, where either may be quoted.
fn setting(text: &str) -> Option<(String, String)> {
    let (key, rest) = unquote(text, '=');
    let (value, _) = unquote(rest.strip_prefix('=')?, '\n');
    Some((key, value))
}

/// Reads up to `end`, or what is quoted as a Go string is; returns it and what is left.
fn unquote(text: &str, end: char) -> (String, &str) {
    if let Some((quoted, rest)) = text.strip_prefix('`').and_then(|text| text.split_once('`')) {
        return (quoted.to_owned(), rest);
    }
    let Some(quoted) = text.strip_prefix('"') else {
        let at = text.find(end).unwrap_or(text.len());
        return (text[..at].to_owned(), &text[at..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, letter)) => value.push(letter),
                None => break,
            },
            letter => value.push(letter),
        }
    }
    (value, "")
}
