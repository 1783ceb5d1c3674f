//! What the kubelet and docker ask credentials for: what is understood names a host and a repository that an address can hold.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match gantry::read_kubelet_request(bytes) {
        Ok(image) => {
            let (host, repository) = image.split_once('/').expect("a registry and a repository");
            assert_is_host(host);
            assert!(repository.parse::<gantry_words::RepositoryName>().is_ok(), "{repository}");
        }
        Err(why) => assert!(!why.is_empty()),
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(host) = gantry::read_docker_server(text)
    {
        assert_is_host(&host);
        assert_eq!(gantry::read_docker_server(&format!("https://{host}/v1/\n")), Some(host));
    }
});

fn assert_is_host(host: &str) {
    let allowed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || b".-:[]".contains(&byte);
    assert!(!host.is_empty() && host.bytes().all(allowed), "{host}");
}
