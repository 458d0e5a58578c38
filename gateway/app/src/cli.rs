//! The command line: what can be asked of the program, and with which exit codes it answers.

mod api;
mod client;
mod device;
mod onboarding;
mod profile;
mod replay;
mod sim;
mod status;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use roost_drivers::CodecDef;

use crate::config::{self, Config, ConfigError, DEFAULTS};
use crate::devices::profiles::Builders;

/// Where the configuration is looked for unless `--config` says otherwise. It may be missing there.
const DEFAULT_CONFIG: &str = "/etc/roost/roost.toml";
/// Exit code for a configuration that can't be used (sysexits(3): EX_CONFIG). systemd does not restart after it.
const EX_CONFIG: u8 = 78;

/// On-site IoT gateway: a supervised task for every device, and a page that shows them.
#[derive(Debug, Parser)]
#[command(name = "roost", version, about)]
struct Arguments {
    /// Configuration file [default: /etc/roost/roost.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway until it is stopped by a signal
    Run,
    /// Check the configuration and say what is wrong with it
    CheckConfig {
        /// Print every setting with its default and its meaning instead
        #[arg(long)]
        defaults: bool,
    },
    /// Show how the running gateway is
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Add, list and remove devices
    #[command(subcommand)]
    Device(device::Command),
    /// Add, list and remove clients that are no devices: dashboards, bridges, programs
    #[command(subcommand)]
    Client(client::Command),
    /// The secret that lets new devices in, and those that wait to be accepted
    #[command(subcommand)]
    Onboarding(onboarding::Command),
    /// List and check profiles: how families of MQTT devices speak
    #[command(subcommand)]
    Profile(profile::Command),
    /// Feed what a device said through its codec again; 0: as recorded, 1: something differs, 2: can't be replayed
    Replay(replay::Arguments),
    /// Let simulated devices talk real MQTT to a gateway
    Sim(sim::Arguments),
}

/// The program: reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    main_with(&[])
}

/// The same with codecs of one's own, which are tried before the built-in ones.
#[must_use]
pub fn main_with(codecs: &[CodecDef]) -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::CheckConfig { defaults: true } = arguments.command {
        print(DEFAULTS);
        return ExitCode::SUCCESS;
    }
    let config = match load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            complain(&error);
            return ExitCode::from(EX_CONFIG);
        }
    };
    let result = match arguments.command {
        Command::Run => crate::run(config, codecs),
        Command::CheckConfig { .. } => {
            let mebibytes = config.mqtt.most_bytes() >> 20;
            print(&format!(
                "the configuration is good; MQTT clients can make the gateway hold at most {mebibytes} MiB\n"
            ));
            Ok(ExitCode::SUCCESS)
        }
        Command::Status { json } => status::run(&config, json),
        Command::Device(command) => device::run(&config, command),
        Command::Client(command) => client::run(&config, command),
        Command::Onboarding(command) => onboarding::run(&config, &command),
        Command::Profile(command) => profile::run(&config, &command, &Builders::new(codecs)),
        Command::Replay(arguments) => Ok(replay::run(&config, &arguments, &Builders::new(codecs))),
        Command::Sim(arguments) => sim::run(&config, &arguments),
    };
    result.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
    match path {
        Some(path) => config::load(path, true),
        None => config::load(Path::new(DEFAULT_CONFIG), false),
    }
}

#[expect(clippy::print_stderr, reason = "this is where a program says what went wrong")]
fn complain(error: &impl std::fmt::Display) {
    eprintln!("roost: {error}");
}

/// Prints to standard output. Whoever reads it may have had enough (`| head`); that is no error.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// One line of a table, columns padded to their widths; the last is not.
fn row(cells: &[&str], widths: &[usize]) -> String {
    let mut line = String::new();
    for (index, cell) in cells.iter().enumerate() {
        let width = if index + 1 < cells.len() {
            widths.get(index).copied().unwrap_or(0)
        } else {
            0
        };
        line.push_str(&format!("{cell:width$}  "));
    }
    format!("{}\n", line.trim_end())
}

/// A table with a heading.
fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells.chain([heading[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let mut text = row(heading, &widths);
    for cells in rows {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        text.push_str(&row(&cells, &widths));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn tables_line_up() {
        let rows = vec![
            vec!["boiler".to_owned(), "mqtt".to_owned()],
            vec!["a".to_owned(), "wired".to_owned()],
        ];
        assert_eq!(
            table(&["ID", "KIND"], &rows),
            "ID      KIND\nboiler  mqtt\na       wired\n"
        );
    }
}
