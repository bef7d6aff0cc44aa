//! Run numbers, the lock, transactions, readers beside a writer, records.

use tempfile::TempDir;

use super::{children, name, object};
use crate::catalogue::{Catalogue, CatalogueError, History, RunRow, state};
use crate::model::{DeviceId, RecordHash, RecordRef};

#[test]
fn run_numbers_rise_over_everything() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue");
    for (at_least, expected) in [(0, 1), (1, 2), (2, 3), (10, 10), (3, 11), (12, 12), (12, 13)] {
        let catalogue = Catalogue::open(&file).unwrap();
        assert_eq!(catalogue.reserve_run(at_least).unwrap(), expected);
    }
    let catalogue = Catalogue::open(&file).unwrap();
    catalogue.begin().unwrap();
    assert_eq!(catalogue.reserve_run(0).unwrap(), 14);
    catalogue.rollback().unwrap();
    assert_eq!(catalogue.reserve_run(0).unwrap(), 15);
    assert_eq!(catalogue.reserve_run(u32::MAX).unwrap(), u32::MAX);
    assert!(matches!(catalogue.reserve_run(0), Err(CatalogueError::Io(_))));
    assert_eq!(Catalogue::temporary().unwrap().reserve_run(5).unwrap(), 5);
}

#[test]
fn a_reserved_number_outlives_a_lost_catalogue() {
    let folder = TempDir::new().unwrap();
    let (file, copy) = (folder.path().join("catalogue"), folder.path().join("copy"));
    let catalogue = Catalogue::open(&file).unwrap();
    assert_eq!(catalogue.reserve_run(41).unwrap(), 41);
    drop(catalogue);
    std::fs::remove_file(&file).unwrap();
    let mut run_file = copy.clone().into_os_string();
    run_file.push(".run");
    let mut from = file.clone().into_os_string();
    from.push(".run");
    std::fs::copy(from, run_file).unwrap();
    assert_eq!(Catalogue::open(&copy).unwrap().reserve_run(0).unwrap(), 42);
}

#[test]
fn two_runs_cannot_hold_the_lock() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue");
    let lock = Catalogue::lock_for_run(&file).unwrap();
    match Catalogue::lock_for_run(&file) {
        Err(CatalogueError::Busy { pid }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    Catalogue::lock_for_run(&folder.path().join("another")).unwrap();
    // Files held open by a forked process do not keep the next run from beginning.
    let _forked = lock.0.try_clone().unwrap();
    drop(lock);
    drop(Catalogue::lock_for_run(&file).unwrap());
    let left = folder.path().join("catalogue.lock");
    assert_eq!(std::fs::read(left).unwrap(), b"");
}

#[test]
fn a_reader_sees_the_last_commit_while_a_run_writes() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue");
    let writer = Catalogue::open(&file).unwrap();
    let put = |text: &str| writer.put_entry(Catalogue::ROOT, &name(text), None, b"entry", 0);
    put("first").unwrap();
    writer.begin().unwrap();
    put("second").unwrap();
    let reader = Catalogue::open(&file).unwrap();
    let read = reader.reading(|| {
        assert_eq!(children(&reader, Catalogue::ROOT)?.len(), 1);
        writer.commit()?;
        assert_eq!(children(&reader, Catalogue::ROOT)?.len(), 1, "one unchanging state");
        // Within, it is the same state.
        let within = reader.reading(|| children(&reader, Catalogue::ROOT))?.len();
        reader.read_anew()?;
        Ok::<_, CatalogueError>((within, children(&reader, Catalogue::ROOT)?.len()))
    });
    assert_eq!(read.unwrap(), (1, 2), "a newer state only where it is asked for");
    let failed = reader.reading(|| Err::<(), _>(CatalogueError::Io("for the test".into())));
    assert!(failed.is_err());
    assert_eq!(children(&reader, Catalogue::ROOT).unwrap().len(), 2);
    writer.begin().unwrap();
    put("third").unwrap();
    writer.rollback().unwrap();
    writer.rollback().unwrap();
    assert_eq!(children(&writer, Catalogue::ROOT).unwrap().len(), 2);
}

#[test]
fn an_interrupted_run_leaves_the_committed_state() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue");
    let cut = Catalogue::open(&file).unwrap();
    cut.set(&state::ENTRIES, &1).unwrap();
    cut.begin().unwrap();
    cut.set(&state::ENTRIES, &2).unwrap();
    drop(cut);
    assert_eq!(Catalogue::open(&file).unwrap().get(&state::ENTRIES).unwrap().unwrap(), 1);
}

#[test]
fn it_can_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Catalogue>();
}

#[test]
fn records_come_back_in_order() {
    let catalogue = Catalogue::temporary().unwrap();
    let record = |device: u8, run| RecordRef {
        device: DeviceId([device; 8]),
        run,
        hash: RecordHash([run as u8; 32]),
    };
    let previous = Some((1, RecordHash([1; 32])));
    catalogue.put_record(record(9, 1), None, b"ninth", &object(9)).unwrap();
    catalogue.put_record(record(1, 256), previous, b"second", &object(2)).unwrap();
    catalogue.put_record(record(1, 1), None, b"first", &object(1)).unwrap();
    catalogue.put_record(record(1, 1), None, b"changed?", &object(3)).unwrap();
    let all = catalogue.records().unwrap();
    let bodies: Vec<_> = all.iter().map(|(_, bytes, _)| bytes.as_slice()).collect();
    assert_eq!(bodies, [&b"first"[..], b"second", b"ninth"]);
    assert_eq!(all[1].0, record(1, 256));
    assert_eq!(all[1].2, object(2));
    let refs = [record(1, 1), record(1, 256), record(9, 1)];
    assert_eq!(catalogue.record_refs().unwrap(), refs);
    assert_eq!(catalogue.heads().unwrap(), refs[1..]);
    assert_eq!(catalogue.record(&record(9, 1)).unwrap(), Some((b"ninth".to_vec(), object(9))));
    assert_eq!(catalogue.record(&record(9, 2)).unwrap(), None);
    catalogue.forget_object(&object(2)).unwrap();
    assert_eq!(catalogue.record(&record(1, 256)).unwrap(), None);
    assert_eq!(catalogue.records().unwrap().len(), 2);
}

#[test]
fn a_fact_that_was_made_durable_is_in_the_file_itself_or_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue");
    let catalogue = Catalogue::open(&file).unwrap();
    for round in 0..3_u64 {
        catalogue.set(&state::ENTRIES, &round).unwrap();
        catalogue.make_durable().unwrap();
        // The files on the disk while it is open, as a power cut would leave them.
        let copy = folder.path().join(format!("copy {round}"));
        for suffix in ["", "-wal"] {
            let name = |path: &std::path::Path| format!("{}{suffix}", path.display());
            std::fs::copy(name(&file), name(&copy)).unwrap();
        }
        let after = Catalogue::open(&copy).unwrap();
        assert_eq!(after.get(&state::ENTRIES).unwrap().unwrap(), round);
    }
    catalogue.forget(&state::ENTRIES).unwrap();
    assert_eq!(catalogue.get(&state::ENTRIES).unwrap(), None);
    Catalogue::temporary().unwrap().make_durable().unwrap();
}

#[test]
fn the_log_of_the_history_stays_short() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("catalogue");
    let log = folder.path().join("catalogue.runs-wal");
    let mut longest = 0;
    for run in 0..120 {
        let id = History::open(&file).unwrap().begin_run("backup", run, 0).unwrap();
        let row = RunRow { id, exit_code: Some(0), seconds: Some(1.0), ..RunRow::default() };
        History::open(&file).unwrap().end_run(&row).unwrap();
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
    }
    assert!(longest < 300 << 10, "{longest} bytes");
    assert_eq!(History::read(&file).unwrap().runs(u32::MAX).unwrap().len(), 120);
}
