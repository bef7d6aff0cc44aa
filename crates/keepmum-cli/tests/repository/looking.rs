//! `diff` and `dump`, as they are typed and told.

use std::process::Command;

use crate::binary::Place;
use crate::prepared::{PASSWORD, keepmum, ready, says};

/// A source with two snapshots, and a change after them.
fn twice() -> Place {
    let place = ready("");
    place.file("source/letters/one", "one");
    place.file("source/letters/two", "two");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    place.file("source/letters/one", "one and more");
    place.file("source/new\n", "new");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    std::fs::remove_file(place.path("source/letters/two")).unwrap();
    place
}

#[test]
fn differences_are_listed_with_a_sign() {
    let place = twice();
    let said = keepmum(&place, ["diff", "latest~1", "latest"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    says(
        &said.stdout,
        "\
m [PLACE]/source
M [PLACE]/source/letters/one
+ [PLACE]/source/new

1 added, 0 removed, 1 changed, 1 with other metadata only
",
    );
    let said = keepmum(&place, ["diff", "latest"]);
    says(
        &said.stdout,
        "\
m [PLACE]/source/letters
- [PLACE]/source/letters/two
0 added, 1 removed, 0 changed, 1 with other metadata only
",
    );
    assert_eq!(keepmum(&place, ["diff", "latest", "latest"]).stdout, "nothing differs\n");
    let said = keepmum(&place, ["diff", "latest", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["removed"], 1);
    assert_eq!(document["new"], serde_json::Value::Null);
    assert_eq!(document["differences"][0]["aspects"], serde_json::json!(["mtime"]));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let place = twice();
    let said = keepmum(&place, ["diff", "latest:/x"]);
    assert_eq!(said.code, 1);
    says(&said.stderr, "keepmum: diff compares whole snapshots; name them without a path\n");
    let mut command = place.command(["diff", "latest", "--from", "destination"]);
    let said = place.said(command.env("KEEPMUM_PASSWORD", PASSWORD).output().unwrap());
    assert_eq!(said.code, 1);
    says(&said.stderr, "keepmum: without a config there is no source to compare with[..]\n");
}

#[test]
fn a_file_and_a_folder_are_dumped() {
    let place = twice();
    let one = format!("latest~1:{}", place.path("source/letters/one").display());
    let said = keepmum(&place, ["dump", &one]);
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "one", ""));
    let folder = format!("latest:{}", place.path("source/letters").display());
    let output = place.command(["dump", "-c", "config.ini", &folder]).output().unwrap();
    let archive = place.file("archive.tar", &output.stdout);
    let out = place.folder("out");
    let tar = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&out).status().unwrap();
    assert!(tar.success());
    assert_eq!(std::fs::read(out.join("letters/one")).unwrap(), b"one and more");
    assert_eq!(std::fs::read(out.join("letters/two")).unwrap(), b"two");
    let said = keepmum(&place, ["dump", "latest:/nowhere"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    let said = keepmum(&place, ["dump", &one, "--json"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "one"));
    let document: serde_json::Value = serde_json::from_str(&said.stderr).unwrap();
    assert_eq!((&document["bytes"], &document["archive"]), (&3.into(), &false.into()));
    let said = keepmum(&place, ["dump", "latest:/nowhere", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&said.stderr).unwrap();
    assert_eq!((said.code, said.stdout.as_str(), &document["exit_code"]), (1, "", &1.into()));
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_dump() {
    let place = ready("");
    place.file("source/large", vec![b'x'; 20_000_000]);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let mut command = place.command(["dump", "-c", "config.ini"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let said = place.said(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}
