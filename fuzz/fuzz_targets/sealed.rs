//! A sealed object gives back what was sealed, or nothing: no byte of it can be changed, whatever else lies there is refused,
//! and of an upload only whole segments are kept.
#![no_main]

use gantry_env::Env;
use gantry_store::sealed::{DataKey, open_bytes, scan_bytes, seal_bytes};
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

/// Parts of an object, and bytes of a part.
const PARTS_MAX: u8 = 4;
const PART_BYTES_MAX: usize = 200_000;

fuzz_target!(|input: &[u8]| {
    let Some(([layers, parts], mut rest)) = input.split_first_chunk() else { return };
    let mut number = || {
        let ([high, middle, low], behind) = rest.split_first_chunk()?;
        rest = behind;
        Some(usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low))
    };
    let lengths: Option<Vec<usize>> = (0..parts % (PARTS_MAX + 1)).map(|_| number()).collect();
    let (Some(lengths), Some(changed)) = (lengths, number()) else { return };
    let plain: Vec<Vec<u8>> = lengths.iter().map(|length| vec![7; length % PART_BYTES_MAX]).collect();
    let parts: Vec<&[u8]> = plain.iter().map(Vec::as_slice).collect();
    let (plain, env) = (parts.concat(), Env::real());
    let length = plain.len() as u64;

    let object = seal_bytes(key(*layers), &env, &parts);
    assert_eq!(open_bytes(key(*layers), length, &object).as_ref(), Ok(&plain));
    let mut other = object.clone();
    other[changed % object.len()] ^= 1;
    assert!(open_bytes(key(*layers), length, &other).is_err());
    assert!(open_bytes(key(*layers), length, &object[..changed % object.len()]).is_err());
    let (kept, end) = scan_bytes(key(*layers), &env, &object[..changed % object.len()]);
    assert!(kept <= length && end <= object.len() as u64, "more is kept than there was");

    // Nobody has sealed these.
    let (kept, _) = scan_bytes(key(*layers), &env, rest);
    assert_eq!(kept, 0);
    assert!((0..4).chain([100, 65_536]).all(|length| open_bytes(key(*layers), length, rest).is_err()));
});

fn key(layers: u8) -> DataKey {
    let key = |byte| Zeroizing::new([byte; 32]);
    if layers % 2 == 0 { DataKey::two_layers(key(1), key(2)) } else { DataKey::new(key(1)) }
}
