//! Samples: what one read of a chip or one message of a device brought.

use std::ops::RangeInclusive;
use std::time::Duration;

use roost_model::{Access, NoData, PointSpec, Timestamp, Unit, Value};

/// One value of one point, or the reason why there is none, before the gateway has numbered and dated it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name of the point within its device.
    pub point: String,
    /// The value, or why there is none.
    pub value: Result<Value, NoData>,
    /// What the value is counted in.
    pub unit: Unit,
    /// When the device says it took the value; `None` if it says nothing, and then the time of receipt
    /// counts.
    pub at: Option<Timestamp>,
    /// How often a value is expected; `None` lets the gateway learn it.
    pub cadence: Option<Duration>,
    /// Whether the point takes commands.
    pub access: Access,
}

impl Sample {
    /// A sample of which the device says neither when it was taken nor when the next one comes.
    #[must_use]
    pub fn new(point: impl Into<String>, value: Result<Value, NoData>, unit: Unit, access: Access) -> Self {
        Self {
            point: point.into(),
            value,
            unit,
            at: None,
            cadence: None,
            access,
        }
    }
}

/// The samples of one read or one message, in the order in which they were found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples(Vec<Sample>);

impl Samples {
    /// Takes any sample.
    pub fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// Takes the value, or its absence, of a point that a driver has described.
    pub fn take(&mut self, spec: &PointSpec, value: Result<Value, NoData>) {
        self.push(Sample {
            point: spec.name.clone(),
            value,
            unit: spec.unit.clone(),
            at: None,
            cadence: spec.cadence,
            access: spec.access,
        });
    }

    /// Takes a measurement, in the unit of `spec`. What lies outside `range`, the range that the chip can
    /// measure by its datasheet, or is no number at all, becomes [`NoData::Implausible`].
    pub fn measured(&mut self, spec: &PointSpec, value: f64, range: RangeInclusive<f64>) {
        // A NaN is in no range, so this catches it too.
        let value = if range.contains(&value) {
            Ok(Value::Float(value))
        } else {
            Err(NoData::Implausible)
        };
        self.take(spec, value);
    }

    /// The sample of a point, if there is one.
    #[must_use]
    pub fn get(&self, point: &str) -> Option<&Sample> {
        self.0.iter().find(|sample| sample.point == point)
    }

    /// The number that a point has, if it has one.
    #[must_use]
    pub fn number(&self, point: &str) -> Option<f64> {
        self.get(point)?.value.as_ref().ok()?.as_f64()
    }

    /// The samples in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Sample> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Samples {
    type Item = Sample;
    type IntoIter = std::vec::IntoIter<Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Samples {
    type Item = &'a Sample;
    type IntoIter = std::slice::Iter<'a, Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_chip_cannot_have_measured_is_implausible() {
        let spec = PointSpec {
            name: "temperature".into(),
            unit: Unit::new("°C"),
            access: Access::Read,
            cadence: None,
        };
        for (value, expected) in [
            (150.0, Ok(Value::Float(150.0))),
            (150.1, Err(NoData::Implausible)),
            (f64::NAN, Err(NoData::Implausible)),
            (f64::INFINITY, Err(NoData::Implausible)),
        ] {
            let mut samples = Samples::default();
            samples.measured(&spec, value, -55.0..=150.0);
            assert_eq!(samples.get("temperature").unwrap().value, expected, "{value}");
        }
    }
}
