//! `diff` and `dump`, as they are typed and told.

use std::fs;
use std::process::Command;

use crate::binary::Place;
use crate::prepared::{PASSWORD, filled, keepmum, ready, says};

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
M      +9 B  [PLACE]/source/letters/one
+      +3 B  [PLACE]/source/new

1 added, 1 changed. +12 B in all
",
    );
    let said = keepmum(&place, ["diff", "latest"]);
    says(
        &said.stdout,
        "\
-      -3 B  [PLACE]/source/letters/two
1 removed. -3 B in all
",
    );
    assert_eq!(keepmum(&place, ["diff", "latest", "latest"]).stdout, "Nothing differs\n");
    let said = keepmum(&place, ["diff", "latest", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["removed"], 1);
    assert_eq!(document["new"], serde_json::Value::Null);
    assert_eq!(document["differences"][0]["aspects"], serde_json::json!(["mtime"]));
}

#[test]
fn files_that_cannot_be_compared_are_reported() {
    let place = twice();
    let said = keepmum(&place, ["diff", "latest:/x"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("diff compares whole snapshots, and this is a path"), "{said:?}");
    let mut command = place.command(["diff", "latest", "--from", "destination"]);
    let said = place.said(command.env("KEEPMUM_PASSWORD", PASSWORD).output().unwrap());
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("Without a config there are no folders"), "{said:?}");
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
    assert_eq!((said.code, said.stderr.as_str()), (141, ""));
}

/// A shell's view of the exit codes in a pipe.
fn shell(place: &Place, script: &str) -> String {
    let program = env!("CARGO_BIN_EXE_keepmum");
    let script = format!("KM='{program} -c config.ini'; PLAIN={program}; {script}");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(place.path("")).env("TZ", "UTC");
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn an_output_that_fails_is_the_outputs_failure() {
    let place = twice();
    place.file("source/large", crate::prepared::noise(3, 9_000_000));
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let source = place.path("source").display().to_string();
    for path in ["letters/one", "large", "letters"] {
        let said =
            shell(&place, &format!("$KM dump latest:{source}/{path} 2>&1 >/dev/full; echo $?"));
        assert!(said.starts_with("keepmum: cannot write the output (No space left"), "{said}");
        assert!(said.ends_with("\n1\n") && !said.contains("target"), "{said}");
    }
    for words in ["--help", "--version", "backup --help"] {
        let said = shell(&place, &format!("$PLAIN {words} 2>&1 >/dev/full; echo $?"));
        assert!(said.starts_with("keepmum: cannot write the output"), "{words}: {said}");
        assert!(said.ends_with("\n1\n"), "{words}: {said}");
    }
    for words in ["man", "completions bash", "snapshots -c config.ini", "log -c config.ini"] {
        let said = shell(&place, &format!("$PLAIN {words} 2>&1 >/dev/full; echo $?"));
        assert!(said.ends_with("\n1\n"), "{words}: {said}");
    }
}

#[test]
fn a_dump_that_was_not_read_to_its_end_does_not_end_well() {
    let place = twice();
    place.file("source/large", crate::prepared::noise(3, 9_000_000));
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let source = place.path("source").display().to_string();
    for path in ["/large", ""] {
        let dump = format!("$KM dump latest:{source}{path}");
        let said = shell(&place, &format!("{dump} | head -c1 >/dev/null; echo ${{PIPESTATUS[0]}}"));
        assert_eq!(said, "141\n", "as `cat` has it");
        let said = shell(&place, &format!("{dump} | cat >/dev/null; echo ${{PIPESTATUS[0]}}"));
        assert_eq!(said, "0\n");
    }
    // A listing is for people, who read as much as they like.
    assert_eq!(shell(&place, "$KM ls -R | head -c1 >/dev/null; echo ${PIPESTATUS[0]}"), "0\n");
}

#[test]
fn hints_match_the_failure() {
    let place = twice();
    let said = keepmum(&place, ["ls", "0123456789"]);
    assert!(said.stderr.contains("`keepmum snapshots` lists the snapshots"), "{said:?}");
    let config = std::fs::read_to_string(place.path("config.ini")).unwrap();
    place.file("config.ini", format!("{config}to_exclude = [a\n"));
    let said = keepmum(&place, ["backup", "-n"]);
    assert!(!said.stderr.contains("keepmum snapshots"), "{said:?}");
    let said = keepmum(&place, ["backup", "--threads", "1000000"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("type a whole number from 1 to 256"), "{said:?}");
}

#[test]
fn a_dump_into_a_file_is_whole_or_not_there() {
    let place = filled();
    let of = |path: &str| format!("latest:{}", place.path("source").join(path).display());
    let left = || {
        let names = fs::read_dir(place.path("out")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    place.folder("out");
    let said = keepmum(&place, ["dump", &of("letter.txt"), "-o", "out/letter"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
    assert_eq!(fs::read(place.path("out/letter")).unwrap(), b"Dear Anna,\n");
    let said = keepmum(&place, ["dump", &of("photos"), "--output", "out/photos.tar"]);
    assert_eq!(said.code, 0, "{said:?}");
    // An existing file is never overwritten; nor is the target of a dangling link.
    place.file("out/letter", "mine");
    std::os::unix::fs::symlink("nowhere", place.path("out/link")).unwrap();
    for name in ["letter", "link"] {
        let path = format!("out/{name}");
        let said = keepmum(&place, ["dump", &of("letter.txt"), "-o", &path]);
        assert_eq!(said.code, 1, "{said:?}");
        let told = format!("keepmum: A file of this name exists and is not overwritten: {path}\n");
        assert!(said.stderr.starts_with(&told), "{said:?}");
    }
    assert_eq!(fs::read(place.path("out/letter")).unwrap(), b"mine");
    // A failure leaves nothing: no such path, no such folder, damage.
    assert_eq!(keepmum(&place, ["dump", "latest:/nowhere", "-o", "out/none"]).code, 1);
    assert_eq!(keepmum(&place, ["dump", &of("letter.txt"), "-o", "nowhere/none"]).code, 1);
    let object = crate::prepared::objects(&place).swap_remove(0);
    let mut bytes = fs::read(&object).unwrap();
    bytes[100_000] ^= 1;
    fs::write(&object, bytes).unwrap();
    let said = keepmum(&place, ["dump", &of("photos/a.raw"), "-o", "out/raw"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert_eq!(left(), ["letter", "link", "photos.tar"]);
}
