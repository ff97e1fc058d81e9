//! Ctrl-C and SIGTERM of a verb that has something to tidy up: the first asks it to, the second
//! ends it at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The user ended the verb.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Interrupted {
    /// 128 and the signal's number, as shells have it.
    pub(super) status: u8,
    message: String,
}

/// Signals that are heard instead of ending the process.
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

/// One signal that was heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interrupt {
    status: u8,
}

impl Interrupts {
    /// Hears signals from now on.
    ///
    /// # Errors
    /// When the process may not.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt { status: 130 },
            _ = self.terminate.recv() => Interrupt { status: 143 },
        }
    }
}

impl Interrupt {
    /// What the verb ends with, and what it says.
    pub(super) fn because(self, message: impl Into<String>) -> anyhow::Error {
        Interrupted { status: self.status, message: message.into() }.into()
    }
}
