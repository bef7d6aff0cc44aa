//! Names and paths as bytes, and their one order.
//!
//! A path can only be built valid: a hostile repository cannot put `..` or `/` into a name,
//! because no such [`Name`] exists.

use std::cmp::Ordering;
use std::fmt;

/// One component of a path: 1 to 1,023 bytes, no `/`, no NUL, not `.` or `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

/// These bytes are no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidName;

impl Name {
    /// Longest name in bytes.
    pub const MAX: usize = 1023;

    /// The name in these bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidName> {
        Self::check(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Whether these bytes are a name.
    pub fn check(bytes: &[u8]) -> Result<(), InvalidName> {
        let fits = (1..=Self::MAX).contains(&bytes.len());
        if !fits || bytes == b"." || bytes == b".." || bytes.iter().any(|b| matches!(b, b'/' | 0)) {
            return Err(InvalidName);
        }
        Ok(())
    }

    /// The bytes as the file system has them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A path below `/`: names joined by `/`; empty for the root itself.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TreePath(Vec<u8>);

/// These bytes are no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPath;

/// The path as people write it: from the top, with non-text bytes replaced.
impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", String::from_utf8_lossy(&self.0))
    }
}

impl TreePath {
    /// Longest path in bytes.
    pub const MAX: usize = 131_071;

    /// The path `/`.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path in these bytes, which have neither a leading nor a trailing `/`.
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidPath> {
        if bytes.len() > Self::MAX {
            return Err(InvalidPath);
        }
        if bytes.is_empty() {
            return Ok(Self::root());
        }
        if bytes.split(|b| *b == b'/').all(|part| Name::new(part).is_ok()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(InvalidPath)
        }
    }

    /// The path as bytes, without a leading `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path with one more name.
    pub fn join(&self, name: &Name) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.0.len());
        bytes.extend_from_slice(&self.0);
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(&name.0);
        Self(bytes)
    }

    /// This path as it is called from `above`, of which it is a part.
    pub fn under(&self, above: &Self) -> Self {
        let both = [above.0.as_slice(), self.0.as_slice()];
        let slash = if both.iter().any(|bytes| bytes.is_empty()) { &b""[..] } else { b"/" };
        Self([both[0], slash, both[1]].concat())
    }

    /// Goes up to the path above that has so many bytes.
    pub(super) fn shorten(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// The path above and the last name; nothing for the root.
    pub fn split(&self) -> Option<(Self, Name)> {
        if self.is_root() {
            return None;
        }
        let (parent, name) = match self.0.iter().rposition(|b| *b == b'/') {
            Some(at) => (&self.0[..at], &self.0[at + 1..]),
            None => (&self.0[..0], &self.0[..]),
        };
        Some((Self(parent.to_vec()), Name(name.into())))
    }

    /// The names from the top down.
    pub fn names(&self) -> impl Iterator<Item = Name> + '_ {
        self.0.split(|b| *b == b'/').filter(|part| !part.is_empty()).map(|part| Name(part.into()))
    }

    /// Whether `self` is `other` or lies beneath it.
    pub fn is_within(&self, other: &Self) -> bool {
        other.is_root()
            || self.0 == other.0
            || (self.0.starts_with(&other.0) && self.0.get(other.0.len()) == Some(&b'/'))
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TreePath {
    /// Component by component: `/` sorts below every other byte, so that a directory comes just
    /// before its contents.
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |b: &u8| if *b == b'/' { 0 } else { *b };
        self.0.iter().map(rank).cmp(other.0.iter().map(rank))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, TreePath};

    #[test]
    fn names_that_could_leave_a_folder_do_not_exist() {
        for bad in [&b""[..], b".", b"..", b"a/b", b"a\0b", &[b'x'; 1024]] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
        for good in [&b"..."[..], b"a\nb", b"\xff", &[b'x'; 1023], b" "] {
            assert!(Name::new(good).is_ok(), "{good:?}");
        }
        for bad in [&b"/a"[..], b"a/", b"a//b", b"a/../b", b"./a"] {
            assert!(TreePath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn order_is_by_component() {
        let mut paths: Vec<_> = [&b"a-b"[..], b"a/z", b"a", b"a/b/c", b"a b", b"", b"a/b"]
            .map(|p| TreePath::new(p).unwrap())
            .into();
        paths.sort();
        let sorted: Vec<_> = paths.iter().map(TreePath::as_bytes).collect();
        assert_eq!(sorted, [&b""[..], b"a", b"a/b", b"a/b/c", b"a/z", b"a b", b"a-b"]);
    }

    #[test]
    fn split_join_and_within_agree() {
        let path = TreePath::new(b"a/b/c").unwrap();
        let (parent, name) = path.split().unwrap();
        assert_eq!(parent.join(&name), path);
        assert!(path.is_within(&parent) && path.is_within(&path) && !parent.is_within(&path));
        assert!(!TreePath::new(b"a/bc").unwrap().is_within(&parent));
        assert_eq!(path.names().count(), 3);
        let (root, c) = (TreePath::root(), TreePath::new(b"c").unwrap());
        assert_eq!(c.under(&parent), path);
        assert_eq!((path.under(&root), root.under(&path)), (path.clone(), path));
    }
}
