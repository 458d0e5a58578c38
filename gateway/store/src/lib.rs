//! Records, changesets and migrations; last values; logs of records.
//!
//! Records (devices, profiles, users, settings, commands) change seldom and are durable when a call returns.
//! Readings change all the time: of those only the newest value of each point is kept here, in
//! [`LastValues`]. State that changes often, such as that of MQTT sessions, is kept by its owner and written
//! down change by change in a [`RecordLog`].

mod backup;
mod board_clock;
mod cast;
mod changeset;
mod engine;
mod error;
mod field_errors;
mod last_values;
mod lock;
mod mark;
mod migration;
mod migrations;
mod nearest;
mod record;
mod record_log;
mod records;
mod secret;
mod store;
mod table;

pub use board_clock::BoardClock;
pub use changeset::{Changeset, Valid};
pub use error::StoreError;
pub use field_errors::FieldErrors;
pub use last_values::{LastValues, MAX_KEY_BYTES, MAX_READING_BYTES};
pub use migration::{Migrating, Migration};
pub use migrations::MIGRATIONS;
pub use record::Record;
pub use record_log::{
    LogError, Lsn, MAX_LOG_RECORD_BYTES, RecordLog, RecordLogOptions, RecordLogStats, Recovery,
    SnapshotWriter,
};
pub use secret::{KeyedHash, Secrets, check_chosen, hash_chosen, is_chosen, verify_chosen};
pub use store::{Store, StoreOptions};
pub use table::{MAX_RECORD_BYTES, Table};
