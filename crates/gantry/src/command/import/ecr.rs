//! What ECR tells over its API (AWS JSON 1.1, signed with SigV4), and what speaks the same.
//!
//! | file | what |
//! |---|---|
//! | `answers.rs` | what it answers |
//! | `keys.rs` | whose keys sign what is asked; where a registry's API is |
//! | `past.rs` | what the answers say of images and repositories |

pub(crate) mod answers;
pub(crate) mod keys;
mod past;

use super::{
    api_client::{Answer, ApiClient, ApiError, Call},
    facts::Facts,
    past::Past,
    source::SourceError,
};
use crate::moving::{ListBytes, wait_before};
use answers::{Image, Page, Refusal, Repository};
use gantry_access::sigv4::{PathForm, Realm, SignedRequest, print_date, sign};
use gantry_env::Env;
use gantry_oci::Digest;
use gantry_words::{Region, RepositoryName};
use keys::{Keys, Machine, place_of};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";
/// Entries of a page: the most that ECR gives.
const PAGE_ENTRIES_MAX: usize = 1_000;
const PAGES_MAX: usize = 10_000;
/// Entries of a list at most.
const ENTRIES_MAX: usize = 1_000_000;
/// Complaints of a list that are told.
const COMPLAINTS_MAX: usize = 20;

/// A registry of ECR, or another that speaks its API.
pub(super) struct Ecr {
    client: ApiClient,
    host: String,
    region: String,
    registry_id: Option<String>,
    keys: Keys,
    env: Env,
    /// The images of the repository that was asked for last: its images are asked for first, then its past.
    images: Mutex<Option<(RepositoryName, Arc<Listed>)>>,
}

struct Listed {
    images: Vec<Image>,
    complaints: Vec<String>,
}

impl Ecr {
    /// The API at `endpoint` for a region, and for the registry of an account (that of the keys, where none is named). Besides
    /// the authorities of the system, those in the PEM file `authorities` are believed.
    ///
    /// # Errors
    /// The authorities cannot be read.
    pub(super) fn new(
        endpoint: &str,
        region: &str,
        registry_id: Option<String>,
        keys: Keys,
        authorities: Option<&Path>,
    ) -> Result<Ecr, SourceError> {
        Ok(Ecr {
            client: ApiClient::new(endpoint, authorities)?,
            host: host_of(endpoint),
            region: region.to_owned(),
            registry_id,
            keys,
            env: Env::real(),
            images: Mutex::default(),
        })
    }

    /// The API of the registry at `base`, such as `https://012345678910.dkr.ecr.eu-west-1.amazonaws.com`, with the keys that
    /// AWS's own programs would take. A registry that is none of AWS's has it at the same address, for the region that is set.
    ///
    /// # Errors
    /// There are no keys, or the authorities cannot be read.
    pub(super) fn at(base: &str, authorities: Option<&Path>) -> Result<Ecr, SourceError> {
        let (keys, region) = Machine::real(|machine| (machine.keys(), machine.region()));
        let keys = keys?;
        match place_of(base) {
            Some(place) => Ecr::new(&place.endpoint, &place.region, place.registry_id, keys, authorities),
            None => {
                let region = region.unwrap_or_else(|| Region::default().to_string());
                Ecr::new(base, &region, None, keys, authorities)
            }
        }
    }

    /// Calls an operation; what is refused is told apart from what cannot be asked.
    fn call(&self, operation: &str, mut input: Value) -> Result<Result<Vec<u8>, (u16, Refusal)>, ApiError> {
        if let (Some(id), Some(members)) = (&self.registry_id, input.as_object_mut())
            && !matches!(operation, "ListTagsForResource" | "GetAuthorizationToken")
        {
            members.insert("registryId".into(), id.as_str().into());
        }
        let body = input.to_string();
        for attempt in 1.. {
            let answer = self.post(operation, body.as_bytes())?;
            if answer.is_success() {
                return Ok(Ok(answer.bytes));
            }
            let refusal = answers::read_refusal(&answer.bytes);
            // A busy ECR says so with 400.
            let is_busy = matches!(refusal.kind.as_str(), "ThrottlingException" | "TooManyRequestsException");
            match wait_before(attempt, is_busy.then_some(429).or(Some(400)), None) {
                Some(wait) => thread::sleep(wait),
                None => return Ok(Err((answer.status, refusal))),
            }
        }
        unreachable!("patience ends")
    }

    fn post(&self, operation: &str, body: &[u8]) -> Result<Answer, ApiError> {
        let (now, target) = (self.env.now(), format!("{TARGET}.{operation}"));
        let date = print_date(now);
        let mut headers = vec![
            ("content-type", "application/x-amz-json-1.1"),
            ("host", self.host.as_str()),
            ("x-amz-date", date.as_str()),
            ("x-amz-target", target.as_str()),
        ];
        if let Some(token) = &self.keys.session_token {
            headers.push(("x-amz-security-token", token.reveal().as_str()));
        }
        let signed: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let is_tls = self.client.base().starts_with("https://");
        let request =
            SignedRequest { method: "POST", path: "/", query: "", headers: &signed, public_host: None, body, is_tls };
        let realm = Realm { region: &self.region, service: "ecr", path: PathForm::Normalised };
        let authorization = sign(&request, &self.keys.id, &self.keys.secret, &realm, now);
        headers.push(("authorization", authorization.as_str()));
        self.client.send(&Call { path: "/", headers: &headers, body: Some(body) })
    }

    /// Reads what must be answered.
    fn load<T>(
        &self,
        operation: &str,
        input: Value,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, ApiError> {
        let answer = self.call(operation, input)?;
        let bytes = answer.map_err(|(status, refusal)| self.refused(operation, status, &refusal))?;
        read(&bytes).map_err(|problem| self.client.misunderstood(operation, &problem))
    }

    /// Reads what need not be there, and may be forbidden: then the remark says so.
    fn find<T>(
        &self,
        operation: &str,
        input: Value,
        read: impl Fn(&[u8]) -> Result<T, String>,
        remarks: &mut Vec<String>,
    ) -> Result<Option<T>, ApiError> {
        match self.call(operation, input)? {
            Ok(bytes) => read(&bytes).map(Some).map_err(|problem| self.client.misunderstood(operation, &problem)),
            Err((_, refusal)) if refusal.kind.ends_with("PolicyNotFoundException") => Ok(None),
            Err((_, refusal)) if refusal.kind == "AccessDeniedException" => {
                remarks.push(format!("these keys lack ecr:{operation}, so what it would tell does not travel"));
                Ok(None)
            }
            Err((status, refusal)) => Err(self.refused(operation, status, &refusal)),
        }
    }

    fn refused(&self, operation: &str, status: u16, refusal: &Refusal) -> ApiError {
        self.client.refused(operation, status, &format!("{} {}", refusal.kind, refusal.message))
    }

    /// Reads a list page by page.
    fn list<T>(
        &self,
        operation: &str,
        input: &Value,
        read: fn(&[u8]) -> Result<Page<T>, String>,
        what: &'static str,
    ) -> Result<Page<T>, SourceError> {
        let mut all = Page { list: Vec::new(), next: None, complaints: Vec::new() };
        let mut bytes = ListBytes::default();
        for _ in 0..PAGES_MAX {
            let mut input = input.clone();
            input["maxResults"] = PAGE_ENTRIES_MAX.into();
            if let Some(next) = all.next.take() {
                input["nextToken"] = next.into();
            }
            let page = self.load(operation, input, |page| bytes.take(page).and_then(|()| read(page)))?;
            all.list.extend(page.list);
            all.complaints.extend(page.complaints);
            all.complaints.truncate(COMPLAINTS_MAX);
            match page.next {
                Some(_) if all.list.len() >= ENTRIES_MAX => break,
                None => return Ok(all),
                next => all.next = next,
            }
        }
        Err(SourceError::TooMany { what, most: ENTRIES_MAX })
    }

    /// Lists the images of a repository, archived ones too.
    fn listed(&self, repository: &RepositoryName) -> Result<Arc<Listed>, SourceError> {
        let remembered = self.images.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, listed)) = remembered.filter(|(known, _)| known == repository) {
            return Ok(listed);
        }
        let input = json!({"repositoryName": repository.as_str(), "filter": {"imageStatus": "ANY"}});
        let page = self.list("DescribeImages", &input, answers::read_images, "images of a repository")?;
        let listed = Arc::new(Listed { images: page.list, complaints: page.complaints });
        *self.images.lock().unwrap_or_else(PoisonError::into_inner) = Some((repository.clone(), listed.clone()));
        Ok(listed)
    }
}

impl Facts for Ecr {
    fn repositories(&self) -> Result<Option<Vec<RepositoryName>>, SourceError> {
        let page: Page<Repository> =
            self.list("DescribeRepositories", &json!({}), answers::read_repositories, "repositories")?;
        match page.complaints.into_iter().next() {
            Some(problem) => Err(SourceError::Document { name: "the list of repositories", problem }),
            None => Ok(Some(page.list.into_iter().map(|repository| repository.name).collect())),
        }
    }

    fn images(&self, repository: &RepositoryName) -> Result<Option<Vec<Digest>>, SourceError> {
        let listed = self.listed(repository)?;
        let active = listed.images.iter().filter(|image| image.is_active);
        Ok(Some(active.map(|image| image.digest.clone()).collect()))
    }

    fn past(&self, repository: &RepositoryName) -> Result<Past, SourceError> {
        let listed = self.listed(repository)?;
        let mut past = past::past_of(&listed.images);
        let told = &mut past.repository;
        told.remarks.extend(listed.complaints.iter().cloned());
        let named = || json!({"repositoryName": repository.as_str()});
        let text = |member: &'static str| move |bytes: &[u8]| answers::read_text(bytes, member);
        told.lifecycle = self.find("GetLifecyclePolicy", named(), text("lifecyclePolicyText"), &mut told.remarks)?;
        told.policy = self.find("GetRepositoryPolicy", named(), text("policyText"), &mut told.remarks)?;
        let input = json!({"repositoryNames": [repository.as_str()]});
        let page = self.find("DescribeRepositories", input, answers::read_repositories, &mut told.remarks)?;
        let found = page.and_then(|page| page.list.into_iter().find(|found| found.name == *repository));
        if let Some(found) = found {
            past::tell_mutability(&found, told);
            if let Some(arn) = found.arn {
                let input = json!({"resourceArn": arn});
                let tags = self.find("ListTagsForResource", input, answers::read_tags, &mut told.remarks)?;
                past::tell_tags(tags.unwrap_or_default(), told);
            }
        }
        Ok(past)
    }

    fn credentials(&self) -> Result<Option<(String, String)>, SourceError> {
        // The password of one registry is good for all that the keys may see.
        Ok(Some(self.load("GetAuthorizationToken", json!({}), answers::read_login)?))
    }
}

/// Host and port as a client writes them: without the port of the scheme.
fn host_of(endpoint: &str) -> String {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let host = rest.split('/').next().unwrap_or_default();
    let port = if scheme == "http" { ":80" } else { ":443" };
    host.strip_suffix(port).unwrap_or(host).to_owned()
}

#[cfg(test)]
mod tests;
