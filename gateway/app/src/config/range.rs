//! Whole numbers with a range: a value outside is an error at its own line of the file.

use serde::{Deserialize, Deserializer, de};

/// A whole number from `MIN` to `MAX`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Within<MIN, MAX> {
    /// A number of the program's own, brought into the range if it lies outside.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(if value < MIN {
            MIN
        } else if value > MAX {
            MAX
        } else {
            value
        })
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a size in memory.
    #[must_use]
    pub fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = || format!("a whole number from {MIN} to {MAX}");
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(value) => u64::try_from(value)
                .ok()
                .filter(|value| (MIN..=MAX).contains(value))
                .map(Self)
                .ok_or_else(|| de::Error::custom(format!("{value} is out of range: give {}", expected()))),
            other => Err(de::Error::custom(format!(
                "{other} is of the wrong kind: give {}",
                expected()
            ))),
        }
    }
}
