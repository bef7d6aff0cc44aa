//! `diff`: what differs between two snapshots, or a snapshot and the source as it is now.

use std::ffi::OsStr;
use std::path::Path;

use keepmum::ops::{
    self, Access, Aspect, DiffAgainst, DiffKind, DiffLine, DiffOptions, DiffReport, EntryKind,
    SnapshotChoice,
};

use super::Session;
use super::backup::rules;
use super::choice::{self, Choice};
use crate::args::{DiffArgs, WhichArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, LeftOut};
use crate::terminal::progress::{Shape, streamed, watched};
use crate::terminal::{paths, problems, text};

/// So many bytes are written at once.
const AT_ONCE: usize = 64 * 1024;

/// Shows the differences.
pub(crate) fn run(args: &DiffArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let mut settings = session.settings()?;
    let own = settings.source.is_some();
    let choose = |name: &OsStr| choice(args, name, own, session);
    let old = choose(&args.old)?;
    let new = match (&args.new, settings.source.take()) {
        (Some(new), _) => DiffAgainst::Snapshot(choose(new)?),
        (None, Some(source)) => {
            let catalogue = settings.catalogue.as_deref();
            let left_out = LeftOut::of(&source.roots, &settings.destination, catalogue);
            let rules = rules(&source, left_out);
            DiffAgainst::Source { roots: source.roots, rules }
        }
        (None, None) => {
            let failure = Failure::usage(
                "Without a config there are no folders on this computer to compare with",
            );
            return Err(failure.next("name two snapshots: `keepmum diff latest~1 latest`"));
        }
    };
    let options = DiffOptions { old, new };
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let report = match terminal.json {
        true => streamed(terminal, "differences", |each, watch| {
            ops::diff(&access, &options, each, watch)
        })?,
        false => as_text(session, &access, &options)?,
    };
    Ok(report.outcome().into())
}

fn as_text(
    session: &Session<'_>,
    access: &Access,
    options: &DiffOptions,
) -> Result<DiffReport, Failure> {
    let terminal = session.terminal;
    let mut failed = None;
    let mut page = Vec::new();
    let person = terminal.person_reads.then_some(session.environment.home.as_deref());
    let compared = watched(terminal, Shape::Document, |watch| {
        let mut each = |line: DiffLine| {
            // The time of a folder changes whenever something in it comes or goes.
            if !line.is_folder_time() || terminal.verbose {
                push(&mut page, &line, person);
            }
            if page.len() >= AT_ONCE {
                failed = watch.write(&std::mem::take(&mut page)).err();
            }
            failed.is_none() && !terminal.reader_is_gone()
        };
        ops::diff(access, options, &mut each, watch)
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let report = compared?;
    terminal.write(&page)?;
    terminal.say(&end(&report, terminal.verbose))?;
    problems::show(terminal, &report.problems);
    Ok(report)
}

fn choice(
    args: &DiffArgs,
    name: &OsStr,
    own: bool,
    session: &Session<'_>,
) -> Result<SnapshotChoice, Failure> {
    let which = WhichArgs { at: None, device: args.device.clone(), source: args.source.clone() };
    let choice = Choice::new(&[name.to_owned()], &which, own, session.environment)?;
    match choice.paths.is_everything() {
        true => Ok(choice.snapshot),
        false if !Path::new(name).exists() && choice::snapshot(name).is_ok() => {
            let which = choice::snapshot(name)?;
            Ok(SnapshotChoice { which, ..choice.snapshot })
        }
        false => {
            let shown = text::line(&name.to_string_lossy());
            let sentence = format!("diff compares whole snapshots, and this is a path: {shown}");
            let hint = "name snapshots: `keepmum diff latest~1 latest`";
            Err(Failure::usage(sentence).next(hint))
        }
    }
}

/// A line: one or two signs, by how much the file became larger, and the path; for a person with the home
/// as `~`, for a program byte by byte as it is.
fn push(page: &mut Vec<u8>, line: &DiffLine, person: Option<Option<&Path>>) {
    let is_file = line.kind == EntryKind::File;
    let more = match line.change {
        DiffKind::Added | DiffKind::Removed | DiffKind::Content if is_file => {
            more(line.old_size.unwrap_or(0), line.new_size.unwrap_or(0))
        }
        _ => String::new(),
    };
    page.extend_from_slice(format!("{}{more:>9}  ", signs(line)).as_bytes());
    let slash: &[u8] = if line.kind == EntryKind::Directory { b"/" } else { b"" };
    let shown = |path: &[u8]| match person {
        Some(home) => [paths::shown(path, home).as_bytes(), slash].concat(),
        None => [path, slash].concat(),
    };
    let from = line.from_bytes.as_ref().filter(|_| line.change == DiffKind::Moved);
    if let Some(from) = from {
        page.extend(shown(from));
        page.extend_from_slice(b" -> ");
    }
    page.extend(shown(&line.path_bytes));
    page.push(b'\n');
}

/// By how many bytes something became larger, or smaller.
fn more(old: u64, new: u64) -> String {
    match new.checked_sub(old) {
        Some(more) => format!("+{}", text::size(more)),
        None => format!("-{}", text::size(old - new)),
    }
}

/// Two columns. What moved can have other attributes, too.
fn signs(line: &DiffLine) -> String {
    let is_more = line.change == DiffKind::Moved
        && !line.aspects.is_empty()
        && !(line.kind == EntryKind::Directory && line.aspects == [Aspect::Mtime]);
    let second = if is_more { sign(DiffKind::Metadata) } else { ' ' };
    format!("{}{second}", sign(line.change))
}

fn sign(change: DiffKind) -> char {
    match change {
        DiffKind::Added => '+',
        DiffKind::Removed => '-',
        DiffKind::Content => 'M',
        DiffKind::Metadata => 'm',
        DiffKind::Moved => 'R',
    }
}

/// The last line.
fn end(report: &DiffReport, verbose: bool) -> String {
    let counts = [
        (report.added, "added"),
        (report.removed, "removed"),
        (report.content, "changed"),
        (report.moved, "moved"),
        (report.metadata, "with other attributes only"),
        (if verbose { report.folder_times } else { 0 }, "folders with another time only"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let mut said = match (counts.is_empty(), report.problems.is_empty()) {
        (true, true) => "Nothing differs".to_owned(),
        (true, false) => "Nothing differs in what could be compared".to_owned(),
        (false, _) => counts.join(", "),
    };
    if report.bytes_more != 0 {
        let size = text::size(report.bytes_more.unsigned_abs());
        let sign = if report.bytes_more < 0 { '-' } else { '+' };
        said.push_str(&format!(". {sign}{size} in all"));
    }
    if !report.moves_known {
        said.push_str(". There are too many differences to tell which files only moved");
    }
    said
}

#[cfg(test)]
mod tests {
    use keepmum::ops::{Aspect, DiffKind, DiffLine, EntryKind};

    use super::{more, push};

    #[test]
    fn what_moved_and_has_other_attributes_has_two_signs() {
        let shown = |kind, change, aspects: &[Aspect]| {
            let line = DiffLine {
                path: "/b".to_owned(),
                path_bytes: b"/b".to_vec(),
                from: Some("/a".to_owned()),
                from_bytes: Some(b"/a".to_vec()),
                kind,
                change,
                aspects: aspects.to_vec(),
                old_size: Some(1),
                new_size: Some(1),
            };
            let mut page = Vec::new();
            push(&mut page, &line, None);
            String::from_utf8(page).unwrap()
        };
        let (file, folder) = (EntryKind::File, EntryKind::Directory);
        assert_eq!(shown(file, DiffKind::Moved, &[]), "R            /a -> /b\n");
        assert_eq!(shown(file, DiffKind::Moved, &[Aspect::Mode]), "Rm           /a -> /b\n");
        assert_eq!(shown(folder, DiffKind::Moved, &[Aspect::Mtime]), "R            /a/ -> /b/\n");
        assert_eq!(shown(folder, DiffKind::Moved, &[Aspect::Owner]), "Rm           /a/ -> /b/\n");
        // It lies in a folder that moved.
        assert_eq!(shown(file, DiffKind::Metadata, &[Aspect::Mode]), "m            /b\n");
    }

    #[test]
    fn a_change_of_size_has_a_sign_and_fits_its_column() {
        assert_eq!((more(0, 11), more(11, 0)), ("+11 B".to_owned(), "-11 B".to_owned()));
        assert_eq!(more(5, 5), "+0 B");
        for shift in 0..64 {
            assert!(more(0, (1_u64 << shift) - 1).len() <= 9);
        }
    }
}
