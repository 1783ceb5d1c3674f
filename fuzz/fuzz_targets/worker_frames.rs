//! Whatever server and worker say to each other, the other side understands it or ends the talk: it neither panics nor says more than
//! it was asked for. What a worker makes of a layer is what its server hears.
#![no_main]

use gantry_findings::{WorkerAnswer, ask_worker, serve_layers};
use libfuzzer_sys::fuzz_target;

const HEADER_BYTES: usize = 5;
const GREETING_BYTES: usize = HEADER_BYTES + 6;
const REASON_BYTES_MAX: usize = 4 << 10;
/// So many bytes of a layer go into one frame here.
const PIECE_BYTES: usize = 700;

fuzz_target!(|bytes: &[u8]| {
    let greeting = serve(&[]);
    assert_eq!(greeting.len(), GREETING_BYTES);

    // A server that talks nonsense.
    let frames = read_frames(&serve(bytes));
    assert!(
        frames.len() <= 2 + 2 * (bytes.len() / HEADER_BYTES),
        "a worker asks and answers as often as it is spoken to"
    );

    // A worker that talks nonsense, with and without a greeting.
    for said in [bytes.to_vec(), [&greeting, bytes].concat()] {
        let mut sent = Vec::new();
        let answer = ask_worker(&mut &said[..], &mut sent, &mut &bytes[..]);
        assert!(
            sent.len() <= bytes.len() + HEADER_BYTES * (1 + said.len() / HEADER_BYTES),
            "{} bytes were sent",
            sent.len()
        );
        match answer {
            Ok(WorkerAnswer::Layer(packed)) => assert!(packed.len() < said.len()),
            // What is no UTF-8 is replaced, by three bytes each.
            Ok(WorkerAnswer::Failed(reason)) => assert!(reason.len() <= 3 * REASON_BYTES_MAX),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }

    // Both of ours: as many pieces as the worker asks for, and the server hears what it said last.
    let mut request = frame(b'L', &[]);
    bytes.chunks(PIECE_BYTES).for_each(|piece| request.extend(frame(b'B', piece)));
    request.extend(frame(b'E', &[]));
    let said = serve(&request);
    let (kind, content) = read_frames(&said).pop().expect("it greets at least");
    match ask_worker(&mut &said[..], &mut Vec::new(), &mut &bytes[..]).expect("a worker of ours is understood") {
        WorkerAnswer::Layer(packed) => assert_eq!((kind, packed), (b'P', content)),
        WorkerAnswer::Failed(reason) => {
            assert_eq!((kind, reason), (b'F', String::from_utf8_lossy(&content).into_owned()))
        }
    }
});

/// What a worker says to whoever says these bytes.
fn serve(mut bytes: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    // That it does not understand is an error, and no panic.
    let _ = serve_layers(&mut bytes, &mut said, &mut || {});
    said
}

fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("pieces are short");
    [&[kind][..], &length.to_le_bytes(), content].concat()
}

/// The frames of what a worker said; every one of them is whole.
fn read_frames(mut said: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(([kind, a, b, c, d], rest)) = said.split_first_chunk() {
        let (content, behind) = rest.split_at(u32::from_le_bytes([*a, *b, *c, *d]) as usize);
        assert!(b"RMPF".contains(kind) && (*kind != b'F' || content.len() <= REASON_BYTES_MAX));
        frames.push((*kind, content.to_vec()));
        said = behind;
    }
    assert!(said.is_empty());
    frames
}
