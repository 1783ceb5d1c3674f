use super::*;

/// An image that nothing is wrong with.
fn sound() -> serde_json::Value {
    serde_json::json!({
        "config": {
            "User": "10001:10001",
            "Env": ["PATH=/usr/bin"],
            "ExposedPorts": {"8080/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "/app", "health"]},
            "Labels": {"org.opencontainers.image.base.name": "docker.io/library/debian:12"},
        },
        "history": [
            {"created_by": "/bin/sh -c #(nop) ADD file:2f9a in / ", "created": "2026-01-01T00:00:00Z"},
            {"created_by": "RUN /bin/sh -c apt-get install -y app && rm -rf /var/lib/apt # buildkit"},
            {"created_by": "CMD [\"/app\"]", "empty_layer": true},
        ],
    })
}

fn found(image: &serde_json::Value, setuid: &[SetuidFile]) -> Vec<Misconfiguration> {
    find_misconfigurations(&ImageConfig::parse(image.to_string().as_bytes()).unwrap(), setuid)
}

/// The rules that a sound image breaks after one of its steps is another.
fn rules_of_step(command: &str) -> Vec<String> {
    let mut image = sound();
    image["history"][1]["created_by"] = command.into();
    found(&image, &[]).into_iter().map(|one| one.rule).collect()
}

/// The rules that a sound image breaks after a change of how it runs.
fn rules_of_run(member: &str, value: serde_json::Value) -> Vec<String> {
    let mut image = sound();
    image["config"][member] = value;
    found(&image, &[]).into_iter().map(|one| one.rule).collect()
}

#[test]
fn a_sound_image_has_no_misconfiguration() {
    assert_eq!(found(&sound(), &[]), []);
}

#[test]
fn an_image_without_a_configuration_runs_as_root() {
    let rules = found(&serde_json::json!({}), &[]);

    assert_eq!(rules.len(), 1);
    assert_eq!((rules[0].rule.as_str(), rules[0].evidence.as_str()), ("root-user", "no user is set"));
}

#[test]
fn root_is_root_by_name_by_number_and_with_a_group() {
    for user in ["", "root", "0", "0:0", "root:root"] {
        assert_eq!(rules_of_run("User", user.into()), ["root-user"], "{user}");
    }
    for user in ["app", "1000", "rootless", "10:0"] {
        assert!(rules_of_run("User", user.into()).is_empty(), "{user}");
    }
}

#[test]
fn a_base_image_without_a_version_is_told() {
    for base in ["alpine", "docker.io/library/alpine:latest", "registry.local:5000/base"] {
        assert_eq!(rules_of_run("Labels", serde_json::json!({BASE_NAME: base})), ["latest-base"], "{base}");
    }
    for base in ["alpine:3.20", "registry.local:5000/base:1", "alpine@sha256:00", "scratch"] {
        assert!(rules_of_run("Labels", serde_json::json!({BASE_NAME: base})).is_empty(), "{base}");
    }
}

#[test]
fn a_base_image_that_buildah_notes_is_told_too() {
    let mut image = sound();
    image["history"][1]["comment"] = "FROM docker.io/library/alpine:latest".into();

    assert_eq!(found(&image, &[])[0].evidence, "docker.io/library/alpine:latest");
}

#[test]
fn a_secret_in_the_environment_is_told_by_its_name_only() {
    let mut image = sound();
    image["config"]["Env"] = serde_json::json!(["DB_PASSWORD=hunter2hunter2", "TOKEN_FILE=/run/token", "API_TOKEN="]);

    let found = found(&image, &[]);

    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.as_str(), found[0].evidence.as_str()), ("secret-in-environment", "ENV DB_PASSWORD=***"));
}

#[test]
fn a_secret_in_the_history_is_masked() {
    let token = ["ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo"].concat();
    let mut image = sound();
    image["history"][1]["created_by"] = format!("RUN /bin/sh -c curl -k https://{token}@github.com # buildkit").into();

    let found = found(&image, &[]);

    assert_eq!(found[0].rule, "secret-in-history");
    assert!(found.iter().all(|one| !one.evidence.contains(&token[5..])), "{found:?}");
}

#[test]
fn a_secret_build_argument_is_told_by_its_name_only() {
    for command in
        ["RUN |2 NPM_TOKEN=hunter2 MODE=fast /bin/sh -c npm ci # buildkit", "|1 NPM_TOKEN=hunter2 /bin/sh -c npm ci"]
    {
        let mut image = sound();
        image["history"][1]["created_by"] = command.into();

        let found = found(&image, &[]);

        assert_eq!(found.len(), 1, "{command}");
        assert_eq!(found[0].evidence, "ARG NPM_TOKEN=***", "{command}");
    }
}

#[test]
fn steps_that_take_what_they_did_not_check_are_told() {
    let cases = [
        ("ADD https://example.org/app.tar.gz /opt # buildkit", "add-url"),
        ("/bin/sh -c #(nop) ADD http://example.org/app.tar.gz /opt", "add-url"),
        ("RUN /bin/sh -c curl -fsSL https://example.org/install | sh # buildkit", "download-to-shell"),
        ("RUN /bin/sh -c set -e; wget -qO- https://example.org/install | sudo -E bash -", "download-to-shell"),
        ("RUN /bin/sh -c bash -c \"$(curl -fsSL https://example.org/install)\"", "download-to-shell"),
        ("RUN /bin/sh -c chmod -R 777 /app # buildkit", "world-writable"),
        ("RUN /bin/sh -c wget --no-check-certificate https://example.org/app", "unverified-download"),
    ];

    for (command, rule) in cases {
        assert_eq!(rules_of_step(command), [rule], "{command}");
    }
}

#[test]
fn steps_that_only_look_alike_are_not_told() {
    let commands = [
        "ADD --checksum=sha256:00 https://example.org/app.tar.gz /opt # buildkit",
        "COPY https /opt # buildkit",
        "RUN /bin/sh -c curl -fsSLO https://example.org/app && sha256sum -c app.sum | tee log",
        "RUN /bin/sh -c chmod 755 /app && echo 777",
        "RUN /bin/sh -c echo curl | shuf",
        "ARG TOKEN_FILE",
        "",
        "|9",
        "|99999999999999999999 a",
    ];

    for command in commands {
        assert!(rules_of_step(command).is_empty(), "{command}");
    }
}

#[test]
fn setuid_files_are_told_the_more_the_less_usual_they_are() {
    let file = |path: &str, mode| SetuidFile { path: path.into(), mode };
    let files = [file("usr/bin/su", 0o104_755), file("opt/app/helper", 0o104_755), file("opt/app/open", 0o104_777)];

    let found = found(&sound(), &files);

    let told = found.iter().map(|one| (one.evidence.as_str(), one.severity)).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            ("opt/app/open (mode 4777)", Severity::High),
            ("opt/app/helper (mode 4755)", Severity::Medium),
            ("usr/bin/su (mode 4755)", Severity::Informational),
        ]
    );
}

#[test]
fn a_port_for_logins_and_a_missing_healthcheck_are_told() {
    assert_eq!(rules_of_run("ExposedPorts", serde_json::json!({"22/tcp": {}})), ["remote-login"]);
    assert_eq!(rules_of_run("Healthcheck", serde_json::json!({"Test": ["NONE"]})), ["no-healthcheck"]);
    assert_eq!(rules_of_run("Healthcheck", serde_json::Value::Null), ["no-healthcheck"]);
}

#[test]
fn what_is_no_configuration_is_refused_in_a_sentence() {
    assert!(ImageConfig::parse(b"[1]").unwrap_err().starts_with("the configuration cannot be read: "));
    assert!(ImageConfig::parse(&vec![b' '; IMAGE_CONFIG_BYTES_MAX + 1]).unwrap_err().contains("more than"));
}

#[test]
fn the_table_of_usual_files_is_sorted() {
    assert!(USUAL_SETUID.is_sorted());
}

fn steps(history: serde_json::Value, layers: usize) -> Vec<String> {
    let image = serde_json::json!({ "history": history });
    ImageConfig::parse(image.to_string().as_bytes()).unwrap().build_steps(layers)
}

#[test]
fn each_layer_has_the_build_step_that_made_it() {
    let history = serde_json::json!([
        {"created_by": "/bin/sh -c #(nop) ADD file:2f9a in / "},
        {"created_by": "ENV A=b", "empty_layer": true},
        {"created_by": "RUN |1 VERSION=3 /bin/sh -c apt-get update &&\n   apt-get install -y app # buildkit", "empty_layer": false},
        {"comment": "imported"},
    ]);

    assert_eq!(steps(history.clone(), 3), ["ADD file:2f9a in /", "RUN apt-get update && apt-get install -y app", ""]);
    assert_eq!(steps(history, 2), [""; 0]);
}

#[test]
fn a_build_step_tells_no_secret_and_is_not_endless() {
    let token = format!("ghp_{}", "0123456789abcdefghijABCDEFGHIJ012345");
    let history = serde_json::json!([
        {"created_by": format!("RUN /bin/sh -c curl -H 'Authorization: {token}' https://example.org")},
        {"created_by": "RUN /bin/sh -c DB_PASSWORD=hunter2 make --api-token=abc"},
        {"created_by": format!("RUN /bin/sh -c {}", "é".repeat(500))},
    ]);

    let steps = steps(history, 3);

    assert!(!steps[0].contains(&token[..12]), "{}", steps[0]);
    assert_eq!(steps[1], "RUN DB_PASSWORD=*** make --api-token=***");
    assert_eq!(steps[2].chars().count(), 201);
}
