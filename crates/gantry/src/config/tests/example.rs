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
    let line = text.lines().position(|line| line.starts_with("#region")).unwrap() + 1;
    assert!(origin(&loaded, "region").ends_with(&format!("example.toml:{line}")));
}
