//! HTTP endpoint, API and pages: what people and programs see of a gateway.
//!
//! Records are read from the store, live values from the bus, and every change is a request on the bus:
//! nothing here knows a device, a driver or a socket of the MQTT side. The pages need no script and nothing
//! from elsewhere.

mod api;
mod assets;
mod cached;
mod commands;
mod desks;
mod develop;
mod guard;
mod live;
mod onboarding;
mod pages;
mod problem;
mod profiles;
mod recordings;
mod registrar;
mod router;
mod server;
mod site;
mod survey;
mod upgrade;
mod view;
mod web;

pub use router::router;
pub use server::supervisor;
pub use upgrade::{Upgrade, Upgraded};
pub use web::{Bound, Facts, Web, WebOptions};
