use super::{Home, assert_says, referrers, tags};
use gantry_e2e::{Image, PASSWORD, Server, USER};

const TRUST: &str = r#"{
    "version": "1.0",
    "trustPolicies": [{
        "name": "tests", "registryScopes": ["*"], "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:tests.example"], "trustedIdentities": ["*"]
    }]
}"#;

/// A server with an image, a home with a certificate that it trusts, the image's name by digest, and its digest.
fn ready() -> (Server, Home, String, String) {
    let (server, home) = (Server::start(), Home::new());
    let image = Image::small(700);
    image.push(&server.client(), "team/app", "v1").unwrap();
    home.run("notation cert generate-test --default tests.example").succeeded();
    home.write("trust.json", TRUST);
    home.run("notation policy import trust.json").succeeded();
    let name = format!("{}/team/app@{}", server.address(), image.digest());
    (server, home, name, image.digest())
}

/// Runs notation with user and password: it logs in only where the desktop has a place for secrets.
fn options(password: &str) -> String {
    format!("--insecure-registry --username {USER} --password {password}")
}

#[test]
fn a_signature_is_found_among_the_referrers_and_verified() {
    let (server, home, name, digest) = ready();
    let options = options(PASSWORD);
    assert_says(&home.run(&format!("notation verify {options} {name}")).refused(), &["no signature is associated"]);

    home.run(&format!("notation sign {options} --force-referrers-tag=false {name}")).succeeded();

    home.run(&format!("notation verify {options} {name}")).succeeded();
    let listed = referrers(&server, "team/app", &digest);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["artifactType"], "application/vnd.cncf.notary.signature");
    assert_eq!(tags(&server, "team/app"), ["v1"]);
    let said = home.run(&format!("notation list {options} {name}")).succeeded();
    assert_says(&said.output, &[listed[0]["digest"].as_str().unwrap()]);
}

#[test]
fn two_signatures_in_the_fallback_tag_are_listed_there_and_among_the_referrers() {
    let (server, home, name, digest) = ready();
    let options = options(PASSWORD);

    for format in ["jws", "cose"] {
        home.run(&format!("notation sign {options} --signature-format {format} {name}")).succeeded();
    }

    home.run(&format!("notation verify {options} {name}")).succeeded();
    assert_eq!(referrers(&server, "team/app", &digest).len(), 2);
    let tag = digest.replace(':', "-");
    assert!(tags(&server, "team/app").contains(&tag), "{:?}", tags(&server, "team/app"));
    assert_eq!(super::held(&server, "team/app", &tag).2["manifests"].as_array().unwrap().len(), 2);
}

#[test]
fn an_unknown_tag_is_reported_as_not_found() {
    let (server, home, _, _) = ready();

    let said = home.run(&format!("notation sign {} {}/team/app:nope", options(PASSWORD), server.address())).refused();

    assert_says(&said, &["not found"]);
}

#[test]
fn a_wrong_password_signs_nothing() {
    let (server, home, name, digest) = ready();

    let said = home.run(&format!("notation sign {} {name}", options("wrong"))).refused();

    assert_says(&said, &["401", "unauthorized"]);
    assert!(referrers(&server, "team/app", &digest).is_empty());
}
