//! Live updates: the WebSocket, and the same events as a stream.

pub mod messages;
pub mod sse;
mod watch;
pub mod websocket;
