//! The form of a file with large holes: GNU tar's sparse format 1.0 begins with a map of the
//! regions that hold data, followed by just these regions.

use std::io::{self, Write};

use crate::model::Piece;

/// Regions begin at multiples of this, and end at some, unless the file ends.
const BLOCK: u64 = 512;
/// So many regions at most: their map is held in memory. The last one then takes all that is left.
const REGIONS: usize = 1 << 16;
/// So many bytes of holes are worth a map.
const WORTH: u64 = 1 << 20;

/// The parts of a file that are written.
#[derive(Default)]
pub(super) struct Regions {
    /// Where each begins and ends, in order.
    regions: Vec<(u64, u64)>,
    holes: u64,
    at: u64,
}

impl Regions {
    /// Takes the next piece of the file into account.
    pub(super) fn add(&mut self, piece: &Piece) {
        let end = self.at + piece.length();
        if matches!(piece, Piece::Hole { .. }) && self.regions.len() < REGIONS {
            self.holes += piece.length();
        } else {
            let begin = self.at - self.at % BLOCK;
            let end = end.next_multiple_of(BLOCK);
            match self.regions.last_mut() {
                Some(last) if begin <= last.1 => last.1 = last.1.max(end),
                _ => self.regions.push((begin, end)),
            }
        }
        self.at = end;
    }

    /// The regions, once all pieces are known, if there are holes worth leaving out.
    pub(super) fn worth(mut self) -> Option<Self> {
        if self.holes < WORTH {
            return None;
        }
        if let Some(last) = self.regions.last_mut() {
            last.1 = last.1.min(self.at);
        }
        Some(self)
    }

    /// The map, filled up to whole blocks.
    fn map(&self) -> Vec<u8> {
        let mut text = String::new();
        let ends_with_a_hole = self.regions.last().is_none_or(|last| last.1 < self.at);
        let end = ends_with_a_hole.then_some((self.at, self.at));
        let all: Vec<_> = self.regions.iter().copied().chain(end).collect();
        text.push_str(&format!("{}\n", all.len()));
        for (begin, end) in all {
            text.push_str(&format!("{begin}\n{}\n", end - begin));
        }
        let mut map = text.into_bytes();
        map.resize(map.len().next_multiple_of(BLOCK as usize), 0);
        map
    }

    /// How many bytes map and regions take.
    pub(super) fn length(&self) -> u64 {
        let data: u64 = self.regions.iter().map(|(begin, end)| end - begin).sum();
        self.map().len() as u64 + data
    }

    /// Writes the map.
    pub(super) fn write_map(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.map())
    }

    /// How many bytes of a part of the file are written.
    pub(super) fn within(&self, begin: u64, end: u64) -> u64 {
        let first = self.regions.partition_point(|region| region.1 <= begin);
        let regions = self.regions.iter().skip(first).take_while(|region| region.0 < end);
        regions.map(|region| region.1.min(end) - region.0.max(begin)).sum()
    }
}
