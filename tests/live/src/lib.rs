//! Starts the conformance program and the clients that drive it.
