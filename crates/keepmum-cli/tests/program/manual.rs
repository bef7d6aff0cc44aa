//! The manual and the help as they are read: every page, at several widths, in the programs that
//! show manuals.

use std::process::{Command, Stdio};
use std::{fs, io::Write};

use crate::binary::Place;
use crate::typing::COMMANDS;

/// Every page, by the words behind `keepmum man`.
fn pages() -> Vec<Vec<&'static str>> {
    let commands = COMMANDS.iter().map(|command| vec!["1", command]);
    commands.chain([vec![], vec!["config"], vec!["5", "keepmum-config"]]).collect()
}

fn roff(place: &Place, words: &[&str]) -> String {
    let said = place.run([&["man"], words].concat());
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{words:?}");
    said.stdout
}

/// Whether a program is installed; says so where it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no {program} here");
    }
    found
}

/// Gives a program this on its standard input, and returns its output and its complaints.
fn through(program: &str, arguments: &[&str], input: &str) -> (String, String) {
    let mut command = Command::new(program);
    command.args(arguments).env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn every_page_has_the_sections_of_a_manual() {
    let place = Place::new();
    for words in pages() {
        let page = roff(&place, &words);
        assert!(page.starts_with(".TH KEEPMUM"), "{words:?}: {page}");
        let is_config =
            words.last().is_some_and(|word| word.ends_with("config")) && words[0] != "1";
        let kind = if is_config { "FILES" } else { "EXIT STATUS" };
        for section in ["NAME", "SEE ALSO", kind] {
            assert!(page.contains(&format!(".SH \"{section}\"\n")), "{words:?} has no {section}");
        }
    }
    let page = roff(&place, &[]);
    for section in ["SYNOPSIS", "COMMANDS", "EXAMPLES", "FILES", "ENVIRONMENT", "EXIT STATUS"] {
        assert!(page.contains(&format!(".SH \"{section}\"\n")), "{section}");
    }
    assert_eq!(place.run(["man", "nonsense"]).code, 1);
}

#[test]
fn every_page_is_shown_without_a_warning() {
    let place = Place::new();
    let (with_man, with_groff) = (has("man"), has("groff"));
    for words in pages() {
        let page = roff(&place, &words);
        if with_groff {
            let (shown, warnings) = through("groff", &["-ww", "-man", "-Tutf8", "-P-cbou"], &page);
            assert_eq!(warnings, "", "{words:?}");
            assert!(shown.contains("keepmum(1)") || shown.contains("keepmum-config(5)"), "{shown}");
        }
        if with_man {
            let arguments = ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "-"];
            let (_, warnings) = through("man", &arguments, &page);
            assert_eq!(warnings, "", "{words:?}");
        }
    }
}

/// No escape of the form is left in it.
#[test]
fn a_page_reads_as_it_was_written() {
    let place = Place::new();
    if !has("groff") {
        return;
    }
    let page = roff(&place, &["config"]);
    let (shown, _) = through("groff", &["-man", "-Tascii", "-P-cbou"], &page);
    for line in ["password_file = %d/keepmum", "~/.config/keepmum/config.ini", "!important.tmp"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("\\e") && !shown.contains('`'), "{shown}");
}

#[test]
fn on_a_terminal_a_page_opens_in_man() {
    let place = Place::new();
    if !has("script") || !has("man") {
        return;
    }
    let program = place.command([""]);
    let program = program.get_program().to_str().unwrap().to_owned();
    let run = |path: &str| {
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &format!("'{program}' man backup"), "/dev/null"]);
        command.env_clear().env("PATH", path).env("MANPAGER", "cat").env("TERM", "dumb");
        place.said(command.stdin(Stdio::null()).output().unwrap())
    };
    let path = std::env::var("PATH").unwrap();
    let said = run(&path);
    assert!(said.code == 0 && said.stdout.contains("KEEPMUM-BACKUP(1)"), "{said:?}");
    // Without `man` the page is text all the same.
    let folder = place.folder("bin");
    for tool in ["script", "sh"] {
        let found =
            path.split(':').map(|at| format!("{at}/{tool}")).find(|at| fs::exists(at).unwrap());
        std::os::unix::fs::symlink(found.unwrap(), folder.join(tool)).unwrap();
    }
    let said = run(folder.to_str().unwrap());
    assert!(said.code == 0 && said.stdout.contains("Exit status"), "{said:?}");
    assert!(!said.stdout.contains(".SH"), "{said:?}");
}

#[test]
fn no_line_of_help_is_wider_than_the_terminal() {
    let place = Place::new();
    let topics = COMMANDS.iter().map(|command| vec!["help", command]);
    let verbs =
        ["list", "add", "remove", "passwd", "recovery"].map(|verb| vec!["help", "key", verb]);
    let others = [vec!["help"], vec!["help", "words"], vec!["help", "config"]];
    let topics: Vec<_> = topics.chain(verbs).chain(others).collect();
    for width in [60, 80, 120] {
        for words in &topics {
            let mut command = place.command(words);
            let said = place.said(command.env("COLUMNS", width.to_string()).output().unwrap());
            assert_eq!(said.code, 0, "{said:?}");
            for line in said.stdout.lines() {
                assert!(line.chars().count() <= width, "{width}: {words:?}: {line}");
            }
        }
    }
}
