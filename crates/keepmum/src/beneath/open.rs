//! Opening a path from a directory downward.
//!
//! One `openat2` does it where the kernel has it; elsewhere the path is walked name by name. Paths
//! longer than the kernel takes at once are opened in several hops, so that depth is bounded by
//! nothing but the path's own length. The last hops are kept: neighbours share them, and a walk down
//! or up a deep tree would otherwise begin at the top for each directory.

use std::borrow::Cow;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// Longest piece of a path given to the kernel at once. It would take 4,095 bytes, but looking up
/// hundreds of names again and again takes long.
const HOP: usize = 1000;

/// Hops kept, the deepest ones. On the way up a tree they serve so many hops long.
pub(super) const KEPT: usize = 8;

/// How often an interrupted resolution is tried again: the kernel may ask for it when something
/// is renamed at the same moment.
const ATTEMPTS: usize = 16;

/// A directory, and everything that is reached from it.
pub(crate) struct Beneath {
    directory: OwnedFd,
    /// Set once the kernel has shown that it cannot resolve whole paths.
    stepwise: AtomicBool,
    /// The last hops on the way to a long path, each beneath the one before it.
    hops: Mutex<Vec<Hop>>,
    /// Paths that mean other folders: from and to. There are few, and most have none.
    redirects: RwLock<Vec<(Vec<u8>, Vec<u8>)>>,
    is_redirecting: AtomicBool,
}

/// A directory far down, held open, and its path.
#[derive(Clone)]
struct Hop {
    path: Vec<u8>,
    directory: Arc<OwnedFd>,
}

impl Hop {
    /// The rest of a path from here; nothing if it does not lie beneath.
    fn rest_of<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        path.strip_prefix(self.path.as_slice())?.strip_prefix(b"/")
    }
}

impl Beneath {
    /// Everything beneath this open directory.
    pub(crate) fn new(directory: OwnedFd) -> Self {
        Self {
            directory,
            stepwise: AtomicBool::new(false),
            hops: Mutex::default(),
            redirects: RwLock::default(),
            is_redirecting: AtomicBool::new(false),
        }
    }

    /// The directory itself.
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Walks paths name by name from now on, as on a kernel before 5.6.
    #[cfg(test)]
    pub(crate) fn walk_stepwise(&self) {
        self.stepwise.store(true, Ordering::Relaxed);
    }

    /// How many directories on the way are held open.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.hops().len()
    }

    /// Opens the file at `path`: names joined by `/`, empty for the directory itself.
    pub(crate) fn open(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let path = &*self.redirected(path);
        if path.len() <= HOP {
            return self.resolve(self.directory(), path, flags);
        }
        if let Some((hop, rest)) = self.kept_hop(path)
            && let Ok(opened) = self.hop_on(Some(hop), path, rest, flags)
        {
            return Ok(opened);
        }
        // A kept hop may be gone, with another directory at its path.
        self.forget_hops();
        self.hop_on(None, path, path, flags)
    }

    /// Lets a path mean the folder at another one, in which no redirected path lies.
    pub(crate) fn redirect(&self, from: &[u8], to: &[u8]) {
        let mut redirects = self.redirects.write().unwrap_or_else(PoisonError::into_inner);
        redirects.push((from.to_vec(), to.to_vec()));
        self.is_redirecting.store(true, Ordering::Release);
    }

    /// The path of the same thing without redirections.
    pub(crate) fn redirected<'a>(&self, path: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.is_redirecting.load(Ordering::Acquire) {
            return Cow::Borrowed(path);
        }
        let redirects = self.redirects.read().unwrap_or_else(PoisonError::into_inner);
        // The longest one counts: those above it are already part of its target.
        let longest = redirects.iter().rev().find_map(|(from, to)| {
            let rest = path.strip_prefix(from.as_slice())?;
            (rest.is_empty() || rest.starts_with(b"/")).then_some((to, rest))
        });
        match longest {
            None => Cow::Borrowed(path),
            Some((to, rest)) if to.is_empty() => {
                Cow::Owned(rest.strip_prefix(b"/").unwrap_or(rest).to_vec())
            }
            Some((to, rest)) => Cow::Owned([to, rest].concat()),
        }
    }

    /// Holds no directory on the way any longer; to be called when directories are removed.
    pub(crate) fn forget_hops(&self) {
        self.hops().clear();
    }

    fn hops(&self) -> MutexGuard<'_, Vec<Hop>> {
        self.hops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deepest kept hop on the way to `path`, and the rest of the path from there.
    fn kept_hop<'a>(&self, path: &'a [u8]) -> Option<(Hop, &'a [u8])> {
        let kept = self.hops();
        let found = kept.iter().rev().find_map(|hop| Some((hop, hop.rest_of(path)?)));
        found.map(|(hop, rest)| (hop.clone(), rest))
    }

    /// Keeps a hop, those above it, and none that is elsewhere.
    fn keep(&self, hop: &Hop) {
        let mut kept = self.hops();
        while kept.last().is_some_and(|last| last.rest_of(&hop.path).is_none()) {
            kept.pop();
        }
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(hop.clone());
    }

    fn hop_on(
        &self,
        mut hop: Option<Hop>,
        path: &[u8],
        mut rest: &[u8],
        flags: OFlags,
    ) -> io::Result<OwnedFd> {
        while rest.len() > HOP {
            let reach = rest.get(..=HOP).unwrap_or(rest);
            let cut = reach.iter().rposition(|b| *b == b'/').ok_or(Errno::NAMETOOLONG)?;
            let (piece, after) = rest.split_at(cut);
            let here = hop.as_ref().map_or_else(|| self.directory(), |hop| hop.directory.as_fd());
            let directory = self.resolve(here, piece, OFlags::PATH | OFlags::DIRECTORY)?;
            let done = path.len() - after.len();
            let path = path.get(..done).unwrap_or(path).to_vec();
            let next = Hop { path, directory: Arc::new(directory) };
            self.keep(&next);
            hop = Some(next);
            rest = after.get(1..).unwrap_or_default();
        }
        let here = hop.as_ref().map_or_else(|| self.directory(), |hop| hop.directory.as_fd());
        self.resolve(here, rest, flags)
    }

    /// The same without leaving a new access time, where that is permitted.
    pub(crate) fn open_quietly(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        match self.open(path, flags | OFlags::NOATIME) {
            Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {
                self.open(path, flags)
            }
            other => other,
        }
    }

    fn resolve(&self, from: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = if path.is_empty() { b"." } else { path };
        if self.stepwise.load(Ordering::Relaxed) {
            return step(from, path, flags);
        }
        let rules = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..ATTEMPTS {
            match openat2(from, path, flags, Mode::empty(), rules) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::NOSYS) => {
                    self.stepwise.store(true, Ordering::Relaxed);
                    break;
                }
                // Some sandboxes refuse calls they do not know in this way; a refused access time
                // looks the same and is for the caller to try again.
                Err(Errno::PERM) if !flags.contains(OFlags::NOATIME) => break,
                other => return Ok(other?),
            }
        }
        step(from, path, flags)
    }
}

/// Opens name by name; each directory on the way is opened as itself, never through a link.
fn step(from: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut names = path.split(|b| *b == b'/').peekable();
    let mut here: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        if name == b".." {
            return Err(Errno::XDEV.into());
        }
        let last = names.peek().is_none();
        let base = here.as_ref().map_or(from, AsFd::as_fd);
        let next = openat(base, name, if last { flags } else { way }, Mode::empty())?;
        if last {
            return Ok(next);
        }
        here = Some(next);
    }
    Err(Errno::NOENT.into())
}
