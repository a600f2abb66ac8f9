//! Many ApiTokens on a real kube-apiserver: what each phase of their life takes, asks and costs.
//!
//! The operator runs under the permissions of the chart; what it asks is read in the audit log. Each
//! TokenIssuer has a namespace and an account of its own.

mod peer;
mod phases;
mod shown;
mod size;
mod storm;
mod usage;
mod world;

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

pub(super) use self::size::Scale;

use self::peer::Peer;
use self::phases::{Phases, REST, STARTED};
use self::shown::Token;
use self::usage::Usage;
use self::world::World;
use super::budget::{self, Verdict};
use super::{row, say};

impl Scale {
    pub(super) async fn measure(self, verdict: &mut Verdict) -> Result<()> {
        if self.faults {
            return storm::measure(&self).await;
        }
        let tokens = self.tokens.unwrap_or(1000);
        let peer = self.external_secrets.then(Peer::find).transpose()?;
        let spec = json!({ "lifetime": "90d", "overlap": "10s" });
        let mut world = World::start(&self, &spec).await?;
        world.foreign_secrets(self.foreign_secrets).await?;
        say(&format!(
            "{tokens} ApiTokens, {} TokenIssuers at {} requests a minute, {} Secrets of others",
            self.issuers, self.per_minute, self.foreign_secrets
        ));
        say(
            "| phase | wall | CPU | CPU each | requests | each | mints | resident | by verb |\n|---|---|---|---|---|---|---|---|---|",
        );
        let ours = self.phases(&mut world, tokens, verdict).await?;
        let Some(peer) = peer else { return Ok(()) };
        world.kill_operator(0).await?;
        let its = peer.phases(&mut world, tokens, self.patience()).await?;
        ours.judge_beside(&its, tokens, verdict);
        Ok(())
    }

    async fn phases(
        &self,
        world: &mut World,
        tokens: usize,
        verdict: &mut Verdict,
    ) -> Result<Phases> {
        let shown = world.watch();
        let kept = match tokens {
            0..=1000 => budget::KEPT,
            _ => budget::KEPT_MANY,
        };
        let quiet = |usage: &Usage| {
            [
                (budget::QUIET_REQUESTS, usage.asked_at_rest()),
                (budget::NO_MINTS, usage.minted(1)),
                (kept, usage.mebibytes()),
            ]
        };

        let begun = world.begin().await?;
        world.run_operator(0).await?;
        tokio::time::sleep(STARTED).await;
        let start = world.end("start, empty", begun, 1).await?;
        verdict.judge_all(
            " (start)",
            [
                (budget::EMPTY, start.mebibytes()),
                (budget::NO_MINTS, start.minted(1)),
            ],
        );

        let begun = world.begin().await?;
        world.create(tokens).await?;
        let ready = |all: &[Token]| all.len() == tokens && all.iter().all(|t| t.ready);
        shown
            .until("all to be Ready", self.patience(), ready)
            .await?;
        let create = world.end("cold create", begun, tokens).await?;
        verdict.judge_all(
            " (create)",
            [
                (budget::MINT_TIME, create.seconds_for_a_thousand(tokens)),
                (budget::MINT_WORK, create.milliseconds(tokens)),
                (budget::MINT_REQUESTS, create.asked_for_each(tokens)),
                (budget::MINTS, create.minted(tokens)),
                (kept, create.mebibytes()),
            ],
        );

        let begun = world.begin().await?;
        tokio::time::sleep(REST).await;
        let rest = world.end("rest, 30 s", begun, tokens).await?;
        verdict.judge_all(" (rest)", quiet(&rest));

        world.kill_operator(0).await?;
        let begun = world.begin().await?;
        world.run_operator(0).await?;
        tokio::time::sleep(STARTED).await;
        let restart = world.end("restart", begun, tokens).await?;
        verdict.judge_all(
            " (restart)",
            [
                (budget::RESTART_REQUESTS, restart.asked(1)),
                (budget::NO_MINTS, restart.minted(1)),
                (kept, restart.mebibytes()),
            ],
        );

        let begun = world.begin().await?;
        let label = json!({ "metadata": { "labels": { "seen": "yes" } } });
        world.patch(tokens, &label).await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let label = world.end("a label on each", begun, tokens).await?;
        verdict.judge_all(" (label)", quiet(&label));

        let begun = world.begin().await?;
        let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
        world.patch(tokens, &trigger).await?;
        let second = |all: &[Token]| all.iter().all(|t| t.ready && t.revision == 2);
        shown
            .until("all to be rotated", self.patience(), second)
            .await?;
        let took = begun.at.elapsed().as_secs_f64();
        row(
            "the rotations, without the ends of overlaps",
            &format!("{took:.1} s"),
            &budget::ROTATION_TIME.target(),
        );
        let ended = |all: &[Token]| all.iter().all(|t| t.retiring == 0);
        shown
            .until("all overlaps to end", self.patience(), ended)
            .await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let rotation = world.end("rotation of all", begun, tokens).await?;
        verdict.judge_all(
            " (rotation)",
            [
                (budget::ROTATION_TIME, took * 1e3 / tokens as f64),
                (budget::ROTATION_WORK, rotation.milliseconds(tokens)),
                (
                    budget::ROTATION_REQUESTS,
                    rotation.asked_beside_looks(tokens),
                ),
                (budget::MINTS, rotation.minted(tokens)),
                (kept, rotation.mebibytes()),
            ],
        );

        let begun = world.begin().await?;
        world.delete(tokens).await?;
        shown
            .until("all to be gone", self.patience(), <[Token]>::is_empty)
            .await?;
        let deletion = world.end("deletion of all", begun, tokens).await?;
        verdict.judge_all(
            " (deletion)",
            [
                (
                    budget::DELETION_TIME,
                    deletion.seconds_for_a_thousand(tokens),
                ),
                (
                    budget::DELETION_REQUESTS,
                    deletion.asked_beside_looks(tokens),
                ),
                (budget::NO_MINTS, deletion.minted(1)),
                (kept, deletion.mebibytes()),
            ],
        );

        let longest = world.longest_between_renewals()?.as_secs_f64();
        row(
            "longest time between two renewals of the Lease",
            &format!("{longest:.1} s"),
            "5 s, and under 10 s",
        );
        verdict.judge(budget::RENEWAL, "", longest);
        let live = world.live().await?.len();
        ensure!(live == 0, "{live} tokens live on at the issuers");
        Ok(Phases {
            start,
            create,
            rotation,
        })
    }

    /// An unoptimised build on a busy machine gets it done within this, too.
    fn patience(&self) -> Duration {
        let tokens = u64::try_from(self.tokens.unwrap_or(1000)).unwrap_or(u64::MAX);
        Duration::from_secs(120 + tokens / 4)
    }
}
