//! What every line of the log names that is about work on an object: its kind, namespace and name, and why
//! something is done.

use tracing::{Span, error_span};

use crate::cluster::unreadable::Place;

/// Why an object is looked at, until a decision says more.
const LOOKS: &str = "Observe";

/// The span of the work on an object. Its level is that of an error, so that no filter takes the names off
/// the lines that it leaves.
pub(crate) fn span(place: &Place) -> Span {
    let Place {
        kind,
        namespace,
        name,
    } = place;
    error_span!("object", kind, namespace, name, reason = LOOKS)
}

/// Says for the lines that follow why something is done now.
pub(crate) fn because(reason: &str) {
    Span::current().record("reason", reason);
}
