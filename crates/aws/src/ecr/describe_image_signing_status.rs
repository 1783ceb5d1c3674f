use crate::{
    image,
    model::{DescribeImageSigningStatusRequest, DescribeImageSigningStatusResponse, ImageSigningStatus, SigningStatus},
    registry, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, Images, Repositories, SigningConfiguration, read_document};
use gantry_words::Cx;

/// `ecr:DescribeImageSigningStatus`: what became of the signatures an image should have. Nothing is signed yet, and that is
/// what is answered.
pub struct DescribeImageSigningStatus;

impl Operation for DescribeImageSigningStatus {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeImageSigningStatus";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeImageSigningStatus");
    type Needs = ((Repositories, Images), Documents);
    type Request = Asked<DescribeImageSigningStatusRequest>;
    type Response = Answer<DescribeImageSigningStatusResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SIGNING_STATUS, &asked.input.repository_name)]
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
        let configuration = documents.find(cx, None, DocumentKind::SigningConfiguration, "").await?;
        let configuration: Option<SigningConfiguration> =
            configuration.map(|document| read_document(&document.body)).transpose()?;
        let status = |profile: &str| ImageSigningStatus {
            signing_profile_arn: Some(profile.into()),
            status: Some(SigningStatus::Failed),
            failure_code: Some("NotAvailable".into()),
            failure_reason: Some(registry::NOT_SIGNED.into()),
        };
        let profiles = configuration.iter().flat_map(|rules| rules.profiles(repository.name.as_str()));
        Ok(Answer(DescribeImageSigningStatusResponse {
            repository_name: Some(repository.name.clone()),
            image_id: Some(image::name(&found, &input.image_id)),
            registry_id: Some(cx.account),
            signing_statuses: Some(profiles.map(status).collect()),
        }))
    }
}
