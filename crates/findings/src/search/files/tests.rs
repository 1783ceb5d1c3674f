use super::*;
use crate::search::index::{HeldImage, Place};
use gantry_words::Timestamp;
use proptest::prelude::*;

/// A layer with these files, by its digest.
type Files<'a> = (&'a str, &'a [&'a str]);

fn list(paths: &[&str]) -> LooseFiles {
    let sorted: BTreeSet<&str> = paths.iter().copied().collect();
    sorted.into_iter().collect()
}

/// Pushes an image with these layers, of each of which it hides some places.
fn push(index: &mut Index, repository: i64, digest: &str, at: i64, layers: &[(Files<'_>, &[(u32, u32)])]) -> Place {
    let layer = |((_, paths), hidden): &(Files<'_>, &[(u32, u32)])| LooseLayer {
        list: list(paths).fingerprint(),
        hidden: hidden.to_vec(),
        is_truncated: false,
    };
    let inventory = Inventory {
        layer_digests: layers.iter().map(|((digest, _), _)| String::from(*digest)).collect(),
        loose: Some(layers.iter().map(layer).collect()),
        ..Inventory::default()
    };
    put(index, repository, digest, at, &inventory)
}

fn put(index: &mut Index, repository: i64, digest: &str, at: i64, inventory: &Inventory) -> Place {
    let place: Place = (repository, digest.into());
    let image = HeldImage {
        place: place.clone(),
        scanned_at: Timestamp::from_millis(at),
        pushed_at: Timestamp::from_millis(at),
        pushed_by: "ann".into(),
    };
    index.put(image, inventory);
    place
}

/// Gives the index the filters of these layers, as if they came from the database.
fn read_filters(index: &mut Index, layers: &[Files<'_>]) {
    let wanted = index.files().wanted();
    let kept = |(digest, paths): &Files<'_>| Some((String::from(*digest), filter_to_keep(&list(paths))?.into()));
    index.files_mut().set_filters(&wanted, layers.iter().filter_map(kept).collect());
}

fn visible(repositories: &[i64]) -> Visible {
    repositories.iter().map(|id| (*id, format!("team/{id}"))).collect()
}

/// Asks as the server does, with the lists of these layers in the place of the database.
fn ask(
    index: &Index,
    visible: &Visible,
    layers: &[Files<'_>],
    pattern: &str,
    page: (Option<&str>, usize),
) -> Page<FoundFile> {
    let pattern = PathPattern::new(pattern);
    let Candidates { keys, .. } = Candidates::of(index, visible, &pattern);
    let (after, count) = (page.0.map(String::from), page.1);
    let mut gathered = Gathered { pattern, after, count, found: BTreeMap::new(), has_more: false };
    let kept: HashMap<Key, Arc<LooseFiles>> = layers
        .iter()
        .map(|(digest, paths)| ((Arc::from(*digest), Arc::from(list(paths).fingerprint())), Arc::new(list(paths))))
        .collect();
    let lists = keys.into_iter().map(|key| (key.clone(), kept.get(&key).cloned())).collect();
    gathered.look_through_all(index, visible, lists);
    gathered.show(index, visible)
}

fn told(page: &Page<FoundFile>) -> Vec<(&str, Vec<&str>)> {
    page.items
        .iter()
        .map(|file| (file.path.as_str(), file.images.shown.iter().map(|image| image.digest.as_str()).collect()))
        .collect()
}

const BASE: Files<'static> = ("sha256:base", &["etc/settings", "usr/local/bin/kubectl", "usr/local/bin/run.sh"]);
const APP: Files<'static> = ("sha256:app", &["opt/log4j-core-2.14.jar", "opt/run.sh"]);

/// Two images of the same base, of which the second hides `run.sh` of it and has an application; a third of others has the base too.
fn index() -> Index {
    let mut index = Index::default();
    push(&mut index, 1, "sha256:a", 1_000, &[(BASE, &[])]);
    push(&mut index, 1, "sha256:b", 2_000, &[(BASE, &[(2, 1)]), (APP, &[])]);
    push(&mut index, 2, "sha256:c", 3_000, &[(BASE, &[])]);
    read_filters(&mut index, &[BASE, APP]);
    index
}

#[test]
fn files_are_found_by_path_by_name_and_by_pattern_with_the_images_that_hold_them() {
    let index = index();
    let all = visible(&[1, 2]);
    let found = |pattern: &str| ask(&index, &all, &[BASE, APP], pattern, (None, 10));

    let by_name = found("run.sh");
    let by_path = found("/usr/local/bin/kubectl");
    let by_pattern = found("log4j-core-*.jar");

    assert_eq!(
        told(&by_name),
        [("opt/run.sh", vec!["sha256:b"]), ("usr/local/bin/run.sh", vec!["sha256:c", "sha256:a"])]
    );
    assert_eq!(told(&by_path), [("usr/local/bin/kubectl", vec!["sha256:c", "sha256:b", "sha256:a"])]);
    assert_eq!(told(&by_pattern), [("opt/log4j-core-2.14.jar", vec!["sha256:b"])]);
    let image = &by_pattern.items[0].images.shown[0];
    assert_eq!(
        (image.layer.as_deref(), &image.paths[..]),
        (Some("sha256:app"), &["opt/log4j-core-2.14.jar".to_owned()][..])
    );
    assert_eq!(told(&found("nowhere")), []);
}

#[test]
fn what_may_not_be_seen_is_neither_shown_nor_counted_nor_looked_through() {
    let index = index();
    let few = visible(&[2]);

    let found = ask(&index, &few, &[BASE, APP], "run.sh", (None, 10));
    let candidates = Candidates::of(&index, &few, &PathPattern::new("*"));

    assert_eq!(told(&found), [("usr/local/bin/run.sh", vec!["sha256:c"])]);
    assert_eq!(candidates.keys.len(), 1);
}

#[test]
fn only_layers_are_looked_through_whose_filters_say_that_they_may_have_it() {
    let index = index();
    let layers = |pattern: &str| Candidates::of(&index, &visible(&[1]), &PathPattern::new(pattern)).keys.len();

    assert_eq!((layers("log4j-core-*.jar"), layers("run.sh"), layers("libssl.so.1.1")), (1, 2, 0));
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let index = index();
    let (mut after, mut seen) = (None::<String>, Vec::new());
    loop {
        let page = ask(&index, &visible(&[1, 2]), &[BASE, APP], "*", (after.as_deref(), 2));
        seen.extend(page.items.iter().map(|file| file.path.clone()));
        after = page.items.last().map(|file| file.path.clone());
        if !page.has_more {
            break;
        }
    }

    let all =
        ["etc/settings", "opt/log4j-core-2.14.jar", "opt/run.sh", "usr/local/bin/kubectl", "usr/local/bin/run.sh"];
    assert_eq!(seen, all);
}

#[test]
fn images_that_are_gone_or_read_again_take_their_files_with_them() {
    let mut index = index();

    index.remove([&(1, Arc::from("sha256:b"))]);
    push(&mut index, 2, "sha256:c", 4_000, &[]);

    let found = ask(&index, &visible(&[1, 2]), &[BASE, APP], "*", (None, 10));
    assert_eq!(found.items.len(), 3);
    assert_eq!(told(&found)[1], ("usr/local/bin/kubectl", vec!["sha256:a"]));
    let files = index.files();
    assert_eq!((files.layers.len(), files.of.len(), files.hidings.len()), (1, 1, 1));
}

#[test]
fn what_an_image_hides_of_a_layer_that_it_has_twice_goes_with_it() {
    let mut index = Index::default();
    let place = push(&mut index, 1, "sha256:a", 1_000, &[(BASE, &[(0, 3)]), (BASE, &[])]);
    let before = index.files().hidings.len();

    index.remove([&place]);

    assert_eq!((before, index.files().hidings.len()), (1, 0));
}

#[test]
fn it_is_asked_once_what_images_hide_of_a_layer_that_hide_the_same() {
    let index = index();
    let files = index.files();
    let held = files.layers.iter().find(|((digest, _), _)| &**digest == BASE.0).unwrap().1;
    let count = |repositories: &[i64]| hidings(&index, &visible(repositories), held).len();

    assert_eq!((count(&[1, 2]), count(&[2]), count(&[])), (2, 1, 0));
}

#[test]
fn files_behind_a_page_that_is_full_are_not_looked_at_but_for_the_first() {
    let paths: Vec<String> = (10..99).map(|number| format!("bin/{number}")).collect();
    let key: Key = ("sha256:base".into(), "list".into());
    let pattern = PathPattern::new("*");
    let mut gathered = Gathered { pattern, after: None, count: 2, found: BTreeMap::new(), has_more: false };
    let (shown, mut looked_at) = (LooseLayer::default(), 0);

    gathered.look_through(&[&shown], &key, paths.iter().map(String::as_str).inspect(|_| looked_at += 1));

    assert_eq!((gathered.found.len(), gathered.has_more), (2, true));
    assert_eq!(looked_at, 4, "two of the page, one that says that there is more, and one that is behind it");
}

#[test]
fn of_images_that_an_earlier_version_read_it_is_told_that_their_files_are_not_known() {
    let mut index = index();
    let other: Files<'_> = ("sha256:app", &["opt/other"]);
    put(&mut index, 1, "sha256:old", 5_000, &Inventory::default());
    let unknown = |index: &Index| Candidates::of(index, &visible(&[1]), &PathPattern::new("*")).unknown_images.len();
    // An image without layers has no files, and one that an earlier version read says nothing of them.
    let before = unknown(&index);
    push(&mut index, 1, "sha256:later", 6_000, &[(other, &[])]);
    read_filters(&mut index, &[BASE, APP]);

    assert_eq!((before, unknown(&index)), (1, 2), "the layer is kept with another list than this image was made with");
}

#[test]
fn an_image_with_more_files_than_are_kept_makes_the_answer_one_that_may_be_cut() {
    let mut index = index();
    let loose = Some(vec![LooseLayer { list: "x".into(), hidden: vec![], is_truncated: true }]);
    let inventory = Inventory { layer_digests: vec!["sha256:long".into()], loose, ..Inventory::default() };
    let is_truncated =
        |index: &Index, id: i64| Candidates::of(index, &visible(&[id]), &PathPattern::new("*")).is_truncated;
    let before = is_truncated(&index, 1);

    put(&mut index, 1, "sha256:d", 5_000, &inventory);

    assert_eq!((before, is_truncated(&index, 1), is_truncated(&index, 2)), (false, true, false));
}

#[test]
fn a_kept_filter_is_of_one_list_only() {
    let files = list(&["a/b", "c"]);

    let kept = filter_to_keep(&files).unwrap();

    assert_eq!(kept_filter(&kept, &files.fingerprint()), files.filter());
    assert_eq!(kept_filter(&kept, &list(&["a/b"]).fingerprint()), None);
    assert_eq!(kept_filter(&kept[..10], &files.fingerprint()), None);
    assert_eq!(filter_to_keep(&LooseFiles::default()), None);
}

/// Layers by number, each a few files of few names.
fn layers() -> impl Strategy<Value = Vec<BTreeSet<String>>> {
    let path = proptest::collection::vec("[ab]{1,2}", 1..3).prop_map(|parts| parts.join("/"));
    proptest::collection::vec(proptest::collection::btree_set(path, 1..6), 1..5)
}

proptest! {
    #[test]
    fn a_search_finds_what_looking_at_every_file_of_every_image_finds(
        layers in layers(),
        images in proptest::collection::vec((0..2_i64, proptest::collection::btree_set(0..4_usize, 1..3), 0..4_u32), 1..6),
        pattern in "/?[ab/*]{1,4}",
    ) {
        let paths: Vec<Vec<&str>> = layers.iter().map(|paths| paths.iter().map(String::as_str).collect()).collect();
        let digests: Vec<String> = (0..layers.len()).map(|number| format!("sha256:{number}")).collect();
        let files = |number: usize| -> Files<'_> { (digests[number].as_str(), paths[number].as_slice()) };
        let all: Vec<Files<'_>> = (0..layers.len()).map(files).collect();
        let wanted = PathPattern::new(&pattern);
        let mut index = Index::default();
        let mut expected: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (number, (repository, own, hides)) in images.iter().enumerate() {
            let digest = format!("sha256:image-{number}");
            let hidden = [(*hides, 1)];
            let own: Vec<_> = own.iter().filter(|layer| **layer < layers.len()).map(|layer| (files(*layer), &hidden[..])).collect();
            push(&mut index, *repository, &digest, number as i64, &own);
            for ((_, paths), _) in own.iter().filter(|_| *repository == 1) {
                let seen = paths.iter().enumerate().filter(|(place, path)| *place as u32 != *hides && wanted.fits(path));
                for (_, path) in seen {
                    expected.entry(*path).or_default().insert(digest.clone());
                }
            }
        }
        read_filters(&mut index, &all);

        let found = ask(&index, &visible(&[1]), &all, &pattern, (None, 100));

        let found: BTreeMap<&str, BTreeSet<String>> = found
            .items
            .iter()
            .map(|file| (file.path.as_str(), file.images.shown.iter().map(|image| image.digest.clone()).collect()))
            .collect();
        prop_assert_eq!(found, expected);
    }
}
