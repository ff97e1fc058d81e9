//! What can go wrong in a store, in terms that do not name a backend.

/// A store failure.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The writer's queue is full: try again in a second.
    #[error("the store is busy")]
    Busy,
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The read took longer than its limit.
    #[error("the read took too long")]
    TimedOut,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// Another server holds the data directory.
    #[error("{0}")]
    Locked(String),
    /// The database is of a newer version, or is not ours.
    #[error("{0}")]
    Incompatible(String),
    /// Anything else the backend reports.
    #[error("{0}")]
    Failed(String),
}
