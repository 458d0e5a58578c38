//! A simulated board: a bus of chip models that answer register by register; drivers run on it unchanged.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use embedded_hal::i2c::{ErrorType, I2c, Operation};

use crate::{BoardDef, BoardError, BusError, BusSpec, DRIVERS, SharedI2c, find};

/// This board's line in the list of boards.
pub(super) const DEF: BoardDef = BoardDef {
    name: "simulated",
    summary: "No hardware: chips = [\"tmp117@0x48\"] answer with values that move slowly",
    open,
};

/// A chip as its bus sees it. `now` is the time since the bus was powered, and never goes back.
pub trait SimulatedChip {
    /// Takes the bytes between the address and the next start or stop condition. Most chips take the first as
    /// the number of a register.
    fn write(&mut self, bytes: &[u8], now: Duration);

    /// Gives as many bytes as the bus clocks out, from the register that was chosen last.
    fn read(&mut self, bytes: &mut [u8], now: Duration);
}

/// A value that moves as one in a room does: around `middle`, by at most `swing`, back where it was after a
/// few `period`s. The same moment gives the same value.
#[must_use]
pub fn drift(now: Duration, middle: f64, swing: f64, period: Duration) -> f64 {
    let turns = now.as_secs_f64() / period.as_secs_f64();
    middle + swing * (0.8 * (TAU * turns).sin() + 0.2 * (TAU * turns * 7.3).sin())
}

/// The same for the raw result of a converter, in counts.
#[must_use]
pub fn drift_counts(now: Duration, middle: u32, swing: u32, period: Duration) -> u32 {
    let value = drift(now, f64::from(middle), f64::from(swing), period);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what little does not fit saturates"
    )]
    let counts = value as u32;
    counts
}

/// The registers of a chip model that has them as single bytes, and moves on by one with each byte it reads.
pub struct RegisterMap {
    bytes: [u8; 256],
    pointer: u8,
}

impl RegisterMap {
    /// All zero but for these runs of bytes, each with the address of its first.
    #[must_use]
    pub fn new(runs: &[(u8, &[u8])]) -> Self {
        let mut map = Self {
            bytes: [0; 256],
            pointer: 0,
        };
        for (address, run) in runs {
            map.set(*address, run);
        }
        map
    }

    /// Sets a run of registers from `address` on, around the end if need be.
    pub fn set(&mut self, address: u8, run: &[u8]) {
        for (byte, offset) in run.iter().zip(0_u8..) {
            self.bytes[usize::from(address.wrapping_add(offset))] = *byte;
        }
    }

    /// What a register holds.
    #[must_use]
    pub fn get(&self, address: u8) -> u8 {
        self.bytes[usize::from(address)]
    }

    /// Chooses the register that the next read begins with.
    pub fn point_to(&mut self, address: u8) {
        self.pointer = address;
    }

    /// Reads from the chosen register on.
    pub fn read(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.get(self.pointer);
            self.pointer = self.pointer.wrapping_add(1);
        }
    }
}

/// A bus with chip models on it.
pub struct SimulatedBus {
    chips: BTreeMap<u8, Box<dyn SimulatedChip>>,
    clock: Box<dyn Fn() -> Duration>,
}

impl SimulatedBus {
    /// An empty bus. `clock` says how long it has been powered; a test gives one that it can set.
    #[must_use]
    pub fn new(clock: impl Fn() -> Duration + 'static) -> Self {
        Self {
            chips: BTreeMap::new(),
            clock: Box::new(clock),
        }
    }

    /// An empty bus whose clock goes on by `step` with every transaction: for tests.
    #[must_use]
    pub fn ticking(step: Duration) -> Self {
        let now = Cell::new(Duration::ZERO);
        Self::new(move || {
            now.set(now.get() + step);
            now.get()
        })
    }

    /// Attaches a chip, described as `name@address`: the name of a driver, and an address (7 bit) that the
    /// chip can have, decimal or hexadecimal after `0x`.
    ///
    /// # Errors
    /// [`BoardError::Chip`] says what is wrong with the description and what would be right.
    pub fn attach(&mut self, chip: &str) -> Result<(), BoardError> {
        let refuse = |reason: String| BoardError::Chip {
            chip: chip.to_owned(),
            reason,
        };
        let (name, address) = chip
            .split_once('@')
            .ok_or_else(|| refuse("is written name@address, such as tmp117@0x48".into()))?;
        let def = find(name).ok_or_else(|| {
            let known: Vec<_> = DRIVERS.iter().map(|def| def.name).collect();
            refuse(format!("there is no {name:?}; there are {}", known.join(", ")))
        })?;
        let address = parse_address(address)
            .ok_or_else(|| refuse(format!("{address:?} is no address; write 0x48 or 72")))?;
        let model = def
            .simulated(address)
            .map_err(|error| refuse(error.to_string()))?;
        let place = u8::try_from(address).map_err(|error| refuse(error.to_string()))?;
        if self.chips.contains_key(&place) {
            return Err(refuse(format!("{address:#04x} is taken by another chip")));
        }
        self.chips.insert(place, model);
        Ok(())
    }

    /// The bus as drivers take it.
    #[must_use]
    pub fn shared(self) -> SharedI2c {
        SharedI2c::new(self)
    }
}

fn parse_address(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn open(spec: &BusSpec) -> Result<SharedI2c, BoardError> {
    let powered = Instant::now();
    let mut bus = SimulatedBus::new(move || powered.elapsed());
    for chip in &spec.chips {
        bus.attach(chip)?;
    }
    Ok(bus.shared())
}

impl ErrorType for SimulatedBus {
    type Error = BusError;
}

impl I2c for SimulatedBus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        let now = (self.clock)();
        let chip = self.chips.get_mut(&address).ok_or(BusError::NoChip { address })?;
        // Writes that follow each other have no start condition between them (embedded-hal,
        // `I2c::transaction`), so the chip sees one.
        let mut pending: Option<Vec<u8>> = None;
        for operation in operations {
            match operation {
                Operation::Write(bytes) => pending.get_or_insert_default().extend_from_slice(bytes),
                Operation::Read(bytes) => {
                    if let Some(written) = pending.take() {
                        chip.write(&written, now);
                    }
                    chip.read(bytes, now);
                }
            }
        }
        if let Some(written) = pending {
            chip.write(&written, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_for(chips: &[&str]) -> String {
        let spec = BusSpec {
            chips: chips.iter().map(ToString::to_string).collect(),
            ..BusSpec::default()
        };
        open(&spec).err().unwrap().to_string()
    }

    #[test]
    fn a_chip_that_is_written_wrongly_is_refused_with_what_would_be_right() {
        assert!(error_for(&["tmp117"]).contains("name@address"));
        assert!(
            error_for(&["tmp118@0x48"]).contains("there are ")
                && error_for(&["tmp118@0x48"]).contains("tmp117")
        );
        assert!(error_for(&["tmp117@x48"]).contains("write 0x48 or 72"));
        assert!(error_for(&["tmp117@0x20"]).contains("0x48"));
        assert!(error_for(&["tmp117@0x48", "tmp117@72"]).contains("taken"));
    }

    #[test]
    fn nothing_answers_where_there_is_no_chip() {
        let mut bus = SimulatedBus::new(|| Duration::ZERO);
        assert_eq!(bus.write(0x48, &[0]), Err(BusError::NoChip { address: 0x48 }));
    }

    #[test]
    fn a_value_drifts_slowly_and_stays_within_its_swing() {
        let hour = Duration::from_secs(3600);
        let mut before = drift(Duration::ZERO, 20.0, 2.0, hour);
        for second in 1..10_000 {
            let value = drift(Duration::from_secs(second), 20.0, 2.0, hour);
            assert!(
                (value - 20.0).abs() <= 2.0 && (value - before).abs() < 0.01,
                "{second} s: {value}"
            );
            before = value;
        }
    }
}
