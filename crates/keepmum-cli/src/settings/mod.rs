//! From what was typed, the config and the environment to what the library needs.
//!
//! [`Settings::resolve`] decides and touches nothing but the config file;
//! [`Settings::open`] then opens the destination, makes the catalogue's folder and asks for the
//! password, in this order, so that nobody types a password for a disk that is not there.

mod doubts;
mod environment;
mod left_out;
mod new_password;
mod opening;
mod passphrase;
mod password;
mod place;
pub(crate) mod private;
mod strength;
#[cfg(test)]
mod tests;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use keepmum::Level;
use keepmum::Passphrase;

use crate::args::Shared;
use crate::config::{Around, Config, PasswordIn, Retention, remote};
use crate::failure::Failure;

pub(crate) use doubts::doubts;
pub(crate) use environment::Environment;
pub(crate) use left_out::LeftOut;
pub(crate) use new_password::{FIRST, ask_new, new_password};
pub(crate) use passphrase::{BITS as PASSPHRASE_BITS, passphrases};
pub(crate) use password::{Asking, PasswordFrom, TRIES, ask, code_from_input};
pub(crate) use place::{config_path, source_name, state_folder};
pub(crate) use private::{is_inside, refuse_typed};

/// Where a config has its password.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The file that holds it.
    pub(crate) file: PathBuf,
    /// The line, in a config; nothing where it is the first line of a password file.
    pub(crate) line: Option<usize>,
    /// A command gives it.
    pub(crate) is_command: bool,
}

impl Held {
    fn of(config: &Config) -> Option<Self> {
        let (file, line) = (config.path.clone(), config.lines.password);
        Some(match config.password.as_ref()? {
            PasswordIn::Config(_) => Self { file, line, is_command: false },
            PasswordIn::Command(_) => Self { file, line, is_command: true },
            PasswordIn::File(file) => Self { file: file.clone(), line: None, is_command: false },
        })
    }

    /// The password that is there now.
    pub(crate) fn password(&self) -> Result<Passphrase, Failure> {
        if self.line.is_none() {
            return password::from_file(&self.file);
        }
        match Config::read(&self.file, Around::default())?.password {
            Some(PasswordIn::Config(password)) => Ok(password),
            _ => Err(Failure::config("the config holds no password")),
        }
    }
}

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
    /// Which snapshots are kept.
    pub(crate) retention: Retention,
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
    /// How much of the machine a command may take.
    limits: Limits,
    /// The config file, and the lines that messages name.
    pub(crate) config: InConfig,
    /// No catalogue is made where there is none yet.
    leaves_no_catalogue: bool,
    /// Where the password stands, in words that begin a sentence; nothing where it is asked for.
    password_at: Option<String>,
    /// Nothing but a catalogue is written, and where that cannot be, it goes on all the same.
    only_reads: bool,
    /// There is no place for the catalogue that a config needs.
    no_place: Option<Failure>,
}

/// How much of the machine a command may take.
struct Limits {
    /// Threads that work.
    threads: NonZero<usize>,
    /// Most bytes a second to the destination.
    upload: Option<NonZero<u64>>,
    /// Most bytes a second that are read.
    read: Option<NonZero<u64>>,
}

impl Limits {
    /// As many threads as were asked for, else as there are cores.
    fn of(shared: &Shared) -> Self {
        let cores = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let threads = shared.threads.unwrap_or_else(cores);
        Self { threads, upload: shared.limit_upload, read: shared.limit_read }
    }
}

/// The config file, and the lines of it that messages name; empty without a config.
#[derive(Default)]
pub(crate) struct InConfig {
    /// The file.
    file: Option<PathBuf>,
    /// It holds a password, so only its owner may read it.
    is_secret: bool,
    /// The file and the line that name the roots.
    roots_at: Option<String>,
    /// The file and the line that say `join`, where they forbid to make a repository.
    pub(crate) join_at: Option<String>,
    /// Where it has its password.
    pub(crate) held: Option<Held>,
    /// Keys that have no effect in this version yet.
    pub(crate) not_yet: Vec<String>,
    /// Its files that lie in a synced folder.
    synced: Vec<String>,
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
            Some(destination) => {
                if let Some(sentence) = remote(destination.as_os_str().as_encoded_bytes()) {
                    return Err(Failure::usage(sentence));
                }
                let password = PasswordFrom::choose(shared, None, environment);
                Ok(Self {
                    destination: destination.clone(),
                    catalogue: None,
                    password_at: password.place(None),
                    password,
                    device_name: environment.host_name.clone(),
                    source: None,
                    staying: shared.password_file.iter().cloned().collect(),
                    roots: Vec::new(),
                    limits: Limits::of(shared),
                    config: InConfig::default(),
                    leaves_no_catalogue: false,
                    only_reads: false,
                    no_place: None,
                })
            }
            None => {
                let path = config_path(shared, environment)?;
                let config = Config::read(&path, environment.around())?;
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
        let line = |line: usize| format!("{}, line {line}", config.path.display());
        let join_at = config.lines.join.filter(|_| config.join).map(line);
        let password_is_at = config.lines.password.map(line);
        let held = Held::of(&config);
        let files = [catalogue.as_ref(), Some(&config.path), password_file.as_ref()];
        let files = files.into_iter().flatten().chain(&shared.password_file);
        let staying = files.cloned().collect();
        let in_config = InConfig {
            file: Some(config.path.clone()),
            is_secret: config.holds_password(),
            roots_at: Some(format!("{}:{}", config.path.display(), config.roots_line)),
            join_at,
            held,
            not_yet: std::mem::take(&mut config.not_yet),
            synced: private::warnings(&config, folder.as_deref()),
        };
        let password = PasswordFrom::choose(shared, config.password.take(), environment);
        Ok(Self {
            password_at: password.place(password_is_at.as_deref()),
            password,
            roots: config.roots.clone(),
            only_reads: false,
            no_place,
            staying,
            catalogue,
            limits: Limits::of(shared),
            config: in_config,
            leaves_no_catalogue: false,
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
                retention: config.retention,
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
        let mut config = Config::read(&path, environment.around()).ok()?;
        let (name, folder) = catalogue_place(&mut config, environment);
        let folder = folder.ok().filter(|at| !private::is_inside(at, &config.destination))?;
        place::make_folder(&catalogue_file(&folder, &name)).ok()
    }

    /// With a password or code that was typed for this command.
    pub(crate) fn with_typed(mut self, password: Passphrase) -> Self {
        (self.password, self.password_at) = (PasswordFrom::Typed(password), None);
        self
    }

    /// For a command that reads: it needs no catalogue that can be written.
    pub(crate) fn for_reading(mut self) -> Self {
        self.only_reads = true;
        self
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

/// The file of a source's catalogue.
pub(crate) fn catalogue_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("catalogue-{name}.sqlite"))
}
