//! The tower service under a `kube::Client`: it names the client, asks the faults, lets the server
//! answer and keeps the log.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::core::Status;
use serde_json::Value;

use super::call::{self, Call, Verb};
use super::clock;
use super::discovery;
use super::faults::{Fault, Seen};
use super::refusal::{self, Outcome, no_such_page};
use super::shared::{BoxError, Shared};
use super::watch::Watch;

pub(super) type ReplyBody = UnsyncBoxBody<Bytes, BoxError>;
pub(super) type Reply = Response<ReplyBody>;

impl Shared {
    /// Lets the server do what the call says, at once.
    fn perform(self: &Arc<Self>, seen: &Seen, call: Call) -> Reply {
        let answer = self.answer(&seen.who, call);
        let status = match &answer {
            Ok(Answer::Object(code, _)) => *code,
            Ok(Answer::Lines(_)) => 200,
            Err(status) => status.code,
        };
        self.note(seen, status);
        match answer {
            Ok(Answer::Object(code, object)) => reply(code, &object),
            Ok(Answer::Lines(watch)) => stream(*watch),
            Err(status) => refused(&status),
        }
    }

    fn answer(self: &Arc<Self>, who: &str, call: Call) -> Outcome<Answer> {
        let mut state = self.state();
        if let Some(review) = discovery::review(&call)? {
            return Ok(Answer::Object(201, review));
        }
        if call.verb == Verb::Watch {
            let watch = Watch::open(self, &state, who, call)?;
            return Ok(Answer::Lines(Box::new(watch)));
        }
        if !call.verb.is_write() {
            let stale = state.stale(who, &call.resource());
            return Ok(Answer::Object(200, state.server.read(&call, stale)?));
        }
        let before = state.server.store.version;
        let now = clock::stamp((self.clock)());
        let (code, object) = state.server.write(&call, &now)?;
        let changed = state.server.store.version != before;
        // A write may ask for the metadata only, too.
        let object = match (call.form, state.server.kind_of(&call)) {
            (call::Form::Metadata, Ok(kind)) if object["kind"] != "Status" => {
                super::read::shown(&object, &kind, &call)
            }
            _ => object,
        };
        drop(state);
        if changed {
            self.wake_watches();
        }
        Ok(Answer::Object(code, object))
    }
}

enum Answer {
    Object(u16, Value),
    Lines(Box<Watch>),
}

/// One client's way to the server.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) shared: Arc<Shared>,
    pub(super) who: String,
}

impl Service {
    async fn serve<B>(self, request: Request<B>) -> Result<Reply, BoxError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Self { shared, who } = self;
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(Into::into)?.to_bytes();
        let call = match call::parse(&head, body) {
            Some(Ok(call)) => call,
            Some(Err(status)) => return Ok(refused(&status)),
            None => return Ok(undirected(&shared, head.uri.path())),
        };
        let seen = shared.arrive(&who, &call);
        let fault = shared.faults().decide(&seen);
        let call = shared.faults().admitted(&seen, call);
        match fault {
            Fault::Pass => Ok(shared.perform(&seen, call)),
            Fault::Refuse(status) => {
                shared.note(&seen, status.code);
                Ok(refused(&status))
            }
            Fault::LoseReply => {
                shared.perform(&seen, call);
                Err(lost())
            }
            Fault::LoseRequest => Err(lost()),
            Fault::LateEffect(delay) => {
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    shared.perform(&seen, call);
                });
                Err(lost())
            }
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                Ok(shared.perform(&seen, call))
            }
            Fault::Hang => std::future::pending().await,
            Fault::StopBefore(point) => match point.hold().await {},
            Fault::StopAfter(point) => {
                shared.perform(&seen, call);
                match point.hold().await {}
            }
        }
    }
}

impl<B> tower::Service<Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.clone().serve(request))
    }
}

/// Health, version and discovery: no resource, no fault, no log.
fn undirected(shared: &Shared, path: &str) -> Reply {
    match discovery::answer(path, &shared.state().server.store.kinds) {
        Some(Value::String(text)) => plain(200, text),
        Some(object) => reply(200, &object),
        None => refused(&no_such_page()),
    }
}

fn lost() -> BoxError {
    std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()
}

fn full(bytes: Bytes) -> ReplyBody {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn reply(code: u16, object: &Value) -> Reply {
    with_head(code, full(Bytes::from(object.to_string())))
}

fn plain(code: u16, text: String) -> Reply {
    let mut reply = with_head(code, full(text.into()));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    reply
}

fn refused(status: &Status) -> Reply {
    if status.code == 404 && status.reason.is_empty() {
        return plain(404, status.message.clone());
    }
    let mut reply = reply(status.code, &refusal::body(status));
    let wait = status
        .details
        .as_ref()
        .map_or(0, |details| details.retry_after_seconds);
    if wait > 0 {
        reply
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    reply
}

fn stream(watch: Watch) -> Reply {
    let frames = watch.into_lines().map(|line| line.map(Frame::data));
    with_head(200, StreamBody::new(frames).boxed_unsync())
}

fn with_head(code: u16, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(header::CONTENT_TYPE, json);
    reply
}
