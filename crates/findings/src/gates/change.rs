use super::{Gates, Rules};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Change, DocumentKind, DocumentSeen};
use gantry_scan::{GateException, GateExceptionError, GateOverride, GatePolicy, GateScope};
use gantry_words::{Cx, Timestamp};
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// The most policies, exceptions and overrides of an account.
pub const POLICIES_MAX: u64 = 1_000;
/// The most exceptions of an account, those included that hold no more.
pub const EXCEPTIONS_MAX: u64 = 2_000;
/// The most overrides of an account, those included that hold no more.
pub const OVERRIDES_MAX: u64 = 200;

/// An exception to be made.
#[derive(Clone, Debug)]
pub struct NewException {
    /// For which repositories.
    pub scope: GateScope,
    /// For this image only.
    pub digest: Option<String>,
    /// The flaw.
    pub vulnerability: Option<String>,
    /// The package.
    pub package: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it; whoever makes it where nobody is named.
    pub owner: Option<String>,
    /// When it ceases to hold.
    pub ends_at: Timestamp,
}

impl Gates {
    /// Returns the rules as they are now.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn rules(&self) -> Result<Arc<Rules>, Fault> {
        self.refresh().await?;
        Ok(self.scans.rules.now())
    }

    /// Writes the policy of a scope, in the place of the one that was there.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`]; [`FaultKind::LimitExceeded`] beyond [`POLICIES_MAX`].
    pub async fn put_policy(&self, cx: &Cx, scope: &GateScope, policy: &GatePolicy) -> Result<(), Fault> {
        policy.check().map_err(|error| Fault::new(FaultKind::InvalidParameter, error.to_string()))?;
        self.write(cx, DocumentKind::GatePolicy, scope.as_str(), policy, POLICIES_MAX).await
    }

    /// Removes the policy of a scope.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn remove_policy(&self, cx: &Cx, scope: &GateScope) -> Result<(), Fault> {
        self.remove(cx, DocumentKind::GatePolicy, scope.as_str(), "scan policy").await
    }

    /// Makes an exception.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`]; [`FaultKind::LimitExceeded`] beyond [`EXCEPTIONS_MAX`].
    pub async fn make_exception(&self, cx: &Cx, new: NewException) -> Result<GateException, Fault> {
        let NewException { scope, digest, vulnerability, package, reason, owner, ends_at } = new;
        let exception = GateException {
            id: self.scans.env.request_id().to_string(),
            scope,
            digest,
            vulnerability,
            package,
            reason,
            owner: owner.unwrap_or_else(|| cx.actor.to_string()),
            ends_at,
            created_by: cx.actor.to_string(),
            created_at: cx.now,
            approval: None,
        };
        exception.check(cx.now).map_err(refused)?;
        self.write(cx, DocumentKind::GateException, &exception.id, &exception, EXCEPTIONS_MAX).await?;
        Ok(exception)
    }

    /// Agrees to an exception that somebody else has made.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`]; [`FaultKind::AccessDenied`] for who made it.
    pub async fn approve_exception(&self, cx: &Cx, id: &str) -> Result<GateException, Fault> {
        let (by, now, wanted) = (cx.actor.clone(), cx.now, id.to_string());
        let approve = move |seen: &DocumentSeen| {
            let document = seen.document.as_ref().ok_or_else(|| missing("exception", &wanted))?;
            let exception: GateException = serde_json::from_str(&document.body).map_err(Fault::internal)?;
            let approved = exception.approved(&by, now).map_err(refused)?;
            Ok(Change::Write(serde_json::to_string(&approved).map_err(Fault::internal)?))
        };
        self.change(cx, DocumentKind::GateException, id, approve).await?;
        let rules = self.rules().await?;
        let found = rules.exceptions(cx.account).iter().find(|exception| exception.id == id);
        found.cloned().ok_or_else(|| missing("exception", id))
    }

    /// Takes an exception back.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn remove_exception(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        self.remove(cx, DocumentKind::GateException, id, "exception").await
    }

    /// Opens gates for a while.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`]; [`FaultKind::LimitExceeded`] beyond [`OVERRIDES_MAX`].
    pub async fn open_for(
        &self,
        cx: &Cx,
        scope: GateScope,
        reason: String,
        hold: Duration,
    ) -> Result<GateOverride, Fault> {
        let open = GateOverride {
            id: self.scans.env.request_id().to_string(),
            scope,
            reason,
            ends_at: cx.now.plus(hold),
            created_by: cx.actor.to_string(),
            created_at: cx.now,
        };
        open.check(cx.now).map_err(refused)?;
        self.write(cx, DocumentKind::GateOverride, &open.id, &open, OVERRIDES_MAX).await?;
        tracing::warn!(scope = %open.scope, by = %open.created_by, ends_at = %open.ends_at, "scan policies are overridden: {}", open.reason);
        Ok(open)
    }

    /// Ends an override before its time.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn end_override(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        self.remove(cx, DocumentKind::GateOverride, id, "override").await
    }

    async fn write(
        &self,
        cx: &Cx,
        kind: DocumentKind,
        name: &str,
        value: &impl Serialize,
        count_max: u64,
    ) -> Result<(), Fault> {
        let body = serde_json::to_string(value).map_err(Fault::internal)?;
        let write = move |seen: &DocumentSeen| {
            if seen.document.is_none() && seen.count >= count_max {
                let message = format!("There are {count_max} of them, as many as may be; remove one first");
                return Err(Fault::new(FaultKind::LimitExceeded, message));
            }
            Ok(Change::Write(body.clone()))
        };
        self.change(cx, kind, name, write).await
    }

    async fn remove(&self, cx: &Cx, kind: DocumentKind, name: &str, what: &'static str) -> Result<(), Fault> {
        let wanted = name.to_string();
        let remove = move |seen: &DocumentSeen| match seen.document {
            Some(_) => Ok(Change::Remove),
            None => Err(missing(what, &wanted)),
        };
        self.change(cx, kind, name, remove).await
    }

    /// Changes a rule; it holds for the next pull.
    async fn change(
        &self,
        cx: &Cx,
        kind: DocumentKind,
        name: &str,
        decide: impl Fn(&DocumentSeen) -> Result<Change, Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        self.scans.registry.documents.change(cx, None, kind, name, Box::new(decide)).await?;
        self.refresh().await
    }
}

fn missing(what: &str, name: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("There is no {what} {name}"))
}

fn refused(error: GateExceptionError) -> Fault {
    let kind = match error {
        GateExceptionError::Own { .. } => FaultKind::AccessDenied,
        GateExceptionError::Everything
        | GateExceptionError::Text { .. }
        | GateExceptionError::Past { .. }
        | GateExceptionError::TooLong => FaultKind::InvalidParameter,
    };
    Fault::new(kind, error.to_string())
}
