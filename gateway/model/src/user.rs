//! People and settings as they are kept in the store.

use serde::{Deserialize, Serialize};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    #[default]
    Viewer,
    /// Looks and commands.
    Operator,
    /// Everything, users and settings included.
    Admin,
}

/// One person who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct User {
    /// Unique name to sign in with.
    pub id: String,
    /// What people call them.
    #[serde(default)]
    pub label: String,
    /// What they may do.
    #[serde(default)]
    pub role: Role,
    /// argon2id hash of the password in PHC string form; empty for a person who cannot sign in yet.
    #[serde(default)]
    pub password_hash: String,
}

/// One setting that is kept with the records rather than in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Setting {
    /// Unique name.
    pub id: String,
    /// Its value as text.
    pub value: String,
}
