//! `ls`: what is in a snapshot.

use jiff::Zoned;
use keepmum::ops::{self, Access, EntryKind, EntryLine, ListOptions, ListReport};

use super::Session;
use super::choice::Choice;
use crate::args::LsArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, Watch, streamed, watched};
use crate::terminal::{Terminal, problems, text};

/// So many bytes of paths are written at once, and so many entries: most listings are one page.
const AT_ONCE: usize = 1024 * 1024;
const LINES: usize = 16 * 1024;

/// Lists a snapshot, or a path of it.
pub(crate) fn run(args: &LsArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let now = &session.environment.now;
    let choice = Choice::new(&args.which, settings.source.is_some(), now)?;
    let options =
        ListOptions { snapshot: choice.snapshot, path: choice.path, recursive: args.recursive };
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let report = match terminal.json {
        true => {
            streamed(terminal, "entries", |each, watch| ops::list(&access, &options, each, watch))?
        }
        false => as_text(terminal, &access, &options, args.long.then_some(now))?,
    };
    Ok(report.outcome().into())
}

fn as_text(
    terminal: &Terminal,
    access: &Access,
    options: &ListOptions,
    long: Option<&Zoned>,
) -> Result<ListReport, Failure> {
    let mut failed = None;
    let mut page = Page { terminal, long, widths: Widths::default(), lines: Vec::new(), length: 0 };
    let listed = watched(terminal, Shape::Document, |watch| {
        let mut each = |entry| {
            failed = page.add(entry, watch).err();
            failed.is_none() && !terminal.reader_is_gone()
        };
        let listed = ops::list(access, options, &mut each, watch);
        if failed.is_none() {
            failed = page.flush(watch).err();
        }
        listed
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let report = listed?;
    problems::show(terminal, &report.problems);
    Ok(report)
}

/// Entries whose columns are as wide as the widest of them, and of those before them.
struct Page<'a> {
    terminal: &'a Terminal,
    long: Option<&'a Zoned>,
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
        self.widths.fit(&lines);
        let mut page = Vec::new();
        for entry in &lines {
            if let Some(now) = self.long {
                page.extend_from_slice(self.widths.details(entry, now).as_bytes());
            }
            page.extend(name(entry, self.terminal.person_reads, self.long.is_some()));
            page.push(b'\n');
        }
        if page.is_empty() { Ok(()) } else { watch.write(&page) }
    }
}

/// The path; for a person without control characters, for a program byte by byte as it is.
fn name(entry: &EntryLine, person: bool, long: bool) -> Vec<u8> {
    let shown = |path: &[u8]| match person {
        true => text::bytes(path).into_bytes(),
        false => path.to_vec(),
    };
    match &entry.link_target_bytes {
        Some(target) if long => [&shown(&entry.path_bytes)[..], b" -> ", &shown(target)].concat(),
        _ => shown(&entry.path_bytes),
    }
}

/// How wide the columns before the path are.
#[derive(Default)]
struct Widths {
    user: usize,
    group: usize,
    size: usize,
}

impl Widths {
    /// Makes room for these.
    fn fit(&mut self, entries: &[EntryLine]) {
        for entry in entries {
            self.user = self.user.max(owner(entry.user.as_deref(), entry.uid).chars().count());
            self.group = self.group.max(owner(entry.group.as_deref(), entry.gid).chars().count());
            self.size = self.size.max(text::size(entry.size).len());
        }
    }

    fn details(&self, entry: &EntryLine, now: &Zoned) -> String {
        let time = entry.mtime.map_or_else(String::new, |mtime| moment::here(mtime, now));
        format!(
            "{} {:user$} {:group$} {:>size$} {time:26} ",
            mode(entry.kind, entry.mode),
            owner(entry.user.as_deref(), entry.uid),
            owner(entry.group.as_deref(), entry.gid),
            text::size(entry.size),
            user = self.user,
            group = self.group,
            size = self.size,
        )
    }
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
