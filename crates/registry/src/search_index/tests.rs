use super::*;
use crate::{
    Past, PastImage, PastTag,
    trash::tests::Ground,
    two_writers::{image_of, index_of},
};
use gantry_metadata::{
    image_search::{self, SortKey, SortPlace, Way},
    search_index::Having,
};
use gantry_oci::Digest;
use serde_json::{Value, json};

fn label(name: &str, value: &str) -> Property {
    Property::Label { name: name.into(), value: value.into() }
}

fn platform_of(text: &str) -> Property {
    Property::Platform(text.into())
}

fn read(config: &Value) -> Vec<Property> {
    of_config(config.to_string().as_bytes())
}

#[test]
fn a_configuration_says_labels_and_a_platform() {
    let config = json!({
        "os": "linux", "architecture": "arm64", "variant": "v8",
        "config": {"Labels": {"vendor": "ACME", "a": "", "empty\0": "x"}},
    });

    assert_eq!(read(&config), [label("a", ""), label("vendor", "ACME"), platform_of("linux/arm64/v8")]);
}

#[test]
fn what_is_no_configuration_says_nothing_and_what_is_missing_is_left_out() {
    for (config, expected) in [
        (json!({}), vec![]),
        (json!([]), vec![]),
        (json!({"os": "linux"}), vec![]),
        (json!({"os": "unknown", "architecture": "unknown"}), vec![]),
        (
            json!({"os": "linux", "architecture": "amd64", "variant": "", "config": null}),
            vec![platform_of("linux/amd64")],
        ),
        (json!({"config": {"Labels": null}}), vec![]),
        (json!({"config": {"Labels": {"a": 1}}}), vec![]),
        (json!({"config": {"Labels": {"a": "1"}}}), vec![label("a", "1")]),
    ] {
        assert_eq!(read(&config), expected, "{config}");
    }
}

#[test]
fn no_configuration_says_more_than_is_kept() {
    let labels: BTreeMap<String, String> =
        (0..1_000).map(|number| (format!("l{number:04}"), "ä".repeat(2_000))).collect();
    let mut config = json!({"os": "linux", "architecture": "a".repeat(300), "config": {"Labels": labels}});
    config["config"]["Labels"]["n".repeat(300)] = json!("left out");

    let found = read(&config);

    assert_eq!(found.len(), LABELS_MAX);
    assert_eq!(found[0], label("l0000", &"ä".repeat(LABEL_VALUE_BYTES_MAX / 2)));
}

impl Ground {
    /// Pushes an image with a configuration.
    async fn configured(&self, config: &Value) -> Digest {
        let text = config.to_string();
        let digest = self.blob(&text).await;
        self.put(&image_of(&digest, text.len()), &[]).await
    }

    async fn index_images(&self) -> usize {
        self.registry.search_index.round(&self.cx(), "somebody").await.unwrap()
    }

    async fn labelled(&self, name: &'static str, from: &'static str, to: &'static str) -> Vec<String> {
        let look = move |rows: &mut Reader| search_index::having(rows, Having::Label { name, from, to }, 10);
        self.metadata.read(look).await.unwrap().into_iter().map(|(_, digest)| digest).collect()
    }

    async fn running_on(&self, from: &'static str, to: &'static str) -> Vec<String> {
        let look = move |rows: &mut Reader| search_index::having(rows, Having::Platform { from, to }, 10);
        self.metadata.read(look).await.unwrap().into_iter().map(|(_, digest)| digest).collect()
    }
}

fn acme() -> Value {
    json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"vendor": "ACME"}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_is_read_once_and_found_by_what_it_says() {
    for ground in Ground::both().await {
        let image = ground.configured(&acme()).await;
        let artifact = ground.signature("no configuration of an image", &image).await;
        let mut index = index_of(&image, 0);
        let size = ground.load(image.as_str()).await.unwrap().body.len();
        index["manifests"][0]["size"] = json!(size);
        index["manifests"][0]["platform"] = json!({"os": "linux", "architecture": "arm", "variant": "v7"});
        let index = ground.put(&index, &["multi"]).await;

        assert_eq!(ground.labelled("vendor", "", "z").await, Vec::<String>::new());
        // The artifact's configuration has the type of an image's here, and says nothing.
        assert_eq!((ground.index_images().await, ground.index_images().await), (3, 0));

        assert_eq!(ground.labelled("vendor", "ACME", "ACME").await, [image.as_str()]);
        assert_eq!(ground.labelled("vendor", "AB", "AC").await, Vec::<String>::new());
        assert_eq!(ground.running_on("linux/amd64", "linux/amd64").await, [image.as_str()]);
        assert_eq!(ground.running_on("linux/arm", "linux/arm~").await, [index.as_str()]);
        assert!(ground.holds(&artifact).await);

        let later = ground.configured(&json!({"config": {"Labels": {"vendor": "Later"}}})).await;
        assert_eq!((ground.index_images().await, ground.index_images().await), (1, 0));
        assert_eq!(ground.labelled("vendor", "Later", "Later").await, [later.as_str()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_now_is_tried_again_a_day_later() {
    for ground in Ground::both().await {
        let image = ground.configured(&acme()).await;
        ground.delete_repository().await;

        assert_eq!((ground.index_images().await, ground.index_images().await), (1, 0));

        let tomorrow = ground.in_days(2).now;
        let look = move |rows: &mut Reader| search_index::unread(rows, tomorrow, 10);
        let unread = ground.metadata.read(look).await.unwrap();
        assert_eq!(unread, [(ground.repository.id, image.to_string())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_keeps_what_it_says_in_the_trash_and_takes_it_along_and_no_trace_stays_of_one_that_is_gone() {
    for ground in Ground::both().await {
        let image = ground.configured(&acme()).await;
        ground.index_images().await;
        ground.delete_repository().await;
        assert_eq!(ground.labelled("vendor", "ACME", "ACME").await.len(), 1);

        ground.registry.repositories.create(&ground.cx(), &ground.repository.name).await.unwrap();
        ground.restore(image.as_str()).await.unwrap();
        let id = ground.registry.repositories.load(&ground.cx(), &ground.repository.name).await.unwrap().id;
        let having = Having::Label { name: "vendor", from: "ACME", to: "ACME" };
        let found = ground.metadata.read(move |rows| search_index::having(rows, having, 10)).await.unwrap();
        assert_eq!(found, [(id, image.to_string())]);

        ground.registry.repositories.delete(&ground.cx(), &ground.repository.name, true).await.unwrap();
        ground.registry.trash.round(&ground.in_days(30)).await.unwrap();
        assert_eq!(ground.labelled("vendor", "", "z").await, Vec::<String>::new());
    }
}

/// Notes that an image was tagged, and pulled.
struct Use {
    repository: i64,
    tagged: Digest,
    pulled: Digest,
    at: Timestamp,
}

impl Write for Use {
    type Answer = ();
    const NAME: &'static str = "test.use";
    const UNLOCKED: &'static str = "nobody else is there";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        manifests::tagged(tx, self.repository, self.tagged.as_str(), 0, self.at.into())?;
        manifests::pulled(tx, self.repository, self.pulled.as_str(), self.at)
    }
}

impl Ground {
    async fn greatest(&self, key: SortKey) -> Vec<String> {
        let look = move |rows: &mut Reader| {
            let after = SortPlace { key: i64::MAX, digest: "", repository: 0 };
            image_search::along(rows, (key, Way::Down), after, i64::MIN, 1, false)
        };
        self.metadata.read(look).await.unwrap().into_iter().map(|row| row.image.digest).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_set_again_and_a_pull_move_an_image_in_the_order_of_all() {
    for ground in Ground::both().await {
        let (first, second) = (ground.image("one", &["a"]).await, ground.image("two two", &["b"]).await);
        ground.index_images().await;
        let (repository, at) = (ground.repository.id, ground.in_days(1).now);

        let usage = Use { repository, tagged: first.clone(), pulled: second.clone(), at };
        ground.metadata.perform(&ground.cx(), usage).await.unwrap();

        for (key, image) in [(SortKey::Tagged, &first), (SortKey::Pulled, &second), (SortKey::Size, &second)] {
            assert_eq!(ground.greatest(key).await, [image.as_str()], "{key:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_tells_of_an_image_moves_it_in_the_order_of_all() {
    for ground in Ground::both().await {
        let (first, second) = (ground.image("one", &["a"]).await, ground.image("two", &["b"]).await);
        ground.index_images().await;
        let then = |seconds: i64| Some(gantry_words::Moment::estimated(Timestamp::from_millis(seconds * 1000)));
        let image =
            PastImage { digest: second.clone(), pushed: then(1), pushed_by: None, pulled: then(3), labels: None };
        let (tag, digest) = ("b".parse().unwrap(), second.clone());
        let tag = PastTag { tag, digest, set: then(2), set_by: None, earlier: vec![] };
        let past = Past { source: "harbor".parse().unwrap(), images: vec![image], tags: vec![tag] };

        ground.registry.images.put_past(&ground.cx(), &ground.repository, past).await.unwrap();

        for (key, image) in [(SortKey::Pushed, &first), (SortKey::Tagged, &first), (SortKey::Pulled, &second)] {
            assert_eq!(ground.greatest(key).await, [image.as_str()], "{key:?}");
        }
    }
}
