//! The password: of the repository that is there, or of a new one; and this computer's name.

use std::path::{Path, PathBuf};

use keepmum::ops::{self, Access, CatalogueAt, DeviceStatus, ErrorKind, Installation, Presence};
use keepmum::{CodeReading, Passphrase, Seam, read_code};

use super::talk::Talk;
use crate::commands::Session;
use crate::failure::{Failure, Kind, about_code};
use crate::moment;
use crate::settings::{PASSPHRASE_BITS, TRIES, passphrases};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::text;

/// What opens the repository, and who is in it.
pub(super) struct Opening {
    pub(super) password: Passphrase,
    /// The devices of a repository that is there; nothing where one is to be made.
    pub(super) joined: Option<Vec<DeviceStatus>>,
}

/// Finds out whether there is a repository, and asks for its password or a new one.
pub(super) fn ask(
    talk: &mut Talk<'_>,
    destination: &Path,
    installation: &Installation,
    session: &Session<'_>,
) -> Result<Opening, Failure> {
    let presence = match destination.is_dir() {
        true => ops::presence(&seam(destination)?)?,
        false => Presence::None,
    };
    match presence {
        Presence::None => Ok(Opening { password: new_password(talk)?, joined: None }),
        Presence::Here => join(talk, destination, installation, session),
        Presence::Arriving => {
            let sentence = format!(
                "the sync client seems to be still downloading: there are stored files without \
                 their key in {}",
                destination.display()
            );
            let failure = Failure::new(Kind::Library(ErrorKind::Pending), sentence);
            Err(failure.next("wait until it says that it is done, then run `keepmum init` again"))
        }
    }
}

fn seam(destination: &Path) -> Result<Seam, Failure> {
    Seam::real(destination).map_err(|error| {
        let sentence = format!("cannot open {} ({error})", destination.display());
        Failure::new(Kind::Library(ErrorKind::Destination), sentence)
    })
}

fn join(
    talk: &mut Talk<'_>,
    destination: &Path,
    installation: &Installation,
    session: &Session<'_>,
) -> Result<Opening, Failure> {
    let shown = talk.shown(destination);
    talk.say(&format!("There already is a keepmum backup in {shown}."))?;
    for left in (0..TRIES).rev() {
        let password = (talk.secret)("Its password (or the recovery code): ")?;
        let reading = read_code(password.expose());
        let access = Access::new(
            seam(destination)?,
            password,
            CatalogueAt::Temporary,
            installation.clone(),
            2,
        );
        match watched(session.terminal, Shape::Document, |watch| ops::status(&access, watch)) {
            Ok(report) => {
                told(talk, &report.devices, session)?;
                if reading == CodeReading::Right {
                    talk.say(
                        "This is the recovery code. It will be saved in place of the password. If \
                         the password is forgotten, set a new one with `keepmum key passwd`.",
                    )?;
                }
                if !talk.yes("Add this computer to it?", true)? {
                    return Err(Failure::usage("nothing was written, as you asked"));
                }
                let password = access.passphrase;
                return Ok(Opening { password, joined: Some(report.devices) });
            }
            Err(failure) if failure.is_wrong_password() && left > 0 => {
                let sentence = about_code(reading);
                let sentence = sentence.unwrap_or_else(|| "this is not its password".to_owned());
                talk.say(&capital(&format!("{sentence}. Try again.")))?;
            }
            Err(failure) if failure.is_wrong_password() => {
                let sentence = format!("wrong password for {}", destination.display());
                return Err(Failure::new(Kind::Library(ErrorKind::WrongPassword), sentence));
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::usage("no password was given"))
}

/// Who has saved there, the last first.
fn told(
    talk: &mut Talk<'_>,
    devices: &[DeviceStatus],
    session: &Session<'_>,
) -> Result<(), Failure> {
    let now = &session.environment.now;
    let mut devices: Vec<_> = devices.iter().collect();
    devices.sort_by_key(|device| std::cmp::Reverse(device.last_time));
    match devices.len() {
        0 => return talk.say("No computer has backed up there yet."),
        1 => talk.say("One computer backs up there:")?,
        n => talk.say(&format!("{n} computers back up there:"))?,
    }
    for device in devices {
        let (name, age) = (text::line(&device.name), moment::age(device.last_time, now));
        let own = if device.own { " (this computer)" } else { "" };
        talk.say(&format!("  {name}, last used {age}{own}"))?;
    }
    Ok(())
}

/// Offers passphrases, and takes one that is typed.
fn new_password(talk: &mut Talk<'_>) -> Result<Passphrase, Failure> {
    talk.say("")?;
    talk.say(
        "The backup needs a password. Whoever has it and the files can read everything, and nobody \
         can reset it. Here are three that were drawn at random:",
    )?;
    let offered = passphrases::<3>()?;
    for (at, passphrase) in offered.iter().enumerate() {
        // A passphrase is one word for the eye, so it has its line.
        talk.say(&format!("  {}  {}", at + 1, passphrase.expose()))?;
    }
    talk.say(&format!(
        "Each is one of 2^{PASSPHRASE_BITS} (five words out of 7,776), which nobody can try out."
    ))?;
    loop {
        let typed = talk.ask("Type a number to take one, or press Enter to choose your own:")?;
        if typed.is_empty() {
            return (talk.new_secret)();
        }
        let chosen = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        if let Some(chosen) = chosen.filter(|at| *at < offered.len()) {
            talk.say("Write it down. You need it to restore on another computer.")?;
            let mut offered = offered.into_iter();
            return offered.nth(chosen).ok_or_else(|| Failure::usage("no password was chosen"));
        }
        talk.say("Type 1, 2 or 3, or press Enter. Your own password is asked for separately.")?;
    }
}

/// Asks for this computer's name, which no other device of the repository may have.
pub(super) fn ask_name(
    talk: &mut Talk<'_>,
    host_name: &str,
    devices: &[DeviceStatus],
    session: &Session<'_>,
) -> Result<String, Failure> {
    let taken = |name: &str| devices.iter().find(|one| !one.own && one.name == name);
    let mut suggestion = host_name.to_owned();
    loop {
        if let Some(device) = taken(&suggestion) {
            let age = moment::age(device.last_time, &session.environment.now);
            let name = text::line(&device.name);
            talk.say(&format!("There already is a device called {name}, last used {age}."))?;
            let mut numbered = (2..).map(|number| format!("{suggestion}-{number}"));
            suggestion = numbered.find(|name| taken(name).is_none()).unwrap_or(suggestion);
        }
        let typed = talk.ask_or("Name of this computer", &suggestion)?;
        if typed.len() > 100 || typed.chars().any(char::is_control) {
            talk.say("A name is one short line of text.")?;
        } else if taken(&typed).is_some() {
            suggestion = typed;
        } else {
            return Ok(typed);
        }
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// What this installation is going to be.
pub(super) fn installation(
    session: &Session<'_>,
    place: Option<PathBuf>,
    roots: &[PathBuf],
) -> Installation {
    Installation {
        machine: session.environment.machine.clone(),
        place,
        device_name: session.environment.host_name.clone(),
        roots: roots.to_vec(),
    }
}
