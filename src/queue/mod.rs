//! The queue: submit, cancel, claim, settle, recover; the only writer of job state.
//!
//! Called by http and cli (submit, cancel, retry, pause), by the scheduler (claim, expire) and by
//! the worker (settle). It never speaks HTTP and never makes an upstream call.

pub mod ports;
