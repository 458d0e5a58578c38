//! A board and its buses: how a bus is asked for, and the handle that all drivers on it share.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation, SevenBitAddress};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which bus to open. What a board has no use for stays at its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusSpec {
    /// The kernel's device file, for boards that have one.
    pub path: String,
    /// The chips on a simulated bus, each `name@address`, such as `tmp117@0x48`.
    pub chips: Vec<String>,
}

impl Default for BusSpec {
    fn default() -> Self {
        Self {
            // The bus on the 40-pin header of a Raspberry Pi, and of most boards that copy its header.
            path: "/dev/i2c-1".into(),
            chips: Vec::new(),
        }
    }
}

/// A kind of board in the list of boards.
pub struct BoardDef {
    /// Name in the configuration.
    pub name: &'static str,
    /// What it is, for people who choose.
    pub summary: &'static str,
    /// Opens one of its I²C buses. To be called on the thread that will own the bus.
    pub open: fn(&BusSpec) -> Result<SharedI2c, BoardError>,
}

/// Why a bus could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BoardError {
    /// The kernel does not give it.
    #[error("can't open {path}: {cause}; {remedy}")]
    Open {
        /// The device file.
        path: String,
        /// What the kernel says.
        cause: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A chip of a simulated bus is not described as it should be.
    #[error("chip {chip:?}: {reason}")]
    Chip {
        /// The description.
        chip: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
}

/// Why a transaction on a bus failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BusError {
    /// The kernel or the adapter failed it.
    #[error("{message}")]
    Kernel {
        /// The kind of fault, as drivers tell them apart.
        kind: ErrorKind,
        /// What the kernel says.
        message: String,
    },
    /// No chip answers at the address.
    #[error("nothing answers at {address:#04x}")]
    NoChip {
        /// The address (7 bit).
        address: u8,
    },
}

impl Error for BusError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Kernel { kind, .. } => *kind,
            Self::NoChip { .. } => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
        }
    }
}

/// A handle to one I²C bus. Every driver on the bus owns a clone; all of them live on the bus's thread, where
/// one transaction ends before the next begins.
#[derive(Clone)]
pub struct SharedI2c(Rc<RefCell<dyn I2c<SevenBitAddress, Error = BusError>>>);

impl SharedI2c {
    /// Shares a bus.
    #[must_use]
    pub fn new(bus: impl I2c<SevenBitAddress, Error = BusError> + 'static) -> Self {
        Self(Rc::new(RefCell::new(bus)))
    }
}

impl ErrorType for SharedI2c {
    type Error = BusError;
}

impl I2c for SharedI2c {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        // A bus never calls a driver, so the borrow is always free.
        self.0.borrow_mut().transaction(address, operations)
    }
}
