//! The reach of a deletion: whether something that must stay lies in a folder of the target, or
//! that folder in it. Decided by the identity of the folders, never by their paths.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, openat, statx};

use super::{Target, TargetError};
use crate::beneath::{stamp, stat};
use crate::model::TreePath;

/// Device and number of a folder or file.
type Identity = (u64, u64);

/// So many links may lead from one to the next.
const LINKS: usize = 40;

/// Things that must stay whatever is deleted, by their identity.
#[derive(Debug, Default)]
pub struct Staying {
    things: Vec<Stay>,
}

#[derive(Debug)]
struct Stay {
    path: PathBuf,
    /// Its identity, once links are followed.
    itself: Option<Identity>,
    is_folder: bool,
    /// The folders that hold it, or a link on the way to it, and all above them.
    above: Vec<Identity>,
}

impl Staying {
    /// The present identity of these paths. One that does not exist may come into being: its folder
    /// counts.
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { things: paths.iter().map(|path| Stay::new(path)).collect() }
    }

    /// The first of them that is this very thing.
    pub fn is(&self, device: u64, inode: u64) -> Option<&Path> {
        let same = |stay: &&Stay| stay.itself == Some((device, inode));
        self.things.iter().find(same).map(|stay| stay.path.as_path())
    }

    /// The first of them that holds a folder of this path, which need not exist, or is it.
    pub fn holding(&self, folder: &Path) -> Option<&Path> {
        let existing = folder.ancestors().find_map(|above| open(above).ok())?;
        self.around(&chain(existing).ok()?)
    }

    fn around(&self, chain: &[Identity]) -> Option<&Path> {
        let holds = |stay: &&Stay| {
            stay.is_folder && stay.itself.is_some_and(|itself| chain.contains(&itself))
        };
        self.things.iter().find(holds).map(|stay| stay.path.as_path())
    }
}

impl Stay {
    fn new(path: &Path) -> Self {
        let metadata = std::fs::metadata(path).ok();
        use std::os::unix::fs::MetadataExt;
        let itself = metadata.as_ref().map(|found| (found.dev(), found.ino()));
        let is_folder = metadata.is_some_and(|found| found.is_dir());
        let mut above = Vec::new();
        let mut way = path.to_owned();
        for _ in 0..LINKS {
            let folders = way.ancestors().skip(1).filter_map(|folder| open(folder).ok());
            folders.filter_map(|folder| chain(folder).ok()).for_each(|chain| above.extend(chain));
            // The first link on the way; its target leads on.
            let link = way.ancestors().filter(|part| part.is_symlink()).last().map(Path::to_owned);
            let Some(link) = link else { break };
            let Ok(text) = std::fs::read_link(&link) else { break };
            let rest = way.strip_prefix(&link).map(Path::to_owned).unwrap_or_default();
            let led = link.parent().unwrap_or(Path::new("/")).join(text);
            way = if rest.as_os_str().is_empty() { led } else { led.join(rest) };
        }
        above.sort_unstable();
        above.dedup();
        Self { path: path.to_owned(), itself, is_folder, above }
    }
}

impl Target {
    /// The first of these things that lies in a folder of the target, is it, or holds it; nothing
    /// if the folder does not exist.
    ///
    /// # Errors
    /// The folder cannot be looked at.
    pub fn reaches<'s>(
        &self,
        folder: &TreePath,
        staying: &'s Staying,
    ) -> Result<Option<&'s Path>, TargetError> {
        let problem = |error| TargetError::new(folder, error);
        let held = match self.0.beneath.open(folder.as_bytes(), OFlags::PATH | OFlags::DIRECTORY) {
            Ok(held) => held,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(error)),
        };
        let itself = identity(&held).map_err(problem)?;
        let within = |stay: &&Stay| stay.above.contains(&itself) || stay.itself == Some(itself);
        if let Some(stay) = staying.things.iter().find(within) {
            return Ok(Some(&stay.path));
        }
        Ok(staying.around(&chain(held).map_err(problem)?))
    }

    /// The place of a folder: its file system, and where that is mounted.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn mount(&self, folder: &TreePath) -> Result<(u64, u64), TargetError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let look = || -> io::Result<(u64, u64)> {
            let held = self.0.beneath.open(folder.as_bytes(), flags)?;
            let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
            let found = statx(&held, c"", AtFlags::EMPTY_PATH, wanted)?;
            Ok((stamp(&found).device, found.stx_mnt_id))
        };
        look().map_err(|error| TargetError::new(folder, error))
    }
}

fn open(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    Ok(openat(CWD, folder, flags, Mode::empty())?)
}

fn identity(folder: &OwnedFd) -> io::Result<Identity> {
    let stamp = stamp(&stat(folder.as_fd())?);
    Ok((stamp.device, stamp.inode))
}

/// A folder and all above it.
fn chain(folder: OwnedFd) -> io::Result<Vec<Identity>> {
    let mut chain = vec![identity(&folder)?];
    let mut here = folder;
    loop {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        here = openat(&here, c"..", flags, Mode::empty())?;
        let above = identity(&here)?;
        // Above the top is the top.
        if chain.last() == Some(&above) {
            return Ok(chain);
        }
        chain.push(above);
    }
}
