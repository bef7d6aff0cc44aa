//! A person's view of a run, and dry runs that must report the same as runs.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use keepmum::inside::model::TreePath;
use keepmum::ops::{
    self, BackupOptions, BackupReport, ChangeKind, Deletions, Error, ErrorKind, Event, Observer,
};

use super::world::{World, options};

/// Keeps the lines that a person would see.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn event(&self, event: Event) {
        let name = |path: &TreePath| {
            let bytes = path.as_bytes().rsplit(|b| *b == b'/').next().unwrap();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        let line = match event {
            Event::Change { kind: ChangeKind::Gone, path, .. } => format!("gone {}", name(&path)),
            Event::Change { kind: ChangeKind::New, path, .. } => format!("new {}", name(&path)),
            Event::Moved { from, to } => format!("moved {} {}", name(&from), name(&to)),
            Event::Notice(sentence) => sentence,
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }

    fn stopping(&self) -> bool {
        false
    }
}

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) result: Result<BackupReport, Error>,
    pub(crate) lines: Vec<String>,
}

impl Said {
    pub(crate) fn report(self) -> BackupReport {
        self.result.unwrap()
    }

    /// The refusal's sentence, and how many files it asks to accept.
    pub(crate) fn refusal(self) -> (String, Option<u64>) {
        let error = self.result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceGone, "{error}");
        (error.to_string(), error.deletions())
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        self.lines.iter().any(|line| line.contains(part))
    }
}

pub(crate) fn asked(world: &World, options: &BackupOptions) -> Said {
    let heard = Heard::default();
    let result = ops::backup(&world.own(), options, &heard);
    Said { result, lines: heard.0.into_inner().unwrap() }
}

/// As people run it: nothing is accepted, and changes are listed.
pub(crate) fn careful(world: &World) -> BackupOptions {
    BackupOptions {
        accept_deletions: Deletions::Refuse,
        list_changes: true,
        ..options(&world.source())
    }
}

/// A dry run, and then a run; they say the same.
pub(crate) fn both(world: &World, options: &dyn Fn(bool) -> BackupOptions) -> Said {
    let foreseen = asked(world, &options(true));
    let done = asked(world, &options(false));
    let numbers = |said: &Said| {
        said.result
            .as_ref()
            .map(|r| (r.new, r.changed, r.moved, r.gone, r.directories_moved, r.directories_gone))
            .map_err(ToString::to_string)
    };
    assert_eq!(numbers(&foreseen), numbers(&done), "the dry run says something else");
    // A run learns of some moves earlier than of others.
    let sorted = |said: &Said| {
        let mut lines = said.lines.clone();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&foreseen), sorted(&done));
    done
}

pub(crate) fn run(world: &World) -> Said {
    both(world, &|dry_run| BackupOptions { dry_run, ..careful(world) })
}

/// Files whose content and time differ from each other.
pub(crate) fn fill(folder: &Path, files: u32) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..files {
        let file = folder.join(format!("f{number}"));
        fs::write(&file, format!("content {number} of {}", folder.display())).unwrap();
    }
}
