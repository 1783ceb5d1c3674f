//! What Harbor 2 tells over its own API (`/api/v2.0`, api/v2.0/swagger.yaml of goharbor/harbor).
//!
//! | file | what |
//! |---|---|
//! | `answers.rs` | what it answers: projects, repositories, artifacts, its audit log |
//! | `past.rs` | what that says of images and tags, and of who made them |
//! | `rules.rs`, `doublestar.rs` | the rules of a project; what their patterns mean |
//! | `translate.rs` | those rules in ECR's words, where these can say the same |

pub(crate) mod answers;
mod doublestar;
mod past;
pub(crate) mod rules;
pub(crate) mod translate;

use super::{
    api_client::{Answer, ApiClient, ApiError, Call},
    facts::Facts,
    past::Past,
    source::SourceError,
};
use crate::{moving::ListBytes, remote::percent_encoded};
use answers::{Artifact, Deed, Project};
use gantry_oci::Digest;
use gantry_words::{RepositoryName, Secret};
use rules::{Retention, Rule};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use translate::translate;

/// Entries of a page: the most that Harbor gives.
const PAGE_ENTRIES_MAX: usize = 100;
/// Entries of a list at most.
const ENTRIES_MAX: usize = 1_000_000;
/// Entries of an audit log that are read for a repository, the newest first.
const DEEDS_MAX: usize = 5_000;
/// Complaints of a repository that are told.
const COMPLAINTS_MAX: usize = 20;

/// A Harbor.
pub(super) struct Harbor {
    client: ApiClient,
    /// What a request says of who asks.
    login: Option<Secret<String>>,
    /// What was learned of projects: each has many repositories.
    projects: Mutex<BTreeMap<String, Arc<ProjectRules>>>,
    /// The artifacts of the repository that was asked for last: its images are asked for first, then its past.
    artifacts: Mutex<Option<(RepositoryName, Arc<Artifacts>)>>,
}

struct Artifacts {
    list: Vec<Artifact>,
    complaints: Vec<String>,
}

/// What the rules of a project are, and what may not be known of them.
#[derive(Default)]
struct ProjectRules {
    project: Project,
    retention: Retention,
    /// `None` where they are not told.
    immutable: Option<Vec<Rule>>,
    remarks: Vec<String>,
}

impl Harbor {
    /// A Harbor at `base`, such as `https://harbor.example`, which is asked with this `Authorization` of a user or of a robot.
    /// Besides the authorities of the system, those in the PEM file `authorities` are believed.
    ///
    /// # Errors
    /// The authorities cannot be read.
    pub(super) fn new(base: &str, login: Option<String>, authorities: Option<&Path>) -> Result<Harbor, SourceError> {
        Ok(Harbor {
            client: ApiClient::new(base, authorities)?,
            login: login.map(Secret::new),
            projects: Mutex::default(),
            artifacts: Mutex::default(),
        })
    }

    fn get(&self, path: &str) -> Result<Answer, ApiError> {
        let path = format!("/api/v2.0{path}");
        // Without the second a project is taken for a number where its name looks like one.
        let mut headers = vec![("accept", "application/json"), ("x-is-resource-name", "true")];
        headers.extend(self.login.as_ref().map(|login| ("authorization", login.reveal().as_str())));
        self.client.send(&Call { path: &path, headers: &headers, body: None })
    }

    /// Reads what must be answered.
    fn load<T>(&self, path: &str, read: impl Fn(&[u8]) -> Result<T, String>) -> Result<T, ApiError> {
        let answer = self.get(path)?;
        if !answer.is_success() {
            return Err(self.refused(path, &answer));
        }
        read(&answer.bytes).map_err(|problem| self.client.misunderstood(path, &problem))
    }

    fn refused(&self, path: &str, answer: &Answer) -> ApiError {
        let told: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        let said = told["errors"][0]["message"].as_str().unwrap_or("it does not say why");
        self.client.refused(path, answer.status, said)
    }

    /// Reads a list page by page; the function takes each, and says how many entries it had. At most `most` are read; whether
    /// there were more is returned.
    fn pages(
        &self,
        path: &str,
        query: &str,
        most: usize,
        mut take: impl FnMut(&[u8]) -> Result<usize, String>,
    ) -> Result<bool, ApiError> {
        let (mut read, mut bytes) = (0, ListBytes::default());
        for page in 1.. {
            let path = format!("{path}?page={page}&page_size={PAGE_ENTRIES_MAX}{query}");
            let answer = self.get(&path)?;
            if !answer.is_success() {
                return Err(self.refused(&path, &answer));
            }
            bytes.take(&answer.bytes).map_err(|problem| self.client.misunderstood(&path, &problem))?;
            let count = take(&answer.bytes).map_err(|problem| self.client.misunderstood(&path, &problem))?;
            read += count;
            if read >= answer.total.unwrap_or(usize::MAX) || count < PAGE_ENTRIES_MAX {
                return Ok(false);
            }
            if read >= most {
                return Ok(true);
            }
        }
        unreachable!("lists end")
    }

    /// Lists the artifacts of a repository.
    fn artifacts(&self, repository: &RepositoryName) -> Result<Arc<Artifacts>, SourceError> {
        let remembered = self.artifacts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, artifacts)) = remembered.filter(|(known, _)| known == repository) {
            return Ok(artifacts);
        }
        let (project, name) = parts_of(repository)?;
        let path = format!("/projects/{}/repositories/{}/artifacts", percent_encoded(project, ""), encoded_twice(name));
        let mut found = Artifacts { list: Vec::new(), complaints: Vec::new() };
        let query = "&with_tag=true&with_label=true&with_accessory=true";
        let has_more = self.pages(&path, query, ENTRIES_MAX, |bytes| {
            let page = answers::read_artifacts(bytes)?;
            found.list.extend(page.list);
            found.complaints.extend(page.complaints);
            found.complaints.truncate(COMPLAINTS_MAX);
            Ok(page.count)
        })?;
        if has_more {
            return Err(SourceError::TooMany { what: "images of a repository", most: ENTRIES_MAX });
        }
        let found = Arc::new(found);
        *self.artifacts.lock().unwrap_or_else(PoisonError::into_inner) = Some((repository.clone(), found.clone()));
        Ok(found)
    }

    /// Learns the rules of a project, once.
    fn project(&self, name: &str) -> Result<Arc<ProjectRules>, SourceError> {
        if let Some(known) = self.projects.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(known.clone());
        }
        let rules = Arc::new(self.load_project(name)?);
        self.projects.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), rules.clone());
        Ok(rules)
    }

    fn load_project(&self, name: &str) -> Result<ProjectRules, SourceError> {
        let mut rules = ProjectRules::default();
        let path = format!("/projects/{}", percent_encoded(name, ""));
        match permitted(self.load(&path, answers::read_project))? {
            Some(project) => rules.project = project,
            None => {
                rules.remarks.push(format!("whether project {name} has a retention is not told to this user of Harbor"))
            }
        }
        let mut immutable = Vec::new();
        let read = self.pages(&format!("{path}/immutabletagrules"), "", ENTRIES_MAX, |bytes| {
            let (page, count) = rules::read_immutable_rules(bytes)?;
            immutable.extend(page);
            Ok(count)
        });
        match permitted(read)? {
            Some(_) => rules.immutable = Some(immutable),
            None => {
                let remark = "are immutable is not told to this user of Harbor, and so no retention is translated";
                rules.remarks.push(format!("which tags of project {name} {remark}"));
            }
        }
        if let Some(id) = rules.project.retention_id {
            match permitted(self.load(&format!("/retentions/{id}"), rules::read_retention))? {
                Some(retention) => rules.retention = retention,
                None => {
                    rules.remarks.push(format!("the retention of project {name} is not told to this user of Harbor"))
                }
            }
        }
        let project = &rules.project;
        if project.is_public {
            let remark = "is public in Harbor: anybody may pull from it there, and here whom a policy lets";
            rules.remarks.push(format!("project {name} {remark}"));
        }
        if project.is_cache {
            let remark = "caches another registry in Harbor: what it holds travels, and the cache does not";
            rules.remarks.push(format!("project {name} {remark}"));
        }
        Ok(rules)
    }

    /// Lists who made artifacts and tags of a repository, as far as that may be known.
    ///
    /// Since 2.13 Harbor writes a new log; what happened before is in the old one.
    fn deeds(&self, repository: &RepositoryName) -> Result<(Vec<Deed>, Vec<String>), SourceError> {
        let (project, _) = parts_of(repository)?;
        let (mut deeds, mut remarks, mut is_told) = (Vec::new(), Vec::new(), false);
        let wanted = percent_encoded(&format!("operation=create,resource=~{repository}"), "");
        for log in ["auditlog-exts", "logs"] {
            let path = format!("/projects/{}/{log}", percent_encoded(project, ""));
            let read = self.pages(&path, &format!("&sort=-op_time&q={wanted}"), DEEDS_MAX, |bytes| {
                let (page, count) = answers::read_deeds(bytes)?;
                deeds.extend(page);
                Ok(count)
            });
            match read {
                Ok(has_more) => {
                    is_told = true;
                    if has_more {
                        remarks.push(format!("of the audit log of Harbor only the last {DEEDS_MAX} entries were read"));
                    }
                }
                // A version that has no such log, or a user who may not read it.
                Err(ApiError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if !is_told {
            remarks.push(
                "who pushed is not told to this user of Harbor: administrators of the project may read it".into(),
            );
        }
        Ok((deeds, remarks))
    }
}

impl Facts for Harbor {
    fn repositories(&self) -> Result<Option<Vec<RepositoryName>>, SourceError> {
        let mut projects = Vec::new();
        let is_too_many = |what| Err(SourceError::TooMany { what, most: ENTRIES_MAX });
        let has_more = self.pages("/projects", "&with_detail=false", ENTRIES_MAX, |bytes| {
            let names = answers::read_names(bytes)?;
            let count = names.len();
            projects.extend(names);
            Ok(count)
        })?;
        if has_more {
            return is_too_many("projects");
        }
        // What is pushed meanwhile moves entries to later pages, where they are met again.
        let mut repositories = BTreeSet::new();
        for project in projects {
            let path = format!("/projects/{}/repositories", percent_encoded(&project, ""));
            let has_more = self.pages(&path, "", ENTRIES_MAX, |bytes| {
                let names = answers::read_repositories(bytes)?;
                let count = names.len();
                repositories.extend(names);
                Ok(count)
            })?;
            if has_more || repositories.len() > ENTRIES_MAX {
                return is_too_many("repositories");
            }
        }
        Ok(Some(repositories.into_iter().collect()))
    }

    fn images(&self, repository: &RepositoryName) -> Result<Option<Vec<Digest>>, SourceError> {
        let artifacts = self.artifacts(repository)?;
        let mut digests = BTreeSet::new();
        for artifact in &artifacts.list {
            digests.insert(artifact.digest.clone());
            digests.extend(artifact.parts.iter().cloned());
            digests.extend(artifact.accessories.iter().map(|(digest, _)| digest.clone()));
        }
        Ok(Some(digests.into_iter().collect()))
    }

    fn past(&self, repository: &RepositoryName) -> Result<Past, SourceError> {
        let (project, name) = parts_of(repository)?;
        let artifacts = self.artifacts(repository)?;
        let rules = self.project(project)?;
        let (deeds, mut remarks) = self.deeds(repository)?;
        let mut past = past::past_of(&artifacts.list);
        past::attribute(&mut past, &artifacts.list, repository, &deeds);
        let translated = rules.immutable.as_ref().map(|immutable| translate(&rules.retention, immutable, name));
        let translated = translated.unwrap_or_default();
        let later = past::count_tagged_later(&artifacts.list);
        if translated.lifecycle.is_some() && later > 0 {
            let remark = "Harbor's retention counts from the tag, a lifecycle policy from the push";
            remarks.push(format!("{later} images were tagged after their push: {remark}"));
        }
        past.repository.lifecycle = translated.lifecycle;
        past.repository.is_immutable = translated.is_immutable;
        past.repository.remarks = rules.remarks.iter().cloned().chain(translated.remarks).chain(remarks).collect();
        past.repository.remarks.extend(artifacts.complaints.iter().cloned());
        Ok(past)
    }

    fn credentials(&self) -> Result<Option<(String, String)>, SourceError> {
        // Whom its own API knows, `/v2/` does too.
        Ok(None)
    }
}

/// Takes apart what may not be known from what failed.
fn permitted<T>(answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ApiError::Refused { status: 401 | 403 | 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The project of a repository, and its name within.
fn parts_of(repository: &RepositoryName) -> Result<(&str, &str), SourceError> {
    let problem = || format!("{repository} is in no project: a repository of Harbor is called PROJECT/NAME");
    repository
        .as_str()
        .split_once('/')
        .ok_or_else(|| SourceError::Document { name: "the name of a repository", problem: problem() })
}

/// A slash in the name of a repository is encoded twice, since Harbor's router decodes it once too often.
fn encoded_twice(name: &str) -> String {
    percent_encoded(&percent_encoded(name, ""), "")
}

#[cfg(test)]
mod tests;
