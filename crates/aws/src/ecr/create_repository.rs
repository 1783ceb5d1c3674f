use crate::{
    encryption, kms,
    model::{CreateRepositoryRequest, CreateRepositoryResponse},
    repository, resource_tags,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, NewRepository, Repositories, RepositoryRules};
use gantry_words::Cx;

/// `ecr:CreateRepository`.
pub struct CreateRepository;

impl Operation for CreateRepository {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:CreateRepository";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.CreateRepository");
    type Needs = (Repositories, Accounts, Keyring);
    type Request = Asked<CreateRepositoryRequest>;
    type Response = Answer<CreateRepositoryResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let name = &asked.input.repository_name;
        let create = Access::on(action::ECR_CREATE_REPOSITORY, name);
        let key = asked.input.encryption_configuration.as_ref().and_then(encryption::named_key);
        let of_key = [action::KMS_DESCRIBE_KEY, action::KMS_CREATE_GRANT];
        let of_key = key.into_iter().flat_map(|key| of_key.map(|action| kms::key_access(action, key)));
        let mut accesses: Vec<Access> = match asked.input.tags.as_deref() {
            None | Some([]) => vec![create],
            // The repository has them from its first moment on.
            Some(tags) => {
                let of_repository = tags.iter().map(|tag| (format!("aws:ResourceTag/{}", tag.key), tag.value.as_str()));
                let create = of_repository.fold(create, |create, (key, value)| create.with(key, [value]));
                [create, Access::on(action::ECR_TAG_RESOURCE, name)]
                    .map(|access| resource_tags::about(access, tags))
                    .into()
            }
        };
        accesses.extend(of_key);
        accesses
    }

    async fn call(
        (repositories, accounts, keyring): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let Asked { input, origin, .. } = asked;
        let site = accounts.site();
        repository::this_registry(cx, input.registry_id)?;
        let filters = input.image_tag_mutability_exclusion_filters.as_deref();
        let scanning = input.image_scanning_configuration.unwrap_or_default();
        let encryption = match input.encryption_configuration {
            Some(asked) => Some(encryption::settle(keyring, cx, asked).await?),
            None => None,
        };
        let rules = RepositoryRules {
            tags: repository::read_tags(input.image_tag_mutability, filters)?,
            scans_on_push: scanning.scan_on_push.unwrap_or(false),
            encryption: encryption.map(|asked| repository::read_encryption(&asked, cx, site)).transpose()?,
            ..RepositoryRules::default()
        };
        let tags = resource_tags::read(input.tags.as_deref().unwrap_or_default())?;
        let documents = Some((DocumentKind::ResourceTags, tags.print())).filter(|_| !tags.is_empty());
        let new = NewRepository { name: input.repository_name, rules, documents: Vec::from_iter(documents) };
        let created = repositories.create_with(cx, new).await?;
        Ok(Answer(CreateRepositoryResponse { repository: Some(repository::show(&created, cx, site, &origin)) }))
    }
}
