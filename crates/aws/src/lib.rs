//! The AWS protocols, as far as ECR's users speak them: ECR, KMS and Secrets Manager (JSON 1.1), IAM and STS (query), a
//! file for each operation.
//!
//! Turns bytes into calls of the rooms and their answers into bytes; decides nothing. An operation declares its request
//! and response (types of the service model, generated), what must be allowed, and the call; routing, signatures,
//! authorisation and figures follow from that.
//!
//! | file | what |
//! |---|---|
//! | `ecr.rs`, `ecr/` | the operations of ECR, a file each |
//! | `iam.rs`, `iam/` | those of IAM; the types of its API in `iam/model.rs`, `iam/model/` |
//! | `kms.rs`, `kms/` | those of KMS; the types of its API in `kms/model.rs`, `kms/model/` |
//! | `secrets.rs`, `secrets/` | those of Secrets Manager; the types of its API in `secrets/model.rs`, `secrets/model/` |
//! | `sts.rs`, `sts/` | those of STS |
//! | `route.rs` | which request leads to which |
//! | `wire.rs`, `wire/` | how requests, answers and refusals look |
//! | `repository.rs`, `image.rs`, `layer.rs`, `resource_tags.rs`, `policy.rs`, `registry.rs`, `cache_rule.rs`, `template.rs`, `encryption.rs`, `backfill.rs`, `scan.rs`, `paging.rs` | how these look there |
//! | `download.rs` | addresses of layers, good for an hour |
//! | `shape.rs` | what a request must look like, and how ECR says that it does not |
//! | `model.rs`, `model/` | the types of the ECR API, generated |

// Its macros declare the generated types of every model.
#[macro_use]
mod model;

mod backfill;
mod cache_rule;
pub mod download;
pub mod ecr;
mod encryption;
pub mod iam;
mod image;
#[cfg(test)]
mod json_room;
pub mod kms;
mod layer;
mod paging;
mod policy;
mod registry;
mod repository;
mod resource_tags;
mod route;
mod scan;
pub mod secrets;
mod shape;
pub mod sts;
mod template;
#[cfg(test)]
mod testing;
mod wire;

use gantry_accounts::{Accounts, Identities, Keyring, Secrets};
use gantry_api::{Door, Paging, Pick, Surface};
use gantry_findings::{Gates, Scans};
use gantry_registry::{Archive, Blobs, Documents, Images, Repositories, Traffic, Uploads};

/// Mounts all of it on the rooms of `house`.
pub fn surface<H>(house: &H) -> Surface
where
    Accounts: Pick<H>,
    Archive: Pick<H>,
    Blobs: Pick<H>,
    Documents: Pick<H>,
    Gates: Pick<H>,
    Identities: Pick<H>,
    Images: Pick<H>,
    Keyring: Pick<H>,
    Paging: Pick<H>,
    Traffic: Pick<H>,
    Repositories: Pick<H>,
    Scans: Pick<H>,
    Secrets: Pick<H>,
    Uploads: Pick<H>,
{
    let mut doors = ecr::doors(house);
    doors.extend(iam::doors(house));
    doors.extend(kms::doors(house));
    doors.extend(secrets::doors(house));
    doors.extend(sts::doors(house));
    doors.push(Door::mount::<download::GetLayer, H>(house));
    Surface::new::<wire::AwsJson>(&["/", "/layers"], doors, route::route)
}

#[cfg(test)]
mod tests {
    use crate::{ecr, iam, kms, model::OPERATIONS, secrets};

    #[test]
    fn every_operation_of_ecr_is_one_of_its_model() {
        for name in ecr::NAMES {
            let operation = name.strip_prefix("ecr:").unwrap();
            assert!(OPERATIONS.iter().any(|(known, _)| *known == operation), "{name}");
        }
        assert!(ecr::NAMES.is_sorted());
    }

    #[test]
    fn the_page_on_the_api_tells_of_each_operation() {
        let rows = include_str!("../../../docs/ecr.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let told: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

        assert_eq!(told, OPERATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn every_operation_of_the_model_is_answered() {
        let answers = |name: &str| ecr::NAMES.iter().any(|known| known.strip_prefix("ecr:") == Some(name));
        let missing: Vec<_> = OPERATIONS.iter().map(|(name, _)| *name).filter(|name| !answers(name)).collect();

        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn the_operations_of_iam_are_those_of_its_model_and_its_page() {
        let answered: Vec<_> = iam::NAMES.iter().filter_map(|name| name.strip_prefix("iam:")).collect();
        let rows = include_str!("../../../docs/iam.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let told: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

        assert_eq!(answered, iam::model::OPERATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert_eq!(told, answered);
    }

    #[test]
    fn the_operations_on_secrets_are_those_of_their_model_and_their_page() {
        let answered: Vec<_> = secrets::NAMES.iter().filter_map(|name| name.strip_prefix("secretsmanager:")).collect();
        let rows = include_str!("../../../docs/secrets.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let told: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

        assert_eq!(answered, secrets::model::OPERATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert_eq!(told, answered);
    }

    #[test]
    fn the_operations_of_kms_are_those_of_its_model_and_its_page() {
        let answered: Vec<_> = kms::NAMES.iter().filter_map(|name| name.strip_prefix("kms:")).collect();
        let rows = include_str!("../../../docs/kms.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let told: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

        assert_eq!(answered, kms::model::OPERATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert_eq!(told, answered);
    }
}
