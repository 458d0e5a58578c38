//! What must hold whatever bytes come: a function for each target of the fuzzer, which panics if it does not.

mod decode;
mod forms;
mod frames;
mod ledger;
mod profiles;
mod session;
mod stage;

pub use decode::mqtt_decode;
pub use forms::live_form;
pub use frames::live_frame;
pub use ledger::ledger_replay;
pub use profiles::profile_decode;
pub use session::mqtt_session;
