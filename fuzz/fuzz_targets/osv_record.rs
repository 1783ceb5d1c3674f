//! A record that is read can be written to a knowledge file, which can be opened.
#![no_main]

use gantry_scan::{Knowledge, feeds::osv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(advisory) = osv::read_record(bytes) else { return };
    let file = Knowledge::build([advisory], &[]).expect("one record is not too many");
    Knowledge::read(file).expect("it was written here");
});
