use crate::{
    kms::{
        model::RetireGrantRequest,
        show,
    },
    wire::{Answer, Asked, Empty, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:RetireGrant`: there is none that could be.
pub struct RetireGrant;

impl Operation for RetireGrant {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:RetireGrant";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.RetireGrant");
    type Needs = ();
    type Request = Asked<RetireGrantRequest>;
    type Response = Answer<Empty>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::KMS_RETIRE_GRANT)]
    }

    async fn call((): &Self::Needs, _: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let named = input.grant_id.or(input.grant_token).unwrap_or_default();
        Err(show::no_grant(&named))
    }
}
