use super::*;
use gantry_scan::Knowledge;

const RECORD: &str = r#"{"id":"PYSEC-2099-1","modified":"2099-01-01T00:00:00Z","affected":[{
    "package":{"ecosystem":"PyPI","name":"left-pad"},
    "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0"}]}]}]}"#;
const SECDB: &str =
    r#"{"distroversion":"v3.20","packages":[{"pkg":{"name":"openssl","secfixes":{"3.3.1-r0":["CVE-2099-2"]}}}]}"#;
const TRACKER: &str = r#"{"openssl":{"CVE-2099-3":{"releases":{"bookworm":{
    "status":"resolved","fixed_version":"3.0.13-1~deb12u1","urgency":"high"}}}}}"#;
const UPDATEINFO: &str = r#"<updates><update type="security"><id>RLSA-2099:1</id><title>t</title><severity>Important</severity>
    <references><reference id="CVE-2099-4" type="cve" href="https://example.com"/></references>
    <pkglist><collection><package name="openssl" epoch="1" version="3.0.7" release="28.el9" arch="x86_64">
    <filename>f.rpm</filename></package></collection></pkglist></update></updates>"#;
const KEV: &str =
    r#"{"dateReleased":"2099-01-02T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2099-3","dateAdded":"2099-01-01"}]}"#;
const EPSS: &str = "#model_version:v1,score_date:2099-01-03T00:00:00Z\ncve,epss,percentile\nCVE-2099-3,0.5,0.9\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let place = folder.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    folder
}

#[test]
fn each_folder_is_read_as_its_name_says() {
    let folder = folder(&[
        ("PyPI/one.json", RECORD),
        ("secdb/alpine/main.json", SECDB),
        ("debian-tracker/data.json", TRACKER),
        ("updateinfo/rocky-9/updateinfo.xml", UPDATEINFO),
        ("kev/known_exploited_vulnerabilities.json", KEV),
        ("epss/epss_scores.csv", EPSS),
    ]);

    let knowledge = Knowledge::read(compile_folder(folder.path()).unwrap()).unwrap();

    let sources: Vec<_> = knowledge.sources().keys().map(ToString::to_string).collect();
    assert_eq!(sources, ["Alpine:v3.20", "Debian:12", "EPSS", "KEV", "PyPI", "Rocky Linux:9"]);
    assert!(knowledge.exploited("CVE-2099-3").unwrap().is_some());
    assert_eq!(knowledge.prediction("CVE-2099-3").unwrap().unwrap().probability, 0.5);
}

#[test]
fn a_broken_feed_is_refused_with_its_file_and_its_record() {
    let broken = TRACKER.replace("\"resolved\"", "\"solved\"");
    for (path, text, words) in [
        ("PyPI/two.json", &RECORD[..40], &["two.json"][..]),
        ("debian-tracker/data.json", &broken, &["data.json", "openssl.CVE-2099-3.releases.bookworm.status"]),
        ("secdb/alpine/main.json", &SECDB[..60], &["main.json"]),
        ("epss/scores.csv", "cve,epss,percentile\nCVE-2099-3,0.5\n", &["scores.csv", "line 2"]),
        ("secdb/gentoo/main.json", SECDB, &["gentoo", "alpine, wolfi or chainguard"]),
        ("updateinfo/rocky/updateinfo.xml", UPDATEINFO, &["rocky-9"]),
    ] {
        let folder = folder(&[("PyPI/one.json", RECORD), (path, text)]);

        let refused = compile_folder(folder.path()).unwrap_err().to_string();

        assert!(words.iter().all(|word| refused.contains(word)), "{path}: {refused}");
    }
}

#[test]
fn a_folder_without_advisories_is_refused() {
    let folder = folder(&[("kev/kev.json", KEV)]);

    assert!(matches!(compile_folder(folder.path()), Err(FeedsError::Empty)));
}

#[test]
fn a_layout_without_the_database_says_what_is_looked_for() {
    let config = format!(r#"{{"mediaType":"a/b","digest":"sha256:{}","size":2}}"#, "a".repeat(64));
    let image = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#);
    let listed = config.replace("a/b", "application/vnd.oci.image.manifest.v1+json");
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{listed}]}}"#);
    let blob = format!("trivy-db/blobs/sha256/{}", "a".repeat(64));
    let folder = folder(&[("trivy-db/index.json", &index), (&blob, &image)]);

    let refused = compile_folder(folder.path()).unwrap_err().to_string();

    assert!(refused.contains("index.json") && refused.contains(LAYER_MEDIA_TYPE), "{refused}");
}
