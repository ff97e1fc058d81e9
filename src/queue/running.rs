//! Jobs that run: how a worker gets them and how a cancellation reaches them.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::domain::{Claimed, JobSeq};

/// A claimed job for a worker.
#[derive(Debug)]
pub struct Running {
    /// The job; its claim is committed.
    pub job: Box<Claimed>,
    /// Fires when the job has ended otherwise (cancelled): give the call up.
    pub ended: CancellationToken,
}

/// Every running job's token.
#[derive(Debug, Default)]
pub(super) struct Registry {
    tokens: Mutex<HashMap<JobSeq, CancellationToken>>,
}

impl Registry {
    pub(super) fn begin(&self, seq: JobSeq) -> CancellationToken {
        let token = CancellationToken::new();
        self.tokens.lock().insert(seq, token.clone());
        token
    }

    pub(super) fn end(&self, seq: JobSeq) {
        let token = self.tokens.lock().remove(&seq);
        if let Some(token) = token {
            token.cancel();
        }
    }
}
