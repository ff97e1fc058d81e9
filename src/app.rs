//! Builds all parts, starts them in order, and stops them in order.
