//! A room of identities in memory, asked as clients ask it.

use crate::wire::IamQuery;
use futures_util::FutureExt;
use gantry_access::{Principal, sealed::SealingKey};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Operation, Payload, Refused, Wire};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::Metadata;
use gantry_words::AccountId;

/// Allows to pull.
pub(crate) const PULL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:BatchGetImage","Resource":"*"}]}"#;
/// Lets everybody of the account take a role.
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}"#;

pub(crate) struct Room(Identities);

impl Room {
    pub(crate) fn new() -> Room {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        Room(Identities::new(metadata, env, vec![SealingKey::derive(1, &[7; 32], &[])]))
    }

    /// Asks an operation with a form's parameters, as root; returns the XML of what it says.
    pub(crate) fn ask<O>(&self, form: &str) -> String
    where
        O: Operation<Wire = IamQuery, Needs = Identities>,
    {
        let cx = crate::testing::cx(O::NAME);
        let answer = self.try_ask::<O>(form, &cx).unwrap_or_else(|fault| {
            let (challenges, request_id) = (&[][..], cx.request_id);
            IamQuery::refuse(&Refused { fault: &fault, challenges, allow: None, retry_after_seconds: None, request_id })
        });
        let Payload::Bytes(body) = answer.body else { panic!("an answer has a body") };
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn try_ask<O>(&self, form: &str, cx: &gantry_words::Cx) -> Result<gantry_api::Outgoing, Fault>
    where
        O: Operation<Wire = IamQuery, Needs = Identities>,
    {
        let mut incoming = Incoming::new(http::Method::POST, "/");
        incoming.body = bytes::Bytes::copy_from_slice(form.as_bytes()).into();
        let request = O::Request::read(incoming).now_or_never().expect("a request at hand is read at once")?;
        assert!(O::LOCK == Lock::Access && !O::access(&request, cx).is_empty(), "{} is open", O::NAME);
        let root = Principal::root(AccountId::DEFAULT);
        let answer = O::call(&self.0, cx, &root, request).now_or_never().expect("lone metadata do not wait")?;
        Ok(answer.write())
    }
}

/// Returns the text of the first element of a name.
pub(crate) fn text<'a>(xml: &'a str, element: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{element}>")).unwrap_or_else(|| panic!("no {element} in {xml}"));
    rest.split_once("</").unwrap().0
}
