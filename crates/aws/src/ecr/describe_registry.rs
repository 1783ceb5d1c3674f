use crate::{
    model::{DescribeRegistryRequest, DescribeRegistryResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::Documents;
use gantry_words::Cx;

/// `ecr:DescribeRegistry`: which registry this is, and how it replicates.
pub struct DescribeRegistry;

impl Operation for DescribeRegistry {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeRegistry";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry");
    type Needs = Documents;
    type Request = Asked<DescribeRegistryRequest>;
    type Response = Answer<DescribeRegistryResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DESCRIBE_REGISTRY)]
    }

    async fn call(documents: &Self::Needs, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let replication = registry::replication(documents, cx).await?;
        Ok(Answer(DescribeRegistryResponse {
            registry_id: Some(cx.account),
            replication_configuration: Some(registry::convert(&replication)?),
        }))
    }
}
