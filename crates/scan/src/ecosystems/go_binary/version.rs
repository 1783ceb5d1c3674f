//! Versions that no module has: of the standard library, and of what was built from a folder.

/// The version of the standard library by Go's own: `go1.22rc1` is `1.22.0-rc1`, and `go1.20.5 X:boringcrypto` is `1.20.5`.
/// Builds between releases keep their name, which is no version.
pub(super) fn of_library(go_version: &str) -> String {
    let release = go_version.split_whitespace().next().and_then(|word| word.strip_prefix("go"));
    release.and_then(library_release).unwrap_or_else(|| go_version.to_owned())
}

fn library_release(release: &str) -> Option<String> {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    let (numbers, rest) = release.split_at(end);
    let count = numbers.split('.').filter(|number| !number.is_empty()).count();
    if count != numbers.split('.').count() {
        return None;
    }
    let zeros = ".0".repeat(3_usize.checked_sub(count)?);
    // Behind a release, `-` begins what a vendor calls his own build of it.
    let candidate = rest.split(['-', '+']).next().filter(|word| !word.is_empty());
    Some(match candidate {
        Some(candidate) => format!("{numbers}{zeros}-{candidate}"),
        None => format!("{numbers}{zeros}"),
    })
}

/// The version that the build wrote into a variable of the program: `-ldflags "-X main.version=1.2.3"`.
///
/// Variables of the main package count first, then those below the main module's path, then any on which all agree.
pub(super) fn of_linker_flags(settings: &[(String, String)], main_path: &str) -> Option<String> {
    let (_, flags) = settings.iter().find(|(key, _)| key == "-ldflags")?;
    let variables: Vec<(String, String)> = variables(flags).filter(|(name, _)| names_version(name)).collect();
    let of_package = |wanted: &dyn Fn(&str) -> bool| {
        let mut versions = variables
            .iter()
            .filter(|(name, _)| name.rsplit_once('.').is_some_and(|(package, _)| wanted(package)))
            .filter_map(|(_, value)| release(value));
        let first = versions.next()?;
        versions.all(|version| version == first).then_some(first)
    };
    let is_below =
        |package: &str| package.strip_prefix(main_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    of_package(&|package| package == "main").or_else(|| of_package(&is_below)).or_else(|| of_package(&|_| true))
}

fn names_version(variable: &str) -> bool {
    let name = variable.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "version" | "gitversion" | "buildversion" | "appversion" | "releaseversion" | "semver" | "ver"
    )
}

/// Values that look like a release, with the `v` that modules have.
fn release(value: &str) -> Option<String> {
    let version = value.strip_prefix('v').unwrap_or(value);
    let is_release = version.starts_with(|c: char| c.is_ascii_digit())
        && version.split(['-', '+']).next().is_some_and(|core| {
            (2..=3).contains(&core.split('.').count()) && core.split('.').all(|number| number.parse::<u32>().is_ok())
        });
    is_release.then(|| format!("v{version}"))
}

/// The variables that the linker's flags set, with their packages' paths.
fn variables(flags: &str) -> impl Iterator<Item = (String, String)> {
    let mut words = words(flags).into_iter();
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            let word =
                word.strip_prefix('-').map_or(word.as_str(), |rest| rest.strip_prefix('-').unwrap_or(rest)).to_owned();
            let assignment = match word.as_str() {
                "X" => words.next()?,
                word => match word.strip_prefix("X=") {
                    Some(assignment) => assignment.to_owned(),
                    None => continue,
                },
            };
            if let Some((name, value)) = assignment.split_once('=') {
                return Some((name.to_owned(), value.to_owned()));
            }
        }
    })
}

/// Words between spaces; quotes keep spaces within one.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in text.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if matches!(letter, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            None if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}
