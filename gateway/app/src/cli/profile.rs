//! `roost profile`: the profiles of this gateway, and whether a file would be one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::replay::id_of;
use super::{complain, print, table};
use crate::config::Config;
use crate::devices::profiles::{Builders, check, overview};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the profiles that MQTT devices can speak, and where each comes from
    List,
    /// Check a profile's file and say what is wrong, with the lines
    Check {
        /// The file
        file: PathBuf,
    },
}

pub(super) fn run(config: &Config, command: &Command, builders: &Builders) -> anyhow::Result<ExitCode> {
    match command {
        Command::List => list(config, builders),
        Command::Check { file } => check_file(file, builders),
    }
}

fn list(config: &Config, builders: &Builders) -> anyhow::Result<ExitCode> {
    let dir = config.profiles_dir();
    let rows =
        overview(&dir, builders).with_context(|| format!("can't read the profiles in {}", dir.display()))?;
    print(&table(&["ID", "FROM", "STATE", "LABEL"], &rows));
    Ok(ExitCode::SUCCESS)
}

fn check_file(file: &Path, builders: &Builders) -> anyhow::Result<ExitCode> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read {name}"))?;
    let id = id_of(&text).unwrap_or_default();
    match check(&id, &text, builders) {
        Ok(_) => {
            print(&format!("{name} is a good profile, {id}\n"));
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            for fault in faults {
                let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
                complain(&format!("{name}{line}: {} {}", fault.field, fault.message));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}
