use crate::{
    iam::model::DeleteAccountAliasRequest,
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteAccountAlias`: takes the account's name from it.
pub struct DeleteAccountAlias;

impl Operation for DeleteAccountAlias {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteAccountAlias";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteAccountAlias");
    type Needs = Identities;
    type Request = Filled<DeleteAccountAliasRequest>;
    type Response = Reply<()>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_DELETE_ACCOUNT_ALIAS)]
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete_account_alias(cx, &asked.account_alias).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_account_alias::CreateAccountAlias,
        testing::{Room, text},
    };

    #[test]
    fn only_the_name_it_has_is_taken_from_an_account() {
        let room = Room::new();
        room.ask::<CreateAccountAlias>("AccountAlias=harbour");

        let other = room.ask::<DeleteAccountAlias>("AccountAlias=port");
        let gone = room.ask::<DeleteAccountAlias>("AccountAlias=harbour");

        assert_eq!(text(&other, "Code"), "NoSuchEntity");
        assert!(!gone.contains("Error"), "{gone}");
    }
}
