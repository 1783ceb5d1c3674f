use super::{Identities, Identity, IdentityKind, done, faults::invalid, identity, lock};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, identities::sessions};
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// What was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedSessions {
    /// The ARN of the role.
    pub role: String,
    /// Sessions that began before are worth nothing.
    pub before: Timestamp,
}

impl Identities {
    /// Makes the sessions of a role that began before a moment worth nothing, with all tokens and passwords made of them, on
    /// every replica. Tokens of identity providers that were issued before open it no more. A moment that is earlier than that
    /// of an earlier call changes nothing.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::NoSuchEntity`]; [`gantry_fault::FaultKind::InvalidInput`] for a moment that is to come.
    pub async fn revoke_sessions(&self, cx: &Cx, role: &str, before: Timestamp) -> Result<RevokedSessions, Fault> {
        if before > cx.now {
            return Err(invalid(
                "Sessions that are to come cannot be revoked; give a time that is past, or none for now",
            ));
        }
        let act = RevokeSessions { account: cx.account, role: role.into(), before, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

struct RevokeSessions {
    account: AccountId,
    role: String,
    before: Timestamp,
    actor: Arc<str>,
}

struct Plan {
    role: Identity,
    before: Timestamp,
    is_change: bool,
}

impl Act for RevokeSessions {
    type Seen = (Identity, Option<Timestamp>);
    type Plan = Plan;
    type Answer = RevokedSessions;
    const NAME: &'static str = "accounts.revoke_sessions";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        let role = identity::load(rows, self.account, IdentityKind::Role, &self.role)?;
        let revoked = sessions::find_revoked(rows, self.account, &role.id)?;
        Ok((role, revoked))
    }

    fn decide(&self, (role, revoked): Self::Seen, _: Timestamp) -> Result<Plan, Fault> {
        let is_change = revoked.is_none_or(|before| before < self.before);
        // Whatever was stolen once stays worth nothing.
        Ok(Plan { role, before: revoked.map_or(self.before, |before| before.max(self.before)), is_change })
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<RevokedSessions, Fault> {
        let role = plan.role.arn();
        if plan.is_change {
            sessions::revoke(tx, self.account, &plan.role.id, plan.before)?;
            let body = json!({"arn": role, "id": plan.role.id, "before": plan.before.to_string()});
            done(tx, self.account, "role.sessions_revoked", &self.actor, body)?;
        }
        Ok(RevokedSessions { role, before: plan.before })
    }
}
