//! The rows "forget", "pin" and "tag".

use crate::contract::transcript::{Transcript, filled};
use crate::prepared::keepmum;

#[test]
fn forgetting() {
    let place = filled();
    for number in 1..5 {
        place.file("source/letter.txt", format!("Dear Anna, {number}\n"));
        assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    }
    let mut transcript = Transcript::at(&place);
    transcript.note("five snapshots of one day");
    transcript.run("forget -c config.ini");
    transcript.run("tag latest~4 before-update -c config.ini");
    transcript.run("pin before-update -c config.ini");
    transcript.run("pin before-update -c config.ini");
    transcript.run("snapshots -c config.ini");
    transcript.run("forget --keep-last 1 -c config.ini");
    transcript.run("forget --keep-last 1 --dry-run -c config.ini");
    transcript.run("forget --keep-last 3 -c config.ini");
    transcript.run("forget --keep-last 3 -c config.ini");
    transcript.run("forget latest -c config.ini");
    transcript.run("forget before-update -c config.ini");
    transcript.run("forget latest~1 --json -c config.ini");
    transcript.run("pin latest --json -c config.ini");
    transcript.run("forget --undo -c config.ini");
    transcript.run("log -n 4 -c config.ini");
    transcript.agrees("forget.txt");
}
