use crate::{images::Images, lifecycle::survey, repositories::Repository};
use gantry_fault::{Fault, FaultKind};
use gantry_lifecycle::{Action, Decision, Pattern, Policy, StorageClass, evaluate};
use gantry_metadata::Reader;
use gantry_words::{Cx, Timestamp};

/// What a lifecycle policy would do to a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// The images it would act on, the oldest first.
    pub images: Vec<PreviewedImage>,
}

/// An image that a lifecycle policy would act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewedImage {
    /// Its digest.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Whether it is in the archive.
    pub is_archived: bool,
    /// The priority of the rule that acts.
    pub rule: u32,
    /// What the rule does.
    pub action: Action,
}

/// How many images a lifecycle policy would act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PreviewCounts {
    /// All images that it looks at.
    pub images: u64,
    /// Those that would expire.
    pub expiring: u64,
    /// Those that would go to the archive.
    pub archiving: u64,
}

impl Images {
    /// Says how many images of a repository a policy would act on now, and returns it as it is printed. Changes nothing.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where the text is no lifecycle policy as ECR has them.
    pub async fn count_preview(
        &self,
        cx: &Cx,
        repository: &Repository,
        text: &str,
    ) -> Result<(PreviewCounts, String), Fault> {
        let policy = Policy::parse(text, &self.ports.settings.lifecycle.of_policies());
        let wrong = |error| Fault::new(FaultKind::InvalidParameter, format!("the lifecycle policy is none: {error}"));
        let policy = policy.map_err(wrong)?;
        let (id, rules, at, printed) = (repository.id, repository.rules.clone(), cx.now, policy.to_string());
        let look = move |rows: &mut Reader| {
            let images = survey::gather(rows, id, at, at)?.images;
            let preview = decide(&policy, &images, at, rules.protected_tags.patterns());
            let expiring = preview.images.iter().filter(|image| image.action == Action::Expire).count();
            Ok(PreviewCounts {
                images: images.len() as u64,
                expiring: expiring as u64,
                archiving: (preview.images.len() - expiring) as u64,
            })
        };
        Ok((self.ports.metadata.read_long(look).await?, printed))
    }

    /// Says what a policy would do at the time `at` to the images that were there then. Changes nothing.
    ///
    /// Costs by the images of the repository: about a second and 500 bytes each for a million.
    pub async fn preview(&self, repository: &Repository, policy: Policy, at: Timestamp) -> Result<Preview, Fault> {
        let (id, rules) = (repository.id, repository.rules.clone());
        let look = move |rows: &mut Reader| {
            Ok(decide(&policy, &survey::gather(rows, id, at, at)?.images, at, rules.protected_tags.patterns()))
        };
        self.ports.metadata.read_long(look).await
    }
}

/// Says what a policy would do.
fn decide(policy: &Policy, images: &gantry_lifecycle::Images, at: Timestamp, protected_tags: &[Pattern]) -> Preview {
    let decisions = evaluate(policy, images, at, protected_tags);
    let acts = decisions.oldest_first().filter_map(|(place, decision)| match decision {
        Decision::Act { rule, action, .. } => Some(PreviewedImage {
            digest: images.digest(place).into(),
            tags: images.tags(place).map(str::to_string).collect(),
            pushed_at: images.facts(place).pushed_at.unwrap_or(at),
            is_archived: images.facts(place).storage_class == StorageClass::Archive,
            rule,
            action,
        }),
        Decision::Keep(_) => None,
    });
    Preview { images: acts.collect() }
}
