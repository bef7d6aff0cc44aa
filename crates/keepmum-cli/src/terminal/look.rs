//! How text looks on one stream: its width, its wrapping and its colours.
//!
//! Pages are made with the [`Look`] of the stream that they go to, so a test gives them any width.
//! It never escapes what is in a name: that is `text`'s.

use std::env;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use rustix::termios::tcgetwinsize;
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Nobody can read what is narrower.
const LEAST: usize = 20;

/// What a word in colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// Something to look at.
    Warning,
    /// Something is damaged, lost or failed.
    Damage,
}

/// The width and the colours of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    width: Option<usize>,
    colours: bool,
}

impl Look {
    /// Standard output, as it is.
    pub(crate) fn of_output() -> Self {
        let stream = io::stdout();
        let colours = anstream::AutoStream::choice(&stream) != ColorChoice::Never;
        Self { width: width(stream.is_terminal(), &stream), colours }
    }

    /// Standard error, as it is.
    pub(crate) fn of_errors() -> Self {
        let stream = io::stderr();
        let colours = anstream::AutoStream::choice(&stream) != ColorChoice::Never;
        Self { width: width(stream.is_terminal(), &stream), colours }
    }

    /// Without colours, and as wide as this.
    #[cfg(test)]
    pub(crate) fn plain(width: impl Into<Option<usize>>) -> Self {
        Self { width: width.into(), colours: false }
    }

    /// Columns, or none where lines may have any length.
    pub(crate) fn width(self) -> Option<usize> {
        self.width
    }

    /// A word in the colour of its tone, bold.
    pub(crate) fn toned(self, tone: Tone, word: &str) -> String {
        if !self.colours {
            return word.to_owned();
        }
        let color = match tone {
            Tone::Good => AnsiColor::Green,
            Tone::Warning => AnsiColor::Yellow,
            Tone::Damage => AnsiColor::Red,
        };
        let style = Style::new().bold().fg_color(Some(color.into()));
        // Each line by itself, so that a table can pad them.
        let lines: Vec<_> = word.lines().map(|line| format!("{style}{line}{style:#}")).collect();
        lines.join("\n")
    }

    /// Text wrapped at words, each line ended. Lines that are ended in the text stay so; what
    /// stands before the first word of a line stands before all lines that it is wrapped to. A word
    /// that is longer than the width, such as a path, gets a line of its own.
    pub(crate) fn wrap(self, text: &str) -> String {
        self.wrapped(text, "")
    }

    /// The same, where further lines stand this much farther in.
    pub(crate) fn hanging(self, text: &str, further: usize) -> String {
        self.wrapped(text, &" ".repeat(further))
    }

    fn wrapped(self, text: &str, further: &str) -> String {
        text.lines().map(|line| self.one(line, further) + "\n").collect()
    }

    fn one(self, line: &str, further: &str) -> String {
        let Some(width) = self.width.filter(|width| display_width(line) > *width) else {
            return line.to_owned();
        };
        let words = line.trim_start_matches(' ');
        let indent = &line[..line.len() - words.len()];
        let rest = format!("{indent}{further}");
        let options = options(width).initial_indent(indent).subsequent_indent(&rest);
        textwrap::fill(&joined(words, width), options).replace(JOINED, " ")
    }

    /// Text cut to so many columns where it is longer, with a mark that it was.
    pub(crate) fn cut(text: &str, columns: usize) -> String {
        if display_width(text) <= columns {
            return text.to_owned();
        }
        let mut kept = String::new();
        for character in text.chars() {
            let mut letter = [0; 4];
            if display_width(&kept) + display_width(character.encode_utf8(&mut letter)) >= columns {
                break;
            }
            kept.push(character);
        }
        kept + "…"
    }
}

/// Stands between a figure and its unit while text is wrapped: one column wide, and of private use,
/// so that no name means anything by it.
const JOINED: char = '\u{e0ff}';

/// Commands that are longer are divided, and so are all in narrow terminals.
const COMMAND: usize = 40;
const NARROW: usize = 60;

/// The text with each figure joined to its unit, so that no line begins with `KiB`, and with the
/// words of a command joined, so that people can copy it.
fn joined(text: &str, width: usize) -> String {
    if width < NARROW {
        return units_joined(text);
    }
    let parts: Vec<_> = text.split('`').collect();
    let last = parts.len() - 1;
    let each = parts.iter().enumerate().map(|(number, part)| {
        // What stands behind the last mark is in no command.
        match number % 2 == 1 && number < last && part.len() <= COMMAND {
            true => part.replace(' ', &JOINED.to_string()),
            false => units_joined(part),
        }
    });
    each.collect::<Vec<_>>().join("`")
}

fn units_joined(text: &str) -> String {
    const UNITS: [&str; 10] = ["B", "KiB", "MiB", "GiB", "TiB", "s", "min", "h", "days", "UTC"];
    let mut joined = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        joined.push_str(word);
        let Some(next) = words.peek() else { break };
        let unit = next.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_figure = word.ends_with(|c: char| c.is_ascii_digit());
        joined.push(if is_figure && UNITS.contains(&unit) { JOINED } else { ' ' });
    }
    joined
}

/// Words are never divided, nor are the lines made equally long: what is read here is short.
fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

/// A cell of a table as lines of at most so many columns; what is longer than one is divided.
pub(super) fn cell(text: &str, columns: usize) -> String {
    textwrap::fill(text, options(columns.max(1)).break_words(true))
}

/// The columns for a line that is drawn again and again: it must not wrap, however narrow the
/// window is.
pub(crate) fn drawable() -> Option<usize> {
    let stream = std::io::stderr();
    columns(stream.is_terminal(), &stream)
}

/// The width to which messages are wrapped: not less than a word needs.
fn width(is_terminal: bool, stream: &impl AsFd) -> Option<usize> {
    columns(is_terminal, stream).map(|columns| columns.max(LEAST))
}

/// `COLUMNS` counts first, then the terminal; what goes to no terminal has any width.
fn columns(is_terminal: bool, stream: &impl AsFd) -> Option<usize> {
    let said = env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let seen = || tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col));
    let width =
        said.filter(|columns| *columns > 0).or_else(|| if is_terminal { seen() } else { None });
    // A terminal that does not know its width says 0.
    width.filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::{Look, Tone, display_width};

    const LONG: &str = "The folder to back up does not exist. Mount the disk, then run this again: \
                        /home/anna/Pictures/2026/holiday-in-the-mountains/with-everybody";

    #[test]
    fn text_is_wrapped_at_words_and_long_words_stay_whole() {
        for width in 20..=200 {
            let text = Look::plain(width).wrap(LONG);
            assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), LONG);
            let is_path = |line: &str| !line.contains(' ');
            for line in text.lines() {
                assert!(display_width(line) <= width || is_path(line), "{width}: {line}");
            }
        }
        assert_eq!(Look::plain(None).wrap(LONG), format!("{LONG}\n"));
    }

    #[test]
    fn indents_stay_and_further_lines_may_hang() {
        let look = Look::plain(20);
        assert_eq!(
            look.wrap("  one two three four five\nsix"),
            "  one two three four\n  five\nsix\n"
        );
        let hanging = look.hanging("1. one two three four five", 3);
        assert_eq!(hanging, "1. one two three\n   four five\n");
    }

    #[test]
    fn figures_stay_with_their_units_and_commands_in_one_piece() {
        let text = Look::plain(20).wrap("It takes about 12 KiB, in 5.0 s.");
        assert_eq!(text, "It takes about\n12 KiB, in 5.0 s.\n");
        let text = "This is a line of nearly sixty columns, then run `keepmum check` again.";
        let expected = "This is a line of nearly sixty columns, then run\n`keepmum check` again.\n";
        assert_eq!(Look::plain(60).wrap(text), expected);
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(
            Look::plain(20).wrap("密码密码 密码密码 密码密码"),
            "密码密码 密码密码\n密码密码\n"
        );
        assert_eq!(Look::cut("密码密码", 5), "密码…");
        assert_eq!(Look::cut("four", 4), "four");
    }

    #[test]
    fn colours_do_not_count_and_are_left_out_where_they_do_not_belong() {
        let colours = Look { width: Some(20), colours: true };
        let word = colours.toned(Tone::Damage, "damaged");
        assert!(word.starts_with("\x1b[1m\x1b[31m") && word.ends_with("\x1b[0m"), "{word:?}");
        assert_eq!(colours.wrap(&format!("{word} 12345678 12")).lines().count(), 1);
        assert_eq!(Look::plain(20).toned(Tone::Good, "ok"), "ok");
        assert_eq!(
            colours.toned(Tone::Good, "a\nb").lines().filter(|l| l.ends_with('m')).count(),
            2
        );
    }
}
