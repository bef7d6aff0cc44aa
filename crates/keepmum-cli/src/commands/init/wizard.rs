//! What `init` asks where there is no config: everything first, then one summary and one yes. Until
//! then nothing is written anywhere.

use std::fs::{self, DirBuilder, File};
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use keepmum::Seam;
use keepmum::ops::{self, Presence};

use super::access::{self, Opening};
use super::folders::{self, Folders};
use super::talk::Talk;
use crate::commands::Session;
use crate::config::Draft;
use crate::failure::{Failure, Kind};
use crate::new_file::NewFile;
use crate::settings::{
    FIRST, ask as ask_password, ask_new, catalogue_file, refuse_typed, source_name, state_folder,
};
use crate::terminal::look::Look;

/// What was written, so that it can be taken back where the rest fails.
pub(super) struct Written {
    config: PathBuf,
    destination: PathBuf,
    /// Folders that were made, the deepest first.
    made: Vec<PathBuf>,
    /// A repository was there already.
    pub(super) is_joined: bool,
}

impl Written {
    /// Takes it back after a failure; answers whether it could. A folder that holds something
    /// stays. Where a repository may have been made, the config stays: it holds the password.
    pub(super) fn undo(&self) -> bool {
        let presence = Seam::real(&self.destination).map(|seam| ops::presence(&seam));
        if !matches!(presence, Ok(Ok(Presence::None))) && !self.is_joined {
            return false;
        }
        fs::remove_file(&self.config).ok();
        self.made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
        true
    }
}

/// Asks, and writes the config.
pub(super) fn run(path: &Path, session: &Session<'_>) -> Result<Written, Failure> {
    let (stdin, stderr) = (io::stdin(), io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() || session.terminal.json {
        let shown = path.display();
        return Err(Failure::new(
            Kind::NoTerminal,
            format!("there is no config file {shown}, and init asks for one only on a terminal"),
        ));
    }
    let mut talk = Talk {
        // Not locked: a weak password is asked about on the same input.
        line: &mut |line| stdin.read_line(line),
        // Not locked: whoever stops this while a question stands there is told so.
        output: &mut anstream::stderr(),
        secret: &mut ask_password,
        new_secret: &mut || ask_new(FIRST),
        home: session.environment.home.as_deref(),
        look: Look::of_errors(),
    };
    let (draft, is_joined) = questions(&mut talk, path, session)?;
    store(path, &draft, is_joined)
}

fn questions(
    talk: &mut Talk<'_>,
    path: &Path,
    session: &Session<'_>,
) -> Result<(Draft, bool), Failure> {
    let environment = session.environment;
    talk.say(
        "This sets up a backup. Nothing is written until you have seen a summary; Ctrl-C stops.",
    )?;
    talk.say("")?;
    let folders = folders::ask(talk)?;
    talk.say("")?;
    let state = state_folder(environment).ok();
    let private: Vec<&Path> = [Some(path), state.as_deref()].into_iter().flatten().collect();
    let destination = folders::ask_destination(talk, &folders.roots, &private)?;
    if let Some(file) = &session.shared.password_file {
        refuse_typed("password", file, &destination)?;
    }
    let place = state.map(|state| catalogue_file(&state, &source_name(&folders.roots)));
    let installation = access::installation(session, place, &folders.roots);
    let Opening { password, joined } = access::ask(talk, &destination, &installation, session)?;
    let devices = joined.as_deref().unwrap_or_default();
    let device_name = access::ask_name(talk, &environment.host_name, devices, session)?;
    let is_joined = joined.is_some();
    let draft = Draft {
        exclude_caches: !folders.excludes.is_empty(),
        excludes: folders.excludes.clone(),
        roots: folders.roots.clone(),
        destination,
        password: Some(password),
        device_name,
    };
    summary(talk, path, &draft, &folders, is_joined)?;
    match talk.yes("Write this?", true)? {
        true => Ok((draft, is_joined)),
        false => Err(Failure::usage("nothing was written, as you asked")),
    }
}

/// Everything that is going to be, before any of it is.
fn summary(
    talk: &mut Talk<'_>,
    path: &Path,
    draft: &Draft,
    folders: &Folders,
    is_joined: bool,
) -> Result<(), Failure> {
    let roots: Vec<String> = draft.roots.iter().map(|root| talk.shown(root)).collect();
    let (destination, path) = (talk.shown(&draft.destination), talk.shown(path));
    let kind = if is_joined { "added to the backup there" } else { "a new backup" };
    let left_out = if draft.exclude_caches { "caches, node_modules, trash" } else { "nothing" };
    talk.say("")?;
    for (what, value) in [
        ("Back up", roots.join(", ")),
        ("Amount", folders.amount.shown()),
        ("Leave out", left_out.to_owned()),
        ("To", format!("{destination} ({kind})")),
        ("This computer", draft.device_name.clone()),
        ("Settings", format!("{path}, with the password; only your account can read it")),
        ("First backup", folders.amount.estimate()),
    ] {
        talk.row(what, &value)?;
    }
    Ok(())
}

fn store(path: &Path, draft: &Draft, is_joined: bool) -> Result<Written, Failure> {
    let text = draft.text().map_err(|why| Failure::usage(why.0))?;
    let mut written = Written {
        config: path.to_owned(),
        destination: draft.destination.clone(),
        made: Vec::new(),
        is_joined,
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let done = folder
        .map_or(Ok(()), |folder| make(folder, &mut written.made))
        .and_then(|()| make(&draft.destination, &mut written.made))
        .and_then(|()| NewFile::whole(path, &text));
    match done {
        Ok(()) => Ok(written),
        Err(failure) => {
            // The config may be another's that appeared meanwhile.
            written.made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
            Err(failure)
        }
    }
}

/// Makes a folder with those above it, and notes which were not there.
fn make(folder: &Path, made: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let missing = folder.ancestors().take_while(|above| !above.as_os_str().is_empty());
    let missing: Vec<_> = missing.take_while(|above| !above.exists()).map(Path::to_owned).collect();
    let is_made = DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| {
        // The config holds the password, so its way must last as long as the repository.
        let mut above = missing.iter().map(|made| made.parent().unwrap_or(made));
        above.try_for_each(|above| File::open(above)?.sync_all())
    });
    made.splice(0..0, missing);
    is_made.map_err(|error| {
        Failure::new(Kind::Local, format!("cannot make {} ({error})", folder.display()))
    })
}

#[cfg(test)]
mod tests;
