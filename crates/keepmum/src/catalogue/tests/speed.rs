//! Figures, not assertions: run with `--release -- --ignored --nocapture catalogue::tests::speed`.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{chunk, name, object};
use crate::catalogue::{Catalogue, ImportedBlock};
use crate::model::{Bases, ChunkId};

fn report(what: &str, count: usize, took: Duration) {
    let each = took.as_secs_f64() * 1e9 / count as f64;
    println!("{what}: {count} in {:.3} s, {each:.0} ns each", took.as_secs_f64());
}

#[test]
#[ignore = "measures"]
fn a_million_remembered_rows() {
    const FOLDERS: usize = 20_000;
    const FILES: usize = 50;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue");
    let catalogue = Catalogue::open(&file).unwrap();
    let start = Instant::now();
    catalogue.begin().unwrap();
    let mut folders = Vec::new();
    for number in 0..FOLDERS {
        let at = name(&format!("folder {number:06}"));
        let inode = number as u64;
        let parent = Catalogue::ROOT;
        let id = catalogue.put_directory(parent, &at, None, &[7; 60], 1, inode, None).unwrap();
        for number in 0..FILES {
            let at = name(&format!("a usual name {number}.txt"));
            catalogue.put_entry(id, &at, Some(&[3; 48]), &[9; 90], 0).unwrap();
        }
        folders.push(id);
    }
    report("rows put", FOLDERS * FILES, start.elapsed());
    let start = Instant::now();
    catalogue.commit().unwrap();
    println!("commit: {:.3} s", start.elapsed().as_secs_f64());
    drop(catalogue);
    println!("file: {} MiB", std::fs::metadata(&file).unwrap().len() >> 20);
    let start = Instant::now();
    let catalogue = Catalogue::open(&file).unwrap();
    println!("open: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    catalogue.begin_reading().unwrap();
    for _ in 0..5 {
        let start = Instant::now();
        let rows: usize = folders.iter().map(|id| catalogue.children(*id).count()).sum();
        report("rows read", rows, start.elapsed());
    }
    catalogue.end_reading().unwrap();
    let start = Instant::now();
    println!("reserve_run: {} ", catalogue.reserve_run(1).unwrap());
    println!("  {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}

fn import(catalogue: &Catalogue, ids: &[ChunkId], from: u32) {
    catalogue.begin().unwrap();
    for (number, ids) in (from..).zip(ids.chunks(320)) {
        let pieces: Vec<_> = ids.iter().map(|id| (*id, 50_000)).collect();
        let blocks: Vec<_> = pieces
            .chunks(20)
            .map(|pieces| ImportedBlock {
                kind: 0,
                codec: 1,
                offset: 0,
                stored: 9,
                plain: 9,
                pieces,
                bases: Bases::default(),
            })
            .collect();
        let mut key = object(number);
        key.hash[..4].copy_from_slice(&number.to_be_bytes());
        catalogue.import_object(&key, 1, 16 << 20, &blocks, true).unwrap();
    }
    catalogue.commit().unwrap();
}

#[test]
#[ignore = "measures"]
fn chunks_put_and_looked_up() {
    const CHUNKS: usize = 200_000;
    let folder = TempDir::new().unwrap();
    let catalogue = Catalogue::open(&folder.path().join("catalogue")).unwrap();
    let ids: Vec<_> = (0..CHUNKS as u64 * 6).map(chunk).collect();
    let (first, rest) = ids.split_at(CHUNKS);
    for (what, ids, from) in [("chunks put", first, 0), ("a million more", rest, 1000)] {
        let start = Instant::now();
        import(&catalogue, ids, from);
        report(what, ids.len(), start.elapsed());
        catalogue.begin_reading().unwrap();
        for what in ["hits", "hits again"] {
            let start = Instant::now();
            let held = ids[..CHUNKS].iter().filter(|id| catalogue.holds(id).unwrap()).count();
            report(what, held, start.elapsed());
        }
        for what in ["misses", "misses again"] {
            let new: Vec<_> = (0..CHUNKS as u64).map(|n| chunk(n + (1 << 40))).collect();
            let start = Instant::now();
            let held = new.iter().filter(|id| catalogue.holds(id).unwrap()).count();
            report(what, new.len() - held, start.elapsed());
        }
        let start = Instant::now();
        let places: usize =
            ids[..CHUNKS].iter().map(|id| catalogue.locate(id).unwrap().len()).sum();
        report("located", places, start.elapsed());
        catalogue.end_reading().unwrap();
    }
    let start = Instant::now();
    catalogue.begin().unwrap();
    catalogue.forget_object(&object(0)).unwrap();
    let mut key = object(5);
    key.hash[..4].copy_from_slice(&5_u32.to_be_bytes());
    catalogue.forget_object(&key).unwrap();
    catalogue.commit().unwrap();
    println!("forgetting and sweeping: {:.3} s", start.elapsed().as_secs_f64());
}
