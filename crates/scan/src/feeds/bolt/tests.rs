use super::*;

const DATABASE: &[u8] = include_bytes!("../../../fixtures/trivy/trivy.db");

fn names<'a>(bolt: &Bolt<'a>, bucket: Bucket<'a>) -> Vec<String> {
    let key = |entry| match entry {
        Ok(Entry::Value { key, .. } | Entry::Bucket { key, .. }) => String::from_utf8(key.to_vec()).unwrap(),
        Err(error) => panic!("{error}"),
    };
    bolt.entries(bucket).map(key).collect()
}

fn bucket<'a>(bolt: &Bolt<'a>, parent: Bucket<'a>, name: &str) -> Bucket<'a> {
    let is_it = |entry| match entry {
        Ok(Entry::Bucket { key, bucket }) if key == name.as_bytes() => Some(bucket),
        _ => None,
    };
    bolt.entries(parent).find_map(is_it).unwrap()
}

/// Walks everything, and returns how many entries there are.
fn walk(bytes: &[u8]) -> Result<usize, BoltError> {
    let bolt = Bolt::open(bytes)?;
    let mut waiting = vec![(bolt.root(), 0)];
    let mut count = 0;
    while let Some((bucket, depth)) = waiting.pop() {
        for entry in bolt.entries(bucket) {
            count += 1;
            match entry? {
                Entry::Bucket { bucket, .. } if depth < 4 => waiting.push((bucket, depth + 1)),
                Entry::Bucket { .. } | Entry::Value { .. } => {}
            }
        }
    }
    Ok(count)
}

#[test]
fn buckets_come_in_the_order_of_their_names() {
    let bolt = Bolt::open(DATABASE).unwrap();

    let names = names(&bolt, bolt.root());

    assert!(names.is_sorted() && names.len() == 11, "{names:?}");
}

#[test]
fn a_bucket_of_several_pages_is_read_whole_and_in_order() {
    let bolt = Bolt::open(DATABASE).unwrap();
    let linux = bucket(&bolt, bucket(&bolt, bolt.root(), "ubuntu 22.04"), "linux");

    let names = names(&bolt, linux);

    assert_eq!(names, (0..120).map(|number| format!("CVE-2022-{number:05}")).collect::<Vec<_>>());
}

#[test]
fn a_bucket_within_its_parents_page_is_read() {
    let bolt = Bolt::open(DATABASE).unwrap();

    assert_eq!(names(&bolt, bucket(&bolt, bolt.root(), "alpine 3.17")), ["openssl", "zlib"]);
}

#[test]
fn a_value_of_several_pages_is_read_whole() {
    let bolt = Bolt::open(DATABASE).unwrap();
    let vulnerability = bucket(&bolt, bolt.root(), "vulnerability");

    let longest = bolt.entries(vulnerability).map(|entry| match entry {
        Ok(Entry::Value { value, .. }) => value.len(),
        _ => 0,
    });

    assert_eq!(longest.max(), Some(5012));
}

#[test]
fn a_damaged_description_leaves_the_other_one() {
    for page in [0, 4096] {
        let mut bytes = DATABASE.to_vec();
        bytes[page + 30] ^= 1;

        assert!(walk(&bytes).is_ok());
    }
}

#[test]
fn a_file_without_a_whole_description_is_refused() {
    let mut bytes = DATABASE.to_vec();
    bytes[30] ^= 1;
    bytes[4096 + 30] ^= 1;

    assert_eq!(walk(&bytes), Err(BoltError::Meta));
    assert_eq!(walk(b""), Err(BoltError::Meta));
}

#[test]
fn a_page_that_leads_back_to_itself_ends_the_walk() {
    let root = Bolt::open(DATABASE).unwrap().root;
    let at = usize::try_from(root).unwrap() * 4096;
    let mut bytes = DATABASE.to_vec();
    bytes[at + 8] = 1;
    bytes[at + 10] = 1;
    bytes[at + 11] = 0;
    bytes[at + 16 + 8..at + 16 + 16].copy_from_slice(&root.to_le_bytes());

    assert_eq!(walk(&bytes), Err(BoltError::Page { page: root }));
}

#[test]
fn a_file_that_ends_early_is_damaged_and_nothing_worse() {
    let whole = walk(DATABASE).unwrap();

    for length in (8192..DATABASE.len()).step_by(97) {
        let result = walk(&DATABASE[..length]);

        assert!(result.is_err() || result == Ok(whole), "{length}");
    }
}
