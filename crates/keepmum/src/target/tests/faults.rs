//! Each access that fails is an error or a problem, and leaves nothing unfinished behind.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Keeper, Place, kind, mode, path};
use crate::model::{FoundKind, Time};
use crate::seam::Operation;
use crate::target::{Existing, Options, TargetErrorKind};

fn place(refuse: Operation) -> (Place, Arc<Keeper>) {
    let gate = Keeper::new(refuse);
    (Place::with(Options::default(), gate.clone()), gate)
}

#[test]
fn a_small_file_that_fails_leaves_nothing() {
    use Operation::{TargetCreate, TargetRename, TargetWrite};
    for refuse in [TargetCreate, TargetWrite, TargetRename] {
        for existing in [Existing::Refuse, Existing::Replace(5)] {
            if (refuse, existing) == (TargetRename, Existing::Refuse) {
                continue;
            }
            let (place, gate) = place(refuse);
            gate.closed.store(true, Ordering::SeqCst);
            let failed = place.target.write_small(&path("f"), b"content", &mode(0o600), existing);
            assert_eq!(kind(failed), Some(TargetErrorKind::Full), "{refuse:?} {existing:?}");
            assert!(place.names().is_empty(), "{refuse:?} {existing:?}");
            place.target.write_small(&path("f"), b"content", &mode(0o600), existing).unwrap();
            assert_eq!(fs::read(place.at("f")).unwrap(), b"content");
        }
    }
}

#[test]
fn a_replaced_file_survives_every_failure() {
    use Operation::{TargetCreate, TargetRename, TargetWrite};
    for refuse in [TargetCreate, TargetWrite, TargetRename] {
        let (place, gate) = place(refuse);
        fs::write(place.at("f"), "old").unwrap();
        gate.closed.store(true, Ordering::SeqCst);
        let failed =
            place.target.write_small(&path("f"), b"new", &mode(0o600), Existing::Replace(5));
        assert_eq!(kind(failed), Some(TargetErrorKind::Full));
        assert_eq!(place.names(), ["f"]);
        assert_eq!(fs::read(place.at("f")).unwrap(), b"old");
    }
}

#[test]
fn metadata_that_fails_is_told_and_the_file_stays() {
    let (place, gate) = place(Operation::TargetMetadata);
    let mut metadata = mode(0o600);
    metadata.mtime = Some(Time { seconds: 1, nanos: 0 });
    gate.closed.store(true, Ordering::SeqCst);
    let problems = place.target.write_small(&path("f"), b"x", &metadata, Existing::Refuse).unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, TargetErrorKind::Full);
    assert_eq!(fs::read(place.at("f")).unwrap(), b"x");
    gate.closed.store(true, Ordering::SeqCst);
    let problems = place.target.apply_metadata(&path("f"), FoundKind::File, &metadata).unwrap();
    assert_eq!(problems.len(), 1);
}

#[test]
fn everything_else_that_fails_is_an_error() {
    let full = Some(TargetErrorKind::Full);
    let (made, gate) = place(Operation::TargetCreate);
    for make in [
        &|| kind(made.target.make_directory(&path("d"))) as Option<TargetErrorKind>,
        &|| kind(made.target.fifo(&path("p"))),
        &|| kind(made.target.begin_file(&path("f"), Existing::Refuse)),
    ] as [&dyn Fn() -> Option<TargetErrorKind>; 3]
    {
        gate.closed.store(true, Ordering::SeqCst);
        assert_eq!(make(), full);
        assert!(made.names().is_empty());
    }
    let (linked, gate) = place(Operation::TargetLink);
    gate.closed.store(true, Ordering::SeqCst);
    assert_eq!(kind(linked.target.symlink(&path("l"), b"x")), full);
    fs::write(linked.at("f"), "").unwrap();
    gate.closed.store(true, Ordering::SeqCst);
    assert_eq!(kind(linked.target.hard_link(&path("f"), &path("g"))), full);
    assert_eq!(linked.names(), ["f"]);
    let (synced, gate) = place(Operation::TargetSync);
    gate.closed.store(true, Ordering::SeqCst);
    assert_eq!(kind(synced.target.sync()), full);
    synced.target.sync().unwrap();
    let (removed, gate) = place(Operation::TargetRemove);
    fs::create_dir(removed.at("d")).unwrap();
    fs::write(removed.at("d/f"), "").unwrap();
    gate.closed.store(true, Ordering::SeqCst);
    assert_eq!(kind(removed.target.remove(&path("d"))), full);
    removed.target.remove(&path("d")).unwrap();
    let file = removed.target.begin_file(&path("f"), Existing::Replace(1)).unwrap();
    gate.closed.store(true, Ordering::SeqCst);
    assert_eq!(kind(file.abandon()), full);
    assert!(removed.names().is_empty());
}
