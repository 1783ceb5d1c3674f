//! Images are scanned when they are pushed, and what is known is matched when somebody asks.

use crate::aws::Boto;
use gantry_e2e::{Client, Image, PASSWORD, Server, USER, binary, digest};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

pub(crate) const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

pub(crate) fn status(version: &str) -> String {
    format!(
        "Package: libssl3\nStatus: install ok installed\nMaintainer: Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>\n\
         Architecture: amd64\nSource: openssl\nVersion: {version}\n\n"
    )
}

/// A layer with these files.
pub(crate) fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Debian 12 with one package, and a Python package in a layer of its own.
pub(crate) fn image(version: &str) -> Image {
    let base = layer(&[("etc/os-release", OS_RELEASE), ("var/lib/dpkg/status", &status(version))]);
    let metadata = "Metadata-Version: 2.1\nName: Left_Pad\nVersion: 1.0\n";
    let app = layer(&[("opt/app/left_pad-1.0.dist-info/METADATA", metadata)]);
    Image::new(1, vec![base, app])
}

fn record(id: &str, ecosystem: &str, package: &str, fixed: &str) -> Value {
    json!({
        "id": id, "modified": "2026-11-20T00:00:00Z", "summary": format!("A flaw in {package}"),
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
        "affected": [{
            "package": {"ecosystem": ecosystem, "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }],
    })
}

/// A folder of advisories with one of Debian and one of PyPI.
pub(crate) fn advisories(folder: &Path) -> PathBuf {
    let write = |ecosystem: &str, record: Value| {
        let place = folder.join("advisories").join(ecosystem);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("one.json"), record.to_string()).unwrap();
    };
    write("Debian", record("CVE-2099-0001", "Debian:12", "openssl", "3.0.13-1~deb12u1"));
    write("PyPI", record("CVE-2099-0002", "PyPI", "left-pad", "1.1"));
    folder.join("advisories")
}

pub(crate) fn import(server: &Server, folder: &Path) {
    let (code, _, errors) = server.tool(&["advisories", "import", folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{errors}");
}

fn server() -> (Server, Boto) {
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "false")]);
    let boto = Boto::of(&server);
    (server, boto)
}

fn repository(boto: &mut Boto, name: &str, scan_on_push: bool) {
    let scanning = json!({"scanOnPush": scan_on_push});
    boto.done("create_repository", json!({"repositoryName": name, "imageScanningConfiguration": scanning}));
}

fn push(client: &Client, image: &Image, name: &str) {
    assert_eq!(image.push(client, name, "v1").unwrap().status, 201);
}

/// Waits until the scan of `v1` is as `wanted`.
#[track_caller]
fn ended(boto: &mut Boto, name: &str, wanted: &str) -> Value {
    let asked = json!({"repositoryName": name, "imageId": {"imageTag": "v1"}});
    let mut last = String::new();
    for _ in 0..200 {
        match boto.ecr("describe_image_scan_findings", asked.clone()) {
            Ok(found) if found["imageScanStatus"]["status"] == wanted => return found,
            Ok(found) => last = found["imageScanStatus"].to_string(),
            Err(refused) => last = refused.message,
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the scan of {name} is not {wanted} but {last}");
}

#[test]
fn what_is_pushed_is_scanned_and_a_new_advisory_counts_without_another_scan() {
    let (server, mut boto) = server();
    let folder = tempfile::tempdir().unwrap();
    repository(&mut boto, "team/app", true);
    push(&server.client(), &image("3.0.11-1~deb12u2"), "team/app");

    let before = ended(&mut boto, "team/app", "FINDINGS_UNAVAILABLE");
    import(&server, &advisories(folder.path()));
    let after = ended(&mut boto, "team/app", "COMPLETE");

    assert_eq!(before.get("imageScanFindings").and_then(|found| found.get("findings")), Some(&json!([])));
    let findings = after["imageScanFindings"]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "BASIC scanning speaks of the distribution's packages: {findings:?}");
    assert_eq!((&findings[0]["name"], &findings[0]["severity"]), (&json!("CVE-2099-0001"), &json!("HIGH")));
    let attribute = json!({"key": "package_name", "value": "libssl3"});
    assert!(findings[0]["attributes"].as_array().unwrap().contains(&attribute), "{findings:?}");
    assert_eq!(after["imageScanFindings"]["findingSeverityCounts"], json!({"HIGH": 1}));
    let described = boto.done("describe_images", json!({"repositoryName": "team/app"}));
    let detail = &described["imageDetails"][0];
    assert_eq!(detail["imageScanStatus"]["status"], "COMPLETE");
    assert_eq!(detail["imageScanFindingsSummary"]["findingSeverityCounts"], json!({"HIGH": 1}));
}

#[test]
fn enhanced_scanning_speaks_of_packages_of_languages_too_in_pages() {
    let (server, mut boto) = server();
    let folder = tempfile::tempdir().unwrap();
    import(&server, &advisories(folder.path()));
    let every =
        json!([{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]);
    boto.done("put_registry_scanning_configuration", json!({"scanType": "ENHANCED", "rules": every}));
    repository(&mut boto, "team/app", false);
    push(&server.client(), &image("3.0.11-1~deb12u2"), "team/app");

    let all = ended(&mut boto, "team/app", "ACTIVE");
    let asked = json!({"repositoryName": "team/app", "imageId": {"imageTag": "v1"}, "maxResults": 1});
    let first = boto.done("describe_image_scan_findings", asked.clone());
    let mut next = asked;
    next["nextToken"] = first["nextToken"].clone();
    let second = boto.done("describe_image_scan_findings", next);

    let ids = |found: &Value| -> Vec<String> {
        let findings = found["imageScanFindings"]["enhancedFindings"].as_array().unwrap();
        findings
            .iter()
            .map(|one| one["packageVulnerabilityDetails"]["vulnerabilityId"].as_str().unwrap().into())
            .collect()
    };
    assert_eq!(ids(&all), ["CVE-2099-0001", "CVE-2099-0002"]);
    assert_eq!((ids(&first), ids(&second)), (vec!["CVE-2099-0001".into()], vec!["CVE-2099-0002".into()]));
    assert_eq!(second.get("nextToken"), None);
    let python = &all["imageScanFindings"]["enhancedFindings"][1];
    let package = &python["packageVulnerabilityDetails"]["vulnerablePackages"][0];
    assert_eq!((&package["name"], &package["packageManager"]), (&json!("left-pad"), &json!("PYTHONPKG")));
    assert_eq!(package["sourceLayerHash"], digest(&image("3.0.11-1~deb12u2").layers[1]));
    assert_eq!(python["remediation"]["recommendation"]["text"], "Upgrade left-pad to 1.1.");
}

#[test]
fn a_finding_of_inspector_and_one_of_security_hub_name_the_same_and_tell_since_when_and_where_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut boto) = enhanced(folder.path());
    let client = server.client();
    let report = json!({"images": [{"repository": "team/app", "digest": image("3.0.11-1~deb12u2").digest()}]});
    assert_eq!(client.send("PUT", "/api/v1/inventory/cluster-a", &[], report.to_string().as_bytes()).status, 200);
    let findings = "/api/v1/repositories/team/app/images/v1/findings";
    let is_noted = || client.get(findings).json()["findings"][0]["firstSeenAt"].is_string();
    // What was found is written down within some seconds.
    for _ in 0..200 {
        if is_noted() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }

    let inspector = ended(&mut boto, "team/app", "ACTIVE")["imageScanFindings"]["enhancedFindings"].clone();
    let hub = client.get(&format!("{findings}?format=asff")).json();
    let sarif = client.get(&format!("{findings}?format=sarif")).json();
    let unknown = client.get(&format!("{findings}?format=pdf"));
    let in_hub = |arn: &Value| hub.as_array().unwrap().iter().find(|found| found["Id"] == *arn).cloned();

    let first = &inspector[0];
    let found = in_hub(&first["findingArn"]).unwrap_or_else(|| panic!("{hub}"));
    assert!(in_hub(&inspector[1]["findingArn"]).is_some(), "{hub}");
    assert_eq!(found["Vulnerabilities"][0]["Id"], first["packageVulnerabilityDetails"]["vulnerabilityId"]);
    assert!(found["FirstObservedAt"].as_str() <= found["LastObservedAt"].as_str(), "{found}");
    let details = &first["resources"][0]["details"]["awsEcrContainerImage"];
    assert_eq!((&details["platform"], &details["inUseCount"]), (&json!("DEBIAN_12"), &json!(1)), "{details}");
    assert!(!details["lastInUseAt"].is_null(), "{details}");
    assert_eq!(sarif["version"], "2.1.0");
    assert!(unknown.status == 400 && unknown.text().contains("asff"), "{}", unknown.text());
}

#[test]
fn images_that_are_scanned_on_push_only_are_not_said_to_be_scanned_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut boto) = server();
    import(&server, &advisories(folder.path()));
    let every =
        json!([{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]);
    boto.done("put_registry_scanning_configuration", json!({"scanType": "ENHANCED", "rules": every}));
    repository(&mut boto, "team/app", false);
    push(&server.client(), &image("3.0.11-1~deb12u2"), "team/app");

    let found = ended(&mut boto, "team/app", "COMPLETE");

    assert_eq!(found["imageScanStatus"]["description"], "The scan was completed successfully.");
    assert_eq!(found["imageScanFindings"]["enhancedFindings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_scan_goes_on_where_a_killed_server_left_it() {
    let (mut server, mut boto) = server();
    let folder = tempfile::tempdir().unwrap();
    import(&server, &advisories(folder.path()));
    repository(&mut boto, "team/app", true);
    push(&server.client(), &image("3.0.11-1~deb12u2"), "team/app");

    server.kill();
    server.restart();
    let resumed = ended(&mut Boto::of(&server), "team/app", "COMPLETE");

    // Another server: one that knows the layers already would not read them.
    let (undisturbed, mut boto) = self::server();
    import(&undisturbed, &folder.path().join("advisories"));
    repository(&mut boto, "team/app", true);
    push(&undisturbed.client(), &image("3.0.11-1~deb12u2"), "team/app");
    let whole = ended(&mut boto, "team/app", "COMPLETE");
    let findings = |found: &Value| found["imageScanFindings"]["findings"].clone();
    assert_eq!(findings(&whole).as_array().map(Vec::len), Some(1));
    assert_eq!(findings(&resumed), findings(&whole));
}

#[test]
fn images_that_were_pushed_before_a_rule_of_continuous_scanning_are_scanned_after_it() {
    let (server, mut boto) = server();
    let folder = tempfile::tempdir().unwrap();
    import(&server, &advisories(folder.path()));
    repository(&mut boto, "team/app", false);
    push(&server.client(), &image("3.0.11-1~deb12u2"), "team/app");
    let asked = json!({"repositoryName": "team/app", "imageId": {"imageTag": "v1"}});

    let before = boto.refused("describe_image_scan_findings", asked);
    let every =
        json!([{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]);
    boto.done("put_registry_scanning_configuration", json!({"scanType": "ENHANCED", "rules": every}));
    let after = ended(&mut boto, "team/app", "ACTIVE");

    assert_eq!(before.code, "ScanNotFoundException");
    assert_eq!(after["imageScanFindings"]["findingSeverityCounts"], json!({"HIGH": 2}));
}

/// Runs `gantry scan` on a root folder with the image's files.
fn scan(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let root = folder.join("root");
    for (path, text) in [("etc/os-release", OS_RELEASE), ("var/lib/dpkg/status", &status("3.0.11-1~deb12u2"))] {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    let output = Command::new(binary())
        .args(["scan", "--input"])
        .arg(root)
        .arg("--advisories")
        .arg(advisories(folder))
        .args(arguments)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_root_folder_is_scanned_without_a_server() {
    let folder = tempfile::tempdir().unwrap();

    let (code, json) = scan(folder.path(), &["--format", "json"]);

    let report: Value = serde_json::from_str(&json).unwrap();
    let finding = &report["findings"][0];
    assert_eq!((code, report["findings"].as_array().unwrap().len()), (0, 1));
    let told = ["id", "package", "version", "fixedVersion", "severity"].map(|member| finding[member].as_str().unwrap());
    assert_eq!(told, ["CVE-2099-0001", "libssl3", "3.0.11-1~deb12u2", "3.0.13-1~deb12u1", "HIGH"]);
    assert_eq!(scan(folder.path(), &["--output", "json"]), (0, json), "both words mean the same");
}

#[test]
fn a_pipeline_says_by_which_exit_code_it_is_stopped_and_by_what() {
    let folder = tempfile::tempdir().unwrap();
    let ignored = folder.path().join("ignored");
    fs::write(&ignored, "CVE-2099-0001 # by the owner\n").unwrap();

    let codes = [
        scan(folder.path(), &["--exit-code", "7"]).0,
        scan(folder.path(), &["--exit-code", "7", "--severity", "CRITICAL"]).0,
        scan(folder.path(), &["--exit-code", "7", "--fixable"]).0,
        scan(folder.path(), &["--exit-code", "7", "--ignore-file", ignored.to_str().unwrap()]).0,
    ];

    assert_eq!(codes, [7, 0, 7, 0]);
}

/// The catalogue of known exploited vulnerabilities beside the advisories, with one row.
pub(crate) fn side_tables(advisories: &Path, cve: &str) {
    let kev = json!({"dateReleased": "2026-11-20T00:00:00Z", "vulnerabilities": [
        {"cveID": cve, "dateAdded": "2026-11-19", "knownRansomwareCampaignUse": "Known"}]});
    fs::create_dir_all(advisories.join("kev")).unwrap();
    fs::write(advisories.join("kev/kev.json"), kev.to_string()).unwrap();
}

/// A server whose scans show everything, with an image that was scanned.
fn enhanced(folder: &Path) -> (Server, Boto) {
    let (server, mut boto) = server();
    let advisories = advisories(folder);
    side_tables(&advisories, "CVE-2099-0001");
    import(&server, &advisories);
    let every =
        json!([{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]);
    boto.done("put_registry_scanning_configuration", json!({"scanType": "ENHANCED", "rules": every}));
    repository(&mut boto, "team/app", false);
    push(&server.client(), &image("3.0.11-1~deb12u2"), "team/app");
    ended(&mut boto, "team/app", "ACTIVE");
    (server, boto)
}

#[test]
fn what_is_exploited_is_told_and_a_vex_document_suppresses_with_its_reason_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut boto) = enhanced(folder.path());
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "timestamp": "2026-11-20T00:00:00Z",
        "statements": [{"vulnerability": {"name": "CVE-2099-0001"}, "products": [{"@id": "pkg:deb/debian/libssl3"}],
                        "status": "not_affected", "justification": "vulnerable_code_not_present"}],
    });
    let client = server.client();
    let first = |boto: &mut Boto| {
        let found = ended(boto, "team/app", "ACTIVE");
        let found = &found["imageScanFindings"];
        (found["enhancedFindings"][0].clone(), found["findingSeverityCounts"].clone())
    };

    let (before, counts_before) = first(&mut boto);
    let elsewhere = client.send("POST", "/api/v1/vex?prefix=tea", &[], document.to_string().as_bytes());
    let (still, _) = first(&mut boto);
    let uploaded = client.send("POST", "/api/v1/vex?prefix=team/&name=a.json", &[], document.to_string().as_bytes());
    let (suppressed, counts) = first(&mut boto);
    let listed: Value = serde_json::from_str(&client.get("/api/v1/vex").text()).unwrap();
    let broken = client.send("POST", "/api/v1/vex?name=b.json", &[], b"{}");
    let id = listed["documents"][1]["id"].as_str().unwrap().to_owned();
    let removed = client.send("DELETE", &format!("/api/v1/vex/{id}"), &[], b"");
    let (after, counts_after) = first(&mut boto);

    assert_eq!((&before["exploitAvailable"], &before["status"]), (&json!("YES"), &json!("ACTIVE")));
    assert_eq!((elsewhere.status, uploaded.status, removed.status), (201, 201, 204), "{}", uploaded.text());
    assert_eq!(still["status"], "ACTIVE");
    assert_eq!(suppressed["status"], "SUPPRESSED");
    let reason = suppressed["remediation"]["recommendation"]["text"].as_str().unwrap();
    assert!(reason.contains("vulnerable_code_not_present") && reason.contains("ann"), "{reason}");
    assert_eq!((counts_before, counts), (json!({"HIGH": 2}), json!({"HIGH": 1})));
    assert_eq!((&listed["documents"][1]["prefix"], &listed["documents"][1]["statements"]), (&json!("team"), &json!(1)));
    assert!(broken.status == 400 && broken.text().contains("b.json"), "{}", broken.text());
    assert_eq!((&after["status"], counts_after), (&json!("ACTIVE"), json!({"HIGH": 2})));
    assert_eq!(client.send("DELETE", &format!("/api/v1/vex/{id}"), &[], b"").status, 404);
}

#[test]
fn one_gantry_updates_from_another_and_says_how_old_what_it_knows_is() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = enhanced(folder.path());
    let credentials = folder.path().join("credentials");
    fs::write(&credentials, format!("{USER}:{PASSWORD}\n")).unwrap();
    let data = folder.path().join("other");
    let source = format!("advisories.sources=gantry=http://{}", server.address());
    let login = format!("advisories.credentials_file={}", credentials.display());
    let run = |verb: &str, more: &[&str]| {
        let known = ["advisories", verb, "--data-dir", data.to_str().unwrap(), "--set", &source, "--set", &login];
        gantry_e2e::run_with(&[&known[..], more].concat(), &[])
    };
    let allowed = ["--set", "outbound.allow=127.0.0.1", "--output", "json"];

    let refused = run("update", &["--output", "json"]);
    let first = run("update", &allowed);
    let second = run("update", &allowed);
    let status = run("status", &["--output", "json"]);

    assert!(refused.0 == 1 && refused.1.contains("outbound.allow"), "{refused:?}");
    assert!(first.0 == 0 && first.1.contains("\"taken\""), "{first:?}");
    assert!(second.0 == 0 && second.1.contains("\"unchanged\""), "{second:?}");
    let told: Value = serde_json::from_str(&status.1).unwrap();
    let names: Vec<_> =
        told["advisories"].as_array().unwrap().iter().map(|one| one["source"].as_str().unwrap()).collect();
    assert_eq!(names, ["Debian:12", "KEV", "PyPI"]);
    assert_eq!((status.0, &told["advisories"][0]["isStale"]), (0, &json!(false)), "{status:?}");
    assert!(told["advisories"][0]["checkedAt"].is_string());
}

#[test]
fn metrics_tell_of_scans_findings_and_the_age_of_advisories() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = enhanced(folder.path());
    let wanted = [
        "gantry_scans_total{outcome=\"complete\"} 1",
        "gantry_scan_seconds_total",
        "gantry_scan_queue 0",
        "gantry_advisories_age_seconds{ecosystem=\"Debian\"}",
        "severity=\"HIGH\"} 2",
    ];

    let mut metrics = String::new();
    for _ in 0..400 {
        metrics = server.client().get("/metrics").text();
        if wanted.iter().all(|line| metrics.contains(line)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }

    let missing: Vec<_> = wanted.iter().filter(|line| !metrics.contains(**line)).collect();
    assert!(missing.is_empty(), "{missing:?} in\n{metrics}");
}
