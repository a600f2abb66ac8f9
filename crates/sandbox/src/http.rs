//! HTTP as the played systems see it: a whole request in, an answer out, and connections that can
//! be cut at a chosen place. It knows no system and no fault.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Token requests are a few hundred bytes, but one system is known to read 25 MB; more than this is
/// refused unread.
const LARGEST_REQUEST: usize = 32 * 1024 * 1024;

/// The connection ends here, without another byte.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection is cut on purpose")]
pub(crate) struct Cut;

/// A request that was read to its end.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path as it was sent.
    pub(crate) raw_path: String,
    /// The path's segments; empty ones are left out.
    pub(crate) path: Vec<String>,
    /// The length of request line and headers in bytes.
    pub(crate) head_length: usize,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) async fn read(request: http::Request<Incoming>) -> Result<Self, Cut> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LARGEST_REQUEST)
            .collect()
            .await
            .map_err(|_too_large| Cut)?;
        let query = head.uri.query().unwrap_or_default();
        // Method, target, version and the blanks between, then `name: value` and a line end each.
        let line = head.method.as_str().len() + head.uri.to_string().len() + " HTTP/1.1 \r\n".len();
        let headers = head.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
            .sum();
        Ok(Self {
            method: head.method,
            raw_path: head.uri.path().to_owned(),
            head_length: line + headers,
            path: segments(head.uri.path()),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    /// A request that comes from within: JSON to `path`, without a bearer.
    pub(crate) fn post(path: &str, body: &Value) -> Self {
        Self::within(path, "application/json", body.to_string())
    }

    /// The same with a form.
    pub(crate) fn form(path: &str, form: String) -> Self {
        Self::within(path, "application/x-www-form-urlencoded", form)
    }

    fn within(path: &str, kind: &'static str, body: String) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Self {
            method: Method::POST,
            raw_path: path.to_owned(),
            path: segments(path),
            head_length: 0,
            query: Vec::new(),
            headers,
            body: Bytes::from(body),
        }
    }

    /// The path's segments, to match on.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as a JSON object; a missing one is the empty object.
    pub(crate) fn object(&self) -> Option<serde_json::Map<String, Value>> {
        if self.body.is_empty() {
            return Some(serde_json::Map::new());
        }
        serde_json::from_slice(&self.body).ok()
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What a system answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    pub(crate) framing: Framing,
}

/// How an answer stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A reason phrase, and a body whose length is told.
    Sized,
    /// No reason phrase, and a body in chunks; an empty one has its length told.
    Chunked,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    /// A bare JSON array whose items are written already.
    Rows(Vec<String>),
    Raw {
        kind: Cow<'static, str>,
        bytes: Bytes,
    },
}

impl Answer {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            content: Content::Empty,
            framing: Framing::Sized,
        }
    }

    pub(crate) fn json(status: StatusCode, body: Value) -> Self {
        Self {
            content: Content::Json(body),
            ..Self::empty(status)
        }
    }

    pub(crate) fn raw(
        status: StatusCode,
        kind: impl Into<Cow<'static, str>>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        Self {
            content: Content::Raw {
                kind: kind.into(),
                bytes: bytes.into(),
            },
            ..Self::empty(status)
        }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The body as it goes over the wire.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.content {
            Content::Empty => Bytes::new(),
            Content::Json(body) => Bytes::from(body.to_string()),
            Content::Rows(rows) => Bytes::from(format!("[{}]", rows.join(","))),
            Content::Raw { bytes, .. } => bytes.clone(),
        }
    }

    /// As a response; with `half` the connection ends in the middle of the promised body.
    pub(crate) fn into_response(self, half: bool) -> Response<Wire> {
        let bytes = self.bytes();
        let chunked = self.framing == Framing::Chunked;
        let wire = Wire {
            promised: Some(bytes.len()).filter(|length| !chunked || *length == 0),
            sent: if half {
                bytes.slice(..bytes.len() / 2)
            } else {
                bytes
            },
            step: if half { Step::SendHalf } else { Step::Send },
        };
        let mut response = Response::new(wire);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if chunked {
            response
                .extensions_mut()
                .insert(ReasonPhrase::from_static(b""));
        }
        let kind = match self.content {
            Content::Empty => None,
            Content::Json(_) | Content::Rows(_) => Some(Cow::Borrowed("application/json")),
            Content::Raw { kind, .. } => Some(kind),
        };
        if let Some(Ok(kind)) = kind.map(|kind| HeaderValue::from_str(&kind)) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        response
    }
}

/// A body that may end too early.
#[derive(Debug)]
pub(crate) struct Wire {
    /// The length that is told; none for chunks.
    promised: Option<usize>,
    sent: Bytes,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Send,
    SendHalf,
    Flush,
    Cut,
    Done,
}

impl Body for Wire {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.step {
            Step::Send if self.sent.is_empty() => Poll::Ready(None),
            Step::Send | Step::SendHalf => {
                self.step = if self.step == Step::Send {
                    Step::Done
                } else {
                    Step::Flush
                };
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.sent)))))
            }
            Step::Flush => {
                // One idle turn, so that the first half leaves before the connection does.
                self.step = Step::Cut;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Step::Cut => Poll::Ready(Some(Err(Cut))),
            Step::Done => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.step == Step::Done || (self.step == Step::Send && self.sent.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self.step {
            Step::Send | Step::SendHalf => self
                .promised
                .map(|length| SizeHint::with_exact(length as u64))
                .unwrap_or_default(),
            Step::Flush | Step::Cut | Step::Done => SizeHint::default(),
        }
    }
}

/// Serves connections with `handle` until `stop`; then every connection ends at once.
pub(crate) async fn serve<H, F>(listener: TcpListener, stop: CancellationToken, handle: H)
where
    H: Fn(http::Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response<Wire>, Cut>> + Send + 'static,
{
    let handle = Arc::new(handle);
    accept(listener, stop, move |stream| {
        let handle = Arc::clone(&handle);
        let service = hyper::service::service_fn(move |request| handle(request));
        async move {
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
        }
    })
    .await;
}

/// Serves an axum router in the same way.
pub(crate) async fn serve_router(
    listener: TcpListener,
    stop: CancellationToken,
    router: axum::Router,
) {
    accept(listener, stop, move |stream| {
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        async move {
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
        }
    })
    .await;
}

async fn accept<C, F>(listener: TcpListener, stop: CancellationToken, connect: C)
where
    C: Fn(tokio::net::TcpStream) -> F,
    F: Future<Output = hyper::Result<()>> + Send + 'static,
{
    let mut connections: JoinSet<Result<(), Infallible>> = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    // Small answers must not wait for one another.
                    let _ = stream.set_nodelay(true);
                    let connection = connect(stream);
                    connections.spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%error, "a connection ended");
                        }
                        Ok(())
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Out of file descriptors, most likely: let some connections end first.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
        }
    }
}
