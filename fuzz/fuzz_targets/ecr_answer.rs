//! Whatever answers in the place of ECR: what is read of it are digests and names of repositories.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (digests, names) = gantry::read_ecr_answer(bytes);
    assert!(digests.iter().all(|digest| digest.parse::<gantry_oci::Digest>().is_ok()));
    assert!(names.iter().all(|name| name.parse::<gantry_words::RepositoryName>().is_ok()));
});
