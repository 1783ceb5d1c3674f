//! AWS Secrets Manager, as far as it is there: an operation is a file and a line.
//!
//! What the operations do is done by [`gantry_accounts::Secrets`]; how it looks in this API is in `show.rs`, what
//! permissions are asked on in `resource.rs`.

pub(crate) mod model;
mod resource;
mod show;
#[cfg(test)]
mod tests;

gantry_api::operations! {
    create_secret::CreateSecret,
    delete_resource_policy::DeleteResourcePolicy,
    delete_secret::DeleteSecret,
    describe_secret::DescribeSecret,
    get_random_password::GetRandomPassword,
    get_resource_policy::GetResourcePolicy,
    get_secret_value::GetSecretValue,
    list_secret_version_ids::ListSecretVersionIds,
    list_secrets::ListSecrets,
    put_resource_policy::PutResourcePolicy,
    put_secret_value::PutSecretValue,
    restore_secret::RestoreSecret,
    tag_resource::TagResource,
    untag_resource::UntagResource,
    update_secret::UpdateSecret,
    update_secret_version_stage::UpdateSecretVersionStage,
    validate_resource_policy::ValidateResourcePolicy,
}
