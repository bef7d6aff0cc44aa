//! Everything that this program takes from around it, read once, so that the rest can be tested.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use rustix::process::geteuid;

use crate::config::Around;

/// Where root may keep a config that belongs to no home.
const SYSTEM_CONFIG: &str = "/etc/keepmum/config.ini";

/// The environment of the process.
pub(crate) struct Environment {
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// All variables, for `$NAME` in paths of the config.
    pub(crate) variables: HashMap<OsString, OsString>,
    /// The config of the whole system, for an account that may read it as its own.
    pub(crate) system_config: Option<PathBuf>,
    /// `KEEPMUM_CONFIG`.
    pub(crate) config: Option<PathBuf>,
    /// `KEEPMUM_PASSWORD`.
    pub(crate) password: Option<OsString>,
    /// `XDG_CONFIG_HOME`, when absolute.
    pub(crate) config_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`, when absolute.
    pub(crate) state_home: Option<PathBuf>,
    /// What tells this machine from others, for as long as its system is installed.
    pub(crate) machine: Vec<u8>,
    /// The machine's name.
    pub(crate) host_name: String,
    /// The current folder, and what the shell calls it if that is another name.
    pub(crate) folders: Vec<PathBuf>,
    /// The time, here.
    pub(crate) now: Zoned,
}

impl Environment {
    /// What a config may refer to.
    pub(crate) fn around(&self) -> Around<'_> {
        Around { home: self.home.as_deref(), variables: Some(&self.variables) }
    }

    /// That of this process.
    pub(crate) fn real() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let absolute = |name| path(name).filter(|path| path.is_absolute());
        let host_name = rustix::system::uname().nodename().to_string_lossy().trim().to_owned();
        Self {
            home: absolute("HOME"),
            variables: env::vars_os().filter(|(name, _)| name != "KEEPMUM_PASSWORD").collect(),
            system_config: geteuid().is_root().then(|| SYSTEM_CONFIG.into()),
            config: path("KEEPMUM_CONFIG"),
            password: env::var_os("KEEPMUM_PASSWORD"),
            config_home: absolute("XDG_CONFIG_HOME"),
            state_home: absolute("XDG_STATE_HOME"),
            machine: machine_id().unwrap_or_else(|| host_name.clone().into_bytes()),
            host_name: if host_name.is_empty() { "unnamed".to_owned() } else { host_name },
            folders: current_folder(path("PWD")),
            now: now(),
        }
    }
}

/// The current folder, as the shell calls it and as the system does.
fn current_folder(shell: Option<PathBuf>) -> Vec<PathBuf> {
    let Ok(real) = env::current_dir() else { return Vec::new() };
    let is_other = |shell: &PathBuf| {
        shell.is_absolute() && *shell != real && shell.canonicalize().is_ok_and(|at| at == real)
    };
    shell.filter(is_other).into_iter().chain([real.clone()]).collect()
}

/// The time in the zone of this machine. Where its rules lie is known, so that they are read from
/// there: the library would first list all zones of the world, at each start.
fn now() -> Zoned {
    let of_machine = || {
        let rules = fs::read("/etc/localtime").ok()?;
        TimeZone::tzif("", &rules).ok()
    };
    let zone = if env::var_os("TZ").is_none() { of_machine() } else { None };
    zone.map_or_else(Zoned::now, |zone| Timestamp::now().to_zoned(zone))
}

/// The id that the system was given when it was installed.
fn machine_id() -> Option<Vec<u8>> {
    let id = fs::read("/etc/machine-id").ok()?;
    let id = id.trim_ascii().to_vec();
    (!id.is_empty()).then_some(id)
}
