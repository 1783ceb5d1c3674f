//! The whole way: file, environment and flags in, configuration or complaints out.

use super::{
    Complaint, Config, ConfigCommand, ConfigFlags, Loaded, LogFormat,
    catalogue::{Catalogue, find},
    kind::Kind,
    load::load,
    settings::HIDDEN,
};
use crate::output::{Exit, Format, Printer};
use clap::Parser;
use std::{ffi::OsString, fs, path::PathBuf};
use tempfile::TempDir;

/// A data folder, an environment and flags.
struct Given {
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
    flags: ConfigFlags,
}

/// Nothing but a data folder, named by a flag.
fn given() -> Given {
    let folder = tempfile::tempdir().unwrap();
    let flags = ConfigFlags { data_dir: Some(folder.path().display().to_string()), ..Default::default() };
    Given { folder, variables: vec![], flags }
}

impl Given {
    /// With a configuration in the data folder.
    fn file(self, text: &str) -> Self {
        fs::write(self.path("gantry.toml"), text).unwrap();
        self
    }
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }
    fn set(mut self, text: &str) -> Self {
        self.flags.set.push(text.into());
        self
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn load(&self) -> Result<Loaded, Vec<Complaint>> {
        load(&self.flags, self.variables.clone())
    }
    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|complaints| panic!("{complaints:?}"))
    }
    /// The complaints, with the data folder written as `DATA`.
    fn complaints(&self) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        self.load().unwrap_err().iter().map(|complaint| complaint.to_string().replace(&folder, "DATA")).collect()
    }
    fn complaint(&self) -> String {
        let complaints = self.complaints();
        assert_eq!(complaints.len(), 1, "{complaints:#?}");
        complaints.into_iter().next().unwrap()
    }
}

fn origin(loaded: &Loaded, key: &str) -> String {
    let setting = loaded.settings.iter().find(|setting| setting.key == key).unwrap();
    setting.origin.to_string()
}

mod precedence {
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

        assert_eq!(loaded.file, None);
        assert_eq!(loaded.config.listen, ["127.0.0.1:5000"]);
    }

    #[test]
    fn tls_is_a_table_of_its_own_and_reaches_the_server() {
        let given = given().file("[tls]\ncertificate = '/a.crt'\nkey = '/a.key'");

        let config = given.loaded().config;

        assert_eq!(config.http.tls.certificate, Some("/a.crt".into()));
        assert_eq!(config.http.tls.key, Some("/a.key".into()));
    }
}

mod unknown_keys {
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
}

mod wrong_values {
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
    fn every_syntax_mistake_is_told_with_its_line() {
        let complaints = given().file("region = \n\nlisten = [\ncreate_on_push = true\n").complaints();

        assert!(complaints[0].starts_with("DATA/gantry.toml:1: "), "{complaints:#?}");
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
        let complaint = given().file("[tls]\ncertificate = '/a.crt'\nkey = 5").complaint();

        assert_eq!(complaint, "DATA/gantry.toml:3: tls.key is 5; write key = \"5\", in quotes");
    }

    #[test]
    fn a_listener_needs_host_and_port() {
        let given = given().variable("GANTRY_LISTEN", "5000,localhost,::1:x,unix:here");

        assert_eq!(given.complaints().len(), 4);
        assert!(
            given.complaints()[0]
                .starts_with("GANTRY_LISTEN: listen has \"5000\", which is no address; write host:port")
        );
        assert!(
            super::given().variable("GANTRY_LISTEN", "localhost:80,0.0.0.0:0,[::1]:5000,unix:/run/g").load().is_ok()
        );
    }

    #[test]
    fn two_values_from_one_source_are_a_mistake_and_the_same_twice_is_not() {
        let twice = |other: &str| {
            given().variable("GANTRY_ROOT__ACCESS_KEY_ID", "A").variable("GANTRY_ROOT_ACCESS_KEY_ID", other)
        };
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
}

mod secrets {
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
}

mod catalogue {
    use super::*;
    use gantry_words::{ByteCount, Period, Secret};
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    /// Every shape a setting may have, some of them absent by default.
    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Shapes {
        switch: bool,
        number: u32,
        ratio: f64,
        text: String,
        texts: Vec<String>,
        numbers: Vec<u16>,
        /// How long
        /// it takes.
        #[schemars(with = "String")]
        period: Period,
        #[schemars(with = "Option<String>")]
        period_or_not: Option<Period>,
        #[schemars(with = "String")]
        size: ByteCount,
        #[schemars(with = "Option<String>")]
        size_or_not: Option<ByteCount>,
        number_or_not: Option<u32>,
        switch_or_not: Option<bool>,
        #[schemars(with = "String")]
        secret: Secret<String>,
        #[schemars(with = "Option<String>")]
        secret_or_not: Option<Secret<String>>,
        choice: Choice,
        choice_or_not: Option<Choice>,
        path: Option<PathBuf>,
    }

    /// A choice, some words of which are described.
    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Choice {
        #[default]
        Off,
        /// Described.
        VerifyFull,
    }

    #[test]
    fn the_kind_of_a_setting_is_learned_from_its_type() {
        let catalogue = Catalogue::of::<Shapes>(&[]);
        let choice = || Kind::Choice(vec!["off".into(), "verify-full".into()]);

        for (path, kind) in [
            ("switch", Kind::Boolean),
            ("number", Kind::Integer),
            ("ratio", Kind::Number),
            ("text", Kind::Text),
            ("texts", Kind::List(Box::new(Kind::Text))),
            ("numbers", Kind::List(Box::new(Kind::Integer))),
            ("period", Kind::Duration),
            ("period_or_not", Kind::Duration),
            ("size", Kind::Size),
            ("size_or_not", Kind::Size),
            ("number_or_not", Kind::Integer),
            ("switch_or_not", Kind::Boolean),
            ("secret", Kind::Secret),
            ("secret_or_not", Kind::Secret),
            ("choice", choice()),
            ("choice_or_not", choice()),
            ("path", Kind::Text),
        ] {
            let key = catalogue.keys().iter().find(|key| key.path == path).unwrap();

            assert_eq!(key.kind, kind, "{path}");
            assert_eq!(key.is_optional, path.ends_with("_or_not") || path == "path", "{path}");
        }
    }

    #[test]
    fn a_description_is_one_paragraph() {
        let catalogue = Catalogue::of::<Shapes>(&[]);

        let period = catalogue.keys().iter().find(|key| key.path == "period").unwrap();

        assert_eq!(period.description, "How long it takes.");
    }

    #[test]
    fn no_two_settings_share_a_variable() {
        let catalogue = Catalogue::of::<Config>(HIDDEN);
        let mut names: Vec<_> =
            catalogue.keys().iter().flat_map(|key| [key.variable(), key.regular_variable()]).collect();
        let keys = catalogue.keys().len();

        names.sort();
        names.dedup();

        let short_names = catalogue.keys().iter().filter(|key| key.variable() != key.regular_variable()).count();
        assert_eq!(names.len(), keys + short_names);
    }

    #[test]
    fn what_must_not_be_shown_is_known_as_secret() {
        let catalogue = Catalogue::of::<Config>(HIDDEN);

        let secrets = catalogue.keys().iter().filter(|key| key.kind == Kind::Secret);
        let secrets: Vec<_> = secrets.map(|key| key.path.as_str()).collect();

        assert_eq!(secrets, ["database.url", "root.secret_access_key"]);
    }
}

mod example {
    use super::*;

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/gantry.toml");

    fn load_text(text: &str) -> Loaded {
        let mut given = given();
        fs::write(given.path("example.toml"), text).unwrap();
        given.flags = ConfigFlags { config: Some(given.path("example.toml")), ..Default::default() };
        given.loaded()
    }

    #[test]
    fn the_example_is_well_and_is_the_same_when_written_and_read_again() {
        let config = load_text(&fs::read_to_string(EXAMPLE).unwrap()).config;
        let printed = serde_json::to_value(&config).unwrap();

        let again: Config = serde_json::from_value(printed.clone()).unwrap();

        assert_eq!(config.data_dir, PathBuf::from("/var/lib/gantry"));
        assert_eq!(serde_json::to_value(&again).unwrap(), printed);
    }

    #[test]
    fn the_examples_sleeping_lines_are_well_too() {
        let text = fs::read_to_string(EXAMPLE).unwrap();
        let wake = |line: &str| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => setting.to_owned(),
            _ => line.to_owned(),
        };

        let loaded = load_text(&text.lines().map(wake).collect::<Vec<_>>().join("\n"));

        assert_eq!(loaded.config.metrics_listen.as_deref(), Some("127.0.0.1:9090"));
        assert_eq!(origin(&loaded, "region").rsplit(':').next().map(str::parse), Some(Ok(20)));
    }
}

mod commands {
    use super::*;

    #[derive(Parser)]
    struct CommandLine {
        #[command(subcommand)]
        command: ConfigCommand,
    }

    fn run(given: &Given, words: &[&str], format: Format) -> Result<String, String> {
        let folder = given.folder.path().display().to_string();
        let flag = format!("--data-dir={folder}");
        let data_dir = if words == ["reference"] { None } else { Some(flag.as_str()) };
        let line = CommandLine::try_parse_from(["config"].iter().chain(words).copied().chain(data_dir)).unwrap();
        let mut out = vec![];
        match line.command.answer(given.variables.clone(), &mut Printer::new(&mut out, format)) {
            Ok(exit) => assert_eq!(exit, Exit::Done),
            Err(failure) => {
                assert_eq!(failure.exit(), Exit::Usage);
                return Err(failure.to_string().replace(&folder, "DATA"));
            }
        }
        Ok(String::from_utf8(out).unwrap().replace(&folder, "DATA"))
    }

    #[test]
    fn check_counts_the_settings() {
        let given = given().file("region = 'eu-1'");
        let count = Catalogue::of::<Config>(HIDDEN).keys().len();

        assert_eq!(run(&given, &["check"], Format::Table).unwrap(), format!("ok, {count} settings, 2 set\n"));
    }

    #[test]
    fn check_tells_every_mistake_and_ends_as_bad_usage() {
        let given = given().file("regoin = 'eu-1'\nlisten = 5");

        assert_eq!(
            run(&given, &["check"], Format::Table).unwrap_err(),
            "gantry: the configuration has 2 mistakes. Correct them and try again.\n  \
             DATA/gantry.toml:1: there is no setting regoin; the nearest is region\n  \
             DATA/gantry.toml:2: listen is 5; write listen = [\"…\", \"…\"], a list of text"
        );
    }

    #[test]
    fn show_changed_is_what_somebody_set() {
        let given = given().file("region = 'eu-1'").variable("GANTRY_LOG__LEVEL", "debug");

        assert_eq!(
            run(&given, &["show", "--changed"], Format::Table).unwrap(),
            "KEY        VALUE  ORIGIN\n\
             data_dir   DATA   --data-dir\n\
             region     eu-1   DATA/gantry.toml:1\n\
             log.level  debug  GANTRY_LOG__LEVEL\n"
        );
    }

    #[test]
    fn show_speaks_json_to_programs() {
        let given = given().file("region = 'eu-1'");

        let text = run(&given, &["show", "--changed", "--output=json"], Format::Json).unwrap();

        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let region = json.as_array().unwrap().iter().find(|setting| setting["key"] == "region").unwrap();
        assert_eq!(region["value"], "eu-1");
        assert_eq!(region["origin"], serde_json::json!({ "source": "file", "path": "DATA/gantry.toml", "line": 1 }));
    }

    #[test]
    fn the_reference_has_every_setting_with_its_variable() {
        let text = run(&given(), &["reference"], Format::Table).unwrap();

        for key in Catalogue::of::<Config>(HIDDEN).keys() {
            assert!(text.contains(&format!("| `{}` | ", key.path)), "{}", key.path);
            assert!(text.contains(&format!(" | `{}` | ", key.variable())), "{}", key.path);
        }
        assert!(text.contains(
            "| `root.secret_access_key` | secret | – | `GANTRY_ROOT_SECRET_ACCESS_KEY` | The secret access key,"
        ));
        assert!(text.contains(
            "| `log.format` | `text` or `json` | `text` | `GANTRY_LOG__FORMAT` | For people or for programs. |"
        ));
    }

    #[test]
    fn the_flags_that_people_type_set_what_they_say() {
        let words =
            ["check", "--listen=127.0.0.1:1,unix:/run/g", "--listen=[::1]:2", "--create-on-push", "--region=eu-1"];
        let line = CommandLine::try_parse_from(["config"].iter().chain(&words).copied()).unwrap();
        let ConfigCommand::Check { flags } = line.command else { panic!("check was asked for") };
        let given = Given { flags, ..given() };

        let config = given.loaded().config;

        assert_eq!(config.listen, ["127.0.0.1:1", "unix:/run/g", "[::1]:2"]);
        assert!(config.create_on_push);
        assert_eq!(config.region.as_str(), "eu-1");
    }

    #[test]
    fn the_defaults_are_these() {
        let defaults = serde_json::to_value(Config::default().complete()).unwrap();
        let catalogue = Catalogue::of::<Config>(HIDDEN);

        let lines =
            catalogue.keys().iter().map(|key| format!("{} = {}", key.path, find(&defaults, &key.path).unwrap()));

        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }
}
