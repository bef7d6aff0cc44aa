//! `init`: makes the repository, and a config where there is none.

use keepmum::ops;

use super::{Session, init_questions};
use crate::args::InitArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, config_path};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, recovery, text};

/// Makes a repository where the config says, asking for a config first when there is none.
pub(crate) fn run(args: &InitArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    if session.shared.from.is_some() {
        return Err(Failure::usage("init makes a repository for a config; --from is for reading"));
    }
    let path = config_path(session.shared, session.environment)?;
    let is_new = !path.exists();
    if is_new {
        init_questions::write_config(&path, session)?;
    }
    let checked = session.settings().and_then(|settings| {
        recovery::take_file(terminal, &args.code, &settings.destination)?;
        Ok(settings)
    });
    if is_new && checked.is_err() {
        // A refusal leaves nothing behind.
        std::fs::remove_file(&path).ok();
    }
    let settings = checked?;
    let destination = settings.destination.clone();
    let access = settings.open(session.environment, terminal, Asking::Twice)?;
    // The new repository and its recovery code are reported as soon as they are durable.
    let report = watched(terminal, Shape::Document, |watch| ops::init(&access, watch))?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else if !terminal.quiet {
        let destination = text::line(&destination.display().to_string());
        terminal.line(&format!("`keepmum backup` now saves into {destination}"))?;
    }
    Ok(ExitCode::Done)
}
