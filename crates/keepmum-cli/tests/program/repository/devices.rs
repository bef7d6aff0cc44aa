//! Several devices at one destination, and sources that share a name.

use std::fs;
use std::path::Path;

use crate::binary::Place;
use crate::prepared::{PASSWORD, keepmum, noise, ready};

/// Each of two folders gets the files that only the other has, as a sync client would bring them.
fn sync(one: &Path, other: &Path) {
    for (from, to) in [(one, other), (other, one)] {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let there = to.join(entry.file_name());
            if !there.exists() {
                fs::copy(entry.path(), there).unwrap();
            }
        }
    }
}

/// Two machines make their first runs at once in one synced folder; then everything arrives, and
/// both run again.
#[test]
fn of_two_that_began_at_once_each_gets_its_last_run_back() {
    let [a, b] = ["a", "b"].map(|name| {
        let place = Place::new();
        place.config(&format!("device_name = {name}"));
        place.file("source/file", format!("the first of {name}"));
        place.file("source/noise", noise(name.len() as u64, 20_000));
        assert_eq!(keepmum(&place, ["backup"]).code, 0);
        place
    });
    let destinations = [&a, &b].map(|place| place.path("destination"));
    sync(&destinations[0], &destinations[1]);
    for (name, place) in [("a", &a), ("b", &b)] {
        place.file("source/file", format!("the last of {name}"));
        let said = keepmum(place, ["backup"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(!said.stderr.contains("device id"), "{said:?}");
    }
    sync(&destinations[0], &destinations[1]);
    for (name, place) in [("a", &a), ("b", &b)] {
        assert_eq!(keepmum(place, ["check"]).code, 0);
        a.file("password", PASSWORD);
        let words = ["restore", "--from", "destination", "--password-file", "password", "--device"];
        let target = format!("out-{name}");
        let said = a.run(words.iter().copied().chain([name, "latest", "-t", &target]));
        assert_eq!(said.code, 0, "{said:?}");
        let inside = place.path("source/file");
        let restored = a.path(&target).join(inside.strip_prefix("/").unwrap());
        assert_eq!(fs::read_to_string(restored).unwrap(), format!("the last of {name}"));
    }
    // Without a device "latest" means nobody's.
    let words = ["restore", "--from", "destination", "--password-file", "password", "-t", "out"];
    let said = a.run(words);
    assert_eq!(said.code, 1, "{said:?}");
    for wanted in ["device a (", "device b (", "last backup 20"] {
        assert!(said.stderr.contains(wanted), "{said:?}");
    }
}

/// Two folders of one name, in two configs with one `db_path`.
#[test]
fn a_config_for_other_folders_under_the_same_name_is_refused() {
    let place = ready("");
    place.file("source/a", "A");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    place.file("elsewhere/source/b", "B");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let before = format!("to_backup = {}", place.path("source").display());
    let after = format!("to_backup = {}", place.path("elsewhere/source").display());
    let line = config.lines().position(|line| line == before).unwrap() + 1;
    place.file("other.ini", config.replace(&before, &after));
    for words in [&["backup"][..], &["restore", "latest", "-t", "out"], &["snapshots"], &["status"]]
    {
        let said = place.run(words.iter().copied().chain(["-c", "other.ini"]));
        assert_eq!(said.code, 1, "{words:?}: {said:?}");
        let begin = format!("keepmum: other.ini:{line}: another source has this name already");
        assert!(said.stderr.starts_with(&begin), "{words:?}: {said:?}");
    }
    assert!(!place.path("out").exists());
    // With a name of its own it is another source.
    place.file("other.ini", config.replace(&before, &format!("{after}\nname = other")));
    let said = place.run(["backup", "-c", "other.ini"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
}

/// A copied machine writes at the same time under the same id: neither hash nor clock decides whose
/// files come back.
#[test]
fn of_two_machines_under_one_id_latest_is_the_own_one_or_has_to_be_named() {
    for first in ["the machine", "its copy"] {
        let place = ready("");
        place.file("source/letter", "before");
        assert_eq!(keepmum(&place, ["backup"]).code, 0);
        let copy = |from: &str, to: &str| {
            place.folder(to);
            sync(&place.path(from), &place.path(to));
        };
        copy("db", "copy/db");
        copy("db", "third/db");
        copy("destination", "copy/destination");
        let config = fs::read_to_string(place.path("config.ini")).unwrap();
        let at = place.path("").display().to_string();
        let third = config.replace(&format!("{at}db\n"), &format!("{at}third/db\n"));
        place.file("third.ini", third);
        let moved = ["db", "destination"].iter().fold(config, |config, folder| {
            config.replace(&format!("{at}{folder}\n"), &format!("{at}copy/{folder}\n"))
        });
        place.file("copy.ini", moved);
        fs::copy(place.path("config.ini.cache-key"), place.path("copy.ini.cache-key")).unwrap();
        let run =
            |config: &str, words: &[&str]| place.run(words.iter().copied().chain(["-c", config]));
        let configs = [("config.ini", "the machine"), ("copy.ini", "its copy")];
        let mut order = configs;
        order.sort_by_key(|(_, who)| *who != first);
        for (config, who) in order {
            place.file("source/letter", who);
            let said = run(config, &["backup"]);
            assert_eq!(said.code, 0, "{said:?}");
            assert!(!said.stderr.contains("device id"), "{said:?}");
        }
        sync(&place.path("destination"), &place.path("copy/destination"));
        let letter = format!("latest:{}", place.path("source/letter").display());
        for (config, who) in configs {
            let said = run(config, &["dump", &letter]);
            assert_eq!((said.code, &*said.stdout), (0, who), "{first}: {said:?}");
        }
        // One whose own record both branches follow cannot tell either.
        let said = run("third.ini", &["dump", &letter]);
        assert_eq!((said.code, &*said.stdout), (1, ""), "{said:?}");
        assert!(said.stderr.contains("two machines have written under the id of"), "{said:?}");
        // A third one knows no branch for its own.
        place.file("password", PASSWORD);
        let from = ["--from", "destination", "--password-file", "password"];
        let said = place.run(["dump", &letter].iter().chain(&from));
        assert_eq!((said.code, &*said.stdout), (1, ""), "{said:?}");
        assert!(said.stderr.contains("two machines have written under the id of"), "{said:?}");
        let named = said.stderr.split("the one that you mean: ").nth(1).unwrap();
        let ids: Vec<&str> = named.split("; ").map(|one| &one[..8]).collect();
        let mut found: Vec<String> = ids
            .iter()
            .map(|id| {
                let letter = letter.replace("latest", id);
                place.run(["dump", &letter].iter().chain(&from)).stdout
            })
            .collect();
        found.sort();
        assert_eq!(found, ["its copy", "the machine"]);
        // A snapshot before both is no question.
        let before = place.run(["snapshots", "--json"].iter().chain(&from)).stdout;
        assert_eq!(before.matches("\"run\":1,").count(), 1, "{before}");
        // Whoever runs next takes another id, and goes on from its own.
        let said = run("config.ini", &["backup"]);
        assert!(said.code == 0 && said.stderr.contains("a new device id is taken"), "{said:?}");
        let said = run("config.ini", &["dump", &letter]);
        assert_eq!((said.code, &*said.stdout), (0, order[1].1), "{first}: {said:?}");
    }
}
