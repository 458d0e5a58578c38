//! A register of an I²C chip: an address with its name in the datasheet, so that every failure names it.

use embedded_hal::i2c::{Error, I2c};

use crate::DriverError;

/// A register, or the first of a run of registers that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    name: &'static str,
    address: u8,
}

impl Register {
    /// The register that the datasheet calls `name`, at `address` within the chip.
    #[must_use]
    pub const fn new(name: &'static str, address: u8) -> Self {
        Self { name, address }
    }

    /// Its address within the chip.
    #[must_use]
    pub const fn address(&self) -> u8 {
        self.address
    }

    /// Reads `N` bytes from here on, in one transaction with a repeated start.
    ///
    /// # Errors
    /// [`DriverError::BadRegister`] with the kind of bus error.
    pub fn read<const N: usize, I: I2c>(&self, i2c: &mut I, chip: u8) -> Result<[u8; N], DriverError> {
        let mut bytes = [0; N];
        match i2c.write_read(chip, &[self.address], &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(self.bad(&error)),
        }
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`DriverError::BadRegister`] with the kind of bus error.
    pub fn read_byte<I: I2c>(&self, i2c: &mut I, chip: u8) -> Result<u8, DriverError> {
        self.read(i2c, chip).map(|[byte]| byte)
    }

    /// Reads a 16-bit word, high byte first.
    ///
    /// # Errors
    /// [`DriverError::BadRegister`] with the kind of bus error.
    pub fn read_word<I: I2c>(&self, i2c: &mut I, chip: u8) -> Result<u16, DriverError> {
        self.read(i2c, chip).map(u16::from_be_bytes)
    }

    /// Compares what this register holds with what it holds in the right chip.
    ///
    /// # Errors
    /// [`DriverError::WrongChip`] if they differ.
    pub fn expect_id(&self, found: impl Into<u16>, expected: impl Into<u16>) -> Result<(), DriverError> {
        let (found, expected) = (found.into(), expected.into());
        if found == expected {
            return Ok(());
        }
        Err(DriverError::WrongChip {
            register: self.name,
            expected,
            found,
        })
    }

    /// Writes one byte.
    ///
    /// # Errors
    /// [`DriverError::BadRegister`] with the kind of bus error.
    pub fn write<I: I2c>(&self, i2c: &mut I, chip: u8, byte: u8) -> Result<(), DriverError> {
        i2c.write(chip, &[self.address, byte])
            .map_err(|error| self.bad(&error))
    }

    /// Writes a 16-bit word, high byte first.
    ///
    /// # Errors
    /// [`DriverError::BadRegister`] with the kind of bus error.
    pub fn write_word<I: I2c>(&self, i2c: &mut I, chip: u8, word: u16) -> Result<(), DriverError> {
        let [high, low] = word.to_be_bytes();
        i2c.write(chip, &[self.address, high, low])
            .map_err(|error| self.bad(&error))
    }

    fn bad(&self, error: &impl Error) -> DriverError {
        DriverError::BadRegister {
            register: self.name,
            address: self.address,
            kind: error.kind(),
        }
    }
}
