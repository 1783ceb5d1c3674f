use crate::{Challenges, Origin};
use gantry_access::{
    Access, Arrival, Principal, Refusal,
    challenge::{self, TokenProblem},
    policy::ImageKeys,
    sigv4::SignedRequest,
};
use gantry_accounts::{Accounts, AuthenticationProblem, SignatureProblem, Unidentified};
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx, Timestamp};
use http::HeaderValue;
use std::net::IpAddr;

/// Who decides who a caller is and what he may do: the accounts, or a test's idea of them.
pub trait Guard: Send + Sync + 'static {
    /// Says who a request to the registry of `account` comes from, by its `Authorization` header.
    ///
    /// # Errors
    /// Why that cannot be said; [`AuthenticationProblem::Missing`] where there is no such header.
    fn identify(
        &self,
        authorization: Option<&str>,
        account: AccountId,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem>;

    /// Says who a request comes from where [`Guard::identify`] has said [`AuthenticationProblem::Unsettled`]: it may take its time,
    /// and ask others.
    ///
    /// # Errors
    /// Why that cannot be said.
    fn identify_slowly<'a>(
        &'a self,
        authorization: &'a str,
        arrival: Arrival,
    ) -> BoxFuture<'a, Result<Principal, Unidentified>> {
        let _ = (authorization, arrival);
        Box::pin(std::future::ready(Err(AuthenticationProblem::WrongCredentials.into())))
    }

    /// Says who signed a request for `service`; `None` where it carries no signature.
    ///
    /// # Errors
    /// It carries one that is not taken.
    fn identify_signed(
        &self,
        request: &SignedRequest<'_>,
        service: &'static str,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<Principal>, SignatureProblem> {
        let _ = (request, service, source, now);
        Ok(None)
    }

    /// Whether something that decisions know has changed since it was read: [`Guard::freshen`] comes first then.
    fn is_stale(&self) -> bool {
        false
    }

    /// Reads anew what decisions know.
    ///
    /// # Errors
    /// It cannot be read: nobody is let in by what is no longer true.
    fn freshen(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether one of `accesses` is on something that is not known here and that another server may have made a moment ago:
    /// [`Guard::look_for_changes`] comes first then.
    fn misses(&self, principal: &Principal, accesses: &[Access]) -> bool {
        let _ = (principal, accesses);
        false
    }

    /// Reads anew what decisions know, where anybody has changed something of it.
    ///
    /// # Errors
    /// It cannot be read.
    fn look_for_changes(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whoever comes without credentials, to the registry that is addressed where nothing names another.
    fn anonymous(&self) -> Principal;

    /// Counts a request that is about to be served to whoever comes without credentials from `source`. Returns how many seconds
    /// to wait where there were too many.
    fn note_anonymous(&self, source: Option<IpAddr>) -> Option<u64> {
        let _ = source;
        None
    }

    /// Whether there is such an account.
    fn knows(&self, account: AccountId) -> bool {
        account == self.anonymous().account
    }

    /// Decides whether a principal may do all of `accesses`; returns which statements say so, and nothing where none had to.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    fn authorize(&self, principal: &Principal, accesses: &[Access]) -> Result<String, Refusal>;

    /// Adds to those of `accesses` that are about an image what is known of it, of what is `asked`, also where nothing is: called
    /// where [`Guard::authorize`] has said [`Refusal::Unsettled`].
    ///
    /// # Errors
    /// It cannot be looked up.
    fn look_up<'a>(
        &'a self,
        cx: &'a Cx,
        accesses: Vec<Access>,
        asked: ImageKeys,
    ) -> BoxFuture<'a, Result<Vec<Access>, Fault>> {
        let _ = (cx, asked);
        Box::pin(std::future::ready(Ok(accesses)))
    }

    /// What challenges call this site.
    fn service(&self) -> &str;
}

impl Guard for Accounts {
    fn identify(
        &self,
        authorization: Option<&str>,
        account: AccountId,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Principal, AuthenticationProblem> {
        self.authenticate_at(account, authorization, source, now)
    }

    fn identify_slowly<'a>(
        &'a self,
        authorization: &'a str,
        arrival: Arrival,
    ) -> BoxFuture<'a, Result<Principal, Unidentified>> {
        Box::pin(self.authenticate_slowly(authorization, arrival))
    }

    fn identify_signed(
        &self,
        request: &SignedRequest<'_>,
        service: &'static str,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<Principal>, SignatureProblem> {
        self.authenticate_signed(request, service, source, now)
    }

    fn is_stale(&self) -> bool {
        Accounts::is_stale(self)
    }

    fn freshen(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(Accounts::freshen(self))
    }

    fn misses(&self, principal: &Principal, accesses: &[Access]) -> bool {
        Accounts::misses(self, principal, accesses)
    }

    fn look_for_changes(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(Accounts::look_for_changes(self))
    }

    fn anonymous(&self) -> Principal {
        Accounts::anonymous(self)
    }

    fn note_anonymous(&self, source: Option<IpAddr>) -> Option<u64> {
        Accounts::note_anonymous(self, source)
    }

    fn knows(&self, account: AccountId) -> bool {
        self.knows_account(account)
    }

    fn authorize(&self, principal: &Principal, accesses: &[Access]) -> Result<String, Refusal> {
        Accounts::authorize(self, principal, accesses)
    }

    fn look_up<'a>(
        &'a self,
        cx: &'a Cx,
        mut accesses: Vec<Access>,
        asked: ImageKeys,
    ) -> BoxFuture<'a, Result<Vec<Access>, Fault>> {
        Box::pin(async move {
            self.look_up_images(cx, &mut accesses, asked).await?;
            Ok(accesses)
        })
    }

    fn service(&self) -> &str {
        &self.site().service
    }
}

/// Why a request does not get through a door, and what its caller would have to bring.
pub(crate) struct Stop {
    pub(crate) fault: Fault,
    pub(crate) retry_after_seconds: Option<u32>,
    /// What it hangs on and is to be looked up: [`Guard::look_up`].
    pub(crate) unsettled: ImageKeys,
    /// What the credentials asked for must cover, and what was wrong with those that came; only with a 401.
    wanted: Box<[Access]>,
    problem: Option<TokenProblem>,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop { fault, retry_after_seconds: None, unsettled: ImageKeys::NONE, wanted: Box::default(), problem: None }
    }
}

impl Stop {
    /// It cannot be said who asks.
    pub(crate) fn unidentified(unidentified: Unidentified, wanted: Vec<Access>) -> Self {
        let (retry_after_seconds, problem) = match &unidentified {
            Unidentified::Here(problem) => (problem.retry_after_seconds(), problem.token_problem()),
            Unidentified::Elsewhere(_) => (None, None),
        };
        let retry_after_seconds = retry_after_seconds.and_then(|seconds| u32::try_from(seconds).ok());
        Stop { retry_after_seconds, wanted: wanted.into(), problem, ..Fault::from(unidentified).into() }
    }

    /// The signature of a request is not taken.
    pub(crate) fn unsigned(problem: SignatureProblem) -> Self {
        let retry_after_seconds = problem.retry_after_seconds().and_then(|seconds| u32::try_from(seconds).ok());
        Stop { retry_after_seconds, ..Fault::from(problem).into() }
    }

    /// The caller is known and may not. A token that was not asked for this is worth asking anew; all else is final.
    pub(crate) fn refused(refusal: &Refusal, wanted: Vec<Access>) -> Self {
        let (kind, problem) = match refusal {
            Refusal::Unauthenticated => (FaultKind::Unauthenticated, None),
            Refusal::InsufficientScope => (FaultKind::Unauthenticated, Some(TokenProblem::InsufficientScope)),
            Refusal::Unsettled(_) => (FaultKind::Unavailable, None),
            Refusal::Denied { .. } => (FaultKind::AccessDenied, None),
        };
        let unsettled = match refusal {
            Refusal::Unsettled(asked) => *asked,
            Refusal::Unauthenticated | Refusal::InsufficientScope | Refusal::Denied { .. } => ImageKeys::NONE,
        };
        Stop { problem, unsettled, wanted: wanted.into(), ..Fault::new(kind, refusal.message()).into() }
    }

    /// Too many came without credentials from the same place.
    pub(crate) fn crowded(seconds: u64) -> Self {
        let message = "Too many requests without credentials from this address; try again later, or log in";
        let stop: Stop = Fault::new(FaultKind::TooManyRequests, message).into();
        Stop { retry_after_seconds: u32::try_from(seconds).ok(), ..stop }
    }

    /// The values of `WWW-Authenticate`, in the order clients should see them; none where credentials would not help.
    pub(crate) fn challenges(&self, offered: Challenges, origin: &Origin, service: &str) -> Vec<HeaderValue> {
        if self.fault.kind != FaultKind::Unauthenticated {
            return Vec::new();
        }
        let texts = match offered {
            Challenges::Basic => vec![challenge::basic(service)],
            Challenges::BearerAndBasic => {
                challenge::all(origin.is_https(), origin.host(), service, &self.wanted, self.problem)
            }
        };
        texts.iter().filter_map(|text| HeaderValue::from_str(text).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_access::action;

    fn print(stop: &Stop, offered: Challenges) -> Vec<String> {
        let origin = Origin::new(true, "hub.example").unwrap();
        let values = stop.challenges(offered, &origin, "gantry");
        values.iter().map(|value| value.to_str().unwrap().to_string()).collect()
    }

    fn pull() -> Vec<Access> {
        vec![Access::on(action::ECR_BATCH_GET_IMAGE, &"team/app".parse().unwrap())]
    }

    #[test]
    fn a_dead_token_is_answered_with_its_problem_and_the_scope_needed() {
        let stop = Stop::unidentified(AuthenticationProblem::TokenExpired.into(), pull());

        let challenge = print(&stop, Challenges::BearerAndBasic).remove(0);

        assert!(challenge.contains(r#"realm="https://hub.example/token""#), "{challenge}");
        assert!(challenge.ends_with(r#"scope="repository:team/app:pull",error="invalid_token""#), "{challenge}");
    }

    #[test]
    fn a_token_that_was_not_asked_for_this_is_worth_another() {
        let stop = Stop::refused(&Refusal::InsufficientScope, pull());

        assert_eq!(stop.fault.kind.row().status, 401);
        assert!(print(&stop, Challenges::BearerAndBasic)[0].ends_with(r#"error="insufficient_scope""#));
    }

    #[test]
    fn nothing_is_asked_of_whom_it_would_not_help() {
        let refusal = Refusal::Denied {
            principal: "someone".into(),
            action: action::ECR_PUT_IMAGE,
            resource: "*".into(),
            reason: "because".into(),
        };

        let stop = Stop::refused(&refusal, pull());

        assert_eq!(stop.fault.kind, FaultKind::AccessDenied);
        assert!(print(&stop, Challenges::BearerAndBasic).is_empty());
    }

    #[test]
    fn whoever_failed_too_often_hears_when_to_come_back() {
        let stop = Stop::unidentified(AuthenticationProblem::TooManyFailures { retry_after_seconds: 7 }.into(), pull());

        assert_eq!((stop.fault.kind.row().status, stop.retry_after_seconds), (429, Some(7)));
    }
}
