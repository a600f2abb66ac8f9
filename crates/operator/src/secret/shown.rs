//! The delivered Secrets as their watch shows them: their metadata, which say everything but the value.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use parking_lot::Mutex;

use crate::cluster::packed::{Packed, Packs, example};

/// A Secret without its data.
pub(crate) type SecretMeta = PartialObjectMeta<Secret>;

impl Packs for SecretMeta {
    fn like() -> &'static [u8] {
        static LIKE: LazyLock<Vec<u8>> =
            LazyLock::new(|| example::<SecretMeta>(include_str!("shown.json")));
        &LIKE
    }
}

/// What says more than this is kept of nobody, and read when it is asked about: anybody may say so much of a Secret.
const LARGEST: usize = 16 << 10;

/// All of them, by namespace and name: there is one for each `ApiToken`. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivered(Arc<Mutex<State>>);

type Secrets = HashMap<String, HashMap<String, Packed<SecretMeta>>>;

#[derive(Debug, Default)]
struct State {
    shown: Secrets,
    /// What a list that is not at its end told so far.
    listed: Secrets,
}

impl Delivered {
    /// What the watch tells.
    pub(crate) fn tell(&self, event: &Event<SecretMeta>) {
        let State { shown, listed } = &mut *self.0.lock();
        match event {
            Event::Apply(secret) => put(shown, secret),
            Event::Delete(secret) => {
                let (namespace, name) = place(secret);
                if let Some(of_namespace) = shown.get_mut(&namespace) {
                    of_namespace.remove(&name);
                }
            }
            Event::Init => listed.clear(),
            Event::InitApply(secret) => put(listed, secret),
            Event::InitDone => *shown = std::mem::take(listed),
        }
    }

    /// One of them.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<SecretMeta> {
        let state = self.0.lock();
        state.shown.get(namespace)?.get(name)?.unpack()
    }
}

fn place(secret: &SecretMeta) -> (String, String) {
    (secret.namespace().unwrap_or_default(), secret.name_any())
}

fn put(secrets: &mut Secrets, secret: &SecretMeta) {
    let (namespace, name) = place(secret);
    let of_namespace = secrets.entry(namespace).or_default();
    let packed = Packed::new(secret);
    match packed.len() <= LARGEST {
        true => of_namespace.insert(name, packed),
        false => of_namespace.remove(&name),
    };
}

/// The same, for whoever wants to know whose it is and what it says.
pub(crate) fn without_value(shown: &SecretMeta) -> Secret {
    Secret {
        metadata: shown.metadata.clone(),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// A Secret of which somebody says so many times 64 characters that nothing shortens.
    fn said(times: u32) -> SecretMeta {
        let word = |n: u32| Sha256::digest(n.to_be_bytes()).map(|byte| format!("{byte:02x}"));
        let text: String = (0..times).flat_map(word).collect();
        let said = [("example.com/large".to_owned(), text)];
        let mut secret = SecretMeta::default();
        (secret.metadata.name, secret.metadata.namespace) = (Some("a".into()), Some("b".into()));
        secret.metadata.annotations = Some(said.into());
        secret
    }

    #[test]
    fn what_says_more_than_can_be_of_use_is_kept_of_nobody() {
        let all = Delivered::default();
        all.tell(&Event::Apply(said(10)));
        assert!(all.get("b", "a").is_some());
        all.tell(&Event::Apply(said(4_000)));
        assert!(
            all.get("b", "a").is_none(),
            "what was known is true no more"
        );
        for event in [Event::Init, Event::InitApply(said(4_000)), Event::InitDone] {
            all.tell(&event);
        }
        assert!(all.0.lock().shown.values().all(HashMap::is_empty));
    }
}
