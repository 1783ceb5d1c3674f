use super::*;
use crate::layer::tests::{Item, layer};

fn kept(items: &[Item<'_>]) -> Vec<String> {
    layer(items).loose.iter().map(str::to_owned).collect()
}

fn held(names: impl IntoIterator<Item = String>) -> HeldFiles {
    let mut held = HeldFiles::default();
    names.into_iter().for_each(|name| held.take(&name, b"", 0o644));
    held
}

#[test]
fn files_and_links_of_which_no_package_was_made_are_kept_by_their_paths() {
    let kept = kept(&[
        Item::folder("app"),
        Item::file("./app/run.sh", "#!/bin/sh"),
        Item::file("usr/local/bin/kubectl", ""),
        Item::link("usr/local/bin/k", "kubectl"),
        Item::hard_link("opt/kubectl", "usr/local/bin/kubectl"),
        Item::file("app/.wh.old", ""),
        Item::file("app/x.pkg", "PKG one 1"),
    ]);

    assert_eq!(kept, ["app/run.sh", "opt/kubectl", "usr/local/bin/k", "usr/local/bin/kubectl"]);
}

#[test]
fn what_a_package_manager_owns_is_not_kept_under_any_of_its_names() {
    let kept = kept(&[
        Item::folder("usr/bin"),
        Item::link("bin", "usr/bin"),
        Item::file("usr/bin/ls", ""),
        Item::file("usr/bin/own", ""),
        Item::file("db.pkg", "DEB coreutils 1\nOWN /bin/ls\nOWN /bin"),
    ]);

    assert_eq!(kept, ["usr/bin/own"]);
}

#[test]
fn what_a_later_entry_replaces_is_not_kept() {
    let kept = kept(&[
        Item::file("a/b/c", ""),
        Item::file("a/b", ""),
        Item::file("d", ""),
        Item::folder("d"),
        Item::file("e", ""),
        Item::file("e", ""),
    ]);

    assert_eq!(kept, ["a/b", "e"]);
}

#[test]
fn what_helps_nobody_is_left_out() {
    let cases = [
        ("usr/share/doc/x/README", "", 0o644, None),
        ("usr/share/docs/x", "", 0o644, Some(Rank::Other)),
        ("srv/usr/share/doc/x", "", 0o644, Some(Rank::Other)),
        ("app/__pycache__/x.pyc", "", 0o644, None),
        ("root/.cache/pip/x.so", "", 0o644, None),
        ("srv/.git/objects/aa/bb", "", 0o644, None),
        ("srv/.git/config", "", 0o644, Some(Rank::Other)),
        ("var/lib/dpkg/info/bash.list", "", 0o644, None),
        ("app/node_modules/x/index.js", "", 0o755, None),
        ("app/node_modules/x/x.node", "", 0o644, Some(Rank::First)),
        ("app/node_modules/esbuild/bin/esbuild", "\x7fELF", 0o755, Some(Rank::First)),
        ("usr/lib/python3/site-packages/x.libs/libssl-1a2b.so.1.1", "", 0o644, Some(Rank::First)),
        ("app/run.sh", "#!/bin/sh", 0o755, Some(Rank::First)),
        ("app/settings", "", 0o644, Some(Rank::Other)),
    ];
    for (path, head, mode, wanted) in cases {
        assert_eq!(rank(path, head.as_bytes(), mode), wanted, "{path}");
    }
}

#[test]
fn of_too_many_files_programs_are_kept_first_and_it_is_told_that_there_are_more() {
    let mut held = held((0..KEPT_MAX).map(|number| format!("data/{number}")));
    held.take("zoo/tool", b"\x7fELF", 0o755);

    let files = held.finish(|_| false);

    assert!(files.is_truncated());
    assert_eq!(files.iter().count(), KEPT_MAX);
    assert_eq!(files.iter().last(), Some("zoo/tool"));
    assert!(files.iter().is_sorted());
}

#[test]
fn as_many_as_may_be_kept_are_all_kept() {
    let files = held((0..KEPT_MAX).map(|number| format!("data/{number}"))).finish(|_| false);

    assert_eq!((files.iter().count(), files.is_truncated()), (KEPT_MAX, false));
}

#[test]
fn a_million_names_and_long_ones_take_no_more_room_than_they_may() {
    let many = held((0..1_000_000).map(|number| format!("data/{number:07}")));
    let long = held((0..10_000).map(|number| format!("{number}{}", "x".repeat(4_000))));
    assert!(many.files.len() <= HELD_MAX && long.bytes <= HELD_BYTES_MAX, "{} {}", many.files.len(), long.bytes);

    for held in [many, long] {
        let files = held.finish(|_| false);

        assert!(files.is_truncated());
        assert!(files.byte_count() <= KEPT_BYTES_MAX && files.iter().count() <= KEPT_MAX);
        assert!(files.iter().count() > 200);
    }
}

#[test]
fn names_that_are_no_text_and_lines_in_names_are_kept_as_they_are_shown() {
    let mut archive = crate::layer::tests::pack(&[Item::file("app/a\nb", ""), Item::file("app/?", "")]);
    // The second name gets a byte that is no UTF-8, and its header the sum that goes with it.
    let header = 512;
    let sum = |archive: &[u8]| {
        let sum: u32 = archive[header..header + 512].iter().map(|byte| u32::from(*byte)).sum();
        sum - archive[header + 148..header + 156].iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32
    };
    archive[header + 4] = 0xff;
    let told = format!("{:06o}\0 ", sum(&archive));
    archive[header + 148..header + 156].copy_from_slice(told.as_bytes());

    let layer = crate::layer::tests::read(&archive, &crate::Limits::default()).unwrap();

    assert_eq!(layer.loose.iter().collect::<Vec<_>>(), ["app/a\nb", "app/\u{fffd}"]);
}

#[test]
fn lists_are_told_apart_and_are_the_same_after_they_were_stored() {
    let one: LooseFiles = ["a", "b/c"].into_iter().collect();
    let other: LooseFiles = ["a", "b/d"].into_iter().collect();

    let stored = serde_json::to_string(&one).unwrap();

    assert_eq!(serde_json::from_str::<LooseFiles>(&stored).unwrap(), one);
    assert_ne!(one.fingerprint(), other.fingerprint());
    assert_eq!(LooseFiles::default().fingerprint(), "");
}
