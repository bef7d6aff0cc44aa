//! Deltas come back on their bases, and on nothing else.

use std::sync::Arc;

use super::{DEVICE, Worker, keyring, store};
use crate::compress::{Compressor, Decompressor, Level};
use crate::format::{PieceKind, Table};
use crate::model::{Bases, ChunkId, IndexError, Locate, Location, ObjectKey};
use crate::pipeline::{self, Mode};
use crate::repository::keys::Keys;
use crate::repository::listing::{Listing, RawListing};
use crate::repository::reader::ObjectReader;
use crate::repository::stored::Destination;
use crate::repository::writer::RunWriter;
use crate::repository::{DeltaBases, PieceReader, Recipe, RepositoryError};
use crate::seam::Random;
use crate::store::simulated::Simulation;

/// An index that returns places whatever their bases are.
#[derive(Default)]
struct Told(Vec<(ChunkId, Location)>);

impl Locate for Told {
    fn locate(&self, id: &ChunkId) -> Result<Vec<Location>, IndexError> {
        Ok(self.0.iter().filter(|(known, _)| known == id).map(|(_, at)| at.clone()).collect())
    }

    fn holds(&self, id: &ChunkId) -> Result<bool, IndexError> {
        Ok(!self.locate(id)?.is_empty())
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// A repository and its contents.
struct Stored {
    sim: Simulation,
    keys: Keys,
    run: u32,
}

type Writer<'p, 'env> = RunWriter<'p, 'env, Worker>;

impl Stored {
    fn new() -> Self {
        let keys = Keys::derive(&keyring(1, 1, &[(1, 10)])).unwrap();
        Self { sim: Simulation::new(6), keys, run: 0 }
    }

    fn id(&self, bytes: &[u8]) -> ChunkId {
        self.keys.writing().piece_id(PieceKind::Chunk, bytes)
    }

    /// Writes one run.
    fn write(&mut self, pieces: impl FnOnce(&mut Writer<'_, '_>)) {
        self.run += 1;
        let store = store(&self.sim);
        let random: &dyn Random = &*self.sim.seam.random;
        let to = Destination { store: &store, keys: &self.keys, random };
        let worker = || Worker(Compressor::new(Level::Default));
        pipeline::run(Mode::Threads(1), worker, |pool| {
            let mut writer = RunWriter::new(pool, to, (DEVICE, self.run), true, Arc::default());
            pieces(&mut writer);
            writer.finish(|_, _| Ok(b"record".to_vec())).map(drop)
        })
        .unwrap();
    }

    fn add(&mut self, bytes: &[u8]) {
        let id = self.id(bytes);
        self.write(|writer| writer.add(PieceKind::Chunk, id, bytes).unwrap());
    }

    fn add_on(&mut self, bytes: &[u8], on: &[&[u8]], reach: u8) {
        let id = self.id(bytes);
        let ids = on.iter().map(|on| self.id(on)).collect();
        let on = DeltaBases { bases: Bases { reach, ids }, bytes: on.concat() };
        self.write(|writer| writer.add_on(PieceKind::Chunk, id, bytes.to_vec(), on).unwrap());
    }

    fn tables(&self) -> Vec<(ObjectKey, Table)> {
        let (store, listing) = self.listing();
        let reader = ObjectReader::new(&store, &self.keys, &listing);
        let mut keys: Vec<ObjectKey> = listing.objects.keys().collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| (key, reader.table(&key).unwrap())).collect()
    }

    fn listing(&self) -> (crate::store::LocalStore, Listing) {
        let store = store(&self.sim);
        let listing = RawListing::read(&store).unwrap().open(&self.keys, Mode::Threads(2));
        (store, listing)
    }

    fn index(&self) -> Told {
        let mut told = Told::default();
        for (object, table) in self.tables() {
            for (block_offset, block) in table.offsets() {
                let mut offset = 0;
                for (id, length) in &block.pieces {
                    let at = Location {
                        object,
                        kind: block.kind as u8,
                        block_offset,
                        stored: block.stored,
                        plain: block.plain,
                        codec: block.codec,
                        offset,
                        length: *length,
                        bases: block.bases.clone(),
                    };
                    told.0.push((*id, at));
                    offset += length;
                }
            }
        }
        told
    }

    /// A piece as the tree's reader and as a restore's workers read it, which must agree.
    fn read(&self, index: &Told, bytes: &[u8]) -> Result<Vec<u8>, RepositoryError> {
        let (store, listing) = self.listing();
        let objects = ObjectReader::new(&store, &self.keys, &listing);
        let id = self.id(bytes);
        let read = PieceReader::new(&objects, index).piece(PieceKind::Chunk, &id);
        let at = index.locate(&id).unwrap().swap_remove(0);
        let recipe = Recipe::of(index, &at);
        let plain = recipe.and_then(|recipe| objects.plain(&recipe, &mut Decompressor::new()));
        assert_eq!(plain.is_ok_and(|plain| plain == bytes), read.is_ok());
        read
    }
}

/// A text that grows by a line at a time.
fn versions(count: usize) -> Vec<Vec<u8>> {
    let mut version = noise(1, 60_000);
    let mut versions = vec![version.clone()];
    for number in 1..count {
        let line = format!("line {number} put in somewhere");
        let at = 1_000 * number;
        version.splice(at..at, line.into_bytes());
        versions.push(version.clone());
    }
    versions
}

#[test]
fn a_chain_of_deltas_comes_back_and_is_as_long_as_the_change() {
    let mut stored = Stored::new();
    let versions = versions(9);
    stored.add(&versions[0]);
    for (before, version) in versions.iter().zip(&versions[1..]) {
        let reach = 1 + stored.run as u8;
        stored.add_on(version, &[before], reach);
    }
    let tables = stored.tables();
    assert_eq!(tables.len(), 9);
    for (number, (_, table)) in tables.iter().enumerate().skip(1) {
        let block = &table.blocks[0];
        assert_eq!((block.codec, usize::from(block.bases.reach)), (2, number + 1));
        assert!(block.stored < 150, "{} bytes", block.stored);
    }
    let index = stored.index();
    for version in &versions {
        assert!(stored.read(&index, version).unwrap() == *version);
    }
}

#[test]
fn a_piece_may_be_a_delta_of_several() {
    let mut stored = Stored::new();
    let (one, other) = (noise(1, 40_000), noise(2, 50_000));
    stored.add(&one);
    stored.add(&other);
    let both = [&one[20_000..], &other[..30_000]].concat();
    stored.add_on(&both, &[&one, &other], 3);
    assert_eq!(stored.tables()[2].1.blocks[0].codec, 2);
    assert!(stored.read(&stored.index(), &both).unwrap() == both);
}

#[test]
fn dissimilar_pieces_are_stored_in_full_with_the_others() {
    let mut stored = Stored::new();
    let (one, other) = (noise(1, 40_000), noise(2, 40_000));
    stored.add(&one);
    stored.add_on(&other, &[&one], 2);
    let text = "the same words come again and again; ".repeat(2_000).into_bytes();
    stored.add_on(&text, &[&one], 2);
    for (_, table) in &stored.tables()[1..] {
        assert!(
            table.blocks.iter().all(|block| block.codec < 2 && block.bases == Bases::default())
        );
    }
    let index = stored.index();
    assert!(stored.read(&index, &other).unwrap() == other);
    assert!(stored.read(&index, &text).unwrap() == text);
}

#[test]
fn a_wrong_base_shows_as_a_wrong_id() {
    let mut stored = Stored::new();
    let versions = versions(3);
    stored.add(&versions[0]);
    stored.add(&versions[1]);
    stored.add_on(&versions[2], &[&versions[1]], 2);
    let mut index = stored.index();
    assert!(stored.read(&index, &versions[2]).is_ok());
    let (wrong, id) = ([stored.id(&versions[0])], stored.id(&versions[2]));
    for (_, at) in index.0.iter_mut().filter(|(known, _)| *known == id) {
        at.bases.ids = wrong.into();
    }
    assert!(matches!(stored.read(&index, &versions[2]), Err(RepositoryError::Damaged { .. })));
}

#[test]
fn missing_circular_far_and_foreign_bases_are_found() {
    let mut stored = Stored::new();
    let versions = versions(3);
    stored.add(&versions[0]);
    stored.add_on(&versions[1], &[&versions[0]], 2);
    stored.add_on(&versions[2], &[&versions[1]], 3);
    let ids: Vec<ChunkId> = versions.iter().map(|version| stored.id(version)).collect();
    let refused = |change: &dyn Fn(&ChunkId, &mut Location)| {
        let mut index = stored.index();
        index.0.iter_mut().for_each(|(id, at)| change(id, at));
        stored.read(&index, &versions[2]).is_err()
    };
    assert!(!refused(&|_, _| {}));
    let circle = |id: &ChunkId, at: &mut Location| {
        if *id == ids[1] {
            at.bases.ids = [ids[2]].into();
        }
    };
    assert!(refused(&circle));
    let itself = |id: &ChunkId, at: &mut Location| {
        if *id == ids[2] {
            at.bases.ids = [ids[2]].into();
        }
    };
    assert!(refused(&itself));
    let missing = |id: &ChunkId, at: &mut Location| {
        if *id == ids[1] {
            at.bases.ids = [ChunkId([9; 32])].into();
        }
    };
    assert!(refused(&missing));
    let of_another_kind = |id: &ChunkId, at: &mut Location| {
        if *id == ids[0] {
            at.kind = PieceKind::Node as u8;
        }
    };
    assert!(refused(&of_another_kind));
    let too_far = |id: &ChunkId, at: &mut Location| {
        if *id == ids[2] {
            at.bases.reach = 2;
        }
    };
    assert!(refused(&too_far));
    let long = |id: &ChunkId, at: &mut Location| {
        if *id == ids[0] {
            at.length = 5 << 20;
        }
    };
    assert!(refused(&long));
}

/// Where a base has several places, the next one is tried; where all of many fail, reading ends.
#[test]
fn each_place_of_a_base_is_tried_and_not_without_end() {
    let mut stored = Stored::new();
    let versions = versions(9);
    stored.add(&versions[0]);
    for (before, version) in versions.iter().zip(&versions[1..]) {
        let reach = 1 + stored.run as u8;
        stored.add_on(version, &[before], reach);
    }
    let index = stored.index();
    let (store, listing) = stored.listing();
    let objects = ObjectReader::new(&store, &stored.keys, &listing);
    let spoilt = |copies: usize, one_is_whole: bool| {
        let mut told = Told::default();
        for (id, at) in &index.0 {
            let bad = Location { offset: 1, length: at.length - 1, ..at.clone() };
            told.0.extend((0..copies).map(|_| (*id, bad.clone())));
            if one_is_whole || at.bases.reach > 1 {
                told.0.push((*id, at.clone()));
            }
        }
        PieceReader::new(&objects, &told).piece(PieceKind::Chunk, &stored.id(&versions[8])).is_ok()
    };
    assert!(spoilt(2, true));
    assert!(!spoilt(2, false));
    assert!(!spoilt(50, false), "this returns");
}
