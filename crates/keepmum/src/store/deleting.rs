//! Deleting one of two files that hold the same bytes, while a sync client may be at work on both.
//!
//! No system call compares and deletes at once. So both files are looked at before and after they
//! are compared, and once more after one is deleted; if the other went with it, it is put back.

use std::io;

use super::local::{LocalStore, read_up_to};
use super::{Comparison, Deletion, NewObject, Put, Store, StoreError, Twins};
use crate::seam::{Identity, ReadAt};

/// How much is compared at a time.
const AT_ONCE: usize = 1 << 16;

impl LocalStore {
    /// Compares; `hear` is given all bytes of the original in order.
    pub(super) fn compare_files(
        &self,
        original: &str,
        copy: &str,
        hear: &mut dyn FnMut(&[u8]),
    ) -> Result<Comparison, StoreError> {
        let look = |path: &str| self.identity(path);
        let before = (look(original)?, look(copy)?);
        if before.0.file == before.1.file {
            return Ok(Comparison::OneFile);
        }
        if before.0.length != before.1.length {
            return Ok(Comparison::Differ);
        }
        let files = (self.open(original)?, self.open(copy)?);
        let is_at_hand = |file: &dyn ReadAt| file.is_at_hand().unwrap_or(false);
        if !is_at_hand(&*files.0) || !is_at_hand(&*files.1) {
            return Ok(Comparison::NotAtHand);
        }
        let (mut one, mut other) = (vec![0; AT_ONCE], vec![0; AT_ONCE]);
        let mut offset = 0;
        while offset < before.0.length {
            let read = |file: &dyn ReadAt, path: &str, buffer: &mut [u8]| {
                let read = read_up_to(|at, part| file.read_at(at, part), offset, buffer);
                read.map_err(|source| self.error(source, Some(path)))
            };
            let counts = (read(&*files.0, original, &mut one)?, read(&*files.1, copy, &mut other)?);
            if counts.0 == 0 || one[..counts.0] != other[..counts.1] {
                return Ok(Comparison::Differ);
            }
            hear(&one[..counts.0]);
            offset += counts.0 as u64;
        }
        if (look(original)?, look(copy)?) != before {
            return Ok(Comparison::Changed);
        }
        let (original, copy) = (original.to_owned(), copy.to_owned());
        Ok(Comparison::Same(Twins { original: (original, before.0), copy: (copy, before.1) }))
    }

    /// Deletes the copy, unless one of them has changed since.
    pub(super) fn delete_copy(&self, twins: &Twins) -> Result<Deletion, StoreError> {
        let Twins { original: (original, first), copy: (copy, second) } = twins;
        // Open, its bytes outlive its name.
        let bytes = self.open(copy)?;
        if self.identity(original)? != *first || self.identity(copy)? != *second {
            return Ok(Deletion::Changed);
        }
        self.delete(copy)?;
        let name = original.rsplit('/').next().unwrap_or(original);
        match self.identity(original) {
            Ok(now) if now.file == first.file && now.length == first.length => {
                return Ok(Deletion::Done);
            }
            Ok(_) => self.write_again(&*bytes, copy, &format!("{name} (kept)"))?,
            Err(_) => self.write_again(&*bytes, copy, name)?,
        }
        Ok(Deletion::PutBack)
    }

    fn identity(&self, path: &str) -> Result<Identity, StoreError> {
        self.disk().identity(path).map_err(|source| self.error(source, Some(path)))
    }

    fn write_again(&self, bytes: &dyn ReadAt, path: &str, name: &str) -> Result<(), StoreError> {
        let failed = |source: io::Error| self.error(source, Some(path));
        let mut object: Box<dyn NewObject + '_> = self.begin()?;
        let mut buffer = vec![0; AT_ONCE];
        let mut offset = 0;
        loop {
            let count = read_up_to(|at, part| bytes.read_at(at, part), offset, &mut buffer);
            let count = count.map_err(failed)?;
            if count == 0 {
                break;
            }
            object.write(&buffer[..count])?;
            offset += count as u64;
        }
        let (Put::Stored | Put::Existed) = object.finish(name)?;
        self.sync()
    }
}
