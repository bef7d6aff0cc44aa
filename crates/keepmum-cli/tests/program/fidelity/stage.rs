//! A source, a repository and a restore target, under root or under an ordinary user.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{XattrFlags, lsetxattr};

use crate::binary::{Place, Said};
use crate::fidelity::look;
use crate::prepared::{command, ready_in};

/// An ordinary user for whom nothing belongs to anybody else.
pub(crate) const NOBODY: u32 = 65534;

/// Where one test plays.
pub(crate) struct Stage {
    pub(crate) place: Place,
    /// The program runs as this user; else as whoever runs the tests.
    user: Option<u32>,
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says that this machine cannot show a row. Printed past the capture of passing tests.
pub(crate) fn not_tested(why: &str) {
    use std::io::Write;
    let line = format!("NOT TESTED: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Plays as whoever runs the tests, and if that is root, as an ordinary user too.
pub(crate) fn each_way(play: impl Fn(&Stage)) {
    play(&Stage::new());
    if is_root() {
        play(&Stage::ordinary());
    }
}

/// The same in a folder of this file system, where there is one.
pub(crate) fn each_way_in(preferred: &Path, play: impl Fn(&Stage)) {
    let within = if preferred.is_dir() { preferred.to_owned() } else { folder() };
    let stage = |user| Stage { place: ready_in(Place::within(&within), ""), user };
    play(&stage(None));
    if is_root() {
        play(&stage(Some(NOBODY)));
    }
}

impl Stage {
    /// As whoever runs the tests.
    pub(crate) fn new() -> Self {
        Self { place: ready_in(Place::within(&folder()), ""), user: None }
    }

    /// As an ordinary user: the program's files are handed over to them before it runs.
    pub(crate) fn ordinary() -> Self {
        Self { user: is_root().then_some(NOBODY), ..Self::new() }
    }

    /// The same stage for an ordinary user, who gets the repository and not the source.
    pub(crate) fn given_to_nobody(self) -> Self {
        let stage = Self { user: is_root().then_some(NOBODY), ..self };
        for path in ["db", "destination", "config.ini", "home"] {
            if stage.place.path(path).exists() {
                stage.hand_over(path);
            }
        }
        lchown(stage.place.path(""), stage.user, stage.user).unwrap();
        stage
    }

    /// A path in the source.
    pub(crate) fn source(&self, path: impl AsRef<Path>) -> PathBuf {
        self.place.path("source").join(path)
    }

    /// A path in the restore target.
    pub(crate) fn out(&self, path: impl AsRef<Path>) -> PathBuf {
        self.place.path("out").join(path)
    }

    /// A file in the source.
    pub(crate) fn file(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.source(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// The program with these words, ready to run.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = command(&self.place, words);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// Runs the program with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.place.said(self.command(words).output().unwrap())
    }

    /// Saves the source. An ordinary user owns it and everything else from now on.
    #[track_caller]
    pub(crate) fn backup(&self) -> Said {
        self.hand_over("");
        let said = self.run(&["backup"]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
        said
    }

    /// Restores the source's content to `out`.
    pub(crate) fn restore(&self, more: &[&str]) -> Said {
        let what = format!("latest:{}", self.source("").display());
        let words = ["restore", what.trim_end_matches('/'), "--target", "out"];
        self.run(&[&words, more].concat())
    }

    /// Gives these files to the user that the program runs as.
    pub(crate) fn hand_over(&self, path: &str) {
        let Some(user) = self.user else { return };
        let top = self.place.path(path);
        lchown(&top, Some(user), Some(user)).unwrap();
        if !fs::symlink_metadata(&top).unwrap().is_dir() {
            return;
        }
        let mut waiting = vec![top];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let found = fs::symlink_metadata(&path).unwrap();
                if found.uid() != user {
                    lchown(&path, Some(user), Some(user)).unwrap();
                }
                if found.is_dir() {
                    waiting.push(path);
                }
            }
        }
    }

    /// Saves and restores: all comes back, nothing is said of it, and a second restore finds
    /// nothing to do.
    #[track_caller]
    pub(crate) fn comes_back(&self) {
        self.backup();
        self.restores_all(&[]);
    }

    /// The same for a snapshot that is there.
    #[track_caller]
    pub(crate) fn restores_all(&self, more: &[&str]) {
        let said = self.restore(more);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
        look::assert_equal(&look::tree(&self.source("")), &look::tree(&self.out("")));
        let again = self.restore(more);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{again:?}");
        assert!(again.stdout.contains("Nothing to restore"), "{again:?}");
        look::assert_equal(&look::tree(&self.source("")), &look::tree(&self.out("")));
    }
}

/// Sets an attribute of a thing itself.
#[track_caller]
pub(crate) fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    if let Err(error) = lsetxattr(path, name, value, XattrFlags::empty()) {
        panic!("{name} cannot be set on {}: {error}", path.display());
    }
}

/// A folder whose file system keeps attributes and access lists, and which an ordinary user may
/// enter. That there is none fails the test: it would show nothing.
fn folder() -> PathBuf {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let candidates = [std::env::temp_dir(), "/var/tmp".into(), "/dev/shm".into(), built.into()];
    let keeps = |folder: &&PathBuf| {
        let Ok(probe) = tempfile::NamedTempFile::new_in(folder) else { return false };
        let list = crate::fidelity::metadata::access_list(&[]);
        [("user.keepmum", &b"1"[..]), ("system.posix_acl_access", &list)]
            .iter()
            .all(|(name, value)| lsetxattr(probe.path(), *name, value, XattrFlags::empty()).is_ok())
    };
    candidates.iter().find(keeps).cloned().unwrap_or_else(|| {
        panic!("no file system here keeps attributes and access lists: set TMPDIR to one that does")
    })
}
