//! Extended attributes of restored things: which are set, which are left out, which are removed.

use std::io;

use rustix::io::Errno;

use super::kept::lost;
use super::metadata::CurrentMetadata;
use super::{Inner, Target, TargetError, TargetErrorKind, kept};
use crate::beneath::{Handle, XATTR, stamp};
use crate::model::{Attribute, Found, FoundKind, Metadata, TreePath};
use crate::seam::Operation;

/// The capabilities of a program.
const CAPABILITY: &str = "security.capability";

impl Target {
    /// Whether the attributes in the target differ from the wanted ones, as far as they can be set.
    ///
    /// # Errors
    /// They cannot be read, or something of another kind is there.
    pub fn attributes_differ(
        &self,
        path: &TreePath,
        kind: FoundKind,
        wanted: &[Attribute],
    ) -> Result<bool, TargetError> {
        let (present, device) = self.0.hold(path, kind, |handle, _| {
            let present =
                handle.attributes().whole().map_err(|error| TargetError::new(path, error))?;
            let found = handle.stat().map_err(|error| TargetError::new(path, error))?;
            Ok((present, stamp(&found).device))
        })??;
        // An unreadable attribute counts as equal: nobody knows whether it differs.
        let unknown = |one: &Attribute| {
            wanted.iter().any(|wanted| wanted.value().is_none() && wanted.key() == one.key())
        };
        let ours = |list: &[Attribute]| -> Vec<Attribute> {
            let kept = list.iter().filter(|a| self.0.is_kept(a) && !unknown(a));
            kept.filter(|a| self.0.is_ours(&a.name)).cloned().collect()
        };
        let (present, wanted) = (ours(&present), ours(wanted));
        if present == wanted {
            return Ok(false);
        }
        // Attributes that the target cannot keep beside the existing ones make no difference.
        let missing: Vec<Attribute> =
            wanted.iter().filter(|one| !present.contains(one)).cloned().collect();
        let others = present.iter().any(|one| !wanted.contains(one));
        Ok(others || self.0.refusals(device, &present, &missing).iter().any(Option::is_none))
    }

    /// The metadata that something in the target lacks because it may not be given to it. The thing
    /// is as right as it can be, and setting its metadata again would report the same.
    ///
    /// # Errors
    /// Its attributes cannot be read, or something of another kind is there.
    pub fn left_out(
        &self,
        path: &TreePath,
        found: &Found,
        wanted: &Metadata,
    ) -> Result<Vec<TargetError>, TargetError> {
        let inner = &self.0;
        let owner = found.metadata.owner.numbers;
        let mut problems = Vec::new();
        let right = inner.wanted_owner(wanted);
        if !inner.root && right.is_some() && right != owner {
            problems.push(TargetError::not_owner(path));
        }
        inner.lacking(path, found, wanted, &mut problems);
        if !wanted.attributes.is_empty() {
            let present = inner.hold(path, found.kind, |handle, _| {
                handle.attributes().whole().map_err(|error| TargetError::new(path, error))
            })??;
            let lacks = |one: &&Attribute| one.value().is_some() && !present.contains(one);
            let missing = wanted.attributes.iter().filter(lacks).cloned();
            let (missing, others): (Vec<_>, Vec<_>) = missing.partition(|one| inner.is_kept(one));
            problems.extend(others.iter().filter_map(|one| refusal(path, one)));
            let present: Vec<_> = present.into_iter().filter(|a| inner.is_ours(&a.name)).collect();
            let refused = inner.refusals(found.stamp.device, &present, &missing);
            problems.extend(missing.iter().zip(refused).map(|(one, refused)| {
                not_set(path, &one.name, refused.unwrap_or(Errno::OPNOTSUPP), true)
            }));
        }
        if found.kind != FoundKind::Symlink {
            let mode = inner.right_mode(found, wanted);
            if mode != wanted.mode.map(|mode| mode & 0o7777) {
                problems.push(inner.set_id_left_out(path));
            }
            if mode.is_some() && found.metadata.mode != mode {
                problems.push(lost(path, kept::MODE));
            }
        }
        Ok(problems)
    }
}

/// The sentence about an omitted attribute. The running system gives a label (`security.selinux`
/// and its kin) to everything, and its own serves as well: nothing is lacking.
fn refusal(path: &TreePath, attribute: &Attribute) -> Option<TargetError> {
    let name = String::from_utf8_lossy(&attribute.name);
    if *attribute.namespace != *XATTR {
        let source = io::Error::other(format!("attribute {name} is of another system"));
        return Some(TargetError::of(path, TargetErrorKind::Unsupported, source));
    }
    let is_label = name.starts_with("security.") && name != CAPABILITY;
    (!is_label).then(|| TargetError::not_permitted(path, &format!("attribute {name} was")))
}

/// An attribute that the system did not take. A file system for which it is too large, alone or
/// beside the others, calls itself full, or the quota used up. That is believed only where no
/// space is left.
fn not_set(path: &TreePath, name: &[u8], error: Errno, has_space: bool) -> TargetError {
    let name = String::from_utf8_lossy(name);
    let (kind, text) = match error {
        Errno::NOSPC if !has_space => {
            (TargetErrorKind::Full, format!("attribute {name}: {}", io::Error::from(error)))
        }
        Errno::DQUOT => {
            let text = "does not fit the target's file system, or is more than a quota allows";
            (TargetErrorKind::Unsupported, format!("attribute {name} {text}"))
        }
        Errno::NOSPC | Errno::TOOBIG | Errno::RANGE => {
            let text = format!("attribute {name} does not fit the target's file system");
            (TargetErrorKind::Unsupported, text)
        }
        error => {
            let kind = TargetError::new(path, error).kind;
            (kind, format!("attribute {name}: {}", io::Error::from(error)))
        }
    };
    TargetError::of(path, kind, io::Error::other(text))
}

/// Whether the file system of something has any space left. One that does not say it has.
fn has_space(handle: &Handle<'_>) -> bool {
    handle.free_blocks().is_none_or(|blocks| blocks > 0)
}

impl Inner {
    /// Sets the attributes whose values are at hand; omitted and refused ones are reported.
    pub(super) fn set_attributes(
        &self,
        handle: &Handle<'_>,
        path: &TreePath,
        attributes: &[Attribute],
        problems: &mut Vec<TargetError>,
    ) {
        let mut refused = Vec::new();
        for attribute in attributes {
            if !self.is_kept(attribute) {
                problems.extend(refusal(path, attribute));
                continue;
            }
            let Some(value) = attribute.value() else { continue };
            match self.ask(Operation::TargetMetadata, path) {
                Err(error) => problems.push(error),
                Ok(()) if handle.set_attribute(&attribute.name, value).is_err() => {
                    refused.push((&attribute.name, value));
                }
                Ok(()) => {}
            }
        }
        // One that came later may have made room by becoming smaller.
        for (name, value) in refused {
            if let Err(error) = handle.set_attribute(name, value) {
                problems.push(not_set(path, name, error, has_space(handle)));
            }
        }
    }

    /// Attributes that something has and is not to have.
    pub(super) fn others(
        &self,
        handle: &Handle<'_>,
        path: &TreePath,
        wanted: &[Attribute],
        problems: &mut Vec<TargetError>,
    ) -> Vec<Vec<u8>> {
        let mut present = handle.attribute_names().unwrap_or_else(|error| {
            problems.push(TargetError::new(path, error));
            Vec::new()
        });
        present.retain(|name| {
            self.is_ours(name) && !wanted.iter().any(|attribute| *attribute.name == **name)
        });
        present
    }

    pub(super) fn remove_attributes(
        &self,
        handle: &Handle<'_>,
        path: &TreePath,
        names: &[Vec<u8>],
        problems: &mut Vec<TargetError>,
    ) {
        for name in names {
            let gone = self.ask(Operation::TargetMetadata, path).and_then(|()| {
                let gone = handle.remove_attribute(name);
                gone.map_err(|error| not_set(path, name, error, has_space(handle)))
            });
            gone.unwrap_or_else(|error| problems.push(error));
        }
    }

    /// Lets the owner write while attributes change, which only root can do without. That it
    /// fails shows when they are set.
    pub(super) fn make_writable(
        &self,
        handle: &Handle<'_>,
        kind: FoundKind,
        given: &mut CurrentMetadata<'_>,
    ) {
        if let CurrentMetadata::Known { mode, .. } = given
            && !self.root
            && kind != FoundKind::Symlink
            && *mode & 0o200 == 0
            && handle.set_mode(*mode | 0o200).is_ok()
        {
            *mode |= 0o200;
        }
    }

    /// Whether an attribute may be set.
    fn is_kept(&self, attribute: &Attribute) -> bool {
        let name = &*attribute.name;
        let powerful = name.starts_with(b"security.") || name.starts_with(b"trusted.");
        *attribute.namespace == *XATTR && (self.options.special || !powerful)
    }

    /// Whether an attribute is there only because somebody set it; others, labels for example,
    /// the system gives to everything.
    fn is_ours(&self, name: &[u8]) -> bool {
        name.starts_with(b"user.")
            || name.starts_with(b"system.posix_acl_")
            || (self.options.special
                && (name.starts_with(b"trusted.") || name == CAPABILITY.as_bytes()))
    }
}
