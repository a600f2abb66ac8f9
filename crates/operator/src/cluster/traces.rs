//! What is traced: each rotation as one span, from its attempt to its record, with the requests to the issuer
//! as its children. Names and attributes are API, as those of metrics are.
//!
//! Nothing is a span for a collector but what has [`TARGET`], so that no text of the log and no vendor's body
//! comes there. Where nobody exports, such a span is never made.

use tracing::field::Empty;
use tracing::{Metadata, Span, info_span};

use crate::cluster::unreadable::Place;

/// The target of all spans that are for a collector, and of no line of the log.
pub const TARGET: &str = "tokenwright::trace";

/// One sort of span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traced {
    /// Its name.
    pub name: &'static str,
    /// Its attributes, in order.
    pub attributes: &'static [&'static str],
    /// What it is, in a sentence.
    pub meaning: &'static str,
}

/// All of them.
pub const SPANS: [Traced; 2] = [
    Traced {
        name: "rotation",
        attributes: &[
            "k8s.namespace.name",
            "tokenwright.token",
            "tokenwright.issuer",
            "tokenwright.revision",
            "tokenwright.nonce",
            "tokenwright.result",
        ],
        meaning: "One mint of an ApiToken, from its attempt through proof and delivery to its record; the result is `Published`, or the reason of the failure",
    },
    Traced {
        name: "issuer request",
        attributes: &[
            "tokenwright.issuer",
            "tokenwright.operation",
            "tokenwright.result",
        ],
        meaning: "One operation at an issuer, its wait for the rate included, inside of the rotation that needs it; the result is `Ok`, or the kind of the error",
    },
];

/// Whether something is for a collector, and no part of the log.
#[must_use]
pub fn is_for_collectors(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET
}

/// The span of one mint, from its attempt through proof and delivery to its record. The nonce is that of the
/// marker: it finds the token at the issuer, and the attempt after a restart.
pub(crate) fn rotation(place: &Place, issuer: &str, revision: u32, nonce: &str) -> Span {
    info_span!(
        target: TARGET,
        "rotation",
        k8s.namespace.name = place.namespace.as_str(),
        tokenwright.token = place.name.as_str(),
        tokenwright.issuer = issuer,
        tokenwright.revision = revision,
        tokenwright.nonce = nonce,
        tokenwright.result = Empty,
        otel.status_code = Empty,
    )
}

/// The span of one request to an issuer, its wait for the rate included.
pub(crate) fn request(issuer: &str, operation: &str) -> Span {
    info_span!(
        target: TARGET,
        "issuer request",
        otel.kind = "client",
        tokenwright.issuer = issuer,
        tokenwright.operation = operation,
        tokenwright.result = Empty,
        otel.status_code = Empty,
    )
}

/// Says what came of the work of a span.
pub(crate) fn ended(span: &Span, result: &str, good: bool) {
    span.record("tokenwright.result", result);
    span.record("otel.status_code", if good { "OK" } else { "ERROR" });
}
