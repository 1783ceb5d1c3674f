mod judged;
mod owned;
mod property;

use super::*;
use crate::layer::tests::{Item, layer};

/// Names of packages with the layers that brought them, in the order of their paths.
fn seen(layers: &[Layer]) -> Vec<String> {
    let layers: Vec<&Layer> = layers.iter().collect();
    let mut packages = put_together(&layers).packages;
    packages.sort_by(|a, b| a.path.cmp(&b.path));
    packages.iter().map(|found| format!("{}={}@{}", found.path, found.package.name, found.layer)).collect()
}

/// Where files really lie that belong to no package.
fn seen_loose(layers: &[Layer]) -> Vec<String> {
    Image::of(&layers.iter().collect::<Vec<_>>()).loose.real_paths()
}

fn one(name: &str) -> Layer {
    layer(&[Item::file(name, "PKG one 1")])
}

#[test]
fn layers_add_to_each_other() {
    assert_eq!(seen(&[one("a.pkg"), one("b.pkg")]), ["a.pkg=one@0", "b.pkg=one@1"]);
}

#[test]
fn a_whiteout_deletes_a_file_of_the_layers_below() {
    let gone = layer(&[Item::file("d/.wh.a.pkg", "")]);

    assert_eq!(seen(&[one("d/a.pkg"), gone.clone()]), [""; 0]);
    assert_eq!(seen(&[gone, one("d/a.pkg")]), ["d/a.pkg=one@1"]);
}

#[test]
fn a_whiteout_deletes_a_whole_tree() {
    let gone = layer(&[Item::file(".wh.d", "")]);

    assert_eq!(seen(&[one("d/e/f/a.pkg"), one("dd/a.pkg"), gone]), ["dd/a.pkg=one@1"]);
}

#[test]
fn a_whiteout_leaves_what_is_in_its_own_layer() {
    for items in [
        [Item::file(".wh.a.pkg", ""), Item::file("a.pkg", "PKG two 2")],
        [Item::file("a.pkg", "PKG two 2"), Item::file(".wh.a.pkg", "")],
    ] {
        assert_eq!(seen(&[one("a.pkg"), layer(&items)]), ["a.pkg=two@1"]);
    }
}

#[test]
fn an_opaque_folder_hides_what_is_below_and_leaves_its_siblings_in_any_order() {
    for items in [
        [Item::file("d/.wh..wh..opq", ""), Item::file("d/b.pkg", "PKG two 2")],
        [Item::file("d/b.pkg", "PKG two 2"), Item::file("d/.wh..wh..opq", "")],
    ] {
        let layers = [one("d/a.pkg"), one("d/e/a.pkg"), one("a.pkg"), layer(&items)];

        assert_eq!(seen(&layers), ["a.pkg=one@2", "d/b.pkg=two@3"]);
    }
}

#[test]
fn an_opaque_root_hides_everything_below() {
    assert_eq!(seen(&[one("d/a.pkg"), layer(&[Item::file(".wh..wh..opq", "")])]), [""; 0]);
}

#[test]
fn a_file_over_a_folder_deletes_it() {
    assert_eq!(seen(&[one("d/e/a.pkg"), layer(&[Item::file("d", "")])]), [""; 0]);
}

#[test]
fn a_folder_over_a_file_replaces_it() {
    assert_eq!(seen(&[one("a.pkg"), layer(&[Item::folder("a.pkg")])]), [""; 0]);
    assert_eq!(seen(&[one("a.pkg"), one("a.pkg/b.pkg")]), ["a.pkg/b.pkg=one@1"]);
}

#[test]
fn a_folder_over_a_folder_keeps_what_is_in_it() {
    assert_eq!(seen(&[one("d/a.pkg"), layer(&[Item::folder("d")])]), ["d/a.pkg=one@0"]);
}

#[test]
fn a_program_that_is_replaced_by_a_script_is_gone() {
    assert_eq!(seen(&[one("bin/tool"), layer(&[Item::file("bin/tool", "#!/bin/sh")])]), [""; 0]);
}

#[test]
fn a_link_over_a_file_replaces_it() {
    assert_eq!(seen(&[one("bin/tool"), layer(&[Item::link("bin/tool", "other")])]), [""; 0]);
}

#[test]
fn a_hard_link_to_a_file_below_has_what_it_has() {
    let linked = layer(&[Item::hard_link("b/tool", "a/tool")]);

    assert_eq!(seen(&[one("a/tool"), linked]), ["a/tool=one@0", "b/tool=one@0"]);
}

#[test]
fn paths_through_a_linked_folder_are_those_of_its_target() {
    let linked =
        layer(&[Item::folder("usr/lib"), Item::link("lib", "usr/lib"), Item::file("usr/lib/a.pkg", "PKG one 1")]);

    let replaced = layer(&[Item::file("lib/a.pkg", "PKG two 2")]);
    let emptied = layer(&[Item::file("lib/a.pkg", "")]);
    let deleted = layer(&[Item::file("lib/.wh.a.pkg", "")]);
    let hidden = layer(&[Item::file("lib/.wh..wh..opq", "")]);

    assert_eq!(seen(&[linked.clone(), replaced]), ["usr/lib/a.pkg=two@1"]);
    for gone in [emptied, deleted, hidden] {
        assert_eq!(seen(&[linked.clone(), gone]), [""; 0]);
    }
}

#[test]
fn a_deleted_link_takes_nothing_of_its_target_along() {
    let linked =
        layer(&[Item::folder("usr/lib"), Item::link("lib", "usr/lib"), Item::file("usr/lib/a.pkg", "PKG one 1")]);

    let layers = [linked, layer(&[Item::file(".wh.lib", ""), Item::folder("lib")]), one("lib/b.pkg")];

    assert_eq!(seen(&layers), ["lib/b.pkg=one@2", "usr/lib/a.pkg=one@0"]);
}

#[test]
fn links_in_circles_come_to_an_end() {
    let circle = layer(&[Item::link("a", "b"), Item::link("b", "a"), Item::link("c", "c/c")]);

    assert_eq!(seen(&[circle, one("a/x.pkg"), one("c/x.pkg"), one("d.pkg")]), ["d.pkg=one@3"]);
}

#[test]
fn a_package_was_brought_by_the_layer_from_which_on_its_database_names_it() {
    let lower = layer(&[Item::file("db.pkg", "DEB bash 1\nDEB curl 1")]);
    let upper = layer(&[Item::file("db.pkg", "DEB bash 1\nDEB curl 2\nDEB git 1")]);
    let top = layer(&[Item::file("db.pkg", "DEB bash 1\nDEB curl 2")]);

    assert_eq!(seen(&[lower, upper, top]), ["db.pkg=bash@0", "db.pkg=curl@1"]);
}

#[test]
fn packages_of_languages_that_the_distribution_owns_are_left_out() {
    let language = layer(&[Item::file("usr/lib/x.pkg", "PKG owned 1"), Item::file("usr/lib/y.pkg", "PKG own 1")]);
    let distribution =
        layer(&[Item::file("etc/os-release", "OS debian 12"), Item::file("db.pkg", "DEB bash 1\nOWN /usr/lib/x.pkg")]);

    assert_eq!(seen(&[language.clone(), distribution.clone()]), ["db.pkg=bash@1", "usr/lib/y.pkg=own@0"]);
    assert_eq!(seen(&[distribution, language]), ["db.pkg=bash@0", "usr/lib/y.pkg=own@1"]);
}

#[test]
fn a_path_is_owned_under_each_of_its_names() {
    let all = layer(&[
        Item::folder("usr/bin"),
        Item::link("bin", "usr/bin"),
        Item::file("etc/os-release", "OS debian 12"),
        Item::file("usr/bin/tool", "PKG owned 1"),
        Item::file("db.pkg", "DEB bash 1\nOWN /bin/tool"),
    ]);

    assert_eq!(seen(&[all]), ["db.pkg=bash@0"]);
}

#[test]
fn complaints_name_their_files() {
    let layer = layer(&[Item::file("a.pkg", "nonsense"), Item::file("../b", "")]);

    let complaints = put_together(&[&layer]).complaints;

    assert!(complaints[0].starts_with("../b: "), "{complaints:?}");
    assert_eq!(complaints[1], "a.pkg: not a line: nonsense");
}
