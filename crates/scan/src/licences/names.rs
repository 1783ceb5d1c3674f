//! Names of licences, as packagers write them.

/// Whole phrases, in lower case, sorted; Python's classifiers without what comes before their last `::`.
const PHRASES: &[(&str, &str)] = &[
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache license v2.0", "Apache-2.0"),
    ("apache license version 2.0", "Apache-2.0"),
    ("apache license, version 2.0", "Apache-2.0"),
    ("apache software license 2.0", "Apache-2.0"),
    ("asl 2.0", "Apache-2.0"),
    ("blue oak model license (blueoak-1.0.0)", "BlueOak-1.0.0"),
    ("boost software license 1.0 (bsl-1.0)", "BSL-1.0"),
    ("bsd 2-clause", "BSD-2-Clause"),
    ("bsd 2-clause license", "BSD-2-Clause"),
    ("bsd 3-clause", "BSD-3-Clause"),
    ("bsd 3-clause license", "BSD-3-Clause"),
    ("cc0 1.0 universal (cc0 1.0) public domain dedication", "CC0-1.0"),
    ("eclipse public license 1.0 (epl-1.0)", "EPL-1.0"),
    ("eclipse public license 2.0 (epl-2.0)", "EPL-2.0"),
    ("european union public licence 1.1 (eupl 1.1)", "EUPL-1.1"),
    ("european union public licence 1.2 (eupl 1.2)", "EUPL-1.2"),
    ("gnu affero general public license v3", "AGPL-3.0-only"),
    ("gnu affero general public license v3 or later (agplv3+)", "AGPL-3.0-or-later"),
    ("gnu general public license v2 (gplv2)", "GPL-2.0-only"),
    ("gnu general public license v2 or later (gplv2+)", "GPL-2.0-or-later"),
    ("gnu general public license v3 (gplv3)", "GPL-3.0-only"),
    ("gnu general public license v3 or later (gplv3+)", "GPL-3.0-or-later"),
    ("gnu lesser general public license v2 (lgplv2)", "LGPL-2.0-only"),
    ("gnu lesser general public license v2 or later (lgplv2+)", "LGPL-2.0-or-later"),
    ("gnu lesser general public license v3 (lgplv3)", "LGPL-3.0-only"),
    ("gnu lesser general public license v3 or later (lgplv3+)", "LGPL-3.0-or-later"),
    ("isc license", "ISC"),
    ("isc license (iscl)", "ISC"),
    ("mit license", "MIT"),
    ("mit no attribution license (mit-0)", "MIT-0"),
    ("mozilla public license 1.0 (mpl)", "MPL-1.0"),
    ("mozilla public license 1.1 (mpl 1.1)", "MPL-1.1"),
    ("mozilla public license 2.0 (mpl 2.0)", "MPL-2.0"),
    ("mpl 2.0", "MPL-2.0"),
    ("postgresql license", "PostgreSQL"),
    ("the isc license", "ISC"),
    ("the mit license", "MIT"),
    ("the unlicense", "Unlicense"),
    ("the unlicense (unlicense)", "Unlicense"),
    ("universal permissive license (upl)", "UPL-1.0"),
    ("university of illinois/ncsa open source license", "NCSA"),
    ("zlib/libpng license", "Zlib"),
];

/// Single words that are no SPDX name in any case, in lower case, sorted; Debian's and Fedora's.
const WORDS: &[(&str, &str)] = &[
    ("apache-2", "Apache-2.0"),
    ("apachev2", "Apache-2.0"),
    ("artistic-2", "Artistic-2.0"),
    ("bsl-1", "BSL-1.0"),
    ("cc0", "CC0-1.0"),
    ("expat", "MIT"),
    ("mpl-1", "MPL-1.0"),
    ("mpl-2", "MPL-2.0"),
    ("mplv1.1", "MPL-1.1"),
    ("mplv2.0", "MPL-2.0"),
    ("psf-2", "PSF-2.0"),
];

/// Returns the licence of a whole phrase.
pub(super) fn phrase(words: &str) -> Option<&'static str> {
    let name = match words.strip_prefix("License :: ") {
        Some(classifier) => classifier.rsplit(" :: ").next()?,
        None => words,
    };
    known(PHRASES, name)
}

/// Returns a licence as SPDX writes it now: in its case, and GNU's with `-only` or `-or-later`.
pub(super) fn licence(word: &str) -> Option<String> {
    if let Some(reference) = word.strip_prefix("LicenseRef-") {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        return (!reference.is_empty() && reference.bytes().all(allowed)).then(|| word.to_owned());
    }
    known(WORDS, word).map(str::to_owned).or_else(|| gnu(word)).or_else(|| listed(word))
}

fn known(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    table.binary_search_by_key(&name.as_str(), |(words, _)| words).ok().map(|at| table[at].1)
}

/// Looks a name up in SPDX's list, in any case, with a `+` where there is one.
fn listed(word: &str) -> Option<String> {
    let (name, plus) = match word.strip_suffix('+') {
        Some(name) => (name, "+"),
        None => (word, ""),
    };
    let id = spdx::license_id(name).or_else(|| {
        let listed = spdx::identifiers::LICENSES.iter().find(|licence| licence.name.eq_ignore_ascii_case(name))?;
        spdx::license_id(listed.name)
    })?;
    Some(format!("{}{plus}", id.name))
}

/// Reads the many ways to write a GNU licence: `GPL-2`, `GPL-2+`, `GPLv2+`, `LGPL-2.1`, `GPL-3.0-or-later`.
fn gnu(word: &str) -> Option<String> {
    let word = word.to_ascii_uppercase();
    let family = ["AGPL", "GFDL", "GPL", "LGPL"].into_iter().find(|family| word.starts_with(family))?;
    let rest = word[family.len()..].trim_start_matches(['-', 'V']);
    let (version, choice) = if let Some(version) = rest.strip_suffix('+').or_else(|| rest.strip_suffix("-OR-LATER")) {
        (version, "or-later")
    } else {
        (rest.strip_suffix("-ONLY").unwrap_or(rest), "only")
    };
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let id = spdx::license_id(&format!("{family}-{version}-{choice}"))?;
    Some(id.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_lead_to_licences_that_spdx_lists() {
        for table in [PHRASES, WORDS] {
            assert!(table.is_sorted_by_key(|(words, _)| *words));
            for (words, name) in table {
                assert_eq!(*words, words.to_ascii_lowercase());
                assert!(spdx::license_id(name).is_some_and(|id| !id.is_deprecated()), "{name}");
            }
        }
    }
}
