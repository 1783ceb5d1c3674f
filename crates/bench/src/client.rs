//! The calls of a registry's client, each checked: what fills a store and what a push consists of.

use crate::{
    error::Outcome,
    fixture::{self, Descriptor, MANIFEST_TYPE, describe},
    http::{Answer, Body, Connection, Request},
    servers::Running,
};

/// A client of one server, on one connection.
pub(crate) struct Client<'a> {
    server: &'a Running,
    connection: Connection,
    authorization: Option<String>,
}

impl<'a> Client<'a> {
    /// A client that brings user and password, for what is not measured.
    ///
    /// # Errors
    /// When the server does not listen.
    pub(crate) fn with_password(server: &'a Running) -> Outcome<Self> {
        Ok(Self { server, connection: server.connect()?, authorization: server.basic() })
    }

    /// A client that brings a new token for these scopes, where the server wants one.
    ///
    /// # Errors
    /// When the server does not listen or gives none.
    pub(crate) fn with_token(server: &'a Running, scopes: &[String]) -> Outcome<Self> {
        Ok(Self { server, connection: server.connect()?, authorization: server.bearer(scopes)? })
    }

    /// Sends a request and sees that its answer has the status expected.
    ///
    /// # Errors
    /// When it has another.
    pub(crate) fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body<'_>,
        expected: u16,
    ) -> Outcome<Answer> {
        let request = Request { method, path, authorization: self.authorization.as_deref(), headers };
        let answer = self.connection.send(&request, body)?;
        if answer.status != expected {
            let found = format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body).trim());
            return Err(self.server.wrong(method, path, found, &expected.to_string()));
        }
        Ok(answer)
    }

    /// Pushes a small blob in two requests.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn put_blob(&mut self, name: &str, bytes: &[u8]) -> Outcome<Descriptor> {
        let blob = describe(bytes);
        let location = self.open_upload(name)?;
        self.finish_upload(&location, &blob.digest, Body::Sized(&[bytes]))?;
        Ok(blob)
    }

    /// Pushes a small blob in one request; only Gantry is known to take it so.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn post_blob(&mut self, name: &str, bytes: &[u8]) -> Outcome<()> {
        let path = format!("/v2/{name}/blobs/uploads/?digest={}", fixture::digest(&[bytes]));
        let headers = [("Content-Type", "application/octet-stream")];
        self.call("POST", &path, &headers, Body::Sized(&[bytes]), 201).map(drop)
    }

    /// Mounts a blob of another repository; pushes it where the server does not mount.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn mount_blob(&mut self, name: &str, from: &str, blob: &Descriptor, bytes: &[u8]) -> Outcome<()> {
        let path = format!("/v2/{name}/blobs/uploads/?mount={}&from={from}", blob.digest);
        let request =
            Request { method: "POST", path: &path, authorization: self.authorization.as_deref(), headers: &[] };
        let answer = self.connection.send(&request, Body::Sized(&[&[]]))?;
        match (answer.status, answer.header("location")) {
            (201, _) => Ok(()),
            (202, Some(location)) => {
                let location = relative(location).to_string();
                self.finish_upload(&location, &blob.digest, Body::Sized(&[bytes]))
            }
            (status, _) => Err(self.server.wrong("POST", &path, status, "201 or 202")),
        }
    }

    /// Opens an upload and returns where it goes on: a path.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn open_upload(&mut self, name: &str) -> Outcome<String> {
        let path = format!("/v2/{name}/blobs/uploads/");
        let answer = self.call("POST", &path, &[], Body::Sized(&[&[]]), 202)?;
        self.location(&answer, &path)
    }

    /// Sends a piece of an upload and returns where it goes on.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn append(&mut self, location: &str, range: Option<&str>, body: Body<'_>) -> Outcome<String> {
        let mut headers = vec![("Content-Type", "application/octet-stream")];
        headers.extend(range.map(|range| ("Content-Range", range)));
        let answer = self.call("PATCH", location, &headers, body, 202)?;
        self.location(&answer, location)
    }

    /// Ends an upload, with its last bytes.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn finish_upload(&mut self, location: &str, digest: &str, body: Body<'_>) -> Outcome<()> {
        let mark = if location.contains('?') { '&' } else { '?' };
        let path = format!("{location}{mark}digest={digest}");
        self.call("PUT", &path, &[("Content-Type", "application/octet-stream")], body, 201).map(drop)
    }

    /// Pushes a manifest by tag.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) fn put_manifest(&mut self, name: &str, tag: &str, bytes: &[u8]) -> Outcome<()> {
        let path = format!("/v2/{name}/manifests/{tag}");
        self.call("PUT", &path, &[("Content-Type", MANIFEST_TYPE)], Body::Sized(&[bytes]), 201).map(drop)
    }

    fn location(&self, answer: &Answer, asked: &str) -> Outcome<String> {
        let location = answer.header("location").map(|location| relative(location).to_string());
        location.ok_or_else(|| self.server.wrong("upload at", asked, answer.status, "a Location"))
    }
}

/// Cuts scheme and host off an address.
fn relative(location: &str) -> &str {
    let Some((_, rest)) = location.split_once("://") else { return location };
    rest.find('/').map_or("/", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_taken_with_and_without_its_host() {
        assert_eq!(relative("http://127.0.0.1:5000/v2/a/blobs/uploads/1?x=y"), "/v2/a/blobs/uploads/1?x=y");
        assert_eq!(relative("/v2/a/blobs/uploads/1"), "/v2/a/blobs/uploads/1");
    }
}
