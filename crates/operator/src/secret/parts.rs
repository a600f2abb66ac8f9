//! The parts of a value on their way into a Secret, or out of one.
//!
//! The only place of the operator where a secret value leaves its type.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sha2::{Digest as _, Sha256};
use tokenwright_api::names::annotation;
use tokenwright_client::account::SecretDigests;
use tokenwright_client::profile::MOST_OF_ID;
use tokenwright_client::{SecretText, SecretValue, Unsendable};
use tokenwright_core::{Identity, Intact, TokenRef};
use zeroize::Zeroizing;

/// Characters that end or escape a text in nearly every format.
const WORST: &[u8] = br#""\"#;

/// Parts of the previous value stand under their names with this prefix.
pub(crate) const PREVIOUS: &str = "previous.";

/// Why the bytes under a key are no part of a value; continues a sentence that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// Nothing is left without line ends.
    #[error("is empty")]
    Empty,
    /// More bytes than the part can have.
    #[error("has {bytes} bytes, and at most {most} are possible")]
    TooLong {
        /// How many there are.
        bytes: usize,
        /// How many are possible.
        most: usize,
    },
    /// No text.
    #[error("is not UTF-8")]
    NotText,
    /// It could not be sent to the issuer.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
}

/// Secret and public parts, by name.
#[derive(Clone, Default)]
pub(crate) struct Parts(BTreeMap<String, Zeroizing<Vec<u8>>>);

impl Parts {
    /// What a mint gave.
    #[expect(
        clippy::disallowed_methods,
        reason = "the Secret builder is one of the three places that may"
    )]
    pub(crate) fn of(value: &SecretValue, public: &BTreeMap<String, String>) -> Self {
        let secret = value
            .parts()
            .map(|(name, text)| (name.to_owned(), text.expose().as_bytes()));
        let public = public
            .iter()
            .map(|(name, text)| (name.clone(), text.as_bytes()));
        Self(
            secret
                .chain(public)
                .map(|(name, bytes)| (name, Zeroizing::new(bytes.to_vec())))
                .collect(),
        )
    }

    /// Takes up what a person put under a key of a Secret, without the line ends that editors and
    /// `kubectl create secret --from-file` leave at its end.
    ///
    /// # Errors
    ///
    /// If it cannot be this part of a value.
    pub(crate) fn take(
        &mut self,
        part: &str,
        (secret, key): (&Secret, &str),
        most: usize,
    ) -> Result<(), Unusable> {
        let data = secret.data.as_ref().and_then(|data| data.get(key));
        let bytes = data.map(|bytes| bytes.0.as_slice()).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| Unusable::NotText)?;
        let text = SecretText::taken_in(text);
        match text.len() {
            0 => return Err(Unusable::Empty),
            bytes if bytes > most => return Err(Unusable::TooLong { bytes, most }),
            _ => text.sendable(true)?,
        }
        let bytes = bytes.get(..text.len()).unwrap_or_default();
        self.0
            .insert(part.to_owned(), Zeroizing::new(bytes.to_vec()));
        Ok(())
    }

    /// The worst parts that a profile allows, for the rehearsal: of the largest size, and of characters
    /// that no document takes as they are.
    pub(crate) fn placeholder(sizes: &BTreeMap<String, usize>, public: &[String]) -> Self {
        let public = public.iter().map(|name| (name, &MOST_OF_ID));
        let filled = |(name, size): (&String, &usize)| {
            (
                name.clone(),
                Zeroizing::new(WORST.iter().copied().cycle().take(*size).collect()),
            )
        };
        Self(public.chain(sizes).map(filled).collect())
    }

    /// What a Secret of ours holds; nothing where it does not say which keys are parts.
    pub(crate) fn held_by(secret: &Secret) -> Self {
        let annotations = secret.metadata.annotations.as_ref();
        let names = annotations.and_then(|all| all.get(annotation::PARTS));
        let data = secret.data.as_ref();
        let part = |name: &str| Some((name.to_owned(), Zeroizing::new(data?.get(name)?.0.clone())));
        Self(
            names
                .iter()
                .flat_map(|names| names.split(','))
                .filter_map(part)
                .collect(),
        )
    }

    /// The keys of a Secret that are not known to be something else, for one that says nothing.
    pub(crate) fn keys_of(secret: &Secret, counts: impl Fn(&str) -> bool) -> Self {
        let data = secret.data.iter().flatten();
        let parts = data.filter(|(key, _)| counts(key) && !key.starts_with(PREVIOUS));
        Self(
            parts
                .map(|(key, bytes)| (key.clone(), Zeroizing::new(bytes.0.clone())))
                .collect(),
        )
    }

    /// The parts of which a Secret holds nothing.
    pub(crate) fn missing_in(secret: &Secret, parts: &BTreeMap<String, usize>) -> Vec<String> {
        let data = secret.data.as_ref();
        let holds = |part: &&String| {
            data.and_then(|data| data.get(*part))
                .is_some_and(|bytes| !bytes.0.is_empty())
        };
        parts.keys().filter(|part| !holds(part)).cloned().collect()
    }

    /// The parts of the previous value that a Secret keeps.
    pub(crate) fn previous_in(secret: &Secret) -> Self {
        let data = secret.data.iter().flatten();
        let part = |(key, bytes): (&String, &ByteString)| {
            Some((
                key.strip_prefix(PREVIOUS)?.to_owned(),
                Zeroizing::new(bytes.0.clone()),
            ))
        };
        Self(data.filter_map(part).collect())
    }

    /// Those that are no longer than they can be at the issuer: what stands in a Secret anybody may have put there.
    pub(crate) fn within(mut self, most: &BTreeMap<String, usize>) -> Self {
        self.0
            .retain(|name, bytes| most.get(name).is_some_and(|most| bytes.len() <= *most));
        self
    }

    /// Those by whose names `others` has parts, too.
    pub(crate) fn only(&self, others: &Self) -> Self {
        let parts = self.0.iter();
        let parts = parts.filter(|(name, _)| others.get(name).is_some());
        Self(
            parts
                .map(|(name, bytes)| (name.clone(), bytes.clone()))
                .collect(),
        )
    }

    /// The bytes of one part.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|bytes| bytes.as_slice())
    }

    /// The names, as the annotation lists them.
    pub(crate) fn names(&self) -> String {
        self.0
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The data of a Secret, one key per part, each with `prefix`.
    pub(crate) fn data(&self, prefix: &'static str) -> impl Iterator<Item = (String, ByteString)> {
        self.0
            .iter()
            .map(move |(name, bytes)| (format!("{prefix}{name}"), ByteString(bytes.to_vec())))
    }

    /// The public ones of these names, as far as they are there.
    pub(crate) fn public(&self, names: &[String]) -> BTreeMap<String, String> {
        let text = |name: &String| {
            let text = String::from_utf8(self.get(name)?.to_vec()).ok()?;
            Some((name.clone(), text))
        };
        names.iter().filter_map(text).collect()
    }

    /// The value again, to ask whether it authenticates.
    pub(crate) fn value(&self, secret_parts: &BTreeMap<String, usize>) -> Option<SecretValue> {
        let part = |name: &String| {
            let text = String::from_utf8(self.get(name)?.to_vec()).ok()?;
            Some((name.clone(), SecretText::new(text)))
        };
        Some(SecretValue::new(
            secret_parts.keys().map(part).collect::<Option<Vec<_>>>()?,
        ))
    }

    /// The digest of a delivered value, with the id of its key: one of another key says nothing.
    pub(crate) fn sealed(&self, key: &DigestKey) -> String {
        format!("{}.{}", key.id(), self.digest(key))
    }

    /// Whether these are the parts that `sealed` was made of.
    pub(crate) fn compare(&self, sealed: &str, key: &DigestKey) -> Intact {
        let (id, digest) = match sealed.split_once('.') {
            Some((id, digest)) => (Some(id), digest),
            // From before there were ids: it may be of any key.
            None => (None, sealed),
        };
        match (self.digest(key) == digest, id) {
            (true, _) => Intact::Yes,
            (false, Some(id)) if id == key.id() => Intact::No,
            (false, _) => Intact::Unknown,
        }
    }

    /// A keyed digest: tells whether somebody changed a part, and tells nothing else.
    pub(crate) fn digest(&self, key: &DigestKey) -> String {
        let parts = self.0.iter();
        key.digest(parts.flat_map(|(name, bytes)| [name.as_bytes(), bytes.as_slice()]))
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parts({})", self.names())
    }
}

/// The key of the digests.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DigestKey(Zeroizing<Vec<u8>>);

/// Why bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has {0} bytes, and a key has at least {MIN_KEY}")]
pub struct WeakKey(usize);

/// The digits of a seal: nobody guesses 128 bits, and there are thousands of seals in memory.
const SEAL: usize = 32;

/// A shorter key could be guessed, and an empty one is none.
const MIN_KEY: usize = 16;

impl DigestKey {
    /// A key of these bytes.
    ///
    /// # Errors
    ///
    /// If there are too few.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, WeakKey> {
        match bytes.len() {
            few if few < MIN_KEY => Err(WeakKey(few)),
            _ => Ok(Self(Zeroizing::new(bytes))),
        }
    }

    /// Whether a digest was made with this key.
    pub(crate) fn sealed(&self, digest: &str) -> bool {
        digest
            .split_once('.')
            .is_some_and(|(id, _)| id == self.id())
    }

    /// What only whoever has this key can write of a token: of its marker, and of all that leads to it. The digest of
    /// a value, which a tenant may choose, is of an even number of pieces, and so never a seal.
    pub(crate) fn seal(&self, token: &TokenRef) -> String {
        let marker = token.marker.to_string();
        let identity = token.identity.as_ref().map_or("", Identity::as_str);
        let parameters = token.parameters.iter();
        let parameters = parameters.flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]);
        let named = [
            "seal",
            &marker,
            token.id.as_str(),
            &token.endpoint,
            identity,
        ];
        let digest = self.digest(named.map(str::as_bytes).into_iter().chain(parameters));
        digest.chars().take(SEAL).collect()
    }

    /// The same of the endpoint that an adopted value belongs to, in the `ApiToken` of this UID.
    pub(crate) fn seal_of_adopted(
        &self,
        manager: &str,
        fingerprint: &str,
        endpoint: &str,
    ) -> String {
        let named = ["seal", "adopted", manager, fingerprint, endpoint];
        let digest = self.digest(named.map(str::as_bytes).into_iter());
        digest.chars().take(SEAL).collect()
    }

    /// A keyed digest of pieces.
    fn digest<'a>(&self, pieces: impl Iterator<Item = &'a [u8]>) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        for piece in pieces {
            mac.update(&u64::try_from(piece.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(piece);
        }
        let digest = mac.finalize().into_bytes();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What stands for the account of a credential whose issuer does not say whose it is.
    pub(crate) fn account(&self, credential: &SecretDigests) -> Identity {
        credential.identity(&self.0)
    }

    /// Tells one key from another, and says nothing else about it.
    fn id(&self) -> String {
        let digest = Sha256::new()
            .chain_update("tokenwright digest key")
            .chain_update(self.0.as_slice())
            .finalize();
        digest
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(…)")
    }
}

#[cfg(test)]
mod tests {

    use tokenwright_core::TokenId;

    use super::*;

    fn parts(secret: &str) -> Parts {
        let value =
            SecretValue::new([("secret_key".to_owned(), SecretText::new(secret.to_owned()))]);
        Parts::of(
            &value,
            &BTreeMap::from([("access_key".to_owned(), "SCW1".to_owned())]),
        )
    }

    #[test]
    fn parts_are_never_printed() {
        let printed = format!(
            "{:?} {:#?}",
            parts("hunter2"),
            DigestKey::new(b"hunter2hunter2hunter2".to_vec()).unwrap()
        );
        assert!(!printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn a_digest_of_another_key_says_nothing_and_one_of_the_same_key_says_all() {
        let [key, other] = [1, 2].map(|byte| DigestKey::new(vec![byte; 32]).unwrap());
        let sealed = parts("a").sealed(&key);
        assert_eq!(parts("a").compare(&sealed, &key), Intact::Yes);
        assert_eq!(parts("b").compare(&sealed, &key), Intact::No);
        assert_eq!(parts("a").compare(&sealed, &other), Intact::Unknown);
        // As it was written before the id of the key stood beside it.
        let bare = parts("a").digest(&key);
        assert_eq!(parts("a").compare(&bare, &key), Intact::Yes);
        assert_eq!(parts("b").compare(&bare, &key), Intact::Unknown);
    }

    #[test]
    fn no_value_that_a_tenant_lets_its_issuer_answer_has_a_seal_for_its_digest() {
        let key = DigestKey::new(vec![1; 32]).unwrap();
        let token = TokenRef {
            id: TokenId::new("theirs"),
            marker: "tw1-aaaaa-aaaaaaaaaaaaa-1-aaaaaaaa".parse().unwrap(),
            parameters: BTreeMap::new(),
            endpoint: String::new(),
            identity: None,
        };
        let seal = key.seal(&token);
        for names in [
            vec![token.marker.to_string()],
            vec!["seal".to_owned(), token.marker.to_string()],
        ] {
            let part = |name: &String| (name.clone(), Zeroizing::new(b"theirs".to_vec()));
            let digest = Parts(names.iter().map(part).collect()).digest(&key);
            assert!(!digest.starts_with(&seal));
        }
        assert_eq!(seal.len(), SEAL);
    }

    #[test]
    fn an_empty_or_short_key_is_refused_with_a_sentence() {
        for few in [0, 15] {
            let refused = DigestKey::new(vec![1; few]).unwrap_err().to_string();
            assert_eq!(
                refused,
                format!("it has {few} bytes, and a key has at least 16")
            );
        }
    }

    #[test]
    fn the_digest_depends_on_the_key_and_on_each_part() {
        let key = DigestKey::new(vec![1; 32]).unwrap();
        assert_eq!(parts("a").digest(&key), parts("a").digest(&key));
        assert_ne!(parts("a").digest(&key), parts("b").digest(&key));
        assert_ne!(
            parts("a").digest(&key),
            parts("a").digest(&DigestKey::new(vec![2; 32]).unwrap())
        );
    }
}
