use super::*;
use crate::{Package, PackageType};
use proptest::prelude::*;

/// A package with these licences.
fn package(licences: &[&str]) -> Package {
    let mut package = Package::new(PackageType::Npm, "left-pad", "1.3.0");
    package.licences = licences.iter().map(|words| (*words).to_owned()).collect();
    package
}

fn policy(denied: &[&str], allowed: Option<&[&str]>) -> LicencePolicy {
    let owned = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    LicencePolicy { denied: owned(denied), allowed: allowed.map(owned) }
}

/// Why a package with these licences breaks a policy.
fn reason(policy: &LicencePolicy, licences: &[&str]) -> Option<BreachReason> {
    policy.check().unwrap();
    policy.breaches([&package(licences)]).first().map(|breach| breach.reason)
}

#[test]
fn words_of_packagers_become_spdx_expressions_where_they_are_sure() {
    let cases = [
        // SPDX's own, in any case; deprecated names as SPDX writes them now.
        ("MIT", "MIT"),
        ("mit", "MIT"),
        ("apache-2.0", "Apache-2.0"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("MIT or Apache-2.0", "MIT OR Apache-2.0"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("LicenseRef-Fedora-Public-Domain", "LicenseRef-Fedora-Public-Domain"),
        // npm
        ("(MIT OR CC0-1.0)", "MIT OR CC0-1.0"),
        ("(MIT AND (BSD-2-Clause OR ISC))", "(MIT AND (BSD-2-Clause OR ISC))"),
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        // Debian's copyright format
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("GPL-2+ or Expat", "GPL-2.0-or-later OR MIT"),
        // Fedora before SPDX
        ("GPLv2+ and LGPLv2+", "GPL-2.0-or-later AND LGPL-2.0-or-later"),
        ("ASL 2.0", "Apache-2.0"),
        // Python's classifiers
        ("License :: OSI Approved :: MIT License", "MIT"),
        ("License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ];

    for (words, expression) in cases {
        assert_eq!(spdx_expression(words).as_deref(), Some(expression), "{words}");
    }
}

#[test]
fn words_that_leave_a_choice_are_not_guessed() {
    let cases = [
        "",
        "BSD",
        "GPL",
        "Artistic",
        "UNLICENSED",
        "SEE LICENSE IN LICENSE.md",
        "public-domain",
        "Commercial",
        "License :: OSI Approved :: BSD License",
        "License :: OSI Approved :: Apache Software License",
        "GPL-2+ with OpenSSL exception",
        "MIT AND",
        "((MIT",
        "LicenseRef-",
        "GPL-9",
    ];

    for words in cases {
        assert_eq!(spdx_expression(words), None, "{words}");
    }
}

#[test]
fn a_denied_licence_breaks_the_policy_and_others_do_not() {
    let policy = policy(&["AGPL-*", "GPL-3.0-only"], None);

    assert_eq!(reason(&policy, &["AGPL-3.0-or-later"]), Some(BreachReason::Denied));
    assert_eq!(reason(&policy, &["GPL-3.0"]), Some(BreachReason::Denied));
    assert_eq!(reason(&policy, &["LGPL-3.0-only"]), None);
    assert_eq!(reason(&policy, &[]), None);
}

#[test]
fn a_choice_is_broken_only_when_every_choice_is() {
    let policy = policy(&["GPL-*"], None);

    assert_eq!(reason(&policy, &["GPL-2.0-only OR MIT"]), None);
    assert_eq!(reason(&policy, &["GPL-2.0-only AND MIT"]), Some(BreachReason::Denied));
    assert_eq!(reason(&policy, &["GPL-2.0-only OR (GPL-3.0-only AND MIT)"]), Some(BreachReason::Denied));
}

#[test]
fn a_choice_may_not_mix_one_that_is_allowed_with_one_that_is_not_denied() {
    let policy = policy(&["MIT"], Some(&["MIT", "ISC"]));

    assert_eq!(reason(&policy, &["MIT OR Zlib"]), Some(BreachReason::NotAllowed));
}

#[test]
fn all_licences_of_a_package_hold_together() {
    let policy = policy(&["GPL-2.0-or-later"], None);

    assert_eq!(reason(&policy, &["Expat", "GPL-2+"]), Some(BreachReason::Denied));
}

#[test]
fn with_a_list_of_allowed_ones_the_unknown_is_in_breach() {
    let policy = policy(&[], Some(&["MIT", "Ruby terms"]));

    assert_eq!(reason(&policy, &["Expat"]), None);
    assert_eq!(reason(&policy, &["ruby Terms"]), None);
    assert_eq!(reason(&policy, &["BSD"]), Some(BreachReason::NotAllowed));
    assert_eq!(reason(&policy, &[]), Some(BreachReason::Unknown));
}

#[test]
fn a_licence_is_denied_with_its_exceptions_unless_the_exception_is_allowed_by_name() {
    let with = "GPL-2.0-only WITH Classpath-exception-2.0";

    assert_eq!(reason(&policy(&["GPL-2.0-only"], None), &[with]), Some(BreachReason::Denied));
    assert_eq!(reason(&policy(&["GPL-*"], None), &[with]), Some(BreachReason::Denied));
    assert_eq!(reason(&policy(&["GPL-*"], Some(&[with])), &[with]), None);
    assert_eq!(reason(&policy(&["GPL-*"], Some(&[with])), &["GPL-2.0-only"]), Some(BreachReason::Denied));
}

#[test]
fn an_entry_that_is_not_one_licence_is_refused_with_what_to_write() {
    for entry in ["", "MIT OR ISC", "G*L", "a\nb"] {
        let refusal = policy(&[entry], None).check().unwrap_err();

        assert_eq!(refusal, LicencePolicyError::Entry { entry: entry.into() });
        assert!(refusal.to_string().contains("in an entry of its own"));
    }
}

proptest! {
    #[test]
    fn what_is_an_expression_stays_the_same_when_it_is_read_again(words in "[A-Za-z0-9.+() /-]{0,40}") {
        if let Some(expression) = spdx_expression(&words) {
            prop_assert_eq!(spdx_expression(&expression), Some(expression));
        }
    }
}

#[test]
fn what_comes_out_reads_as_itself_or_is_nothing() {
    let long = "MIT/".repeat(60) + "MIT";
    for words in ["MIT/GPL-3.0-with-GCC-exception", "GPL-3.0-with-GCC-exception", "MIT/Apache-2.0", "(MIT)", &long] {
        let read = spdx_expression(words);

        assert!(read.is_none() || spdx_expression(read.as_deref().unwrap()) == read, "{words}: {read:?}");
    }
}
