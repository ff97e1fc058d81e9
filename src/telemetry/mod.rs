//! What the operator's tools read: log lines on standard error, and figures for Prometheus.
//!
//! It knows nothing of diagrams: who has figures to show brings names, help and values.

pub mod logs;
pub mod metrics;
#[cfg(feature = "otel")]
pub mod otlp;
mod process;
pub mod spans;
