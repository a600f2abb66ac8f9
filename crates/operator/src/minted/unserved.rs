//! An `ApiToken` whose issuer cannot be asked.

use kube::ResourceExt as _;
use tokenwright_api::ApiToken;
use tokenwright_api::names::condition;
use tokenwright_api::wanted::{self, deleted_at};
use tokenwright_core::instant::after;

use crate::cluster::calls::CallError;
use crate::cluster::conditions::{self, Fact, Trouble, updated};
use crate::cluster::context::Context;
use crate::cluster::deletion;
use crate::cluster::pace::{self, Next, UNTOLD};
use crate::cluster::told;
use crate::issuer::abandoned::abandon;
use crate::issuer::obstacle::Obstacle;
use crate::minted::unended;

/// Says so, and lets the object go where nothing keeps it. `watched` is whether the watch shows its Secret.
pub(crate) async fn without_issuer(
    context: &Context,
    object: &ApiToken,
    obstacle: &Obstacle,
    watched: bool,
) -> Result<Next, CallError> {
    let (why, message) = (obstacle.reason, obstacle.message.as_str());
    let stalled = obstacle.stalled;
    let now = context.clock.now();
    let status = object.status.clone().unwrap_or_default();
    if let Some(since) = deleted_at(object)
        && !context.observe_only
    {
        let wanted = wanted::deletion(object);
        let empty = status.last_revision == 0;
        if empty || now >= after(since, wanted.timeout) {
            if !empty {
                let current = status.current.iter().map(|current| &current.token_id);
                let retiring = status.retiring.iter().map(|old| &old.token_id);
                let revokes = status.revokes.iter().map(|open| &open.token_id);
                let ids = current.chain(retiring).chain(revokes);
                let unknown = (status.attempts.len(), status.suspects);
                let (alive, event) = unended::gave_up(ids.map(String::as_str), unknown);
                abandon(context, object, alive, &event).await;
            }
            deletion::let_go(context, object).await?;
            return Ok(Next::await_change());
        }
    }
    let works = status
        .current
        .as_ref()
        .is_some_and(|current| current.expires_at.is_none_or(|at| at > now));
    let trouble = || Some(Trouble::new(why, message));
    let mut facts = vec![
        conditions::stalled(trouble().filter(|_| stalled)),
        conditions::reconciling(trouble().filter(|_| !stalled)),
    ];
    let secret = &object.spec.secret.name;
    let namespace = object.namespace().unwrap_or_default();
    let lost = works && !watched && context.calls.secret(&namespace, secret).await?.is_none();
    let gone = format!("The Secret {secret} is gone");
    let known = status.conditions.iter();
    let was_lost = known
        .filter(|known| known.type_ == condition::READY)
        .any(|ready| ready.message.starts_with(&gone));
    let not_ready = match (works, lost) {
        (false, _) => Some(message.to_owned()),
        (true, true) => Some(format!("{gone}, and no other is delivered yet: {message}")),
        // Somebody made one again, and nobody can look whether its token works.
        (true, false) => was_lost.then(|| message.to_owned()),
    };
    if let Some(message) = not_ready {
        facts.insert(0, Fact::new(condition::READY, false, why, message));
    }
    let generation = object.metadata.generation.unwrap_or_default();
    let mut said = status.clone();
    said.conditions = updated(&status.conditions, &facts, generation, now);
    said.observed_generation = Some(generation);
    if said != status {
        told::say(context, object, said).await?;
    }
    // The deadline of a deletion comes at its instant.
    let deadline = deletion::deadline(object).filter(|at| *at > now);
    Ok(pace::at_first([Some(after(now, UNTOLD)), deadline], now))
}
