mod past;

use super::{
    Blob, Checked, Loaded, MANIFEST_BYTES_MAX, Pace, Registry, Sent, Trouble, next_page,
    pace::{Paced, wait_before},
};
use crate::{
    output::{Failure, Progress},
    remote::{Remote, percent_encoded},
};
use gantry_oci::{Algorithm, Descriptor, Digest, Manifest, ManifestLimits, Tag, media_type};
use gantry_rest::ImageDocument;
use serde::Deserialize;
use std::{io::Read, thread};
use ureq::{
    Body, SendBody,
    http::{Method, Response, StatusCode},
};

/// Pages of a list at most.
const PAGES_MAX: usize = 10_000;
/// Bytes of a page at most.
const PAGE_BYTES_MAX: u64 = 16 << 20;

/// A registry over its API (OCI Distribution 1.1.1), with the bytes that pass counted, and slowed where that is asked.
pub(crate) struct OverHttp<'a> {
    remote: Remote,
    pace: Option<&'a Pace>,
    progress: &'a Progress,
}

#[derive(Deserialize)]
struct TagPage {
    #[serde(default)]
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
struct ImagePage {
    images: Vec<ImageDocument>,
    next: Option<String>,
}

/// Which refusals end everything, and not one thing alone.
#[derive(Clone, Copy)]
enum Scope {
    /// What is refused here would be refused again.
    Repository,
    /// One image or tag.
    One,
}

impl<'a> OverHttp<'a> {
    /// Sees that the server answers, and who asks is known there.
    ///
    /// # Errors
    /// It does not, and is not waited for.
    pub(crate) fn open(remote: Remote, pace: Option<&'a Pace>, progress: &'a Progress) -> Result<Self, Failure> {
        let answer = remote.exchange(Method::GET, "/v2/", &[], SendBody::none())?;
        if !answer.status().is_success() {
            return Err(remote.refusal("/v2/", answer));
        }
        Ok(OverHttp { remote, pace, progress })
    }

    /// Asks, and asks again where the server is busy or was lost; whatever is answered then is an answer.
    fn ask(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Response<Body>, Failure> {
        for attempt in 1.. {
            let answer = match body {
                Some(body) => self.remote.exchange(method.clone(), path, headers, body),
                None => self.remote.exchange(method.clone(), path, headers, SendBody::none()),
            };
            if let Some(answer) = patiently(answer, attempt)? {
                return Ok(answer);
            }
        }
        unreachable!("patience ends")
    }

    fn get(&self, path: &str, headers: &[(&str, &str)], scope: Scope) -> Result<Response<Body>, Trouble> {
        let answer = self.ask(&Method::GET, path, headers, None)?;
        self.judge(path, answer, scope)
    }

    /// Turns an answer that is none into what it means.
    fn judge(&self, path: &str, answer: Response<Body>, scope: Scope) -> Result<Response<Body>, Trouble> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let failure = self.remote.refusal(path, answer);
        let is_of_one = match scope {
            _ if status == StatusCode::UNAUTHORIZED || status == StatusCode::TOO_MANY_REQUESTS => false,
            Scope::Repository => status != StatusCode::NOT_FOUND && status != StatusCode::FORBIDDEN,
            Scope::One => true,
        };
        if is_of_one && status.is_client_error() {
            return Err(Trouble::Refused(failure.problem().to_owned()));
        }
        match (scope, status) {
            (Scope::Repository, StatusCode::NOT_FOUND) => Err(Trouble::Stopped(Failure::failed(
                failure.problem(),
                "Create it with: gantry repo create NAME; or let pushes do so with create_on_push",
            ))),
            _ => Err(Trouble::Stopped(failure)),
        }
    }

    fn read(&self, answer: Response<Body>, bytes_max: u64) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::new();
        let read = answer.into_body().into_reader().take(bytes_max + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.misunderstood(&format!("broke off: {error}")))?;
        if bytes.len() as u64 > bytes_max {
            return Err(Trouble::Refused(format!("it is longer than {bytes_max} bytes")));
        }
        Ok(bytes)
    }

    fn misunderstood(&self, what: &str) -> Trouble {
        let problem = format!("the answer of {} {what}", self.remote.host());
        Trouble::Stopped(Failure::failed(problem, "Try again; what has been moved is not moved again"))
    }

    /// Reads a list page by page, each of which names the next in its header `Link` (RFC 8288).
    fn pages(&self, first: String, mut take: impl FnMut(&[u8]) -> Option<()>) -> Result<(), Trouble> {
        let mut path = first;
        for _ in 0..PAGES_MAX {
            let answer = self.get(&path, &[], Scope::One)?;
            let next = header(&answer, "link").and_then(next_page).and_then(|link| self.remote.path_of(link));
            let next = next.map(str::to_owned);
            let bytes = self.read(answer, PAGE_BYTES_MAX)?;
            take(&bytes).ok_or_else(|| self.misunderstood("is not understood"))?;
            match next {
                Some(next) => path = next,
                None => return Ok(()),
            }
        }
        Err(self.misunderstood("has too many pages"))
    }

    /// Opens an upload, or mounts the blob; returns where the bytes go, if they do.
    fn open_upload(&self, repository: &str, digest: &Digest, from: Option<&str>) -> Result<Option<String>, Trouble> {
        let mount = from.map(|from| format!("mount={digest}&from={}", percent_encoded(from, "/")));
        let is_long = digest.algorithm() == Algorithm::Sha512;
        let algorithm = is_long.then(|| "digest-algorithm=sha512".to_owned());
        let query: Vec<String> = mount.into_iter().chain(algorithm).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let path = format!("/v2/{repository}/blobs/uploads/{mark}{}", query.join("&"));
        let answer = self.ask(&Method::POST, &path, &[], Some(b""))?;
        let answer = self.judge(&path, answer, Scope::Repository)?;
        if answer.status() == StatusCode::CREATED {
            return Ok(None);
        }
        let place = header(&answer, "location").and_then(|location| self.remote.path_of(location));
        let place = place.ok_or_else(|| self.misunderstood("does not say where a blob goes"))?;
        let mark = if place.contains('?') { '&' } else { '?' };
        Ok(Some(format!("{place}{mark}digest={digest}")))
    }
}

/// Waits where the server is to be asked again, and says so by `None`.
fn patiently(answer: Result<Response<Body>, Failure>, attempt: u32) -> Result<Option<Response<Body>>, Failure> {
    let (status, retry_after) = match &answer {
        Ok(answer) if answer.status().is_success() => (Some(200), None),
        Ok(answer) => (Some(answer.status().as_u16()), header(answer, "retry-after")),
        Err(_) => (None, None),
    };
    match wait_before(attempt, status, retry_after) {
        Some(wait) => {
            thread::sleep(wait);
            Ok(None)
        }
        None => answer.map(Some),
    }
}

fn header<'r>(answer: &'r Response<Body>, name: &str) -> Option<&'r str> {
    answer.headers().get(name)?.to_str().ok()
}

impl Registry for OverHttp<'_> {
    fn find_manifest(&self, repository: &str, reference: &str) -> Result<Option<Digest>, Trouble> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let accept = media_type::MANIFESTS.join(", ");
        let answer = self.ask(&Method::HEAD, &path, &[("accept", accept.as_str())], None)?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = self.judge(&path, answer, Scope::Repository)?;
        let digest = header(&answer, "docker-content-digest").unwrap_or(reference).parse();
        digest.map(Some).map_err(|_| self.misunderstood("does not say which image it is"))
    }

    fn has_blob(&self, repository: &str, digest: &Digest) -> Result<bool, Trouble> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let answer = self.ask(&Method::HEAD, &path, &[], None)?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        self.judge(&path, answer, Scope::Repository).map(|_| true)
    }

    fn send_blob(&self, repository: &str, blob: &Blob<'_>, from: Option<&str>) -> Result<Sent, Trouble> {
        let length = blob.length.to_string();
        let headers = [("content-type", "application/octet-stream"), ("content-length", length.as_str())];
        for attempt in 1.. {
            let Some(path) = self.open_upload(repository, blob.digest, from)? else {
                self.progress.advance(blob.length);
                return Ok(Sent::Mounted);
            };
            let bytes = (blob.open)().map_err(|error| Trouble::Damaged(error.to_string()))?;
            let paced = Paced { inner: bytes, pace: self.pace, progress: self.progress };
            let mut body = Checked::new(paced, blob.digest, blob.length);
            let answer = self.remote.exchange(Method::PUT, &path, &headers, SendBody::from_reader(&mut body));
            if let Some(problem) = body.problem() {
                return Err(Trouble::Damaged(problem.to_owned()));
            }
            if let Some(answer) = patiently(answer, attempt)? {
                return self.judge(&path, answer, Scope::Repository).map(|_| Sent::Bytes);
            }
        }
        unreachable!("patience ends")
    }

    fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let answer = self.ask(&Method::PUT, &path, &[("content-type", media_type)], Some(bytes))?;
        self.judge(&path, answer, Scope::One).map(drop)
    }

    fn load_manifest(&self, repository: &str, reference: &str) -> Result<Loaded, Trouble> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let accept = media_type::MANIFESTS.join(", ");
        let answer = self.get(&path, &[("accept", accept.as_str())], Scope::One)?;
        let media_type = header(&answer, "content-type").map(str::to_owned);
        Ok(Loaded { media_type, bytes: self.read(answer, MANIFEST_BYTES_MAX)? })
    }

    fn open_blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + '_>, Trouble> {
        let answer = self.get(&format!("/v2/{repository}/blobs/{digest}"), &[], Scope::One)?;
        let inner = answer.into_body().into_reader();
        Ok(Box::new(Paced { inner, pace: self.pace, progress: self.progress }))
    }

    fn list_tags(&self, repository: &str) -> Result<Vec<Tag>, Trouble> {
        let mut tags = Vec::new();
        self.pages(format!("/v2/{repository}/tags/list?n=1000"), |page| {
            let page: TagPage = serde_json::from_slice(page).ok()?;
            tags.extend(page.tags.unwrap_or_default());
            Some(())
        })?;
        Ok(tags)
    }

    fn list_images(&self, repository: &str) -> Result<Vec<(Digest, bool)>, Trouble> {
        let (mut images, mut after) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let path = format!("/api/v1/repositories/{repository}/images?limit=1000{after}");
            let answer = self.get(&path, &[], Scope::One)?;
            let page: Option<ImagePage> = serde_json::from_slice(&self.read(answer, PAGE_BYTES_MAX)?).ok();
            let page = page.ok_or_else(|| self.misunderstood("is not understood"))?;
            for image in page.images {
                let digest = image.digest.parse().map_err(|_| self.misunderstood("is not understood"))?;
                images.push((digest, image.status == "ACTIVE"));
            }
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(images),
            }
        }
        Err(self.misunderstood("has too many pages"))
    }

    fn list_referrers(&self, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>, Trouble> {
        let limits = ManifestLimits { bytes_max: PAGE_BYTES_MAX as usize, ..ManifestLimits::default() };
        let mut referrers = Vec::new();
        self.pages(format!("/v2/{repository}/referrers/{subject}?n=1000"), |page| {
            let index = Manifest::parse(page, Some(media_type::OCI_INDEX), &limits).ok()?;
            referrers.extend(index.manifests);
            Some(())
        })?;
        Ok(referrers)
    }
}

#[cfg(test)]
mod tests;
