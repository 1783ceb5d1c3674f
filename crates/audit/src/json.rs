/// A line of JSON in the making. Whoever writes keys writes them in the order of their bytes.
pub(crate) struct Json {
    text: Vec<u8>,
    is_first: bool,
}

impl Json {
    /// Begins an object.
    pub(crate) fn begin() -> Self {
        Json { text: b"{".to_vec(), is_first: true }
    }

    /// Ends it.
    pub(crate) fn end(mut self) -> String {
        self.text.push(b'}');
        String::from_utf8(self.text).expect("what was written is text")
    }

    fn separate(&mut self) {
        if !self.is_first {
            self.text.push(b',');
        }
        self.is_first = false;
    }

    fn string(&mut self, value: &str) {
        serde_json::to_writer(&mut self.text, value).expect("a Vec takes everything");
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.string(key);
        self.text.push(b':');
    }

    fn within(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut Self)) {
        self.text.push(open);
        self.is_first = true;
        fill(self);
        self.text.push(close);
        self.is_first = false;
    }

    /// A text; nothing where it is empty.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.key(key);
            self.string(value);
        }
    }

    /// What is JSON already.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.text.extend_from_slice(value.as_bytes());
    }

    /// An object.
    pub(crate) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.within(b'{', b'}', fill);
    }

    /// A list of [items](Json::item).
    pub(crate) fn list(&mut self, key: &str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.within(b'[', b']', fill);
    }

    /// An object of a list.
    pub(crate) fn item(&mut self, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.within(b'{', b'}', fill);
    }
}
