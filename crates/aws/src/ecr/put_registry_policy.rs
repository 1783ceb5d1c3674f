use crate::{
    model::{PutRegistryPolicyRequest, PutRegistryPolicyResponse},
    policy,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, PolicyPlace, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:PutRegistryPolicy`: what other registries may do in this one.
pub struct PutRegistryPolicy;

impl Operation for PutRegistryPolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutRegistryPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.PutRegistryPolicy");
    type Needs = Documents;
    type Request = Asked<PutRegistryPolicyRequest>;
    type Response = Answer<PutRegistryPolicyResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_PUT_REGISTRY_POLICY)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let text = asked.input.policy_text;
        policy::check(&text, PolicyPlace::Registry)?;
        documents.put(cx, None, DocumentKind::RegistryPolicy, "", text.clone()).await?;
        Ok(Answer(PutRegistryPolicyResponse { registry_id: Some(cx.account), policy_text: Some(text) }))
    }
}
