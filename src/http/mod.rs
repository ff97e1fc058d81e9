//! The HTTP server: router, authentication, resources, live updates.
