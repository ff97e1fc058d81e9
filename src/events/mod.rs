//! The bus: events of committed changes to whoever watches. Publishing never blocks.
//!
//! Called by the queue and the worker (publish), by websocket, SSE and watchers (subscribe).
