use super::{OverHttp, PAGE_BYTES_MAX, Scope};
use crate::moving::{Trouble, registry::PastTaker};
use gantry_rest::{LifecyclePreviewDocument, PastDocument, PastTakenDocument};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use ureq::http::{Method, StatusCode};

impl OverHttp<'_> {
    /// Sends a document to the management API; `None` where the server has no such address.
    fn tell<T: DeserializeOwned>(&self, path: &str, document: &impl Serialize) -> Result<Option<T>, Trouble> {
        let body = serde_json::to_vec(document).map_err(|error| Trouble::Refused(error.to_string()))?;
        let answer = self.ask(&Method::POST, path, &[("content-type", "application/json")], Some(body.as_slice()))?;
        if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return Ok(None);
        }
        let answer = self.judge(path, answer, Scope::One)?;
        let told = serde_json::from_slice(&self.read(answer, PAGE_BYTES_MAX)?).ok();
        told.map(Some).ok_or_else(|| self.misunderstood("is not understood"))
    }
}

impl PastTaker for OverHttp<'_> {
    fn has_repository(&self, repository: &str) -> Result<bool, Trouble> {
        let path = format!("/api/v1/repositories/{repository}");
        let answer = self.ask(&Method::GET, &path, &[], None)?;
        // Of what may not be looked at nothing is to be changed.
        Ok(answer.status() != StatusCode::NOT_FOUND)
    }

    fn take_past(&self, repository: &str, past: &PastDocument) -> Result<Option<PastTakenDocument>, Trouble> {
        self.tell(&format!("/api/v1/repositories/{repository}/past"), past)
    }

    fn preview_lifecycle(&self, repository: &str, policy: &str) -> Result<Option<LifecyclePreviewDocument>, Trouble> {
        let body = json!({"policy": policy});
        self.tell(&format!("/api/v1/repositories/{repository}/lifecycle/preview"), &body)
    }
}
