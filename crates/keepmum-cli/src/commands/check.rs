//! `check`: whether all that is referenced is here and whole.

use keepmum::ops::{self, CheckOptions, CheckReport, Outcome, Problem, ProblemKind, ReadData};

use super::Session;
use crate::args::CheckArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::Asking;
use crate::terminal::damage::Affected;
use crate::terminal::look::{Look, Tone};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, text};

/// Looks, and with data reads.
pub(crate) fn run(args: &CheckArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let access =
        session.settings()?.for_reading().open(session.environment, terminal, Asking::Once)?;
    let read_data = match (args.read_data, args.read_data_subset) {
        (true, _) => ReadData::Everything,
        (false, subset) => subset.unwrap_or(ReadData::Nothing),
    };
    let report = watched(terminal, Shape::Lines, |watch| {
        ops::check(&access, &CheckOptions { read_data }, watch)
    })?;
    if terminal.json {
        json::summary(terminal, &report)?;
    } else if !terminal.has_nothing_to_say(report.outcome().into()) {
        let all = args.list || terminal.verbose;
        terminal.raw_aside(&affected(&report, all, read_data, terminal.err));
        terminal.say(&page(&report, read_data, terminal.out))?;
    }
    Ok(report.outcome().into())
}

/// Which files are affected by what is wrong, and what to do.
fn affected(report: &CheckReport, all: bool, asked: ReadData, look: Look) -> String {
    let of = |kind| Affected::of(&report.problems, kind, &report.latest_snapshots);
    let damaged = of(ProblemKind::Damaged);
    let mut said = String::new();
    if !damaged.is_empty() {
        said.push_str(&damaged.say(all, look));
        let check = match asked {
            ReadData::Nothing => "keepmum check",
            _ => "keepmum check --read-data",
        };
        if damaged.is_cut() && !all {
            said.push_str(&look.wrap(&format!("`{check} --list` lists all of them.")));
        }
        if !damaged.is_mendable() {
            said.push_str(&damaged.steps(check, look));
            said.push('\n');
        }
    }
    for (kind, why) in [
        (ProblemKind::Pending, "not all here yet; let the sync service finish"),
        (ProblemKind::Unknown, "of a newer version of keepmum; use that version to check them"),
    ] {
        let some = of(kind);
        if !some.is_empty() {
            said.push_str(&some.say_why(why, all, look));
        }
    }
    said
}

/// What was looked at, what is not as it should be, and the verdict.
fn page(report: &CheckReport, asked: ReadData, look: Look) -> String {
    let files = |count| text::count(count, "stored file", "stored files");
    let mut page = format!(
        "Checked {}, {}, {}. Read {} in {}.\n",
        text::count(report.snapshots, "snapshot", "snapshots"),
        files(report.objects),
        text::count(report.chunks, "piece", "pieces"),
        text::size(report.bytes_read),
        text::duration(report.seconds)
    );
    let is_all = report.bytes_covered >= report.bytes_here;
    if asked != ReadData::Nothing && !is_all {
        page.push_str(&format!(
            "Read {} of {}, {} of all bytes. The next checks read the others.\n",
            report.objects_read,
            files(report.objects),
            share(report.bytes_covered, report.bytes_here)
        ));
    }
    let counts = [
        (report.objects_damaged, "damaged"),
        (report.objects_lost, "missing (here once, gone or shorter now)"),
        (report.objects_pending, "still arriving"),
        (report.objects_unknown, "of a newer version of keepmum, which this one cannot read"),
        (report.unopened_files, "that this recovery code does not open; the password does"),
        (report.objects_unclaimed, "left by runs that were stopped, or of one at work; harmless"),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        page.push_str(&format!("{} {what}\n", files(count)));
    }
    if report.conflict_copies + report.foreign_files > 0 {
        let copies = text::count(report.conflict_copies, "copy", "copies");
        let foreign = text::count(report.foreign_files, "file", "files");
        page.push_str(&match (report.conflict_copies, report.foreign_files) {
            (_, 0) => format!("{copies} made by a sync service; `keepmum status` names them\n"),
            (0, _) => format!("{foreign} not made by keepmum; `keepmum status` names them\n"),
            _ => format!(
                "{copies} made by a sync service and {foreign} not made by keepmum; `keepmum \
                 status` names them\n"
            ),
        });
    }
    let (tone, first, rest) = verdict(report, asked, is_all);
    page.push_str(&format!("{}{rest}\n", look.toned(tone, first)));
    page
}

/// The last sentence: its tone, its first words, the rest.
fn verdict(
    report: &CheckReport,
    asked: ReadData,
    is_all: bool,
) -> (Tone, &'static str, &'static str) {
    match (report.outcome(), asked) {
        (Outcome::Complete, ReadData::Nothing) => (
            Tone::Good,
            "Every stored file is there, with the right size.",
            " Contents were not read; `keepmum check --read-data` reads them.",
        ),
        (Outcome::Complete, _) if report.objects_read == 0 => {
            (Tone::Good, "Everything is there.", " No contents are stored yet.")
        }
        (Outcome::Complete, _) if is_all => {
            (Tone::Good, "Everything is there and intact.", " Every byte was read.")
        }
        (Outcome::Complete, _) => {
            (Tone::Good, "Every stored file is there, and what was read is intact.", "")
        }
        (Outcome::Partial, _) if report.problems.iter().any(is_unknown) => (
            Tone::Warning,
            "Nothing is damaged,",
            " but some stored files need a newer version of keepmum.",
        ),
        (Outcome::Partial, _) if report.unopened_files > 0 => {
            (Tone::Warning, "Nothing is damaged,", " but not everything could be opened.")
        }
        (Outcome::Partial, _) => {
            (Tone::Warning, "Nothing is damaged,", " but not everything has arrived.")
        }
        (Outcome::Damaged, _) => (
            Tone::Damage,
            "Data is damaged or missing.",
            " `keepmum backup` stores again what is still on this disk.",
        ),
    }
}

/// A share, never rounded to all or nothing.
fn share(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    if percent == 0 { "less than 1%".to_owned() } else { format!("{percent}%") }
}

fn is_unknown(problem: &Problem) -> bool {
    problem.kind == ProblemKind::Unknown
}

#[cfg(test)]
mod tests {
    use super::{Look, page};
    use keepmum::ops::{CheckReport, ReadData};
    use snapbox::{IntoData, assert_data_eq, str};

    fn report() -> CheckReport {
        CheckReport {
            snapshots: 1,
            objects: 420,
            chunks: 9_000,
            bytes_read: 348_160,
            seconds: 0.5,
            ..CheckReport::default()
        }
    }

    #[test]
    fn a_check_without_data_does_not_claim_that_data_is_whole() {
        let said = page(&report(), ReadData::Nothing, Look::plain(None));
        assert_eq!(
            said,
            "Checked 1 snapshot, 420 stored files, 9000 pieces. Read 340 KiB in 0.5 s.\n\
             Every stored file is there, with the right size. Contents were not read; `keepmum check \
             --read-data` reads them.\n"
        );
        let all =
            CheckReport { objects_read: 420, bytes_covered: 900, bytes_here: 900, ..report() };
        assert!(shown(&all, ReadData::Everything).ends_with("intact. Every byte was read.\n"));
        let some = CheckReport { objects_read: 3, bytes_covered: 60, ..all };
        assert_eq!(
            shown(&some, ReadData::Percent(5)),
            "Checked 1 snapshot, 420 stored files, 9000 pieces. Read 340 KiB in 0.5 s.\n\
             Read 3 of 420 stored files, 6% of all bytes. The next checks read the others.\n\
             Every stored file is there, and what was read is intact.\n"
        );
    }

    fn shown(report: &CheckReport, asked: ReadData) -> String {
        page(report, asked, Look::plain(None))
    }

    #[test]
    fn nothing_that_was_read_is_never_whole() {
        let none = CheckReport { objects: 0, chunks: 0, bytes_read: 0, ..report() };
        for asked in [ReadData::Everything, ReadData::Percent(1), ReadData::Bytes(1)] {
            assert!(!shown(&none, asked).contains("intact"), "{}", shown(&none, asked));
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        let wrong = CheckReport {
            objects_damaged: 1,
            objects_lost: 2,
            objects_pending: 8,
            objects_unclaimed: 3,
            conflict_copies: 1,
            foreign_files: 4,
            unopened_files: 0,
            ..report()
        };
        assert_data_eq!(
            shown(&wrong, ReadData::Everything),
            str![[r#"
Checked 1 snapshot, 420 stored files, 9000 pieces. Read 340 KiB in 0.5 s.
1 stored file damaged
2 stored files missing (here once, gone or shorter now)
8 stored files still arriving
3 stored files left by runs that were stopped, or of one at work; harmless
1 copy made by a sync service and 4 files not made by keepmum; `keepmum status` names them
Data is damaged or missing. `keepmum backup` stores again what is still on this disk.

"#]]
            .raw()
        );
        let pending = CheckReport { objects_pending: 8, ..report() };
        let said = shown(&pending, ReadData::Nothing);
        assert!(said.ends_with("Nothing is damaged, but not everything has arrived.\n"), "{said}");
    }
}
