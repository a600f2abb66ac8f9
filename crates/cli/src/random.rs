//! The only place that draws random bytes.

use anyhow::Context as _;
use tokenwright_core::{ManagerId, Marker, Nonce, Origin};

/// A marker that nobody else has: a manager of its own for each run, since a run outlives nothing.
pub(crate) fn marker() -> anyhow::Result<Marker> {
    let manager = bytes::<16>()?;
    let manager: String = manager.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Marker {
        origin: Origin::of("tokenwright try"),
        manager: ManagerId::of(&manager),
        revision: 1,
        nonce: Nonce::from_bytes(bytes()?),
    })
}

fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("drawing random bytes")?;
    Ok(bytes)
}
