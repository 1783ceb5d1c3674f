//! What was before is told to the rooms of a data folder whose server is stopped.

use crate::{
    command::tool::{Tool, fault_failure},
    moving::{PastTaker, Trouble},
};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{DocumentKind, Repository};
use gantry_rest::{LifecyclePreviewDocument, PastDocument, PastTakenDocument};
use gantry_words::Cx;

/// The rooms. Who may run this may do anything.
pub(super) struct Room<'a> {
    pub(super) tool: &'a Tool,
}

impl Room<'_> {
    fn cx(&self) -> Cx {
        self.tool.cx("import")
    }

    async fn find(&self, cx: &Cx, repository: &str) -> Result<Option<Repository>, Fault> {
        let name = repository.parse();
        let name = name.map_err(|error: gantry_words::RepositoryNameError| {
            Fault::new(FaultKind::NameInvalid, error.to_string())
        })?;
        self.tool.house.registry.repositories.find(cx, &name).await
    }

    /// Waits for something; what is refused concerns this repository alone.
    fn run<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Trouble> {
        self.tool.wait(work).map_err(|fault| match fault.kind {
            FaultKind::InvalidParameter | FaultKind::LimitExceeded | FaultKind::RepositoryNotFound => {
                Trouble::Refused(fault.message)
            }
            _ => Trouble::Stopped(fault_failure(fault)),
        })
    }
}

impl PastTaker for Room<'_> {
    fn has_repository(&self, repository: &str) -> Result<bool, Trouble> {
        let cx = self.cx();
        self.run(async { Ok(self.find(&cx, repository).await?.is_some()) })
    }

    fn take_past(&self, repository: &str, past: &PastDocument) -> Result<Option<PastTakenDocument>, Trouble> {
        let (cx, registry) = (self.cx(), &self.tool.house.registry);
        self.run(async {
            let Some(repository) = self.find(&cx, repository).await? else { return Ok(None) };
            let (past, rules) = past.clone().read()?;
            rules.put(&cx, &registry.repositories, &registry.documents, &repository).await?;
            registry.images.put_past(&cx, &repository, past).await.map(|taken| Some(taken.into()))
        })
    }

    fn preview_lifecycle(&self, repository: &str, policy: &str) -> Result<Option<LifecyclePreviewDocument>, Trouble> {
        let (cx, registry) = (self.cx(), &self.tool.house.registry);
        self.run(async {
            let Some(repository) = self.find(&cx, repository).await? else { return Ok(None) };
            let (counts, printed) = registry.images.count_preview(&cx, &repository, policy).await?;
            registry.documents.put(&cx, Some(&repository), DocumentKind::LifecyclePreview, "", printed).await?;
            Ok(Some(counts.into()))
        })
    }
}
