use crate::{
    iam::model::{ListVirtualMFADevicesRequest, ListVirtualMFADevicesResponse},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListVirtualMFADevices`: there are no second factors here.
pub struct ListVirtualMFADevices;

impl Operation for ListVirtualMFADevices {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListVirtualMFADevices";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListVirtualMFADevices");
    type Needs = Identities;
    type Request = Filled<ListVirtualMFADevicesRequest>;
    type Response = Reply<ListVirtualMFADevicesResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_LIST_VIRTUAL_MFA_DEVICES)]
    }

    async fn call(_: &Identities, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        Ok(Reply::with(
            cx,
            ListVirtualMFADevicesResponse { is_truncated: Some(false), marker: None, virtual_mfa_devices: vec![] },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{Room, text};

    #[test]
    fn there_are_none() {
        let room = Room::new();

        let answer = room.ask::<ListVirtualMFADevices>("AssignmentStatus=Assigned");

        assert_eq!((text(&answer, "VirtualMFADevices"), text(&answer, "IsTruncated")), ("", "false"));
    }
}
