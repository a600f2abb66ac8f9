//! The operator dies at every point of the life of an adopted token; a new one goes on from whatever it
//! finds.

use serde_json::json;
use tokenwright_api::names::annotation;
use tokenwright_client::MemorySettings;

use crate::points::{Story, dies_everywhere};
use crate::world::World;

/// What is done with the operator, from a world in which it is quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adoption {
    First,
    AnotherValue,
    RefusedValue,
    LostSecret,
    AnotherSource,
    Deletion,
    DeletionOfTheOnlyCopy,
    RetainedDeletion,
}

impl Story for Adoption {
    async fn prepared(self) -> World {
        let settings = MemorySettings {
            values_name_ids: true,
            ..MemorySettings::default()
        };
        let mut world = World::with(settings).await;
        let (id, value) = world.by_hand().await;
        world.fill("source", &value).await;
        if self != Self::First {
            world.start();
            let policy = match self {
                Self::RetainedDeletion => "Retain",
                _ => "Revoke",
            };
            let adopt = json!({ "tokenID": id.to_string() });
            let asked = json!({ "adopt": adopt, "deletion": { "policy": policy } });
            world.adopt(asked).await;
            world.pass(60).await;
        }
        if matches!(self, Self::AnotherValue | Self::AnotherSource) {
            let (_, next) = world.by_hand().await;
            world.fill("elsewhere", &next).await;
        }
        if self == Self::DeletionOfTheOnlyCopy {
            world.fill("source", "a slip of the clipboard").await;
            world.pass(5).await;
        }
        world
    }

    async fn play(self, world: &mut World) -> u64 {
        match self {
            Self::First => {
                world.start();
                world.adopt(json!({})).await;
                return 20;
            }
            Self::AnotherValue => {
                let next = world.secret_called("elsewhere").unwrap().data.unwrap();
                let next = String::from_utf8(next["PASTED"].0.clone()).unwrap();
                world.fill("source", &next).await;
            }
            Self::RefusedValue => world.fill("source", "a slip of the clipboard").await,
            Self::LostSecret => {
                let secrets = world.secrets();
                secrets
                    .delete("ci-token", &Default::default())
                    .await
                    .unwrap();
            }
            Self::AnotherSource => {
                let source = json!({ "valueFrom": { "secretRef": { "name": "elsewhere" } } });
                world.change(json!({ "spec": { "adopt": source } })).await;
            }
            _ => world.delete().await,
        }
        5
    }

    fn holds(self, world: &World, telling: &str) {
        // The Secret never holds a value that does not work.
        if let Some(value) = world.data("token") {
            let deletes = matches!(self, Self::Deletion | Self::DeletionOfTheOnlyCopy);
            let revoked = deletes && world.object().is_some();
            assert!(revoked || world.issuer.accepts(&value), "{telling}");
        }
    }

    fn ends_well(self, world: &World, telling: &str) {
        let held = |name: &str| {
            let secret = world.secret_called(name);
            secret.is_some_and(|secret| secret.metadata.finalizers.is_some())
        };
        let deletions = [
            Self::Deletion,
            Self::DeletionOfTheOnlyCopy,
            Self::RetainedDeletion,
        ];
        if deletions.contains(&self) {
            assert!(world.object().is_none(), "{telling}: the object is there");
            let retained = self == Self::RetainedDeletion;
            assert_eq!(world.secret().is_some(), retained, "{telling}");
            assert_eq!(
                world.issuer.live().len(),
                usize::from(retained),
                "{telling}"
            );
            assert!(!held("source"), "{telling}: the source is still held");
            return;
        }
        assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
        let moved = self == Self::AnotherSource;
        assert_eq!(
            (held("source"), held("elsewhere")),
            (!moved, moved),
            "{telling}"
        );
        let value = world.data("token").expect(telling);
        let newest = world.issuer.minted().pop().unwrap();
        assert_eq!(
            world.issuer.owner_of(&value).unwrap().token.id,
            newest.token.id,
            "{telling}"
        );
        let revision = if newest.token.id == world.issuer.minted()[0].token.id {
            1
        } else {
            2
        };
        let said = (
            world.adopted().revision,
            world.annotation(annotation::REVISION),
        );
        assert_eq!(
            said,
            (Some(revision), Some(revision.to_string())),
            "{telling}"
        );
        let refused = self == Self::RefusedValue;
        assert_eq!(world.adopted().offered.is_some(), refused, "{telling}");
        assert!(world.notes("ValueRefused").len() <= 2, "{telling}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_delivery_survives_a_crash_at_every_point() {
    // Four writes, a check, and who the issuer's credential is; before and after each.
    dies_everywhere(Adoption::First, 12).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_value_survives_a_crash_at_every_point() {
    dies_everywhere(Adoption::AnotherValue, 6).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_value_survives_a_crash_at_every_point() {
    dies_everywhere(Adoption::RefusedValue, 4).await;
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_a_delivered_secret_survives_a_crash_at_every_point() {
    dies_everywhere(Adoption::LostSecret, 2).await;
}

#[tokio::test(start_paused = true)]
async fn another_source_survives_a_crash_at_every_point() {
    // Held, delivered, recorded, given back, and a check.
    dies_everywhere(Adoption::AnotherSource, 10).await;
}

#[tokio::test(start_paused = true)]
async fn deletions_survive_a_crash_at_every_point() {
    // Removed, asked about, revoked, finished, given back.
    dies_everywhere(Adoption::Deletion, 10).await;
    dies_everywhere(Adoption::DeletionOfTheOnlyCopy, 10).await;
    dies_everywhere(Adoption::RetainedDeletion, 6).await;
}
