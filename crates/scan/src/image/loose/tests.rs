use crate::image::put_together;
use crate::layer::tests::{Item, layer};
use crate::{Inventory, Layer, loose_files};

/// The files to be seen, each with its layer.
fn seen(layers: &[Layer]) -> Vec<String> {
    let layers: Vec<&Layer> = layers.iter().collect();
    let inventory = put_together(&layers);
    loose_files(&layers, &inventory).iter().map(|file| format!("{}@{}", file.path, file.layer)).collect()
}

fn one(name: &str) -> Layer {
    layer(&[Item::file(name, "")])
}

#[test]
fn what_a_layer_deletes_replaces_or_hides_is_not_to_be_seen() {
    let base = || layer(&[Item::file("d/a", ""), Item::file("d/b", ""), Item::file("e", "")]);

    assert_eq!(seen(&[base(), one("d/.wh.a")]), ["d/b@0", "e@0"]);
    assert_eq!(seen(&[base(), one(".wh.d")]), ["e@0"]);
    assert_eq!(seen(&[base(), one("d/.wh..wh..opq")]), ["e@0"]);
    assert_eq!(seen(&[base(), one("d/a")]), ["d/a@1", "d/b@0", "e@0"]);
    assert_eq!(seen(&[base(), one("e/f")]), ["d/a@0", "d/b@0", "e/f@1"]);
    assert_eq!(seen(&[one("d/.wh.a"), base()]), ["d/a@1", "d/b@1", "e@1"]);
}

#[test]
fn what_lies_in_a_linked_folder_is_known_under_each_of_its_names() {
    let base = || layer(&[Item::folder("usr/lib"), Item::link("lib", "usr/lib"), Item::file("usr/lib/x.so", "")]);

    assert_eq!(seen(&[base(), one("lib/.wh.x.so")]), ["lib@0"]);
    assert_eq!(seen(&[base(), one("lib/x.so")]), ["lib@0", "lib/x.so@1"]);
    assert_eq!(seen(&[base(), one("lib/y.so"), one("usr/lib/.wh.y.so")]), ["lib@0", "usr/lib/x.so@0"]);
}

#[test]
fn what_a_package_of_another_layer_owns_is_not_loose() {
    let files = layer(&[Item::folder("usr/lib"), Item::link("lib", "usr/lib"), Item::file("usr/lib/x.so", "")]);
    let database = layer(&[Item::file("db.pkg", "DEB libx 1\nOWN /lib/x.so")]);

    assert_eq!(seen(&[files.clone(), database.clone()]), ["lib@0"]);
    assert_eq!(seen(&[database, files]), ["lib@1"]);
}

#[test]
fn a_hard_link_to_a_package_of_another_layer_is_no_loose_file() {
    let linked = layer(&[Item::hard_link("b/tool", "a/tool"), Item::hard_link("b/own", "a/own")]);
    let base = layer(&[Item::file("a/tool", "PKG one 1"), Item::file("a/own", "")]);

    assert_eq!(seen(&[base, linked]), ["a/own@0", "b/own@1"]);
}

#[test]
fn of_an_image_that_an_earlier_version_read_it_is_not_known_which_files_it_has() {
    let layers = [&one("d/a"), &one("d/.wh.a")];

    let known = put_together(&layers);
    let mut stored = serde_json::to_value(&known).unwrap();
    stored.as_object_mut().unwrap().remove("loose");
    let old: Inventory = serde_json::from_value(stored).unwrap();

    let hidden: Vec<_> = known.loose.iter().flatten().map(|layer| layer.hidden.clone()).collect();
    assert_eq!(hidden, [vec![(0, 1)], vec![]]);
    assert_eq!((old.loose.is_none(), loose_files(&layers, &old)), (true, vec![]));
}

#[test]
fn places_that_are_hidden_are_kept_as_runs() {
    let seen = [false, false, true, false, true];
    let layer = crate::LooseLayer { hidden: super::hidden(&seen), ..crate::LooseLayer::default() };

    assert_eq!(layer.hidden, [(0, 2), (3, 1)]);
    assert_eq!((0..5).map(|place| layer.shows(place)).collect::<Vec<_>>(), seen);
}

#[test]
fn of_an_image_with_very_many_files_and_layers_none_are_kept_and_it_says_so() {
    let names: Vec<String> = (0..200).map(|number| format!("d/{number}")).collect();
    let files: Vec<Item<'_>> = names.iter().map(|name| Item::file(name, "")).collect();
    let (base, above) = (layer(&files), layer(&[Item::folder("d")]));
    let image =
        |count: usize| -> Vec<&Layer> { [&base].into_iter().chain(std::iter::repeat_n(&above, count)).collect() };
    let truncated = |layers: &[&Layer]| -> Vec<bool> {
        put_together(layers).loose.unwrap().iter().map(|layer| layer.is_truncated).collect()
    };
    let (kept, too_many) = (image(49), image(50));

    assert_eq!(loose_files(&kept, &put_together(&kept)).len(), 200);
    assert!(!truncated(&kept).contains(&true));
    assert_eq!(loose_files(&too_many, &put_together(&too_many)), []);
    assert_eq!(truncated(&too_many).iter().position(|is_truncated| *is_truncated), Some(0));
}
