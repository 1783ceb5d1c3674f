use super::*;

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let file = "region = 'file-1'\naccount_id = '111111111111'\n[collection]\ngrace = '1h'\n";
    let given = given()
        .file(file)
        .variable("GANTRY_REGION", "env-1")
        .variable("GANTRY_ACCOUNT_ID", "222222222222")
        .set("region=flag-1");

    let loaded = given.loaded();

    assert_eq!(loaded.config.region.as_str(), "flag-1");
    assert_eq!(loaded.config.account_id.as_str(), "222222222222");
    assert_eq!(loaded.config.collection.grace.to_string(), "1h");
    assert_eq!(loaded.config.collection.every, Config::default().collection.every);
    assert_eq!(origin(&loaded, "region"), "--set region");
    assert_eq!(origin(&loaded, "account_id"), "GANTRY_ACCOUNT_ID");
    assert_eq!(origin(&loaded, "collection.grace"), format!("{}:4", given.path("gantry.toml").display()));
    assert_eq!(origin(&loaded, "collection.every"), "default");
}

#[test]
fn a_named_file_is_read_in_place_of_the_data_folders() {
    let mut given = given().file("region = 'folder-1'");
    fs::write(given.path("variable.toml"), "region = 'variable-1'").unwrap();
    fs::write(given.path("flag.toml"), "region = 'flag-1'").unwrap();
    let region = |given: &Given| given.loaded().config.region.to_string();

    assert_eq!(region(&given), "folder-1");
    let path = given.path("variable.toml");
    given = given.variable("GANTRY_CONFIG", path.to_str().unwrap());
    assert_eq!(region(&given), "variable-1");
    given.flags.config = Some(given.path("flag.toml"));
    assert_eq!(region(&given), "flag-1");
}

#[test]
fn without_a_file_the_defaults_hold() {
    let loaded = given().loaded();

    assert!(
        loaded.settings.iter().all(|setting| setting.key == "data_dir" || origin(&loaded, &setting.key) == "default")
    );
    assert_eq!(loaded.config.listen, ["127.0.0.1:5000"]);
}

#[test]
fn tls_is_a_table_of_its_own_and_reaches_the_server() {
    let given = given().file("[tls]\ncertificate = '/a.crt'\nkey = '/a.key'");

    let config = given.loaded().config;

    assert_eq!(config.http.tls.certificate, Some("/a.crt".into()));
    assert_eq!(config.http.tls.key, Some("/a.key".into()));
}
