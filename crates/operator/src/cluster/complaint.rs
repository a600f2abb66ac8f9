//! A complaint in an object's own conditions, where nothing else can be said of it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tokenwright_api::names::{condition, reason};

use crate::cluster::calls::{CallError, Scoped};
use crate::cluster::conditions::{Fact, Trouble, reconciling, stalled, updated};
use crate::cluster::context::Context;
use crate::cluster::unreadable::Place;

/// Says in the object's own conditions that it cannot be read.
pub(crate) async fn unreadable<K>(
    context: &Context,
    place: &Place,
    error: &str,
) -> Result<(), CallError>
where
    K: Resource<DynamicType = (), Scope: Scoped>,
{
    let calls = &context.calls;
    let Some(mut object) = calls.untyped::<K>(&place.namespace, &place.name).await? else {
        return Ok(());
    };
    let message = format!(
        "This version of the operator cannot read the {}: {error}.",
        place.kind
    );
    let why = Trouble::new(reason::UNREADABLE, &message);
    let facts = [
        Fact::new(condition::READY, false, reason::UNREADABLE, message),
        stalled(Some(why)),
        reconciling(None),
    ];
    let before = conditions(&object);
    let generation = object.meta().generation.unwrap_or_default();
    let after = updated(&before, &facts, generation, context.clock.now());
    if after == before {
        return Ok(());
    }
    if !object.data["status"].is_object() {
        object.data["status"] = json!({});
    }
    object.data["status"]["conditions"] = json!(after);
    calls.write_untyped_status::<K>(object).await.map(|_| ())
}

fn conditions(object: &DynamicObject) -> Vec<Condition> {
    let shown: &Value = &object.data["status"]["conditions"];
    serde_json::from_value(shown.clone()).unwrap_or_default()
}
