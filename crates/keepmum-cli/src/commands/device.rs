//! `device`: the devices of a repository.

use keepmum::ops::{self, DeviceStatus};
use serde::Serialize;

use super::Session;
use super::status::Page;
use super::verdict::{Measure, is_overdue};
use crate::args::{DeviceArgs, DeviceVerb};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::Asking;
use crate::terminal::json;
use crate::terminal::progress::{Shape, watched};

/// Runs the verb that was typed.
pub(crate) fn run(args: &DeviceArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    match args.verb {
        DeviceVerb::List => list(session),
    }
}

/// The document of `device list`.
#[derive(Serialize)]
struct Devices<'a> {
    /// How often a backup is expected, as the config says.
    expected_every_seconds: Option<i64>,
    /// Ids of the devices whose last backup is older than that.
    overdue_devices: Vec<&'a str>,
    devices: &'a [DeviceStatus],
}

fn list(session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?.for_reading();
    let by = Measure::of(&settings);
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    let report = watched(terminal, Shape::Document, |watch| ops::status(&access, watch))?;
    let now = &session.environment.now;
    if terminal.json {
        let overdue = report.devices.iter().filter(|one| is_overdue(one, &report, by, now));
        let document = Devices {
            expected_every_seconds: by.every,
            overdue_devices: overdue.map(|one| one.id.as_str()).collect(),
            devices: &report.devices,
        };
        json::document(terminal, &document)?;
    } else {
        let page = Page { report: &report, by, now, look: terminal.out, has_ids: true };
        let table = match report.devices.is_empty() {
            true => terminal.out.wrap("No device has saved anything here yet."),
            false => page.devices(),
        };
        terminal.write(table.strip_prefix('\n').unwrap_or(&table).as_bytes())?;
    }
    Ok(ExitCode::Done)
}
