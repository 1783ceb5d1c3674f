use std::io::Cursor;

use super::header::{Header, parse_source};
use super::*;

const SQLITE: &[u8] = include_bytes!("../../../fixtures/rpm/sqlite/input/var/lib/rpm/rpmdb.sqlite");
const NDB: &[u8] = include_bytes!("../../../fixtures/rpm/ndb/input/usr/lib/sysimage/rpm/Packages.db");
const BERKELEY: &[u8] = include_bytes!("../../../fixtures/rpm/berkeley/input/var/lib/rpm/Packages");
const BERKELEY_BIG: &[u8] = include_bytes!("../../../fixtures/rpm/berkeley-big-endian/input/var/lib/rpm/Packages");

fn read(path: &str, bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let content = &mut Cursor::new(bytes);
    Rpm.read(&mut File { path, length: bytes.len() as u64, mode: 0o644, content }, &mut found);
    found
}

#[test]
fn all_kinds_of_databases_give_the_same() {
    let sqlite = read("var/lib/rpm/rpmdb.sqlite", SQLITE);
    assert_eq!(sqlite.packages.len(), 3);
    let metadata = "/usr/lib/python3/site-packages/tools.dist-info/METADATA";
    let owner = sqlite.owned.iter().find(|owned| owned.paths.iter().any(|path| path == metadata)).unwrap();
    assert!(sqlite.packages.iter().any(|package| package.name == owner.package), "{}", owner.package);
    let paths = |found: &Found| found.owned.iter().map(|owned| owned.paths.len()).sum::<usize>();

    for (name, bytes) in [("ndb", NDB), ("little", BERKELEY), ("big", BERKELEY_BIG)] {
        let mut other = read("var/lib/rpm/Packages", bytes);

        // A hash table has an order of its own.
        other.packages.sort_by_key(|package| sqlite.packages.iter().position(|known| known == package));
        assert_eq!(other.packages, sqlite.packages, "{name}");
        assert_eq!(paths(&other), paths(&sqlite), "{name}");
        assert_eq!(other.complaints, [""; 0], "{name}");
    }
}

#[test]
fn versions_have_their_epoch_and_modules_their_stream() {
    let found = read("var/lib/rpm/rpmdb.sqlite", SQLITE);

    let package = |name: &str| found.packages.iter().find(|package| package.name == name).unwrap();
    assert_eq!(package("gantry-tools").version, "2:1.4.0-3.el9");
    assert_eq!(package("gantry-tools-libs").version, "1.4.0-3.el9");
    assert_eq!(package("gantry-tools-libs").source.as_ref().unwrap().name, "gantry-tools");
    assert_eq!(package("nodejs-sample").module_stream.as_deref(), Some("nodejs:18"));
    assert_eq!(package("nodejs-sample").vendor.as_deref(), Some("Example Linux"));
}

#[test]
fn a_source_is_named_where_it_differs() {
    let source = |file, epoch| parse_source(file, "a", "1-2", epoch).map(|source| (source.name, source.version));

    assert_eq!(source("a-1-2.src.rpm", None), None);
    assert_eq!(source("b-c-1-2.src.rpm", Some(3)), Some(("b-c".to_owned(), "3:1-2".to_owned())));
    assert_eq!(source("a-0-2.nosrc.rpm", None), Some(("a".to_owned(), "0-2".to_owned())));
    assert_eq!(source("(none)", None), None);
}

#[test]
fn a_log_beside_the_database_is_complained_about_unless_it_is_empty() {
    assert_eq!(read("var/lib/rpm/rpmdb.sqlite-wal", b"").complaints, [""; 0]);
    assert_eq!(read("var/lib/rpm/rpmdb.sqlite-wal", b"x").complaints.len(), 1);
}

#[test]
fn what_is_no_database_is_complained_about() {
    for bytes in [&b""[..], b"x", &[0; 100]] {
        assert_eq!(read("var/lib/rpm/Packages", bytes).complaints.len(), 1);
    }
}

#[test]
fn a_cut_database_is_complained_about() {
    for bytes in [SQLITE, NDB, BERKELEY] {
        let found = read("var/lib/rpm/Packages", &bytes[..bytes.len() * 2 / 3]);

        assert_eq!(found.complaints.len(), 1, "{:?}", found.complaints);
    }
}

#[test]
fn a_header_with_wrong_lengths_is_none() {
    assert!(Header::parse(&[]).is_none());
    assert!(Header::parse(&[0, 0, 0, 1, 0, 0, 0, 0]).is_none());
    assert!(Header::parse(&[0xff; 64]).is_none());
    assert!(Header::parse(&[0; 8]).is_some_and(|header| header.package().is_none()));
}

#[test]
fn a_line_of_a_manifest_must_be_whole() {
    let found = read(MANIFEST, b"a\t1-1\t0\t0\tx\t(none)\t1\tnoarch\t0\ta-1-1.src.rpm\nb\t1\n");

    assert_eq!((found.packages.len(), found.complaints.len()), (1, 1));
}

proptest::proptest! {
    #[test]
    fn changed_databases_are_read_or_refused(changes in proptest::collection::vec((0_usize..20_000, 0_u8..), 1..20)) {
        for bytes in [SQLITE, NDB, BERKELEY, BERKELEY_BIG] {
            let mut bytes = bytes.to_vec();
            for (at, change) in &changes {
                let at = at % bytes.len();
                bytes[at] = *change;
            }

            read("var/lib/rpm/Packages", &bytes);
        }
    }
}
