use crate::{
    iam::model::CreateAccountAliasRequest,
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreateAccountAlias`: gives the account a name.
pub struct CreateAccountAlias;

impl Operation for CreateAccountAlias {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreateAccountAlias";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreateAccountAlias");
    type Needs = Identities;
    type Request = Filled<CreateAccountAliasRequest>;
    type Response = Reply<()>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_CREATE_ACCOUNT_ALIAS)]
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.set_account_alias(cx, &asked.account_alias).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{Room, text};

    #[test]
    fn a_name_of_an_account_has_its_form() {
        let room = Room::new();

        let set = room.ask::<CreateAccountAlias>("AccountAlias=harbour");
        let refused = room.ask::<CreateAccountAlias>("AccountAlias=a--b");

        assert!(!set.contains("Error"), "{set}");
        assert_eq!(text(&refused, "Code"), "InvalidInput");
    }
}
