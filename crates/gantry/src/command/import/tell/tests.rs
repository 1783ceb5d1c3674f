use super::{super::past::Earlier, *};
use crate::moving::memory::MemoryRegistry;
use gantry_rest::PastTakenDocument;
use gantry_words::Timestamp;

fn digest(number: usize) -> Digest {
    format!("sha256:{number:064x}").parse().unwrap()
}

fn moment_at(seconds: i64) -> Moment {
    Moment::estimated(Timestamp::from_millis(seconds * 1000))
}

fn name() -> RepositoryName {
    "team/app".parse().unwrap()
}

/// Tells a server in memory of a past whose tags point to the first image.
fn tell(past: &Past, policies_dir: Option<&Path>, is_new: bool) -> (PastDone, Vec<PastDocument>) {
    let registry = MemoryRegistry::default();
    let tags = past.tags.keys().map(|tag| (tag.clone(), digest(1))).collect();
    let telling = Telling { source: "Harbor registry", policies_dir, is_dry_run: false };
    let done = telling.tell(&registry, &name(), past, &tags, is_new).unwrap();
    (done, registry.of("team/app").pasts)
}

/// A server of the time before all this.
struct OldServer;

impl PastTaker for OldServer {
    fn has_repository(&self, _: &str) -> Result<bool, Trouble> {
        Ok(true)
    }

    fn take_past(&self, _: &str, _: &PastDocument) -> Result<Option<PastTakenDocument>, Trouble> {
        Ok(None)
    }

    fn preview_lifecycle(&self, _: &str, _: &str) -> Result<Option<LifecyclePreviewDocument>, Trouble> {
        Ok(None)
    }
}

#[test]
fn images_and_tags_are_told_in_parts_and_what_is_unknown_is_not() {
    let mut past = Past::default();
    (0..1_500).for_each(|number| past.pushed(digest(number), moment_at(5)));
    past.images.insert(
        digest(2_000),
        ImagePast { pushed: Some(Moment::unknown(Timestamp::from_millis(7))), ..ImagePast::default() },
    );
    for number in 0..201 {
        let earlier = vec![Earlier { digest: digest(2), at: moment_at(1), by: Some("bob\n".into()) }];
        past.tags
            .insert(format!("v{number}").parse().unwrap(), TagPast { set: Some(moment_at(3)), set_by: None, earlier });
    }

    let (done, parts) = tell(&past, None, false);

    let counts: Vec<_> = parts.iter().map(|part| (part.images.len(), part.tags.len())).collect();
    assert_eq!(counts, [(1_000, 0), (500, 0), (0, 200), (0, 1)]);
    assert_eq!((done.images_dated, done.tags_dated, done.moves_added), (1_500, 201, 201));
    assert_eq!(parts[3].tags[0].earlier[0].set_by.as_deref(), Some("bob"));
    assert_eq!(parts[0].source, "harbor");
}

#[test]
fn names_become_lines_of_some_length() {
    assert_eq!(actor(" robot$ci\u{1b} "), Some("robot$ci".into()));
    assert_eq!(actor(&"ä".repeat(150)), Some("ä".repeat(100)));
    assert_eq!(actor("\n"), None);
}

#[test]
fn an_older_server_is_named_and_nothing_fails() {
    let mut past = Past::default();
    past.pushed(digest(1), moment_at(5));
    past.repository.lifecycle = Some("{}".into());
    let telling = Telling { source: "zot folder", policies_dir: None, is_dry_run: false };

    let done = telling.tell(&OldServer, &name(), &past, &BTreeMap::new(), true).unwrap();

    assert!(done.notes[0].contains("the server is an older one"), "{:?}", done.notes);
    assert_eq!(done.images_dated, 0);
}

#[test]
fn policies_are_previewed_and_written_beside_and_never_switched_on() {
    let (mut past, home) = (Past::default(), tempfile::tempdir().unwrap());
    past.repository.lifecycle = Some(r#"{"rules": []}"#.into());
    past.repository.policy = Some("{}".into());

    let (done, parts) = tell(&past, Some(home.path()), true);

    assert_eq!(parts, []);
    assert_eq!(done.lifecycle.unwrap().expiring, 1);
    assert!(
        done.notes[0].starts_with("lifecycle policy: not switched on; it would delete 1 of 0 images; it is in "),
        "{:?}",
        done.notes
    );
    assert_eq!(fs::read_to_string(home.path().join("team/app/lifecycle-policy.json")).unwrap(), r#"{"rules": []}"#);
    assert_eq!(fs::read_to_string(home.path().join("team/app/repository-policy.json")).unwrap(), "{}");
}

#[test]
fn what_holds_for_a_repository_is_set_where_the_import_made_it_and_else_said() {
    let mut past = Past::default();
    past.repository.is_immutable = Some(true);
    past.repository.resource_tags.insert("team".into(), "blue".into());

    let (made, told) = tell(&past, None, true);
    let (was_there, nothing) = tell(&past, None, false);

    let rules = told[0].repository.clone().unwrap();
    assert_eq!((rules.is_immutable, rules.resource_tags["team"].as_str()), (Some(true), "blue"));
    assert_eq!((made.notes, nothing), (vec![], vec![]));
    assert_eq!(was_there.notes.len(), 2, "{:?}", was_there.notes);
}

#[test]
fn a_dry_run_says_what_would_be_set_and_written_and_does_neither() {
    let (mut past, home) = (Past::default(), tempfile::tempdir().unwrap());
    past.repository.is_immutable = Some(true);
    past.repository.resource_tags.insert("team".into(), "blue".into());
    past.repository.lifecycle = Some(r#"{"rules": []}"#.into());
    past.repository.policy = Some("{}".into());
    let (registry, folder) = (MemoryRegistry::default(), home.path().join("policies"));
    let telling = Telling { source: "ECR registry", policies_dir: Some(&folder), is_dry_run: true };

    let told = |is_new| telling.tell(&registry, &name(), &past, &BTreeMap::new(), is_new).unwrap().notes;
    let [made, was_there] = [true, false].map(told);

    assert!(made[0].ends_with("that would be set here") && made[1] == "its own tags would be set here: team=blue");
    assert!(was_there[0].contains("is not set here") && was_there[1].contains("are not set here"), "{was_there:?}");
    let file = folder.join("team/app/lifecycle-policy.json").display().to_string();
    assert!(made[2].contains(&format!("would be written to {file}, and a dry run writes nothing")), "{made:?}");
    assert!(made[3].starts_with("who may pull and push there would not be set here"), "{made:?}");
    assert!((made.len(), was_there.len()) == (4, 4) && !folder.exists() && registry.of("team/app").pasts.is_empty());
}

#[test]
fn labels_travel_with_their_values_by_names_that_labels_may_have_and_remarks_are_noted() {
    let mut past = Past::default();
    let long = "ä".repeat(IMAGE_LABEL_VALUE_BYTES_MAX);
    let labels =
        [("harbor/prod", ""), ("needs review", "by\nbob"), ("a=b", "=c"), ("open-", long.as_str()), (" ", "no name")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    past.images.insert(digest(1), ImagePast { labels, ..ImagePast::default() });
    past.repository.remarks.push("a rule keeps what was pulled in 7 days".into());

    let (done, told) = tell(&past, None, false);

    assert_eq!(done.notes, ["a rule keeps what was pulled in 7 days"]);
    let labels = &told[0].images[0].labels;
    let names: Vec<&str> = labels.keys().map(String::as_str).collect();
    assert_eq!(names, ["a_b", "harbor/prod", "needs review", "open_"]);
    assert_eq!(
        (labels["harbor/prod"].as_str(), labels["needs review"].as_str(), labels["a_b"].as_str()),
        ("", "by bob", "=c")
    );
    let read = labels.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    assert!(gantry_registry::LabelChange::read(read).is_ok());
}
