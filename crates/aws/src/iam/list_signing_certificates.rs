use crate::{
    iam::{
        model::{ListSigningCertificatesRequest, ListSigningCertificatesResponse},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListSigningCertificates`: a user has no signing certificates here.
pub struct ListSigningCertificates;

impl Operation for ListSigningCertificates {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListSigningCertificates";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListSigningCertificates");
    type Needs = Identities;
    type Request = Filled<ListSigningCertificatesRequest>;
    type Response = Reply<ListSigningCertificatesResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_LIST_SIGNING_CERTIFICATES, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        if let Some(name) = resource::user_or_caller(asked.user_name.as_deref(), &cx.actor) {
            identities.load(cx.account, IdentityKind::User, name).await?;
        }
        Ok(Reply::with(
            cx,
            ListSigningCertificatesResponse { certificates: vec![], is_truncated: Some(false), marker: None },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn the_list_is_empty_for_a_user_who_is_there() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let empty = room.ask::<ListSigningCertificates>("UserName=ann");
        let nobodys = room.ask::<ListSigningCertificates>("UserName=nobody");

        assert_eq!(text(&empty, "IsTruncated"), "false");
        assert!(!empty.contains("<member>") && !empty.contains("Error"), "{empty}");
        assert_eq!(text(&nobodys, "Code"), "NoSuchEntity");
    }
}
