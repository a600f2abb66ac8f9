//! What people do, at the issuer's console and to the objects, and what others do in our name.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::faults::Rng;
use crate::world::{Credential, IssuedToken, Naming, World, manager, origin};

/// What a person does between two faults.
pub(crate) fn people(rng: &mut Rng, world: &mut World, spec: &mut Spec) {
    let listed = matches!(
        world.lost_answer,
        LostAnswer::Replay | LostAnswer::FindByMarker
    );
    match rng.below(20) {
        0 => {
            spec.trigger = Some(format!("trigger-{}", rng.next()));
            world.reasons += 1;
        }
        1 => {
            let scope = ["read", "write"][rng.below(2)];
            let changed = !spec.inputs.scopes.contains(scope);
            spec.inputs.scopes = [scope.to_owned()].into();
            world.reasons += u64::from(changed);
        }
        2 if world.lost_answer != LostAnswer::CannotList => {
            world.delete_destination();
            world.reasons += 1;
        }
        3 => spec.suspend = !spec.suspend,
        4 => {
            world.edit_value();
            world.reasons += 1;
        }
        // Only a listing would tell that it is gone.
        5 if listed => {
            world.revoke_by_hand();
            world.reasons += 1;
        }
        6 => spec.inputs.name = format!("ci-{}", rng.below(3)),
        7 => {
            spec.state = [WantedState::Enabled, WantedState::Disabled][rng.below(2)];
        }
        8 => world.lose_digest_key(),
        9 => world.now += SignedDuration::from_mins(rng.below(120) as i64),
        10 => world.exchange_credential(0),
        11 if world.record.current.is_some() => {
            let account = rng.below(2) as u8;
            world.exchange_credential(account);
        }
        12 if listed => world.rename_by_hand(),
        13 if listed => world.another_writer_mints(rng.below(3) as u32),
        14 => world.foreign.clear(),
        15 => world.held = !world.held,
        16 => world.suspect = !world.suspect,
        17 => {
            world.switch_by_hand(false);
            // What is disabled without a word for it, reads as dead.
            world.reasons += 1;
        }
        18 => world.switch_by_hand(true),
        19 if world.record.current.is_some() => world.put_back_credential(rng.below(8)),
        _ => {}
    }
}

/// People mend what only they can.
pub(crate) fn mend(world: &mut World) {
    if world.credential.account != 0 {
        world.exchange_credential(0);
    }
    world.foreign.clear();
    world.held = false;
    world.suspect = false;
    for token in &mut world.tokens {
        token.renamed = false;
        token.enabled |= token.by_person;
        token.by_person = false;
    }
}

impl World {
    /// A person revokes what the destination holds, at the issuer's own console.
    pub(crate) fn revoke_by_hand(&mut self) {
        let held = self.destination.as_ref().map(|p| p.value_of.clone());
        for token in self
            .tokens
            .iter_mut()
            .filter(|t| Some(&t.id) == held.as_ref())
        {
            token.revoked = true;
        }
    }

    pub(crate) fn edit_value(&mut self) {
        if let Some(published) = &mut self.destination {
            published.intact = Intact::No;
            published.edited = true;
            published.version += 1;
        }
    }

    /// The operator is reinstalled without the key of its digests.
    pub(crate) fn lose_digest_key(&mut self) {
        if let Some(published) = &mut self.destination {
            published.intact = Intact::Unknown;
        }
    }

    pub(crate) fn delete_destination(&mut self) {
        self.destination = None;
    }

    /// Another credential is put in the place of the one that is, of this account or of another.
    fn exchange_credential(&mut self, account: u8) {
        // Where nothing tells one from the next, nobody can be blamed for what happens there.
        if account != 0 && self.naming == Naming::Nothing {
            return;
        }
        let serial = self.fresh() as u32;
        self.former.push(self.credential);
        self.credential = Credential { serial, account };
        // Its listing is another one, and open attempts may be explained by none.
        self.excuses += self.record.attempts.len() as u64;
    }

    /// A credential that was there before is put back.
    fn put_back_credential(&mut self, which: usize) {
        let former = self.former.get(which % self.former.len().max(1)).copied();
        if let Some(former) = former {
            self.exchange_credential(former.account);
            self.credential = former;
        }
    }

    /// A person disables what the destination holds, or enables it.
    fn switch_by_hand(&mut self, enabled: bool) {
        let held = self.destination.as_ref().map(|p| p.value_of.clone());
        let ours = self.record.current.as_ref();
        // Between two looks, nothing tells whose doing it is.
        self.anybody_disabled |= ours.is_some_and(|held| held.disabled_by_us);
        let mut tokens = self.tokens.iter_mut();
        if let Some(token) = tokens.find(|t| Some(&t.id) == held.as_ref()) {
            token.by_person = !enabled && (token.enabled || token.by_person);
            token.enabled = enabled;
        }
    }

    /// We switch a token. What a person disabled is not enabled by us.
    pub(crate) fn switch(&mut self, id: &TokenId, to: Switch) {
        let mut tokens = self.tokens.iter_mut();
        let Some(token) = tokens.find(|t| t.id == *id) else {
            return;
        };
        assert!(
            to == Switch::Disable || !token.by_person || self.anybody_disabled,
            "enabled what a person disabled: {token:?}"
        );
        token.enabled = to == Switch::Enable;
        token.by_person = false;
    }

    fn rename_by_hand(&mut self) {
        let held = self.destination.as_ref().map(|p| p.value_of.clone());
        let mut tokens = self.tokens.iter_mut();
        if let Some(token) = tokens.find(|t| Some(&t.id) == held.as_ref()) {
            token.renamed = true;
        }
    }

    /// A cloned cluster, or a backup that runs beside us.
    fn another_writer_mints(&mut self, ahead: u32) {
        let serial = self.fresh();
        let marker = Marker {
            origin: origin(),
            manager: manager(),
            revision: (self.record.last_revision + ahead).max(1),
            nonce: Nonce::from_bytes([255, 255, 255, 255, serial as u8]),
        };
        self.foreign.push(IssuedToken {
            id: TokenId::new(format!("foreign-{serial}")),
            marker,
            lands_at: self.now,
            listed_from: self.now,
            expires_at: None,
            dead: false,
            revoked: false,
            enabled: true,
            by_person: false,
            lingers_until: self.now,
            account: 0,
            renamed: false,
        });
    }
}
