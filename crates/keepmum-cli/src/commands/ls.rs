//! `ls`: what is in a snapshot.

use std::path::Path;

use jiff::Zoned;
use keepmum::TreePath;
use keepmum::ops::{self, Access, EntryKind, EntryLine, ListOptions, ListReport, SnapshotLine};

use super::Session;
use super::choice::Choice;
use super::missing::Missed;
use crate::args::LsArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::announcing::Announcing;
use crate::terminal::progress::{Shape, Watch, streamed, watched};
use crate::terminal::{Terminal, paths, problems, text};

/// So many bytes of paths are written at once, and so many entries: most listings are one page.
const AT_ONCE: usize = 1024 * 1024;
const LINES: usize = 16 * 1024;

/// Lists a snapshot, or a path of it.
pub(crate) fn run(args: &LsArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let choice =
        Choice::new(&args.what, &args.which, settings.source.is_some(), session.environment)?;
    let are_roots = choice.paths.is_everything();
    let options = ListOptions {
        snapshot: choice.snapshot,
        paths: choice.paths,
        recursive: args.recursive,
        sums: args.long || (are_roots && terminal.person_reads && !args.recursive),
    };
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let mut missed = Missed::default();
    let report = match terminal.json {
        true => streamed(terminal, "entries", |each, watch| {
            missed.note(ops::list(&access, &options, each, watch))
        }),
        false => {
            let columns = match (args.long, options.sums) {
                (true, _) => Columns::All,
                (false, true) => Columns::Sums,
                (false, false) => Columns::Names,
            };
            as_text(session, &access, &options, (columns, &mut missed))
        }
    };
    let report = missed.explain(report, "ls", session)?;
    Ok(report.outcome().into())
}

/// Which snapshot is shown, and when it was made.
fn title(line: &SnapshotLine, columns: Columns, now: &Zoned) -> String {
    let when = moment::short(line.time, now);
    let zone = match columns {
        Columns::All => format!(" (times are {})", moment::offset(now)),
        _ => String::new(),
    };
    format!("Snapshot {} of {}, {when}{zone}", text::id(&line.id), text::line(&line.device))
}

fn as_text(
    session: &Session<'_>,
    access: &Access,
    options: &ListOptions,
    (columns, missed): (Columns, &mut Missed),
) -> Result<ListReport, Failure> {
    let (terminal, environment) = (session.terminal, session.environment);
    let mut failed = None;
    let mut page = Page {
        terminal,
        now: &environment.now,
        home: environment.home.as_deref(),
        columns,
        widths: Widths::default(),
        lines: Vec::new(),
        length: 0,
    };
    let announce =
        |line: &SnapshotLine, _: &[TreePath]| vec![title(line, columns, &environment.now)];
    let listed = watched(terminal, Shape::Document, |watch| {
        let observer = Announcing { watch, announcement: &announce, target: TreePath::root() };
        let mut each = |entry| {
            failed = page.add(entry, watch).err();
            failed.is_none() && !terminal.reader_is_gone()
        };
        let listed = ops::list(access, options, &mut each, &observer);
        if failed.is_none() {
            failed = page.flush(watch).err();
        }
        missed.note(listed)
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let report = listed?;
    problems::show(terminal, &report.problems);
    Ok(report)
}

/// What stands beside the paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Columns {
    Names,
    /// How much is in each folder.
    Sums,
    All,
}

/// Entries whose columns are as wide as the widest of them, and of those before them.
struct Page<'a> {
    terminal: &'a Terminal,
    now: &'a Zoned,
    home: Option<&'a Path>,
    columns: Columns,
    widths: Widths,
    lines: Vec<EntryLine>,
    /// Bytes of their paths.
    length: usize,
}

impl Page<'_> {
    fn add(&mut self, entry: EntryLine, watch: &Watch) -> Result<(), Failure> {
        self.length += entry.path_bytes.len();
        self.lines.push(entry);
        let full = self.length >= AT_ONCE || self.lines.len() >= LINES;
        if full { self.flush(watch) } else { Ok(()) }
    }

    fn flush(&mut self, watch: &Watch) -> Result<(), Failure> {
        let lines = std::mem::take(&mut self.lines);
        self.length = 0;
        let mut widths = std::mem::take(&mut self.widths);
        let length = |entry: &EntryLine| String::from_utf8_lossy(&self.name(entry)).chars().count();
        widths.fit(&lines, self.now, length);
        self.widths = widths;
        let mut page = Vec::new();
        for entry in &lines {
            let name = self.name(entry);
            match self.columns {
                Columns::Names => page.extend(name),
                Columns::Sums => page.extend(self.widths.sums(entry, &name)),
                Columns::All => {
                    page.extend_from_slice(self.widths.details(entry, self.now).as_bytes());
                    page.extend(name);
                }
            }
            page.push(b'\n');
        }
        if page.is_empty() { Ok(()) } else { watch.write(&page) }
    }

    /// The path; for a person without control characters, for a program byte by byte as it is. A
    /// folder ends in a slash.
    fn name(&self, entry: &EntryLine) -> Vec<u8> {
        let path = entry.path_bytes.get(entry.above..).unwrap_or_default();
        let person = self.terminal.person_reads;
        let mut shown = match person {
            // The whole path is an absolute one, which may begin at the home.
            true if entry.above == 0 => paths::shown(path, self.home).into_bytes(),
            true => text::bytes(path).into_bytes(),
            false => path.to_vec(),
        };
        if entry.kind == EntryKind::Directory && !shown.ends_with(b"/") {
            shown.push(b'/');
        }
        match &entry.link_target_bytes {
            Some(target) if self.columns == Columns::All => {
                let target = if person { text::bytes(target).into_bytes() } else { target.clone() };
                [&shown[..], b" -> ", &target].concat()
            }
            _ => shown,
        }
    }
}

/// How wide the columns are.
#[derive(Default)]
struct Widths {
    user: usize,
    group: usize,
    size: usize,
    files: usize,
    name: usize,
    time: usize,
}

impl Widths {
    /// Makes room for these, whose names are so long.
    fn fit(&mut self, entries: &[EntryLine], now: &Zoned, name: impl Fn(&EntryLine) -> usize) {
        for entry in entries {
            self.user = self.user.max(owner(entry.user.as_deref(), entry.uid).chars().count());
            self.group = self.group.max(owner(entry.group.as_deref(), entry.gid).chars().count());
            self.size = self.size.max(text::size(entry.size).len());
            self.files = self.files.max(files(entry).len());
            self.name = self.name.max(name(entry));
            self.time = self.time.max(time(entry, now).len());
        }
    }

    fn details(&self, entry: &EntryLine, now: &Zoned) -> String {
        format!(
            "{} {:user$} {:group$} {:>size$} {:time$} ",
            mode(entry.kind, entry.mode),
            owner(entry.user.as_deref(), entry.uid),
            owner(entry.group.as_deref(), entry.gid),
            text::size(entry.size),
            time(entry, now),
            user = self.user,
            group = self.group,
            size = self.size,
            time = self.time,
        )
    }

    /// The name, how many files are in it, and their size.
    fn sums(&self, entry: &EntryLine, name: &[u8]) -> Vec<u8> {
        let room = self.name.saturating_sub(String::from_utf8_lossy(name).chars().count());
        let sums = format!(
            "{}  {:>files$}  {:>size$}",
            " ".repeat(room),
            files(entry),
            text::size(entry.size),
            files = self.files,
            size = self.size,
        );
        [name, sums.as_bytes()].concat()
    }
}

fn files(entry: &EntryLine) -> String {
    entry.files_beneath.map_or_else(String::new, |files| text::count(files, "file", "files"))
}

fn time(entry: &EntryLine, now: &Zoned) -> String {
    entry.mtime.map_or_else(String::new, |mtime| moment::short(mtime, now))
}

fn owner(name: Option<&str>, number: Option<u32>) -> String {
    let number = || number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    name.map_or_else(number, text::line)
}

/// `drwxr-xr-x`, with `s`, `S`, `t` and `T` as usual; `d?????????` where the mode is not known.
fn mode(kind: EntryKind, mode: Option<u16>) -> String {
    let mut shown = String::with_capacity(10);
    shown.push(match kind {
        EntryKind::File => '-',
        EntryKind::Directory => 'd',
        EntryKind::Symlink => 'l',
        EntryKind::Fifo => 'p',
        EntryKind::CharacterDevice => 'c',
        EntryKind::BlockDevice => 'b',
    });
    let Some(mode) = mode else { return shown + "?????????" };
    for (shift, special, with, without) in
        [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')]
    {
        let bits = mode >> shift;
        shown.push(if bits & 4 != 0 { 'r' } else { '-' });
        shown.push(if bits & 2 != 0 { 'w' } else { '-' });
        shown.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => with,
            (true, false) => without,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    shown
}

#[cfg(test)]
mod tests;
