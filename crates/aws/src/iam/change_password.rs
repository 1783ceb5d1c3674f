use crate::{
    iam::{model::ChangePasswordRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Secret};

/// `iam:ChangePassword`: whoever asks chooses another password for himself.
pub struct ChangePassword;

impl Operation for ChangePassword {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ChangePassword";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ChangePassword");
    type Needs = Accounts;
    type Request = Filled<ChangePasswordRequest>;
    type Response = Reply<()>;

    fn access(_: &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_CHANGE_PASSWORD, None, &cx.actor)
    }

    async fn call(
        accounts: &Accounts,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(None, &cx.actor)?;
        let (old, new) = (Secret::new(asked.old_password), Secret::new(asked.new_password));
        match accounts.change_own_password(cx, user, &old, &new).await {
            // He has signed the request: it is the password that is wrong.
            Err(fault) if fault.kind == FaultKind::Unauthenticated => {
                Err(Fault::new(FaultKind::AccessDenied, "The old password was incorrect."))
            }
            done => done.map(|()| Reply::done(cx)),
        }
    }
}
