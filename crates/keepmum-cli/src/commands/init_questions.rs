//! The questions of `init` without a config: source, destination, password.

use std::fs::DirBuilder;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Session;
use crate::config::{Draft, writable, write};
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::settings::{ask_twice, is_inside, refuse_typed, state_folder};
use crate::terminal::text;

/// Asks, makes the destination when that is wanted, and writes the config.
pub(super) fn write_config(path: &Path, session: &Session<'_>) -> Result<(), Failure> {
    let (stdin, stderr) = (io::stdin(), io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        let shown = path.display();
        return Err(Failure::new(
            Kind::NoTerminal,
            format!("there is no config file {shown}, and init asks for one only on a terminal"),
        ));
    }
    let state = state_folder(session.environment).ok();
    let mut talk = Talk {
        private: [Some(path), state.as_deref()].into_iter().flatten().collect(),
        input: &mut stdin.lock(),
        // Not locked: whoever stops this while a question stands there is told so.
        output: &mut anstream::stderr(),
        home: session.environment.home.as_deref(),
    };
    talk.say(&format!("There is no config yet; it will be {}", path.display()))?;
    let (source, destination) = interrupt::asking(|| talk.places())?;
    if let Some(file) = &session.shared.password_file {
        refuse_typed("password", file, &destination)?;
    }
    talk.say("The password will stand in that file, which only you can read.")?;
    let password = ask_twice()?;
    // Nothing is made before everything was answered.
    if !destination.is_dir() {
        make(&destination)?;
    }
    let draft = Draft {
        roots: vec![source],
        excludes: Vec::new(),
        exclude_caches: false,
        destination,
        password: Some(password),
        device_name: session.environment.host_name.clone(),
    };
    store(path, &draft)
}

fn store(path: &Path, draft: &Draft) -> Result<(), Failure> {
    let text = draft.text().map_err(|why| Failure::usage(why.0))?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make(folder)?;
    }
    write(path, &text).map_err(|error| {
        Failure::new(Kind::Local, format!("cannot write {} ({error})", path.display()))
    })
}

fn make(folder: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
        Failure::new(Kind::Local, format!("cannot make {} ({error})", folder.display()))
    })
}

/// A conversation, line by line.
struct Talk<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
    home: Option<&'a Path>,
    /// Files that must not be put into the destination: the config and the catalogue's folder.
    private: Vec<&'a Path>,
}

impl Talk<'_> {
    fn places(&mut self) -> Result<(PathBuf, PathBuf), Failure> {
        let source = loop {
            let path = self.path("Which folder is to be saved? ")?;
            match path.is_dir() || path.is_file() {
                true => break path,
                false => self.say(&format!("{} is not there.", path.display()))?,
            }
        };
        loop {
            let path = self.path("To which folder (one that a sync client carries away)? ")?;
            if source.starts_with(&path) {
                self.say("The source lies in that folder; take another one.")?;
                continue;
            }
            if let Some(inside) = self.private.iter().find(|inside| is_inside(inside, &path)) {
                let inside = inside.display().to_string();
                self.say(&format!(
                    "{inside} would lie in that folder and must not be uploaded; take another one."
                ))?;
                continue;
            }
            if path.is_dir() {
                return Ok((source, path));
            }
            if path.exists() {
                self.say(&format!("{} is no folder.", path.display()))?;
            } else if self.yes(&format!("{} is not there. Make it [y/N]? ", path.display()))? {
                return Ok((source, path));
            }
        }
    }

    /// An absolute path that a config file can hold.
    fn path(&mut self, question: &str) -> Result<PathBuf, Failure> {
        loop {
            let typed = self.ask(question)?;
            let typed = typed.trim();
            let path = match (typed.strip_prefix("~/"), self.home) {
                (Some(rest), Some(home)) => home.join(rest),
                (None, Some(home)) if typed == "~" => home.to_owned(),
                _ => PathBuf::from(typed),
            };
            let absolute = path.canonicalize().or_else(|_| std::path::absolute(&path));
            match absolute {
                Ok(path) if !typed.is_empty() => {
                    match writable(path.as_os_str().as_encoded_bytes()) {
                        Ok(()) => return Ok(path),
                        Err(why) => self.say(why.0)?,
                    }
                }
                _ => self.say("Please give a path.")?,
            }
        }
    }

    fn yes(&mut self, question: &str) -> Result<bool, Failure> {
        let answer = self.ask(question)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    fn ask(&mut self, question: &str) -> Result<String, Failure> {
        let failed = |error| Failure::new(Kind::Local, format!("cannot ask ({error})"));
        write!(self.output, "{}", text::line(question)).map_err(failed)?;
        self.output.flush().map_err(failed)?;
        let mut line = String::new();
        match self.input.read_line(&mut line).map_err(failed)? {
            0 => Err(Failure::usage("no answer was given, so nothing was made")),
            _ => Ok(line),
        }
    }

    fn say(&mut self, sentence: &str) -> Result<(), Failure> {
        writeln!(self.output, "{}", text::line(sentence))
            .map_err(|error| Failure::new(Kind::Local, format!("cannot ask ({error})")))
    }
}

#[cfg(test)]
mod tests;
