use super::*;
use crate::Advisories;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_registry::{NewRepository, Registry, Settings};
use gantry_store::Store;
use gantry_words::Region;

fn cx() -> Cx {
    Cx {
        actor: "gantry:findings".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: Env::real().request_id(),
        now: Env::real().now(),
        source: None,
    }
}

/// News of so many flaws in a repository.
fn news(repository: i64, count: usize) -> seen::News {
    let one = |number: usize| {
        let flaw = format!("CVE-2099-{number:04}");
        (FlawPlaceRow { repository, flaw, kind: "deb".into(), package: "openssl".into() }, Severity::High.name())
    };
    seen::News { seen: (0..count).map(one).collect(), gone: vec![] }
}

async fn count(scans: &Scans, kind: &'static str) -> usize {
    static EVENTS: gantry_metadata::Query = gantry_metadata::query("SELECT id FROM event WHERE kind = $1");
    let ask = move |rows: &mut Reader| rows.all(&EVENTS, gantry_metadata::values![kind]);
    scans.metadata.read(ask).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn that_there_is_more_is_told_once_also_where_another_server_was_first_with_the_worst() {
    let (env, folder) = (Env::real(), tempfile::tempdir().unwrap());
    let metadata = Metadata::alone(env.clone()).unwrap();
    let (store, _) = Store::memory(env.clone());
    let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
    let new = NewRepository::plain(&"team/app".parse().unwrap());
    let id = registry.repositories.create_with(&cx(), new).await.unwrap().id;
    let scans = Scans::open(metadata, registry, env, Advisories::of(folder.path()));
    scans.write_news(&cx(), news(id, BATCH)).await.unwrap();
    assert_eq!((count(&scans, "finding.appeared").await, count(&scans, "finding.more").await), (BATCH, 0));

    scans.write_news(&cx(), news(id, BATCH * 2 + 1)).await.unwrap();

    assert_eq!(count(&scans, "finding.more").await, 1);
}
