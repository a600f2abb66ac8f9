//! An `ApiToken` as it waits in memory.

use std::num::NonZeroU16;
use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource as _, ResourceExt as _};
use tokenwright_api::names::{GROUP, condition, finalizer, reason};
use tokenwright_api::token::IssuerRef;
use tokenwright_api::{ApiToken, ApiTokenStatus};
use tokenwright_core::{Lifetime, Parameters, duration};

use crate::cluster::copies::shorten;
use crate::cluster::marks;
use crate::cluster::packed::{Packed, Packs, example};
use crate::cluster::shared::Shared;
use crate::cluster::uid::Uid;
use crate::cluster::unreadable::Place;

/// What is longer than this is kept without its texts, and read whenever it is looked at: what one tenant writes
/// takes no memory from all others, at rest or at work. Most are a fifth of it.
const LONGEST_KEPT: usize = 16 * 1024;

impl Packs for ApiToken {
    fn like() -> &'static [u8] {
        static LIKE: LazyLock<Vec<u8>> =
            LazyLock::new(|| example::<ApiToken>(include_str!("token.json")));
        &LIKE
    }
}

/// An `ApiToken`, packed; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct PackedToken(Arc<Content>);

/// There are thousands: what few have, or what is seldom asked, is in the whole object alone.
#[derive(Debug)]
struct Content {
    namespace: Box<str>,
    name: Box<str>,
    uid: Uid,
    version: u64,
    generation: Option<i64>,
    brief: Brief,
    whole: Packed<ApiToken>,
}

/// What is asked of all `ApiToken`s at once: by whom they are minted, where they go, and when.
#[derive(Debug)]
pub(crate) struct Brief {
    /// Who mints it.
    pub(crate) issuer: IssuerRef,
    /// The Secret that it delivers to.
    pub(crate) delivers_to: Box<str>,
    /// The Secret that it is to adopt from.
    pub(crate) adopts_from: Option<Box<str>>,
    /// The Secret that it adopted from.
    pub(crate) adopted_from: Option<Box<str>>,
    /// When the token ends.
    pub(crate) ends_at: Option<Timestamp>,
    /// When it is replaced.
    pub(crate) renews_at: Option<Timestamp>,
    /// Whether the latest mint failed, or a person is needed before the next one.
    pub(crate) fails: bool,
    /// Tokens that are to end and that neither its Secret nor an overlap claims.
    pub(crate) orphans: u32,
    /// Tokens that are to end while something stands in the way.
    pub(crate) stuck: u32,
    /// Whether its adopted token ends soon.
    pub(crate) expires_soon: bool,
    /// Whether somebody else mints in its name.
    pub(crate) foreign: bool,
    /// How many tokens may exist that nobody can find.
    pub(crate) suspects: u32,
    /// What it will ask of its issuer; nothing where it is suspended.
    pub(crate) asks: Option<Asks>,
    /// How many KiB it has, where it is too long to be kept whole: its texts are left out.
    pub(crate) cut: Option<NonZeroU16>,
}

/// What an `ApiToken` will ask of its issuer.
#[derive(Debug)]
pub(crate) enum Asks {
    /// Whether the value of a person still works.
    Checks,
    /// Mints.
    Mints {
        /// How long each token is used; nothing where it is never replaced.
        every: Option<SignedDuration>,
        /// What they are asked with.
        parameters: Arc<Parameters>,
    },
}

/// Packs one; `parameters` are those of all.
pub(crate) fn pack(token: &ApiToken, parameters: &Shared<Parameters>) -> PackedToken {
    let whole = Packed::new(token);
    let length = whole.unpacked_len();
    let kibibytes = u16::try_from(length / 1024).unwrap_or(u16::MAX);
    let cut = NonZeroU16::new(kibibytes).filter(|_| length > LONGEST_KEPT);
    let short = cut.map(|_| without_texts(token.clone()));
    let asked = short.as_ref().unwrap_or(token).spec.token.as_ref();
    let brief = brief(token, asked.map(|asked| parameters.one(&asked.parameters)));
    let whole = short.as_ref().map_or(whole, Packed::new);
    PackedToken(Arc::new(Content {
        namespace: token.namespace().unwrap_or_default().into(),
        name: token.name_any().into(),
        uid: Uid::from(token.meta().uid.as_deref().unwrap_or_default()),
        version: version_of(token),
        generation: token.meta().generation,
        brief: Brief { cut, ..brief },
        whole,
    }))
}

/// The same without what only the work on it asks for: what its Secret is to look like, what is said of it, and what
/// is refused anyway.
fn without_texts(mut token: ApiToken) -> ApiToken {
    let metadata = token.meta_mut();
    metadata.annotations = None;
    if let Some(finalizers) = &mut metadata.finalizers {
        finalizers.retain(|name| name.starts_with(GROUP));
    }
    if let Some(adopt) = &mut token.spec.adopt {
        adopt.value_from.secret_ref.keys.clear();
    }
    shorten(&mut token.spec);
    let secret = &mut token.spec.secret;
    secret.data.clear();
    secret.labels.clear();
    secret.annotations.clear();
    token
}

/// Which version of an object it is: those of one API server are numbers that grow.
pub(crate) fn version_of(token: &ApiToken) -> u64 {
    let version = token.meta().resource_version.as_deref();
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl PackedToken {
    /// The whole object, but for what is cut of it.
    pub(crate) fn unpack(&self) -> Option<ApiToken> {
        self.0.whole.unpack()
    }

    /// What can be asked of it as it is.
    pub(crate) fn brief(&self) -> &Brief {
        &self.0.brief
    }

    /// Its namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Its name there.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Its UID.
    pub(crate) fn uid(&self) -> &Uid {
        &self.0.uid
    }

    /// Which version of the object it is.
    pub(crate) fn version(&self) -> u64 {
        self.0.version
    }

    /// Which version of the specification.
    pub(crate) fn generation(&self) -> Option<i64> {
        self.0.generation
    }

    /// As controllers name it.
    pub(crate) fn reference(&self) -> ObjectRef<ApiToken> {
        ObjectRef::new(self.name()).within(self.namespace())
    }

    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        Place {
            kind: ApiToken::kind(&()).into_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }
}

fn brief(token: &ApiToken, parameters: Option<Arc<Parameters>>) -> Brief {
    let status = token.status.as_ref();
    let current = status.and_then(|status| status.current.as_ref());
    let adopted = status.and_then(|status| status.adopted.as_ref());
    let adopt = token.spec.adopt.as_ref();
    let asks = || match parameters {
        None => Asks::Checks,
        Some(parameters) => Asks::Mints {
            every: between_rotations(token),
            parameters,
        },
    };
    Brief {
        issuer: token.spec.issuer_ref.clone(),
        delivers_to: token.spec.secret.name.as_str().into(),
        adopts_from: adopt.map(|adopt| adopt.value_from.secret_ref.name.as_str().into()),
        adopted_from: adopted.map(|adopted| adopted.source.as_str().into()),
        ends_at: current
            .and_then(|current| current.expires_at)
            .or(adopted.and_then(|adopted| adopted.expires_at)),
        renews_at: current.and_then(|current| current.renew_at),
        fails: status.is_some_and(fails),
        orphans: few(orphans_of(token)),
        stuck: few(stuck_of(token)),
        expires_soon: status.is_some_and(|status| says(status, condition::EXPIRES_SOON)),
        foreign: status.is_some_and(|status| says(status, condition::FOREIGN_ACTIVITY)),
        suspects: status.map_or(0, |status| status.suspects),
        asks: (!token.spec.suspend).then(asks),
        cut: None,
    }
}

/// As many as take little room.
fn few(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How long a token of this is used; nothing where it is never replaced.
fn between_rotations(token: &ApiToken) -> Option<SignedDuration> {
    let shown = token
        .status
        .as_ref()
        .and_then(|status| status.current.as_ref());
    let scheduled = shown.and_then(|shown| Some(shown.renew_at?.duration_since(shown.created_at)));
    let asked = || match token.spec.token.as_ref()?.lifetime.as_str().parse() {
        // One third before the end, where nobody says otherwise.
        Ok(Lifetime::For(lifetime)) => Some(lifetime.checked_div(3)?.saturating_mul(2)),
        Ok(Lifetime::Never) | Err(_) => {
            let every = token.spec.rotation.every.as_ref()?;
            duration::parse(every.as_str()).ok()
        }
    };
    scheduled.or_else(asked)
}

fn fails(status: &ApiTokenStatus) -> bool {
    status.failures.is_some() || says(status, condition::STALLED)
}

/// Whether a condition is the case.
fn says(status: &ApiTokenStatus, type_: &str) -> bool {
    let is = |known: &Condition| known.type_ == type_ && known.status == "True";
    status.conditions.iter().any(is)
}

fn orphans_of(token: &ApiToken) -> usize {
    let Some(status) = &token.status else {
        return 0;
    };
    let current = status.current.as_ref().map(|current| &current.token_id);
    let retires = |id: &String| status.retiring.iter().any(|old| old.token_id == *id);
    let orphan = |id: &String| current != Some(id) && !retires(id);
    let revokes = status.revokes.iter();
    revokes.filter(|open| orphan(&open.token_id)).count()
}

fn stuck_of(token: &ApiToken) -> usize {
    let Some(status) = &token.status else {
        return 0;
    };
    let revokes = status.revokes.iter();
    let minted = revokes.filter(|open| open.obstacle.is_some()).count();
    // The revoke of an adopted token stands in no list, and is tried for as long as we hold the object.
    let mut conditions = status.conditions.iter();
    let adopted = status.adopted.is_some()
        && marks::has(token, finalizer::API_TOKEN)
        && conditions.any(|known| {
            // What a person asked for in vain is no revoke.
            known.type_ == condition::REVOKE_FAILED && known.reason != reason::INVALID_SPEC
        });
    minted.saturating_add(usize::from(adopted))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokenwright_core::bounds::MOST_TEXT;

    use super::*;
    use crate::cluster::copies::is_overlong;
    use crate::secret::shown::SecretMeta;

    /// The text of an object, and how much of it is kept where another one has said most of it.
    fn kept<K: Packs>(unlike: &[(&str, &str)]) -> (usize, usize) {
        let mut text = String::from_utf8(K::like().to_vec()).unwrap();
        for (usual, own) in unlike {
            assert!(text.contains(usual), "the example says {usual}");
            text = text.replace(usual, own);
        }
        let object: K = serde_json::from_str(&text).unwrap();
        let packed = Packed::new(&object);
        let json = |object: &K| serde_json::to_value(object).unwrap();
        assert_eq!(json(&packed.unpack().unwrap()), json(&object));
        (text.len(), packed.len())
    }

    #[test]
    fn what_a_tenant_writes_into_one_of_thousands_takes_little_room() {
        let token: ApiToken = serde_json::from_slice(ApiToken::like()).unwrap();
        let before = pack(&token, &Shared::default());
        assert_eq!(before.brief().cut, None);
        // Nothing in it is said twice; all of it is the same.
        let word = |n: u64| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for text in [(0..4_000).map(word).collect(), "a".repeat(64_000)] {
            let crowd = || (0..40).map(|n| format!("{n}{text}"));
            let named = || crowd().map(|text| (text.clone(), text)).collect();
            let mut all = vec![token.clone(); 5];
            all[0].spec.secret.data = named();
            all[1]
                .annotations_mut()
                .extend(crowd().map(|text| (text.clone(), text)));
            all[2].finalizers_mut().extend(crowd());
            let wanted = all[3].spec.token.as_mut().unwrap();
            (wanted.scopes, wanted.parameters) = (crowd().collect(), named());
            let adopt =
                json!({ "valueFrom": { "secretRef": { "name": "s", "keys": { "a": text } } } });
            let adopt = all[4]
                .spec
                .adopt
                .insert(serde_json::from_value(adopt).unwrap());
            adopt.parameters = named();
            for (field, token) in all.iter().enumerate() {
                let parameters = Shared::default();
                let packed = pack(token, &parameters);
                assert!(packed.brief().cut.is_some(), "{field}");
                let (less, more) = (before.0.whole.len(), packed.0.whole.len());
                assert!(more <= less + 500, "{field}: {less} and {more} bytes");
                let kept = packed.unpack().unwrap();
                assert_eq!(is_overlong(&kept.spec), is_overlong(&token.spec), "{field}");
                if let Some(Asks::Mints { parameters, .. }) = &packed.brief().asks {
                    let length: usize = parameters.iter().map(|(k, v)| k.len() + v.len()).sum();
                    assert!(length <= MOST_TEXT + 2, "{field}: {length}");
                }
            }
        }
    }

    #[test]
    fn what_stands_beside_each_of_thousands_is_small() {
        let size = size_of::<Content>();
        assert!(size <= 280, "{size} bytes");
    }

    #[test]
    fn what_most_objects_say_takes_no_room() {
        let unlike = [
            (
                "00000000-0000-4000-8000-000000000000",
                "5f0c63b1-9a2e-4c51-8d1f-0b7a6c1e92d4",
            ),
            (
                "tw1-aaaaa-aaaaaaaaaaaaa-1-aaaaaaaa",
                "tw1-pyrwp-gmfokolpicrsn-7-ccgrmz6k",
            ),
            ("2026-01-01T00:00:00Z", "2027-11-23T17:05:41Z"),
            ("team-a", "payments"),
            ("\"ci\"", "\"nightly-release\""),
        ];
        let (text, kept_of_token) = kept::<ApiToken>(&unlike);
        assert!(kept_of_token < text / 4, "{kept_of_token} of {text}");
        let (text, kept_of_secret) = kept::<SecretMeta>(&unlike[..4]);
        assert!(kept_of_secret < text / 4, "{kept_of_secret} of {text}");
    }
}
