use crate::{
    iam::model::{GetAccountPasswordPolicyResponse, Nothing},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

/// `iam:GetAccountPasswordPolicy`: there are no passwords for a console here.
pub struct GetAccountPasswordPolicy;

impl Operation for GetAccountPasswordPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetAccountPasswordPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetAccountPasswordPolicy");
    type Needs = Identities;
    type Request = Filled<Nothing>;
    type Response = Reply<GetAccountPasswordPolicyResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_GET_ACCOUNT_PASSWORD_POLICY)]
    }

    async fn call(_: &Identities, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let message = format!("The Password Policy with domain name {} cannot be found.", cx.account);
        Err(Fault::new(FaultKind::NoSuchEntity, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{Room, text};

    #[test]
    fn there_is_none() {
        let room = Room::new();

        assert_eq!(text(&room.ask::<GetAccountPasswordPolicy>(""), "Code"), "NoSuchEntity");
    }
}
