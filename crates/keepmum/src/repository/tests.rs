//! The writer stays within the reader's bounds, and every key that fits is tried.

mod deltas;
mod key_vectors;
mod keys;

use std::collections::HashSet;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::availability::Availability;
use super::chain::Chains;
use super::keys::Keys;
use super::listing::{Listing, RawListing};
use super::packing::PIECES_PER_BLOCK;
use super::reader::ObjectReader;
use super::stored::Destination;
use super::writer::{Finished, RunWriter};
use super::{RepositoryError, object};
use crate::compress::{Compressor, Decompressor, Level};
use crate::format::{
    Backup, Epoch, Further, Keyring, KeyringRepository, Needs, ObjectEntry, ObjectKind, ObjectName,
    Parameters, PieceKind, RECORD_MAX, Record, RecordTime, RunObjects, SourceName, Summary, Table,
    decode_index,
};
use crate::model::{ChunkId, DeviceId, ObjectKey, RecordHash, RecordRef, RepositoryId};
use crate::pipeline::{self, Mode};
use crate::store::LocalStore;
use crate::store::simulated::Simulation;

const DEVICE: DeviceId = DeviceId([3; 8]);

struct Worker(Compressor);

impl AsMut<Compressor> for Worker {
    fn as_mut(&mut self) -> &mut Compressor {
        &mut self.0
    }
}

pub(crate) fn keyring(generation: u64, id: u8, epochs: &[(u16, u8)]) -> Keyring {
    let secret = |byte: &u8| Zeroizing::new([*byte; 32]);
    let further = Further::default();
    Keyring {
        generation,
        repositories: vec![KeyringRepository {
            secret: secret(&id),
            epochs: epochs.iter().map(|(number, byte)| Epoch::new(*number, secret(byte))).collect(),
            parameters: Parameters {
                chunker: 0,
                average: 1 << 20,
                padding: 0,
                object_size: None,
                further: further.clone(),
            },
            id: RepositoryId([id; 8]),
            further: further.clone(),
        }],
        families: Vec::new(),
        former: Vec::new(),
        last_removal: 0,
        is_restricted: false,
        further,
    }
}

fn store(sim: &Simulation) -> LocalStore {
    LocalStore::new(Arc::clone(&sim.seam.disk))
}

/// Writes a run of these chunks and a record of these bytes.
fn write(
    sim: &Simulation,
    keys: &Keys,
    run: u32,
    chunks: &[Vec<u8>],
    record: Vec<u8>,
) -> Result<Finished, RepositoryError> {
    write_at((sim, keys), run, Level::Fast, chunks, record, |_| {})
}

fn write_at(
    (sim, keys): (&Simulation, &Keys),
    run: u32,
    level: Level,
    chunks: &[Vec<u8>],
    record: Vec<u8>,
    prepare: impl FnOnce(&mut RunWriter<'_, '_, Worker>),
) -> Result<Finished, RepositoryError> {
    let store = store(sim);
    let to = Destination { store: &store, keys, random: &*sim.seam.random };
    pipeline::run(
        Mode::Threads(1),
        || Worker(Compressor::new(level)),
        |pool| {
            let mut writer = RunWriter::new(pool, to, (DEVICE, run), true, Arc::default());
            prepare(&mut writer);
            for chunk in chunks {
                writer.add(
                    PieceKind::Chunk,
                    keys.writing().piece_id(PieceKind::Chunk, chunk),
                    chunk,
                )?;
            }
            writer.finish(|_, _| Ok(record))
        },
    )
}

#[test]
fn objects_of_two_epochs_with_one_number_both_open() {
    let sim = Simulation::new(1);
    let one = Keys::derive(&keyring(2, 1, &[(2, 20), (1, 10)])).unwrap();
    let other = Keys::derive(&keyring(2, 1, &[(2, 30), (1, 10)])).unwrap();
    write(&sim, &one, 1, &[], b"one".to_vec()).unwrap();
    write(&sim, &other, 2, &[], b"other".to_vec()).unwrap();
    let both = keyring(2, 1, &[(2, 30), (2, 20), (1, 10)]);
    let both = Keys::derive(&both).unwrap();
    write(&sim, &both, 3, &[], b"both".to_vec()).unwrap();
    let store = store(&sim);
    let raw = RawListing::read(&store).unwrap();
    let opened_by = |keys: &Keys| -> Vec<u32> {
        let listing = raw.open(keys, Mode::Threads(2));
        let reader = ObjectReader::new(&store, keys, &listing);
        let mut runs: Vec<u32> = listing.objects.keys().map(|key| key.run).collect();
        runs.sort_unstable();
        let opens = |run: &u32| {
            let key = listing.objects.keys().find(|key| key.run == *run).unwrap();
            reader.table(&key).is_ok()
        };
        assert_eq!(runs, [1, 2, 3]);
        runs.into_iter().filter(opens).collect()
    };
    assert_eq!(opened_by(&both), [1, 2, 3]);
    assert_eq!(opened_by(&one), [1]);
    assert_eq!(opened_by(&other), [2, 3], "writers use the first");
}

#[test]
fn very_many_small_pieces_leave_tables_and_indexes_within_their_bounds() {
    let sim = Simulation::new(3);
    let keys = Keys::derive(&keyring(1, 1, &[(1, 10)])).unwrap();
    let count = 5 * PIECES_PER_BLOCK + 7;
    let chunks: Vec<Vec<u8>> = (0..count).map(|n| n.to_le_bytes()[..4].to_vec()).collect();
    write(&sim, &keys, 1, &chunks, b"record".to_vec()).unwrap();
    let store = store(&sim);
    let listing = RawListing::read(&store).unwrap().open(&keys, Mode::Threads(2));
    let reader = ObjectReader::new(&store, &keys, &listing);
    let (mut stored, mut indexed, mut data) = (0, 0, 0);
    for (key, object) in listing.objects.iter() {
        let table = reader.table(&key).unwrap();
        assert!(table.encode().len() <= object::TABLE_TARGET);
        assert!(table.blocks.iter().all(|block| block.pieces.len() <= PIECES_PER_BLOCK));
        if object.name.kind == ObjectKind::Data {
            data += 1;
            stored += pieces(&table);
        }
        let mut decompressor = Decompressor::new();
        for (offset, block) in table.offsets().filter(|(_, block)| block.kind == PieceKind::Index) {
            for bytes in reader.pieces(&key, offset, block, &mut decompressor).unwrap() {
                let entries = decode_index(&bytes).unwrap();
                indexed += entries.iter().map(|entry| pieces(&entry.table)).sum::<usize>();
            }
        }
    }
    assert_eq!((stored, indexed), (count, count));
    assert!(data > 1, "no object was closed for its table");
}

fn pieces(table: &Table) -> usize {
    table.blocks.iter().map(|block| block.pieces.len()).sum()
}

#[test]
fn a_record_that_no_block_holds_is_not_written() {
    let sim = Simulation::new(4);
    let keys = Keys::derive(&keyring(1, 1, &[(1, 10)])).unwrap();
    let length = usize::try_from(RECORD_MAX).unwrap();
    let written = write(&sim, &keys, 1, &[], vec![0; length + 1]);
    assert!(matches!(written, Err(RepositoryError::Unwritable(_))));
    assert!(write(&sim, &keys, 1, &[], vec![0; length]).is_ok());
}

/// Sums of runs equal counting one by one.
#[test]
fn the_needs_of_a_range_of_runs_are_counted_right() {
    let object = |run, number| ObjectEntry {
        number,
        kind: ObjectKind::Data,
        length: 10,
        hash: [u8::try_from(run % 251).unwrap(); 16],
    };
    let key = |run: u32, number| ObjectKey {
        device: DEVICE,
        run,
        number,
        hash: object(run, number).hash,
    };
    let mut listing = Listing::default();
    let mut records = Vec::new();
    // Runs 1, 4, 5, 7 and 9 have a record here, run 3 two that are missing; two of 7 are a fork.
    let hash_of = |run: u32, by: u32| match run {
        3 => [90 + by as u8; 32],
        4 => [1; 32],
        5 => [2; 32],
        _ => [3; 32],
    };
    for (run, previous) in
        [(1, None), (4, Some(3)), (5, Some(4)), (7, Some(5)), (7, Some(3)), (9, Some(7))]
    {
        let number = records.len() as u32;
        let at = RecordRef { device: DEVICE, run, hash: RecordHash([number as u8; 32]) };
        let record = Record {
            device: DEVICE,
            run,
            previous: previous.map(|before| (before, RecordHash(hash_of(before, run)))),
            seen: Vec::new(),
            time: RecordTime::default(),
            objects: vec![RunObjects { run, objects: vec![object(run, 50), object(run, 51)] }],
            items: Vec::new(),
            program: String::new(),
        };
        for (place, number) in [number, 50, 51].into_iter().enumerate() {
            if run != 5 || place != 1 {
                let ObjectKey { device, run, number, hash } = key(run, number);
                let (epoch, kind, length) = (1, ObjectKind::Data, 10);
                let name = ObjectName { epoch, kind, device, run, number, length, hash };
                listing.add_written(&name, 0);
            }
        }
        records.push((at, record, key(run, number)));
    }
    let chains = Chains::new(records.clone(), Vec::new());
    let availability = Availability::new(&chains, &listing, &HashSet::new());
    for first in 0..11 {
        for last in 0..11 {
            let needs = vec![
                Needs { device: DEVICE, first, last },
                Needs { device: DEVICE, first: 5, last: 6 },
            ];
            let inside = |run: u32| (first..=last).contains(&run) || run <= 6;
            let records = || records.iter().filter(|(at, ..)| inside(at.run));
            let missing = 2 * u64::from(inside(3));
            let backup = Backup { needs, ..some_backup() };
            // Those of its own device up to its own are always needed.
            let at = RecordRef { device: DEVICE, run: 5, hash: RecordHash([2; 32]) };
            let needed = availability.needs(&at, &backup);
            let what = format!("{first} to {last}");
            assert_eq!(needed.of, records().count() as u64 * 3 + missing, "{what}");
            assert_eq!(needed.missing, [key(5, 50)], "{what}");
            assert_eq!(needed.missing_records.len() as u64, missing, "{what}");
            assert_eq!(needed.here, needed.of - missing - 1, "{what}");
        }
    }
}

fn some_backup() -> Backup {
    Backup {
        root: ChunkId([0; 32]),
        source: SourceName { name: "source".to_owned(), roots: Vec::new() },
        needs: Vec::new(),
        unread: 0,
        summary: Summary::default(),
        left_out: None,
    }
}

/// Incompressible data costs its tags, its rows in a table and in an index, and a little padding:
/// with ends wherever a block ends it would be twice as much.
#[test]
fn noise_costs_a_half_percent_over_its_length_at_most() {
    let sim = Simulation::new(5);
    let keys = Keys::derive(&keyring(1, 1, &[(1, 10)])).unwrap();
    let mut noise = blake3::Hasher::new().finalize_xof();
    let chunks: Vec<Vec<u8>> = (0..1_000)
        .map(|_| {
            let mut length = [0; 2];
            noise.fill(&mut length);
            let mut chunk = vec![0; 40_000 + usize::from(u16::from_le_bytes(length))];
            noise.fill(&mut chunk);
            chunk
        })
        .collect();
    write(&sim, &keys, 1, &chunks, b"record".to_vec()).unwrap();
    let store = store(&sim);
    let listing = RawListing::read(&store).unwrap().open(&keys, Mode::Threads(2));
    let plain: usize = chunks.iter().map(Vec::len).sum();
    let stored: u64 = listing.objects.values().map(|object| object.name.length).sum();
    let most = plain as u64 + plain as u64 / 200;
    assert!(stored <= most, "{stored} bytes for {plain} of noise");
    let reader = ObjectReader::new(&store, &keys, &listing);
    let (mut ids, mut decompressor) = (Vec::new(), Decompressor::new());
    for (key, object) in listing.objects.iter().filter(|(key, _)| key.run == 1) {
        assert!(object.name.length <= object::OBJECT_TARGET);
        let table = reader.table(&key).unwrap();
        for (offset, block) in table.offsets().filter(|(_, block)| block.kind == PieceKind::Chunk) {
            let bytes = reader.pieces(&key, offset, block, &mut decompressor).unwrap();
            ids.extend(bytes.iter().map(|bytes| keys.writing().piece_id(PieceKind::Chunk, bytes)));
        }
    }
    let written: Vec<_> =
        chunks.iter().map(|chunk| keys.writing().piece_id(PieceKind::Chunk, chunk)).collect();
    assert_eq!(ids.len(), written.len());
    assert!(
        written.iter().all(|id| ids.contains(id)),
        "a chunk was lost where a block was divided"
    );
}

/// Objects have at most the size that the keyring says, and come near it.
#[test]
fn data_objects_have_the_size_that_the_parameters_say() {
    let mut noise = blake3::Hasher::new().finalize_xof();
    let chunks: Vec<Vec<u8>> = (0..300)
        .map(|_| {
            let mut chunk = vec![0; 70_000];
            noise.fill(&mut chunk);
            chunk
        })
        .collect();
    for (size, objects) in [(Some(32 << 20), 1), (Some(16 << 20), 2), (None, 2)] {
        let mut keyring = keyring(1, 1, &[(1, 10)]);
        keyring.repositories[0].parameters.object_size = size;
        let keys = Keys::derive(&keyring).unwrap();
        let sim = Simulation::new(5);
        write(&sim, &keys, 1, &chunks, b"record".to_vec()).unwrap();
        let listing = RawListing::read(&store(&sim)).unwrap().open(&keys, Mode::Threads(2));
        let data = listing.objects.values().filter(|object| object.name.kind == ObjectKind::Data);
        let lengths: Vec<_> = data.map(|object| object.name.length).collect();
        let most = u64::from(size.unwrap_or(16 << 20));
        assert!(lengths.iter().all(|length| *length <= most), "{lengths:?}");
        assert_eq!(lengths.len(), objects, "{lengths:?}");
    }
}

/// Lines of words that come again elsewhere with another number: a faster level finds less in it.
fn text(length: usize) -> Vec<u8> {
    let mut noise = blake3::Hasher::new().finalize_xof();
    let mut draw = || {
        let mut bytes = [0; 2];
        noise.fill(&mut bytes);
        usize::from(u16::from_le_bytes(bytes))
    };
    let mut phrase = || (0..6).map(|_| format!("word{} ", draw() % 900)).collect::<String>();
    let phrases: Vec<String> = (0..2_000).map(|_| phrase()).collect();
    let mut text = Vec::with_capacity(length);
    while text.len() < length {
        let line = format!("{}{}\n", phrases[draw() % phrases.len()], draw());
        text.extend_from_slice(line.as_bytes());
    }
    text.truncate(length);
    text
}

#[test]
fn the_first_blocks_of_a_later_run_are_compressed_harder_and_those_after_them_are_not() {
    let keys = Keys::derive(&keyring(1, 1, &[(1, 10)])).unwrap();
    let chunks: Vec<Vec<u8>> = text(20 << 20).chunks(1 << 16).map(<[u8]>::to_vec).collect();
    let blocks = |harder: bool| -> Vec<u32> {
        let sim = Simulation::new(5);
        let prepare = |writer: &mut RunWriter<'_, '_, Worker>| {
            if harder {
                writer.compress_first_harder();
            }
        };
        let record = b"record".to_vec();
        write_at((&sim, &keys), 1, Level::Default, &chunks, record, prepare).unwrap();
        let store = store(&sim);
        let listing = RawListing::read(&store).unwrap().open(&keys, Mode::Threads(2));
        let reader = ObjectReader::new(&store, &keys, &listing);
        let mut objects: Vec<_> = listing.objects.keys().collect();
        objects.sort_unstable();
        let tables = objects.iter().flat_map(|key| reader.table(key).unwrap().blocks);
        tables.filter(|block| block.kind == PieceKind::Chunk).map(|block| block.stored).collect()
    };
    let (usual, harder) = (blocks(false), blocks(true));
    assert_eq!((usual.len(), harder.len()), (20, 20));
    assert!(usual.iter().zip(&harder).take(16).all(|(usual, harder)| harder * 10 < usual * 9));
    assert_eq!(usual[16..], harder[16..]);
}
