//! `device`: the devices of a repository.

use keepmum::ops::{self, DeviceChangeReport, DeviceStatus};
use serde::Serialize;

use super::Session;
use super::status::Page;
use super::verdict::{Measure, is_overdue};
use crate::args::{DeviceArgs, DeviceVerb};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::nearest::nearest;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::question::yes;
use crate::terminal::{json, text};

/// Runs the verb that was typed.
pub(crate) fn run(args: &DeviceArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    match &args.verb {
        DeviceVerb::List => list(session),
        DeviceVerb::Rename { new } => rename(new, session),
        DeviceVerb::Retire { device, yes } => retire(device, *yes, session),
    }
}

fn rename(new: &str, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let access = session.settings()?.open(session.environment, terminal, Asking::Once)?;
    let offset = moment::offset_minutes(&session.environment.now);
    let report = watched(terminal, Shape::Document, |watch| {
        ops::device_rename(&access, new, offset, watch)
    })?;
    let (new, former) = (text::line(&report.name), text::line(&report.former_name));
    let sentence = match report.objects_stored {
        0 => format!("This computer is called {new} already."),
        _ => format!("This computer is called {new} now; it was {former}."),
    };
    said(&report, &sentence, session)
}

fn retire(typed: &str, is_agreed: bool, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    if !is_agreed && !terminal.can_ask() {
        return Err(Failure::usage(
            "there is no terminal to ask on; to retire the device, add --yes",
        ));
    }
    let access = session.settings()?.open(session.environment, terminal, Asking::Once)?;
    let devices = watched(terminal, Shape::Document, |watch| ops::status(&access, watch))?.devices;
    let device = meant(&devices, typed)?;
    if !is_agreed {
        let name = named(device);
        let snapshots = text::count(device.snapshots, "snapshot", "snapshots");
        let last = moment::age(device.last_time, &session.environment.now);
        terminal.aside(&format!(
            "{name} was last heard of {last}. It keeps {snapshots}, which can be restored. Nothing \
             waits for it any more when space is given back. If it backs up all the same, it goes \
             on as a new device."
        ));
        if !yes(&format!("Retire {name}?"), false)? {
            terminal.notice("Nothing was changed.");
            return Ok(ExitCode::Done);
        }
    }
    let offset = moment::offset_minutes(&session.environment.now);
    let report = watched(terminal, Shape::Document, |watch| {
        ops::device_retire(&access, &device.id, offset, watch)
    })?;
    let snapshots = text::count(report.snapshots, "snapshot", "snapshots");
    let sentence = format!("Retired {}. It keeps {snapshots}.", named(device));
    said(&report, &sentence, session)
}

/// The one device that is meant; a name that is not there is answered with the nearest.
fn meant<'d>(devices: &'d [DeviceStatus], typed: &str) -> Result<&'d DeviceStatus, Failure> {
    let beginning = typed.to_ascii_lowercase();
    let mut found: Vec<_> = devices.iter().filter(|one| one.name == typed).collect();
    if found.is_empty() && !typed.is_empty() {
        found = devices.iter().filter(|one| one.id.starts_with(&beginning)).collect();
    }
    match found[..] {
        [device] => Ok(device),
        [] => {
            let near = nearest(typed, devices.iter().map(|one| one.name.as_str()));
            let hint = match near {
                Some(name) => format!("did you mean {}?", text::line(name)),
                None => "`keepmum device list` lists the devices".to_owned(),
            };
            let message = format!("there is no device {}", text::line(typed));
            Err(Failure::usage(message).next(hint))
        }
        _ => {
            let ids: Vec<_> = found.iter().map(|one| text::id(&one.id)).collect();
            let message = format!("{} devices are called {}", ids.len(), text::line(typed));
            Err(Failure::usage(message).next(format!("give an id: {}", ids.join(", "))))
        }
    }
}

fn named(device: &DeviceStatus) -> String {
    format!("{} ({})", text::line(&device.name), text::id(&device.id))
}

fn said(
    report: &DeviceChangeReport,
    sentence: &str,
    session: &Session<'_>,
) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    if terminal.json {
        json::document(terminal, report)?;
    } else if !terminal.has_nothing_to_say(ExitCode::Done) {
        terminal.write(terminal.out.wrap(sentence).as_bytes())?;
    }
    Ok(ExitCode::Done)
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
