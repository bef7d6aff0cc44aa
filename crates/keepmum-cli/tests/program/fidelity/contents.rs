//! The contents of files.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{XattrFlags, lsetxattr};

use crate::fidelity::stage::{each_way, each_way_in, not_tested, set_attribute};
use crate::prepared::noise;

const GIB: u64 = 1 << 30;

#[test]
fn empty_small_and_large_files() {
    each_way(|stage| {
        for (number, length) in [0, 1, 4095, 4096, 65_536, 600_000, 3_000_000].iter().enumerate() {
            stage.file(format!("{length}"), noise(number as u64, *length));
        }
        stage.file("zeros", vec![0; 300_000]);
        stage.comes_back();
    });
}

#[test]
fn sparse_files() {
    each_way(|stage| {
        let sparse = |name: &str, length: u64, data: &[u64]| {
            let file = File::create(stage.source(name)).unwrap();
            file.set_len(length).unwrap();
            for at in data {
                file.write_all_at(&noise(*at, 5000), *at).unwrap();
            }
        };
        sparse("only a hole", 80 << 20, &[]);
        sparse("hole first", 64 << 20, &[(64 << 20) - 5000]);
        sparse("hole last", 64 << 20, &[0]);
        sparse("holes between", 96 << 20, &[0, 30_000_001, 60_000_000]);
        stage.comes_back();
        for name in ["only a hole", "hole first", "hole last", "holes between"] {
            let taken = std::fs::metadata(stage.out(name)).unwrap().blocks() * 512;
            assert!(taken < 1 << 20, "{name} takes {taken} bytes");
        }
    });
}

#[test]
fn files_over_4_gib() {
    each_way(|stage| {
        let file = File::create(stage.source("image")).unwrap();
        file.set_len(5 * GIB + 1).unwrap();
        let marks = [0, 2 * GIB - 10, 4 * GIB - 10, 5 * GIB - 19];
        for at in marks {
            file.write_all_at(&noise(at, 20), at).unwrap();
        }
        stage.backup();
        for _ in 0..2 {
            let said = stage.restore(&[]);
            assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
        }
        let back = File::open(stage.out("image")).unwrap();
        assert_eq!(back.metadata().unwrap().len(), 5 * GIB + 1);
        assert!(back.metadata().unwrap().blocks() * 512 < 8 << 20);
        for at in marks {
            let mut bytes = [0; 20];
            back.read_exact_at(&mut bytes, at).unwrap();
            assert_eq!(bytes[..], noise(at, 20), "at {at}");
        }
    });
}

#[test]
#[ignore = "long: reads and writes 5 GB three times"]
fn files_over_4_gib_without_holes() {
    let stage = crate::fidelity::stage::Stage::new();
    let file = File::create(stage.source("image")).unwrap();
    for number in 0..4200 {
        file.write_all_at(&noise(number, 1 << 20), number << 20).unwrap();
    }
    drop(file);
    stage.comes_back();
}

/// In memory files have attributes of any length; elsewhere it depends.
#[test]
fn large_attributes() {
    each_way_in(Path::new("/dev/shm"), |stage| {
        let file = stage.file("file", "x");
        let folder = stage.source("folder");
        fs::create_dir(&folder).unwrap();
        let fits = |path: &Path| {
            let all = [4096, 4097, 65_536].iter().all(|length| {
                let name = format!("user.{length}");
                lsetxattr(path, name, &vec![b'v'; *length], XattrFlags::empty()).is_ok()
            });
            let many = (0..60).all(|number| {
                lsetxattr(path, format!("user.many{number}"), &[number; 3000], XattrFlags::empty())
                    .is_ok()
            });
            all && many
        };
        if !fits(&file) || !fits(&folder) {
            not_tested("large attributes, because no file system here holds them");
            return;
        }
        stage.comes_back();
        set_attribute(&file, "user.4097", b"small now");
        set_attribute(&folder, "user.many1", &[9; 3000]);
        stage.backup();
        stage.restores_all(&[]);
    });
}
