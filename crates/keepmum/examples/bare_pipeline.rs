//! The floor below a backup of one file: the library's own primitives and nothing around them.
//!
//! Cut, name, compress, seal and, where a folder is given, store with a sync, on all cores. There
//! is no catalogue, no index, no chain and no deduplication, and chunks end with their segment.
//! It prints how long the threads spent on each, in seconds.
//!
//! `cargo run --release --example bare_pipeline -- FILE [FOLDER]`

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keepmum::inside::chunk::{Chunker, Cutter, Parameters, WINDOW};
use keepmum::inside::compress::{Compressor, Effort, Level};
use keepmum::inside::crypto::{RepositoryKeys, SALT, Secret, ciphertext_hash, seal};
use keepmum::inside::seam::{RealDisk, SystemRandom};
use keepmum::inside::store::{LocalStore, Put, Store};

/// Bytes that a thread takes at a time.
const SEGMENT: usize = 1024 * 1024;
/// Bytes of an object.
const OBJECT: usize = 16 * 1024 * 1024;
/// The parts of the time.
const STAGES: [&str; 6] = ["read", "cut", "name", "compress", "seal", "store"];

/// State shared by all threads.
struct Work {
    file: File,
    length: u64,
    store: Option<LocalStore>,
    next: AtomicU64,
    objects: AtomicU64,
    chunker: Chunker,
    keys: RepositoryKeys,
    object_key: Secret<32>,
}

/// Where one thread's time went.
#[derive(Default)]
struct Times([Duration; STAGES.len()]);

impl Times {
    fn of<T>(&mut self, stage: usize, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let result = work();
        self.0[stage] += begin.elapsed();
        result
    }
}

fn main() -> io::Result<()> {
    let mut words = std::env::args_os().skip(1);
    let Some(path) = words.next() else {
        return Err(io::Error::other("bare_pipeline FILE [FOLDER]"));
    };
    let store = match words.next().map(PathBuf::from) {
        Some(folder) => {
            fs::create_dir_all(&folder)?;
            let disk = RealDisk::open(&folder, Arc::new(SystemRandom))?;
            Some(LocalStore::new(Arc::new(disk)))
        }
        None => None,
    };
    let file = File::open(Path::new(&path))?;
    let keys = RepositoryKeys::derive(&Secret::new([7; 32]));
    let parameters = Parameters::new(Parameters::DEFAULT_AVERAGE)
        .map_err(|_| io::Error::other("the default average is allowed"))?;
    let work = Work {
        length: file.metadata()?.len(),
        file,
        store,
        next: AtomicU64::new(0),
        objects: AtomicU64::new(0),
        chunker: Chunker::new(parameters, keys.chunker()),
        keys,
        object_key: Secret::new([9; 32]),
    };
    let begin = Instant::now();
    let count = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let times: Vec<Times> = thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(|| run(&work))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"))
            .collect::<io::Result<_>>()
    })?;
    if let Some(store) = &work.store {
        store.sync().map_err(io::Error::other)?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let mut out = io::stdout().lock();
    for (stage, name) in STAGES.iter().enumerate() {
        let sum: Duration = times.iter().map(|times| times.0[stage]).sum();
        writeln!(out, "{name:>9} {:7.3}", sum.as_secs_f64())?;
    }
    let rate = work.length as f64 / 1e9 / seconds;
    writeln!(out, "     wall {seconds:7.3}, {rate:.2} GB/s on {count} threads")
}

/// One thread: segments in, objects out, until none is left.
fn run(work: &Work) -> io::Result<Times> {
    let mut times = Times::default();
    let mut compressor = Compressor::new(Level::Default);
    let mut object = Vec::with_capacity(OBJECT);
    let mut buffer = vec![0; SEGMENT + WINDOW - 1];
    loop {
        let start = work.next.fetch_add(SEGMENT as u64, Ordering::Relaxed);
        if start >= work.length {
            break;
        }
        let lead = if start == 0 { 0 } else { WINDOW - 1 };
        let count = usize::try_from(work.length - start).map_or(SEGMENT, |left| left.min(SEGMENT));
        let bytes = &mut buffer[..lead + count];
        times.of(0, || work.file.read_exact_at(bytes, start - lead as u64))?;
        let (window, data) = bytes.split_at(lead);
        let cuts = times.of(1, || cuts(&work.chunker, window, data));
        times.of(2, || name_all(&work.keys, data, &cuts));
        times.of(3, || {
            object.extend_from_slice(compressor.frame(data, Effort::Usual).unwrap_or(data))
        });
        if object.len() + SEGMENT > OBJECT {
            store(work, &object, &mut times)?;
            object.clear();
        }
    }
    store(work, &object, &mut times)?;
    Ok(times)
}

fn cuts(chunker: &Chunker, window: &[u8], data: &[u8]) -> Vec<u64> {
    let (mut marks, mut cuts) = (Vec::new(), Vec::new());
    chunker.marks(window, data, &mut marks);
    let mut cutter = Cutter::new(chunker.parameters());
    // The extent is the segment here: the bytes before it only move the first window back.
    cutter.marked(chunker, (data, data.len()), 0, &marks, &mut cuts);
    cutter.finish(data.len() as u64, &mut cuts);
    cuts
}

/// Names every chunk; the names are looked at only so that they are really made.
fn name_all(keys: &RepositoryKeys, data: &[u8], cuts: &[u64]) -> u8 {
    let (mut begin, mut seen) = (0, 0);
    for cut in cuts {
        let end = usize::try_from(*cut).expect("a cut lies in the segment");
        seen ^= keys.piece_id(0, &data[begin..end])[0];
        begin = end;
    }
    std::hint::black_box(seen)
}

fn store(work: &Work, object: &[u8], times: &mut Times) -> io::Result<()> {
    let number = work.objects.fetch_add(1, Ordering::Relaxed);
    let (sealed, hash) = times.of(4, || {
        let sealed = seal(&work.object_key, [3; SALT], &number.to_le_bytes(), object);
        let hash = ciphertext_hash(&sealed);
        (sealed, hash)
    });
    std::hint::black_box(hash);
    let Some(store) = &work.store else { return Ok(()) };
    times.of(5, || {
        let put = store.put_new(&format!("object-{number}"), &sealed);
        put.map(|_: Put| ()).map_err(io::Error::other)
    })
}
