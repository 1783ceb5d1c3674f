use super::{scan::scan, *};
use crate::{Algorithm, hash::Hasher, hash_bytes};
use gantry_env::{BoxFuture, Clock, Env, Random};
use gantry_words::Timestamp;
use proptest::prelude::*;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};
use zeroize::Zeroizing;

/// A chunk with its tag, in one layer.
const STEP: usize = CHUNK_BYTES + TAG_BYTES;

fn key(number: u8) -> DataKey {
    DataKey::new(Zeroizing::new([number; 32]))
}

fn two_keys(inner: u8, outer: u8) -> DataKey {
    DataKey::two_layers(Zeroizing::new([inner; 32]), Zeroizing::new([outer; 32]))
}

/// Bytes in which no two stretches are alike.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

fn start(key: DataKey) -> Sealing {
    let table = Table::new(key.layers());
    Sealing::new(Arc::new(key), Env::real(), table)
}

/// The segments of an upload, one for each part.
fn seal_parts(key: DataKey, parts: &[&[u8]]) -> (Sealing, Vec<u8>) {
    let (mut sealing, mut object) = (start(key), Vec::new());
    for part in parts {
        sealing.push(part, |_| {});
        sealing.close();
        drain(&mut sealing, &mut object);
    }
    (sealing, object)
}

fn drain(sealing: &mut Sealing, object: &mut Vec<u8>) {
    let (at, new) = sealing.unwritten(1);
    assert_eq!(at, object.len() as u64);
    let count = new.len();
    object.extend_from_slice(new);
    sealing.wrote(count);
}

fn seal(key: DataKey, parts: &[&[u8]]) -> Vec<u8> {
    seal_bytes(key, &Env::real(), parts)
}

/// What a resumed upload keeps of `upload`: the plain bytes' number, their hash, and where to cut.
fn scanned(key: DataKey, upload: &[u8]) -> (u64, Vec<u8>, u64) {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let read = |at: u64, buffer: &mut [u8]| {
        let rest = upload.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok::<_, Infallible>(count)
    };
    let sealing = scan(start(key), &mut hasher, upload.len() as u64, read).unwrap();
    (sealing.table().plain_end(), hasher.value(), sealing.table().sealed_end())
}

fn range_of(key: DataKey, object: &[u8], plain: u64, from: u64, to: u64) -> Vec<u8> {
    let read = |at: u64, buffer: &mut [u8]| {
        buffer.copy_from_slice(&object[at as usize..][..buffer.len()]);
        Ok(())
    };
    let Ok(opened) = Object::open(Arc::new(key), (object.len() as u64, plain), read) else { panic!("it is whole") };
    let (mut at, mut found) = (from, Vec::new());
    while at < to {
        let place = opened.find(at);
        let mut piece = object[place.start as usize..][..place.bytes].to_vec();
        let range = opened.unseal(&place, &mut piece, at..to).unwrap();
        found.extend_from_slice(&piece[range]);
        at = place.plain_end();
    }
    found
}

#[test]
fn an_object_is_as_long_as_was_computed_and_shows_nothing_of_its_bytes() {
    for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
        let plain = vec![b'a'; length];

        for (key, layers) in [(key as fn(u8) -> DataKey, 1), (|_| two_keys(1, 2), 2)] {
            let object = seal(key(1), &[&plain]);

            assert_eq!(object.len() as u64, sealed_length(length as u64, layers));
            assert_eq!(open_bytes(key(1), length as u64, &object).unwrap(), plain);
            assert!(!object.windows(8).any(|window| window == b"aaaaaaaa"));
        }
    }
}

#[test]
fn an_empty_object_is_authenticated_too() {
    let mut object = seal(key(1), &[]);

    assert_eq!((object.len(), open_bytes(key(1), 0, &object)), (80, Ok(Vec::new())));
    object[79] ^= 1;
    assert_eq!(open_bytes(key(1), 0, &object), Err(SealedError::Chunk { segment: 0, chunk: 0 }));
}

#[test]
fn a_long_append_opens_a_segment_after_64_mebibytes() {
    let plain = vec![7; SEGMENT_BYTES_MAX as usize + 1];

    let (sealing, object) = seal_parts(key(1), &[&plain]);

    assert_eq!((sealing.table().len(), sealing.table().plain_end()), (2, plain.len() as u64));
    assert_eq!(
        scanned(key(1), &object),
        (plain.len() as u64, hash_bytes(Algorithm::Sha256, &plain), object.len() as u64)
    );
}

#[test]
fn an_object_that_is_cut_at_a_border_of_chunks_is_refused() {
    let plain = bytes(4 * CHUNK_BYTES);
    let object = seal(key(1), &[&plain]);

    for chunks in 0..4 {
        let cut = &object[..HEADER_BYTES + chunks * STEP];

        // As the database has it, and as somebody who changed that, too, would have it.
        assert!(open_bytes(key(1), plain.len() as u64, cut).is_err(), "{chunks} chunks");
        assert!(open_bytes(key(1), (chunks * CHUNK_BYTES) as u64, cut).is_err(), "{chunks} chunks");
    }
}

#[test]
fn chunks_that_changed_places_or_came_twice_are_refused() {
    let plain = bytes(4 * CHUNK_BYTES);
    let object = seal(key(1), &[&plain]);
    let chunk = |number: usize| object[HEADER_BYTES + number * STEP..][..STEP].to_vec();

    for order in [[1, 0, 2, 3], [0, 2, 1, 3], [0, 0, 2, 3], [0, 1, 3, 2], [0, 1, 2, 2]] {
        let moved = [object[..HEADER_BYTES].to_vec(), order.map(chunk).concat()].concat();

        assert!(open_bytes(key(1), plain.len() as u64, &moved).is_err(), "{order:?}");
    }
}

#[test]
fn headers_that_changed_places_are_refused() {
    let plain = bytes(100_000);
    let (mut first, mut second) = (seal(key(1), &[&plain]), seal(key(1), &[&plain]));

    first[..HEADER_BYTES].swap_with_slice(&mut second[..HEADER_BYTES]);

    assert_eq!(open_bytes(key(1), 100_000, &first), Err(SealedError::Chunk { segment: 0, chunk: 0 }));
    assert_eq!(open_bytes(key(1), 100_000, &second), Err(SealedError::Chunk { segment: 0, chunk: 0 }));
}

#[test]
fn segments_that_changed_places_or_are_those_of_another_attempt_are_refused() {
    let part = bytes(1000);
    let parts = [&part[..]; 3];
    let (object, other) = (seal(key(1), &parts), seal(key(1), &parts));
    let step = sealed_length(1000, 1) as usize;
    let segment = |object: &[u8], number: usize| object[number * step..][..step].to_vec();
    let open = |segments: [Vec<u8>; 3]| {
        let forged = [segments.concat(), object[3 * step..].to_vec()].concat();
        open_bytes(key(1), 3000, &forged)
    };

    let [first, second, third] = [0, 1, 2].map(|number| segment(&object, number));

    assert_eq!(open([first.clone(), second.clone(), third.clone()]).unwrap(), part.repeat(3));
    assert_eq!(
        open([first.clone(), third.clone(), second.clone()]),
        Err(SealedError::Header { segment: 1 }),
        "they changed places"
    );
    assert_eq!(
        open([first, segment(&other, 1), third]),
        Err(SealedError::Header { segment: 1 }),
        "it was sealed with the same key, for the same place"
    );
}

#[test]
fn another_key_opens_nothing_and_two_layers_need_both() {
    let plain = bytes(100_000);
    let (one, two) = (seal(key(1), &[&plain]), seal(two_keys(1, 2), &[&plain, &plain]));

    assert_eq!(open_bytes(key(2), 100_000, &one), Err(SealedError::Chunk { segment: 0, chunk: 0 }));
    assert!(open_bytes(two_keys(1, 2), 100_000, &one).is_err());
    assert_eq!(open_bytes(two_keys(1, 2), 200_000, &two).unwrap(), plain.repeat(2));
    for other in [two_keys(1, 3), two_keys(3, 2), two_keys(2, 1), key(1), key(2)] {
        assert!(open_bytes(other, 200_000, &two).is_err());
    }
}

#[test]
fn what_goes_on_after_a_cut_is_sealed_with_another_salt() {
    let mut sealing = start(key(1));
    sealing.push(&bytes(CHUNK_BYTES + 1), |_| {});

    let mut again = sealing.fork();
    again.push(&bytes(CHUNK_BYTES + 1), |_| {});

    let salt = |sealing: &Sealing| sealing.unwritten(1).1[32..HEADER_BYTES].to_vec();
    assert_eq!(salt(&sealing).len(), 32);
    assert_ne!(salt(&sealing), salt(&again));
}

#[test]
fn an_upload_whose_directory_was_written_already_is_resumed_whole() {
    let plain = bytes(1000);
    let object = seal(key(1), &[&plain, &plain]);

    let (length, hash, end) = scanned(key(1), &object);

    assert_eq!((length, end), (2000, 2 * sealed_length(1000, 1)));
    assert_eq!(hash, hash_bytes(Algorithm::Sha256, &plain.repeat(2)));
}

#[test]
fn a_data_key_is_not_printed() {
    assert_eq!(format!("{:?}", two_keys(1, 2)), "DataKey(***)");
}

/// Ids and salts that are known before: `0xa0 + n` and `n`, for each `n` in turn.
struct Known(Mutex<Vec<u8>>);

impl Random for Known {
    fn fill(&self, bytes: &mut [u8]) {
        // The world's own number is drawn first.
        if let Some((id, salt)) = bytes.split_at_mut_checked(8) {
            let number = self.0.lock().unwrap().remove(0);
            id.fill(0xa0 + number);
            salt.fill(number);
        }
    }
}

impl Clock for Known {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// A key, the parts of an upload, what is drawn, and the hash of the object.
type Case<'a> = (DataKey, &'a [&'a [u8]], &'a [u8], &'a str);

/// The hashes are of what a second implementation makes, thirty lines of Python upon its `cryptography` package.
#[test]
fn objects_are_those_of_another_implementation() {
    let plain: Vec<u8> = (0..100_000u32).map(|at| (at % 251) as u8).collect();
    let cases: [Case<'_>; 5] = [
        (key(1), &[], &[0], "52e1755a313f2827d50121a5c5c9333907980a8e073f6788e85aaf8dea362ad6"),
        (key(1), &[&plain], &[0], "c08cd8e2d8620d1b30b657928b219e45c68734498802a1336aa86d3e46a0d61c"),
        (
            key(1),
            &[&plain, &plain[..10]],
            &[0, 1, 2 + 8],
            "150192e06f28723d2d4a94806848c6b3342376c80368ea57b90f57219560a7ba",
        ),
        (two_keys(1, 2), &[&plain], &[0, 16], "e647f326d21147a5bcd1098cb76036b421b5795de52bc27ebb565de6781c0f16"),
        (
            two_keys(1, 2),
            &[&plain, &plain[..10]],
            &[0, 16, 1, 17, 2 + 8, 16 + 2 + 8],
            "7a6e796bd18d698a875be31cde8c04d1175faaeebcfcb5e5d7858002654f9dab",
        ),
    ];
    for (key, parts, random, expected) in cases {
        let env = Env::new(Arc::new(Known(Mutex::default())), Arc::new(Known(Mutex::new(random.to_vec()))));
        let table = Table::new(key.layers());
        let (mut sealing, mut object) = (Sealing::new(Arc::new(key), env, table), Vec::new());
        for part in parts {
            sealing.push(part, |_| {});
            sealing.close();
        }

        sealing.complete();
        drain(&mut sealing, &mut object);

        let hash = hash_bytes(Algorithm::Sha256, &object);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, expected, "{} parts of {} bytes", parts.len(), object.len());
    }
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    let length = prop_oneof![1usize..300, (CHUNK_BYTES - 2)..(CHUNK_BYTES + 3), 1usize..3 * CHUNK_BYTES];
    prop::collection::vec(length, 0..5)
}

/// Bytes in as many parts, and the key of one or two layers that they are sealed with.
fn parts_of<'a>(plain: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = plain;
    let split = |length: &usize| {
        let (part, behind) = rest.split_at(*length);
        rest = behind;
        part
    };
    lengths.iter().map(split).collect()
}

fn key_of(layers: usize) -> DataKey {
    if layers == 1 { key(1) } else { two_keys(1, 2) }
}

#[test]
fn the_first_bytes_of_a_header_do_not_cost_the_segment_before_them() {
    for (layers, first) in [(1, 10), (2, 10), (1, CHUNK_BYTES - 2), (2, CHUNK_BYTES), (1, CHUNK_BYTES + 1)] {
        let plain = bytes(first + 1);
        let (_, upload) = seal_parts(key_of(layers), &parts_of(&plain, &[first, 1]));
        let end = sealed_length(first as u64, layers);

        for beyond in 0..=(HEADER_BYTES * layers) as u64 {
            let found = scanned(key_of(layers), &upload[..(end + beyond) as usize]);

            assert_eq!(
                (found.0, found.2),
                (first as u64, end),
                "{layers} layers, {first} bytes, {beyond} of the header"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_range_of_any_object_is_that_of_its_plain_bytes(
        lengths in lengths(), layers in 1usize..=2, from: prop::sample::Index, to: prop::sample::Index,
    ) {
        let plain = bytes(lengths.iter().sum());
        let object = seal(key_of(layers), &parts_of(&plain, &lengths));
        let (from, to) = (from.index(plain.len() + 1), to.index(plain.len() + 1));
        let (from, to) = (from.min(to), from.max(to));

        let found = range_of(key_of(layers), &object, plain.len() as u64, from as u64, to as u64);

        prop_assert_eq!(found, &plain[from..to]);
        prop_assert_eq!(open_bytes(key_of(layers), plain.len() as u64, &object), Ok(plain));
    }

    #[test]
    fn no_byte_can_be_changed_taken_or_added(
        lengths in lengths(), layers in 1usize..=2, at: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index,
    ) {
        let plain = bytes(lengths.iter().sum());
        let object = seal(key_of(layers), &parts_of(&plain, &lengths));

        let mut changed = object.clone();
        changed[at.index(object.len())] ^= 1 << bit;
        let mut longer = object.clone();
        longer.push(0);

        for forged in [&changed, &longer, &object[..cut.index(object.len())].to_vec()] {
            prop_assert!(open_bytes(key_of(layers), plain.len() as u64, forged).is_err());
        }
        prop_assert!(open_bytes(key_of(layers), plain.len() as u64 + 1, &object).is_err());
    }

    #[test]
    fn of_an_upload_that_was_cut_anywhere_the_whole_segments_are_kept(
        lengths in lengths(), layers in 1usize..=2, cut: prop::sample::Index,
    ) {
        let plain = bytes(lengths.iter().sum());
        let (_, upload) = seal_parts(key_of(layers), &parts_of(&plain, &lengths));
        let cut = cut.index(upload.len() + 1);
        let (mut kept, mut end) = (0, 0);
        for length in &lengths {
            let next = end + sealed_length(*length as u64, layers);
            if next > cut as u64 {
                break;
            }
            (kept, end) = (kept + length, next);
        }

        let found = scanned(key_of(layers), &upload[..cut]);

        prop_assert_eq!(found, (kept as u64, hash_bytes(Algorithm::Sha256, &plain[..kept]), end));
    }

    #[test]
    fn it_is_of_no_account_in_which_pieces_bytes_come_and_are_written(
        sizes in prop::collection::vec(0usize..100_000, 0..8), alignment in prop_oneof![Just(1), Just(4096)],
    ) {
        let plain = bytes(sizes.iter().sum());
        let (mut sealing, mut object, mut hasher) = (start(key(1)), Vec::new(), Hasher::new(Algorithm::Sha256));
        let write = |sealing: &mut Sealing, object: &mut Vec<u8>| {
            let (at, new) = sealing.unwritten(alignment);
            assert_eq!(at, object.len() as u64);
            let count = new.len();
            object.extend_from_slice(new);
            sealing.wrote(count);
        };

        for part in parts_of(&plain, &sizes) {
            sealing.push(part, |bytes| hasher.update(bytes));
            write(&mut sealing, &mut object);
        }
        sealing.complete();
        write(&mut sealing, &mut object);

        prop_assert_eq!(hasher.value(), hash_bytes(Algorithm::Sha256, &plain));
        prop_assert_eq!(open_bytes(key(1), plain.len() as u64, &object), Ok(plain));
    }
}
