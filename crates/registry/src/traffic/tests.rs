use super::*;
use crate::{NewRepository, Registry, Settings};
use bytes::Bytes;
use futures_util::FutureExt;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_oci::{Reference, media_type};
use gantry_store::Store;
use gantry_words::Region;
use serde_json::json;

struct Ground {
    registry: Registry,
    repository: Repository,
    digest: Digest,
}

fn cx(actor: &str, millis: i64) -> Cx {
    Cx {
        actor: actor.into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: Env::real().request_id(),
        now: Timestamp::from_millis(millis),
        source: None,
    }
}

impl Ground {
    async fn new() -> Ground {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata, store, env, Region::default(), Settings::default());
        let new = NewRepository::plain(&"team/app".parse().unwrap());
        let repository = registry.repositories.create_with(&cx("root", 0), new).await.unwrap();
        let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []});
        let (tag, body) = (Reference::Tag("v1".parse().unwrap()), Bytes::from(index.to_string()));
        let put = registry.images.put_image(&cx("root", 0), &repository, &tag, vec![], None, body).await.unwrap();
        Ground { registry, repository, digest: put.digest }
    }

    fn pull(&self, actor: &str, millis: i64) {
        self.registry.traffic.pulled(&cx(actor, millis), &self.repository, &self.digest);
    }

    async fn last_pulled_at(&self) -> Option<i64> {
        let reference = Reference::Digest(self.digest.clone());
        let image = self.registry.images.describe(&self.repository, &reference).await.unwrap();
        image.last_pulled_at.map(Timestamp::millis)
    }
}

#[tokio::test]
async fn the_last_of_many_pulls_is_written_down_once() {
    let ground = Ground::new().await;
    for (actor, millis) in [("a", 7_000), ("b", 9_000), ("a", 8_000)] {
        ground.pull(actor, millis);
    }

    assert_eq!(ground.last_pulled_at().await, None);
    assert_eq!(ground.registry.traffic.write_down(&cx("gantry", 0)).await.unwrap(), 1);

    assert_eq!(ground.last_pulled_at().await, Some(9_000));
    assert_eq!(ground.registry.traffic.write_down(&cx("gantry", 0)).await.unwrap(), 0);
}

#[tokio::test]
async fn pulls_of_those_who_are_left_out_do_not_count() {
    let ground = Ground::new().await;
    let documents = &ground.registry.documents;
    documents.put(&cx("root", 0), None, DocumentKind::PullTimeExclusion, "scanner", "{}".into()).await.unwrap();
    ground.pull("node", 7_000);
    ground.pull("scanner", 9_000);

    ground.registry.traffic.write_down(&cx("gantry", 0)).await.unwrap();

    assert_eq!(ground.last_pulled_at().await, Some(7_000));
}

#[tokio::test]
async fn an_earlier_pull_does_not_hide_a_later_one() {
    let ground = Ground::new().await;
    for millis in [9_000, 7_000] {
        ground.pull("node", millis);
        ground.registry.traffic.write_down(&cx("gantry", 0)).await.unwrap();
    }

    assert_eq!(ground.last_pulled_at().await, Some(9_000));
}

fn from(address: &str, actor: &str, millis: i64) -> Cx {
    Cx { source: Some(address.parse().unwrap()), ..cx(actor, millis) }
}

/// Lines of the answer, as name, pulls, pulls that do not count, and pushes.
async fn told(ground: &Ground, by: TrafficBy, days: u16) -> Vec<(String, u64, u64, u64)> {
    told_of(ground, by, days, TrafficFilter::default()).await
}

async fn told_of(ground: &Ground, by: TrafficBy, days: u16, of: TrafficFilter) -> Vec<(String, u64, u64, u64)> {
    let repositories = BTreeMap::from([(ground.repository.id, "team/app".to_string())]);
    let entries = ground.registry.traffic.sum(&cx("root", DAY * 9), by, &repositories, &of, days).await.unwrap();
    let line = |entry: TrafficEntry| (entry.name, entry.count.pulls, entry.count.uncounted_pulls, entry.count.pushes);
    entries.into_iter().map(line).collect()
}

fn line(name: &str, pulls: u64, uncounted: u64, pushes: u64) -> (String, u64, u64, u64) {
    (name.into(), pulls, uncounted, pushes)
}

const DAY: i64 = 24 * 3600 * 1000;

/// Two days of a node, a scanner whose pulls do not count, and a person who pushes.
async fn busy() -> Ground {
    let ground = Ground::new().await;
    let documents = &ground.registry.documents;
    documents.put(&cx("root", 0), None, DocumentKind::PullTimeExclusion, "scanner", "{}".into()).await.unwrap();
    let (traffic, repository, digest) = (&ground.registry.traffic, &ground.repository, &ground.digest);
    for day in [8, 9] {
        for address in ["10.1.2.3", "10.1.2.9", "10.9.9.9"] {
            traffic.pulled(&from(address, "node", DAY * day), repository, digest);
        }
        traffic.pulled(&from("10.9.9.9", "scanner", DAY * day), repository, digest);
        traffic.pushed(&cx("ann", DAY * day), repository, digest);
        traffic.write_down(&cx("gantry", DAY * day)).await.unwrap();
    }
    ground
}

#[tokio::test]
async fn pulls_and_pushes_are_told_by_who_and_from_where() {
    let ground = busy().await;

    let [by_repository, by_image, by_principal, by_network, by_day] = [
        told(&ground, TrafficBy::Repository, 30).await,
        told(&ground, TrafficBy::Image, 30).await,
        told(&ground, TrafficBy::Principal, 30).await,
        told(&ground, TrafficBy::Network, 30).await,
        told(&ground, TrafficBy::Day, 30).await,
    ];

    assert_eq!(by_repository, [line("team/app", 6, 2, 2)]);
    assert_eq!(by_image, [line(&format!("team/app@{}", ground.digest), 6, 2, 2)]);
    assert_eq!(by_principal, [line("ann", 0, 0, 2), line("node", 6, 0, 0), line("scanner", 0, 2, 0)]);
    assert_eq!(by_network, [line("", 0, 0, 2), line("10.1.2.0/24", 4, 0, 0), line("10.9.9.0/24", 2, 2, 0)]);
    assert_eq!(by_day, [line("1970-01-09", 3, 1, 1), line("1970-01-10", 3, 1, 1)]);
}

#[tokio::test]
async fn one_image_and_one_principal_are_told_of_alone() {
    let ground = busy().await;
    let other = Digest::from_hash(gantry_oci::Algorithm::Sha256, &[7; 32]);
    ground.registry.traffic.pulled(&cx("ann", DAY * 9), &ground.repository, &other);
    ground.registry.traffic.write_down(&cx("gantry", DAY * 9)).await.unwrap();
    let of = |digest: Option<&Digest>, principal: Option<&str>| TrafficFilter {
        digest: digest.cloned(),
        principal: principal.map(String::from),
    };

    let by_whom = told_of(&ground, TrafficBy::Principal, 30, of(Some(&ground.digest), None)).await;
    let of_ann = told_of(&ground, TrafficBy::Image, 30, of(None, Some("ann"))).await;
    let of_both = told_of(&ground, TrafficBy::Day, 30, of(Some(&other), Some("ann"))).await;

    assert_eq!(by_whom, [line("ann", 0, 0, 2), line("node", 6, 0, 0), line("scanner", 0, 2, 0)]);
    let image = |digest: &Digest| format!("team/app@{digest}");
    let mut expected = [line(&image(&ground.digest), 0, 0, 2), line(&image(&other), 1, 0, 0)];
    expected.sort();
    assert_eq!(of_ann, expected);
    assert_eq!(of_both, [line("1970-01-10", 1, 0, 0)]);
}

#[tokio::test]
async fn only_the_days_that_are_asked_for_are_told_and_old_ones_are_forgotten() {
    let ground = busy().await;

    assert_eq!(told(&ground, TrafficBy::Repository, 1).await, [line("team/app", 3, 1, 1)]);
    let later = DAY * (8 + i64::from(TRAFFIC_DAYS_MAX));
    assert_eq!(ground.registry.traffic.forget(&cx("gantry", later)).await.unwrap(), 4, "those of the first day");

    assert_eq!(told(&ground, TrafficBy::Day, 30).await, [line("1970-01-10", 3, 1, 1)]);
}

#[test]
fn where_there_are_too_many_rows_only_repositories_and_days_are_told_apart() {
    let subject = Subject {
        account: AccountId::DEFAULT,
        repository: 7,
        digest: Digest::from_hash(gantry_oci::Algorithm::Sha256, &[7; 32]),
        by: "node".into(),
        network: Some("10.1.2.0".parse().unwrap()),
    };

    let apart = day_of_subject(&subject, Timestamp::from_millis(DAY), false);
    let together = day_of_subject(&subject, Timestamp::from_millis(DAY), true);

    assert_eq!((apart.digest.as_str(), apart.network.as_str()), (subject.digest.as_str(), "10.1.2.0/24"));
    assert_eq!((together.digest.as_str(), together.network.as_str(), together.actor.as_str()), ("", "", ""));
    assert_eq!((together.repository, together.day), (7, 1));
}

#[tokio::test]
async fn what_is_being_written_down_when_nobody_waits_any_more_is_written_down_later() {
    let ground = Ground::new().await;
    ground.pull("node", 7_000);

    // Begun, and dropped where it first waits.
    let _ = ground.registry.traffic.write_down(&cx("root", 0)).now_or_never();
    ground.registry.traffic.write_down(&cx("gantry", 0)).await.unwrap();

    assert_eq!(ground.last_pulled_at().await, Some(7_000));
}
