//! `ls`: what is in a snapshot.

use jiff::Zoned;
use keepmum::ops::{self, EntryKind, EntryLine, ListOptions};

use super::Session;
use super::choice::Choice;
use crate::args::LsArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{Terminal, json, problems, text};

/// So many bytes are written at once.
const AT_ONCE: usize = 64 * 1024;

/// Lists a snapshot, or a path of it.
pub(crate) fn run(args: &LsArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let now = &session.environment.now;
    let choice = Choice::new(&args.which, settings.source.is_some(), now)?;
    let options =
        ListOptions { snapshot: choice.snapshot, path: choice.path, recursive: args.recursive };
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    let report = watched(terminal, Shape::Document, |watch| ops::list(&access, &options, watch))?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else {
        show(terminal, &report.entries, args.long.then_some(now))?;
        problems::show(terminal, &report.problems);
    }
    Ok(report.outcome().into())
}

fn show(terminal: &Terminal, entries: &[EntryLine], long: Option<&Zoned>) -> Result<(), Failure> {
    let widths = Widths::of(entries);
    let mut page = Vec::new();
    for entry in entries {
        if let Some(now) = long {
            page.extend_from_slice(widths.details(entry, now).as_bytes());
        }
        page.extend(name(entry, terminal.person_reads, long.is_some()));
        page.push(b'\n');
        if page.len() >= AT_ONCE {
            terminal.write(&page)?;
            page.clear();
            if terminal.reader_is_gone() {
                break;
            }
        }
    }
    terminal.write(&page)
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
    fn of(entries: &[EntryLine]) -> Self {
        let mut widths = Self::default();
        for entry in entries {
            widths.user = widths.user.max(owner(entry.user.as_deref(), entry.uid).chars().count());
            widths.group =
                widths.group.max(owner(entry.group.as_deref(), entry.gid).chars().count());
            widths.size = widths.size.max(text::size(entry.size).len());
        }
        widths
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

fn owner(name: Option<&str>, number: u32) -> String {
    name.map_or_else(|| number.to_string(), text::line)
}

/// `drwxr-xr-x`, with `s`, `S`, `t` and `T` as usual.
fn mode(kind: EntryKind, mode: u16) -> String {
    let mut shown = String::with_capacity(10);
    shown.push(match kind {
        EntryKind::File => '-',
        EntryKind::Directory => 'd',
        EntryKind::Symlink => 'l',
        EntryKind::Fifo => 'p',
        EntryKind::CharacterDevice => 'c',
        EntryKind::BlockDevice => 'b',
    });
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
