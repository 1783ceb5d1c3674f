//! Two servers that share database and store, and an upload whose requests come to both.

use crate::{Appended, Registry, Settings};
use bytes::Bytes;
use futures_util::stream;
use gantry_env::Env;
use gantry_metadata::{Metadata, suite::postgres::Database};
use gantry_oci::{Algorithm, Digest};
use gantry_store::{Store, hash_bytes};
use gantry_words::{AccountId, Cx, Region};
use std::{convert::Infallible, path::Path};

const CHUNK: usize = 10_000;
const CHUNKS: usize = 20;

fn chunk(number: usize) -> Bytes {
    Bytes::from(vec![number as u8; CHUNK])
}

#[tokio::test]
async fn chunks_that_come_to_two_servers_in_turn_are_read_again_once_by_each() {
    let (env, database) = (Env::real(), Database::new());
    let (store, control) = Store::memory(env.clone());
    let server = || {
        let metadata = Metadata::open(&database.settings(), Path::new("."), env.clone()).expect("the database opens");
        Registry::open(metadata, store.clone(), env.clone(), Region::default(), Settings::default())
    };
    let servers = [server(), server()];
    let cx = Cx {
        actor: "somebody".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    };
    let repository =
        servers[0].repositories.create(&cx, &"team/app".parse().expect("a name")).await.expect("a new one");
    let id = servers[0].uploads.open(&cx, &repository, Algorithm::Sha256).await.expect("it opens");

    for number in 0..CHUNKS {
        let (start, body) = ((number * CHUNK) as u64, stream::iter([Ok::<_, Infallible>(chunk(number))]));
        let uploads = &servers[number % 2].uploads;
        let appended = uploads.append(&cx, &repository, &id, Some(start), Some(CHUNK as u64), body).await;
        assert_eq!(appended.expect("a chunk is taken"), Appended::At(start + CHUNK as u64));
    }
    let whole: Vec<u8> = (0..CHUNKS).flat_map(chunk).collect();
    let digest = Digest::from_hash(Algorithm::Sha256, &hash_bytes(gantry_store::Algorithm::Sha256, &whole));
    let body = stream::iter(Vec::<Result<Bytes, Infallible>>::new());
    servers[0].uploads.finish(&cx, &repository, &id, &digest, None, None, body).await.expect("it is a blob");

    // What came to one server, the other reads; nobody reads it twice.
    let read_again = control.bytes_read_again();
    assert!(read_again <= whole.len() as u64, "{read_again} bytes of {} were read again", whole.len());
}
