//! The list of chips. A chip is one file in `chips/` and one line here.

use crate::DriverDef;

/// Declares each chip's module and puts its `DEF` on the list, so that one line does both.
macro_rules! chips {
    ($($chip:ident,)+) => {
        $(mod $chip;)+

        /// Every driver that the gateway has, by name.
        pub static DRIVERS: &[DriverDef] = &[$($chip::DEF),+];
    };
}

chips! {
    bme280,
    tmp117,
}

/// The driver of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static DriverDef> {
    DRIVERS.iter().find(|def| def.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::simulated::SimulatedBus;
    use crate::{SharedI2c, poll};
    use roost_model::check_name;
    use std::time::Duration;

    /// A bus with one chip and a clock that goes on by 5 s with every transaction.
    fn bus_with(def: &DriverDef, address: u16) -> SharedI2c {
        let mut bus = SimulatedBus::ticking(Duration::from_secs(5));
        bus.attach(&format!("{}@{address:#04x}", def.name)).unwrap();
        bus.shared()
    }

    #[test]
    fn names_are_valid_and_stand_once_and_in_order() {
        for def in DRIVERS {
            assert_eq!(check_name(def.name), Ok(()), "{}", def.name);
            assert!(!def.addresses.is_empty(), "{}", def.name);
        }
        assert!(DRIVERS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn every_chip_answers_its_driver_at_each_of_its_addresses() {
        for def in DRIVERS {
            for &address in def.addresses {
                let mut driver = def.open(bus_with(def, address), address).unwrap();
                assert_eq!(driver.probe(), Ok(()), "{} at {address:#04x}", def.name);
                let (samples, outcome) = poll(driver.as_mut());
                assert_eq!(outcome, Ok(()), "{} at {address:#04x}", def.name);
                for spec in driver.points() {
                    assert_eq!(check_name(&spec.name), Ok(()), "{}", def.name);
                    let sample = samples.get(&spec.name).unwrap();
                    assert!(sample.value.is_ok(), "{}: {sample:?}", def.name);
                    assert_eq!(sample.unit, spec.unit, "{}", def.name);
                }
                assert_eq!(samples.len(), driver.points().len(), "{}", def.name);
            }
        }
    }

    #[test]
    fn every_driver_says_absent_when_nothing_is_at_its_address() {
        for def in DRIVERS {
            let bus = SimulatedBus::new(|| Duration::ZERO).shared();
            let mut driver = def.open(bus, def.addresses[0]).unwrap();
            let error = driver.probe().unwrap_err();
            assert_eq!(error.no_data(), roost_model::NoData::DeviceAbsent, "{error}");
        }
    }

    #[test]
    fn an_address_that_a_chip_cannot_have_is_refused_with_those_it_can() {
        let def = &DRIVERS[0];
        let bus = SimulatedBus::new(|| Duration::ZERO).shared();
        let error = def.open(bus, 0x1ff).err().unwrap().to_string();
        let first = format!("{:#04x}", def.addresses[0]);
        assert!(error.contains("0x1ff") && error.contains(&first), "{error}");
    }
}
