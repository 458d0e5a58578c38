//! TMP117, Texas Instruments: temperature, ±0.1 °C from −20 °C to 50 °C.
//!
//! Source: TMP117 datasheet, SNOSD82 (register map: section 7.6).

use std::time::Duration;

use embedded_hal::i2c::I2c;
use roost_model::PointSpec;

use crate::boards::simulated::{SimulatedChip, drift};
use crate::{Driver, DriverDef, DriverError, Register, Samples, measurement};

/// This chip's line in the list of drivers.
pub(crate) const DEF: DriverDef = DriverDef {
    name: "tmp117",
    summary: "TMP117, Texas Instruments: temperature, ±0.1 °C",
    // ADD0 at ground, V+, SDA, SCL (section 7.5.3.1.2).
    addresses: &[0x48, 0x49, 0x4a, 0x4b],
    default_cadence: CADENCE,
    build: |bus, address| Box::new(Tmp117::new(bus, address)),
    simulate: |address| Box::new(SimulatedTmp117::new(address)),
};

const CADENCE: Duration = Duration::from_secs(10);

const TEMP_RESULT: Register = Register::new("Temp_Result", 0x00);
const CONFIGURATION: Register = Register::new("Configuration", 0x01);
const DEVICE_ID: Register = Register::new("Device_ID", 0x0f);

/// What Device_ID holds in a TMP117, revision aside.
const ID: u16 = 0x0117;
/// Device_ID, bits 11:0: the device; above them is its revision.
const WITHOUT_REVISION: u16 = 0x0fff;
/// What Temp_Result holds from reset until the first conversion is complete: −256 °C.
const NO_CONVERSION: i16 = i16::MIN;
/// Temp_Result: °C per LSB.
const CELSIUS_PER_LSB: f64 = 0.007_812_5;
/// Configuration, bit 13: a conversion is complete. Reading Configuration or Temp_Result clears it.
const DATA_READY: u16 = 1 << 13;
/// Configuration, bit 12: the EEPROM is busy, being programmed or loaded at power-up.
const EEPROM_BUSY: u16 = 1 << 12;
/// Configuration, bits 11:10: conversion mode.
const MODE: u16 = 0b11 << 10;
/// Mode 00 is continuous conversion, and 10 reads back as the same.
const MODE_SHUTDOWN_OR_ONE_SHOT: u16 = 0b01 << 10;

/// The driver. It reads and never changes anything but the conversion mode.
struct Tmp117<I> {
    i2c: I,
    address: u8,
    points: [PointSpec; 1],
}

impl<I: I2c> Tmp117<I> {
    fn new(i2c: I, address: u8) -> Self {
        Self {
            i2c,
            address,
            points: [measurement("temperature", "°C", CADENCE)],
        }
    }

    /// Makes sure that the chip converts again and again. In shutdown, which its EEPROM can make the state
    /// after power-up, Temp_Result would keep an old value that looks like a new one.
    fn ensure_converting(&mut self) -> Result<(), DriverError> {
        let configuration = CONFIGURATION.read_word(&mut self.i2c, self.address)?;
        if configuration & EEPROM_BUSY != 0 {
            return Err(DriverError::NotReady("the EEPROM is busy"));
        }
        if configuration & MODE_SHUTDOWN_OR_ONE_SHOT != 0 {
            CONFIGURATION.write_word(&mut self.i2c, self.address, configuration & !MODE)?;
            return Err(DriverError::NotReady(
                "conversion was off and has just been switched on",
            ));
        }
        Ok(())
    }
}

impl<I: I2c> Driver for Tmp117<I> {
    fn points(&self) -> &[PointSpec] {
        &self.points
    }

    fn probe(&mut self) -> Result<(), DriverError> {
        let id = DEVICE_ID.read_word(&mut self.i2c, self.address)?;
        DEVICE_ID.expect_id(id & WITHOUT_REVISION, ID)
    }

    fn read(&mut self, samples: &mut Samples) -> Result<(), DriverError> {
        // Data_Ready isn't asked for: reading Configuration clears it, so that two reads within one
        // conversion would find it gone though the value is good. The reset value of Temp_Result tells what
        // has to be known.
        self.ensure_converting()?;
        let raw = TEMP_RESULT.read_word(&mut self.i2c, self.address)?.cast_signed();
        if raw == NO_CONVERSION {
            return Err(DriverError::NotReady("the first conversion is not complete"));
        }
        // Operating range: section 6.3.
        samples.measured(&self.points[0], f64::from(raw) * CELSIUS_PER_LSB, -55.0..=150.0);
        Ok(())
    }
}

/// The chip's model: pointer register, words high byte first, one conversion a second with eight averaged
/// (the state after reset).
struct SimulatedTmp117 {
    /// Makes two chips on a bus differ.
    offset: Duration,
    pointer: u8,
    /// The bits of Configuration that are kept.
    configuration: u16,
    /// Conversions count from here.
    started: Duration,
    /// The conversion whose result was read last; clears Data_Ready.
    seen: Option<u64>,
}

impl SimulatedTmp117 {
    /// Configuration after reset (section 7.6): one conversion a second, eight averaged.
    const RESET: u16 = 0x0220;
    /// What can be written of Configuration (bits 11:2).
    const WRITABLE: u16 = 0x0ffc;
    /// Eight conversions of 15.5 ms make the first result.
    const FIRST_RESULT: Duration = Duration::from_millis(124);

    fn new(address: u8) -> Self {
        Self {
            offset: Duration::from_secs(u64::from(address) * 97),
            pointer: 0,
            configuration: Self::RESET,
            started: Duration::ZERO,
            seen: None,
        }
    }

    /// How many conversions are complete: the number of the newest result, from 1.
    fn conversions(&self, now: Duration) -> Option<u64> {
        if self.configuration & MODE_SHUTDOWN_OR_ONE_SHOT != 0 {
            return None;
        }
        let since = now.checked_sub(self.started)?.checked_sub(Self::FIRST_RESULT)?;
        Some(since.as_secs() + 1)
    }

    fn word(&mut self, now: Duration) -> u16 {
        let newest = self.conversions(now);
        match self.pointer {
            0x00 => {
                self.seen = newest;
                let Some(number) = newest else {
                    return NO_CONVERSION.cast_unsigned();
                };
                let at = self.offset + self.started + Duration::from_secs(number);
                let celsius = drift(at, 21.5, 1.5, Duration::from_secs(1800));
                #[expect(clippy::cast_possible_truncation, reason = "a room's temperature fits by far")]
                let raw = (celsius / CELSIUS_PER_LSB).round() as i16;
                raw.cast_unsigned()
            }
            0x01 => {
                let ready = if newest.is_some() && newest != self.seen {
                    DATA_READY
                } else {
                    0
                };
                self.seen = newest;
                self.configuration | ready
            }
            0x0f => ID,
            _ => 0,
        }
    }
}

impl SimulatedChip for SimulatedTmp117 {
    fn write(&mut self, bytes: &[u8], now: Duration) {
        if let Some(&pointer) = bytes.first() {
            self.pointer = pointer;
        }
        if let [0x01, high, low] = *bytes {
            self.configuration = u16::from_be_bytes([high, low]) & Self::WRITABLE;
            self.started = now;
            self.seen = None;
        }
    }

    fn read(&mut self, bytes: &mut [u8], now: Duration) {
        let word = self.word(now).to_be_bytes();
        // The pointer does not move on: clocking out more than a word repeats it.
        for (byte, value) in bytes.iter_mut().zip(word.into_iter().cycle()) {
            *byte = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::simulated::SimulatedBus;
    use crate::poll;
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use roost_model::{NoData, Value};
    use std::cell::Cell;
    use std::rc::Rc;

    const CONTINUOUS: [u8; 2] = [0x02, 0x20];

    fn read_word(register: u8, word: [u8; 2]) -> Transaction {
        Transaction::write_read(0x48, vec![register], word.to_vec())
    }

    /// What one read makes of these words of Configuration and Temp_Result.
    fn read(configuration: [u8; 2], result: [u8; 2]) -> Result<Value, NoData> {
        let mut i2c = Mock::new(&[read_word(0x01, configuration), read_word(0x00, result)]);
        let mut driver = Tmp117::new(i2c.clone(), 0x48);
        let (samples, _) = poll(&mut driver);
        i2c.done();
        samples.get("temperature").unwrap().value.clone()
    }

    #[test]
    fn results_are_converted_as_table_7_1_of_the_datasheet_says() {
        for (word, celsius) in [
            ([0xf3, 0x80], -25.0),
            ([0xff, 0xf0], -0.125),
            ([0xff, 0xff], -0.007_812_5),
            ([0x00, 0x00], 0.0),
            ([0x00, 0x01], 0.007_812_5),
            ([0x0c, 0x80], 25.0),
            ([0x32, 0x00], 100.0),
        ] {
            assert_eq!(read(CONTINUOUS, word), Ok(Value::Float(celsius)), "{word:02x?}");
        }
    }

    #[test]
    fn before_the_first_conversion_there_is_no_value() {
        assert_eq!(read(CONTINUOUS, [0x80, 0x00]), Err(NoData::Timeout));
    }

    #[test]
    fn a_temperature_outside_the_operating_range_is_implausible() {
        assert_eq!(read(CONTINUOUS, [0x7f, 0xff]), Err(NoData::Implausible));
        assert_eq!(read(CONTINUOUS, [0x80, 0x01]), Err(NoData::Implausible));
    }

    #[test]
    fn nothing_is_read_while_the_eeprom_is_busy() {
        let mut i2c = Mock::new(&[read_word(0x01, [0x12, 0x20])]);
        let error = Tmp117::new(i2c.clone(), 0x48)
            .read(&mut Samples::default())
            .unwrap_err();
        i2c.done();
        assert_eq!(error.to_string(), "no value yet: the EEPROM is busy");
    }

    #[test]
    fn a_chip_in_shutdown_is_switched_on_instead_of_read() {
        let mut i2c = Mock::new(&[
            read_word(0x01, [0x06, 0x20]),
            Transaction::write(0x48, vec![0x01, 0x02, 0x20]),
        ]);
        let error = Tmp117::new(i2c.clone(), 0x48)
            .read(&mut Samples::default())
            .unwrap_err();
        i2c.done();
        assert_eq!(error.no_data(), NoData::Timeout);
    }

    #[test]
    fn any_revision_of_the_chip_is_recognized_and_another_chip_is_named() {
        let mut i2c = Mock::new(&[read_word(0x0f, [0x21, 0x17]), read_word(0x0f, [0x01, 0x90])]);
        let mut driver = Tmp117::new(i2c.clone(), 0x48);
        assert_eq!(driver.probe(), Ok(()));
        assert_eq!(
            driver.probe(),
            Err(DriverError::WrongChip {
                register: "Device_ID",
                expected: 0x0117,
                found: 0x0190
            })
        );
        i2c.done();
    }

    #[test]
    fn a_failed_access_names_the_register() {
        let kind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let mut i2c = Mock::new(&[
            read_word(0x01, CONTINUOUS),
            read_word(0x00, [0, 0]).with_error(kind),
        ]);
        let error = Tmp117::new(i2c.clone(), 0x48)
            .read(&mut Samples::default())
            .unwrap_err();
        i2c.done();
        let expected = DriverError::BadRegister {
            register: "Temp_Result",
            address: 0,
            kind,
        };
        assert_eq!((error.no_data(), error), (NoData::DeviceAbsent, expected));
    }

    #[test]
    fn on_the_simulated_bus_the_first_value_comes_after_the_first_conversion_and_then_moves_slowly() {
        let now = Rc::new(Cell::new(Duration::ZERO));
        let clock = Rc::clone(&now);
        let mut bus = SimulatedBus::new(move || clock.get());
        bus.attach("tmp117@0x48").unwrap();
        let mut driver = Tmp117::new(bus.shared(), 0x48);
        assert_eq!(driver.probe(), Ok(()));
        assert!(matches!(
            driver.read(&mut Samples::default()),
            Err(DriverError::NotReady(_))
        ));
        let mut moved = false;
        let mut before: Option<f64> = None;
        for second in 1..600 {
            now.set(Duration::from_secs(second));
            let (samples, outcome) = poll(&mut driver);
            assert_eq!(outcome, Ok(()));
            let celsius = samples.number("temperature").unwrap();
            assert!((20.0..=23.0).contains(&celsius), "{celsius}");
            assert!(
                before.is_none_or(|before| (before - celsius).abs() < 0.05),
                "{celsius}"
            );
            moved |= before.is_some_and(|before| before < celsius);
            before = Some(celsius);
        }
        assert!(moved);
    }
}
