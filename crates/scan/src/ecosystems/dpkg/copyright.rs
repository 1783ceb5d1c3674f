//! What a Debian package's copyright file says of licences: in the machine-readable form (copyright-format 1.0, DEP-5) by its fields, in
//! any other by the texts in `common-licenses` that it refers to (Debian Policy, section 12.5).

use crate::ecosystems::documents;
use crate::{Found, Package, PackageType};

/// Where the texts of common licences lie.
const COMMON: &str = "/usr/share/common-licenses/";
/// Licences that one file refers to, more than any does that was not made to harm.
const NAMES_MAX: usize = 64;
/// What grants the version that is named and those after it.
const LATER: &str = "any later version";

/// Reads the licences of the package whose file this is.
pub(super) fn read(text: &str, found: &mut Found) {
    // What is said of a licence is said of a package elsewhere too.
    let mut package = Package::new(PackageType::Deb, "", "");
    match is_machine_readable(text) {
        true => fields(text).for_each(|words| documents::add_licence(&mut package, words)),
        false => references(text).iter().for_each(|words| documents::add_licence(&mut package, words)),
    }
    found.licences = package.licences;
}

fn is_machine_readable(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let name = first.split(':').next().unwrap_or_default();
    ["Format", "Format-Specification"].iter().any(|field| name.trim().eq_ignore_ascii_case(field))
}

/// The names in the first lines of the fields `License`, in the order of the file; the texts behind them are passed over.
fn fields(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(name, _)| name.eq_ignore_ascii_case("License")).map(|(_, words)| words.trim())
}

/// The licences whose texts are referred to, each once. A later version may be chosen where the file says so of the one licence of GNU
/// that it names; of several it cannot be told which is meant.
fn references(text: &str) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    for (at, _) in text.match_indices(COMMON) {
        let rest = &text[at + COMMON.len()..];
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-.".contains(letter));
        let name = rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', '-']);
        if !name.is_empty() && names.len() < NAMES_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    let is_of_gnu = |name: &str| name.contains("GPL") && name.contains('-');
    let may_be_later = names.iter().filter(|name| is_of_gnu(name)).count() == 1 && says_later(text);
    let words = |name: &&str| match *name {
        // That file is the text of the University of California, with three clauses.
        "BSD" => "BSD-3-Clause".to_owned(),
        name if may_be_later && is_of_gnu(name) => format!("{name}+"),
        name => name.to_owned(),
    };
    names.iter().map(words).collect()
}

/// Lines are broken anywhere.
fn says_later(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let wanted: Vec<&str> = LATER.split(' ').collect();
    let mut matched = 0;
    words.any(|word| {
        let bare = word.trim_end_matches([',', '.', ';', ')']);
        matched = match bare.eq_ignore_ascii_case(wanted[matched]) {
            true => matched + 1,
            false => usize::from(bare.eq_ignore_ascii_case(wanted[0])),
        };
        matched == wanted.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licences(text: &str) -> Vec<String> {
        let mut found = Found::default();
        read(text, &mut found);
        found.licences
    }

    #[test]
    fn a_machine_readable_file_names_each_licence_once_as_spdx_has_it() {
        let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
            Upstream-Name: tool\n\nFiles: *\nCopyright: 2020 Ann\nLicense: Expat\n\n\
            Files: debian/*\nCopyright: 2020 Bob\nLicense: GPL-2+ or Artistic-2.0\n\n\
            License: Expat\n Permission is granted:\n License: this line is of the text\n\n\
            License: public-domain\n Nobody claims it.\n";

        assert_eq!(licences(text), ["MIT", "GPL-2.0-or-later OR Artistic-2.0", "public-domain"]);
    }

    #[test]
    fn any_other_file_names_the_common_licences_that_it_refers_to() {
        let cases: [(&str, &[&str]); 6] = [
            ("On Debian systems it is in `/usr/share/common-licenses/Apache-2.0'.", &["Apache-2.0"]),
            ("version 2 only; see /usr/share/common-licenses/GPL-2.", &["GPL-2.0-only"]),
            ("version 2 or any\n later version. See /usr/share/common-licenses/GPL-2", &["GPL-2.0-or-later"]),
            (
                "any later version /usr/share/common-licenses/GPL-2 /usr/share/common-licenses/LGPL-2.1",
                &["GPL-2.0-only", "LGPL-2.1-only"],
            ),
            (
                "/usr/share/common-licenses/GPL and any later version, /usr/share/common-licenses/BSD",
                &["GPL", "BSD-3-Clause"],
            ),
            ("Do what you want with it.", &[]),
        ];

        for (text, expected) in cases {
            assert_eq!(licences(text), expected, "{text}");
        }
    }
}
