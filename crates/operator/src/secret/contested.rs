//! A Secret that is brought into its form again and again, since another writer undoes it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::ApiToken;

use crate::cluster::contest::rival;
use crate::cluster::context::Context;
use crate::cluster::events::{Event, send};

/// When a Secret may be brought into its form; `None` where that is now.
pub(crate) fn waits(context: &Context, object: &ApiToken, secret: &Secret) -> Option<Timestamp> {
    let (uid, now) = (object.uid()?, context.clock.now());
    context.objects.known(&uid, |known| {
        let (contest, ours) = &known.secret;
        let undone = ours != &secret.resource_version();
        contest
            .waits(object.metadata.generation, now)
            .filter(|_| undone)
    })
}

/// A value was delivered to it: what follows over that version is no answer to anybody else.
pub(crate) fn delivered(context: &Context, object: &ApiToken, secret: &Secret) {
    if let Some(uid) = object.uid() {
        let version = secret.resource_version();
        // Nobody makes an object known again that is gone.
        context
            .objects
            .change(&uid, |known| known.secret.1 = version);
    }
}

/// It was brought into its form over what somebody else had made of it; said once, when that begins to
/// be a contest.
pub(crate) async fn written(
    context: &Context,
    object: &ApiToken,
    (before, after): (&Secret, &Secret),
) {
    let Some(uid) = object.uid() else { return };
    let now = context.clock.now();
    let rival = rival(&before.metadata, None);
    let begins = context.objects.of(&uid, |known| {
        let (contest, ours) = &mut known.secret;
        let undone = *ours != before.resource_version();
        ours.clone_from(&after.resource_version());
        undone && contest.written(object.metadata.generation, rival, now)
    });
    let told = context.contested(&uid, &object.spec.secret.name, now);
    if let Some(told) = told.filter(|_| begins) {
        let event = Event::warning(told.reason, "Restore", told.message);
        send(context, object, &event).await;
    }
}
