//! Reading and writing, each without a walk: keys from a keyring, a disk in memory.

use std::cell::Cell;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::files::{Files, Job, Read};
use super::progress::Progress;
use super::run::{ForeignRuns, Orphans, Run, Start};
use super::setting::{OpenDirectory, Setting};
use super::worker;
use crate::catalogue::Catalogue;
use crate::chunk::{Chunker, Parameters};
use crate::compress::Level;
use crate::crypto::Passphrase;
use crate::format::{Backup, Item, PieceKind, SourceName, Summary};
use crate::model::{ChunkId, DeviceId, TreePath};
use crate::pipeline::{self, Mode};
use crate::repository::tests::keyring;
use crate::repository::{Keys, RawListing};
use crate::session::access::{Access, CatalogueAt, Installation};
use crate::session::claims::Claims;
use crate::session::event::Silent;
use crate::session::options::BackupOptions;
use crate::source::{Rules, Source};
use crate::store::LocalStore;
use crate::store::simulated::Simulation;

const REPLAY: Mode = Mode::Replay { seed: 5 };

/// The environment of a run.
struct Stage {
    sim: Simulation,
    keys: Keys,
    catalogue: Catalogue,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let keys = Keys::derive(&keyring(1, 1, &[(1, 10)])).unwrap();
        let (catalogue, folder) = (Catalogue::temporary().unwrap(), tempfile::tempdir().unwrap());
        catalogue.begin().unwrap();
        Self { sim: Simulation::new(1), keys, catalogue, folder }
    }

    fn id(&self, bytes: &[u8]) -> ChunkId {
        self.keys.writing().piece_id(PieceKind::Chunk, bytes)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// Lets something be read and written.
    fn goes<R>(
        &self,
        dry_run: bool,
        body: impl for<'a, 'p, 'env> FnOnce(Run<'a, 'p, 'env>, Files<'a, 'p, 'env>, &Source) -> R,
    ) -> R {
        let seam = &self.sim.seam;
        let store = LocalStore::new(Arc::clone(&seam.disk));
        let raw = RawListing::read(&store).unwrap();
        let repository = raw.open(&self.keys, REPLAY);
        let objects = crate::repository::ObjectReader::new(&store, &self.keys, &repository);
        let passphrase = Passphrase::new(String::new());
        let at = CatalogueAt::Temporary;
        let access = Access::new(seam.clone(), passphrase, at, Installation::default(), 1);
        let access = Access { mode: REPLAY, ..access };
        let options = BackupOptions { dry_run, ..BackupOptions::default() };
        let (gate, clock) = (seam.gate.clone(), seam.clock.clone());
        let source = Source::open(&[self.root()], Rules::default(), gate, clock).unwrap();
        let key = self.keys.writing().chunker_key();
        let chunker = Chunker::new(Parameters::new(64 * 1024).unwrap(), key);
        let set = Setting {
            access: &access,
            options: &options,
            observer: &Silent,
            source: &source,
            keys: &self.keys,
            chunker: &chunker,
            store: &store,
            objects: &objects,
            device: DeviceId([7; 8]),
            set_aside: std::collections::HashSet::new(),
            owes: false,
            claims: Claims::default(),
            seen: &[],
            writing: Cell::new(None),
            progress: Progress::new(&Silent),
        };
        pipeline::run(
            REPLAY,
            || worker(Level::Fast),
            |pool| {
                let start = Start {
                    head: None,
                    last_listed_run: 0,
                    orphans: Orphans::default(),
                    foreign_runs: ForeignRuns::default(),
                    heals: false,
                    has_no_snapshot: true,
                };
                let run = Run::new(&set, pool, &self.catalogue, start);
                body(run, Files::new(&set, pool), &source)
            },
        )
    }

    /// A file of the source, to be read.
    fn job(&self, source: &Source, name: &str) -> Job {
        let path = self.root().join(name);
        let path = TreePath::new(&path.as_os_str().as_bytes()[1..]).unwrap();
        let found = source.look(&path).unwrap();
        Job { parent: Arc::new(top()), path, old: None, found }
    }
}

fn top() -> OpenDirectory {
    OpenDirectory { id: Catalogue::ROOT, unit: 0, device: None }
}

fn snapshot(run: &Run<'_, '_, '_>) -> Item {
    Item::Backup(Box::new(Backup {
        root: ChunkId([1; 32]),
        source: SourceName::default(),
        needs: run.needs(),
        unread: 0,
        summary: Summary::default(),
        left_out: None,
    }))
}

#[test]
fn a_piece_is_stored_once_and_the_record_makes_it_count() {
    let stage = Stage::new();
    let (id, bytes) = (stage.id(b"piece"), b"piece");
    stage.goes(false, |mut run, _, _| {
        assert!(!run.has_begun(), "no number is reserved for nothing");
        assert!(run.store_piece(PieceKind::Chunk, id, bytes).unwrap());
        assert!(!run.store_piece(PieceKind::Chunk, id, bytes).unwrap());
        assert_eq!((run.has_begun(), run.fresh_bytes()), (true, 5));
        assert!(stage.catalogue.records().unwrap().is_empty());
        run.end(snapshot).unwrap();
        assert!(run.snapshot().is_some());
        assert_eq!(run.stored().1, 1, "data and record of a small run are one object");
    });
    assert_eq!(stage.catalogue.records().unwrap().len(), 1);
    assert_eq!(stage.sim.disk.paths().len(), 1);
    // The next run finds it held.
    stage.goes(false, |mut run, _, _| {
        assert!(!run.store_piece(PieceKind::Chunk, id, bytes).unwrap());
        assert!(!run.has_begun());
    });
}

#[test]
fn a_dry_run_stores_nothing() {
    let stage = Stage::new();
    let id = stage.id(b"piece");
    stage.goes(true, |mut run, _, _| {
        assert!(!run.store_piece(PieceKind::Chunk, id, b"piece").unwrap());
    });
    assert!(stage.sim.disk.paths().is_empty());
}

#[test]
fn files_come_back_in_the_order_of_the_walk_and_one_that_vanished_alone() {
    let stage = Stage::new();
    for (name, content) in [("c.z", "ccc"), ("a", "a"), ("b.a", "bb")] {
        fs::write(stage.root().join(name), content).unwrap();
    }
    stage.goes(false, |mut run, mut files, source| {
        for name in ["a", "b.a", "c.z"] {
            files.add(stage.job(source, name));
        }
        files.leave(Arc::new(top()));
        assert!(files.awaits(Catalogue::ROOT));
        fs::remove_file(stage.root().join("b.a")).unwrap();
        // They are read in another order, which compresses better.
        assert!(files.next(&mut run).unwrap().is_none());
        let read = files.finish(&mut run).unwrap().expect("a batch").in_order();
        let words: Vec<String> = read
            .map(|read| match read {
                Read::File(job, result) => {
                    let name = job.path.names().last().unwrap();
                    let size = result.ok().map(|read| read.content.size);
                    format!("{} {size:?}", String::from_utf8_lossy(name.as_bytes()))
                }
                Read::Left(_) => "left".to_owned(),
            })
            .collect();
        assert_eq!(words, ["a Some(1)", "b.a None", "c.z Some(3)", "left"]);
        assert!(!files.awaits(Catalogue::ROOT));
        assert_eq!(run.fresh_bytes(), 4);
    });
}
