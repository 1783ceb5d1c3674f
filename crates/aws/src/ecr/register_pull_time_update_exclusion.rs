use crate::{
    model::{RegisterPullTimeUpdateExclusionRequest, RegisterPullTimeUpdateExclusionResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Change, DocumentKind, DocumentSeen, Documents};
use gantry_words::Cx;

/// Exclusions of a registry.
const EXCLUSIONS_MAX: u64 = 100;

/// `ecr:RegisterPullTimeUpdateExclusion`: someone whose pulls do not count as use of an image.
pub struct RegisterPullTimeUpdateExclusion;

impl Operation for RegisterPullTimeUpdateExclusion {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:RegisterPullTimeUpdateExclusion";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.RegisterPullTimeUpdateExclusion");
    type Needs = Documents;
    type Request = Asked<RegisterPullTimeUpdateExclusionRequest>;
    type Response = Answer<RegisterPullTimeUpdateExclusionResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_REGISTER_PULL_TIME_UPDATE_EXCLUSION)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let arn = asked.input.principal_arn;
        let wanted = arn.clone();
        let decide = move |seen: &DocumentSeen| match &seen.document {
            Some(_) => {
                let message = format!("The pull time update exclusion for {wanted} already exists");
                Err(Fault::new(FaultKind::ExclusionExists, message))
            }
            None if seen.count >= EXCLUSIONS_MAX => Err(registry::limit("pull time update exclusions", EXCLUSIONS_MAX)),
            None => Ok(Change::Write("{}".into())),
        };
        documents.change(cx, None, DocumentKind::PullTimeExclusion, &arn, Box::new(decide)).await?;
        Ok(Answer(RegisterPullTimeUpdateExclusionResponse {
            principal_arn: Some(arn),
            created_at: Some(cx.now.into()),
        }))
    }
}
