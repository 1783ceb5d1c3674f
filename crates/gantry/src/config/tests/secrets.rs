use super::*;

const SECRET: &str = "hunter2hunter2";

fn with_root(given: Given) -> Given {
    given.variable("GANTRY_ROOT_ACCESS_KEY_ID", "AKIAROOT")
}

#[test]
fn a_secret_may_lie_in_a_file_of_its_own() {
    let given = with_root(given());
    fs::write(given.path("secret"), format!("{SECRET}\n")).unwrap();
    let path = given.path("secret");
    let given = given.variable("GANTRY_ROOT_SECRET_ACCESS_KEY_FILE", path.to_str().unwrap());

    let loaded = given.loaded();

    assert_eq!(loaded.config.root.secret_access_key.as_ref().unwrap().reveal(), SECRET);
    assert_eq!(origin(&loaded, "root.secret_access_key"), "GANTRY_ROOT_SECRET_ACCESS_KEY_FILE");
}

#[test]
fn a_secrets_file_that_cannot_be_read_is_told() {
    let given = given();
    let path = given.path("none");
    let complaint = given.variable("GANTRY_DATABASE__URL_FILE", path.to_str().unwrap()).complaint();

    let beginning = "GANTRY_DATABASE__URL_FILE: database.url cannot be read from \"DATA/none\": ";
    assert!(complaint.starts_with(beginning), "{complaint}");
}

#[test]
fn only_secrets_are_read_from_files() {
    assert_eq!(
        given().variable("GANTRY_REGION_FILE", "/region").complaint(),
        "GANTRY_REGION_FILE: region is no secret, and is not read from a file; give the value itself in GANTRY_REGION"
    );
}

#[test]
fn a_setting_whose_name_ends_in_file_is_itself() {
    let config = given().variable("GANTRY_DATABASE__TLS_CA_FILE", "/ca.pem").loaded().config;

    assert_eq!(config.database.tls_ca_file, Some("/ca.pem".into()));
}

#[test]
fn no_secret_is_shown_whatever_is_printed() {
    let url = format!("postgres://gantry:{SECRET}@db.example.com/gantry");
    let given =
        with_root(given()).variable("GANTRY_ROOT_SECRET_ACCESS_KEY", SECRET).set(&format!("database.url={url}"));

    let loaded = given.loaded();

    let printed = format!("{:?} {}", loaded, serde_json::to_string(&loaded.settings).unwrap());
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(printed.contains(r#"{"key":"database.url","value":"***","#), "{printed}");
}

#[test]
fn no_secret_is_in_a_complaint() {
    for given in [
        given().file("[root]\nsecret_access_key = 1234567890"),
        given().file(&format!("[database]\nurl = ['{SECRET}']")),
        given().set(&format!("database.ulr={SECRET}")),
        given().set(&format!("database.url=mysql://root:{SECRET}@db/x")),
        given().variable("GANTRY_ROOT_SECRET_ACCESS_KEY", SECRET),
        given().variable("GANTRY_ROOT_SECRET_ACCES_KEY", SECRET),
        given()
            .variable("GANTRY_ROOT_SECRET_ACCESS_KEY", SECRET)
            .variable("GANTRY_ROOT__SECRET_ACCESS_KEY", "another one"),
    ] {
        let complaints = given.complaints().join("\n");

        assert!(!complaints.contains(SECRET) && !complaints.contains("1234567890"), "{complaints}");
    }
}

#[test]
fn an_empty_secret_is_a_mistake() {
    let given = with_root(given()).variable("GANTRY_ROOT_SECRET_ACCESS_KEY", "");

    let complaint = given.complaint();

    assert_eq!(
        complaint,
        "GANTRY_ROOT_SECRET_ACCESS_KEY: root.secret_access_key is empty; give it a value, or leave it out"
    );
}

#[test]
fn root_credentials_are_a_pair() {
    assert_eq!(
        with_root(given()).complaint(),
        "GANTRY_ROOT_ACCESS_KEY_ID: root.access_key_id is set without root.secret_access_key; set both, or neither"
    );
}
