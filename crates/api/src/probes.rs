//! `/healthz`, `/readyz` and `/metrics`: what those who run the server ask it.

use crate::{
    Challenges, Origin, Outgoing, Payload, Refused, Rest, Wire,
    door::identify_text,
    guard::Stop,
    link::{Link, Purpose},
};
use gantry_access::{Access, Arrival, action};
use gantry_words::RequestId;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use std::{net::IpAddr, sync::atomic::Ordering::Relaxed, time::Duration};

/// A part that has not said in this time that it is ready is not.
const READY_DEADLINE: Duration = Duration::from_secs(5);

/// Whether an address is one of a probe.
pub(crate) fn is_one(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

/// Answers a probe; `None` where the address is none.
pub(crate) async fn answer(
    link: &Link,
    parts: &Parts,
    source: Option<IpAddr>,
    origin: &Origin,
    request_id: RequestId,
) -> Option<Outgoing> {
    let path = parts.uri.path();
    if !is_one(path) {
        return None;
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        let mut outgoing = words(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are possible here\n");
        outgoing.headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(outgoing);
    }
    Some(match path {
        "/healthz" => words(StatusCode::OK, "ok\n"),
        "/readyz" => readiness(link).await,
        _ => metrics(link, parts, source, origin, request_id).await,
    })
}

/// 200 only when pushes and pulls work. The reason why not goes to the log, once.
async fn readiness(link: &Link) -> Outgoing {
    let porch = &link.porch;
    let ready = match &porch.ready {
        None => Ok(()),
        Some(ready) => {
            let late = || Err(format!("no answer within {} s", READY_DEADLINE.as_secs()));
            porch.env.within(READY_DEADLINE, ready()).await.unwrap_or_else(late)
        }
    };
    let was_ready = porch.was_ready.swap(ready.is_ok(), Relaxed);
    match ready {
        Ok(()) => {
            if !was_ready {
                tracing::info!("ready again");
            }
            words(StatusCode::OK, "ok\n")
        }
        Err(reason) => {
            if was_ready {
                tracing::warn!(reason, "not ready: {reason}");
            }
            words(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
    }
}

/// The figures: on a listener of their own for whoever reaches it, elsewhere for those who may have them.
async fn metrics(
    link: &Link,
    parts: &Parts,
    source: Option<IpAddr>,
    origin: &Origin,
    request_id: RequestId,
) -> Outgoing {
    let porch = &link.porch;
    if link.purpose == Purpose::Everything
        && let Err(stop) = may_see(link, parts, source).await
    {
        porch.note_refusal(&stop.fault, "Metrics", request_id);
        let challenges = stop.challenges(Challenges::Basic, origin, porch.guard.service());
        return Rest::refuse(&Refused::new(&stop.fault, &challenges, request_id).after(stop.retry_after_seconds));
    }
    let mut outgoing = Outgoing::empty(StatusCode::OK);
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    outgoing.headers.insert(header::CONTENT_TYPE, kind);
    outgoing.body = Payload::Bytes(porch.figures().print().into());
    outgoing
}

async fn may_see(link: &Link, parts: &Parts, source: Option<IpAddr>) -> Result<(), Stop> {
    let guard = &*link.porch.guard;
    if guard.is_stale() {
        guard.freshen().await?;
    }
    let authorization = parts.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let at = link.porch.env.now();
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    // They are the site's: nobody has them who is only at home in another account.
    let account = guard.anonymous().account;
    // Whether it came encrypted is not looked at here: a policy that demands it is not met.
    let arrival = Arrival { source, is_secure: false, at, user_agent: None, account: Some(account) }.called(agent);
    let principal = identify_text(guard, authorization, account, &arrival)
        .await
        .map_err(|unidentified| Stop::unidentified(unidentified, Vec::new()))?
        .arrived(arrival);
    let wanted = [Access::to(action::GANTRY_GET_METRICS)];
    guard.authorize(&principal, &wanted).map(drop).map_err(|refusal| Stop::refused(&refusal, Vec::new()))
}

/// An answer of a few words.
fn words(status: StatusCode, text: &'static str) -> Outgoing {
    let mut outgoing = Outgoing::empty(status);
    outgoing.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    outgoing.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    outgoing.body = Payload::Bytes(text.into());
    outgoing
}
