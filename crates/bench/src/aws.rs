//! Calls of the ECR API, signed as AWS's clients sign them.

use crate::{
    error::Outcome,
    http::{Body, Connection, Request},
    servers::Running,
};
use gantry_access::sigv4::{self, PathForm, Realm, SignedRequest};
use gantry_words::{Secret, Timestamp};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What ECR's targets begin with.
const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// The realm of a server that was told of no region.
pub(crate) const REALM: Realm<'static> = Realm { region: "us-east-1", service: "ecr", path: PathForm::Normalised };

/// A client of one server, on one connection.
pub(crate) struct AwsClient<'a> {
    server: &'a Running,
    connection: Connection,
    key: &'static str,
    secret: Secret<String>,
}

impl<'a> AwsClient<'a> {
    /// A client with the key of the user who may do everything.
    ///
    /// # Errors
    /// When the server does not listen.
    pub(crate) fn open(server: &'a Running) -> Outcome<Self> {
        let (key, secret) = server.kind.user.unwrap_or_default();
        Ok(Self { server, connection: server.connect()?, key, secret: Secret::new(secret.into()) })
    }

    /// Calls an operation; returns its answer, and the time from the first byte that went to the last that came.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn call(
        &mut self,
        operation: &str,
        arguments: &serde_json::Value,
    ) -> Outcome<(serde_json::Value, Duration)> {
        let (now, body) = (now(), arguments.to_string());
        let [host, date, target] =
            [self.server.address.to_string(), sigv4::print_date(now), format!("{TARGET}.{operation}")];
        let headers = headers(&host, &date, &target);
        let signed = request(&headers, &body);
        let authorization = sigv4::sign(&signed, self.key, &self.secret, &REALM, now);
        let sent = [("Content-Type", CONTENT_TYPE), ("X-Amz-Date", &*date), ("X-Amz-Target", &*target)];
        let request = Request { method: "POST", path: "/", authorization: Some(&authorization), headers: &sent };
        let begun = Instant::now();
        let answer = self.connection.send(&request, Body::Sized(&[body.as_bytes()]))?;
        let taken = begun.elapsed();
        if answer.status != 200 {
            let found = format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
            return Err(self.server.wrong("POST", &target, found, "200"));
        }
        Ok((serde_json::from_slice(&answer.body).unwrap_or_default(), taken))
    }
}

/// The headers of a call, as they are signed.
pub(crate) fn headers<'a>(host: &'a str, date: &'a str, target: &'a str) -> [(&'a str, &'a [u8]); 4] {
    [("host", host), ("content-type", CONTENT_TYPE), ("x-amz-date", date), ("x-amz-target", target)]
        .map(|(name, value)| (name, value.as_bytes()))
}

/// A call, as far as its signature covers it.
pub(crate) fn request<'a>(headers: &'a [(&'a str, &'a [u8])], body: &'a str) -> SignedRequest<'a> {
    let body = body.as_bytes();
    SignedRequest { method: "POST", path: "/", query: "", headers, public_host: None, body, is_tls: false }
}

/// The machine's time.
pub(crate) fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(0))
}
