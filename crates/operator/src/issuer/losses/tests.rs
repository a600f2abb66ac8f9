use tokenwright_client::Clock;
use tokenwright_client::{Issuer as _, MemoryIssuer, MemorySettings, MintRequest};
use tokenwright_core::{Inputs, Lifetime, ManagerId, Marker, Nonce, Origin, Proven, TokenRef};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn inputs() -> Inputs {
    Inputs {
        name: "ci".to_owned(),
        scopes: [].into(),
        parameters: [].into(),
        lifetime: Lifetime::Never,
    }
}

/// A current token by this id, minted at 0.
fn held(id: &str, expires_at: Option<i64>) -> Held {
    let marker = Marker {
        origin: Origin::of("here"),
        manager: ManagerId::of(id),
        revision: 1,
        nonce: Nonce::from_bytes([1; 5]),
    };
    Held {
        token: TokenRef {
            id: TokenId::new(id),
            marker,
            parameters: [].into(),
            endpoint: String::new(),
            identity: None,
        },
        inputs: inputs(),
        created_at: at(0),
        expires_at: expires_at.map(at),
        proven: Proven::Yes,
        wished_end: None,
        disabled_by_us: false,
    }
}

/// The listings of an issuer, of which one shows the tokens that were minted; they began at 10.
struct Scene {
    losses: Losses,
    issuer: Arc<MemoryIssuer>,
    inventory: Inventory,
}

async fn scene() -> Scene {
    let clock = Clock::new(|| at(10));
    let issuer = Arc::new(MemoryIssuer::new(MemorySettings::default(), clock.clone()));
    let inventory = Inventory::new(issuer.clone(), SignedDuration::from_mins(10), clock);
    inventory.recent(&Parameters::new()).await.unwrap();
    Scene {
        losses: Losses::default(),
        issuer,
        inventory,
    }
}

impl Scene {
    /// Whether it is suspect, as one who lost this token asks.
    fn suspect(&self, uid: &str, held: &Held, second: i64) -> bool {
        let mine = Mine {
            uid,
            held: Some(held),
            unlisted: true,
            settle: SignedDuration::from_secs(5),
        };
        self.losses.suspect(mine, &self.inventory, at(second))
    }

    fn missing(&self) -> Option<usize> {
        self.losses.unacknowledged()
    }

    async fn mint(&self) -> Held {
        let request = MintRequest {
            remote_name: "ci".to_owned(),
            inputs: inputs(),
            at: at(0),
            idempotency_key: self.issuer.minted().len().to_string(),
            send_by: None,
        };
        let minted = self.issuer.mint(&request).await.unwrap();
        held(minted.token.id.as_str(), None)
    }

    async fn list(&self) {
        self.inventory.forget(&Parameters::new());
        self.inventory.recent(&Parameters::new()).await.unwrap();
    }
}

#[tokio::test]
async fn tokens_that_a_listing_cannot_show_yet_have_not_vanished() {
    let scene = scene().await;
    for n in 0..100 {
        let uid = n.to_string();
        let fresh = Held {
            created_at: at(6),
            ..held(&uid, None)
        };
        assert!(!scene.suspect(&uid, &fresh, 20), "{n}");
    }
}

/// Were all of them counted for each one that asks, this would take minutes.
#[tokio::test]
async fn thousands_who_vanished_at_once_are_counted_once() {
    let scene = scene().await;
    for n in 0..20_000 {
        let uid = n.to_string();
        assert_eq!(scene.suspect(&uid, &held(&uid, None), 20), n >= 3, "{n}");
    }
    assert_eq!(scene.missing(), Some(20_000));
}

#[tokio::test]
async fn a_count_follows_who_comes_and_goes_what_expires_and_what_is_listed() {
    let scene = scene().await;
    for uid in ["a", "b", "c", "d", "e"] {
        scene.suspect(uid, &held(uid, None), 20);
    }
    assert_eq!(scene.missing(), Some(5));
    assert!(scene.suspect("f", &held("f", Some(40)), 20));
    assert_eq!(scene.missing(), Some(6));
    assert!(scene.suspect("a", &held("a", None), 40));
    assert_eq!(scene.missing(), Some(5), "one has expired");
    scene.losses.forget("a");
    assert!(scene.suspect("b", &held("b", None), 41));
    assert_eq!(scene.missing(), Some(4), "one is gone");
    // Its next one is listed only later.
    let next = scene.mint().await;
    scene.suspect("b", &next, 42);
    assert_eq!(scene.missing(), Some(4), "it was minted, and not listed");
    scene.suspect("b", &next, 42);
    assert_eq!(scene.missing(), Some(4), "asked again");
    scene.list().await;
    assert!(!scene.suspect("b", &next, 43), "three are no crowd");
    assert_eq!(scene.missing(), None);
}
