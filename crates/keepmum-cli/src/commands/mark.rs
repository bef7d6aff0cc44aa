//! `pin` and `tag`: what stays whatever the rules say, and names for snapshots.

use keepmum::ops::{self, MarkOptions, MarkReport, Which};

use super::Session;
use super::choice;
use super::log::{Ended, UnderWay};
use crate::args::{PinArgs, TagArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, problems, text};

/// Pins snapshots, or takes pins away.
pub(crate) fn pin(args: &PinArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let words = (&args.snapshots[..], args.which.at.as_deref());
    let options = MarkOptions {
        snapshots: choice::snapshots(words, session.environment)?,
        device: args.which.device.clone(),
        source: args.which.source.clone(),
        remove: args.remove,
        ..options(session)
    };
    let done = if args.remove { ["Unpinned", "not pinned"] } else { ["Pinned", "pinned already"] };
    mark("pin", &options, session, done.map(str::to_owned), |access, watch| {
        ops::pin(access, &options, watch)
    })
}

/// Gives a snapshot a name, or takes it away.
pub(crate) fn tag(args: &TagArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let snapshot: Which = choice::snapshot(&args.snapshot)?;
    let options = MarkOptions {
        snapshots: vec![snapshot],
        device: args.device.clone(),
        source: args.source.clone(),
        remove: args.remove,
        ..options(session)
    };
    let name = text::line(&args.name);
    let done = match args.remove {
        true => [format!("Removed the tag {name} from"), format!("without the tag {name}")],
        false => [format!("Tagged as {name}:"), format!("tagged as {name} already")],
    };
    mark("tag", &options, session, done, |access, watch| {
        ops::tag(access, &options, &args.name, watch)
    })
}

fn options(session: &Session<'_>) -> MarkOptions {
    let utc_offset_minutes = moment::offset_minutes(&session.environment.now);
    MarkOptions { utc_offset_minutes, ..MarkOptions::default() }
}

/// Runs it, notes how it went and says so: as the first of these words, or as the second where
/// nothing was different before.
fn mark(
    command: &str,
    options: &MarkOptions,
    session: &Session<'_>,
    [done, already]: [String; 2],
    work: impl Fn(&ops::Access, &dyn ops::Observer) -> Result<MarkReport, ops::Error>,
) -> Result<ExitCode, Failure> {
    debug_assert!(!options.snapshots.is_empty());
    let terminal = session.terminal;
    let settings = session.settings()?;
    if settings.source.is_none() {
        return Err(Failure::usage(format!(
            "{command} needs a config: only a computer that backs up here may mark snapshots"
        )));
    }
    let under_way = settings.history().map(|file| UnderWay::begin(file, command, session));
    let marked = settings
        .open(session.environment, terminal, Asking::Once)
        .and_then(|access| watched(terminal, Shape::Document, |watch| work(&access, watch)))
        .map_err(|failure| failure.within(terminal.places()));
    if let Some(under_way) = under_way {
        under_way.end(marked.as_ref().map(|report| Ended {
            code: report.outcome().into(),
            bytes_stored: report.bytes_stored,
            problems: &report.problems,
        }));
    }
    let report = marked?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else if !terminal.has_nothing_to_say(report.outcome().into()) {
        problems::show(terminal, &report.problems);
        let ids: Vec<_> = report.snapshots.iter().map(|line| text::id(&line.id)).collect();
        let ids = ids.join(", ");
        terminal.line(&match report.changed {
            0 => format!(
                "Nothing to do: {ids} {} {already}",
                if report.snapshots.len() == 1 { "is" } else { "are" }
            ),
            _ => format!("{done} {ids}"),
        })?;
    }
    Ok(report.outcome().into())
}
