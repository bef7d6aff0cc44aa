//! Runs the program in a world of its own: an empty home, no variables from outside, UTC.
//!
//! A test builds a [`Place`], writes its files into it, and runs the program there. In the output,
//! `[PLACE]` replaces the place's path, so that it can be compared with a text.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder to work in; gone with the value.
pub(crate) struct Place {
    folder: TempDir,
}

/// The output of one run and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Place {
    /// An empty place.
    pub(crate) fn new() -> Self {
        // In memory where the system has such a folder: a restore ends with a sync of the whole
        // file system. `TMPDIR` chooses another place.
        let memory = Path::new("/dev/shm");
        let folder = match std::env::var_os("TMPDIR").is_none() && memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        Self { folder: folder.unwrap() }
    }

    /// An empty place in this folder.
    pub(crate) fn within(folder: &Path) -> Self {
        Self { folder: tempfile::tempdir_in(folder).unwrap() }
    }

    /// A path in it, links followed.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(relative)
    }

    /// Makes a folder.
    pub(crate) fn folder(&self, relative: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Writes a file, with the folders above it; only its owner can read it.
    pub(crate) fn file(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A config like the original script's, with the place's `source`, `destination` and `db`,
    /// which are made. Further lines go to the end, into `[Backup]`.
    pub(crate) fn config(&self, further: &str) -> PathBuf {
        for folder in ["source", "destination", "db"] {
            self.folder(folder);
        }
        let at = self.path("");
        let at = at.display();
        self.file(
            "config.ini",
            format!(
                "[Credentials]\npassword=jdndmnn$23\n\n[DropBox]\ndrop_box_dir = {at}destination\n\n\
                 [DB]\ndb_path = {at}db\n\n[Backup]\nto_backup = {at}source\n{further}\n"
            ),
        )
    }

    /// The program, ready to run here; for tests that change more than its arguments.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keepmum"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program here.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        self.said(self.command(arguments).output().unwrap())
    }

    /// The output of a run, without this place's path.
    pub(crate) fn said(&self, output: Output) -> Said {
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let text = text.replace(&self.path("").display().to_string(), "[PLACE]/");
            text.replace(&self.folder.path().display().to_string(), "[PLACE]")
        };
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// The same command with nothing but its own environment, and hearing every signal: whoever starts the tests in the background may
/// have made them, and all that they start, deaf to Ctrl-C.
#[allow(dead_code)] // As above.
pub(crate) fn hearing(command: &Command) -> Command {
    let mut hearing = Command::new("env");
    hearing.arg("--default-signal=HUP,INT,QUIT,TERM").arg(command.get_program());
    hearing.args(command.get_args()).env_clear();
    hearing.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        hearing.current_dir(folder);
    }
    hearing
}

/// Whether a file with a golden text agrees; `SNAPSHOTS=overwrite` writes it anew.
#[allow(dead_code)] // As above.
pub(crate) fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    snapbox::assert_data_eq!(actual, snapbox::Data::read_from(&path, None).raw());
}
