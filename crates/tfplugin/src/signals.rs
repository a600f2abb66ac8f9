//! What a person and a host send to end this process, heard from its first moment on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Both handlers are installed in both modes: an installed handler is what ignores the signal.
#[derive(Debug)]
pub(crate) struct Signals {
    pub(crate) interrupt: Heard,
    pub(crate) terminate: Heard,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: Heard::new(SignalKind::interrupt())?,
            terminate: Heard::new(SignalKind::terminate())?,
        })
    }
}

/// A signal that is heard before there is a runtime, too: whoever reads the handshake line may send one at once.
#[derive(Debug)]
pub(crate) struct Heard {
    kind: SignalKind,
    early: Arc<AtomicBool>,
}

impl Heard {
    fn new(kind: SignalKind) -> io::Result<Self> {
        let early = Arc::default();
        signal_hook::flag::register(kind.as_raw_value(), Arc::clone(&early))?;
        Ok(Self { kind, early })
    }

    /// Ends when it came.
    pub(crate) async fn came(self) -> io::Result<()> {
        let mut later = signal(self.kind)?;
        if !self.early.load(Ordering::SeqCst) {
            later.recv().await;
        }
        Ok(())
    }
}
