//! Rooms in memory for the operations of the JSON services, asked as clients ask them.

use futures_util::FutureExt;
use gantry_access::Principal;
use gantry_accounts::{Accounts, Identities, Keyring, MasterKey, MasterKeyPlace, RootCredentials, Secrets, Settings};
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Operation, Outgoing, Payload, Pick, Refused, Wire};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::Metadata;
use gantry_words::{AccountId, Region, Secret};
use serde_json::Value;
use std::sync::Arc;

/// A place that keeps nothing: what is made here lasts no longer than the process.
struct Nowhere;

impl MasterKeyPlace for Nowhere {
    fn keep(&self, key: MasterKey) -> Result<MasterKey, Fault> {
        Ok(key)
    }
}

pub(crate) struct Room {
    keyring: Keyring,
    accounts: Accounts,
    secrets: Secrets,
}

impl Pick<Room> for Keyring {
    fn pick(room: &Room) -> Self {
        room.keyring.clone()
    }
}

impl Pick<Room> for Secrets {
    fn pick(room: &Room) -> Self {
        room.secrets.clone()
    }
}

impl Pick<Room> for Accounts {
    fn pick(room: &Room) -> Self {
        room.accounts.clone()
    }
}

impl Room {
    pub(crate) fn new() -> Room {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let place = Arc::new(Nowhere);
        let keyring = Keyring::open(metadata.clone(), env.clone(), Region::default(), None, place).now_or_never();
        let keyring = keyring.unwrap().unwrap();
        let secrets = Secrets::new(metadata.clone(), env.clone(), Region::default(), keyring.clone());
        let identities = Identities::new(metadata.clone(), env.clone(), vec![]);
        let root = RootCredentials {
            access_key_id: "AKIAROOT".into(),
            secret_access_key: Secret::new("0123456789abcdef".into()),
        };
        let site = crate::testing::site();
        let accounts = Accounts::open(&Settings::default(), root, site, identities, metadata, env).now_or_never();
        Room { keyring, secrets, accounts: accounts.unwrap().unwrap() }
    }

    /// Asks an operation as root.
    pub(crate) fn ask<O>(&self, body: &Value) -> Value
    where
        O: Operation,
        O::Needs: Pick<Room>,
    {
        let cx = crate::testing::cx(O::NAME);
        let answer = self.try_ask::<O>(body, &cx).unwrap_or_else(|fault| {
            let (challenges, request_id) = (&[][..], cx.request_id);
            O::Wire::refuse(&Refused { fault: &fault, challenges, allow: None, retry_after_seconds: None, request_id })
        });
        let Payload::Bytes(body) = answer.body else { panic!("an answer has a body") };
        serde_json::from_slice(&body).unwrap()
    }

    fn try_ask<O>(&self, body: &Value, cx: &gantry_words::Cx) -> Result<Outgoing, Fault>
    where
        O: Operation,
        O::Needs: Pick<Room>,
    {
        let mut incoming = Incoming::new(http::Method::POST, "/");
        incoming.body = bytes::Bytes::from(body.to_string()).into();
        let request = O::Request::read(incoming).now_or_never().expect("a request at hand is read at once")?;
        assert!(O::LOCK == Lock::Access && !O::access(&request, cx).is_empty(), "{} is open", O::NAME);
        let root = Principal::root(AccountId::DEFAULT);
        let needs = O::Needs::pick(self);
        let answer = O::call(&needs, cx, &root, request).now_or_never().expect("lone metadata do not wait")?;
        Ok(answer.write())
    }
}

/// The exception of a refusal.
pub(crate) fn code(refusal: &Value) -> &str {
    refusal["__type"].as_str().unwrap_or_else(|| panic!("{refusal} is no refusal"))
}
