//! The door of the Socket.IO endpoint, before the protocol library.
//!
//! The library keeps the request that opens a session for as long as the session lives. So
//! the request is rebuilt here with just what the library reads, in memory of its own, and
//! what the gateway wants to know goes into a [`Handshake`]. Later requests of a polling
//! session are brought together with the handshake of the first.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{ALLOW, CONTENT_TYPE, SEC_WEBSOCKET_KEY},
};
use http_body_util::BodyExt as _;
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use socketioxide_core::Sid;
use tower::Service;

use super::{
    handshake::{Handshake, Registry},
    polling::messages_in,
    transport::Transport,
};
use crate::{auth::token_from_headers, http::Caller, hub::Hub};

/// Where Socket.IO clients connect.
const PATH: &str = "/socket.io";

/// The methods of Engine.IO. `HEAD` is none: to ask is to open a session.
const METHODS: HeaderValue = HeaderValue::from_static("GET,POST");

/// The headers that the protocol library reads.
const KEPT_HEADERS: [http::HeaderName; 2] = [SEC_WEBSOCKET_KEY, CONTENT_TYPE];

/// The longest a polling request may take. A poll ends at the next ping, a body should be
/// there by then: this is the longest ping interval that can be configured, and a bit more.
const MAX_EXCHANGE: Duration = Duration::from_secs(330);

/// Engine.IO's answer to a request for a session that is over.
const UNKNOWN_SESSION: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

/// The service in front of the protocol library.
#[derive(Clone, Debug)]
pub(super) struct Entry<E, S> {
    engine: E,
    inner: S,
    registry: Arc<Registry>,
    hub: Arc<Hub>,
    cookie: Arc<str>,
}

impl<E, S> Entry<E, S> {
    pub(super) fn new(engine: E, inner: S, hub: Arc<Hub>, cookie: Arc<str>) -> Self {
        Self {
            engine,
            inner,
            registry: Arc::default(),
            hub,
            cookie,
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<E, S> Service<Request<Body>> for Entry<E, S>
where
    E: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    E::Future: Send + 'static,
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        if !is_ours(request.uri().path()) {
            return Box::pin(self.inner.call(request));
        }
        if !matches!(*request.method(), Method::GET | Method::POST) {
            let refusal = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, METHODS)]);
            return Box::pin(async { Ok(refusal.into_response()) });
        }
        // The engine is always ready: it is the inner service that may not be, and it was asked.
        let mut engine = self.engine.clone();
        let query = Query::of(request.uri());
        let caller = request.extensions().get::<Caller>().cloned();
        let registry = Arc::clone(&self.registry);
        match query.sid {
            None if self.hub.is_draining() => {
                Box::pin(async { Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()) })
            }
            None => {
                let token = token_from_headers(request.headers(), &self.cookie);
                let handshake = Handshake::new(token, self.hub.queued_bytes());
                let answer = engine.call(boil_down(request, Some(Arc::clone(&handshake))));
                if query.websocket {
                    return Box::pin(upgrade(answer, handshake, caller));
                }
                Box::pin(async move { Ok(list(answer.await?, &handshake, &registry).await) })
            }
            Some(sid) => {
                let handshake = registry.get(&sid).and_then(|known| known.upgrade());
                let answer = engine.call(boil_down(request, None));
                match handshake {
                    Some(handshake) if query.websocket => {
                        Box::pin(upgrade(answer, handshake, caller))
                    }
                    Some(handshake) => Box::pin(poll(answer, Arc::clone(handshake.transport()))),
                    _ => Box::pin(answer),
                }
            }
        }
    }
}

fn is_ours(path: &str) -> bool {
    path.strip_prefix(PATH)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the query string says of a request's place in the protocol.
pub(super) struct Query {
    sid: Option<Sid>,
    websocket: bool,
}

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        let mut query = Self {
            sid: None,
            websocket: false,
        };
        let (mut seen_sid, mut seen_transport) = (false, false);
        for pair in uri.query().unwrap_or_default().split('&') {
            match pair.split_once('=') {
                Some(("sid", sid)) if !seen_sid => {
                    seen_sid = true;
                    query.sid = sid.parse().ok();
                }
                Some(("transport", transport)) if !seen_transport => {
                    seen_transport = true;
                    query.websocket = transport == "websocket";
                }
                _ => {}
            }
        }
        query
    }
}

/// The request with only what the protocol library reads, sharing no memory with the
/// connection's read buffer.
fn boil_down(request: Request<Body>, handshake: Option<Arc<Handshake>>) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    let mut headers = HeaderMap::with_capacity(KEPT_HEADERS.len());
    for name in KEPT_HEADERS {
        if let Some(value) = parts.headers.get(&name)
            && let Ok(copy) = HeaderValue::from_bytes(value.as_bytes())
        {
            headers.insert(name, copy);
        }
    }
    let mut small = Request::new(body);
    *small.method_mut() = parts.method;
    *small.uri_mut() = copy_uri(&parts.uri);
    *small.headers_mut() = headers;
    if let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() {
        small.extensions_mut().insert(upgrade);
    }
    if let Some(handshake) = handshake {
        small.extensions_mut().insert(handshake);
    }
    small
}

fn copy_uri(uri: &Uri) -> Uri {
    let text = uri.path_and_query().map_or(PATH, |text| text.as_str());
    Uri::from_maybe_shared(Bytes::copy_from_slice(text.as_bytes())).unwrap_or_default()
}

/// Reads the id of the session that `response` opens, so that later requests find it.
async fn list(
    response: Response,
    handshake: &Arc<Handshake>,
    registry: &Arc<Registry>,
) -> Response {
    #[derive(Deserialize)]
    struct Opened {
        sid: Sid,
    }

    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = body.to_bytes();
    // `0{…}` in protocol 4, `96:0{…}` in protocol 3.
    let json = body
        .iter()
        .position(|byte| *byte == b'{')
        .and_then(|at| body.get(at..));
    if let Some(opened) = json.and_then(|json| serde_json::from_slice::<Opened>(json).ok()) {
        handshake.list(opened.sid, registry);
    }
    Response::from_parts(parts, Body::from(body))
}

/// Takes a polling client for lost when its request is dropped unanswered. A client that
/// hangs up on a poll has lost its connection; the library would only notice at the next
/// heartbeat, and until then the client would meet itself as a ghost.
struct HangUp(Option<Arc<Transport>>);

impl Drop for HangUp {
    fn drop(&mut self) {
        if let Some(transport) = self.0.take() {
            transport.ended();
            transport.cut();
        }
    }
}

/// Watches the connection once the engine has accepted that it becomes a WebSocket. Its
/// answer has not been written yet.
async fn upgrade<F>(
    answer: F,
    handshake: Arc<Handshake>,
    caller: Option<Caller>,
) -> Result<Response, Infallible>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    let response = answer.await?;
    if let Some(caller) = caller
        && response.status() == StatusCode::SWITCHING_PROTOCOLS
    {
        handshake.transport().runs_on(&caller.wire);
    }
    Ok(response)
}

/// Answers a polling request, unless the session is cut first.
async fn poll<F>(answer: F, transport: Arc<Transport>) -> Result<Response, Infallible>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    let mut hang_up = HangUp(Some(Arc::clone(&transport)));
    let response = tokio::select! {
        biased;
        () = transport.was_cut() => {
            let json = HeaderValue::from_static("application/json");
            return Ok((StatusCode::BAD_REQUEST, [(CONTENT_TYPE, json)], UNKNOWN_SESSION).into_response());
        }
        response = answer => response?,
        () = tokio::time::sleep(MAX_EXCHANGE) => {
            return Ok(StatusCode::REQUEST_TIMEOUT.into_response());
        }
    };
    hang_up.0 = None;
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
    };
    let body = body.to_bytes();
    transport.poll_answered(messages_in(&body));
    Ok(Response::from_parts(parts, Body::from(body)))
}
