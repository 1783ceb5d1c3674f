use crate::{
    image,
    model::{
        DescribeImageReplicationStatusRequest, DescribeImageReplicationStatusResponse, ImageReplicationStatus,
        ReplicationStatus,
    },
    registry, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{Documents, Images, ReplicationDestination, Repositories};
use gantry_words::Cx;

/// `ecr:DescribeImageReplicationStatus`: whether an image has reached the registries it is copied to. Nothing is copied yet,
/// and that is what is answered.
pub struct DescribeImageReplicationStatus;

impl Operation for DescribeImageReplicationStatus {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeImageReplicationStatus";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeImageReplicationStatus");
    type Needs = ((Repositories, Images), Documents);
    type Request = Asked<DescribeImageReplicationStatusRequest>;
    type Response = Answer<DescribeImageReplicationStatusResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_REPLICATION_STATUS, &asked.input.repository_name)]
    }

    async fn call(
        ((repositories, images), documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let found = image::describe(images, cx, &repository, &input.image_id).await?;
        let replication = registry::replication(documents, cx).await?;
        let status = |to: &ReplicationDestination| ImageReplicationStatus {
            region: Some(to.region.to_string()),
            registry_id: Some(to.registry_id),
            status: Some(ReplicationStatus::Failed),
            failure_code: Some("ReplicationNotAvailable".into()),
        };
        let destinations = replication.destinations(repository.name.as_str());
        Ok(Answer(DescribeImageReplicationStatusResponse {
            repository_name: Some(repository.name.clone()),
            image_id: Some(image::name(&found, &input.image_id)),
            replication_statuses: Some(destinations.into_iter().map(status).collect()),
        }))
    }
}
