//! The HTTP server: router, authentication, resources, live updates.
//!
//! Handlers have no rules: they parse, call the queue or read the store, and render. Status
//! codes are decided here and nowhere else.

pub mod address;
pub mod admission;
pub mod api;
pub mod auth;
pub mod body;
pub mod call;
pub mod call_limits;
pub mod cors;
pub mod dispatch;
pub mod handlers;
pub mod inbound;
pub mod json;
pub mod live;
pub mod observed;
pub mod origin;
#[cfg(feature = "pages")]
mod packed;
pub mod problem;
pub mod query;
pub mod ratelimit;
pub mod readiness;
pub mod refuse;
pub mod request_id;
pub mod resources;
pub mod respond;
pub mod route_name;
pub mod router;
pub mod server;
mod stall;
pub mod trace;
pub mod view;
