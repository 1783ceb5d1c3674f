use super::*;
use crate::{Algorithm, batch::Batch, hash::Hasher};
use bytes::Bytes;
use proptest::prelude::*;
use std::fs::OpenOptions;

/// Bytes in which no two stretches are alike.
fn bytes(length: usize) -> Bytes {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

/// A batch of pieces that end at `cuts`.
fn batch(bytes: &Bytes, cuts: &[usize]) -> Batch {
    let mut batch = Batch::default();
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        batch.push(bytes.slice(from..to));
        from = to;
    }
    batch
}

/// Writes `bytes` behind the `at` that are in the file; returns what was said, and that the hash is right.
fn write(direct: &Direct, file: &File, bytes: &Bytes, cuts: &[usize], at: u64) -> io::Result<u64> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let block = direct.block(at, bytes.len() as u64).expect("it pays");
    let written = block.write(file, batch(bytes, cuts).into_pieces(), at, |bytes| hasher.update(bytes));
    assert_eq!(hasher.value(), crate::hash_bytes(Algorithm::Sha256, bytes));
    written
}

#[test]
fn only_what_is_large_and_begins_at_a_bound_goes_past_the_page_cache() {
    let direct = Direct::default();
    let min = DIRECT_BYTES_MIN as u64;

    for (at, bytes, expected) in
        [(0, min, true), (4096, min + 1, true), (0, min - 1, false), (1, min, false), (4095, 8 * min, false)]
    {
        assert_eq!(direct.block(at, bytes).is_some(), expected, "{bytes} bytes at {at}");
    }
}

#[test]
fn sizes_around_every_bound_arrive_whole() {
    let folder = tempfile::tempdir().unwrap();
    let direct = Direct::default();
    for base in [DIRECT_BYTES_MIN, BLOCK_BYTES, BLOCK_BYTES + DIRECT_BYTES_MIN, 2 * BLOCK_BYTES] {
        for length in [base, base + 1, base + ALIGNMENT - 1, base + ALIGNMENT, base + 70_000] {
            let all = bytes(length);
            let path = folder.path().join(length.to_string());
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();

            let past = write(&direct, &file, &all, &[length / 3, length / 2], 0).unwrap();

            assert_eq!(std::fs::read(&path).unwrap(), all, "{length} bytes");
            assert!(past <= length as u64 && length as u64 - past < DIRECT_BYTES_MIN as u64 + ALIGNMENT as u64);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn however_a_body_is_cut_its_bytes_and_hash_are_the_same(
        length in DIRECT_BYTES_MIN..3 * BLOCK_BYTES,
        at in 0u64..3,
        cuts in prop::collection::vec(0.0f64..1.0, 0..40),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let at = at * ALIGNMENT as u64;
        let before = bytes(at as usize);
        std::fs::write(file.path(), &before).unwrap();
        let all = bytes(length);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| (cut * length as f64) as usize).collect();
        cuts.sort_unstable();

        write(&Direct::default(), file.as_file(), &all, &cuts, at).unwrap();

        prop_assert_eq!(std::fs::read(file.path()).unwrap(), [before, all].concat());
    }
}

#[test]
fn where_the_file_system_refuses_it_is_asked_once_and_written_to_as_ever() {
    // A device that takes everything, but not past the page cache.
    let file = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let direct = Direct::default();

    let written = write(&direct, &file, &bytes(BLOCK_BYTES), &[], 0).unwrap();

    assert_eq!(written, BLOCK_BYTES as u64);
    assert!(direct.block(0, BLOCK_BYTES as u64).is_none());
}

#[test]
fn after_a_write_the_file_takes_bytes_from_anywhere_in_memory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let all = bytes(BLOCK_BYTES + 3);
    write(&Direct::default(), file.as_file(), &all.slice(..BLOCK_BYTES), &[], 0).unwrap();

    assert!(!rustix::fs::fcntl_getfl(file.as_file()).unwrap().contains(rustix::fs::OFlags::DIRECT));
    sys::write_all_at(file.as_file(), &mut [IoSlice::new(&all[BLOCK_BYTES..])], BLOCK_BYTES as u64).unwrap();

    assert_eq!(std::fs::read(file.path()).unwrap(), all);
}

#[test]
fn a_failing_disk_is_told_of_and_gives_its_block_back() {
    // Written to without leave.
    let file = OpenOptions::new().read(true).open("/dev/null").unwrap();
    let direct = Direct::default();

    let refused = write(&direct, &file, &bytes(BLOCK_BYTES), &[], 0);

    assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EBADF));
    assert_eq!(direct.blocks().lent, 0);
}

#[test]
fn many_writers_share_few_blocks_and_the_others_get_none() {
    let direct = Direct::default();
    let lent: Vec<_> = (0..BLOCKS_MAX).map(|_| direct.block(0, BLOCK_BYTES as u64)).collect();

    assert!(lent.iter().all(Option::is_some));
    assert!(direct.block(0, BLOCK_BYTES as u64).is_none());
    drop(lent);
    assert!(direct.block(0, BLOCK_BYTES as u64).is_some());
    assert_eq!(direct.blocks().idle.len(), KEPT_MAX);
}

#[test]
fn a_body_has_company_where_another_was_arriving_when_it_began() {
    let direct = Arc::new(Direct::default());

    let first = Arriving::begin(&direct);
    let second = Arriving::begin(&direct);

    assert_eq!((first.has_company(), second.has_company()), (false, true));
    drop((first, second));
    assert!(!Arriving::begin(&direct).has_company());
}
