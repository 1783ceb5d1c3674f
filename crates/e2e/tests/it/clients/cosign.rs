use super::{Home, assert_says, log_in, logged_in as logged_in_by, referrers, tags};
use gantry_e2e::{Image, Server};

const LOGIN: &str = "cosign login {host} --username {user} --password-stdin";
/// No transparency log is asked: the keys alone decide.
const VERIFY: &str = "cosign verify --key cosign.pub --insecure-ignore-tlog=true --allow-http-registry";
const CLASSIC: &str = "--use-signing-config=false --tlog-upload=false --new-bundle-format=false";

/// A server with an image, a home with a key pair, and the image's name by digest.
fn ready() -> (Server, Home, String, String) {
    let (server, home) = logged_in_by(LOGIN);
    let image = Image::small(600);
    image.push(&server.client(), "team/app", "v1").unwrap();
    home.run("cosign generate-key-pair").succeeded();
    home.run("cosign signing-config create --out signing.json").succeeded();
    let name = format!("{}/team/app@{}", server.address(), image.digest());
    (server, home, name, image.digest())
}

#[test]
fn a_signature_is_found_among_the_referrers_and_verified() {
    let (server, home, name, digest) = ready();
    assert_says(&home.run(&format!("{VERIFY} {name}")).refused(), &["no signatures found", "no matching"]);

    let sign = "cosign sign --key cosign.key --signing-config signing.json --allow-http-registry --yes";
    home.run(&format!("{sign} {name}")).succeeded();

    let verified = home.run(&format!("{VERIFY} {name}")).succeeded();
    assert_says(&verified.output, &[&digest]);
    let listed = referrers(&server, "team/app", &digest);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["artifactType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(tags(&server, "team/app"), ["v1"], "no fallback tag is written where the server lists referrers");
}

#[test]
fn a_signature_of_another_key_does_not_verify() {
    let (_server, home, name, _) = ready();
    let sign = "cosign sign --key cosign.key --signing-config signing.json --allow-http-registry --yes";
    home.run(&format!("{sign} {name}")).succeeded();
    home.run("cosign generate-key-pair --output-key-prefix other").succeeded();

    let said = home.run(&format!("{VERIFY} {name}").replace("cosign.pub", "other.pub")).refused();

    assert_says(&said, &["no matching signatures", "invalid signature", "failed to verify"]);
}

#[test]
fn a_classic_signature_is_found_by_its_tag_and_verified() {
    let (server, home, name, digest) = ready();

    let sign = format!("cosign sign --key cosign.key {CLASSIC} --allow-http-registry --yes");
    home.run(&format!("{sign} {name}")).succeeded();

    let verified = home.run(&format!("{VERIFY} --new-bundle-format=false {name}")).succeeded();
    assert_says(&verified.output, &[&digest]);
    let tag = format!("{}.sig", digest.replace(':', "-"));
    assert!(tags(&server, "team/app").contains(&tag), "{:?}", tags(&server, "team/app"));
}

#[test]
fn a_second_classic_signature_joins_the_first_under_its_tag() {
    let (_server, home, name, _) = ready();
    home.run("cosign generate-key-pair --output-key-prefix other").succeeded();

    let sign = format!("cosign sign {CLASSIC} --allow-http-registry --yes --key");
    for key in ["cosign.key", "other.key"] {
        home.run(&format!("{sign} {key} {name}")).succeeded();
    }

    let verify = format!("{VERIFY} --new-bundle-format=false {name}");
    home.run(&verify).succeeded();
    home.run(&verify.replace("cosign.pub", "other.pub")).succeeded();
}

#[test]
fn an_attestation_is_found_and_verified() {
    let (server, home, name, digest) = ready();
    home.write("predicate.json", r#"{"tests": "passed"}"#);

    let attest = "cosign attest --key cosign.key --signing-config signing.json --allow-http-registry --yes";
    home.run(&format!("{attest} --type custom --predicate predicate.json {name}")).succeeded();

    let verify = "cosign verify-attestation --key cosign.pub --insecure-ignore-tlog=true --allow-http-registry";
    home.run(&format!("{verify} --type custom {name}")).succeeded();
    assert_eq!(referrers(&server, "team/app", &digest).len(), 1);
}

#[test]
fn a_wrong_password_signs_nothing() {
    let (server, home, name, digest) = ready();
    // cosign keeps the password without asking anyone; the first request finds out.
    log_in(&server, &home, LOGIN, "wrong").succeeded();

    let sign = "cosign sign --key cosign.key --signing-config signing.json --allow-http-registry --yes";
    let said = home.run(&format!("{sign} {name}")).refused();

    assert_says(&said, &["UNAUTHORIZED"]);
    assert!(referrers(&server, "team/app", &digest).is_empty());
}
