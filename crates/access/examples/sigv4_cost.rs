//! What checking a signature costs: `cargo run --release -p gantry-access --example sigv4_cost`.

use gantry_access::sigv4::{PathForm, Realm, Signature, SignedRequest, sign};
use gantry_words::{Secret, Timestamp};
use std::{hint::black_box, time::Duration};

const ROUNDS: u32 = 20_000;

fn main() {
    let now = Timestamp::from_millis(1_440_938_160_000);
    let realm = Realm { region: "us-east-1", service: "ecr", path: PathForm::Normalised };
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_string());
    for body in [&b"{\"repositoryName\": \"team/app\"}"[..], &[b'x'; 64 << 10]] {
        let mut headers = vec![
            ("host", &b"127.0.0.1:5000"[..]),
            ("content-type", b"application/x-amz-json-1.1"),
            ("x-amz-date", b"20150830T123600Z"),
            ("x-amz-target", b"AmazonEC2ContainerRegistry_V20150921.DescribeImages"),
        ];
        let made = sign(&posted(&headers, body), "AKIDEXAMPLE", &secret, &realm, now);
        headers.push(("authorization", made.as_bytes()));
        let request = posted(&headers, body);
        measure(&format!("verify, body of {} bytes", body.len()), || {
            let signature = Signature::find(black_box(&request)).expect("it can be read").expect("it is there");
            signature.verify(&request, &secret, &realm, now).expect("it is right");
        });
    }
}

fn posted<'a>(headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> SignedRequest<'a> {
    SignedRequest { method: "POST", path: "/", query: "", headers, public_host: None, body, is_tls: false }
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn measure(name: &str, work: impl Fn()) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begun = std::time::Instant::now();
        (0..ROUNDS).for_each(|_| work());
        best = best.min(begun.elapsed() / ROUNDS);
    }
    println!("{name}: {best:?}");
}
