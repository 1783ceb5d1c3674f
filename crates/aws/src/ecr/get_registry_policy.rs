use crate::{
    model::{GetRegistryPolicyRequest, GetRegistryPolicyResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:GetRegistryPolicy`: what other registries may do in this one, as it was written.
pub struct GetRegistryPolicy;

impl Operation for GetRegistryPolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetRegistryPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.GetRegistryPolicy");
    type Needs = Documents;
    type Request = Asked<GetRegistryPolicyRequest>;
    type Response = Answer<GetRegistryPolicyResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_GET_REGISTRY_POLICY)]
    }

    async fn call(documents: &Self::Needs, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let document = documents.find(cx, None, DocumentKind::RegistryPolicy, "").await?;
        let document = document.ok_or_else(|| registry::without_policy(cx))?;
        Ok(Answer(GetRegistryPolicyResponse { registry_id: Some(cx.account), policy_text: Some(document.body) }))
    }
}
