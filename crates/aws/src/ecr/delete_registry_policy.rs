use crate::{
    model::{DeleteRegistryPolicyRequest, DeleteRegistryPolicyResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:DeleteRegistryPolicy`: removes the policy of the registry, and answers it.
pub struct DeleteRegistryPolicy;

impl Operation for DeleteRegistryPolicy {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DeleteRegistryPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.DeleteRegistryPolicy");
    type Needs = Documents;
    type Request = Asked<DeleteRegistryPolicyRequest>;
    type Response = Answer<DeleteRegistryPolicyResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DELETE_REGISTRY_POLICY)]
    }

    async fn call(documents: &Self::Needs, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let document = documents.remove(cx, None, DocumentKind::RegistryPolicy, "").await?;
        let document = document.ok_or_else(|| registry::without_policy(cx))?;
        Ok(Answer(DeleteRegistryPolicyResponse { registry_id: Some(cx.account), policy_text: Some(document.body) }))
    }
}
