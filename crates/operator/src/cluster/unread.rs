//! Writes of which nothing counts but that they were taken: an answer says the whole object again, and who wrote
//! what of it, and to read that costs as much as to write it.

use kube::api::PostParams;
use kube::core::{NamespaceResourceScope, Request};
use kube::{Client, Error, Resource, ResourceExt as _};
use serde::Serialize;

/// Creates an object.
pub(super) async fn create<K>(client: &Client, object: &K, post: &PostParams) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize,
{
    let body = serde_json::to_vec(object).map_err(Error::SerdeError)?;
    let objects = Request::new(K::url_path(&(), object.namespace().as_deref()));
    let request = objects.create(post, body).map_err(Error::BuildRequest)?;
    client.request_text(request).await.map(|_| ())
}
