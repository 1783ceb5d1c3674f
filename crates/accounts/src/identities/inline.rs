use super::{
    Identities, Identity, IdentityKind, document, done,
    grammar::{INLINE_NAME_BYTES_MAX, check_name},
    identity, lock,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, identities::policies};
use gantry_words::{AccountId, Cx, Page, Timestamp};
use serde_json::json;
use std::sync::Arc;

impl Identities {
    /// Writes an inline policy of a user, group or role, in the place of one of that name.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidInput`], [`FaultKind::MalformedPolicyDocument`];
    /// [`FaultKind::IdentityLimitExceeded`] where all inline policies together get too long.
    pub async fn put_inline_policy(
        &self,
        cx: &Cx,
        kind: IdentityKind,
        name: &str,
        policy: &str,
        document: &str,
    ) -> Result<(), Fault> {
        check_name("policyName", policy, INLINE_NAME_BYTES_MAX)?;
        document::check_identity(document)?;
        self.change_inline(cx, kind, name, policy, Some(document.into())).await
    }

    /// Removes an inline policy.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn delete_inline_policy(
        &self,
        cx: &Cx,
        kind: IdentityKind,
        name: &str,
        policy: &str,
    ) -> Result<(), Fault> {
        self.change_inline(cx, kind, name, policy, None).await
    }

    async fn change_inline(
        &self,
        cx: &Cx,
        kind: IdentityKind,
        name: &str,
        policy: &str,
        document: Option<String>,
    ) -> Result<(), Fault> {
        let (account, actor) = (cx.account, cx.actor.clone());
        let act = ChangeInline { account, kind, name: name.into(), policy: policy.into(), document, actor };
        self.0.metadata.perform(cx, act).await
    }

    /// Returns the text of an inline policy, as it was written.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn load_inline_policy(
        &self,
        account: AccountId,
        kind: IdentityKind,
        name: &str,
        policy: &str,
    ) -> Result<String, Fault> {
        let (_, policies) = self.inline_policies(account, kind, name).await?;
        let found = policies.into_iter().find(|[known, _]| known == policy);
        found.map(|[_, document]| document).ok_or_else(|| no_inline(kind, policy))
    }

    /// Returns up to `count` names of inline policies after `after`.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_inline_policies(
        &self,
        account: AccountId,
        kind: IdentityKind,
        name: &str,
        after: &str,
        count: usize,
    ) -> Result<Page<String>, Fault> {
        let (_, policies) = self.inline_policies(account, kind, name).await?;
        let names = policies.into_iter().map(|[name, _]| name).filter(|name| name.as_str() > after);
        Ok(Page::cut(names.take(count + 1).collect(), count))
    }

    async fn inline_policies(
        &self,
        account: AccountId,
        kind: IdentityKind,
        name: &str,
    ) -> Result<(Identity, Vec<[String; 2]>), Fault> {
        let name = name.to_string();
        self.0.metadata.read(move |rows| look(rows, account, kind, &name)).await
    }
}

fn look(
    rows: &mut Reader,
    account: AccountId,
    kind: IdentityKind,
    name: &str,
) -> Result<(Identity, Vec<[String; 2]>), Fault> {
    let identity = identity::load(rows, account, kind, name)?;
    let policies = policies::inline(rows, account, &identity.id)?;
    Ok((identity, policies))
}

fn no_inline(kind: IdentityKind, policy: &str) -> Fault {
    let message = format!("The {} policy with name {policy} cannot be found.", kind.as_str());
    Fault::new(FaultKind::NoSuchEntity, message)
}

pub(super) struct ChangeInline {
    account: AccountId,
    kind: IdentityKind,
    name: String,
    policy: String,
    /// `None` to remove it.
    document: Option<String>,
    actor: Arc<str>,
}

impl Act for ChangeInline {
    type Seen = (Identity, Vec<[String; 2]>);
    type Plan = Identity;
    type Answer = ();
    const NAME: &'static str = "accounts.change_inline_policy";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        look(rows, self.account, self.kind, &self.name)
    }

    fn decide(&self, (identity, policies): Self::Seen, _: Timestamp) -> Result<Identity, Fault> {
        let Some(document) = &self.document else {
            let is_there = policies.iter().any(|[name, _]| *name == self.policy);
            return if is_there { Ok(identity) } else { Err(no_inline(self.kind, &self.policy)) };
        };
        let others = policies.iter().filter(|[name, _]| *name != self.policy);
        let chars = document::size(document) + others.map(|[_, text]| document::size(text)).sum::<usize>();
        let chars_max = self.kind.inline_chars_max();
        if chars > chars_max {
            let (kind, name) = (self.kind.as_str(), &identity.name);
            let message = format!(
                "Maximum policy size of {chars_max} bytes exceeded for {kind} {name}. Its inline policies would have {chars}; \
                 white space does not count"
            );
            return Err(Fault::new(FaultKind::IdentityLimitExceeded, message));
        }
        Ok(identity)
    }

    fn apply(&self, tx: &mut Tx, identity: Identity) -> Result<(), Fault> {
        let kind = match &self.document {
            Some(document) => {
                policies::put_inline(tx, self.account, &identity.id, &self.policy, document)?;
                "identity.inline_policy_written"
            }
            None => {
                policies::delete_inline(tx, self.account, &identity.id, &self.policy)?;
                "identity.inline_policy_deleted"
            }
        };
        let body = json!({"arn": identity.arn(), "id": identity.id, "policy": self.policy});
        done(tx, self.account, kind, &self.actor, body)
    }
}
