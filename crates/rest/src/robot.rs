//! Robots: users that are programs, made with all that they need in one call.

use crate::identity;
use gantry_access::{Access, action};
use gantry_accounts::{AccessKey, Identities, Identity, IdentityKind, NewAccessKey, NewIdentity};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Timestamp, TimestampError};
use serde_json::json;
use std::time::Duration;

/// The name of the policy that says which repositories a robot may pull from and push to.
const POLICY: &str = "repositories";
/// Repositories that a robot is given by their prefixes.
const PREFIXES_MAX: usize = 20;
/// Policies, keys and groups of one robot, at the most.
const OF_ONE_MAX: usize = 1_000;
const PULL: &[&str] =
    &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability", "ecr:ListImages"];
const PUSH: &[&str] = &["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"];

/// A robot to be made.
#[derive(Debug)]
pub(crate) struct NewRobot {
    pub(crate) identity: NewIdentity,
    /// ARNs of managed policies.
    pub(crate) policies: Vec<String>,
    /// Prefixes of the names of repositories.
    pub(crate) pull: Vec<String>,
    pub(crate) push: Vec<String>,
}

impl NewRobot {
    /// Checks the prefixes: what stands for anything in a policy stands in no name.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let wrong = |message: String| Err(Fault::new(FaultKind::InvalidParameter, message));
        if self.pull.len() + self.push.len() > PREFIXES_MAX {
            return wrong(format!("A robot is given at most {PREFIXES_MAX} prefixes; write a policy for more"));
        }
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
        match self.pull.iter().chain(&self.push).find(|prefix| prefix.len() > 256 || !prefix.bytes().all(allowed)) {
            Some(prefix) => {
                let shown: String = prefix.chars().take(64).collect();
                wrong(format!("{shown:?} begins no name of a repository, such as team/"))
            }
            None => Ok(()),
        }
    }

    /// What it takes to make it.
    pub(crate) fn access(&self) -> Vec<Access> {
        let name = &self.identity.name;
        let mut accesses = identity::made(action::IAM_CREATE_USER, None, &self.identity);
        for arn in &self.policies {
            let attach = identity::named(action::IAM_ATTACH_USER_POLICY, "user", name);
            accesses.extend(self.bounded(identity::with_policy(attach, arn)));
        }
        if self.document().is_some() {
            accesses.extend(self.bounded(identity::named(action::IAM_PUT_USER_POLICY, "user", name)));
        }
        accesses.extend(identity::named(action::IAM_CREATE_ACCESS_KEY, "user", name));
        accesses
    }

    /// The same, of somebody who has this boundary by then.
    fn bounded(&self, accesses: Vec<Access>) -> Vec<Access> {
        let Some(arn) = &self.identity.boundary else { return accesses };
        accesses.into_iter().map(|access| access.with("iam:PermissionsBoundary", [arn.as_str()])).collect()
    }

    /// The policy for its repositories; none where it is given none.
    fn document(&self) -> Option<String> {
        if self.pull.is_empty() && self.push.is_empty() {
            return None;
        }
        let resources = |prefixes: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            prefixes.map(|prefix| format!("arn:aws:ecr:*:*:repository/{prefix}*")).collect()
        };
        let mut statements = vec![
            json!({"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}),
            json!({"Effect": "Allow", "Action": PULL, "Resource": resources(&mut self.pull.iter().chain(&self.push))}),
        ];
        if !self.push.is_empty() {
            let resources = resources(&mut self.push.iter());
            statements.push(json!({"Effect": "Allow", "Action": PUSH, "Resource": resources}));
        }
        Some(json!({"Version": "2012-10-17", "Statement": statements}).to_string())
    }
}

/// Reads a time.
pub(crate) fn parse_time(member: &str, text: &str) -> Result<Timestamp, Fault> {
    let wrong = |error: TimestampError| Fault::new(FaultKind::InvalidParameter, format!("{member}: {error}"));
    text.parse().map_err(wrong)
}

/// Makes a robot; where something of it cannot be made, nothing of it stays.
pub(crate) async fn create(identities: &Identities, cx: &Cx, new: NewRobot) -> Result<NewAccessKey, Fault> {
    let name = new.identity.name.clone();
    identities.create(cx, new.identity.clone()).await?;
    match equip(identities, cx, &name, &new).await {
        Ok(key) => Ok(key),
        Err(fault) => {
            // The key comes last: what cannot be deleted now lets nobody in.
            drop(delete(identities, cx, &name).await);
            Err(fault)
        }
    }
}

async fn equip(identities: &Identities, cx: &Cx, name: &str, new: &NewRobot) -> Result<NewAccessKey, Fault> {
    for arn in &new.policies {
        identities.attach_policy(cx, IdentityKind::User, name, arn).await?;
    }
    if let Some(document) = new.document() {
        identities.put_inline_policy(cx, IdentityKind::User, name, POLICY, &document).await?;
    }
    identities.create_access_key(cx, name).await
}

/// Loads a robot.
///
/// # Errors
/// [`FaultKind::NoSuchEntity`], also where it is a user that is none.
pub(crate) async fn load(identities: &Identities, cx: &Cx, name: &str) -> Result<Identity, Fault> {
    let missing = || Fault::new(FaultKind::NoSuchEntity, format!("The robot with name {name} cannot be found."));
    let found = identities.load(cx.account, IdentityKind::User, name).await.map_err(|fault| match fault.kind {
        FaultKind::NoSuchEntity => missing(),
        _ => fault,
    })?;
    if found.robot.is_some() { Ok(found) } else { Err(missing()) }
}

/// What it takes to delete one with all that it has.
pub(crate) fn access_to_delete(name: &str) -> Vec<Access> {
    let actions = [
        action::IAM_DELETE_USER,
        action::IAM_DELETE_ACCESS_KEY,
        action::IAM_DELETE_USER_POLICY,
        action::IAM_DETACH_USER_POLICY,
    ];
    identity::named_all(&actions, "user", name)
}

/// Deletes a robot: first its keys, so that nobody comes in with half of what it had.
pub(crate) async fn delete(identities: &Identities, cx: &Cx, name: &str) -> Result<(), Fault> {
    load(identities, cx, name).await?;
    let (account, kind) = (cx.account, IdentityKind::User);
    for key in identities.list_access_keys(account, name).await? {
        identities.delete_access_key(cx, name, &key.id).await?;
    }
    for policy in identities.list_attached_policies(account, kind, name, "", OF_ONE_MAX).await?.items {
        identities.detach_policy(cx, kind, name, &policy.arn).await?;
    }
    for policy in identities.list_inline_policies(account, kind, name, "", OF_ONE_MAX).await?.items {
        identities.delete_inline_policy(cx, kind, name, &policy).await?;
    }
    identities.delete(cx, kind, name).await
}

/// Gives a robot another secret: its one key, or the younger of two.
pub(crate) async fn rotate(
    identities: &Identities,
    cx: &Cx,
    name: &str,
    overlap: Duration,
) -> Result<NewAccessKey, Fault> {
    load(identities, cx, name).await?;
    let keys = identities.list_access_keys(cx.account, name).await?;
    let youngest = keys.into_iter().max_by_key(|key: &AccessKey| key.created_at);
    let key = youngest.ok_or_else(|| {
        Fault::new(FaultKind::NoSuchEntity, format!("The robot {name} has no access key; create one first"))
    })?;
    identities.rotate_access_key(cx, name, &key.id, overlap).await
}

/// Switches all keys of a robot off or on.
pub(crate) async fn switch(identities: &Identities, cx: &Cx, name: &str, is_active: bool) -> Result<(), Fault> {
    load(identities, cx, name).await?;
    for key in identities.list_access_keys(cx.account, name).await? {
        identities.set_access_key_status(cx, name, &key.id, is_active).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn robot(pull: &[&str], push: &[&str]) -> NewRobot {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        NewRobot { identity: NewIdentity::user("ci"), policies: vec![], pull: texts(pull), push: texts(push) }
    }

    #[test]
    fn a_robot_is_given_repositories_by_their_prefixes() {
        let document = robot(&["base/"], &["team/"]).document().unwrap();

        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let resource = |prefix: &str| format!("arn:aws:ecr:*:*:repository/{prefix}*");
        assert_eq!(document["Statement"][1]["Resource"], json!([resource("base/"), resource("team/")]));
        assert_eq!(document["Statement"][2]["Resource"], json!([resource("team/")]));
        assert_eq!(robot(&[], &[]).document(), None);
    }

    #[test]
    fn a_prefix_holds_nothing_that_stands_for_anything() {
        assert!(robot(&["team/", ""], &["base"]).check().is_ok());
        for wrong in ["te*m", "team/?", "Team", "${aws:username}", "a:b"] {
            assert!(robot(&[wrong], &[]).check().is_err(), "{wrong}");
        }
    }
}
