use super::*;

#[test]
fn all_complaints_are_told_at_once_each_with_its_origin() {
    let given = given()
        .file("regoin = 'x-1'\ncreate_on_push = 'yes'\n[limits]\nmanifest_bytes_max = '1B'\n")
        .variable("GANTRY_COLLECTION__GRACE", "24")
        .set("log.format=xml");

    let complaints = given.complaints();

    assert_eq!(
        complaints,
        [
            "DATA/gantry.toml:1: there is no setting regoin; the nearest is region",
            "DATA/gantry.toml:2: create_on_push is \"yes\"; write true or false",
            "GANTRY_COLLECTION__GRACE: collection.grace: 24 of what? Write 24s, 24m, 24h or 24d",
            "--set log.format: log.format is \"xml\"; write text or json",
            "DATA/gantry.toml:4: limits.manifest_bytes_max is below 1KiB: no image could be pushed; the specification \
             asks for 4MiB",
        ]
    );
}

#[test]
fn a_value_of_another_type_is_told_with_what_to_write() {
    for (toml, told) in [
        ("account_id = 123456789012", "account_id is 123456789012; write account_id = \"123456789012\", in quotes"),
        ("listen = '0.0.0.0:80'", "listen is \"0.0.0.0:80\"; write listen = [\"0.0.0.0:80\"], a list in brackets"),
        ("storage.min_free = 64", "storage.min_free: 64 of what? Write 64KiB, 64MiB or 64GiB"),
        ("storage.min_free = true", "storage.min_free is true; write a size, such as 64MiB"),
        ("database.connections = '9'", "database.connections is \"9\"; write a number, such as 16"),
        ("log = 'debug'", "log is a table, no single setting; its settings are log.format, log.level"),
    ] {
        let complaint = given().file(toml).complaint();

        assert_eq!(complaint, format!("DATA/gantry.toml:1: {told}"));
    }
}

#[test]
fn a_variable_is_read_as_its_setting_asks() {
    let given = given()
        .variable("GANTRY_LISTEN", "127.0.0.1:1, [::1]:2")
        .variable("GANTRY_CREATE_ON_PUSH", "true")
        .variable("GANTRY_DATABASE__CONNECTIONS", "4")
        .variable("GANTRY_STORAGE__MIN_FREE", "1GiB")
        .variable("GANTRY_LOG__FORMAT", "json")
        .variable("GANTRY_METRICS_LISTEN", "");

    let config = given.loaded().config;

    assert_eq!(config.listen, ["127.0.0.1:1", "[::1]:2"]);
    assert!(config.create_on_push);
    assert_eq!(config.database.connections, 4);
    assert_eq!(config.storage.min_free.to_string(), "1GiB");
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.metrics_listen, None);
}

#[test]
fn only_true_and_false_are_switches() {
    for text in ["1", "yes", "True", "on", ""] {
        let complaint = given().variable("GANTRY_CREATE_ON_PUSH", text).complaint();

        assert_eq!(complaint, format!("GANTRY_CREATE_ON_PUSH: create_on_push is {text:?}; write true or false"));
    }
}

#[test]
fn what_is_no_toml_is_told_by_line_and_nothing_is_guessed_from_it() {
    let given = given().file("region = \ncreate_on_push = yes\n[tls]\nkey = '/a.key'\n").set("log.level=loud");

    let complaints = given.complaints();

    let beginnings =
        ["DATA/gantry.toml:1: this is no TOML: ", "DATA/gantry.toml:2: this is no TOML: ", "--set log.level: "];
    assert_eq!(complaints.len(), beginnings.len(), "{complaints:#?}");
    for (complaint, beginning) in complaints.iter().zip(beginnings) {
        assert!(complaint.starts_with(beginning), "{complaints:#?}");
    }
}

#[test]
fn a_sentence_of_a_crate_names_the_whole_key_and_its_origin() {
    let given = given()
        .variable("GANTRY_DATABASE__CONNECTIONS", "1")
        .variable("GANTRY_HTTP__KEEP_ALIVE", "0s")
        .set("storage.path=here");

    let complaints = given.complaints();

    for (at, beginning) in [
        "--set storage.path: storage.path ",
        "GANTRY_DATABASE__CONNECTIONS: database.connections is 1; ",
        "GANTRY_HTTP__KEEP_ALIVE: http.keep_alive is zero",
    ]
    .iter()
    .enumerate()
    {
        assert!(complaints[at].starts_with(beginning), "{complaints:#?}");
    }
}

#[test]
fn what_only_follows_from_a_refused_value_is_not_told() {
    let wrong_type = given().file("[tls]\ncertificate = '/a.crt'\nkey = 5").complaint();
    let wrong_name = given().file("[tls]\ncertificate = '/a.crt'\nkye = '/a.key'").complaint();
    let no_file = given()
        .variable("GANTRY_ROOT_ACCESS_KEY_ID", "AKIAROOT")
        .variable("GANTRY_ROOT_SECRET_ACCESS_KEY_FILE", "/nowhere/secret")
        .complaint();

    assert_eq!(wrong_type, "DATA/gantry.toml:3: tls.key is 5; write key = \"5\", in quotes");
    assert_eq!(wrong_name, "DATA/gantry.toml:3: there is no setting tls.kye; the nearest is tls.key");
    assert!(
        no_file.starts_with("GANTRY_ROOT_SECRET_ACCESS_KEY_FILE: root.secret_access_key cannot be read"),
        "{no_file}"
    );
}

#[test]
fn a_listener_needs_host_and_port() {
    let given = given().variable("GANTRY_LISTEN", "5000,localhost,::1:x,unix:here");

    assert_eq!(given.complaints().len(), 4);
    assert!(
        given.complaints()[0].starts_with("GANTRY_LISTEN: listen has \"5000\", which is no address; write host:port")
    );
    assert!(super::given().variable("GANTRY_LISTEN", "localhost:80,0.0.0.0:0,[::1]:5000,unix:/run/g").load().is_ok());
}

#[test]
fn an_address_may_say_whether_tls_is_spoken_there() {
    let given = given().variable("GANTRY_LISTEN", "http://127.0.0.1:80,https://[::]:443,ftp://localhost:21,https://x");

    assert_eq!(given.complaints().len(), 2, "{:#?}", given.complaints());
}

#[test]
fn a_collector_is_a_url_and_its_headers_are_pairs_that_nobody_sees() {
    let given = given()
        .variable("GANTRY_TRACING__OTLP_ENDPOINT", "127.0.0.1:4318")
        .variable("GANTRY_TRACING__OTLP_HEADERS", "hunter2")
        .variable("GANTRY_TRACING__SAMPLE_RATIO", "1.5");

    let complaints = given.complaints();

    assert_eq!(complaints.len(), 3, "{complaints:#?}");
    assert!(complaints.iter().all(|complaint| !complaint.contains("hunter2")), "{complaints:#?}");
}

#[test]
fn two_values_from_one_source_are_a_mistake_and_the_same_twice_is_not() {
    let twice =
        |other: &str| given().variable("GANTRY_ROOT__ACCESS_KEY_ID", "A").variable("GANTRY_ROOT_ACCESS_KEY_ID", other);
    let told = "GANTRY_ROOT__ACCESS_KEY_ID: root.access_key_id is already set by GANTRY_ROOT_ACCESS_KEY_ID, to another \
                value; keep one of them";

    assert!(twice("B").complaints().contains(&told.to_owned()), "{:#?}", twice("B").complaints());
    assert!(!twice("A").complaints().iter().any(|complaint| complaint.contains("already")));
}

#[test]
fn a_named_file_must_exist() {
    let mut given = given();
    given.flags.config = Some(given.path("none.toml"));

    let complaint = given.complaint();

    assert!(complaint.starts_with("cannot read the configuration DATA/none.toml: "), "{complaint}");
}

#[test]
fn a_copied_data_folder_is_used_where_it_lies() {
    let given = given().file("data_dir = '/where/it/was'");

    assert_eq!(given.loaded().config.data_dir, given.folder.path());
}
