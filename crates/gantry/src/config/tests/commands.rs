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
fn check_reads_the_keys_that_are_trusted() {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/../trust/fixtures/p256.pub");
    let check =
        |files: &str| run(&given().file(&format!("[signing]\ntrusted_keys = [{files}]")), &["check"], Format::Table);

    assert!(check(&format!("'{key}'")).unwrap().starts_with("ok, "));
    let refused = check(&format!("'{key}', '/nonexistent/cosign.pub'")).unwrap_err();
    assert!(refused.contains("/nonexistent/cosign.pub of signing.trusted_keys cannot be read"), "{refused}");
}

#[test]
fn show_changed_is_what_somebody_set() {
    let given = given().file("region = 'eu-1'").variable("GANTRY_LOG__LEVEL", "debug");

    let text = run(&given, &["show", "--changed"], Format::Table).unwrap();

    let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "KEY VALUE ORIGIN",
            "data_dir DATA --data-dir",
            "region eu-1 DATA/gantry.toml:1",
            "log.level debug GANTRY_LOG__LEVEL",
        ]
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
    assert!(
        text.contains(
            "| `log.format` | `text` or `json` | `text` | `GANTRY_LOG__FORMAT` | For people or for programs. |"
        )
    );
}

#[test]
fn the_flags_that_people_type_set_what_they_say() {
    let words = ["check", "--listen=127.0.0.1:1,unix:/run/g", "--listen=[::1]:2", "--create-on-push", "--region=eu-1"];
    let line = CommandLine::try_parse_from(["config"].iter().chain(&words).copied()).unwrap();
    let ConfigCommand::Check { flags, .. } = line.command else { panic!("check was asked for") };
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

    let lines = catalogue.keys().iter().map(|key| format!("{} = {}", key.path, find(&defaults, &key.path).unwrap()));

    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}
