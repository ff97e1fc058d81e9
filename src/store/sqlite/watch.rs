//! What takes long, watched from outside: it tells that it goes on, and ends when it is asked to.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Watch {
    stop: CancellationToken,
    alive: Arc<dyn Fn() + Send + Sync>,
}

impl Watch {
    /// Ends with `stop`. `alive` hears every now and then that it goes on, from any thread; it must not
    /// block.
    pub fn new(stop: CancellationToken, alive: impl Fn() + Send + Sync + 'static) -> Self {
        Self { stop, alive: Arc::new(alive) }
    }

    /// Ends with `stop`; nobody hears how it goes.
    pub fn until(stop: &CancellationToken) -> Self {
        Self::new(stop.clone(), || {})
    }

    /// Whether to go on. To be asked again soon, and not in between.
    pub fn goes_on(&self) -> bool {
        (self.alive)();
        !self.stop.is_cancelled()
    }

    /// Whether it was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}

/// Nobody watches.
impl Default for Watch {
    fn default() -> Self {
        Self::until(&CancellationToken::new())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("stop", &self.stop).finish_non_exhaustive()
    }
}
