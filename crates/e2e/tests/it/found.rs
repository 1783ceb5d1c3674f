//! What the scanner knows, asked for by people: at `/api/v1` and with the commands.

use crate::{
    commands::Person,
    scan::{advisories, image, import, layer, side_tables},
};
use gantry_e2e::{Client, Image, Server, digest};
use serde_json::{Value, json};
use std::fs;

/// A person at a server with advisories, to which `team/app` was pushed twice: v2 has mended the flaw of the distribution's package.
fn person() -> Person {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    import(&server, &advisories(folder.path()));
    let client = server.client();
    for (tag, version) in [("v1", "3.0.11-1~deb12u2"), ("v2", "3.0.13-1~deb12u1")] {
        assert_eq!(image(version).push(&client, "team/app", tag).unwrap().status, 201);
    }
    let person = Person::at(server);
    person.types(&["scan", "team/app:v1"]);
    // A running server takes advisories within a second.
    let findings = || client.get("/api/v1/repositories/team/app/images/v1/findings").json();
    assert!((0..100).any(|_| wait(findings())["advisoriesAt"].is_string()), "{}", findings());
    person
}

fn json_of(person: &Person, arguments: &[&str]) -> Value {
    serde_json::from_str(&person.types(arguments)).unwrap()
}

fn ids(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn an_image_on_a_server_is_scanned_with_the_flags_and_formats_of_a_file() {
    let person = person();

    let table = person.types(&["scan", "team/app:v1"]);
    let report = json_of(&person, &["scan", "team/app:v1", "--format", "json"]);
    let sarif = json_of(&person, &["scan", "team/app:v1", "--format", "sarif"]);
    let bill = json_of(&person, &["scan", "team/app:v1", "--format", "cyclonedx"]);
    let host = format!("{}/team/app:v1", person.server.address());
    let codes = [
        person.tries(&["scan", "team/app:v1", "--exit-code", "7"]).0,
        person.tries(&["scan", "team/app:v1", "--exit-code", "7", "--severity", "LOW"]).0,
        person.tries(&["scan", &host, "--exit-code", "7", "--fixable"]).0,
    ];

    assert!(table.contains("CVE-2099-0001") && table.contains("Debian GNU/Linux 12"), "{table}");
    assert_eq!(ids(&report["findings"]), ["CVE-2099-0002", "CVE-2099-0001"]);
    let told = ["package", "version", "fixedVersion", "severity"];
    let told = told.map(|member| report["findings"][1][member].as_str().unwrap());
    assert_eq!(told, ["libssl3", "3.0.11-1~deb12u2", "3.0.13-1~deb12u1", "HIGH"]);
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    assert_eq!(bill["vulnerabilities"].as_array().unwrap().len(), 2);
    let affected = &bill["vulnerabilities"][0]["affects"][0]["ref"];
    assert!(bill["components"].as_array().unwrap().iter().any(|one| one["bom-ref"] == *affected), "{bill}");
    assert_eq!(codes, [7, 0, 7]);
}

#[test]
fn secrets_and_what_is_unwise_about_an_image_are_told_by_a_server_as_of_a_file() {
    let token = ["TOKEN=ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo\n"].concat();
    let person = person();
    let leaky = Image::new(7, vec![layer(&[("app/.env", &token)]), layer(&[("app/.wh..env", "")])]);
    assert_eq!(leaky.push(&person.server.client(), "team/app", "leaky").unwrap().status, 201);

    let table = person.types(&["scan", "team/app:leaky"]);
    let report = json_of(&person, &["scan", "team/app:leaky", "--format", "json"]);
    let stopped = person.tries(&["scan", "team/app:leaky", "--exit-code", "7"]).0;

    assert!(table.contains("github-token: GitHub token ghp_… in app/.env:1 (layer 1, deleted above it"), "{table}");
    assert!(!table.contains("k7Wq9Z"), "{table}");
    let secret = &report["secrets"][0];
    let told = ["rule", "path", "layer", "deleted"].map(|member| secret[member].clone());
    assert_eq!(told, [json!("github-token"), json!("app/.env"), json!(0), json!(true)]);
    assert!(report["misconfigurations"].as_array().unwrap().iter().any(|one| one["rule"] == "root-user"), "{report}");
    assert_eq!(stopped, 7);
}

#[test]
fn the_base_of_an_image_is_told_with_what_came_with_it_and_what_is_better() {
    let person = person();
    let client = person.server.client();
    for (tag, version) in [("12", "3.0.11-1~deb12u2"), ("12.5", "3.0.13-1~deb12u1")] {
        let base = Image::new(2, vec![image(version).layers[0].clone()]);
        assert_eq!(base.push(&client, "library/debian", tag).unwrap().status, 201);
        person.types(&["scan", &format!("library/debian:{tag}")]);
    }
    // What is searched may be a second old.
    let base = || client.get("/api/v1/repositories/team/app/images/v1/base").json()["base"].clone();
    assert!((0..100).any(|_| wait(base())["better"].is_object()), "{}", base());

    let table = person.types(&["scan", "team/app:v1"]);
    let report = json_of(&person, &["scan", "team/app:v1", "--format", "json"]);

    assert!(table.contains("Made from library/debian:12 (1 of 2 layers): 1 of 2 findings came with it"), "{table}");
    assert!(
        table.contains("Better than library/debian:12, with 0 findings instead of 1: library/debian:12.5"),
        "{table}"
    );
    assert_eq!(report["base"]["layers"], 1);
    let layers: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["layers"].clone()).collect();
    assert_eq!(layers, [json!([1]), json!([0])]);
}

#[test]
fn each_package_says_by_which_layer_and_build_step_it_came() {
    let person = person();
    let client = person.server.client();
    let mut built = image("3.0.11-1~deb12u2");
    let mut config: Value = serde_json::from_slice(&built.config).unwrap();
    config["history"] = json!([
        {"created_by": "/bin/sh -c #(nop) ADD file:2f9a in / "},
        {"created_by": "ENV A=b", "empty_layer": true},
        {"created_by": "RUN |1 API_TOKEN=hunter2 /bin/sh -c pip install left-pad # buildkit"},
    ]);
    built.config = config.to_string().into_bytes();
    let mut manifest: Value = serde_json::from_slice(&built.manifest).unwrap();
    manifest["config"]["digest"] = digest(&built.config).into();
    manifest["config"]["size"] = built.config.len().into();
    built.manifest = manifest.to_string().into_bytes();
    assert_eq!(built.push(&client, "team/built", "v1").unwrap().status, 201);
    person.types(&["scan", "team/built:v1"]);

    let report = json_of(&person, &["scan", "team/built:v1", "--format", "json"]);
    let held = json_of(&person, &["sbom", "team/built:v1", "--format", "json"]);
    let bill = person.types(&["sbom", "team/built:v1"]);
    let spdx = person.types(&["sbom", "team/built:v1", "--format", "spdx"]);
    let table = person.types(&["sbom", "team/built:v1", "--output", "table"]);

    let steps = report["findings"].as_array().unwrap().iter().map(|finding| finding["buildSteps"].clone());
    let (add, run) = ("ADD file:2f9a in /", "RUN pip install left-pad");
    assert_eq!(steps.collect::<Vec<_>>(), [json!([run]), json!([add])]);
    assert_eq!(held["build_steps"], json!([add, run]));
    assert!([&bill, &spdx, &table].iter().all(|text| text.contains(run) && !text.contains("hunter2")), "{bill}");
}

#[test]
fn what_an_image_holds_is_listed_as_bills_of_materials_that_stay_the_same() {
    let person = person();

    let first = person.types(&["sbom", "team/app:v1"]);
    let spdx = json_of(&person, &["sbom", "team/app:v1", "--format", "spdx"]);
    let table = person.types(&["sbom", "team/app:v1", "--output", "table"]);
    let asked = person.server.client().get("/api/v1/repositories/team/app/images/v1/sbom?format=cyclonedx");

    let bill: Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&bill["specVersion"], &spdx["spdxVersion"]), (&json!("1.6"), &json!("SPDX-2.3")));
    assert_eq!(person.types(&["sbom", "team/app:v1"]), first);
    assert_eq!(asked.json()["components"], bill["components"]);
    assert!(table.contains("left-pad") && table.contains("libssl3"), "{table}");
}

#[test]
fn a_bill_of_materials_is_attached_to_what_is_scanned_where_that_is_wished() {
    let settings = [("GANTRY_CREATE_ON_PUSH", "true"), ("GANTRY_SCANNING__ATTACH_SBOM", "cyclonedx")];
    let person = Person::at(Server::with(&settings));
    let (client, image) = (person.server.client(), image("3.0.11-1~deb12u2"));
    assert_eq!(image.push(&client, "team/app", "v1").unwrap().status, 201);

    person.types(&["scan", "team/app:v1"]);

    let referrers = client.get(&format!("/v2/team/app/referrers/{}", image.digest())).json()["manifests"].clone();
    assert_eq!(referrers.as_array().unwrap().len(), 1, "{referrers}");
    assert_eq!(referrers[0]["artifactType"], "application/vnd.cyclonedx+json");
    let manifest = client.get(&format!("/v2/team/app/manifests/{}", referrers[0]["digest"].as_str().unwrap())).json();
    let bill = client.get(&format!("/v2/team/app/blobs/{}", manifest["layers"][0]["digest"].as_str().unwrap())).json();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&json!("CycloneDX"), &json!("1.6")));
    let names: Vec<_> =
        bill["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"libssl3") && names.contains(&"left-pad"), "{names:?}");
}

#[test]
fn two_images_are_compared() {
    let person = person();

    let mended = json_of(&person, &["scan", "diff", "team/app:v1", "team/app:v2", "--output", "json"]);
    let (code, table, _) = person.tries(&["scan", "diff", "team/app:v2", "team/app:v1", "--exit-code", "4"]);

    assert_eq!((ids(&mended["gone"]), ids(&mended["new"])), (vec!["CVE-2099-0001"], vec![]));
    assert_eq!(mended["changed"], json!([]));
    assert_eq!(code, 4, "{table}");
    assert!(table.contains("new") && table.contains("1 new, 0 gone, 0 changed"), "{table}");
}

#[test]
fn what_is_not_known_is_refused_and_never_an_empty_list() {
    let server = Server::start();
    let client = server.client();
    let chart = gantry_e2e::Image::small(1);
    assert_eq!(chart.push(&client, "team/broken", "v1").unwrap().status, 201);
    let person = Person::at(server);

    let findings = client.get("/api/v1/repositories/team/broken/images/v1/findings");
    let (code, _, errors) = person.tries(&["scan", "team/broken:v1"]);
    let after = client.get("/api/v1/repositories/team/broken/images/v1/findings");

    assert_eq!((findings.status, after.status), (404, 404));
    assert!(findings.text().contains("never scanned"), "{}", findings.text());
    assert!(after.text().contains("failed"), "{}", after.text());
    assert!(code == 3 && errors.contains("cannot be scanned"), "{code} {errors}");
}

#[test]
fn two_files_are_compared_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str, version: &str| {
        let files = [
            ("etc/os-release", crate::scan::OS_RELEASE.to_owned()),
            ("var/lib/dpkg/status", crate::scan::status(version)),
        ];
        for (path, text) in files {
            let place = folder.path().join(name).join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let (before, after) = (root("before", "3.0.11-1~deb12u2"), root("after", "3.0.13-1~deb12u1"));
    let known = advisories(folder.path());
    let cache = folder.path().join("cache");
    let arguments = ["scan", "diff", "--input", &before, "--input", &after, "--advisories", known.to_str().unwrap()];

    let (code, output, errors) = gantry_e2e::run_with(&arguments, &[("XDG_CACHE_HOME", cache.to_str().unwrap())]);

    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(output.contains("0 new, 1 gone, 0 changed"), "{output}");
}

#[test]
fn it_is_known_at_once_which_images_hold_a_flaw_or_a_package() {
    let person = person();
    for tag in ["v1", "v2"] {
        person.types(&["scan", &format!("team/app:{tag}")]);
    }

    let flaws = json_of(&person, &["findings", "ls", "--output", "json"]);
    let narrow = json_of(&person, &["findings", "ls", "--id", "cve-2099-0001", "--fixable", "--output", "json"]);
    let by_image = person.types(&["findings", "ls", "--package", "left-pad", "--images"]);
    let old = json_of(&person, &["package", "ls", "openssl", "--range", "<3.0.13", "--output", "json"]);
    let elsewhere = json_of(&person, &["package", "ls", "--repository", "other/", "--output", "json"]);
    let by_purl = person.types(&["package", "ls", "--purl", "pkg:pypi/left-pad"]);

    let told = |found: &Value| {
        let told = |one: &Value| (one["id"].as_str().unwrap().to_owned(), one["imageCount"].as_u64().unwrap());
        found.as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(told(&flaws), [("CVE-2099-0001".into(), 1), ("CVE-2099-0002".into(), 2)]);
    assert_eq!(told(&narrow), [("CVE-2099-0001".into(), 1)]);
    let holder = &narrow[0]["images"][0];
    assert_eq!((&holder["repository"], &holder["tags"]), (&json!("team/app"), &json!(["v1"])));
    assert_eq!(holder["digest"], image("3.0.11-1~deb12u2").digest());
    assert!(holder["pushedBy"].as_str().unwrap().starts_with("arn:"), "{holder}");
    assert_eq!(narrow[0]["firstPushedAt"], holder["pushedAt"]);
    assert!(by_image.contains("team/app:v1") && by_image.contains("team/app:v2"), "{by_image}");
    assert_eq!((&old[0]["package"], &old[0]["version"]), (&json!("libssl3"), &json!("3.0.11-1~deb12u2")));
    assert_eq!((old.as_array().unwrap().len(), elsewhere), (1, json!([])));
    assert!(by_purl.contains("left-pad"), "{by_purl}");
}

#[test]
fn it_is_told_where_what_is_flawed_runs_and_nothing_else_is_listed_on_request() {
    let person = person();
    for tag in ["v1", "v2"] {
        person.types(&["scan", &format!("team/app:{tag}")]);
    }
    let (running, digest) = (person.home.path().join("running.txt"), image("3.0.13-1~deb12u1").digest());
    fs::write(&running, format!("team/app@{digest}\n")).unwrap();
    person.types(&["inventory", "report", "cluster-a", "--images", running.to_str().unwrap()]);

    let all = json_of(&person, &["findings", "ls", "--output", "json"]);
    let found = json_of(&person, &["findings", "ls", "--running", "--output", "json"]);
    let table = person.types(&["findings", "ls", "--running", "--images"]);
    let hub = json_of(&person, &["scan", "team/app:v1", "--format", "asff"]);
    let fewer = json_of(&person, &["scan", "team/app:v1", "--format", "asff", "--severity", "LOW"]);

    assert_eq!((ids(&all), ids(&found)), (vec!["CVE-2099-0001", "CVE-2099-0002"], vec!["CVE-2099-0002"]));
    let holders = found[0]["images"].as_array().unwrap();
    assert_eq!((holders.len(), &holders[0]["digest"]), (1, &json!(digest)));
    assert_eq!(
        (&holders[0]["runningIn"][0]["source"], &holders[0]["runningInCount"]),
        (&json!("cluster-a"), &json!(1))
    );
    assert_eq!(all[0]["images"][0]["runningIn"], json!([]));
    assert!(table.contains("RUNNING IN") && table.contains("cluster-a"), "{table}");
    assert_eq!((hub.as_array().unwrap().len(), fewer), (2, json!([])));
    assert_eq!(hub[0]["Resources"][0]["Details"]["AwsEcrContainerImage"]["RepositoryName"], "team/app");
}

#[test]
fn a_new_advisory_and_a_deleted_image_count_in_the_next_search() {
    let person = person();
    person.types(&["scan", "team/app:v1"]);
    let count = || json_of(&person, &["findings", "ls", "--output", "json"]).as_array().unwrap().len();
    assert_eq!(count(), 2);

    let folder = tempfile::tempdir().unwrap();
    let known = advisories(folder.path());
    fs::remove_dir_all(known.join("PyPI")).unwrap();
    import(&person.server, &known);
    let fewer = (0..100).map(|_| wait(count())).find(|count| *count == 1);
    person.types(&["image", "rm", &format!("team/app@{}", image("3.0.11-1~deb12u2").digest())]);
    let none = (0..100).map(|_| wait(count())).find(|count| *count == 0);

    assert_eq!((fewer, none), (Some(1), Some(0)));
}

/// Asks until the answer is as it should be; what is found is written down within some seconds.
#[track_caller]
fn until(person: &Person, arguments: &[&str], is_there: impl Fn(&Value) -> bool) -> Value {
    let found = (0..200).map(|_| wait(json_of(person, arguments))).find(is_there);
    found.unwrap_or_else(|| panic!("{arguments:?}: {}", json_of(person, arguments)))
}

#[test]
fn it_is_told_since_when_a_flaw_is_known_until_when_it_is_to_be_mended_and_when_it_was_gone() {
    let person = person();
    let list = ["findings", "ls", "--output", "json"];

    let known = until(&person, &list, |found| found[0]["firstSeenAt"].is_string());
    let table = person.types(&["findings", "ls"]);
    let late = json_of(&person, &["findings", "ls", "--overdue", "--output", "json"]);
    let trend =
        until(&person, &["findings", "trend", "--output", "json"], |days| days[0]["severityCounts"]["HIGH"] == 2);
    person.types(&["image", "rm", &format!("team/app@{}", image("3.0.11-1~deb12u2").digest())]);
    until(&person, &list, |found| *found == json!([]));
    let gone = ["findings", "gone", "--id", "CVE-2099-0001", "--output", "json"];
    let gone = until(&person, &gone, |found| found[0].is_object());

    let flaw = &known[0];
    assert_eq!((&flaw["id"], &flaw["ageDays"], &flaw["overdue"]), (&json!("CVE-2099-0001"), &json!(0), &json!(false)));
    let holder = &flaw["images"][0];
    assert_eq!(holder["knownSince"], flaw["firstSeenAt"], "the image was pushed before it was known what it holds");
    assert_eq!(holder["paths"], json!(["var/lib/dpkg/status"]));
    assert!(flaw["dueAt"].as_str() > flaw["firstSeenAt"].as_str(), "{flaw}");
    assert!(table.contains("KNOWN SINCE") && table.contains("DUE"), "{table}");
    assert_eq!(late, json!([]));
    assert_eq!((trend.as_array().unwrap().len(), &trend[0]["repositories"]), (1, &json!(1)));
    let told = ["repository", "id", "severity", "package", "type"].map(|member| gone[0][member].as_str().unwrap());
    assert_eq!(told, ["team/app", "CVE-2099-0001", "HIGH", "libssl3", "deb"]);
    assert_eq!(gone[0]["firstSeenAt"], flaw["firstSeenAt"]);
}

#[test]
fn what_is_exploited_comes_first_and_what_is_suppressed_is_told_with_its_reason() {
    let person = person();
    let folder = tempfile::tempdir().unwrap();
    let known = advisories(folder.path());
    side_tables(&known, "CVE-2099-0002");
    import(&person.server, &known);
    let client = person.server.client();
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "timestamp": "2026-11-20T00:00:00Z",
        "statements": [{"vulnerability": {"name": "CVE-2099-0001"}, "products": [{"@id": "pkg:deb/debian/libssl3"}],
                        "status": "not_affected", "justification": "vulnerable_code_not_present"}],
    });

    let exploited = ["findings", "ls", "--known-exploited", "--output", "json"];
    let exploited = until(&person, &exploited, |found| found[0].is_object());
    let first = json_of(&person, &["findings", "ls", "--order", "priority", "--output", "json"]);
    let probable = json_of(&person, &["findings", "ls", "--epss", "0.5", "--output", "json"]);
    let wrong = person.tries(&["findings", "ls", "--epss", "7"]);
    let uploaded = client.send("POST", "/api/v1/vex?prefix=team&name=a.json", &[], document.to_string().as_bytes());
    let counted = until(&person, &["findings", "ls", "--output", "json"], |found| found[1].is_null());
    let suppressed = json_of(&person, &["findings", "ls", "--suppressed", "--output", "json"]);
    let table = person.types(&["findings", "ls", "--suppressed"]);

    assert_eq!(ids(&exploited), ["CVE-2099-0002"]);
    assert_eq!(ids(&first), ["CVE-2099-0002", "CVE-2099-0001"]);
    assert!(first[0]["priority"].as_u64() > first[1]["priority"].as_u64(), "{first}");
    assert_eq!(probable, json!([]), "nobody predicts anything");
    assert!(wrong.0 != 0 && wrong.2.contains("epss"), "{wrong:?}");
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    assert_eq!((ids(&counted), ids(&suppressed)), (vec!["CVE-2099-0002"], vec!["CVE-2099-0001"]));
    let reason = suppressed[0]["suppressed"].as_str().unwrap();
    assert!(reason.contains("vulnerable_code_not_present") && table.contains(reason), "{reason} {table}");
}

#[test]
fn images_are_found_by_the_path_at_which_they_hold_a_package() {
    let person = person();

    let found = json_of(&person, &["package", "ls", "--file", "/opt/app/left_pad-*", "--output", "json"]);
    let table = person.types(&["package", "ls", "--file", "*/METADATA", "--images"]);
    let none = json_of(&person, &["package", "ls", "--file", "opt/app", "--output", "json"]);

    assert_eq!((found.as_array().unwrap().len(), &found[0]["package"]), (1, &json!("left-pad")));
    assert_eq!(found[0]["images"][0]["paths"], json!(["opt/app/left_pad-1.0.dist-info/METADATA"]));
    assert!(table.contains("team/app:v1") && table.contains("opt/app/left_pad"), "{table}");
    assert_eq!(none, json!([]));
}

#[test]
fn a_file_that_belongs_to_no_package_is_found_by_its_name_in_the_images_that_hold_it() {
    let person = person();
    let client = person.server.client();
    let base = image("3.0.11-1~deb12u2").layers[0].clone();
    let tools = layer(&[("usr/local/bin/kubectl", "#!/bin/sh\n"), ("opt/run.sh", "#!/bin/sh\n")]);
    let without = layer(&[("opt/.wh.run.sh", "")]);
    for (seed, tag, layers) in
        [(8, "tools", vec![base.clone(), tools.clone()]), (9, "cut", vec![base, tools.clone(), without])]
    {
        assert_eq!(Image::new(seed, layers).push(&client, "team/tools", tag).unwrap().status, 201);
        person.types(&["scan", &format!("team/tools:{tag}")]);
    }
    let list = |pattern: &'static str| ["package", "ls", "--file", pattern, "--output", "json"];
    let tags = |found: &Value| -> Vec<Value> {
        found[0]["images"].as_array().unwrap().iter().map(|image| image["tags"].clone()).collect()
    };

    let kubectl = until(&person, &list("kubectl"), |found| found[0]["imageCount"] == 2);
    let script = json_of(&person, &list("*/run.sh"));
    let elsewhere = json_of(&person, &list("/opt/kubectl"));
    let table = person.types(&["package", "ls", "--file", "/usr/local/bin/*", "--images"]);
    let page = client.get("/api/v1/packages?file=kubectl&repository=team/tools&limit=1").json();

    assert_eq!((kubectl.as_array().unwrap().len(), &kubectl[0]["path"]), (1, &json!("usr/local/bin/kubectl")));
    assert_eq!(kubectl[0]["images"][0]["layer"], digest(&tools));
    assert_eq!(tags(&kubectl), [json!(["cut"]), json!(["tools"])]);
    assert_eq!((&script[0]["path"], tags(&script)), (&json!("opt/run.sh"), vec![json!(["tools"])]));
    assert_eq!(elsewhere, json!([]));
    assert!(table.contains("usr/local/bin/kubectl") && table.contains("team/tools:cut"), "{table}");
    assert_eq!((&page["packages"], page["files"].as_array().unwrap().len()), (&json!([]), 1));
    assert_eq!((&page["next"], &page["filesTruncated"]), (&Value::Null, &Value::Null));
}

#[test]
fn files_that_belong_to_no_package_are_listed_of_a_root_folder_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("etc/os-release", crate::scan::OS_RELEASE.to_owned()),
        ("var/lib/dpkg/status", crate::scan::status("3.0.11-1~deb12u2")),
        ("var/lib/dpkg/info/libssl3.list", "/usr/lib/libssl.so.3\n".to_owned()),
        ("usr/lib/libssl.so.3", String::new()),
        ("usr/local/bin/run.sh", "#!/bin/sh\n".to_owned()),
        ("usr/share/doc/run/README", String::new()),
    ];
    for (path, text) in files {
        let place = folder.path().join("root").join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    let root = folder.path().join("root");
    let scan = |more: &[&str]| {
        let arguments = [&["scan", "--input", root.to_str().unwrap()][..], more].concat();
        gantry_e2e::run_with(&arguments, &[])
    };

    let with_files = scan(&["--format", "json", "--files"]);
    let without = scan(&["--format", "json"]);
    let table = scan(&["--files"]);

    let report: Value = serde_json::from_str(&with_files.1).unwrap();
    let paths: Vec<_> = report["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["etc/os-release", "usr/local/bin/run.sh"]);
    assert!(!without.1.contains("run.sh"), "{}", without.1);
    assert!(table.0 != 0 && table.2.contains("--format json"), "{table:?}");
}

/// What was asked, a little later.
fn wait<T>(answer: T) -> T {
    std::thread::sleep(std::time::Duration::from_millis(100));
    answer
}

#[test]
fn a_search_shows_everybody_what_he_may_ask_about_and_counts_nothing_else() {
    let person = person();
    let root = person.server.client();
    assert_eq!(image("3.0.11-1~deb12u2").push(&root, "other/app", "v1").unwrap().status, 201);
    for name in ["team/app:v1", "other/app:v1"] {
        person.types(&["scan", name]);
    }
    let send = |method: &str, path: &str, body: Value| {
        let answer = root.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes());
        assert!(answer.status < 300, "{path}: {}", answer.text());
        answer
    };
    let client = |name: &str| {
        send("POST", "/api/v1/users", json!({"name": name}));
        let key = send("POST", &format!("/api/v1/users/{name}/access-keys"), json!({})).json();
        let text = |member: &str| key[member].as_str().unwrap().to_owned();
        Client::new(person.server.address(), &text("accessKeyId"), &text("secretAccessKey"))
    };
    let (ann, eve) = (client("ann"), client("eve"));
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:DescribeImageScanFindings",
        "Resource": "arn:aws:ecr:*:*:repository/team/*"}});
    send("PUT", "/api/v1/users/ann/inline-policies/own", json!({"document": policy.to_string()}));

    for (path, list) in [("/api/v1/findings", "findings"), ("/api/v1/packages?limit=1", "packages")] {
        let (of_root, of_ann, of_eve) = (root.get(path), ann.get(path), eve.get(path));

        assert_eq!(of_root.json()[list][0]["imageCount"], 2, "{}", of_root.text());
        assert_eq!(of_ann.json()[list][0]["imageCount"], 1, "{}", of_ann.text());
        assert!(!of_ann.text().contains("other/app"), "{}", of_ann.text());
        assert_eq!(of_eve.json()[list], json!([]));
        assert_eq!(Client::anonymous(person.server.address()).get(path).status, 401);
    }
    assert_eq!(eve.get("/api/v1/repositories/team/app/images/v1/findings").status, 403);
    assert_eq!(eve.get("/api/v1/repositories/team/app/images/v1/sbom").status, 403);
}
