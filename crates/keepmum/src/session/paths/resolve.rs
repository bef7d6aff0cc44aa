//! From the paths that were asked for to those that the snapshot has.

use std::os::unix::ffi::OsStrExt;

use crate::model::{Entry, Kind, Side, TreePath};

use super::asked::{Around, Asked, Paths};
use super::expand::{Group, Names, Place, groups, tree_path};
use super::miss;
use super::pattern::{self, Places};
use super::resolver::Resolver;
use crate::session::error::{Error, ErrorKind};
use crate::session::report::{Problem, note};
use crate::session::walk::{SnapshotWalk, Visit};

/// Most paths that patterns may match in one command.
const MATCHES: usize = 100_000;
/// Most bytes of them together.
const MATCHES_BYTES: usize = 16 << 20;
/// So many places are named where a path may be meant in several.
const NAMED: usize = 5;

/// Something of a snapshot that is meant.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    pub(crate) path: TreePath,
    /// Nothing for the root.
    pub(crate) entry: Option<Entry>,
}

/// What of a snapshot is meant.
#[derive(Debug)]
pub(crate) enum Selection {
    /// Nothing was named, so all of it.
    Everything,
    /// One thing: what is in it, if it is a folder.
    One(Selected),
    /// Things of one or more patterns or paths, in order. Some may lie in others.
    Several(Vec<Selected>),
}

/// What is meant, and what could not be looked at while it was sought.
pub(crate) struct Resolved {
    pub(crate) selection: Selection,
    pub(crate) problems: Vec<Problem>,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    all: Vec<Selected>,
    problems: Vec<Problem>,
}

impl Selection {
    /// The same without what lies in something else of it.
    pub(crate) fn outermost(mut self) -> Self {
        if let Self::Several(several) = &mut self {
            several.dedup_by(|inner, outer| inner.path.is_within(&outer.path));
        }
        self
    }

    /// The paths in order; none for everything.
    pub(crate) fn paths(&self) -> Vec<TreePath> {
        match self {
            Self::Everything => Vec::new(),
            Self::One(one) => vec![one.path.clone()],
            Self::Several(several) => several.iter().map(|one| one.path.clone()).collect(),
        }
    }
}

impl Resolver<'_, '_> {
    /// What is meant. Where one path is missing, nothing is.
    pub(crate) fn resolve(&self, paths: &Paths) -> Result<Resolved, Error> {
        let mut found = Found::default();
        let mut is_one = paths.asked.len() == 1;
        for asked in &paths.asked {
            match asked {
                Asked::Exact(path) => found.all.push(self.exact(path)?),
                Asked::Typed { path, real } => {
                    let mut tried = groups(path, &paths.around, &self.roots);
                    if let Some(real) = real {
                        // Its last name was typed, and may be a pattern.
                        let (folder, name) = match real.parent().zip(real.file_name()) {
                            Some((folder, name)) => (folder.to_owned(), name.as_bytes()),
                            None => (real.clone(), &b"."[..]),
                        };
                        let around = Around { home: None, folders: vec![folder] };
                        tried.extend(groups(name, &around, &[]).into_iter().take(1));
                    }
                    is_one &= self.typed(path, &tried, &mut found)?;
                }
            }
        }
        let Found { mut all, problems } = found;
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all.dedup_by(|a, b| a.path == b.path);
        let selection = match (all.len(), is_one) {
            (0, _) => Selection::Everything,
            (1, true) => Selection::One(all.remove(0)),
            _ => Selection::Several(all),
        };
        Ok(Resolved { selection, problems })
    }

    fn exact(&self, path: &TreePath) -> Result<Selected, Error> {
        let (_, entry) = self.chosen.at(path)?;
        match entry.is_some() || path.is_root() {
            true => Ok(Selected { path: path.clone(), entry }),
            false => Err(miss::error(self, path.to_string().as_bytes(), &[], false)),
        }
    }

    /// Adds what a typed path means; whether it is a path and no pattern.
    fn typed(&self, typed: &[u8], tried: &[Group], found: &mut Found) -> Result<bool, Error> {
        // What has a name like a pattern is meant by that name.
        for group in tried {
            let mut here = Vec::new();
            for path in group.0.iter().filter_map(|place| tree_path(&place.names)) {
                let (_, entry) = self.chosen.at(&path)?;
                if entry.is_some() || path.is_root() {
                    here.push(Selected { path, entry });
                }
            }
            if here.len() > 1 {
                return Err(ambiguous(typed, &here));
            }
            if let Some(one) = here.pop() {
                found.all.push(one);
                return Ok(true);
            }
        }
        let is_pattern = |place: &Place| place.typed().iter().any(|name| pattern::is_pattern(name));
        let mut patterns = tried.iter().filter(|group| group.0.iter().any(is_pattern)).peekable();
        let has_patterns = patterns.peek().is_some();
        for group in patterns {
            let before = found.all.len();
            for place in group.0.iter().filter(|place| is_pattern(place)) {
                let wrong = |what: &str| {
                    let sentence = format!("this pattern cannot be used: {what}");
                    Error::new(ErrorKind::Unusable, sentence).at(String::from_utf8_lossy(typed))
                };
                pattern::check(place.typed()).map_err(wrong)?;
                self.matching(place, found)?;
            }
            if found.all.len() > before {
                return Ok(false);
            }
        }
        // A backslash alone is rather a path of Windows than a pattern.
        let has_wildcards = typed.iter().any(|byte| b"*?[".contains(byte));
        Err(miss::error(self, typed, tried, has_patterns && has_wildcards))
    }

    /// Adds what matches a pattern.
    fn matching(&self, place: &Place, found: &mut Found) -> Result<(), Error> {
        let (typed, pattern) = (place.typed().iter(), &place.names);
        let plain = typed.take_while(|name| !pattern::is_pattern(name)).count() + place.given;
        let Some(path) = tree_path(&pattern[..plain].to_vec()) else { return Ok(()) };
        let (tree, entry) = self.chosen.at(&path)?;
        let node = match &entry {
            None if path.is_root() => Some(tree.root()),
            None => None,
            Some(entry) => tree.place(entry),
        };
        let Some(node) = node else { return Ok(()) };
        // The places in the pattern of each folder that the walk is in.
        let mut places = vec![Places::at(pattern, plain)];
        let mut bytes = 0;
        let mut walk = SnapshotWalk::new(tree, (path, node), (self.observer, "looked at"));
        while let Some(visit) = walk.next() {
            match visit? {
                Visit::Entry(path, entry) => {
                    let Some((_, name)) = path.split() else { continue };
                    let Some(here) = places.last() else { continue };
                    let matched = here.step(pattern, name.as_bytes());
                    let is_folder = matches!(entry.kind, Kind::Directory(_));
                    match matched.beneath.filter(|_| is_folder) {
                        Some(beneath) => places.push(beneath),
                        None => walk.skip_folder(),
                    }
                    if matched.is_whole {
                        bytes += path.as_bytes().len();
                        found.all.push(Selected { path, entry: Some(entry) });
                        if found.all.len() > MATCHES || bytes > MATCHES_BYTES {
                            return Err(too_many(pattern));
                        }
                    }
                }
                Visit::Leave => drop(places.pop()),
                Visit::Unread(path, error) => {
                    let problem = error.problem(&path, &self.chosen.line.state)?;
                    note(&mut found.problems, problem);
                }
            }
        }
        Ok(())
    }
}

fn too_many(pattern: &Names) -> Error {
    let sentence = format!("more than {MATCHES} paths match; name a folder instead");
    let pattern = String::from_utf8_lossy(&pattern.join(&b'/')).into_owned();
    Error::new(ErrorKind::Unusable, sentence).at(format!("/{pattern}"))
}

fn ambiguous(typed: &[u8], places: &[Selected]) -> Error {
    let named: Vec<String> =
        places.iter().take(NAMED).map(|place| place.path.to_string()).collect();
    let more = match places.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let sentence = format!(
        "\"{}\" is in several folders of the snapshot. Name one of {}{more}",
        String::from_utf8_lossy(typed),
        named.join(", "),
    );
    Error::new(ErrorKind::Unusable, sentence)
}
