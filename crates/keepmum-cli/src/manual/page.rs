//! A page of the manual before it has a form: sections, paragraphs, explained words, lines to type.
//!
//! Commands, keys and values stand in backticks, which are bold in `man`.

/// A part of a page.
#[derive(Debug)]
pub(super) enum Block {
    /// The heading of a section.
    Section(String),
    /// A paragraph.
    Text(String),
    /// A word and the paragraphs that explain it.
    Item(String, Vec<String>),
    /// Lines as they are, such as one to type.
    Literal(String),
}

/// A page that grows.
#[derive(Default)]
pub(crate) struct Page {
    blocks: Vec<Block>,
}

/// How far an explanation is indented.
const INDENT: usize = 4;

impl Page {
    /// Begins a section.
    pub(crate) fn section(&mut self, heading: &str) {
        self.blocks.push(Block::Section(heading.to_owned()));
    }

    /// Adds a paragraph.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// Adds a word that is explained.
    pub(crate) fn item(&mut self, word: impl Into<String>, text: impl Into<String>) {
        self.blocks.push(Block::Item(word.into(), vec![text.into()]));
    }

    /// Adds another paragraph to the last word.
    pub(crate) fn further(&mut self, text: impl Into<String>) {
        if let Some(Block::Item(_, texts)) = self.blocks.last_mut() {
            texts.push(text.into());
        }
    }

    /// Adds lines that are not wrapped.
    pub(crate) fn literal(&mut self, lines: &str) {
        self.blocks.push(Block::Literal(lines.to_owned()));
    }

    /// Adds all of another page.
    pub(super) fn append(&mut self, other: Self) {
        self.blocks.extend(other.blocks);
    }

    /// The page as the program that reads manuals wants it.
    pub(crate) fn roff(&self, name: &str, number: u8) -> String {
        super::roff::page(&self.blocks, name, number)
    }

    /// The page for a terminal of this width.
    pub(crate) fn plain(&self, width: usize) -> String {
        let mut text = String::new();
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            match block {
                Block::Section(heading) => text.push_str(&format!("{heading}\n")),
                Block::Text(paragraph) => fill(&mut text, paragraph, 0, width),
                Block::Item(word, paragraphs) => {
                    text.push_str(&format!("{}\n", word.replace('`', "")));
                    for paragraph in paragraphs {
                        fill(&mut text, paragraph, INDENT, width);
                    }
                }
                Block::Literal(lines) => {
                    for line in lines.lines() {
                        text.push_str(format!("{:INDENT$}{line}", "").trim_end());
                        text.push('\n');
                    }
                }
            }
        }
        text
    }
}

fn fill(page: &mut String, text: &str, indent: usize, width: usize) {
    page.push_str(&format!("{:indent$}{}\n", "", wrapped(text, indent, width)));
}

/// Text that begins in this column and does not pass the width; further lines are indented to
/// the same column. The last line is not ended.
pub(crate) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            lines.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn text_is_wrapped_at_words_and_literal_lines_are_not() {
        let mut page = Page::default();
        page.text("one two three");
        page.item("word", "four five six");
        page.further("seven");
        page.literal("as it is, whatever its length");
        let expected = "one two\nthree\n\nword\n    four\n    five\n    six\n    seven\n\n    as it \
                        is, whatever its length\n";
        assert_eq!(page.plain(10), expected);
    }
}
