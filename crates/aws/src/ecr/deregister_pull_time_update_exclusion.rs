use crate::{
    model::{DeregisterPullTimeUpdateExclusionRequest, DeregisterPullTimeUpdateExclusionResponse},
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:DeregisterPullTimeUpdateExclusion`: his pulls count again.
pub struct DeregisterPullTimeUpdateExclusion;

impl Operation for DeregisterPullTimeUpdateExclusion {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DeregisterPullTimeUpdateExclusion";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DeregisterPullTimeUpdateExclusion");
    type Needs = Documents;
    type Request = Asked<DeregisterPullTimeUpdateExclusionRequest>;
    type Response = Answer<DeregisterPullTimeUpdateExclusionResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DEREGISTER_PULL_TIME_UPDATE_EXCLUSION)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let arn = asked.input.principal_arn;
        if documents.remove(cx, None, DocumentKind::PullTimeExclusion, &arn).await?.is_none() {
            let message = format!("The pull time update exclusion for {arn} does not exist");
            return Err(Fault::new(FaultKind::ExclusionNotFound, message));
        }
        Ok(Answer(DeregisterPullTimeUpdateExclusionResponse { principal_arn: Some(arn) }))
    }
}
