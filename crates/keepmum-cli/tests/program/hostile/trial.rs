//! Running the program on a hostile repository, with little memory, little time and a witness.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::binary::{Place, Said};
use crate::hostile::forge::{Forge, GOOD, LETTER};

/// Memory that a process may take for itself, in KiB.
const MEMORY: u64 = 256 * 1024;
/// So long may a command take; honest ones take a fraction of a second.
const TIME: Duration = Duration::from_secs(60);

/// The required outcomes for a hostile repository.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Writes it.
    pub(crate) forge: fn(&mut Forge),
    /// The allowed exit codes of `restore` of the newest snapshot.
    pub(crate) restore: &'static [i32],
    /// The allowed exit codes of `check --read-data`.
    pub(crate) check: &'static [i32],
    /// Only a newer version understands the newest snapshot: all that ask for the latest get the
    /// honest one, and are told.
    pub(crate) hidden: bool,
    /// Only who reads the content of files comes across it.
    pub(crate) in_data: bool,
    /// Whether everything is tried: to write out some as a whole nobody could wait for.
    pub(crate) whole: bool,
}

/// It is damage: intact things are restored, and the exit code is 6.
pub(crate) const fn damage(name: &'static str, forge: fn(&mut Forge)) -> Case {
    Case { name, forge, restore: &[6], check: &[6], hidden: false, in_data: false, whole: true }
}

/// Only a newer version may understand it.
pub(crate) const fn unknown(name: &'static str, forge: fn(&mut Forge)) -> Case {
    Case { name, forge, restore: &[3], check: &[3], hidden: false, in_data: false, whole: true }
}

/// Nothing is wrong with it, whatever it looks like.
pub(crate) const fn legal(name: &'static str, forge: fn(&mut Forge)) -> Case {
    Case { name, forge, restore: &[0], check: &[0], hidden: false, in_data: false, whole: true }
}

/// The run is damaged so that its snapshot is not there; the honest one before it is.
pub(crate) const fn no_snapshot(name: &'static str, forge: fn(&mut Forge)) -> Case {
    Case { name, forge, restore: &[0], check: &[6], hidden: false, in_data: false, whole: true }
}

/// A newer version wrote the newest snapshot, and this one does not understand it.
pub(crate) const fn not_understood(name: &'static str, forge: fn(&mut Forge)) -> Case {
    Case { name, forge, restore: &[3], check: &[3], hidden: true, in_data: false, whole: true }
}

/// Everything except files that the program may change: paths with their contents.
fn witness(place: &Place) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let mut waiting = vec![place.path("")];
    while let Some(folder) = waiting.pop() {
        for found in fs::read_dir(&folder).unwrap() {
            let path = found.unwrap().path();
            let there = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(place.path("")).unwrap().display().to_string();
            if name == "out" || name == "db" {
                continue;
            }
            let kind = there.file_type();
            let content = match (kind.is_file(), kind.is_symlink()) {
                (true, _) => format!("{} bytes, {:?}", there.len(), digest(&path)),
                (_, true) => format!("to {}", fs::read_link(&path).unwrap().display()),
                _ if kind.is_fifo() => "a pipe".to_owned(),
                _ => "a folder".to_owned(),
            };
            let (mode, owner, links) = (there.mode(), there.uid(), there.nlink());
            let time = (there.mtime(), there.mtime_nsec());
            seen.insert(name, format!("{content} {mode:o} {owner} {links} {time:?}"));
            if kind.is_dir() {
                waiting.push(path);
            }
        }
    }
    seen
}

fn digest(path: &Path) -> [u8; 16] {
    keepmum::inside::crypto::ciphertext_hash(&fs::read(path).unwrap())
}

/// Runs the program with its limits.
fn run(place: &Place, words: &[&str]) -> Said {
    let program = place.command(words);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -c 0 && ulimit -d {MEMORY} && exec \"$@\""), "sh"])
        .arg(program.get_program())
        .args(program.get_args())
        .args(["-c", "config.ini"])
        .current_dir(place.path(""))
        .env_clear()
        .envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))))
        .stdin(Stdio::null());
    let (said, lost) = (place.path("stdout"), place.path("stderr"));
    let mut child = command
        .stdout(fs::File::create(&said).unwrap())
        .stderr(fs::File::create(&lost).unwrap())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > TIME {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{words:?} takes too long");
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    if began.elapsed() > Duration::from_secs(2) {
        eprintln!("{words:?}: {:?}", began.elapsed());
    }
    let read = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        bytes
    };
    let output = Output { status, stdout: read(&said), stderr: read(&lost) };
    assert!(output.status.signal().is_none(), "{words:?} was ended by {:?}", output.status);
    let said = place.said(output);
    assert!(said.code != 101 && !said.stderr.contains("panicked"), "{words:?}: {said:?}");
    said
}

/// All commands on one case; returns the problems.
fn verdict(case: &Case) -> Result<(), String> {
    let mut forge = Forge::new();
    forge.place.file("canary/song", "tweet");
    std::os::unix::fs::symlink("canary", forge.place.path("way")).unwrap();
    forge.honest_run();
    (case.forge)(&mut forge);
    forge.strike_once();
    let place = &forge.place;
    let before = witness(place);
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commands(case, &forge)));
    // Whatever came of it: the library's own removal, at the end of the place, descends by
    // recursion, and some trees are deeper than a stack.
    assert!(Command::new("rm").arg("-rf").arg(place.path("out")).status().unwrap().success());
    tried.unwrap_or_else(|_| Err("it could not be tried to its end".to_owned()))?;
    if witness(place) != before {
        return Err(format!("something outside the target changed: {:#?}", witness(place)));
    }
    // Data that only a newer version understands does not prevent backups.
    match case.restore.contains(&6) || case.check != [3] {
        true => Ok(()),
        false => backs_up(place),
    }
}

fn commands(case: &Case, forge: &Forge) -> Result<(), String> {
    let place = &forge.place;
    let listed = run(place, &["snapshots"]);
    expect(&listed, if case.hidden { &[3] } else { &[0] }, "snapshots")?;
    let newest = match listed.stdout.contains(&forge.snapshot(2)[..8]) {
        _ if case.hidden => "latest".to_owned(),
        true => forge.snapshot(2),
        false => forge.snapshot(1),
    };
    let back = run(place, &["restore", &newest, "-t", "out"]);
    expect(&back, case.restore, "restore")?;
    let letter = place.path("out").join(GOOD);
    if fs::read(&letter).ok().as_deref() != Some(LETTER) {
        return Err(format!("the honest file did not come back: {}", brief(&back)));
    }
    let words = ["restore", &newest, "-t", "out", "--special", "--delete"];
    let again = if case.whole { run(place, &words) } else { back };
    // An incomplete snapshot is not the measure for deletions; things that could not be set without
    // --special may be now.
    let better: &[i32] = if case.restore == [6] { &[5] } else { &[0, 3, 5] };
    expect(&again, &[case.restore, better].concat(), "restore again")?;
    let checked = run(place, &["check", "--read-data"]);
    expect(&checked, case.check, "check")?;
    // A listing begins at the roots that the record names, whatever they are.
    expect(&run(place, &["ls", &newest]), &[0, 3, 6], "ls")?;
    // What only a newer version understands is told by every command that comes across it.
    let only_unknown = case.restore == [3] && case.check == [3];
    let is_told = only_unknown && !case.in_data;
    let restore = if is_told { vec![3] } else { [case.restore, &[0, 3]].concat() };
    let seeing = |words: &[&str]| expect(&run(place, words), &restore, words[0]);
    seeing(&["ls", "-R", "-l", &format!("{newest}:/")])?;
    seeing(&["diff", &forge.snapshot(1), &newest])?;
    seeing(&["diff", &newest])?;
    if case.whole {
        expect(&run(place, &["dump", &newest]), &[&restore[..], &[6]].concat(), "dump")?;
    }
    // Damage found by the check is reported until a check is clean; files that have not arrived are
    // reported, too.
    let told: &[i32] = match checked.code {
        6 => &[6],
        3 => &[0, 3],
        _ => &[0],
    };
    let told: &[i32] = if only_unknown { &[3] } else { told };
    let said = run(place, &["status"]);
    // Nobody can say how old a run of the future is, and this computer never saved anything: both
    // are told, unless there is damage.
    let is_told = ["dated in the future", "No backup of this computer"];
    let is_told = is_told.iter().any(|part| said.stdout.contains(part));
    let told = if is_told && told != [6] { &[3][..] } else { told };
    expect(&said, told, "status")
}

/// A backup goes on, and heals nothing.
fn backs_up(place: &Place) -> Result<(), String> {
    place.file("source/fresh", "fresh\n");
    let said = run(place, &["backup"]);
    expect(&said, &[0], "backup")?;
    match said.stderr.contains("stored again") {
        true => Err(format!("something was healed: {}", brief(&said))),
        false => Ok(()),
    }
}

fn expect(said: &Said, codes: &[i32], what: &str) -> Result<(), String> {
    match codes.contains(&said.code) {
        true => Ok(()),
        false => Err(format!("{what} ended with {}, not {codes:?}: {}", said.code, brief(said))),
    }
}

fn brief(said: &Said) -> String {
    let cut = |text: &str| text.chars().take(600).collect::<String>();
    format!("{}\n{}", cut(&said.stderr), cut(&said.stdout))
}

/// Tries all cases of a table.
#[track_caller]
pub(crate) fn trial(cases: &[Case]) {
    let only = std::env::var("KEEPMUM_CASE").ok();
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| only.as_ref().is_none_or(|only| only == case.name)) {
        let began = Instant::now();
        let tried = std::panic::catch_unwind(|| verdict(case));
        let tried = tried.unwrap_or_else(|_| Err("it could not be tried to its end".to_owned()));
        if let Err(what) = tried {
            wrong.push(format!("{}: {what}", case.name));
        }
        if began.elapsed() > Duration::from_secs(5) {
            eprintln!("{}: {:?}", case.name, began.elapsed());
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}
