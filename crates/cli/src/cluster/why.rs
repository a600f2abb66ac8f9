//! `why`: the decision of the lifecycle for one ApiToken, made again from what the API server shows.
//!
//! The issuer is not asked, so what only its listing tells is missing: that is said.

mod explanation;
mod seen;

use self::seen::Seen;
use super::Cluster;
use crate::arguments::Why;
use crate::clock;
use crate::exit::Exit;
use crate::output::{give, print};
use crate::reach::runtime;

/// Prints it.
pub(crate) fn run(asked: &Why) -> anyhow::Result<Exit> {
    let explained = runtime()?.block_on(async {
        let cluster = Cluster::reach(&asked.object.cluster).await?;
        match Seen::of(&cluster, asked).await {
            Ok(seen) => seen.explained(clock::now()).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    })?;
    let explanation = match explained {
        Ok(explanation) => explanation,
        Err(refusal) => return Ok(refusal.told("reading the ApiToken")),
    };
    give(asked.output, &explanation, |explanation| {
        print(&explanation.told(clock::now()));
    })?;
    Ok(Exit::Done)
}
