use super::*;

#[test]
fn a_key_of_the_file_that_does_not_exist_is_told_with_its_line_and_the_nearest() {
    let given = given().file("\n[storage]\nmin_fre = '1GiB'\n");

    assert_eq!(
        given.complaint(),
        "DATA/gantry.toml:3: there is no setting storage.min_fre; the nearest is storage.min_free"
    );
}

#[test]
fn a_variable_that_does_not_exist_is_told_with_the_nearest_variable() {
    let given = given().variable("GANTRY_STORAGE_MIN_FREE", "1GiB");

    assert_eq!(
        given.complaint(),
        "GANTRY_STORAGE_MIN_FREE: there is no such setting; the nearest is GANTRY_STORAGE__MIN_FREE"
    );
}

#[test]
fn a_flag_that_sets_what_does_not_exist_is_told_with_the_nearest() {
    assert_eq!(
        given().set("lgo.level=debug").complaint(),
        "--set lgo.level: there is no setting lgo.level; the nearest is log.level"
    );
}

#[test]
fn a_table_named_as_if_it_were_a_setting_tells_its_settings() {
    let complaint = given().variable("GANTRY_LOG", "debug").complaint();

    assert_eq!(
        complaint,
        "GANTRY_LOG: there is no such setting; its settings are GANTRY_LOG__FORMAT, GANTRY_LOG__LEVEL"
    );
}

#[test]
fn a_hidden_key_is_unknown() {
    let complaint = given().file("[http.tls]\nkey = '/a.key'").complaint();

    assert!(complaint.ends_with("there is no setting http.tls.key; the nearest is tls.key"), "{complaint}");
}

#[test]
fn variables_of_other_commands_of_tests_and_of_kubernetes_services_are_no_settings() {
    let given = given()
        .variable("GANTRY_TEST_POSTGRES", "postgres://localhost/")
        .variable("GANTRY_SERVER", "https://registry.example.com")
        .variable("GANTRY_SERVICE_HOST", "10.0.0.1")
        .variable("GANTRY_SERVICE_PORT", "5000")
        .variable("GANTRY_SERVICE_PORT_HTTP", "5000")
        .variable("GANTRY_PORT", "tcp://10.0.0.1:5000")
        .variable("GANTRY_DB_PORT_5432_TCP", "tcp://10.0.0.1:5432")
        .variable("GANTRY_DB_PORT_5432_TCP_ADDR", "10.0.0.1")
        .variable("GANTRY_DB_PORT_5432_TCP_PORT", "5432");

    assert!(given.load().is_ok(), "{:?}", given.complaints());
    assert!(super::given().variable("GANTRY_PORT", "5000").load().is_err());
}
