use super::*;
use crate::trash::tests::Ground as Place;
use futures_util::FutureExt;
use gantry_env::Env;
use gantry_metadata::{
    Metadata, Tx, Write, archive, holds, manifests,
    manifests::NewManifest,
    repositories::{self, NewRepository},
    search_index::{self, Property},
    tags,
};
use gantry_query::{Facts, Field};
use gantry_words::{AccountId, Cx, Region};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_651_200_000);
const DAY: i64 = 86_400_000;
const NAMES: [&str; 4] = ["app", "team/app", "team/base", "team/tools"];
/// So little that most searches end before they are done.
const SMALL: SearchLimits = SearchLimits { looked_at_max: 30, candidates_max: 2, narrowed_max: 4, batch: 3 };

/// An image of a world, in the repository of a number.
#[derive(Clone, Debug)]
struct Known {
    repository: usize,
    digest: String,
    tags: Vec<String>,
    title: Option<String>,
    pushed_at: Timestamp,
    pulled_at: Option<Timestamp>,
    bytes: i64,
    pushed_by: &'static str,
    class: &'static str,
    is_held: bool,
    vendor: Option<&'static str>,
    platforms: Vec<&'static str>,
}

impl Known {
    fn tagged_at(&self) -> Option<Timestamp> {
        (!self.tags.is_empty()).then_some(self.pushed_at)
    }

    fn annotations(&self) -> serde_json::Value {
        self.title.as_ref().map_or(serde_json::json!({}), |title| serde_json::json!({"title": title}))
    }

    /// Whether a query means it, by looking at all of it.
    fn is_meant(&self, query: &Query) -> bool {
        let facts = Facts {
            digest: &self.digest,
            media_type: "application/vnd.oci.image.manifest.v1+json",
            artifact_type: None,
            pushed_at: self.pushed_at,
            tagged_at: self.tagged_at(),
            pulled_at: self.pulled_at,
            bytes: self.bytes as u64,
            tag_count: self.tags.len() as u64,
            pushed_by: self.pushed_by,
            storage_class: self.class,
            is_held: self.is_held,
        };
        let known = |_: usize, term: &gantry_query::Term| {
            Some(term.holds(&facts, NOW).unwrap_or_else(|| match term.field() {
                Field::Repository => term.matches(NAMES[self.repository]),
                Field::Tag => self.tags.iter().any(|tag| term.matches(tag)),
                Field::Label => self.vendor.is_some_and(|vendor| term.matches_pair("vendor", vendor)),
                Field::Platform => self.platforms.iter().any(|platform| term.matches(platform)),
                _ => self.title.as_ref().is_some_and(|title| term.matches_pair("title", title)),
            }))
        };
        query.decide(known).unwrap()
    }

    fn place(&self, order: Order) -> SearchPlace {
        let key = match order.column {
            SortColumn::Repository | SortColumn::Pushed => Some(self.pushed_at.millis()),
            SortColumn::Tagged => self.tagged_at().map(Timestamp::millis),
            SortColumn::Pulled => self.pulled_at.map(Timestamp::millis),
            SortColumn::Size => Some(self.bytes),
            SortColumn::Tags => Some(self.tags.len() as i64),
            SortColumn::Digest | SortColumn::Type | SortColumn::Status | SortColumn::Pusher | SortColumn::Class => None,
        };
        let text = match order.column {
            SortColumn::Type => Some("application/vnd.oci.image.manifest.v1+json"),
            SortColumn::Status if self.class == "ARCHIVE" => Some("archived"),
            SortColumn::Status if self.class == "ACTIVATING" => Some("activating"),
            SortColumn::Status => Some("active"),
            SortColumn::Pusher => Some(self.pushed_by),
            SortColumn::Class => Some(self.class),
            _ => None,
        };
        let (repository, number) = (NAMES[self.repository].into(), 100 + self.repository as i64);
        SearchPlace { repository, number, key, text: text.map(String::from), digest: self.digest.clone() }
    }

    fn properties(&self) -> Vec<Property> {
        let vendor = self.vendor.map(|value| Property::Label { name: "vendor".into(), value: value.into() });
        let platforms = self.platforms.iter().map(|platform| Property::Platform((*platform).into()));
        vendor.into_iter().chain(platforms).collect()
    }
}

/// Writes a world down as it is.
struct Fill {
    images: Vec<Known>,
    /// Whether there is a `team/app` already, under another number.
    has_app: bool,
    /// Whether all images are in the index.
    is_indexed: bool,
}

impl Write for Fill {
    type Answer = ();
    const NAME: &'static str = "FillForSearch";
    const UNLOCKED: &'static str = "nobody else is there";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let by = "somebody";
        for (number, name) in NAMES.iter().enumerate().filter(|(_, name)| !self.has_app || **name != "team/app") {
            let (account, region, name) = (AccountId::DEFAULT, &Region::default(), &name.parse().unwrap());
            let new = NewRepository {
                id: 100 + number as i64,
                account,
                region,
                name,
                created_at: NOW,
                created_by: by,
                settings: "{}",
            };
            repositories::insert(tx, &new)?;
        }
        for image in &self.images {
            let id = 100 + image.repository as i64;
            let new = NewManifest {
                digest: &image.digest,
                kind: "image",
                media_type: "application/vnd.oci.image.manifest.v1+json",
                artifact_type: None,
                subject: None,
                bytes: image.bytes,
                tag_count: image.tags.len() as i64,
                parent_count: 0,
                annotations: &image.annotations().to_string(),
                body: "{}".into(),
                pushed: image.pushed_at.into(),
                tagged: (!image.tags.is_empty()).then(|| image.pushed_at.into()),
            };
            manifests::insert(tx, id, &new, &[], image.pushed_by)?;
            for tag in &image.tags {
                tags::set(tx, id, tag, &image.digest, image.pushed_at.into(), by)?;
            }
            if let Some(at) = image.pulled_at {
                manifests::pulled(tx, id, &image.digest, at)?;
            }
            if image.is_held {
                holds::set(tx, id, &image.digest, &holds::HoldRow { at: NOW, by: by.into(), reason: "r".into() })?;
            }
            search_index::put(tx, id, &image.digest, &image.properties())?;
            search_index::put_order(tx, id, [image.digest.as_str()])?;
            if image.class == "ARCHIVE" {
                archive::put(tx, id, [image.digest.as_str()], NOW)?;
            }
        }
        if self.is_indexed { crate::search_index::complete(tx) } else { Ok(()) }
    }
}

fn cx() -> Cx {
    Cx {
        actor: "somebody".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: Env::real().request_id(),
        now: NOW,
        source: None,
    }
}

fn everywhere(world: &[Known]) -> Vec<SearchedRepository> {
    let one = |(number, name): (usize, &&str)| SearchedRepository {
        id: 100 + number as i64,
        name: name.parse().unwrap(),
        image_count: world.iter().filter(|image| image.repository == number).count(),
    };
    NAMES.iter().enumerate().map(one).collect()
}

/// Every page of a search, and whether one ended early.
async fn pages(
    images: &Images,
    scope: &[SearchedRepository],
    query: &Query,
    order: Order,
    count: usize,
    limits: SearchLimits,
) -> Result<(Vec<(String, String)>, bool), Fault> {
    let (mut all, mut after, mut was_cut) = (Vec::new(), None, false);
    for _ in 0..10_000 {
        let search = ImageSearch { query: query.clone(), order, after, count, now: NOW };
        let page = images.search_within(scope.to_vec(), search, limits).await?;
        assert!(page.images.len() <= count);
        assert!(page.next.is_some() || !page.is_cut_short);
        was_cut |= page.is_cut_short;
        all.extend(page.images.into_iter().map(|found| (found.repository.to_string(), found.image.digest)));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok((all, was_cut)),
        }
    }
    panic!("a search without an end: {query}");
}

/// What is meant, by looking at everything.
fn expected(world: &[Known], query: &Query, order: Order) -> Vec<(String, String)> {
    let mut meant: Vec<_> =
        world.iter().filter(|image| image.is_meant(query)).map(|image| image.place(order)).collect();
    meant.sort_by(|a, b| compare(order, a, b));
    meant.into_iter().map(|place| (place.repository, place.digest)).collect()
}

fn known() -> impl Strategy<Value = Known> {
    let names = (
        0..NAMES.len(),
        0u32..40,
        prop::collection::btree_set("v[12](\\.[0-2])?|latest", 0..3),
        prop::option::of(prop::sample::select(vec!["My app", "other"])),
    );
    let rest = (
        0i64..6,
        prop::option::of(0i64..6),
        0i64..5,
        prop::sample::select(vec!["arn:aws:iam::000000000000:user/ann", "ci"]),
        prop::sample::select(vec!["STANDARD", "ARCHIVE"]),
        prop::bool::weighted(0.2),
    );
    let said = (
        prop::sample::select(vec![None, Some("ACME"), Some("ACME Ltd"), Some("other")]),
        prop::sample::subsequence(vec!["linux/amd64", "linux/arm64/v8", "windows/amd64"], 0..3),
    );
    (names, rest, said).prop_map(|((repository, number, tags, title), rest, (vendor, platforms))| {
        let (pushed, pulled, size, pushed_by, class, is_held) = rest;
        let days = |count: i64| Timestamp::from_millis(NOW.millis() - count * DAY);
        Known {
            repository,
            digest: format!("sha256:{number:02x}{:062x}", 0),
            tags: tags.into_iter().collect(),
            title: title.map(String::from),
            pushed_at: days(pushed),
            pulled_at: pulled.map(days),
            bytes: size << 30,
            pushed_by,
            class,
            is_held,
            vendor,
            platforms,
        }
    })
}

/// Images, each there once, and each tag at one of them.
fn worlds() -> impl Strategy<Value = Vec<Known>> {
    prop::collection::vec(known(), 0..40).prop_map(|mut images| {
        let mut seen = std::collections::BTreeSet::new();
        images.retain(|image| seen.insert((image.repository, image.digest.clone())));
        for image in &mut images {
            image.tags.retain(|tag| seen.insert((image.repository, tag.clone())));
        }
        images
    })
}

fn queries() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "repository:team/*",
        "repository:team/app",
        "repository:*a*",
        "tag:v1",
        "tag:v1.*",
        "tag:*.2",
        "tag:latest",
        "untagged",
        "digest:0",
        "digest:01",
        "digest:0f",
        "pushed<2d",
        "pushed>=3d",
        "pushed:2026-11-24",
        "pulled:never",
        "pulled>2d",
        "tagged<1d",
        "size>2GiB",
        "size:1GiB",
        "pusher:ann",
        "pusher:c*",
        "class:archive",
        "status:held",
        "status:active",
        "mediatype:*manifest*",
        "artifacttype:*",
        "annotation:title",
        "annotation:title=My*",
        "annotation:other",
        "label:vendor",
        "label:vendor=ACME*",
        "label:vendor=ACME",
        "label:other",
        "platform:linux/arm64",
        "platform=linux/arm64",
        "platform:linux/*",
    ])
    .prop_map(String::from);
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("-({a})")),
        ]
    })
}

fn orders() -> impl Strategy<Value = Order> {
    (prop::sample::select(SortColumn::ALL.to_vec()), any::<bool>())
        .prop_map(|(column, is_descending)| Order { column, is_descending })
}

fn ground(world: &[Known]) -> crate::Registry {
    ground_of(world, true)
}

fn ground_of(world: &[Known], is_indexed: bool) -> crate::Registry {
    let metadata = Metadata::alone(Env::real()).unwrap();
    let (store, _) = gantry_store::Store::memory(Env::real());
    let registry =
        crate::Registry::open(metadata.clone(), store, Env::real(), Region::default(), crate::Settings::default());
    metadata
        .perform(&cx(), Fill { images: world.to_vec(), has_app: false, is_indexed })
        .now_or_never()
        .expect("lone metadata do not wait")
        .unwrap();
    registry
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_search_finds_what_looking_at_everything_finds(
        world in worlds(), text in queries(), order in orders(), count in 1usize..7,
    ) {
        let (registry, query) = (ground(&world), text.parse::<Query>().unwrap());
        let search = |limits| pages(&registry.images, &everywhere(&world), &query, order, count, limits).now_or_never().unwrap();
        let expected = expected(&world, &query, order);

        let (found, was_cut) = search(SearchLimits::default()).unwrap();
        prop_assert_eq!(&found, &expected, "{}", text);
        prop_assert!(!was_cut);

        // Within narrow limits the same is found in more steps, or it is said that it cannot be sorted.
        match search(SMALL) {
            Ok((found, _)) => prop_assert_eq!(&found, &expected, "{}", text),
            Err(fault) => {
                prop_assert_eq!(fault.kind, FaultKind::InvalidParameter);
                prop_assert!(plan::along(order).is_none(), "{}", order);
            }
        }
    }
}

fn many(count: u32) -> Vec<Known> {
    let image = |number: u32| Known {
        repository: (number % 2) as usize,
        digest: format!("sha256:{number:064x}"),
        tags: vec![format!("v{number}")],
        title: (number == 3).then(|| "x".repeat(100_000)),
        pushed_at: Timestamp::from_millis(NOW.millis() - i64::from(number) * DAY),
        pulled_at: None,
        bytes: i64::from(number),
        pushed_by: "ci",
        class: "STANDARD",
        is_held: false,
        vendor: if number.is_multiple_of(2) { Some("ACME") } else { None },
        platforms: if number % 4 == 1 { vec!["linux/amd64", "linux/arm64"] } else { vec![] },
    };
    (0..count).map(image).collect()
}

#[test]
fn a_page_that_may_look_no_further_says_so_and_where_it_goes_on() {
    let registry = ground(&many(40));
    let search = |after| ImageSearch {
        query: "size<=1B size>=1B".parse().unwrap(),
        order: Order::default(),
        after,
        count: 10,
        now: NOW,
    };
    let page = |after| {
        registry.images.search_within(everywhere(&many(40)), search(after), SMALL).now_or_never().unwrap().unwrap()
    };

    let first = page(None);

    assert!(first.images.is_empty() && first.is_cut_short, "{first:?}");
    assert!((3..30).contains(&first.looked_at), "{first:?}");
    assert_ne!(page(first.next.clone()).next, first.next);
}

#[test]
fn what_cannot_be_sorted_within_the_limits_is_refused_with_a_way_out() {
    let (registry, unread) = (ground(&many(40)), ground_of(&many(40), false));
    let found_in = |registry: &crate::Registry, query: &str, order: &str| {
        let (query, order): (Query, Order) = (query.parse().unwrap(), order.parse().unwrap());
        pages(&registry.images, &everywhere(&many(40)), &query, order, 5, SMALL).now_or_never().unwrap()
    };
    let found = |query: &str, order: &str| found_in(&registry, query, order);

    assert!(found("size>1B", "-tags").unwrap_err().message.contains("Narrow the query"));
    assert_eq!(found("repository:team/app tag=v7", "-tags").unwrap().0.len(), 1);
    assert_eq!(found("size>1B", "-size").unwrap().0.len(), 38);
    // Before all images are in the index, what is read along it would lack some.
    assert!(found_in(&unread, "size>1B", "-size").unwrap_err().message.contains("Narrow the query"));
    assert_eq!(found_in(&unread, "repository:team/app tag=v7", "-size").unwrap().0.len(), 1);
}

#[test]
fn a_label_that_few_have_says_where_to_look() {
    let mut world = many(40);
    for image in &mut world {
        image.vendor = (image.bytes % 20 == 7).then_some("ACME");
    }
    let registry = ground(&world);
    for (query, order, looked_at) in [
        ("label:vendor=ACME", "repository", 2),
        ("label:vendor=AC* repository:*", "-size", 2),
        ("label:vendor pushed<10d", "tags", 2),
        ("label:vendor=other", "-tags", 0),
    ] {
        let (query, order) = (query.parse().unwrap(), order.parse().unwrap());
        let search = ImageSearch { query, order, after: None, count: 10, now: NOW };

        let page = registry.images.search_within(everywhere(&world), search, SMALL).now_or_never().unwrap().unwrap();

        assert_eq!((page.looked_at, page.next), (looked_at, None));
    }
}

#[test]
fn all_images_are_read_in_an_order_and_only_as_far_as_the_page_goes() {
    let registry = ground(&many(40));
    for order in ["-size", "size", "pushed", "-pushed", "tagged", "pulled", "-pulled"] {
        let (query, order) = ("".parse().unwrap(), order.parse().unwrap());
        let search = ImageSearch { query, order, after: None, count: 2, now: NOW };

        let page = registry.images.search_within(everywhere(&many(40)), search, SMALL).now_or_never().unwrap().unwrap();

        assert_eq!((page.images.len(), page.looked_at, page.is_cut_short), (2, 3, false), "{order}");
    }
}

#[test]
fn annotations_are_looked_at_however_long_they_are() {
    let registry = ground(&many(6));
    let query: Query = "annotation:title=xxx*".parse().unwrap();

    let scope = everywhere(&many(6));
    let found = pages(&registry.images, &scope, &query, Order::default(), 5, SearchLimits::default());

    assert_eq!(found.now_or_never().unwrap().unwrap().0.len(), 1);
}

#[test]
fn only_what_lies_in_the_repositories_of_the_asker_is_found() {
    let registry = ground(&many(10));
    let scope = &everywhere(&many(10))[..1];
    let query: Query = "repository:* or repository=team/app".parse().unwrap();

    let found = pages(&registry.images, scope, &query, Order::default(), 5, SearchLimits::default());

    let (found, _) = found.now_or_never().unwrap().unwrap();
    assert!(found.len() == 5 && found.iter().all(|(name, _)| name == "app"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_find_the_same() {
    let world: Vec<Known> = many(40)
        .into_iter()
        .enumerate()
        .map(|(number, image)| Known {
            pulled_at: (number % 3 == 0).then_some(NOW),
            class: if number % 5 == 0 { "ARCHIVE" } else { "STANDARD" },
            is_held: number % 7 == 0,
            ..image
        })
        .collect();
    for place in Place::both().await {
        place
            .metadata
            .perform(&place.cx(), Fill { images: world.clone(), has_app: true, is_indexed: true })
            .await
            .unwrap();
        let scope: Vec<_> = everywhere(&world).into_iter().filter(|one| one.name.as_str() != "team/app").collect();
        for text in [
            "",
            "tag:v1*",
            "tag=v6",
            "digest:0",
            "pushed<20d size>5B",
            "pulled:never class:archive",
            "status:held or annotation:title",
            "label:vendor=ACME -platform:linux/arm64",
            "platform:linux/arm64",
            "pushed<20d pushed>10d",
        ] {
            for order in
                ["repository", "-repository", "pushed", "-pulled", "size", "-tags", "tagged", "pusher", "-class"]
            {
                let (query, order): (Query, Order) = (text.parse().unwrap(), order.parse().unwrap());
                let seen: Vec<Known> =
                    world.iter().filter(|image| NAMES[image.repository] != "team/app").cloned().collect();

                for limits in [SearchLimits::default(), SMALL] {
                    let found = pages(&place.registry.images, &scope, &query, order, 7, limits).await;

                    match found {
                        Ok(found) => assert_eq!(found.0, expected(&seen, &query, order), "{text} {order}"),
                        Err(fault) => assert!(plan::along(order).is_none(), "{order}: {fault}"),
                    }
                }
            }
        }
    }
}
