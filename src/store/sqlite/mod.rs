//! The SQLite backend: the only place that knows `rusqlite`.
