//! Counters against a recount, after thousands of operations.

use super::*;

/// Numbers that look random, from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % end).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_what_a_recount_gives_after_thousands_of_random_operations() {
    let [on_sqlite, on_postgres] = Ground::both().await;

    assert!(operate(&on_sqlite, 3_000).await > 1_000, "few operations did anything");
    assert!(operate(&on_postgres, 600).await > 200, "few operations did anything");
}

/// Does so many things, and has all counted again now and then; returns how many of them did anything.
async fn operate(ground: &Ground, steps: u32) -> u32 {
    const NAMES: [&str; 4] = ["team/app", "team/web", "team", "zoo"];
    const SCOPES: [&str; 4] = ["*", "team/*", "team/web", "zoo"];
    let (registry, mut dice, mut done) = (&ground.registry, Dice(7), 0);

    for step in 0..steps {
        let cx = ground.in_days(step / 20);
        let name = NAMES[dice.below(4)].parse().unwrap();
        let text = "a blob of so many bytes"[..1 + dice.below(12)].to_string();
        let (digest, what) = (digest_of(text.as_bytes()), dice.below(13));
        let Ok(Some(repository)) = registry.repositories.find(&cx, &name).await else {
            create(ground, name.as_str()).await;
            continue;
        };
        let outcome = match what {
            0..=2 => store(ground, &repository, &text).await.map(drop),
            3..=4 => put(ground, &repository, &text).await.map(drop),
            5 => {
                let image = digest_of(image_of(&digest, text.len()).to_string().as_bytes());
                registry.images.remove(&cx, &repository, &Reference::Digest(image)).await.map(drop)
            }
            6..=7 => match registry.repositories.find(&cx, &NAMES[dice.below(4)].parse().unwrap()).await.unwrap() {
                Some(source) => registry.blobs.mount(&cx, &repository, &source, &digest).await.map(drop),
                None => Ok(()),
            },
            8 => registry.blobs.remove(&cx, &repository, &digest).await,
            9 => set_or_remove(ground, SCOPES[dice.below(4)], dice.below(200) as u64).await,
            10 if dice.below(8) == 0 => registry.repositories.delete(&cx, &name, true).await,
            11 => begin_upload(ground, &repository, &text, dice.below(2) == 0).await,
            _ => {
                registry.trash.round(&cx).await.unwrap();
                registry.collection.run(&cx, Duration::ZERO, Duration::ZERO, |_| {}).await.map(drop)
            }
        };
        done += u32::from(outcome.is_ok());
        if step % 50 == 0 {
            ground.assert_sound().await;
        }
    }

    ground.assert_sound().await;
    done
}

/// Opens an upload, and leaves it or cancels it.
async fn begin_upload(ground: &Ground, to: &Repository, text: &str, is_left: bool) -> Result<(), Fault> {
    let (uploads, cx, bytes) = (&ground.registry.uploads, ground.cx(), Bytes::from(text.to_string()));
    let id = uploads.open(&cx, to, Algorithm::Sha256).await?;
    let length = is_left.then_some(bytes.len() as u64);
    let appended = uploads.append(&cx, to, &id, None, length, stream::iter([Ok::<_, Infallible>(bytes)])).await;
    if is_left { appended.map(drop) } else { uploads.cancel(&cx, to, &id).await }
}

async fn set_or_remove(ground: &Ground, scope: &str, bytes: u64) -> Result<(), Fault> {
    let (quotas, scope) = (&ground.registry.quotas, scope.parse().unwrap());
    match bytes {
        0..30 => quotas.remove(&ground.cx(), &scope).await,
        30..115 => quotas.set(&ground.cx(), &scope, bytes_up_to(bytes)).await.map(drop),
        _ => quotas.set(&ground.cx(), &scope, physical(bytes / 3)).await.map(drop),
    }
}
