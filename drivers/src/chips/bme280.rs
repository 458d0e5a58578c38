//! BME280, Bosch Sensortec: temperature, humidity, air pressure.
//!
//! Source: BME280 datasheet, BST-BME280-DS002 (memory map: section 5; compensation: sections 4.2 and 8.1).

use std::thread;
use std::time::Duration;

use embedded_hal::i2c::I2c;
use roost_model::PointSpec;

use crate::boards::simulated::{RegisterMap, SimulatedChip, drift_counts};
use crate::{Driver, DriverDef, DriverError, Register, Samples, measurement};

/// This chip's line in the list of drivers.
pub(crate) const DEF: DriverDef = DriverDef {
    name: "bme280",
    summary: "BME280, Bosch Sensortec: temperature, humidity, air pressure",
    // SDO at ground, at VDDIO (section 6.2).
    addresses: &[0x76, 0x77],
    default_cadence: CADENCE,
    build: |bus, address| Box::new(Bme280::new(bus, address)),
    simulate: |address| Box::new(SimulatedBme280::new(address)),
};

const CADENCE: Duration = Duration::from_secs(10);

const ID: Register = Register::new("id", 0xd0);
const CTRL_HUM: Register = Register::new("ctrl_hum", 0xf2);
const STATUS: Register = Register::new("status", 0xf3);
const CTRL_MEAS: Register = Register::new("ctrl_meas", 0xf4);
/// All results in one go, so that they are of one measurement (section 4).
const DATA: Register = Register::new("press_msb", 0xf7);
/// Trimming parameters of temperature and pressure, and dig_H1.
const CALIB_LOW: Register = Register::new("calib00", 0x88);
/// Trimming parameters dig_H2 to dig_H6.
const CALIB_HIGH: Register = Register::new("calib26", 0xe1);

/// What `id` holds in a BME280; the BMP280, which has no humidity, holds 0x58.
const CHIP_ID: u8 = 0x60;
/// `ctrl_hum`: humidity measured once.
const HUMIDITY_ONCE: u8 = 0b001;
/// `ctrl_meas`: temperature and pressure measured once each, one measurement and then sleep (forced mode).
const FORCED: u8 = 0b0010_0101;
/// `status`, bit 3: a measurement is running.
const MEASURING: u8 = 1 << 3;
/// `status`, bit 0: the trimming parameters are being loaded after power-up.
const IM_UPDATE: u8 = 1;
/// Longest that such a measurement takes: 9.3 ms (section 9.1).
const MEASUREMENT: Duration = Duration::from_micros(9_300);
/// What the 20-bit results hold while nothing has been measured.
const NOT_MEASURED: u32 = 0x80000;

/// The fine temperature, on which all else rests, has so many steps to the degree Celsius.
const FINE_PER_CELSIUS: f64 = 5_120.0;

/// Trimming parameters, one set in every chip (section 4.2.2, table 16).
#[derive(Debug, Clone, PartialEq)]
struct Calibration {
    /// dig_T1 to dig_T3.
    t: [f64; 3],
    /// dig_P1 to dig_P9.
    p: [f64; 9],
    /// dig_H1 to dig_H6.
    h: [f64; 6],
}

impl Calibration {
    fn parse(low: &[u8; 26], high: &[u8; 7]) -> Result<Self, DriverError> {
        let unsigned = |at: usize| u16::from_le_bytes([low[at], low[at + 1]]);
        let signed = |at: usize| f64::from(unsigned(at).cast_signed());
        // Of an empty or unconnected memory nothing can be computed, and dig_P1 is divided by.
        for (register, word) in [("dig_T1", unsigned(0)), ("dig_P1", unsigned(6))] {
            if word == 0 || word == u16::MAX {
                return Err(DriverError::Implausible {
                    register,
                    found: word.into(),
                });
            }
        }
        // dig_H4 and dig_H5 have 12 bits and share the byte at 0xE5.
        let twelve_bits =
            |high: u8, low: u8| f64::from((i16::from(high.cast_signed()) << 4) | i16::from(low));
        let mut p = [f64::from(unsigned(6)); 9];
        for (index, parameter) in p.iter_mut().enumerate().skip(1) {
            *parameter = signed(6 + 2 * index);
        }
        Ok(Self {
            t: [f64::from(unsigned(0)), signed(2), signed(4)],
            p,
            h: [
                f64::from(low[25]),
                f64::from(i16::from_le_bytes([high[0], high[1]])),
                f64::from(high[2]),
                twelve_bits(high[3], high[4] & 0x0f),
                twelve_bits(high[5], high[4] >> 4),
                f64::from(high[6].cast_signed()),
            ],
        })
    }

    /// The fine temperature.
    fn fine(&self, raw: u32) -> f64 {
        let raw = f64::from(raw);
        let linear = raw / 16_384.0 - self.t[0] / 1_024.0;
        let square = raw / 131_072.0 - self.t[0] / 8_192.0;
        linear * self.t[1] + square * square * self.t[2]
    }

    /// hPa.
    fn pressure(&self, raw: u32, fine: f64) -> f64 {
        let p = &self.p;
        let deviation = fine / 2.0 - 64_000.0;
        let offset = deviation * deviation * p[5] / 32_768.0 + deviation * p[4] * 2.0;
        let offset = offset / 4.0 + p[3] * 65_536.0;
        let slope = (p[2] * deviation * deviation / 524_288.0 + p[1] * deviation) / 524_288.0;
        let slope = (1.0 + slope / 32_768.0) * p[0];
        let pascal = (1_048_576.0 - f64::from(raw) - offset / 4_096.0) * 6_250.0 / slope;
        let correction = p[8] * pascal * pascal / 2_147_483_648.0 + pascal * p[7] / 32_768.0 + p[6];
        (pascal + correction / 16.0) / 100.0
    }

    /// % relative humidity. Section 8.1 limits it to 0..100: condensation reads slightly above.
    fn humidity(&self, raw: u32, fine: f64) -> f64 {
        let h = &self.h;
        let deviation = fine - 76_800.0;
        let measured = f64::from(raw) - (h[3] * 64.0 + h[4] / 16_384.0 * deviation);
        let with_temperature =
            1.0 + h[5] / 67_108_864.0 * deviation * (1.0 + h[2] / 67_108_864.0 * deviation);
        let percent = measured * (h[1] / 65_536.0 * with_temperature);
        (percent * (1.0 - h[0] * percent / 524_288.0)).clamp(0.0, 100.0)
    }
}

/// The raw results of pressure, temperature (20 bits each) and humidity (16 bits).
fn raw_results(data: [u8; 8]) -> [u32; 3] {
    let [p2, p1, p0, t2, t1, t0, h1, h0] = data;
    let twenty_bits = |bytes| u32::from_be_bytes(bytes) >> 4;
    [
        twenty_bits([0, p2, p1, p0]),
        twenty_bits([0, t2, t1, t0]),
        u32::from_be_bytes([0, 0, h1, h0]),
    ]
}

/// The driver. Each read asks for one measurement and waits for it, about 10 ms; the chip sleeps in between.
struct Bme280<I> {
    i2c: I,
    address: u8,
    calibration: Option<Calibration>,
    points: [PointSpec; 3],
}

impl<I: I2c> Bme280<I> {
    fn new(i2c: I, address: u8) -> Self {
        Self {
            i2c,
            address,
            calibration: None,
            points: [("temperature", "°C"), ("humidity", "%"), ("pressure", "hPa")]
                .map(|(name, unit)| measurement(name, unit, CADENCE)),
        }
    }

    fn measure(&mut self) -> Result<[u8; 8], DriverError> {
        // `ctrl_hum` takes effect with the write to `ctrl_meas` that follows (section 5.4.3).
        CTRL_HUM.write(&mut self.i2c, self.address, HUMIDITY_ONCE)?;
        CTRL_MEAS.write(&mut self.i2c, self.address, FORCED)?;
        thread::sleep(MEASUREMENT);
        if STATUS.read_byte(&mut self.i2c, self.address)? & MEASURING != 0 {
            return Err(DriverError::NotReady("the measurement takes longer than it may"));
        }
        DATA.read(&mut self.i2c, self.address)
    }
}

impl<I: I2c> Driver for Bme280<I> {
    fn points(&self) -> &[PointSpec] {
        &self.points
    }

    fn probe(&mut self) -> Result<(), DriverError> {
        self.calibration = None;
        ID.expect_id(ID.read_byte(&mut self.i2c, self.address)?, CHIP_ID)?;
        if STATUS.read_byte(&mut self.i2c, self.address)? & IM_UPDATE != 0 {
            return Err(DriverError::NotReady("the trimming parameters are being loaded"));
        }
        let low = CALIB_LOW.read(&mut self.i2c, self.address)?;
        let high = CALIB_HIGH.read(&mut self.i2c, self.address)?;
        self.calibration = Some(Calibration::parse(&low, &high)?);
        Ok(())
    }

    fn read(&mut self, samples: &mut Samples) -> Result<(), DriverError> {
        let [pressure, temperature, humidity] = raw_results(self.measure()?);
        let Some(trim) = &self.calibration else {
            return Err(DriverError::NotReady("the trimming parameters are not known"));
        };
        if temperature == NOT_MEASURED {
            return Err(DriverError::NotReady("nothing has been measured"));
        }
        let fine = trim.fine(temperature);
        let [celsius, percent, hectopascal] = &self.points;
        // Operating ranges: section 1, table 1.
        samples.measured(celsius, fine / FINE_PER_CELSIUS, -40.0..=85.0);
        samples.measured(percent, trim.humidity(humidity, fine), 0.0..=100.0);
        samples.measured(hectopascal, trim.pressure(pressure, fine), 300.0..=1100.0);
        Ok(())
    }
}

/// The chip's model. Writes come in pairs of register and value (section 6.2).
struct SimulatedBme280 {
    /// Makes two chips on a bus differ.
    offset: Duration,
    registers: RegisterMap,
    /// When the measurement that is running will be complete.
    complete: Option<Duration>,
}

impl SimulatedBme280 {
    /// A believable set of trimming parameters.
    const CALIB_LOW: [u8; 26] = [
        0x70, 0x6b, 0x43, 0x67, 0x18, 0xfc, 0x7d, 0x8e, 0x43, 0xd6, 0xd0, 0x0b, 0x27, 0x0b, 0x8c, 0x00, 0xf9,
        0xff, 0x8c, 0x3c, 0xf8, 0xc6, 0x70, 0x17, 0x00, 0x4b,
    ];
    const CALIB_HIGH: [u8; 7] = [0x6f, 0x01, 0x00, 0x14, 0x21, 0x03, 0x1e];
    /// Results after reset (section 5.3, table 18).
    const NOTHING: [u8; 8] = [0x80, 0, 0, 0x80, 0, 0, 0x80, 0];

    fn new(address: u8) -> Self {
        Self {
            offset: Duration::from_secs(u64::from(address) * 97),
            registers: RegisterMap::new(&[
                (ID.address(), &[CHIP_ID]),
                (CALIB_LOW.address(), &Self::CALIB_LOW),
                (CALIB_HIGH.address(), &Self::CALIB_HIGH),
                (DATA.address(), &Self::NOTHING),
            ]),
            complete: None,
        }
    }

    /// Ends a measurement whose time has come.
    fn settle(&mut self, now: Duration) {
        if self.complete.is_none_or(|complete| now < complete) {
            return;
        }
        self.complete = None;
        self.registers.set(STATUS.address(), &[0]);
        let (at, hour) = (now + self.offset, Duration::from_secs(3600));
        // With these trimming parameters: 21.7 ± 1.9 °C, 1001 ± 6 hPa, 44 ± 6 %.
        let [t2, t1, t0, _] = (drift_counts(at, 509_000, 6_000, hour) << 12).to_be_bytes();
        let [p2, p1, p0, _] = (drift_counts(at, 415_000, 1_500, hour * 12) << 12).to_be_bytes();
        let [_, _, h1, h0] = drift_counts(at, 28_500, 1_000, hour * 2).to_be_bytes();
        let data = [p2, p1, p0, t2, t1, t0, h1, h0];
        self.registers.set(DATA.address(), &data);
    }
}

impl SimulatedChip for SimulatedBme280 {
    fn write(&mut self, bytes: &[u8], now: Duration) {
        self.settle(now);
        if let [register] = *bytes {
            self.registers.point_to(register);
        }
        for pair in bytes.chunks_exact(2) {
            if pair[0] == CTRL_MEAS.address() && matches!(pair[1] & 0b11, 0b01 | 0b10) {
                self.registers.set(STATUS.address(), &[MEASURING]);
                self.complete = Some(now + MEASUREMENT);
            }
        }
    }

    fn read(&mut self, bytes: &mut [u8], now: Duration) {
        self.settle(now);
        self.registers.read(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::simulated::SimulatedBus;
    use crate::poll;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use roost_model::NoData;

    const LOW: [u8; 26] = SimulatedBme280::CALIB_LOW;
    const HIGH: [u8; 7] = SimulatedBme280::CALIB_HIGH;
    /// Pressure 415148, temperature 519888, humidity 30000.
    const EXAMPLE: [u8; 8] = [0x65, 0x5a, 0xc0, 0x7e, 0xed, 0x00, 0x75, 0x30];

    fn read(register: u8, bytes: &[u8]) -> Transaction {
        Transaction::write_read(0x76, vec![register], bytes.to_vec())
    }

    /// Polls a chip that answers `status` and `data` after a measurement, with everything before it in order.
    fn measure(status: u8, data: Option<[u8; 8]>) -> (Samples, Result<(), DriverError>) {
        let mut transactions = vec![
            read(0xd0, &[0x60]),
            read(0xf3, &[0]),
            read(0x88, &LOW),
            read(0xe1, &HIGH),
            Transaction::write(0x76, vec![0xf2, 0x01]),
            Transaction::write(0x76, vec![0xf4, 0x25]),
            read(0xf3, &[status]),
        ];
        transactions.extend(data.map(|data| read(0xf7, &data)));
        let mut i2c = Mock::new(&transactions);
        let mut driver = Bme280::new(i2c.clone(), 0x76);
        assert_eq!(driver.probe(), Ok(()));
        let polled = poll(&mut driver);
        i2c.done();
        polled
    }

    /// Temperature and pressure: the worked example of the BMP280, whose formulas are the same
    /// (BST-BMP280-DS001, section 3.12). Humidity: the integer formula of section 4.2.3, worked separately
    /// for this raw value.
    #[test]
    fn a_measurement_is_compensated_as_the_worked_example_says() {
        let trim = Calibration::parse(&LOW, &HIGH).unwrap();
        assert_eq!(trim.t, [27_504.0, 26_435.0, -1_000.0]);
        assert_eq!(trim.p[..5], [36_477.0, -10_685.0, 3_024.0, 2_855.0, 140.0]);
        assert_eq!(trim.p[5..], [-7.0, 15_500.0, -14_600.0, 6_000.0]);
        assert_eq!(trim.h, [75.0, 367.0, 0.0, 321.0, 50.0, 30.0]);
        let (samples, outcome) = measure(0, Some(EXAMPLE));
        assert_eq!(outcome, Ok(()));
        for (point, expected) in [
            ("temperature", 25.08),
            ("pressure", 1006.5327),
            ("humidity", 52.863),
        ] {
            let found = samples.number(point).unwrap();
            assert!((found - expected).abs() < 0.005, "{point}: {found}");
        }
    }

    #[test]
    fn negative_parameters_of_twelve_bits_keep_their_sign() {
        let trim = Calibration::parse(&LOW, &[0, 0, 0, 0xff, 0x2e, 0x80, 0xff]).unwrap();
        assert_eq!(trim.h[3..], [-2.0, -2046.0, -1.0]);
    }

    #[test]
    fn a_value_out_of_range_is_implausible_and_the_others_stay() {
        let (samples, _) = measure(0, Some([0, 0, 0, 0x7e, 0xed, 0x00, 0x75, 0x30]));
        assert_eq!(samples.get("pressure").unwrap().value, Err(NoData::Implausible));
        assert!(samples.number("temperature").is_some());
    }

    #[test]
    fn a_measurement_that_does_not_end_or_did_not_happen_is_no_value() {
        for (status, data) in [(MEASURING, None), (0, Some(SimulatedBme280::NOTHING))] {
            let (samples, outcome) = measure(status, data);
            assert!(matches!(outcome, Err(DriverError::NotReady(_))), "{outcome:?}");
            assert_eq!(samples.get("humidity").unwrap().value, Err(NoData::Timeout));
        }
    }

    #[test]
    fn a_bmp280_and_an_empty_memory_are_refused() {
        let probe = |transactions: &[Transaction]| {
            let mut i2c = Mock::new(transactions);
            let error = Bme280::new(i2c.clone(), 0x76).probe().unwrap_err();
            i2c.done();
            error.no_data()
        };
        assert_eq!(probe(&[read(0xd0, &[0x58])]), NoData::DeviceError);
        let found = [read(0xd0, &[0x60]), read(0xf3, &[0])];
        let empty = [read(0x88, &[0xff; 26]), read(0xe1, &[0xff; 7])];
        assert_eq!(probe(&[found, empty].concat()), NoData::Implausible);
    }

    #[test]
    fn on_the_simulated_bus_a_measurement_takes_its_time_and_is_what_a_room_has() {
        let on = |mut bus: SimulatedBus| {
            bus.attach("bme280@0x76").unwrap();
            let mut driver = Bme280::new(bus.shared(), 0x76);
            assert_eq!(driver.probe(), Ok(()));
            driver
        };
        // The status is asked for 4 ms after the start: too early.
        let mut hasty = on(SimulatedBus::ticking(Duration::from_millis(4)));
        assert!(matches!(poll(&mut hasty).1, Err(DriverError::NotReady(_))));
        let mut driver = on(SimulatedBus::ticking(Duration::from_secs(60)));
        for _ in 0..100 {
            let (samples, outcome) = poll(&mut driver);
            assert_eq!(outcome, Ok(()));
            assert!((19.0..=24.0).contains(&samples.number("temperature").unwrap()));
            assert!((37.0..=51.0).contains(&samples.number("humidity").unwrap()));
            assert!((994.0..=1008.0).contains(&samples.number("pressure").unwrap()));
        }
    }
}
