//! The program's answers before it opens anything: help, usage, config, passwords, places.

use std::ffi::OsStr;

use crate::binary::{Place, golden};

pub(crate) const COMMANDS: [&str; 16] = [
    "init",
    "backup",
    "snapshots",
    "ls",
    "restore",
    "dump",
    "diff",
    "check",
    "status",
    "log",
    "key",
    "config",
    "help",
    "man",
    "completions",
    "version",
];

#[test]
fn help_is_as_it_was() {
    let place = Place::new();
    let help = place.run(["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    golden("keepmum.txt", &help.stdout);
    for command in COMMANDS {
        let help = place.run([command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{command}");
        golden(&format!("{command}.txt"), &help.stdout);
        // The keys of the config are asked for more often than its command.
        if command != "config" {
            assert_eq!(place.run(["help", command]), help, "{command}");
        }
    }
    assert_eq!(place.run(["help"]).stdout, place.run(["--help"]).stdout);
    for words in [&["--version"][..], &["version"]] {
        let version = concat!("keepmum ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(place.run(words).stdout, version);
    }
}

#[test]
fn what_is_typed_wrong_ends_with_one() {
    let place = Place::new();
    let wrong: [&[&str]; 7] = [
        &[],
        &["bakcup"],
        &["backup", "--no-such"],
        &["restore", "latest"],
        &["check", "--read-data-subset", "0"],
        &["restore", "--overwrite", "perhaps", "--target", "x"],
        &["ls", "--from", "a", "--config", "b"],
    ];
    for arguments in wrong {
        let said = place.run(arguments);
        assert_eq!(said.code, 1, "{arguments:?}: {said:?}");
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{arguments:?}: {said:?}");
    }
}

/// Clap's own tips name whatever looks alike.
#[test]
fn words_of_other_tools_are_answered_with_ours() {
    let place = Place::new();
    for words in [
        "unlock",
        "find x",
        "mount /mnt",
        "-r repo snapshots",
        "backup --exclude x",
        "backup --stdin",
        "snapshots --tag x",
        "restore latest --include x",
        "init -r x",
        "help mount",
    ] {
        let said = place.run(words.split(' '));
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{words}: {said:?}");
        let starts = ["keepmum: there is no `", "keepmum: this version "];
        let is_answer = starts.iter().any(|start| said.stderr.starts_with(start));
        assert!(is_answer, "{words}: {said:?}");
        assert!(said.stderr.contains("\nhint: ") && !said.stderr.contains("tip:"), "{words}");
    }
}

#[test]
fn a_missing_config_names_the_next_step() {
    let place = Place::new();
    let said = place.run(["backup"]);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.stderr,
        "keepmum: there is no config file [PLACE]/home/.config/keepmum/config.ini\n\
         hint: make one with `keepmum init`, name one with --config, or read a repository without \
         any by --from DESTINATION\n"
    );
    let said = place.run(["init"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("init asks for one only on a terminal"), "{said:?}");
    assert!(!place.path("home").exists(), "something was made");
}

#[test]
fn a_wrong_config_names_file_and_line() {
    let place = Place::new();
    let config = place.file("x.ini", "[Backup]\nto_exlude = y\n");
    let said = place.command(["backup"]).env("KEEPMUM_CONFIG", &config).output().unwrap();
    let said = place.said(said);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.stderr,
        "keepmum: [PLACE]/x.ini:2: unknown key to_exlude in [Backup]; did you mean to_exclude?\n"
    );
}

#[test]
fn a_missing_destination_is_never_made() {
    let place = Place::new();
    place.config("");
    std::fs::remove_dir(place.path("destination")).unwrap();
    for command in ["backup", "init", "snapshots", "status", "check"] {
        let said = place.run([command, "-c", "config.ini"]);
        assert_eq!(said.code, 4, "{said:?}");
        let expected = "keepmum: the destination is not there: [PLACE]/destination\n\
                        hint: is the disk mounted, and the sync client set up?";
        assert!(said.stderr.starts_with(expected), "{said:?}");
        assert!(!place.path("destination").exists());
    }
    let said = place.run(["snapshots", "--from", "nowhere"]);
    assert_eq!(said.code, 4, "{said:?}");
}

#[test]
fn db_path_must_be_a_folder() {
    let place = Place::new();
    place.config("");
    std::fs::remove_dir(place.path("db")).unwrap();
    place.file("db", "");
    for command in ["init", "backup"] {
        let said = place.run([command, "-c", "config.ini", "--recovery-code-file", "code"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains("db_path is to be a folder, and [PLACE]/db is"), "{said:?}");
        let stored = std::fs::read_dir(place.path("destination")).unwrap().count();
        assert_eq!(stored, 0, "a repository was made that nobody here remembers");
        assert!(!place.path("code").exists());
    }
    // Reading needs no catalogue: it says that it goes on without, and gets to the destination.
    let said = place.run(["status", "-c", "config.ini"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("This command goes on without it: [PLACE]/db/"), "{said:?}");
    assert!(said.stderr.contains("there is no repository at the destination"), "{said:?}");
}

#[test]
fn without_a_terminal_a_password_must_come_from_somewhere() {
    let place = Place::new();
    place.folder("destination");
    let from = ["snapshots", "--from", "destination"];
    for (variable, file) in [("", "f"), ("x", "empty")] {
        place.file("empty", "\nsecond line\n");
        let mut command = place.command(from);
        command.env("KEEPMUM_PASSWORD", variable);
        if file == "empty" {
            command.args(["--password-file", "empty"]);
        }
        let said = place.said(command.output().unwrap());
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains("is empty\nhint: give it in the config, by --password-file"));
    }
}

#[test]
fn a_config_that_others_can_read_is_warned_about_once() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let config = place.config("");
    // Nothing is opened after the warning.
    std::fs::remove_dir(place.path("destination")).unwrap();
    let warning = "warning: [PLACE]/config.ini holds the password and can be read by others; \
                   `chmod 600` mends that\n";
    let run = || place.run([OsStr::new("status"), OsStr::new("-c"), config.as_os_str()]).stderr;
    assert!(!run().contains("warning"));
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run().matches(warning).count(), 1);
}

#[test]
fn a_failure_is_a_document_too() {
    let place = Place::new();
    let said = place.run(["status", "--json", "-c", "none.ini"]);
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["type"], "error");
    assert_eq!(document["kind"], "config");
    assert_eq!(document["exit_code"], 1);
    assert_eq!(document["message"], "there is no config file none.ini");
    assert!(document["hint"].is_string());
    assert_eq!(said.code, 1);
}

#[test]
fn nothing_is_coloured_where_no_person_looks() {
    let place = Place::new();
    for arguments in [&["status"][..], &["--help"], &["nonsense"]] {
        let said = place.run(arguments);
        assert!(!format!("{}{}", said.stdout, said.stderr).contains('\x1b'), "{said:?}");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = place.run(["completions", shell]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{shell}");
        // Three ask the program itself; to the others it tells all that it knows now.
        let asks = said.stdout.contains(" __complete ");
        let knows = COMMANDS.iter().all(|command| said.stdout.contains(command));
        assert!(asks == ["bash", "zsh", "fish"].contains(&shell) && asks != knows, "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;
    let place = Place::new();
    let mut child = place
        .command(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let said = place.said(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}

#[test]
fn a_limit_that_is_hardly_meant_so_is_warned_about() {
    let place = Place::new();
    let warns = |words: &[&str]| place.run(words).stderr.starts_with("warning: --limit-");
    assert!(warns(&["snapshots", "-c", "none", "--limit-upload", "5"]));
    assert!(warns(&["snapshots", "-c", "none", "--limit-read", "9K"]));
    assert!(!warns(&["snapshots", "-c", "none", "--limit-upload", "10K", "--limit-read", "2M"]));
}
