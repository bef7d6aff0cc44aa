//! Ids include the kind of a piece: a piece of one kind never stands in for another.

use std::sync::Arc;

use keepmum::inside::compress::Decompressor;
use keepmum::inside::format::PieceKind;
use keepmum::inside::repository::{ObjectReader, RawListing};
use keepmum::inside::seam::{RealDisk, SystemRandom};
use keepmum::inside::store::LocalStore;

use crate::binary::Place;
use crate::prepared::{keepmum, ready};

/// The node of an empty folder.
const NODE: &[u8] = &[0x82, 0x00, 0x80];

/// The kinds of pieces as which these bytes are stored.
fn kinds(place: &Place) -> Vec<PieceKind> {
    let disk = RealDisk::open(&place.path("destination"), Arc::new(SystemRandom)).unwrap();
    let (store, keys) = (LocalStore::new(Arc::new(disk)), crate::hostile::forge::keys());
    let listing = RawListing::read(&store).unwrap().open(&keys, keepmum::Mode::Threads(1));
    let reader = ObjectReader::new(&store, &keys, &listing);
    let mut kinds = Vec::new();
    for (key, _) in listing.objects.iter() {
        for (offset, row) in reader.table(&key).unwrap().offsets() {
            let pieces = reader.pieces(&key, offset, row, &mut Decompressor::new());
            let same = pieces.unwrap_or_default().into_iter().filter(|piece| piece == NODE);
            kinds.extend(same.map(|_| row.kind));
        }
    }
    kinds.sort_unstable();
    kinds
}

fn backs_up(place: &Place) {
    let said = keepmum(place, ["backup"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_file_that_is_a_node_and_the_folder_of_that_node_are_both_stored() {
    let place = ready("");
    place.folder("source/empty");
    place.file("source/node", NODE);
    backs_up(&place);
    assert_eq!(kinds(&place), [PieceKind::Chunk, PieceKind::Node]);
    // In either order, run by run.
    for file_first in [false, true] {
        let place = ready("");
        place.file("source/other", "other\n");
        for file in [file_first, !file_first] {
            match file {
                true => drop(place.file("source/node", NODE)),
                false => drop(place.folder("source/empty")),
            }
            backs_up(&place);
        }
        assert_eq!(kinds(&place), [PieceKind::Chunk, PieceKind::Node]);
        let said = keepmum(&place, ["check", "--read-data"]);
        assert_eq!(said.code, 0, "{said:?}");
    }
}
