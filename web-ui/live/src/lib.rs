//! Channels, presence and live views, wire-compatible with the stock Phoenix clients.
