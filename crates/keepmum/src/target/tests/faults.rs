//! Each access that fails is an error or a problem, and leaves nothing unfinished behind.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Keeper, Place, fifo, kind, mode, path, write_small};
use crate::model::{FoundKind, Time};
use crate::seam::Operation;
use crate::target::{Existing, Options, TargetErrorKind};

fn place(refuse: Operation) -> (Place, Arc<Keeper>) {
    let gate = Keeper::new(refuse);
    (Place::with(Options::default(), gate.clone()), gate)
}

#[test]
fn a_small_file_that_fails_leaves_nothing() {
    use Operation::{TargetUnnamed, TargetWrite};
    for refuse in [TargetUnnamed, TargetWrite] {
        for existing in [Existing::Refuse, Existing::Replace] {
            let (place, gate) = place(refuse);
            gate.closed.store(true, Ordering::SeqCst);
            let failed = write_small(&place.target, &path("f"), b"content", &mode(0o600), existing);
            assert_eq!(kind(failed), Some(TargetErrorKind::Full), "{refuse:?} {existing:?}");
            assert!(place.names().is_empty(), "{refuse:?} {existing:?}");
            write_small(&place.target, &path("f"), b"content", &mode(0o600), existing).unwrap();
            assert_eq!(fs::read(place.at("f")).unwrap(), b"content");
        }
    }
}

#[test]
fn a_replaced_file_survives_every_failure() {
    use Operation::{TargetUnnamed, TargetWrite};
    for refuse in [TargetUnnamed, TargetWrite] {
        let (place, gate) = place(refuse);
        fs::write(place.at("f"), "old").unwrap();
        gate.closed.store(true, Ordering::SeqCst);
        let failed =
            write_small(&place.target, &path("f"), b"new", &mode(0o600), Existing::Replace);
        assert_eq!(kind(failed), Some(TargetErrorKind::Full));
        assert_eq!(place.names(), ["f"]);
        assert_eq!(fs::read(place.at("f")).unwrap(), b"old");
    }
}

#[test]
fn metadata_that_fails_is_reported_and_the_file_stays() {
    let (place, gate) = place(Operation::TargetMetadata);
    let mut metadata = mode(0o600);
    metadata.mtime = Some(Time { seconds: 1, nanos: 0 });
    gate.closed.store(true, Ordering::SeqCst);
    let problems =
        write_small(&place.target, &path("f"), b"x", &metadata, Existing::Refuse).unwrap();
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
        &|| kind(fifo(&made.target, &path("p"))),
        &|| kind(made.target.symlink(&path("l"), b"x", &mode(0o777), Existing::Refuse)),
    ] as [&dyn Fn() -> Option<TargetErrorKind>; 3]
    {
        gate.closed.store(true, Ordering::SeqCst);
        assert_eq!(make(), full);
        assert!(made.names().is_empty());
    }
    let (linked, gate) = place(Operation::TargetLink);
    gate.closed.store(true, Ordering::SeqCst);
    fs::write(linked.at("f"), "").unwrap();
    assert_eq!(
        kind(linked.target.hard_link(&path("f"), &path("g"), Existing::Refuse, |_| true)),
        full
    );
    assert_eq!(linked.names(), ["f"]);
    let (synced, gate) = place(Operation::TargetSync);
    gate.closed.store(true, Ordering::SeqCst);
    assert_eq!(kind(synced.target.sync()), full);
    synced.target.sync().unwrap();
    let (removed, gate) = place(Operation::TargetRemove);
    fs::create_dir(removed.at("d")).unwrap();
    gate.closed.store(true, Ordering::SeqCst);
    assert_eq!(kind(removed.target.remove_empty(&path("d"))), full);
    removed.target.remove_empty(&path("d")).unwrap();
    assert!(removed.names().is_empty());
}
