//! Text for a terminal: paragraphs and explained words, wrapped to a width.

/// How far an explanation is indented.
const INDENT: usize = 4;

/// A page that grows.
pub(crate) struct Lines {
    width: usize,
    text: String,
}

impl Lines {
    /// An empty page of this width.
    pub(crate) fn new(width: usize) -> Self {
        Self { width, text: String::new() }
    }

    /// An empty line.
    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Text from the left edge.
    pub(crate) fn paragraph(&mut self, text: &str) {
        self.fill(text, 0);
    }

    /// A line that is not wrapped, such as one to type.
    pub(crate) fn line(&mut self, indent: usize, line: &str) {
        self.text.push_str(&format!("{:indent$}{line}\n", ""));
    }

    /// A word, and its explanation beneath.
    pub(crate) fn item(&mut self, word: &str, text: &str) {
        self.line(0, word);
        self.fill(text, INDENT);
    }

    /// The whole page.
    pub(crate) fn text(self) -> String {
        self.text
    }

    fn fill(&mut self, text: &str, indent: usize) {
        let mut column = 0;
        for word in text.split_whitespace() {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > self.width {
                self.text.push('\n');
                column = 0;
            }
            if column == 0 {
                self.text.push_str(&" ".repeat(indent));
                column = indent;
            } else {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += length;
        }
        self.text.push('\n');
    }
}
