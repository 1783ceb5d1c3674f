//! How fast blobs are sealed and opened, beside plain ones: `cargo run --release -p gantry-store --example sealed [FOLDER]`.
//!
//! Each line is the best of five rounds, and what a core does in a second of its time, on average. Pushes are hashed and
//! synced, and read at once from the page cache (warm) or after it was told to forget them (cold).

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gantry_env::Env;
use gantry_store::{Algorithm, Key, Settings, Store, sealed::DataKey};
use std::{convert::Infallible, error::Error, future::Future, path::Path, sync::Arc, time::Duration};
use zeroize::Zeroizing;

const LENGTH: u64 = 512 << 20;
const PIECE: usize = 256 << 10;
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chosen = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let root = tempfile::tempdir_in(chosen)?;
    let store = Store::folder(root.path(), Env::real(), &Settings::default())?;
    for layers in 0..=2 {
        measure(&store, root.path(), layers).await?;
    }
    Ok(())
}

async fn measure(store: &Store, root: &Path, layers: usize) -> Result<(), Box<dyn Error>> {
    let what = ["plain", "one layer", "two layers"][layers];
    let place: Key = format!("layers/{layers}").parse()?;
    let path = root.join("blobs").join(place.as_str());
    let again = std::slice::from_ref(&place);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        store.delete(again).await?;
        rounds.push(timed(push(store, &place, layers)).await?);
    }
    tell(what, "push", &rounds, LENGTH);
    rounds.clear();
    for _ in 0..ROUNDS {
        rounds.push(timed(pull(store, &place, layers)).await?);
    }
    tell(what, "pull, warm", &rounds, LENGTH);
    rounds.clear();
    for _ in 0..ROUNDS {
        let file = tokio::fs::OpenOptions::new().read(true).open(&path).await?.into_std().await;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        rounds.push(timed(pull(store, &place, layers)).await?);
    }
    tell(what, "pull, cold", &rounds, LENGTH);
    Ok(())
}

fn key(layers: usize) -> DataKey {
    let key = |byte| Zeroizing::new([byte; 32]);
    if layers == 2 { DataKey::two_layers(key(1), key(2)) } else { DataKey::new(key(1)) }
}

fn body(length: u64) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send + Unpin {
    let piece: Bytes = (0..PIECE).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    stream::iter((0..length / PIECE as u64).map(move |_| Ok(piece.clone())))
}

async fn push(store: &Store, place: &Key, layers: usize) -> Result<(), Box<dyn Error>> {
    let id = place.as_str().replace('/', "-").parse()?;
    let upload = match layers {
        0 => store.begin(&id, Algorithm::Sha256).await?,
        _ => store.begin_sealed(&id, Algorithm::Sha256, Arc::new(key(layers))).await?,
    };
    let (upload, appended) = upload.append(body(LENGTH), LENGTH).await;
    appended?;
    upload.publish(place).await?;
    Ok(())
}

async fn pull(store: &Store, place: &Key, layers: usize) -> Result<(), Box<dyn Error>> {
    let reading = match layers {
        0 => store.open(place, LENGTH).await?,
        _ => store.open_sealed(place, LENGTH, Arc::new(key(layers))).await?,
    };
    let mut body = reading.body(0..LENGTH);
    while let Some(piece) = body.next().await {
        std::hint::black_box(piece?);
    }
    Ok(())
}

/// How long something took, and how much processor time.
async fn timed(work: impl Future<Output = Result<(), Box<dyn Error>>>) -> Result<(Duration, Duration), Box<dyn Error>> {
    let env = Env::real();
    let (start, used) = (env.elapsed(), processor_time());
    work.await?;
    Ok((env.elapsed().saturating_sub(start), processor_time().saturating_sub(used)))
}

/// In steps of ten milliseconds (proc(5), `stat`: fields 14 and 15, behind the name).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Duration::from_millis(10 * fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>())
}

fn tell(what: &str, act: &str, rounds: &[(Duration, Duration)], bytes: u64) {
    let gigabytes = bytes as f64 / 1e9;
    let time = rounds.iter().map(|round| round.0).min().unwrap_or_default().as_secs_f64();
    let used = rounds.iter().map(|round| round.1).sum::<Duration>().as_secs_f64() / rounds.len() as f64;
    println!("{what:<11} {act:<16} {:>6.2} GB/s  {:>6.2} GB/s of a core", gigabytes / time, gigabytes / used);
}
