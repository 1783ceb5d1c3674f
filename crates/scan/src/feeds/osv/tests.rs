use super::*;
use std::io::Write;

fn read(text: &str) -> Advisory {
    read_record(text.as_bytes()).unwrap()
}

fn ranges(events: &str) -> Vec<String> {
    let text = format!(
        r#"{{"id":"A-1","affected":[{{"package":{{"ecosystem":"npm","name":"a"}},"ranges":[{{"type":"SEMVER","events":{events}}}]}}]}}"#
    );
    read(&text).affected[0].ranges.iter().map(ToString::to_string).collect()
}

#[test]
fn events_are_sorted_and_then_open_and_close_ranges() {
    for (events, expected) in [
        (r#"[{"introduced":"0"}]"#, vec!["all versions"]),
        (r#"[{"introduced":"0"},{"fixed":"1.0.0"}]"#, vec!["<1.0.0"]),
        (r#"[{"introduced":"1.0.0"},{"last_affected":"1.2.0"}]"#, vec![">=1.0.0, <=1.2.0"]),
        (r#"[{"fixed":"1.10.0"},{"introduced":"1.9.0"}]"#, vec![">=1.9.0, <1.10.0"]),
        (r#"[{"introduced":"2.0.0"},{"introduced":"0"},{"fixed":"1.0.0"}]"#, vec!["<1.0.0", ">=2.0.0"]),
        (r#"[{"introduced":"0","fixed":"1.0.0"}]"#, vec!["<1.0.0"]),
        (r#"[{"introduced":"0"},{"introduced":"1.0.0"},{"fixed":"2.0.0"}]"#, vec!["<2.0.0"]),
        (r#"[{"fixed":"1.0.0"}]"#, vec![]),
    ] {
        assert_eq!(ranges(events), expected, "{events}");
    }
}

#[test]
fn ranges_of_commits_and_ecosystems_that_are_not_known_are_left_out() {
    let record = read(
        r#"{"id":"A-1","aliases":null,"affected":[
            {"package":{"ecosystem":"PyPI","name":"a"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}],"versions":["1"]},
            {"package":{"ecosystem":"Hackage","name":"b"}}]}"#,
    );

    assert_eq!(record.affected.len(), 1);
    assert_eq!((record.affected[0].ranges.len(), record.affected[0].versions.len()), (0, 1));
}

#[test]
fn an_errata_of_almalinux_names_its_cves_its_stream_and_its_word() {
    let record = read(include_str!("../../../fixtures/advisories/ALSA-2024-6147.json"));

    assert!(record.upstream.iter().all(|id| id.starts_with("CVE-")) && !record.upstream.is_empty());
    assert_eq!(record.affected[0].module_streams, ["nodejs:18"]);
    assert_eq!(record.ratings[0].severity, Some(Severity::Medium));
}

#[test]
fn a_time_of_the_year_one_is_none() {
    let record = read(include_str!("../../../fixtures/advisories/GO-2023-1621.json"));

    assert_eq!((record.modified, record.published), (None, None));
}

/// An archive of `a.json`, stored.
fn zip(content: &[u8]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    let (mut entry, config) = archive.new_file("a.json").start().unwrap();
    let mut writer = config.wrap(&mut entry);
    writer.write_all(content).unwrap();
    let (_, descriptor) = writer.finish().unwrap();
    entry.finish(descriptor).unwrap();
    archive.finish().unwrap()
}

#[test]
fn an_archive_is_read_whole_or_refused_with_the_name_of_file_and_record() {
    let good = zip(br#"{"id":"A-1"}"#);
    let mut found = Vec::new();

    read_zip(&good, "all.zip", &mut |advisory| found.push(advisory.id)).unwrap();

    assert_eq!(found, ["A-1"]);
    for length in 0..good.len() {
        let error = read_zip(&good[..length], "all.zip", &mut |_| ()).unwrap_err();
        assert!(error.to_string().starts_with("all.zip"), "{error}");
    }
    let error = read_zip(&zip(b"{\"id\":"), "all.zip", &mut |_| ()).unwrap_err();
    assert!(error.to_string().starts_with("all.zip: the record a.json cannot be read ("), "{error}");
}

#[test]
fn a_checksum_that_does_not_fit_refuses_the_archive() {
    let mut archive = zip(br#"{"id":"A-1"}"#);
    let at = archive.windows(3).position(|bytes| bytes == b"A-1").unwrap();
    archive[at] = b'B';

    let error = read_zip(&archive, "all.zip", &mut |_| ()).unwrap_err();

    assert!(error.to_string().contains("the record a.json"), "{error}");
}

#[test]
fn a_record_beyond_its_bounds_is_refused_and_long_words_are_cut() {
    let long = format!(r#"{{"id":"A-1","details":"{}"}}"#, "é".repeat(DESCRIPTION_BYTES_MAX));

    assert!(read_record(&vec![b' '; RECORD_BYTES_MAX + 1]).is_err());
    assert!(read_record(br#"{"id":""}"#).is_err());
    assert_eq!(read(&long).description.len(), DESCRIPTION_BYTES_MAX);
}
