//! What a Secret is to an `ApiToken`: whose it is, whether it holds the value that is on record, and what of that which
//! it says is believed.

use k8s_openapi::api::core::v1::Secret;
use tokenwright_core::{Carried, DeletionPolicy, Destination, Intact, TokenRef};

use crate::minted::managed::Managed;
use crate::secret::delivery::{Ownership, carried, fingerprint, ownership, version, vouches};
use crate::secret::parts::Parts;

impl Managed {
    /// What a Secret is to the manager.
    pub(crate) fn judge(&self, secret: Option<&Secret>) -> Destination {
        let Some(secret) = secret else {
            return Destination::Absent;
        };
        let present = |carried, intact| Destination::Present {
            version: version(Some(secret)),
            carried,
            intact,
        };
        // Whoever writes its own value into a Secret that it owns does so again after each repair.
        let taken = self.manager.owner().taker(&secret.metadata).is_some();
        match ownership(secret, &self.manager).to_one_that(self.is_deleted()) {
            Ownership::Ours => match self.believed(secret) {
                Some(carried) if self.is_news(&carried) || !self.has_digest() => {
                    present(Some(Box::new(carried)), self.as_delivered(secret))
                }
                carried => match self.compare(&self.parts_in(secret)) {
                    Intact::No if taken => Destination::Foreign,
                    intact => present(carried.map(Box::new), intact),
                },
            },
            Ownership::Predecessor { .. } if taken && self.as_delivered(secret) == Intact::No => {
                Destination::Foreign
            }
            // What was delivered elsewhere is of no use to who reads this one: it is taken over by the next value.
            Ownership::Offered | Ownership::Predecessor { .. }
                if self.holds_none_of_ours(secret) =>
            {
                present(None, Intact::No)
            }
            Ownership::Offered | Ownership::Predecessor { .. } => present(None, Intact::Yes),
            Ownership::Foreign if !self.released() && self.stripped(secret) => {
                present(None, Intact::Yes)
            }
            Ownership::Foreign => Destination::Foreign,
        }
    }

    /// Whether a value that is not on record yet is the one that was delivered.
    fn as_delivered(&self, secret: &Secret) -> Intact {
        let sealed = fingerprint(secret, &self.key);
        sealed.map_or(Intact::Yes, |sealed| {
            Parts::held_by(secret).compare(&sealed, &self.key)
        })
    }

    fn has_digest(&self) -> bool {
        let status = self.object.status.as_ref();
        status.is_some_and(|status| status.digest.is_some())
    }

    /// What a Secret says of its token, unless somebody else wrote it there: another token than the
    /// recorded one is named by a publish of ours alone, which is expected and brings another value.
    fn believed(&self, secret: &Secret) -> Option<Carried> {
        let says = carried(secret, &self.manager)?;
        let lies = self.is_news(&says)
            && (!self.record.expects(&says.current.token.marker)
                || self.holds_the_recorded(&self.parts_in(secret)));
        let believed = !lies && self.may_name(secret, &says.current.token);
        believed.then_some(says)
    }

    /// Whether the id of a token that a Secret names may be taken from there.
    fn may_name(&self, secret: &Secret, token: &TokenRef) -> bool {
        let current = self.record.current.as_ref();
        let known = current.is_some_and(|current| current.token == *token);
        known || self.lists() || vouches(secret, token, &self.key)
    }

    /// Whether a Secret names another token than the one on record.
    fn is_news(&self, says: &Carried) -> bool {
        let current = self.record.current.as_ref();
        current.is_some_and(|current| says.current.token != current.token)
    }

    /// The parts of the value in a Secret of ours. Which keys they are it says itself; where that was
    /// edited, the value tells.
    pub(crate) fn parts_in(&self, secret: &Secret) -> Parts {
        let named = Parts::held_by(secret);
        if !named.is_empty() && self.compare(&named) == Intact::Yes {
            return named;
        }
        let all = self.unlabelled_parts(secret);
        match named.is_empty() || self.holds_the_recorded(&all) {
            true => all,
            false => named,
        }
    }

    /// Whether these are the parts that are on record as delivered.
    pub(crate) fn holds_the_recorded(&self, parts: &Parts) -> bool {
        self.has_digest() && self.compare(parts) == Intact::Yes
    }

    /// Whether a Secret holds another value than the one that is on record as delivered.
    pub(crate) fn holds_another(&self, secret: &Secret) -> bool {
        self.has_digest() && self.compare(&self.parts_in(secret)) == Intact::No
    }

    fn compare(&self, parts: &Parts) -> Intact {
        let known = self
            .object
            .status
            .as_ref()
            .and_then(|status| status.digest.as_ref());
        known.map_or(Intact::Yes, |known| parts.compare(known, &self.key))
    }

    fn is_deleted(&self) -> bool {
        self.spec.deletion.since.is_some()
    }

    /// Whether a Secret without our annotations is one that we gave back.
    fn released(&self) -> bool {
        self.is_deleted() && self.spec.deletion.policy == DeletionPolicy::Retain
    }

    /// Whether a value of ours is on record that this Secret does not hold.
    fn holds_none_of_ours(&self, secret: &Secret) -> bool {
        self.record.current.is_some() && !self.holds_the_recorded(&self.parts_in(secret))
    }

    /// Whether a Secret without our annotations holds our value: somebody only took the metadata away.
    fn stripped(&self, secret: &Secret) -> bool {
        self.record.current.is_some() && self.holds_the_recorded(&self.unlabelled_parts(secret))
    }

    /// The parts of a Secret that does not say any more which keys they are.
    fn unlabelled_parts(&self, secret: &Secret) -> Parts {
        let rendered = &self.object.spec.secret.data;
        Parts::keys_of(secret, |key| !rendered.contains_key(key))
    }
}
