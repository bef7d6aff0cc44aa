//! The rules for leaving things out of a source.

use std::path::{Path, PathBuf};

use super::error::RootProblem;
use super::pattern::{PatternList, Verdict};
use crate::model::TreePath;

/// The rules for leaving things out of a source. Roots themselves are never left out: somebody who
/// names a folder wants it.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Patterns as in a gitignore file, each relative to every root; one that begins with a
    /// root's own path counts below that root only.
    pub excludes: Vec<String>,
    /// Leave out the files beside a `CACHEDIR.TAG` with the standard signature. The directory and
    /// the tag stay.
    pub exclude_caches: bool,
    /// Leave out regular files of more than so many bytes.
    pub exclude_larger_than: Option<u64>,
    /// Leave out files on other file systems than the roots'. Mount points stay, empty.
    pub one_file_system: bool,
    /// Absolute paths that are always left out, also under any other path to the same files: the
    /// destination, the catalogue.
    pub never: Vec<PathBuf>,
    /// Absolute paths of files that come and go beside those, left out by path only: the system may
    /// give their inodes to other files meanwhile.
    pub beside: Vec<PathBuf>,
    /// Remember each thing that was left out, not only those that no pattern and no tag explains.
    pub record_excluded: bool,
}

impl Rules {
    /// Whether single entries have to be looked at.
    pub(super) fn choose_entries(&self) -> bool {
        !self.excludes.is_empty()
            || !self.never.is_empty()
            || !self.beside.is_empty()
            || self.exclude_larger_than.is_some()
    }
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// The kind of thing left out.
    pub path: TreePath,
    /// By which rule.
    pub why: Why,
}

/// The rule by which something was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// This pattern matches it.
    Pattern(String),
    /// It is the content of a tagged cache directory; the path is the directory's.
    Cache,
    /// It is too large.
    Size,
    /// It is the content of another file system; the path is the mount point's.
    OtherFileSystem,
    /// It belongs to the backup itself.
    Never,
    /// An interrupted restore left it behind.
    Unfinished,
}

/// How many things were left out, by rule. A directory counts as one, whatever it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExcludedCounts {
    /// By a pattern.
    pub pattern: u64,
    /// Cache directories.
    pub cache: u64,
    /// Files that are too large.
    pub size: u64,
    /// Mount points.
    pub other_file_system: u64,
    /// The backup itself, and leftovers of interrupted restores.
    pub never: u64,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pattern(pattern) => write!(f, "pattern {pattern}"),
            Self::Cache => f.write_str("CACHEDIR.TAG"),
            Self::Size => f.write_str("too large"),
            Self::OtherFileSystem => f.write_str("another file system"),
            Self::Never => f.write_str("belongs to the backup itself"),
            Self::Unfinished => f.write_str("left behind by an interrupted restore"),
        }
    }
}

impl ExcludedCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.pattern + self.cache + self.size + self.other_file_system + self.never
    }

    pub(super) fn count(&mut self, why: &Why) {
        let counter = match why {
            Why::Pattern(_) => &mut self.pattern,
            Why::Cache => &mut self.cache,
            Why::Size => &mut self.size,
            Why::OtherFileSystem => &mut self.other_file_system,
            Why::Never | Why::Unfinished => &mut self.never,
        };
        *counter += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.pattern += other.pattern;
        self.cache += other.cache;
        self.size += other.size;
        self.other_file_system += other.other_file_system;
        self.never += other.never;
    }
}

/// The patterns as they apply below one root.
#[derive(Default)]
pub(super) struct Patterns {
    own: PatternList,
    /// Of the roots within this one: the path from here, and their patterns. The deepest first.
    nested: Vec<(Vec<u8>, PatternList)>,
}

impl Patterns {
    /// Compiles the part of `excludes` that concerns `root`, one of `roots`.
    pub(super) fn new(
        excludes: &[String],
        root: &Path,
        roots: &[PathBuf],
    ) -> Result<Self, RootProblem> {
        let mut own = PatternList::default();
        for pattern in excludes {
            let Some(line) = relative(pattern, root, roots)? else { continue };
            own.add(&line)
                .map_err(|reason| RootProblem::BadPattern { pattern: pattern.clone(), reason })?;
        }
        Ok(Self { own, nested: Vec::new() })
    }

    /// Takes over the patterns of a root that lies in this one.
    pub(super) fn nest(&mut self, path: &[u8], inner: Self) {
        self.nested.push((path.to_vec(), inner.own));
        self.nested.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.nested.iter().all(|(_, list)| list.is_empty())
    }

    /// The pattern that leaves this path out; it is relative to the root. A root within this one
    /// decides first, if it says anything.
    pub(super) fn matching(&self, path: &[u8], is_directory: bool) -> Option<String> {
        let inner = self.nested.iter().find_map(|(above, list)| {
            let beneath = path.strip_prefix(above.as_slice())?.strip_prefix(b"/")?;
            list.verdict(beneath, is_directory)
        });
        match inner.or_else(|| self.own.verdict(path, is_directory))? {
            Verdict::LeftOut(pattern) => Some(pattern.to_owned()),
            Verdict::Kept => None,
        }
    }
}

/// The reason why a pattern can match nothing below any root, if it is visible: somebody has
/// mistaken the place that patterns count from.
pub(super) fn useless(pattern: &str, roots: &[PathBuf]) -> Option<&'static str> {
    let body = pattern.strip_prefix('!').unwrap_or(pattern).trim_end_matches(['/', ' ']);
    if body.is_empty() || body.starts_with('#') || roots.iter().any(|r| beneath(body, r).is_some())
    {
        return None;
    }
    let mut parts = body.strip_prefix('/').unwrap_or(body).split('/');
    let is_dotted = |part: &str| matches!(part, "." | ".." | "");
    if parts.any(is_dotted) {
        return Some("no path below a folder to back up has a part like \".\", \"..\" or nothing");
    }
    let is_below = roots.iter().any(|root| {
        let at = root.join(body.trim_start_matches('/'));
        at.symlink_metadata().is_ok()
    });
    let is_elsewhere = body.starts_with('/') && Path::new(body).symlink_metadata().is_ok();
    (!is_below && (is_elsewhere || body.starts_with("~/")))
        .then_some("it counts from each folder to back up, and is a path elsewhere")
}

/// The pattern as it counts below `root`: unchanged, without the root's path before it, or not at
/// all because it begins with another root's path.
fn relative(pattern: &str, root: &Path, roots: &[PathBuf]) -> Result<Option<String>, RootProblem> {
    let (sign, body) = match pattern.strip_prefix('!') {
        Some(body) => ("!", body),
        None => ("", pattern),
    };
    let Some(rest) = beneath(body, root) else {
        let elsewhere = roots.iter().any(|other| beneath(body, other).is_some());
        return Ok((!elsewhere).then(|| pattern.to_owned()));
    };
    if rest.trim_matches('/').is_empty() {
        return Err(RootProblem::LeftOut {
            path: root.to_owned(),
            by: format!("by the pattern \"{pattern}\""),
        });
    }
    Ok(Some(format!("{sign}{rest}")))
}

/// The part of a pattern after a root's path, with its leading `/`.
fn beneath<'a>(pattern: &'a str, root: &Path) -> Option<&'a str> {
    let root = root.to_str()?;
    if root == "/" {
        return pattern.starts_with('/').then_some(pattern);
    }
    pattern.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}
