//! From what was typed, the config and the environment to what the library needs.
//!
//! [`Settings::resolve`] decides and touches nothing but the config file;
//! [`Settings::open`] then opens the destination, makes the catalogue's folder and asks for the
//! password, in this order, so that nobody types a password for a disk that is not there.

mod doubts;
mod environment;
mod left_out;
mod password;
mod place;
pub(crate) mod private;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use keepmum::Level;
use keepmum::Mode;
use keepmum::Profile;
use keepmum::Seam;
use keepmum::ops::{Access, CatalogueAt, ErrorKind, Installation, KeyCacheAt};

use crate::args::Shared;
use crate::config::{Config, PasswordIn};
use crate::failure::{Failure, Kind, Places};
use crate::terminal::Terminal;

pub(crate) use doubts::doubts;
pub(crate) use environment::Environment;
pub(crate) use left_out::LeftOut;
pub(crate) use password::{Asking, PasswordFrom, ask_twice, new_password};
pub(crate) use place::{config_path, source_name, state_folder};
pub(crate) use private::{is_inside, refuse_typed};

/// What a backup needs to know, beside the repository.
pub(crate) struct Source {
    /// Its name.
    pub(crate) name: String,
    /// Absolute paths of what is to be saved.
    pub(crate) roots: Vec<PathBuf>,
    /// Patterns of what is left out.
    pub(crate) excludes: Vec<String>,
    /// Leave out tagged caches.
    pub(crate) exclude_caches: bool,
    /// Leave out files of more than so many bytes.
    pub(crate) exclude_larger_than: Option<u64>,
    /// Stay on the roots' file systems.
    pub(crate) one_file_system: bool,
    /// How hard to compress.
    pub(crate) level: Level,
    /// Compress small files together.
    pub(crate) compress_together: bool,
    /// Never make a repository.
    pub(crate) join: bool,
    /// Missing objects are no surprise.
    pub(crate) destination_is_partial: bool,
    /// Seconds after which the next run is overdue.
    pub(crate) every: Option<i64>,
}

/// What is settled before anything is opened.
pub(crate) struct Settings {
    /// Where the objects are.
    pub(crate) destination: PathBuf,
    /// The folder and the file of the catalogue; none when it is only for this run.
    pub(crate) catalogue: Option<PathBuf>,
    /// Where the password comes from.
    pub(crate) password: PasswordFrom,
    /// What people call this device.
    pub(crate) device_name: String,
    /// What the config says of the source; nothing without a config.
    pub(crate) source: Option<Source>,
    /// What must stay when a restore deletes, beside the destination: the catalogue, the config,
    /// the password file.
    pub(crate) staying: Vec<PathBuf>,
    /// The roots of the source that the catalogue is for.
    roots: Vec<PathBuf>,
    /// The config and the line that name them.
    roots_at: Option<String>,
    /// Threads that work.
    threads: NonZero<usize>,
    /// Most bytes a second to the destination.
    limit_upload: Option<NonZero<u64>>,
    /// Most bytes a second that are read.
    limit_read: Option<NonZero<u64>>,
    /// A config that holds a password, to be seen by its owner only.
    secret_config: Option<PathBuf>,
    /// The config file.
    config_file: Option<PathBuf>,
    /// No catalogue is made where there is none yet.
    leaves_no_catalogue: bool,
    /// What the config says that this version does not do yet.
    pub(crate) not_yet: Vec<String>,
    /// What lies in a folder that a sync client carries away.
    synced: Vec<String>,
    /// Nothing but a catalogue is written, and where that cannot be, it goes on all the same.
    only_reads: bool,
    /// There is no place for the catalogue that a config needs.
    no_place: Option<Failure>,
}

impl Settings {
    /// What is meant by what was typed.
    pub(crate) fn resolve(shared: &Shared, environment: &Environment) -> Result<Self, Failure> {
        let settings = Self::understand(shared, environment)?;
        if let Some(file) = &shared.password_file {
            private::refuse_typed("password", file, &settings.destination)?;
        }
        Ok(settings)
    }

    fn understand(shared: &Shared, environment: &Environment) -> Result<Self, Failure> {
        match &shared.from {
            Some(destination) => Ok(Self {
                destination: destination.clone(),
                catalogue: None,
                password: PasswordFrom::choose(shared, None, environment),
                device_name: environment.host_name.clone(),
                source: None,
                staying: shared.password_file.iter().cloned().collect(),
                roots: Vec::new(),
                roots_at: None,
                threads: threads(shared),
                limit_upload: shared.limit_upload,
                limit_read: shared.limit_read,
                secret_config: None,
                config_file: None,
                leaves_no_catalogue: false,
                only_reads: false,
                no_place: None,
                not_yet: Vec::new(),
                synced: Vec::new(),
            }),
            None => {
                let path = config_path(shared, environment)?;
                let config = Config::read(&path, environment.home.as_deref())?;
                Self::from_config(shared, config, environment)
            }
        }
    }

    fn from_config(
        shared: &Shared,
        mut config: Config,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let (name, folder) = catalogue_place(&mut config, environment);
        let (folder, no_place) = match folder {
            Ok(folder) => (Some(folder), None),
            Err(failure) => (None, Some(failure)),
        };
        private::refuse(&config, folder.as_deref())?;
        let catalogue = folder.as_ref().map(|at| catalogue_file(at, &name));
        let password_file = match &config.password {
            Some(PasswordIn::File(file)) => Some(file.clone()),
            _ => None,
        };
        let files = [catalogue.as_ref(), Some(&config.path), password_file.as_ref()];
        let files = files.into_iter().flatten().chain(&shared.password_file);
        Ok(Self {
            roots: config.roots.clone(),
            roots_at: Some(format!("{}:{}", config.path.display(), config.roots_line)),
            only_reads: false,
            no_place,
            synced: private::warnings(&config, folder.as_deref()),
            not_yet: std::mem::take(&mut config.not_yet),
            staying: files.cloned().collect(),
            catalogue,
            threads: threads(shared),
            limit_upload: shared.limit_upload,
            limit_read: shared.limit_read,
            leaves_no_catalogue: false,
            secret_config: config.holds_password().then(|| config.path.clone()),
            config_file: Some(config.path.clone()),
            password: PasswordFrom::choose(shared, config.password, environment),
            destination: config.destination,
            device_name: config.device_name.unwrap_or_else(|| environment.host_name.clone()),
            source: Some(Source {
                name,
                roots: config.roots,
                excludes: config.excludes,
                exclude_caches: config.exclude_caches,
                exclude_larger_than: config.exclude_larger_than,
                one_file_system: config.one_file_system,
                level: config.level,
                compress_together: config.compress_together,
                join: config.join,
                destination_is_partial: config.destination_is_partial,
                every: config.every,
            }),
        })
    }

    /// For a command that leaves nothing behind: where there is no catalogue yet, none is made.
    pub(crate) fn leaving_no_catalogue(mut self) -> Self {
        self.leaves_no_catalogue = true;
        self
    }

    /// The catalogue whose history this run belongs to. Its folder is made, so that a run which
    /// fails before anything is opened is noted, too.
    pub(crate) fn history(&self) -> Option<PathBuf> {
        place::make_folder(self.catalogue.as_deref()?).ok()
    }

    /// The same of a config that can be read and was refused. Nothing is made in a place that is
    /// refused itself.
    pub(crate) fn history_of_refused(
        shared: &Shared,
        environment: &Environment,
    ) -> Option<PathBuf> {
        let path = config_path(shared, environment).ok().filter(|_| shared.from.is_none())?;
        let mut config = Config::read(&path, environment.home.as_deref()).ok()?;
        let (name, folder) = catalogue_place(&mut config, environment);
        let folder = folder.ok().filter(|at| !private::is_inside(at, &config.destination))?;
        place::make_folder(&catalogue_file(&folder, &name)).ok()
    }

    /// For a command that reads: it needs no catalogue that can be written.
    pub(crate) fn for_reading(mut self) -> Self {
        self.only_reads = true;
        self
    }

    /// Opens the destination, makes sure of the catalogue's folder and gets the password.
    pub(crate) fn open(
        self,
        environment: &Environment,
        terminal: &Terminal,
        asking: Asking,
    ) -> Result<Access, Failure> {
        if let Some(config) = self.secret_config.as_deref().filter(|path| place::is_open(path)) {
            terminal.warn(&format!(
                "{} holds the password and can be read by others; `chmod 600` mends that",
                config.display()
            ));
        }
        self.synced.iter().for_each(|sentence| terminal.warn(sentence));
        let catalogue = self.catalogue.clone();
        let roots = self.roots_at.clone();
        terminal.at_work_on(Places { destination: self.destination.clone(), catalogue, roots });
        let mut seam = Seam::real(&self.destination)
            .map_err(|error| no_destination(&self.destination, &error))?;
        if let Some(rate) = self.limit_upload {
            seam = seam.limit_upload(rate, &terminal.interrupt.flag());
        }
        if let Some(rate) = self.limit_read {
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
        let key_cache = key_cache(&catalogue, keeps, self.config_file.as_deref());
        let asking = match asking {
            // Where no catalogue is yet, this run may make the repository: a slip would lock it.
            Asking::TwiceAtFirst if !file.as_deref().is_some_and(Path::exists) => Asking::Twice,
            other => other,
        };
        Ok(Access {
            seam,
            passphrase: self.password.get(asking)?,
            catalogue,
            key_cache,
            profile: Profile::Standard,
            mode: Mode::Threads(self.threads.get()),
            installation: Installation {
                machine: environment.machine.clone(),
                place: file,
                device_name: self.device_name,
                roots: self.roots,
            },
        })
    }
}

/// The source's name and the folder of its catalogue.
fn catalogue_place(
    config: &mut Config,
    environment: &Environment,
) -> (String, Result<PathBuf, Failure>) {
    let name = config.name.take().unwrap_or_else(|| source_name(&config.roots));
    let folder = config.db_path.take();
    (name, folder.map_or_else(|| place::state_folder(environment), Ok))
}

fn catalogue_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("catalogue-{name}.sqlite"))
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

/// As many threads as were asked for, else as there are cores.
fn threads(shared: &Shared) -> NonZero<usize> {
    let cores = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    shared.threads.unwrap_or_else(cores)
}

/// How the addresses of servers and buckets begin in other programs.
const REMOTES: [&str; 9] =
    ["s3:", "sftp:", "ssh:", "rest:", "rclone:", "b2:", "gs:", "azure:", "swift:"];

fn no_destination(path: &Path, error: &io::Error) -> Failure {
    let is_address = |part: &std::ffi::OsStr| {
        let part = part.to_string_lossy();
        REMOTES.iter().any(|scheme| part.starts_with(scheme))
    };
    let is_remote = error.kind() == io::ErrorKind::NotFound && path.iter().any(is_address);
    let path = path.display();
    if is_remote {
        let said = "this version can only back up into a folder, not to a server or a bucket";
        return Failure::config(format!("{said}: {path}"));
    }
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
