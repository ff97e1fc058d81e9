//! The API client that the command line uses: over HTTP and WebSocket, never past the API.
//!
//! Called by cli. It knows paths and bodies, and nothing of how the server works.

mod api;
mod connection;
mod health;
pub mod jwks;
pub mod kroki;
pub mod otlp;
mod problem;
mod queue;
mod roots;
mod socket;
mod status;
mod stream;
mod watch;
mod webhooks;

pub use api::GenerateRequest;
pub use connection::{BadServer, Client};
pub use problem::ClientError;
pub use queue::{GaugeFigures, LaneFigures, QueueFigures, QueueNews};
pub use status::{Accepted, Error, Progress, Status, Verdict};
