use super::*;

fn token() -> String {
    ["TOKEN=ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo\n"].concat()
}

/// The secrets of an image: path, layer, and whether it is deleted.
fn secrets(layers: &[Layer]) -> Vec<(String, u32, bool)> {
    let layers: Vec<&Layer> = layers.iter().collect();
    let secrets = put_together(&layers).secrets.into_iter();
    secrets.map(|found| (found.secret.path, found.layer, found.is_deleted)).collect()
}

#[test]
fn a_secret_is_told_with_its_layer() {
    let with = layer(&[Item::file("app/.env", &token())]);

    assert_eq!(secrets(&[one("a.pkg"), with]), [("app/.env".into(), 1, false)]);
}

#[test]
fn a_secret_that_a_layer_above_deletes_or_replaces_is_told_as_deleted() {
    let with = layer(&[Item::file("app/.env", &token())]);
    let deleted = layer(&[Item::file("app/.wh..env", "")]);
    let replaced = layer(&[Item::file("app/.env", "TOKEN=")]);

    for above in [deleted, replaced] {
        assert_eq!(secrets(&[with.clone(), above]), [("app/.env".into(), 0, true)]);
    }
}

#[test]
fn a_secret_under_two_names_is_told_once() {
    let with = layer(&[Item::file("app/.env", &token())]);
    let linked = layer(&[Item::hard_link("app/other", "app/.env")]);

    assert_eq!(secrets(&[with, linked]), [("app/.env".into(), 0, false)]);
}

#[test]
fn programs_that_give_rights_away_are_judged_with_the_configuration() {
    let below = layer(&[Item::file("opt/tool", "").with_mode(0o4755), Item::file("opt/gone", "").with_mode(0o4755)]);
    let above = layer(&[Item::file("opt/.wh.gone", "")]);
    let mut inventory = put_together(&[&below, &above]);

    inventory.judge(br#"{"config": {"User": "1000"}}"#, 2);

    let judged = inventory.misconfigurations.iter().filter(|found| found.rule == "setuid-file");
    assert_eq!(judged.map(|found| found.evidence.as_str()).collect::<Vec<_>>(), ["opt/tool (mode 4755)"]);
}

#[test]
fn a_configuration_that_cannot_be_read_is_complained_about() {
    let mut inventory = put_together(&[]);

    inventory.judge(b"[", 0);

    assert!(inventory.complaints[0].starts_with("the configuration cannot be read: "), "{:?}", inventory.complaints);
}
