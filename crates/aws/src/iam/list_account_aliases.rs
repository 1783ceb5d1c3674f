use crate::{
    iam::model::{ListAccountAliasesRequest, ListAccountAliasesResponse},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListAccountAliases`: reads the account's name.
pub struct ListAccountAliases;

impl Operation for ListAccountAliases {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListAccountAliases";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListAccountAliases");
    type Needs = Identities;
    type Request = Filled<ListAccountAliasesRequest>;
    type Response = Reply<ListAccountAliasesResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_LIST_ACCOUNT_ALIASES)]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let alias = identities.account_alias(cx.account).await?;
        Ok(Reply::with(
            cx,
            ListAccountAliasesResponse {
                account_aliases: alias.into_iter().collect(),
                is_truncated: Some(false),
                marker: None,
            },
        ))
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
    fn an_account_has_one_name_or_none() {
        let room = Room::new();

        let none = room.ask::<ListAccountAliases>("");
        room.ask::<CreateAccountAlias>("AccountAlias=harbour");

        assert_eq!(text(&none, "AccountAliases"), "");
        assert_eq!(text(&room.ask::<ListAccountAliases>(""), "member"), "harbour");
    }
}
