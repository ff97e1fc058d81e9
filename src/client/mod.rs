//! The API client that the command line uses.
