//! What is written into a status is read again as it was.

use std::collections::BTreeMap;

use tokenwright_core::{ManagerId, Nonce, Origin};

use super::*;

struct Manager {
    origin: Origin,
    id: ManagerId,
}

fn manager(uid: &str) -> Manager {
    Manager {
        origin: Origin::of("cluster"),
        id: ManagerId::of(uid),
    }
}

fn read_as(status: &ApiTokenStatus, manager: &Manager) -> Result<Record, Unreadable> {
    read(status, |marker| manager.owns(marker))
}

impl Manager {
    fn owns(&self, marker: &Marker) -> bool {
        marker.origin == self.origin && marker.manager == self.id
    }
}

fn token(manager: &Manager, revision: u32) -> TokenRef {
    TokenRef {
        id: TokenId::new(format!("SCW{revision}")),
        marker: Marker {
            origin: manager.origin.clone(),
            manager: manager.id.clone(),
            revision,
            nonce: Nonce::from_bytes([u8::try_from(revision).unwrap(); 5]),
        },
        parameters: BTreeMap::from([("application_id".to_owned(), "7f3c".to_owned())]),
        endpoint: "https://api.scaleway.com".to_owned(),
        identity: Some(Identity::new("org-1")),
    }
}

fn record(manager: &Manager) -> Record {
    let at = |text: &str| text.parse().unwrap();
    let inputs = Inputs {
        name: "ci".to_owned(),
        scopes: ["b".to_owned(), "a".to_owned()].into(),
        parameters: token(manager, 1).parameters,
        lifetime: "90d".parse().unwrap(),
    };
    let attempt = |revision: u8, destination| Attempt {
        nonce: Nonce::from_bytes([revision; 5]),
        revision: revision.into(),
        inputs: inputs.clone(),
        began_at: Some(at("2026-03-01T00:00:00.123456789Z")),
        deadline: at("2026-03-01T00:01:00.123456789Z"),
        destination,
        trigger: Some("again".to_owned()),
        identity: Some(Identity::new("org-1")),
        repairs: [Repair::Loss, Repair::Value]
            .into_iter()
            .nth(usize::from(revision % 2)),
    };
    let present = DestinationVersion::Present {
        uid: "u".to_owned(),
        resource_version: "12".to_owned(),
    };
    Record {
        current: Some(Held {
            token: token(manager, 3),
            inputs: inputs.clone(),
            created_at: at("2026-03-01T00:00:00Z"),
            expires_at: Some(at("2026-05-30T00:00:00.5Z")),
            wished_end: Some(at("2026-05-29T00:00:00Z")),
            proven: Proven::NotYet,
            disabled_by_us: true,
        }),
        retiring: vec![Retiring {
            token: token(manager, 2),
            not_before: at("2026-03-02T00:00:00Z"),
            expires_at: None,
        }],
        attempts: vec![attempt(4, DestinationVersion::Absent), attempt(5, present)],
        revokes: [
            None,
            Some(Obstacle::Failed),
            Some(Obstacle::NotProven),
            Some(Obstacle::StillAlive),
            Some(Obstacle::NotSeen),
        ]
        .into_iter()
        .zip(10..)
        .map(|(obstacle, revision)| OpenRevoke {
            token: token(manager, revision),
            sent_at: obstacle.is_none().then(|| at("2026-03-01T00:00:30Z")),
            tries: 2,
            retry_at: at("2026-03-01T00:01:30Z"),
            obstacle,
            said: obstacle.map(|_| "the issuer does not allow it".to_owned()),
        })
        .collect(),
        past: ENDS
            .iter()
            .map(|(ended, _)| Past {
                nonce: Nonce::from_bytes([9; 5]),
                revision: 1,
                id: Some(TokenId::new("SCW1")),
                ended: *ended,
                ended_at: Some(at("2026-03-01T00:00:45Z")),
                undelivered: *ended == Ended::Revoked,
                asked: (*ended == Ended::Suspect).then(|| Asked {
                    deadline: at("2026-03-01T00:00:40Z"),
                    wished_end: Some(at("2026-05-30T00:00:40Z")),
                }),
            })
            .collect(),
        last_revision: 5,
        failures: 2,
        unreadable: 1,
        retry_at: Some(at("2026-03-01T00:02:00Z")),
        retry_basis: Some("5950d4e9de2e".to_owned()),
        pauses: vec![Pause {
            duty: Duty::Update,
            failures: 3,
            retry_at: at("2026-03-01T00:03:00Z"),
            unsure: true,
        }],
        repaired: Some(Repaired {
            what: Repair::Value,
            at: at("2026-03-01T00:00:00Z"),
        }),
        suspects: 1,
        identity: Some(Identity::new("org-1")),
        account: vec![Identity::new("org-1")],
        handled_trigger: Some("first".to_owned()),
        tried_trigger: Some("second".to_owned()),
    }
}

#[test]
fn a_record_survives_the_way_through_the_status() {
    let manager = manager("uid-1");
    let now = "2026-03-01T00:01:00Z".parse().unwrap();
    let status = write(
        &record(&manager),
        &ApiTokenStatus::default(),
        "ci-token",
        now,
    );
    let stored: ApiTokenStatus =
        serde_json::from_str(&serde_json::to_string(&status).unwrap()).unwrap();
    assert_eq!(read_as(&stored, &manager).unwrap(), record(&manager));
    assert_eq!(
        read_as(&ApiTokenStatus::default(), &manager).unwrap(),
        Record::default()
    );
}

#[test]
fn a_status_that_names_tokens_of_another_manager_nominates_none() {
    let now = "2026-03-01T00:01:00Z".parse().unwrap();
    let status = write(
        &record(&manager("uid-1")),
        &ApiTokenStatus::default(),
        "ci-token",
        now,
    );
    let read = read_as(&status, &manager("uid-2")).unwrap();
    assert_eq!((read.current, read.retiring), (None, Vec::new()));
    assert_eq!(read.revokes, []);
}

#[test]
fn a_status_that_cannot_be_read_is_an_error_and_not_a_first_mint() {
    let manager = manager("uid-1");
    let now = "2026-03-01T00:01:00Z".parse().unwrap();
    let mut status = write(
        &record(&manager),
        &ApiTokenStatus::default(),
        "ci-token",
        now,
    );
    status.current.as_mut().unwrap().marker = "tw9-new".to_owned();
    assert_eq!(
        read_as(&status, &manager).unwrap_err().field,
        "current.marker"
    );
}
