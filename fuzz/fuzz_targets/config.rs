//! A configuration file: every key in it counts or is complained about, with its line, and no complaint shows the secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

const SECRET: &str = "hunter2-hunter2";

fuzz_target!(|text: &str| {
    match gantry::read_configuration(text) {
        Ok(settings) => {
            let table = DeTable::parse(text).expect("what is no TOML is complained about");
            let mut set = BTreeSet::new();
            keys("", table.get_ref(), &mut set, &|path| settings.contains_key(path));
            assert!(set.iter().eq(settings.keys()), "{set:?}, but {settings:?}");
        }
        Err(complaints) => {
            assert!(!complaints.is_empty());
            complaints.iter().for_each(|complaint| assert_is_placed(complaint, text));
        }
    }
    if let Err(complaints) = gantry::read_configuration(&format!("root.secret_access_key = \"{SECRET}\"\n{text}"))
        && !text.contains("hunter2")
    {
        assert!(complaints.iter().all(|complaint| !complaint.contains("hunter2")), "{complaints:?}");
    }
});

/// The settings that a table sets: `is_setting` tells which of its tables are one.
fn keys(path: &str, table: &DeTable<'_>, set: &mut BTreeSet<String>, is_setting: &impl Fn(&str) -> bool) {
    for (name, value) in table {
        let path = if path.is_empty() { name.get_ref().to_string() } else { format!("{path}.{}", name.get_ref()) };
        match value.get_ref() {
            DeValue::Table(table) if !is_setting(&path) => keys(&path, table, set, is_setting),
            _ => drop(set.insert(path)),
        }
    }
}

/// A complaint says in which line, and that is one of the file's; or it is about how settings go together.
fn assert_is_placed(complaint: &str, text: &str) {
    assert!(!complaint.is_empty());
    if let Some(rest) = complaint.strip_prefix("gantry.toml:") {
        let line: usize = rest.split(':').next().and_then(|line| line.parse().ok()).expect("a line is a number");
        assert!((1..=text.split('\n').count()).contains(&line), "{complaint}");
    }
}
