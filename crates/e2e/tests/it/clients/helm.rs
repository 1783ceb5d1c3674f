use super::{Home, assert_says, held, log_in, logged_in};
use gantry_e2e::Server;

const LOGIN: &str = "helm registry login --plain-http --username {user} --password-stdin {host}";

/// Packages a chart and pushes it.
fn push(server: &Server, home: &Home, version: &str) {
    home.write(
        "app/Chart.yaml",
        format!("apiVersion: v2\nname: app\nversion: {version}\ndescription: A chart of the tests\n"),
    );
    home.write("app/values.yaml", "greeting: hello\n");
    home.write(
        "app/templates/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  greeting: {{ .Values.greeting }}\n",
    );
    home.run("helm package app --destination packed").succeeded();
    home.run(&format!("helm push --plain-http packed/app-{version}.tgz oci://{}/charts", server.address())).succeeded();
}

#[test]
fn a_chart_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    push(&server, &home, "1.2.3");
    let chart = format!("oci://{}/charts/app", server.address());

    home.run(&format!("helm pull --plain-http {chart} --version 1.2.3 --destination .")).succeeded();

    assert_eq!(home.read("app-1.2.3.tgz"), home.read("packed/app-1.2.3.tgz"));
    let (_, _, manifest) = held(&server, "charts/app", "1.2.3");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.cncf.helm.config.v1+json");
}

#[test]
fn a_chart_is_shown_and_rendered() {
    let (server, home) = logged_in(LOGIN);
    push(&server, &home, "1.2.3");
    let chart = format!("oci://{}/charts/app --version 1.2.3", server.address());

    let shown = home.run(&format!("helm show chart --plain-http {chart}")).succeeded();
    let rendered = home.run(&format!("helm template --plain-http release {chart}")).succeeded();

    assert_says(&shown.output, &["A chart of the tests"]);
    assert_says(&rendered.output, &["greeting: hello"]);
}

#[test]
fn without_a_version_the_newest_is_pulled() {
    let (server, home) = logged_in(LOGIN);
    for version in ["1.9.0", "1.10.0", "1.2.0"] {
        push(&server, &home, version);
    }

    home.run(&format!("helm pull --plain-http oci://{}/charts/app --destination .", server.address())).succeeded();

    assert_eq!(home.read("app-1.10.0.tgz"), home.read("packed/app-1.10.0.tgz"));
}

#[test]
fn a_version_with_a_plus_is_found_again() {
    let (server, home) = logged_in(LOGIN);
    push(&server, &home, "1.0.0+build.7");

    let chart = format!("oci://{}/charts/app", server.address());
    home.run(&format!("helm pull --plain-http {chart} --version 1.0.0+build.7 --destination .")).succeeded();

    held(&server, "charts/app", "1.0.0_build.7");
    assert_eq!(home.read("app-1.0.0+build.7.tgz"), home.read("packed/app-1.0.0+build.7.tgz"));
}

#[test]
fn a_chart_depends_on_another() {
    let (server, home) = logged_in(LOGIN);
    push(&server, &home, "1.2.3");
    let dependency =
        format!("dependencies:\n- name: app\n  version: ^1.0.0\n  repository: oci://{}/charts\n", server.address());
    home.write("outer/Chart.yaml", format!("apiVersion: v2\nname: outer\nversion: 0.1.0\n{dependency}"));

    home.run("helm dependency update --plain-http outer").succeeded();

    assert_eq!(home.read("outer/charts/app-1.2.3.tgz"), home.read("packed/app-1.2.3.tgz"));
}

#[test]
fn an_unknown_version_is_reported_as_not_found() {
    let (server, home) = logged_in(LOGIN);
    push(&server, &home, "1.2.3");

    let said =
        home.run(&format!("helm pull --plain-http oci://{}/charts/app --version 9.9.9", server.address())).refused();

    assert_says(&said, &["not found"]);
}

#[test]
fn a_wrong_password_fails_to_log_in() {
    let (server, home) = (Server::start(), Home::new());

    let said = log_in(&server, &home, LOGIN, "wrong").refused();

    assert_says(&said, &["401", "unauthorized"]);
}
