//! A Linux board: I²C through the kernel's `/dev/i2c-*`.

use std::collections::BTreeMap;
use std::io;

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation, SevenBitAddress};
use linux_embedded_hal::i2cdev::linux::LinuxI2CError;
use linux_embedded_hal::{I2CError, I2cdev};

use crate::{BoardDef, BoardError, BusError, BusSpec, SharedI2c};

/// This board's line in the list of boards.
pub(super) const DEF: BoardDef = BoardDef {
    name: "linux",
    summary: "A bus of the board, through the kernel: path = \"/dev/i2c-1\"",
    open,
};

/// Errno values that say more than "it failed" (Linux `asm-generic/errno-base.h` and `errno.h`; the same on
/// arm, arm64, x86-64 and RISC-V).
mod errno {
    pub(super) const EIO: i32 = 5;
    pub(super) const ENXIO: i32 = 6;
    pub(super) const EAGAIN: i32 = 11;
    pub(super) const EBUSY: i32 = 16;
    pub(super) const ENODEV: i32 = 19;
    pub(super) const EINVAL: i32 = 22;
    pub(super) const ETIMEDOUT: i32 = 110;
    pub(super) const EREMOTEIO: i32 = 121;
}

/// What an errno of a transfer means (Linux kernel documentation, "I2C/SMBus Fault Codes").
fn kind_of(errno: i32) -> ErrorKind {
    match errno {
        errno::ENXIO => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
        // Not in the kernel's table, but what the adapter of a Raspberry Pi and others say for a missing
        // acknowledge, without telling of which byte.
        errno::EREMOTEIO => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown),
        errno::ENODEV => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data),
        errno::EAGAIN => ErrorKind::ArbitrationLoss,
        // A transfer that takes too long is a line held low: a fault of the bus, as the chip can't be told
        // apart.
        errno::EIO | errno::EBUSY | errno::EINVAL | errno::ETIMEDOUT => ErrorKind::Bus,
        _ => ErrorKind::Other,
    }
}

fn open(spec: &BusSpec) -> Result<SharedI2c, BoardError> {
    let bus = LinuxBus {
        path: spec.path.clone(),
        devices: BTreeMap::new(),
    };
    // Opened and closed: a bus that isn't there should be known now, not at the first read of a device.
    match I2cdev::new(&spec.path) {
        Ok(_) => Ok(SharedI2c::new(bus)),
        Err(error) => {
            let error = io::Error::from(error);
            Err(BoardError::Open {
                path: spec.path.clone(),
                remedy: remedy(&error),
                cause: error.to_string(),
            })
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "enable I²C (on a Raspberry Pi: dtparam=i2c_arm=on in config.txt) and load the module i2c-dev; \
             `ls /dev/i2c-*` shows the buses there are"
        }
        io::ErrorKind::PermissionDenied => "the gateway's user must be in the group i2c",
        _ => "the path must be an I²C device file such as /dev/i2c-1",
    }
}

/// A bus of the kernel. One open file per address: a file is bound to one address, and `I2cdev` opens the
/// device anew whenever the address changes.
struct LinuxBus {
    path: String,
    devices: BTreeMap<u8, I2cdev>,
}

impl LinuxBus {
    fn device(&mut self, address: u8) -> Result<&mut I2cdev, I2CError> {
        use std::collections::btree_map::Entry;
        match self.devices.entry(address) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(free) => Ok(free.insert(I2cdev::new(&self.path)?)),
        }
    }
}

impl ErrorType for LinuxBus {
    type Error = BusError;
}

impl I2c for LinuxBus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        self.device(address)
            .and_then(|device| I2c::<SevenBitAddress>::transaction(device, address, operations))
            .map_err(|error| BusError::Kernel {
                kind: kind_of(errno_of(error.inner())),
                message: error.to_string(),
            })
    }
}

/// The errno in an error, 0 if it has none.
fn errno_of(error: &LinuxI2CError) -> i32 {
    match error {
        LinuxI2CError::Errno(errno) => *errno,
        LinuxI2CError::Io(error) => error.raw_os_error().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_for(path: &str) -> String {
        let spec = BusSpec {
            path: path.into(),
            chips: Vec::new(),
        };
        open(&spec).err().unwrap().to_string()
    }

    #[test]
    fn a_bus_that_is_not_there_is_named_with_what_to_do() {
        let error = error_for("/dev/i2c-does-not-exist");
        assert!(
            error.contains("/dev/i2c-does-not-exist") && error.contains("enable I²C"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_no_bus_is_refused_when_it_is_opened() {
        let error = error_for("/dev/null");
        assert!(error.contains("must be an I²C device file"), "{error}");
    }

    #[test]
    fn a_chip_that_does_not_answer_on_a_raspberry_pi_is_absent_and_not_an_unknown_fault() {
        assert_eq!(
            kind_of(errno::EREMOTEIO),
            ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown)
        );
        assert_eq!(kind_of(errno::ETIMEDOUT), ErrorKind::Bus);
        assert_eq!(kind_of(0), ErrorKind::Other);
    }
}
