//! The sync service: it has every file that it ever saw, and brings any of them to each folder, in
//! any order, in part, twice, under other names, deleted ones too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keepmum::inside::format::is_key_block_length;
use keepmum::inside::store::simulated::SimulatedDisk;

use crate::patterns;
use crate::support::Dice;

/// One file of the service.
struct Carried {
    path: String,
    bytes: Arc<Vec<u8>>,
    /// A device has deleted it.
    gone: bool,
}

/// The sync service.
#[derive(Default)]
pub(crate) struct Provider {
    /// In the order in which they appeared: names are random, and the dice must not depend on them.
    files: Vec<Carried>,
    numbers: BTreeMap<String, usize>,
}

/// The stored files that lay whole under their own names, when last looked at.
pub(crate) type There = BTreeSet<String>;

impl Provider {
    /// Takes over the changes that a device has made to its folder since `there` was noted.
    pub(crate) fn upload(&mut self, disk: &SimulatedDisk, there: &There) -> Result<(), String> {
        for path in disk.paths().into_iter().filter(|path| is_object(path)) {
            if self.numbers.contains_key(&path) {
                continue;
            }
            let bytes = Arc::new(disk.content(&path).unwrap());
            self.numbers.insert(path.clone(), self.files.len());
            self.files.push(Carried { path, bytes, gone: false });
        }
        for path in there {
            match (self.numbers.get(path), disk.content(path)) {
                (Some(number), None) => self.files[*number].gone = true,
                (Some(number), Some(now)) if *self.files[*number].bytes != now => {
                    return Err(format!("a device changed a stored file: {path}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The stored files that lie whole under their own names.
    pub(crate) fn there(&self, disk: &SimulatedDisk) -> There {
        let whole = |path: &String| {
            let number = self.numbers.get(path)?;
            (disk.content(path)? == *self.files[*number].bytes).then_some(())
        };
        disk.paths().into_iter().filter(|path| whole(path).is_some()).collect()
    }

    /// Whether a file here has the right length and wrong bytes, under any name: only a reader can
    /// find that.
    pub(crate) fn is_damaged(&self, disk: &SimulatedDisk) -> bool {
        disk.files().iter().any(|(path, bytes)| {
            let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
            // The name is random and of one length, so a name that begins with it is that of a copy.
            let known = self.numbers.range(..=name.clone()).next_back();
            let known = known.filter(|(path, _)| name.starts_with(path.as_str()));
            known.is_some_and(|(_, number)| {
                let right = &self.files[*number].bytes;
                right.len() == bytes.len() && **right != *bytes
            })
        })
    }

    /// Whether there are key blocks, and all that were not deleted are here.
    pub(crate) fn has_all_keys(&self, disk: &SimulatedDisk) -> bool {
        let there = self.there(disk);
        let blocks = self.files.iter().filter(|file| is_key_block(file) && !file.gone);
        let mut here = blocks.map(|file| there.contains(&file.path)).peekable();
        here.peek().is_some() && here.all(|is_here| is_here)
    }

    /// Whether any key block is here under its own name.
    pub(crate) fn has_key_block(&self, disk: &SimulatedDisk) -> bool {
        let there = self.there(disk);
        self.files.iter().any(|file| is_key_block(file) && there.contains(&file.path))
    }

    /// Some files arrive.
    pub(crate) fn deliver(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        // In percent: whole, a part, zeros, and only as a copy.
        let weather = match dice.below(6) {
            0 => [100, 0, 0, 0],
            1 => [60, 20, 0, 10],
            2 => [25, 5, 0, 0],
            3 => [50, 0, 10, 0],
            _ => [60, 0, 0, 0],
        };
        // Newer first, older first, or any.
        let from = if dice.one_in(3) { dice.below(self.files.len().max(1)) } else { 0 };
        for file in self.files.iter().skip(from).filter(|file| !file.gone) {
            if disk.content(&file.path).is_some_and(|there| there == *file.bytes) {
                continue;
            }
            let way = dice.below(100);
            let [whole, half, zeros, only_copy] = weather;
            if way < whole {
                disk.add(&file.path, &file.bytes);
            } else if way < whole + half {
                disk.add(&file.path, &part_of(dice, &file.bytes));
            } else if way < whole + half + zeros {
                disk.add(&file.path, &zeroed(dice, &file.bytes));
            } else if way < whole + half + zeros + only_copy {
                disk.add(&patterns::copy_of(dice, &file.path), &file.bytes);
            }
        }
    }

    /// Everything arrives under its own name, deletions too.
    pub(crate) fn deliver_all(&self, disk: &SimulatedDisk) {
        for file in &self.files {
            match file.gone {
                true => _ = disk.take(&file.path),
                false if disk.content(&file.path).is_some_and(|there| there == *file.bytes) => {}
                false => disk.add(&file.path, &file.bytes),
            }
        }
    }

    /// Removes copies, whole or not.
    pub(crate) fn clear_copies(&self, disk: &SimulatedDisk) {
        let copies = disk.paths().into_iter().filter(|path| !self.numbers.contains_key(path));
        copies.for_each(|path| _ = disk.take(&path));
    }

    /// Deletions arrive.
    pub(crate) fn delete(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        for file in self.files.iter().filter(|file| file.gone) {
            if dice.one_in(2) {
                disk.take(&file.path);
            }
        }
    }

    /// Deleted files come back.
    pub(crate) fn resurrect(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        for file in self.files.iter().filter(|file| file.gone) {
            if dice.one_in(2) {
                disk.add(&file.path, &file.bytes);
            }
        }
    }

    /// Copies appear, with the right bytes or a part of them.
    pub(crate) fn conflict(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        for path in self.some_of(dice, disk) {
            let bytes = disk.content(&path).unwrap();
            let copy = patterns::copy_of(dice, &path);
            match dice.below(5) {
                0 => _ = disk.rename(&path, &copy),
                1 => disk.add(&copy, &part_of(dice, &bytes)),
                _ => disk.add(&copy, &bytes),
            }
        }
    }

    pub(crate) fn case_fold(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        for path in self.some_of(dice, disk) {
            let folded = patterns::case_folded(dice, &path);
            match dice.one_in(3) {
                true => disk.add(&folded, &disk.content(&path).unwrap()),
                false => _ = disk.rename(&path, &folded),
            }
        }
    }

    pub(crate) fn sub_folder(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        let folder = patterns::folder(dice);
        for path in self.ours(disk) {
            if dice.one_in(2) {
                disk.rename(&path, &format!("{folder}/{path}"));
            }
        }
    }

    pub(crate) fn truncate(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        for path in self.some_of(dice, disk) {
            let part = part_of(dice, &disk.content(&path).unwrap());
            disk.add(&path, &part);
        }
    }

    pub(crate) fn zero_fill(&self, dice: &mut Dice, disk: &SimulatedDisk) {
        for path in self.some_of(dice, disk) {
            let zeroed = zeroed(dice, &disk.content(&path).unwrap());
            disk.add(&path, &zeroed);
        }
    }

    /// The stored files here, in the order in which they appeared in the world.
    fn ours(&self, disk: &SimulatedDisk) -> Vec<String> {
        let there: BTreeSet<String> = disk.paths().into_iter().collect();
        let paths = self.files.iter().map(|file| file.path.clone());
        paths.filter(|path| there.contains(path)).collect()
    }

    fn some_of(&self, dice: &mut Dice, disk: &SimulatedDisk) -> Vec<String> {
        let ours = self.ours(disk);
        if ours.is_empty() {
            return ours;
        }
        let mut some: Vec<String> =
            (0..1 + dice.below(3)).map(|_| dice.pick(&ours).clone()).collect();
        some.sort();
        some.dedup();
        some
    }
}

fn is_key_block(file: &Carried) -> bool {
    is_key_block_length(file.bytes.len() as u64)
}

/// Whether a path is one that a device gives to a stored file.
fn is_object(path: &str) -> bool {
    path.len() > 40 && path.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

/// Empty, a half, or all but a byte; sometimes a page of HTML instead.
fn part_of(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    match dice.below(4) {
        0 => Vec::new(),
        1 => bytes[..bytes.len().saturating_sub(1)].to_vec(),
        2 => b"<!DOCTYPE html><html><body>Sign in to continue</body></html>".to_vec(),
        _ => bytes[..dice.below(bytes.len().max(1))].to_vec(),
    }
}

/// The same length, with zeros from some place on.
fn zeroed(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut zeroed = bytes.to_vec();
    let from = dice.below(bytes.len().max(1));
    zeroed.iter_mut().skip(from).for_each(|byte| *byte = 0);
    zeroed
}
