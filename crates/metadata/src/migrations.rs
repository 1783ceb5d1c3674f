//! The migrations, in order: the one place where their files are named.
//!
//! A released file never changes. Where the engines differ a migration is a pair, `.sqlite.sql` and `.postgres.sql`.

/// A step from one schema to the next.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

macro_rules! one {
    ($number:literal, $name:literal) => {
        Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/", $name, ".sql")),
        }
    };
}

macro_rules! pair {
    ($number:literal, $name:literal) => {
        Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/", $name, ".sqlite.sql")),
            postgres: include_str!(concat!("../migrations/", $name, ".postgres.sql")),
        }
    };
}

pub(crate) static MIGRATIONS: &[Migration] = &[
    one!(1, "0001-start"),
    pair!(2, "0002-byte-order"),
    one!(3, "0003-optional-edges"),
    one!(4, "0004-upload-holds"),
    one!(5, "0005-trash"),
    pair!(6, "0006-documents"),
    one!(7, "0007-lifecycle-runs"),
    one!(8, "0008-protection"),
    one!(9, "0009-archive"),
    pair!(10, "0010-identities"),
    pair!(11, "0011-audit"),
    pair!(12, "0012-keyring"),
    one!(13, "0013-sealed-copies"),
    one!(14, "0014-trail"),
    pair!(15, "0015-people"),
    one!(16, "0016-logins"),
    pair!(17, "0017-workload-identity"),
    pair!(18, "0018-keys-and-secrets"),
    pair!(19, "0019-accounts"),
    one!(20, "0020-audit-search"),
    pair!(21, "0021-access-changes"),
    one!(22, "0022-scans"),
    one!(23, "0023-gates"),
    one!(24, "0024-vex"),
    one!(25, "0025-people-tokens"),
    pair!(26, "0026-quarantine"),
    pair!(27, "0027-finding-history"),
    one!(28, "0028-usage"),
    one!(29, "0029-image-selections"),
    one!(30, "0030-quotas"),
    pair!(31, "0031-search-index"),
    one!(32, "0032-traffic"),
    one!(33, "0033-events"),
    one!(34, "0034-loose-files"),
    pair!(35, "0035-image-labels"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    #[test]
    fn every_file_is_in_the_list_and_numbered_without_gaps() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();

        let listed: BTreeSet<String> = MIGRATIONS
            .iter()
            .flat_map(|migration| match files.contains(&format!("{}.sql", migration.name)) {
                true => vec![format!("{}.sql", migration.name)],
                false => ["sqlite", "postgres"].map(|engine| format!("{}.{engine}.sql", migration.name)).to_vec(),
            })
            .collect();

        assert_eq!(listed, files);
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number, index as i64 + 1, "{}", migration.name);
            assert!(migration.name.starts_with(&format!("{:04}-", migration.number)), "{}", migration.name);
        }
    }
}
