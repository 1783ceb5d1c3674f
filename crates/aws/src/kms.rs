//! AWS Key Management Service, as far as it is there: an operation is a file and a line.
//!
//! What the operations do is done by [`gantry_accounts::Keyring`]; how it looks in this API is in `show.rs`, what
//! permissions are asked on in `resource.rs`. The policy of a key has its say in each of them.

pub(crate) mod model;
mod paging;
mod resource;
mod show;
#[cfg(test)]
mod tests;

pub(crate) use resource::key as key_access;

gantry_api::operations! {
    cancel_key_deletion::CancelKeyDeletion,
    create_alias::CreateAlias,
    create_grant::CreateGrant,
    create_key::CreateKey,
    decrypt::Decrypt,
    delete_alias::DeleteAlias,
    describe_key::DescribeKey,
    disable_key::DisableKey,
    disable_key_rotation::DisableKeyRotation,
    enable_key::EnableKey,
    enable_key_rotation::EnableKeyRotation,
    encrypt::Encrypt,
    generate_data_key::GenerateDataKey,
    generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext,
    generate_random::GenerateRandom,
    get_key_policy::GetKeyPolicy,
    get_key_rotation_status::GetKeyRotationStatus,
    list_aliases::ListAliases,
    list_grants::ListGrants,
    list_key_policies::ListKeyPolicies,
    list_key_rotations::ListKeyRotations,
    list_keys::ListKeys,
    list_resource_tags::ListResourceTags,
    put_key_policy::PutKeyPolicy,
    re_encrypt::ReEncrypt,
    retire_grant::RetireGrant,
    revoke_grant::RevokeGrant,
    rotate_key_on_demand::RotateKeyOnDemand,
    schedule_key_deletion::ScheduleKeyDeletion,
    tag_resource::TagResource,
    untag_resource::UntagResource,
    update_alias::UpdateAlias,
    update_key_description::UpdateKeyDescription,
}
