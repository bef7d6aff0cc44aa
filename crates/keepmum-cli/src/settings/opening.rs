//! Opening what the settings say: the destination, the catalogue's folder, the password.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use keepmum::Mode;
use keepmum::Profile;
use keepmum::Seam;
use keepmum::ops::{self, Access, CatalogueAt, ErrorKind, Installation, KeyCacheAt};
use keepmum::read_code;

use super::password::{Asking, TRIES, ask};
use super::{Environment, Settings, left_out, place};
use crate::failure::{Failure, Kind, Places, about_code};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{Terminal, text};

impl Settings {
    /// Opens the destination, makes sure of the catalogue's folder and gets the password.
    pub(crate) fn open(
        self,
        environment: &Environment,
        terminal: &Terminal,
        asking: Asking,
    ) -> Result<Access, Failure> {
        self.warn(terminal);
        terminal.at_work_on(self.places(environment));
        let mut seam = Seam::real(&self.destination)
            .map_err(|error| no_destination(&self.destination, &error))?;
        if let Some(rate) = self.limits.upload {
            seam = seam.limit_upload(rate, &terminal.interrupt.flag());
        }
        if let Some(rate) = self.limits.read {
            seam = seam.limit_read(rate, &terminal.interrupt.flag());
        }
        if let Some(failure) = self.no_place.filter(|_| !self.only_reads) {
            return Err(failure);
        }
        let (catalogue, file) = match self.catalogue {
            None => (CatalogueAt::Temporary, None),
            Some(file) if self.leaves_no_catalogue && !file.exists() => {
                (CatalogueAt::Temporary, Some(place::with_links_followed(&file).unwrap_or(file)))
            }
            Some(file) => {
                let file = match place::make_folder(&file) {
                    // The library finds that it cannot be used, and says so.
                    Err(_) if self.only_reads => file,
                    made => made?,
                };
                (CatalogueAt::File(file.clone()), Some(file))
            }
        };
        let keeps = matches!(catalogue, CatalogueAt::File(_)) && self.password.stands_in_config();
        let key_cache = key_cache(&catalogue, keeps, self.config.file.as_deref());
        let asking = match asking {
            // Where no catalogue is yet, this run may make the repository: a slip would lock it.
            Asking::TwiceAtFirst if !file.as_deref().is_some_and(Path::exists) => Asking::Twice,
            other => other,
        };
        let is_asked = self.password.is_question() && asking != Asking::Twice;
        let access = Access {
            seam,
            passphrase: self.password.get(asking)?,
            catalogue,
            key_cache,
            profile: Profile::Standard,
            mode: Mode::Threads(self.limits.threads.get()),
            installation: Installation {
                machine: environment.machine.clone(),
                place: file,
                device_name: self.device_name,
                roots: self.roots,
            },
        };
        match is_asked {
            true => opening(access, terminal, &self.destination),
            false => {
                terminal.note_password(&access.passphrase);
                Ok(access)
            }
        }
    }
}

impl Settings {
    /// Warns of a config that others can read, and of files that a sync service uploads.
    fn warn(&self, terminal: &Terminal) {
        let file = self.config.file.as_deref().filter(|_| self.config.is_secret);
        if let Some(config) = file.filter(|path| place::is_open(path)) {
            terminal.warn(&format!(
                "{} holds the password and can be read by others; `chmod 600` mends that",
                config.display()
            ));
        }
        self.config.synced.iter().for_each(|sentence| terminal.warn(sentence));
    }

    /// What a message may have to name.
    fn places(&self, environment: &Environment) -> Places {
        Places {
            destination: self.destination.clone(),
            catalogue: self.catalogue.clone(),
            roots: self.config.roots_at.clone(),
            password: self.password_at.clone(),
            reading: Arc::default(),
            join: self.config.join_at.clone(),
            now: environment.now.clone(),
        }
    }
}

/// Asks again, where the password that was typed is wrong, as long as there are tries left.
fn opening(mut access: Access, terminal: &Terminal, destination: &Path) -> Result<Access, Failure> {
    for left in (0..TRIES).rev() {
        terminal.note_password(&access.passphrase);
        match watched(terminal, Shape::Document, |watch| ops::key_opens(&access, watch)) {
            Err(failure) if failure.is_wrong_password() => {
                if left == 0 {
                    return Err(failure);
                }
                let reading = read_code(access.passphrase.expose());
                let shown = destination.display().to_string();
                let sentence =
                    about_code(reading).unwrap_or_else(|| format!("Wrong password for {shown}"));
                terminal.aside(&text::line(&format!("{sentence}. Try again.")));
                access.passphrase = ask("Password: ")?;
            }
            // Whatever else is wrong, the command itself meets it.
            _ => return Ok(access),
        }
    }
    Ok(access)
}

/// Where the unlocked keyring is kept. Where it is not to be, none that was kept before stays: it
/// would be nothing but something to try passwords on.
fn key_cache(catalogue: &CatalogueAt, keeps: bool, config: Option<&Path>) -> Option<KeyCacheAt> {
    let CatalogueAt::File(catalogue) = catalogue else { return None };
    let file = left_out::key_cache(catalogue);
    match config.filter(|_| keeps) {
        Some(config) => {
            let mut secret = config.as_os_str().to_owned();
            secret.push(".cache-key");
            Some(KeyCacheAt { file, secret: secret.into() })
        }
        None => {
            fs::remove_file(file).ok();
            None
        }
    }
}

fn no_destination(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Kind::NoDestination, format!("the destination is not there: {path}"))
        }
        io::ErrorKind::NotADirectory => {
            Failure::new(Kind::NoDestination, format!("the destination is no folder: {path}"))
        }
        _ => Failure::new(
            Kind::Library(ErrorKind::Destination),
            format!("cannot open the destination: {path} ({error})"),
        ),
    }
}
