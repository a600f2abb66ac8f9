//! The only place that draws random bytes.

use anyhow::Context as _;
use tokenwright_core::{ManagerId, Marker, Nonce, Origin};

/// A marker that nobody else has, of one command: a manager of its own for each run, since a run outlives
/// nothing.
pub(crate) fn marker(command: OwnCommand) -> anyhow::Result<Marker> {
    let manager = bytes::<16>()?;
    let manager: String = manager.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Marker {
        origin: Origin::of(command.origin()),
        manager: ManagerId::of(&manager),
        revision: 1,
        nonce: Nonce::from_bytes(bytes()?),
    })
}

/// A command that mints for itself. Its origin stands in the names of what it minted: it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnCommand {
    /// `profile try`.
    Try,
    /// `run`.
    Run,
}

impl OwnCommand {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Try, Self::Run];

    /// What its origin is made of, as `--manager` takes it.
    pub(crate) fn origin(self) -> &'static str {
        match self {
            Self::Try => "tokenwright try",
            Self::Run => "tokenwright run",
        }
    }
}

fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("drawing random bytes")?;
    Ok(bytes)
}
