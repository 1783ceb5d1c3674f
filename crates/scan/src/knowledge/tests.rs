use super::*;
use crate::exploitation::{Exploited, Prediction, Table as SideTable};
use crate::{Affected, Range, Until};
use proptest::prelude::*;

fn affected(source: &str, package: &str, fixed: &str) -> Affected {
    let ranges = vec![Range { from: None, until: Until::Fixed(fixed.into()) }];
    Affected { ranges, ..Affected::new(KnowledgeSource::parse(source), package) }
}

fn advisory(id: &str, affected: Vec<Affected>) -> Advisory {
    Advisory {
        id: id.into(),
        title: format!("title of {id}"),
        description: "words ".repeat(40),
        references: vec!["https://example.com/".into()],
        modified: Some("2026-01-02T00:00:00Z".into()),
        affected,
        ..Advisory::default()
    }
}

fn some() -> Vec<Advisory> {
    vec![
        advisory("CVE-1", vec![affected("Debian:12", "b", "2-1"), affected("Debian:12", "a", "1-1")]),
        advisory("GHSA-1", vec![affected("npm", "c", "1.0.0")]),
    ]
}

fn file(advisories: Vec<Advisory>) -> Vec<u8> {
    Knowledge::build(advisories, &[("npm".into(), "2026-02-03T00:00:00Z".into())]).unwrap()
}

/// Reads all that can be read.
fn walk(knowledge: &Knowledge) -> Result<(), KnowledgeError> {
    let mut texts = knowledge.text_reader();
    for (source, info) in knowledge.sources() {
        for name in knowledge.names_of(source) {
            let (name, _) = name?;
            let Some((start, count)) = knowledge.rules(info, name)? else { continue };
            for at in start..start.saturating_add(count) {
                let rule = knowledge.rule(at)?;
                knowledge.range(rule.ranges.0)?;
                let record = knowledge.record(rule.advisory)?;
                texts.read(record.text.0, record.text.1)?;
                for flaw in knowledge.flaws_of(rule.advisory)? {
                    knowledge.flaw(flaw)?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_file_tells_its_sources_their_times_and_their_counts() {
    let knowledge = Knowledge::read(file(some())).unwrap();

    let told: Vec<String> = knowledge
        .sources()
        .iter()
        .map(|(source, info)| format!("{source} {} {} {}", info.read_at, info.advisories, info.packages))
        .collect();
    assert_eq!(told, ["Debian:12 2026-01-02T00:00:00Z 1 2", "npm 2026-02-03T00:00:00Z 1 1"]);
}

#[test]
fn the_same_advisories_give_the_same_bytes() {
    assert_eq!(file(some()), file(some()));
}

#[test]
fn two_generations_differ_in_the_names_that_changed() {
    let mut later = some();
    later[0].affected[1] = affected("Debian:12", "a", "1-2");
    later[1].affected.push(affected("npm", "d", "1.0.0"));
    later[1].affected.remove(0);
    let (old, new) = (Knowledge::read(file(some())).unwrap(), Knowledge::read(file(later)).unwrap());

    let changed = new.changed_since(&old).unwrap();

    let printed: Vec<String> = changed.iter().map(|(source, name)| format!("{source} {name}")).collect();
    assert_eq!(printed, ["Debian:12 a", "npm c", "npm d"]);
    assert_eq!(old.changed_since(&old).unwrap(), []);
}

#[test]
fn a_name_has_changed_where_findings_tell_something_else_though_no_record_says_so() {
    let mut later = some();
    later[0].published = Some("2026-01-01T00:00:00Z".into());
    let (old, new) = (Knowledge::read(file(some())).unwrap(), Knowledge::read(file(later)).unwrap());

    let changed = new.changed_since(&old).unwrap();

    let names: Vec<&str> = changed.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn two_generations_differ_in_the_cves_of_which_they_say_otherwise_how_they_are_exploited() {
    let with = |listed: &[&str], scores: &[(&str, f32)]| {
        let exploited = || Exploited { added: "2026-11-20".into(), due: None, ransomware: false };
        let predict = |probability: f32| Prediction { probability, percentile: probability };
        let kev = listed.iter().map(|cve| (cve.to_string(), exploited())).collect();
        let epss = scores.iter().map(|(cve, score)| (cve.to_string(), predict(*score))).collect();
        let mut writer = KnowledgeWriter::default();
        let (kev, epss) = (SideTable { rows: kev, made_at: None }, SideTable { rows: epss, made_at: None });
        writer.set_exploitation(Exploitation::new(kev, epss));
        Knowledge::read(writer.finish(&[]).unwrap()).unwrap()
    };
    let old = with(&["CVE-1", "CVE-3"], &[("CVE-1", 0.1), ("CVE-2", 0.2), ("CVE-4", 0.4)]);
    let new = with(&["CVE-3", "CVE-5"], &[("CVE-1", 0.1), ("CVE-2", 0.25), ("CVE-3", 0.3)]);

    let mut changed: Vec<&str> = new.exploitation_changed_since(&old).unwrap().into_iter().collect();
    changed.sort_unstable();

    assert_eq!(changed, ["CVE-1", "CVE-2", "CVE-3", "CVE-4", "CVE-5"]);
    assert!(new.exploitation_changed_since(&new).unwrap().is_empty());
    let ids = ["CVE-2".to_owned(), "CVE-3".to_owned()];
    assert_eq!(new.exploitation_of("GHSA-1", &ids).unwrap(), (true, Some(0.3)));
}

#[test]
fn another_format_is_refused_and_says_so() {
    let mut bytes = file(some());
    bytes[8] += 1;

    let error = Knowledge::read(bytes).unwrap_err();

    assert_eq!(error.to_string(), "the advisories have format 3, this program reads 2; fetch or import them again");
}

#[test]
fn a_file_of_which_a_byte_changed_or_is_missing_is_refused() {
    let whole = file(some());
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        // Nothing is in these four bytes.
        assert_eq!(Knowledge::read(changed).is_ok(), (12..16).contains(&at), "{at}");
        assert!(Knowledge::read(whole[..at].to_vec()).is_err(), "{at}");
    }
}

proptest! {
    #[test]
    fn a_damaged_file_with_a_right_checksum_gives_an_error_or_other_words_and_never_a_panic(
        changes in prop::collection::vec((24_usize..2000, any::<u8>()), 1..6),
    ) {
        let mut bytes = file(some());
        let length = bytes.len();
        for (at, byte) in changes {
            bytes[at % length] = byte;
        }
        seal(&mut bytes);

        if let Ok(knowledge) = Knowledge::read(bytes) {
            let _ = walk(&knowledge);
            let _ = knowledge.changed_since(&knowledge);
            let _ = knowledge.exploitation_changed_since(&knowledge);
        }
    }
}
