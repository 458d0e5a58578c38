//! The contract of a driver: what the gateway asks of a chip wired to the board, and what can go wrong.

use std::time::Duration;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use roost_model::{Access, NoData, PointSpec, Unit, Value};
use thiserror::Error;

use crate::boards::simulated::SimulatedChip;
use crate::{Samples, SharedI2c};

/// One wired device. Calls block for as long as the bus takes, so a driver lives on the thread of its bus,
/// and it need not be `Send`.
pub trait Driver {
    /// The points of the device; the same ones for as long as the driver lives.
    fn points(&self) -> &[PointSpec];

    /// Finds out whether the device is there, is the right one, and makes it ready to be read. Called before
    /// the first read, and again after failures: the device may have lost its power in between.
    ///
    /// # Errors
    /// [`DriverError`] names the register at which it failed.
    fn probe(&mut self) -> Result<(), DriverError>;

    /// Reads every point once.
    ///
    /// # Errors
    /// [`DriverError`] if the device could not be read. A point whose value is merely out of range is a
    /// sample without data, not an error.
    fn read(&mut self, samples: &mut Samples) -> Result<(), DriverError>;

    /// Does what a command asks. A later read shows whether it came true.
    ///
    /// # Errors
    /// [`DriverError::ReadOnly`] unless the driver says otherwise.
    fn write(&mut self, point: &str, _value: &Value) -> Result<(), DriverError> {
        Err(DriverError::ReadOnly {
            point: point.to_owned(),
        })
    }
}

/// Describes a point that is measured and takes no commands.
#[must_use]
pub fn measurement(name: &str, unit: &str, cadence: Duration) -> PointSpec {
    PointSpec {
        name: name.to_owned(),
        unit: Unit::new(unit),
        access: Access::Read,
        cadence: Some(cadence),
    }
}

/// Reads a device once. A failed read is data: each point that got no sample gets one that says why.
pub fn poll(driver: &mut dyn Driver) -> (Samples, Result<(), DriverError>) {
    let mut samples = Samples::default();
    let outcome = driver.read(&mut samples);
    if let Err(error) = &outcome {
        for spec in driver.points() {
            if samples.get(&spec.name).is_none() {
                samples.take(spec, Err(error.no_data()));
            }
        }
    }
    (samples, outcome)
}

/// A driver in the list of drivers. Forms, `roost drivers` and the documentation derive from it.
pub struct DriverDef {
    /// Name in the configuration: the chip's, lower case.
    pub name: &'static str,
    /// Chip, maker, what it measures; for people who choose.
    pub summary: &'static str,
    /// I²C addresses (7 bit) that the chip can be strapped to, the usual one first.
    pub addresses: &'static [u16],
    /// How often it is read unless the configuration says otherwise.
    pub default_cadence: Duration,
    /// Makes the driver. Nothing is sent yet.
    pub(crate) build: fn(SharedI2c, u8) -> Box<dyn Driver>,
    /// Makes the chip's model for the simulated bus. The address makes two of a kind differ in what they
    /// measure.
    pub(crate) simulate: fn(u8) -> Box<dyn SimulatedChip>,
}

impl DriverDef {
    /// Makes the driver for the chip at `address` (7 bit). Nothing is sent yet: that is what `probe` is for.
    ///
    /// # Errors
    /// [`DriverError::WrongAddress`] if the chip can't be strapped to that address.
    pub fn open(&self, bus: SharedI2c, address: u16) -> Result<Box<dyn Driver>, DriverError> {
        Ok((self.build)(bus, self.check_address(address)?))
    }

    /// The model of the chip at `address` (7 bit), for the simulated bus.
    ///
    /// # Errors
    /// [`DriverError::WrongAddress`] if the chip can't be strapped to that address.
    pub fn simulated(&self, address: u16) -> Result<Box<dyn SimulatedChip>, DriverError> {
        Ok((self.simulate)(self.check_address(address)?))
    }

    fn check_address(&self, address: u16) -> Result<u8, DriverError> {
        let wrong = || DriverError::WrongAddress {
            driver: self.name,
            address,
            possible: self.addresses,
        };
        if !self.addresses.contains(&address) {
            return Err(wrong());
        }
        u8::try_from(address).map_err(|_| wrong())
    }
}

/// Why a device could not be probed, read or commanded.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DriverError {
    /// The bus did not carry an access to a register.
    #[error("register {register} ({address:#04x}): {kind}")]
    BadRegister {
        /// Name of the register in the datasheet.
        register: &'static str,
        /// Its address within the chip.
        address: u8,
        /// What the bus says.
        kind: ErrorKind,
    },
    /// Another chip answers, or an old one that only looks alike.
    #[error("another chip answers: register {register} holds {found:#06x}, not {expected:#06x}")]
    WrongChip {
        /// Name of the register that tells chips apart.
        register: &'static str,
        /// What it holds in the right chip.
        expected: u16,
        /// What it held.
        found: u16,
    },
    /// A register holds what cannot be, so that nothing computed from it would be a measurement.
    #[error("register {register} holds {found}, which cannot be")]
    Implausible {
        /// Name of the register in the datasheet.
        register: &'static str,
        /// What it held.
        found: i64,
    },
    /// The device is there but has no value yet, or is busy: with what.
    #[error("no value yet: {0}")]
    NotReady(&'static str),
    /// The point takes no commands.
    #[error("{point} can only be read")]
    ReadOnly {
        /// The point that was commanded.
        point: String,
    },
    /// The point takes commands, but not this one.
    #[error("{point} takes {expected}")]
    BadValue {
        /// The point that was commanded.
        point: String,
        /// What it takes.
        expected: &'static str,
    },
    /// The chip can't be at that address.
    #[error("{driver} can't be at {address:#04x}: its addresses are {possible:#04x?}")]
    WrongAddress {
        /// The driver.
        driver: &'static str,
        /// The address that was asked for.
        address: u16,
        /// The addresses of the chip.
        possible: &'static [u16],
    },
}

impl DriverError {
    /// What the points of the device show while this lasts.
    #[must_use]
    pub fn no_data(&self) -> NoData {
        match self {
            Self::BadRegister {
                // Most adapters don't tell whether the address or a byte after it went unanswered. The few
                // that do say `Data` when the chip was there a moment ago.
                kind: ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address | NoAcknowledgeSource::Unknown),
                ..
            } => NoData::DeviceAbsent,
            Self::NotReady(_) => NoData::Timeout,
            Self::Implausible { .. } => NoData::Implausible,
            _ => NoData::DeviceError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct HalfRead(Vec<PointSpec>);

    impl Driver for HalfRead {
        fn points(&self) -> &[PointSpec] {
            &self.0
        }

        fn probe(&mut self) -> Result<(), DriverError> {
            Ok(())
        }

        fn read(&mut self, samples: &mut Samples) -> Result<(), DriverError> {
            samples.take(&self.0[0], Ok(Value::Int(1)));
            Err(DriverError::NotReady("test"))
        }
    }

    fn half_read() -> HalfRead {
        let second = Duration::from_secs(1);
        HalfRead(vec![
            measurement("first", "", second),
            measurement("second", "", second),
        ])
    }

    #[test]
    fn a_read_that_fails_half_way_keeps_what_it_had_and_says_why_the_rest_is_missing() {
        let (samples, outcome) = poll(&mut half_read());
        assert!(outcome.is_err());
        assert_eq!(samples.get("first").unwrap().value, Ok(Value::Int(1)));
        assert_eq!(samples.get("second").unwrap().value, Err(NoData::Timeout));
    }

    #[test]
    fn a_driver_that_does_not_say_otherwise_refuses_commands() {
        let error = half_read().write("first", &Value::Int(0)).unwrap_err();
        assert_eq!(error.to_string(), "first can only be read");
    }

    #[test]
    fn silence_at_the_address_means_absent_and_any_other_fault_an_error() {
        let bad = |kind| DriverError::BadRegister {
            register: "Temp_Result",
            address: 0,
            kind,
        };
        let absent = bad(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        assert_eq!(absent.no_data(), NoData::DeviceAbsent);
        assert_eq!(bad(ErrorKind::ArbitrationLoss).no_data(), NoData::DeviceError);
        assert!(
            absent.to_string().starts_with("register Temp_Result (0x00): "),
            "{absent}"
        );
    }
}
