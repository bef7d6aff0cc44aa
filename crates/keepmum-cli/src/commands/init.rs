//! `init`: makes the repository, and a config where there is none; or joins a repository.

mod access;
mod folders;
mod survey;
mod talk;
mod wizard;

use keepmum::ops;

use super::Session;
use crate::args::InitArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, Settings, config_path};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, recovery, text};

/// Makes a repository where the config says, asking for a config first when there is none.
pub(crate) fn run(args: &InitArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    if session.shared.from.is_some() {
        return Err(Failure::usage("init makes a repository for a config; --from is for reading"));
    }
    let path = config_path(session.shared, session.environment)?;
    let written = match path.exists() {
        true => None,
        false => Some(wizard::run(&path, session)?),
    };
    let checked = session.settings().and_then(|settings| {
        recovery::take_file(terminal, &args.code, &settings.destination)?;
        Ok(settings)
    });
    let shown = text::line(&path.display().to_string());
    let made = checked.and_then(|settings| match &written {
        Some(written) if written.is_joined => Ok(None),
        _ => make(settings, session).map(Some),
    });
    let report = match (made, &written) {
        (Err(failure), Some(written)) => {
            if !written.undo() {
                terminal.aside(&format!(
                    "The repository was made before that. Its password is in {shown}; go on with \
                     `keepmum backup`."
                ));
            }
            return Err(failure);
        }
        (made, _) => made?,
    };
    match &report {
        Some(report) if terminal.json => json::document(terminal, report)?,
        _ if terminal.quiet => {}
        _ => {
            if written.is_some() {
                terminal.say(&format!("The settings are in {shown}"))?;
            }
            terminal.say("Nothing is backed up yet. Start with: `keepmum backup`")?;
        }
    }
    Ok(ExitCode::Done)
}

fn make(settings: Settings, session: &Session<'_>) -> Result<ops::InitReport, Failure> {
    let terminal = session.terminal;
    if let Some(at) = &settings.config.join_at {
        return Err(Failure::config(format!(
            "`join = yes` ({at}) forbids making a repository; to make one, take that line out"
        )));
    }
    let access = settings.open(session.environment, terminal, Asking::Twice)?;
    // The new repository and its recovery code are reported as soon as they are durable.
    watched(terminal, Shape::Document, |watch| ops::init(&access, watch))
}
