//! What the tests of this crate stand on.

use gantry_accounts::Site;
use gantry_words::{AccountId, Cx, Region, RequestId, Timestamp};

pub(crate) fn cx(operation: &'static str) -> Cx {
    Cx {
        actor: "arn:aws:iam::000000000000:root".into(),
        account: AccountId::DEFAULT,
        operation,
        request_id: RequestId::new([7; 16]),
        now: Timestamp::from_millis(1_795_255_200_000),
        source: None,
    }
}

pub(crate) fn site() -> Site {
    Site { account: AccountId::DEFAULT, region: Region::default(), service: "gantry".into() }
}
