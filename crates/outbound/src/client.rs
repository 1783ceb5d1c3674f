use crate::connect::{Stream, connect};
use crate::target::Target;
use crate::{Authorities, OutboundError, REDIRECTS_MAX, Redirects, Request, Resolver, Response, Settings};
use bytes::{Bytes, BytesMut};
use gantry_env::Env;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc::Sender;

/// The longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const USER_AGENT: &str = concat!("gantry/", env!("CARGO_PKG_VERSION"));

/// Asks others, where it may. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    settings: Settings,
    resolver: Box<dyn Resolver>,
    env: Env,
    /// Those of the machine, read when they are first needed.
    authorities: OnceLock<Authorities>,
}

impl Client {
    /// A client that goes where `settings` let it, finding names with `resolver` and measuring deadlines with the clock of
    /// `env`.
    pub fn new(settings: Settings, resolver: impl Resolver, env: Env) -> Self {
        Client(Arc::new(Shared { settings, resolver: Box::new(resolver), env, authorities: OnceLock::new() }))
    }

    /// Sends a request, follows redirects as far as it says, and reads the answer. What the status means is up to whoever
    /// asks.
    ///
    /// # Errors
    /// [`OutboundError`]: where it may not go, nobody answers, or the answer breaks a limit.
    pub async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        self.ask(request, None).await
    }

    /// The same, but the body of an answer of status 200 goes to `pieces` as it comes, and is empty in what is returned.
    ///
    /// # Errors
    /// [`OutboundError`]; also where nobody takes the pieces any more. Then a part of the body may have been sent.
    pub async fn send_in_pieces(&self, request: Request, pieces: Sender<Bytes>) -> Result<Response, OutboundError> {
        self.ask(request, Some(&pieces)).await
    }

    async fn ask(&self, request: Request, pieces: Option<&Sender<Bytes>>) -> Result<Response, OutboundError> {
        let target = Target::parse(&request.url)?;
        let (host, deadline) = (target.host(), request.deadline);
        tokio::select! {
            response = self.follow(target, request, pieces) => response,
            () = self.0.env.sleep(deadline) => Err(OutboundError::Deadline { host, deadline }),
        }
    }

    async fn follow(
        &self,
        mut target: Target,
        mut request: Request,
        pieces: Option<&Sender<Bytes>>,
    ) -> Result<Response, OutboundError> {
        for _ in 0..=REDIRECTS_MAX {
            let (status, headers, body) = self.exchange(&target, &request, pieces).await?;
            let is_followed = request.method == Method::GET && request.redirects != Redirects::None;
            let location = headers.get(header::LOCATION).filter(|_| is_followed && status.is_redirection());
            let Some(location) = location else {
                return Ok(Response { status, headers, body });
            };
            let next = self::next(&target, location, request.redirects)?;
            if !next.is_same_host(&target) {
                request.headers = HeaderMap::new();
            }
            target = next;
        }
        Err(OutboundError::Redirect { host: target.host(), what: "there are too many of them" })
    }

    /// One question and its answer; the body of a redirect that is followed counts as any other.
    async fn exchange(
        &self,
        target: &Target,
        request: &Request,
        pieces: Option<&Sender<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), OutboundError> {
        let Shared { settings, resolver, env, authorities } = &*self.0;
        let way = target.way(settings, &**resolver).await?;
        let authorities =
            request.authorities.as_ref().unwrap_or_else(|| authorities.get_or_init(Authorities::of_machine));
        let stream = connect(target, &way, settings, authorities, env).await?;
        talk(stream, target, request, pieces).await
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Where a redirect leads, if it may be followed.
fn next(here: &Target, location: &HeaderValue, redirects: Redirects) -> Result<Target, OutboundError> {
    let refused = |what| OutboundError::Redirect { host: here.host(), what };
    let next = location.to_str().ok().and_then(|location| here.join(location));
    let next = next.ok_or_else(|| refused("its Location is no URL that can be asked"))?;
    if redirects == Redirects::SameHost && !next.is_same_host(here) {
        return Err(refused("to another host"));
    }
    if here.is_tls() && !next.is_tls() {
        return Err(refused("from https to http"));
    }
    Ok(next)
}

async fn talk(
    stream: Box<dyn Stream>,
    target: &Target,
    request: &Request,
    pieces: Option<&Sender<Bytes>>,
) -> Result<(StatusCode, HeaderMap, Bytes), OutboundError> {
    let failed = |source| OutboundError::Http { host: target.host(), source };
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let asked = head(target, request)?;
    let exchange = async {
        let (head, body) = sender.send_request(asked).await.map_err(failed)?.into_parts();
        let body = read(body, target, request.bytes_max, pieces.filter(|_| head.status == StatusCode::OK)).await?;
        Ok((head.status, head.headers, body))
    };
    let (mut connection, mut exchange) = (pin!(connection), pin!(exchange));
    // Nothing runs on its own: who no longer waits for the answer closes the connection.
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        _ = &mut connection => exchange.await,
    }
}

fn head(target: &Target, request: &Request) -> Result<http::Request<Full<Bytes>>, OutboundError> {
    let mut asked = http::Request::new(Full::new(request.body.clone()));
    *asked.method_mut() = request.method.clone();
    *asked.uri_mut() = target.path().parse().map_err(|_| OutboundError::Url("its path cannot be asked"))?;
    *asked.headers_mut() = request.headers.clone();
    let host =
        HeaderValue::from_str(&target.authority()).map_err(|_| OutboundError::Url("its host cannot be asked"))?;
    asked.headers_mut().insert(header::HOST, host);
    asked.headers_mut().entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
    asked.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(asked)
}

async fn read(
    mut body: Incoming,
    target: &Target,
    bytes_max: usize,
    pieces: Option<&Sender<Bytes>>,
) -> Result<Bytes, OutboundError> {
    let (mut read, mut left) = (BytesMut::new(), bytes_max);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| OutboundError::Http { host: target.host(), source })?;
        let Ok(data) = frame.into_data() else { continue };
        left = left.checked_sub(data.len()).ok_or_else(|| OutboundError::TooLong { host: target.host(), bytes_max })?;
        match pieces {
            Some(pieces) => {
                pieces.send(data).await.map_err(|_| OutboundError::Unwanted { host: target.host() })?;
            }
            None => read.extend_from_slice(&data),
        }
    }
    Ok(read.freeze())
}

#[cfg(test)]
mod tests;
