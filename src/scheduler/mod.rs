//! The scheduler: which job goes next, on which lane, and when.
