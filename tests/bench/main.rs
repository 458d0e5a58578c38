//! Measurements: the gateway beside mosquitto in the same run, written to `docs/benchmarks.md` with machine and date.
//!
//! Nothing here passes or fails by a figure; what fails is a device that did not come, a message that was lost.

mod devices;
mod document;
mod machine;
mod mqtt;
mod peer;

use anyhow::{Context, bail};

/// `bench devices [DEVICES] [SECONDS]`, `bench mqtt [SECONDS] [SCENE]`.
fn main() -> anyhow::Result<()> {
    machine::raise_file_limit()?;
    let mut arguments = std::env::args().skip(1);
    let which = arguments.next().unwrap_or_else(|| "devices".into());
    let mut number = |what: &'static str, otherwise: u64| {
        let argument = arguments.next().map(|text| text.parse::<u64>());
        argument
            .transpose()
            .context(what)
            .map(|number| number.unwrap_or(otherwise))
    };
    match which.as_str() {
        "devices" => devices::run(
            number("the number of devices", 10_000)?,
            number("the seconds of load", 60)?,
        ),
        "mqtt" => {
            let seconds = number("the seconds of each scene", 8)?;
            mqtt::run(seconds, arguments.next().as_deref())
        }
        other => {
            bail!("there is no benchmark {other:?}: devices [DEVICES] [SECONDS], mqtt [SECONDS] [SCENE]")
        }
    }
}
