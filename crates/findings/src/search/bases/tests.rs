use super::*;
use gantry_scan::{
    Advisory, Affected, Installed, Knowledge, KnowledgeSource, Matched, Package, PackageType, Range, Until,
};
use gantry_words::Timestamp;

const LIBRARY: i64 = 1;
const TEAM: i64 = 2;

fn package(version: &str) -> Package {
    Package::new(PackageType::Pypi, "left-pad", version)
}

/// What an image of these layers holds: one package, brought by a layer.
fn inventory(layers: &[&str], version: &str, layer: u32) -> Inventory {
    Inventory {
        packages: vec![Installed { package: package(version), path: "a".into(), layer }],
        diff_ids: layers.iter().map(|layer| format!("sha256:{layer}")).collect(),
        platform: "linux/amd64".into(),
        ..Inventory::default()
    }
}

/// An index with the flaw of `left-pad` below 2.0.
fn index(images: &[(i64, &str, i64, Inventory)]) -> Index {
    let mut index = Index::default();
    for (repository, digest, at, inventory) in images {
        let at = Timestamp::from_millis(*at);
        let image = HeldImage {
            place: (*repository, (*digest).into()),
            scanned_at: at,
            pushed_at: at,
            pushed_by: "arn:aws:iam::000000000000:user/ann".into(),
        };
        index.put(image, inventory);
    }
    let advisory = Advisory {
        id: "CVE-2099-0002".into(),
        affected: vec![Affected {
            ranges: vec![Range { from: None, until: Until::Fixed("2.0".into()) }],
            ..Affected::new(KnowledgeSource::parse("PyPI"), "left-pad")
        }],
        ..Advisory::default()
    };
    let knowledge = Knowledge::read(Knowledge::build([advisory], &[]).unwrap()).unwrap();
    index.match_with(knowledge, 1);
    index
}

/// The base of an image of these layers, as who may see these repositories sees it.
fn base(index: &Index, layers: &[&str], visible: &[i64]) -> Option<FoundBase> {
    let visible: Visible = visible.iter().map(|id| (*id, format!("repository-{id}"))).collect();
    let image = ImageFindings { inventory: inventory(layers, "1.0", 0), ..ImageFindings::default() };
    find(index, &HeldVex::default(), &visible, &image)
}

fn digest(found: &Option<FoundBase>) -> Option<(&str, usize)> {
    found.as_ref().map(|found| (found.base.image.digest.as_str(), found.base.layers))
}

#[test]
fn the_base_is_the_image_with_the_most_of_the_lowest_layers() {
    let index = index(&[
        (LIBRARY, "sha256:one", 1, inventory(&["a"], "1.0", 0)),
        (LIBRARY, "sha256:two", 2, inventory(&["a", "b"], "1.0", 0)),
        (LIBRARY, "sha256:other", 3, inventory(&["b"], "1.0", 0)),
    ]);

    assert_eq!(digest(&base(&index, &["a", "b", "c"], &[LIBRARY])), Some(("sha256:two", 2)));
    assert_eq!(digest(&base(&index, &["a", "c", "b"], &[LIBRARY])), Some(("sha256:one", 1)));
}

#[test]
fn an_image_of_the_same_layers_is_no_base_and_neither_is_one_that_is_gone_or_not_to_be_seen() {
    let mut index = index(&[
        (LIBRARY, "sha256:one", 1, inventory(&["a"], "1.0", 0)),
        (TEAM, "sha256:same", 2, inventory(&["a", "b"], "1.0", 0)),
    ]);

    let of_all = base(&index, &["a", "b"], &[LIBRARY, TEAM]);
    let of_team = base(&index, &["a", "b"], &[TEAM]);
    index.remove([&(LIBRARY, "sha256:one".into())]);
    let of_what_is_left = base(&index, &["a", "b"], &[LIBRARY, TEAM]);

    assert_eq!(digest(&of_all), Some(("sha256:one", 1)));
    assert_eq!((digest(&of_team), digest(&of_what_is_left)), (None, None));
}

#[test]
fn of_several_bases_of_the_same_layers_the_youngest_is_told() {
    let index = index(&[
        (LIBRARY, "sha256:new", 2, inventory(&["a"], "1.0", 0)),
        (TEAM, "sha256:old", 1, inventory(&["a"], "1.0", 0)),
    ]);

    assert_eq!(digest(&base(&index, &["a", "b"], &[LIBRARY, TEAM])), Some(("sha256:new", 1)));
}

#[test]
fn a_later_image_of_the_same_platform_with_less_that_is_wrong_is_better() {
    let arm = Inventory { platform: "linux/arm64".into(), ..inventory(&["arm"], "2.0", 0) };
    let index = index(&[
        (LIBRARY, "sha256:older", 1, inventory(&["older"], "2.0", 0)),
        (LIBRARY, "sha256:base", 2, inventory(&["a"], "1.0", 0)),
        (LIBRARY, "sha256:arm", 3, arm),
        (LIBRARY, "sha256:no-better", 4, inventory(&["b"], "1.1", 0)),
        (LIBRARY, "sha256:better", 5, inventory(&["c"], "2.0", 0)),
        (TEAM, "sha256:elsewhere", 6, inventory(&["d"], "2.0", 0)),
    ]);

    let found = base(&index, &["a", "own"], &[LIBRARY, TEAM]).unwrap();

    let better: Vec<_> = found.better.iter().map(|(image, counts)| (image.digest.as_str(), counts.len())).collect();
    assert_eq!((found.base.counts.values().sum::<usize>(), better), (1, vec![("sha256:better", 0)]));
}

#[test]
fn a_release_ends_where_an_update_may_change_interfaces() {
    let of = |id: &str, version: &str| {
        release(&Distribution { id: id.into(), version: version.into(), ..Distribution::default() }).1
    };

    let releases = [of("debian", "12"), of("rhel", "9.3"), of("alpine", "3.17.2"), of("ubuntu", "22.04")];

    assert_eq!(releases, ["12", "9", "3.17", "22.04"]);
}

#[test]
fn findings_are_inherited_where_only_layers_of_the_base_brought_the_package() {
    let mut image = ImageFindings { inventory: inventory(&["a", "b"], "1.0", 0), ..ImageFindings::default() };
    image.inventory.packages.push(Installed { package: package("1.5"), path: "b".into(), layer: 1 });
    let finding = |version: &str| Finding { severity: Severity::High, ..Finding::new("CVE-1", package(version)) };
    let suppressed = Finding { suppressed: Some("not affected".into()), ..finding("1.0") };
    image.matched = Matched { findings: vec![finding("1.0"), finding("1.5"), suppressed], ..Matched::default() };

    let (inherited, own) = split(&image, 1);

    assert_eq!((inherited, own), ([(Severity::High, 1)].into(), [(Severity::High, 1)].into()));
}
