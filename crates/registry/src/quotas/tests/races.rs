//! What comes at once, on a database where it really can.

use super::*;
use crate::link::{LinkBlob, Linked, Source};
use gantry_metadata::{
    consistency::{self, Counted},
    suite::two_writers,
};

fn link(repository: &Repository, text: &str, id: i64) -> LinkBlob {
    LinkBlob {
        account: AccountId::DEFAULT,
        repository: repository.id,
        name: repository.name.clone(),
        digest: digest_of(text.as_bytes()),
        size: 5,
        domain: String::new(),
        from: Source::New { id, location: format!("sha256/aa/{text}.{id}"), sealed: None },
        upload: None,
        hold: None,
        grace: Duration::ZERO,
    }
}

fn set_quota(ground: &Ground, scope: &str, limits: QuotaLimits) -> SetQuota {
    SetQuota {
        id: ground.registry.quotas.ports.env.fresh_id(),
        account: AccountId::DEFAULT,
        region: Region::default(),
        scope: scope.parse().unwrap(),
        limits,
        actor: "somebody".into(),
    }
}

/// What quotas count is what a recount gives.
async fn assert_counted(ground: &Ground) {
    for counted in [Counted::QuotaBytes, Counted::QuotaPhysical, Counted::QuotaImages, Counted::QuotaReserved] {
        let wrong = ground.metadata.read_long(move |rows| consistency::wrong_counts(rows, counted, 10)).await.unwrap();
        assert_eq!(wrong, [], "{counted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pushes_at_once_do_not_pass_the_limit_together() {
    for ground in Ground::both().await {
        let second = create(&ground, "team/second").await;
        set(&ground, "team/*", bytes_up_to(9)).await;

        let (first, then) = (link(&ground.repository, "first", 1), link(&second, "other", 2));
        let (first, then) = two_writers(&ground.metadata, &ground.cx(), first, then).await;

        let is_done = |linked: &Result<Linked, Fault>| matches!(linked, Ok(Linked::Done { .. }));
        assert_ne!(is_done(&first), is_done(&then));
        assert_eq!(used(&ground).await, [("team/*".into(), 5, 0, 0)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pushes_at_once_fill_a_quota_and_never_pass_it() {
    const PUSHES: usize = 24;
    for ground in Ground::both().await {
        set(&ground, "team/*", bytes_up_to(100)).await;
        set(&ground, "*", QuotaLimits { images_hard: Some(5), ..QuotaLimits::default() }).await;
        let mut repositories = vec![];
        for number in 0..4 {
            repositories.push(create(&ground, &format!("team/app{number}")).await);
        }

        let pushes = (0..PUSHES).map(|number| {
            let (ground, repository) = (&ground, &repositories[number % 4]);
            async move {
                // Twelve bytes each, no two alike.
                let text = format!("bytes no. {number:02}");
                store(ground, repository, &text).await?;
                put(ground, repository, &text).await
            }
        });
        let outcomes = futures_util::future::join_all(pushes).await;

        let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(refused.clone().all(|fault| fault.kind == FaultKind::QuotaExceeded), "{outcomes:?}");
        let is_done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let used = used(&ground).await;
        assert_eq!((is_done, used[0].3), (5, 5), "{used:?}");
        // Who came while others kept room for more than they brought was refused: it need not be quite full.
        assert!((60..=100).contains(&used[1].1), "{used:?}");
        assert_eq!(used[1].2, 0, "nothing is kept for uploads that ended");
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_made_while_a_blob_is_linked_counts_it() {
    for ground in Ground::both().await {
        for (number, limits) in [bytes_up_to(100), physical(100)].into_iter().enumerate() {
            let scope = ["*", "team/*"][number];
            let id = 10 * (number as i64 + 1);
            let linking = link(&ground.repository, &format!("text {number}"), id);
            let removing =
                RemoveQuota { account: AccountId::DEFAULT, region: Region::default(), scope: scope.parse().unwrap() };

            let (linked, set) =
                two_writers(&ground.metadata, &ground.cx(), linking, set_quota(&ground, scope, limits)).await;
            assert_counted(&ground).await;
            let linking = link(&ground.repository, &format!("other {number}"), id + 1);
            let (second, removed) = two_writers(&ground.metadata, &ground.cx(), linking, removing).await;

            assert!(linked.is_ok() && set.is_ok() && second.is_ok() && removed.is_ok());
            assert_counted(&ground).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_at_once_is_counted() {
    for ground in Ground::both().await {
        let shared = store(&ground, &ground.repository, "shared by all").await.unwrap();
        set(&ground, "team/*", bytes_up_to(10_000)).await;
        let repository = ground.registry.repositories.load(&ground.cx(), &ground.repository.name).await.unwrap();

        for round in 0..10 {
            let scope = ["*", "team/app", "zoo"][round % 3];
            let limits = if round % 2 == 0 { physical(10_000) } else { bytes_up_to(10_000) };
            let uploading = async {
                let (uploads, cx) = (&ground.registry.uploads, ground.cx());
                let id = uploads.open(&cx, &repository, Algorithm::Sha256).await?;
                let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"some bytes"))]);
                uploads.append(&cx, &repository, &id, None, Some(10), body).await?;
                if round % 2 == 0 { uploads.cancel(&cx, &repository, &id).await } else { Ok(()) }
            };
            let setting = async {
                let quotas = &ground.registry.quotas;
                quotas.set(&ground.cx(), &scope.parse().unwrap(), limits).await.map(drop)
            };
            let mounting = async {
                let new = create(&ground, &format!("team/new{round}")).await;
                ground.registry.blobs.mount(&ground.cx(), &new, &ground.repository, &shared).await.map(drop)
            };
            let storing = async { store(&ground, &repository, &format!("blob {round}")).await.map(drop) };

            let (uploaded, set, mounted, stored) =
                futures_util::future::join4(uploading, setting, mounting, storing).await;

            assert!(uploaded.is_ok() && set.is_ok() && mounted.is_ok() && stored.is_ok(), "round {round}");
            assert_counted(&ground).await;
        }
        ground.assert_sound().await;
    }
}
