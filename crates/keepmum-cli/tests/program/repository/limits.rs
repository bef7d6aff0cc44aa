//! Narrow machines: few open files, a home that cannot be written to, no temporary folder, the
//! locale of 1970. Each request works, or one sentence says why not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::binary::{Place, Said};
use crate::prepared::{PASSWORD, as_nobody, filled, keepmum, noise, ready, says};

/// Runs a line of shell in which `$0` is the program.
fn shell(place: &Place, line: &str, variables: &[(&str, &str)]) -> Said {
    let program = place.command([""]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", line]).arg(program.get_program()).current_dir(place.path("")).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.envs(variables.iter().copied());
    place.said(command.output().unwrap())
}

#[test]
fn sixty_four_open_files_are_enough() {
    let place = ready("");
    for number in 0..40 {
        place.file(&format!("source/large/{number}"), noise(number, 1_300_000));
    }
    for number in 0..1500 {
        place.file(&format!("source/{}/{}/{number}", number % 30, number % 7), format!("{number}"));
    }
    let narrow = |words: &str| {
        let line = format!("ulimit -n 64; \"$0\" {words} -c config.ini");
        let said = shell(&place, &line, &[]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{words}");
    };
    narrow("backup");
    fs::remove_dir_all(place.path("db")).unwrap();
    narrow("backup");
    narrow("check --read-data");
    narrow("restore -t out");
    narrow("restore -t out");
    narrow("diff latest");
    narrow("dump > archive.tar");
    let same = std::process::Command::new("diff")
        .arg("-r")
        .arg(place.path("source"))
        .arg(place.path(&format!("out{}", place.path("source").display())))
        .output()
        .unwrap();
    assert!(same.status.success() && same.stdout.is_empty(), "{same:?}");
}

#[test]
fn with_next_to_no_open_files_the_reason_is_said() {
    let place = filled();
    let said = shell(&place, "ulimit -n 5; \"$0\" snapshots -c config.ini", &[]);
    assert!(matches!(said.code, 1 | 4), "{said:?}");
    assert!(said.stderr.contains("Too many open files"), "{said:?}");
    assert!(!said.stderr.contains("not arrived"), "{said:?}");
}

#[test]
fn a_home_that_cannot_be_written_to_needs_a_db_path() {
    let place = filled();
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    fs::create_dir(place.path("home")).unwrap();
    fs::set_permissions(place.path("home"), fs::Permissions::from_mode(0o500)).unwrap();
    let works = as_nobody(&place, ["backup"]);
    assert_eq!((works.code, works.stderr.as_str()), (0, ""), "{works:?}");
    let without: String = config
        .lines()
        .filter(|line| !line.starts_with("db_path"))
        .map(|l| format!("{l}\n"))
        .collect();
    place.file("config.ini", without);
    let said = as_nobody(&place, ["backup"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    says(
        &said.stderr,
        "keepmum: cannot make the folder of the catalogue: [PLACE]/home/.local/state/keepmum \
         (Permission denied (os error 13))
hint: name a folder of your own as db_path in [DB] of the config
",
    );
}

#[test]
fn no_temporary_folder_is_needed() {
    let place = filled();
    let nowhere = [("TMPDIR", "/proc/nowhere"), ("KEEPMUM_PASSWORD", PASSWORD)];
    for words in ["snapshots", "check --read-data", "restore -t out", "ls -R"] {
        let said = shell(&place, &format!("\"$0\" {words} --from destination"), &nowhere);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{words}");
    }
    let said = shell(&place, "\"$0\" backup -c config.ini", &nowhere);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}

#[test]
fn the_locale_changes_nothing() {
    let place = ready("");
    place.file("source/Größe.txt", "x");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let list = |locale: &str| {
        let said = shell(&place, "\"$0\" ls -R -c config.ini", &[("LC_ALL", locale)]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{locale}");
        said.stdout
    };
    let listed = list("C");
    assert!(listed.contains("/source/Größe.txt\n"), "{listed}");
    assert_eq!(listed, list("de_DE.UTF-8"));
}
