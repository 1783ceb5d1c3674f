use super::*;
use proptest::prelude::*;
use std::cmp::Ordering::{Equal, Greater, Less};

fn cases(scheme: VersionScheme) -> &'static str {
    match scheme {
        VersionScheme::Alpine => include_str!("../../orders/alpine.txt"),
        VersionScheme::Composer => include_str!("../../orders/composer.txt"),
        VersionScheme::Debian => include_str!("../../orders/debian.txt"),
        VersionScheme::Gem => include_str!("../../orders/gem.txt"),
        VersionScheme::Go => include_str!("../../orders/go.txt"),
        VersionScheme::Maven => include_str!("../../orders/maven.txt"),
        VersionScheme::NuGet => include_str!("../../orders/nuget.txt"),
        VersionScheme::Python => include_str!("../../orders/python.txt"),
        VersionScheme::Rpm => include_str!("../../orders/rpm.txt"),
        VersionScheme::Semantic => include_str!("../../orders/semantic.txt"),
    }
}

/// The lines of a file that say something.
fn lines(scheme: VersionScheme) -> impl Iterator<Item = &'static str> {
    cases(scheme).lines().filter(|line| !line.starts_with('#'))
}

fn pairs(scheme: VersionScheme) -> impl Iterator<Item = (&'static str, Ordering, &'static str)> {
    lines(scheme).filter(|line| !line.starts_with('!')).map(|line| {
        let [left, sign, right] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (
            left,
            if sign == "<" {
                Less
            } else if sign == ">" {
                Greater
            } else {
                Equal
            },
            right,
        )
    })
}

fn versions(scheme: VersionScheme) -> Vec<&'static str> {
    pairs(scheme).flat_map(|(left, _, right)| [left, right]).collect()
}

#[test]
fn versions_are_ordered_as_their_package_manager_orders_them() {
    for scheme in VersionScheme::ALL {
        let count = pairs(*scheme).count();
        assert!(count >= 10, "{scheme:?} has {count} cases");
        for (left, ordering, right) in pairs(*scheme) {
            assert_eq!(scheme.order(left, right), Some(ordering), "{scheme:?}: {left} {right}");
            assert_eq!(scheme.order(right, left), Some(ordering.reverse()), "{scheme:?}: {right} {left}");
        }
    }
}

#[test]
fn what_is_no_version_is_not_ordered() {
    for scheme in VersionScheme::ALL {
        let known = versions(*scheme)[0];
        for text in lines(*scheme).filter_map(|line| line.strip_prefix('!')) {
            let text = text.strip_prefix(' ').unwrap_or(text);
            assert_eq!(scheme.order(known, text), None, "{scheme:?}: {text}");
            assert_eq!(scheme.order(text, known), None, "{scheme:?}: {text}");
        }
    }
}

#[test]
fn a_version_beyond_its_bound_is_none() {
    let long = "1".repeat(VERSION_BYTES_MAX + 1);

    for scheme in VersionScheme::ALL {
        assert_eq!(scheme.order(&long, "1"), None, "{scheme:?}");
        assert_eq!(scheme.order("1", &long), None, "{scheme:?}");
    }
}

/// Of any three there is an order: without this neither sorting nor a range of versions means anything.
#[test]
fn the_orders_are_transitive_over_all_cases() {
    for scheme in VersionScheme::ALL {
        let known = versions(*scheme);
        let before = |left: &str, right: &str| scheme.order(left, right).is_some_and(|found| found.is_le());
        for one in &known {
            for other in known.iter().filter(|other| before(one, other)) {
                for third in known.iter().filter(|third| before(other, third)) {
                    assert!(before(one, third), "{scheme:?}: {one} <= {other} <= {third}");
                }
            }
        }
    }
}

#[test]
fn keys_order_as_their_versions_do() {
    for scheme in VersionScheme::ALL {
        let known = versions(*scheme);
        for one in &known {
            for other in &known {
                let by_key = scheme.key(one).unwrap().cmp(&scheme.key(other).unwrap());
                assert_eq!(Some(by_key), scheme.order(one, other), "{scheme:?}: {one} {other}");
            }
        }
    }
}

fn scheme() -> impl Strategy<Value = VersionScheme> {
    prop::sample::select(VersionScheme::ALL)
}

proptest! {
    #[test]
    fn any_text_is_ordered_or_refused_and_turning_it_round_turns_the_answer(
        scheme in scheme(),
        left in "([0-9]{1,3}[.~^:+_-]?(a|b|rc|alpha|p|x)?){0,5}|\\PC{0,12}",
        right in "([0-9]{1,3}[.~^:+_-]?(a|b|rc|alpha|p|x)?){0,5}|\\PC{0,12}",
    ) {
        let found = scheme.order(&left, &right);

        prop_assert_eq!(scheme.order(&right, &left), found.map(Ordering::reverse));
        if found.is_some() {
            prop_assert_eq!(scheme.order(&left, &left), Some(Equal));
        }
    }

    #[test]
    fn of_any_three_there_is_an_order(
        scheme in scheme(),
        [one, other, third] in prop::array::uniform3("[0-2]{1,2}([.~_-](0|1|00|a|rc|p|x)[0-1]?){0,3}"),
    ) {
        let before = |left: &str, right: &str| scheme.order(left, right).is_some_and(|found| found.is_le());

        if before(&one, &other) && before(&other, &third) {
            prop_assert!(before(&one, &third), "{} <= {} <= {}", one, other, third);
        }
    }

    #[test]
    fn keys_order_as_any_versions_do(
        scheme in scheme(),
        left in "[0-2]{1,2}([.~^_+-]?(0|1|00|a|b|rc|alpha|pre|post|dev|sp|ga|p|x)[0-1]?){0,4}",
        right in "[0-2]{1,2}([.~^_+-]?(0|1|00|a|b|rc|alpha|pre|post|dev|sp|ga|p|x)[0-1]?){0,4}",
    ) {
        let by_key = scheme.key(&left).zip(scheme.key(&right)).map(|(left, right)| left.cmp(&right));

        prop_assert_eq!(by_key, scheme.order(&left, &right), "{:?}: {} {}", scheme, left, right);
    }
}
