//! A manager in the middle of its life, for unit tests; each test changes what it is about.
//!
//! It never performs anything: the simulation and the timelines do.

use jiff::{SignedDuration, Timestamp};

use crate::*;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn secs(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

pub(crate) fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

pub(crate) fn nonce(n: u8) -> Nonce {
    Nonce::from_bytes([0, 0, 0, 0, n])
}

pub(crate) fn marker(revision: Revision, n: u8) -> Marker {
    Marker {
        origin: Origin::of("cluster"),
        manager: ManagerId::of("uid"),
        revision,
        nonce: nonce(n),
    }
}

/// The token `t<revision>`, with the nonce of the same number.
pub(crate) fn token(revision: u8) -> TokenRef {
    TokenRef {
        id: TokenId::new(format!("t{revision}")),
        marker: marker(revision.into(), revision),
        parameters: Parameters::new(),
        endpoint: "https://issuer".into(),
        identity: None,
    }
}

pub(crate) fn held(revision: u8, created_at: Timestamp, expires_at: Option<Timestamp>) -> Held {
    Held {
        token: token(revision),
        inputs: spec().inputs,
        created_at,
        expires_at,
        proven: Proven::Yes,
        wished_end: None,
        disabled_by_us: false,
    }
}

pub(crate) fn retiring(revision: u8, not_before: Timestamp) -> Retiring {
    Retiring {
        token: token(revision),
        not_before,
        expires_at: None,
    }
}

pub(crate) fn attempt(revision: u8, deadline: Timestamp) -> Attempt {
    Attempt {
        nonce: nonce(revision),
        revision: revision.into(),
        inputs: spec().inputs,
        began_at: None,
        deadline,
        destination: DestinationVersion::Absent,
        trigger: None,
        identity: None,
        repairs: None,
    }
}

pub(crate) fn sighting(revision: u8) -> Sighting {
    Sighting {
        id: token(revision).id,
        marker: token(revision).marker,
        expires_at: None,
        enabled: Some(true),
    }
}

pub(crate) fn spec() -> Spec {
    Spec {
        inputs: Inputs {
            name: "ci".into(),
            scopes: ["read".to_owned()].into(),
            parameters: Parameters::new(),
            lifetime: Lifetime::For(hours(90 * 24)),
        },
        rotation: Some(Rotation::default()),
        allow_gap: false,
        overlap: None,
        windows: Vec::new(),
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        written: None,
        trigger: None,
        state: WantedState::Follow,
        acknowledged: Default::default(),
        revoke_previous: None,
        suspend: false,
        on_loss: OnLoss::Remint,
        deletion: Deletion {
            policy: DeletionPolicy::Revoke,
            since: None,
            timeout: hours(24),
        },
        request_timeout: secs(30),
    }
}

/// Token `t1`, minted at 0 for 90 days, published and proven, and everything quiet.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) spec: Spec,
    pub(crate) record: Record,
    pub(crate) observed: Observed,
    pub(crate) can: Capabilities,
    pub(crate) now: Timestamp,
}

pub(crate) fn case() -> Case {
    let current = held(1, at(0), Some(at(90 * 86_400)));
    let carried = Carried {
        current: current.clone(),
        retiring: Vec::new(),
    };
    Case {
        spec: spec(),
        record: Record {
            current: Some(current),
            last_revision: 1,
            ..Record::default()
        },
        observed: Observed {
            running: None,
            issuer: IssuerSeen {
                endpoint: "https://issuer".into(),
                credential: None,
                identity: None,
            },
            destination: Destination::Present {
                version: DestinationVersion::Absent,
                carried: Some(Box::new(carried)),
                intact: Intact::Yes,
            },
            status: TokenStatus::Active,
            survey: None,
            hold_revokes: false,
            clock_ahead: SignedDuration::ZERO,
            suspect: false,
            doubt: Doubt {
                can_check: true,
                ..Doubt::default()
            },
            not_granted: Vec::new(),
        },
        can: Capabilities {
            lost_answer: LostAnswer::FindByMarker,
            check: true,
            revoke: true,
            look: Look::Listing,
            disable: Disable::SetState,
            update: Default::default(),
            settle: schedule::SETTLE,
            one: false,
            lifetime_ignored: false,
        },
        now: at(86_400),
    }
}

impl Case {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            spec: &self.spec,
            record: &self.record,
            observed: &self.observed,
            can: &self.can,
        }
    }

    pub(crate) fn current(&mut self) -> &mut Held {
        self.record.current.as_mut().unwrap()
    }

    /// Makes a token current, on record and at the destination.
    pub(crate) fn holds(&mut self, held: Held) {
        if let Destination::Present { carried, .. } = &mut self.observed.destination {
            let current = held.clone();
            let retiring = Vec::new();
            *carried = Some(Box::new(Carried { current, retiring }));
        }
        self.record.current = Some(held);
    }

    pub(crate) fn survey(&mut self, started_at: Timestamp, ours: Vec<Sighting>) {
        self.observed.survey = Some(Survey { started_at, ours });
    }

    pub(crate) fn decide(&self) -> Decision {
        match self.spec.deletion.since {
            Some(_) => decide_deletion(&self.view(), self.now),
            None => decide(&self.view(), self.now),
        }
    }

    pub(crate) fn reason(&self) -> Reason {
        self.decide().reason
    }

    pub(crate) fn action(&self) -> Option<Action> {
        self.decide().action
    }
}
