//! Tokens of an issuer that nobody manages any more.

use kube::ResourceExt as _;
use tokenwright_api::ApiToken;

use crate::cluster::context::Context;
use crate::cluster::events::{Event, send_aloud};
use crate::cluster::metrics::issuer;
use crate::issuer::object::place_of;

/// Tokens live on, or may, and nothing here will know of them: that is told once, as an event, in the log and as a
/// number.
pub(crate) async fn abandon(context: &Context, object: &ApiToken, tokens: usize, event: &Event) {
    if context.abandons(&object.uid().unwrap_or_default()) {
        context.metrics.abandoned(&issuer(place_of(object)), tokens);
        send_aloud(context, object, event).await;
    }
}
