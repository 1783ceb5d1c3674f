//! An archive's manifest (JAR File Specification, section JAR Manifest): the attributes of the archive as a whole.

/// Attributes at most.
const ATTRIBUTES_MAX: usize = 500;

/// The attributes of the main section.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    attributes: Vec<(String, String)>,
}

impl Manifest {
    /// Reads up to the first blank line; a line that begins with a space goes on with the one before.
    pub(super) fn parse(bytes: &[u8]) -> Manifest {
        let text = String::from_utf8_lossy(bytes);
        let mut attributes: Vec<(String, String)> = Vec::new();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            match (line.strip_prefix(' '), line.split_once(':')) {
                (Some(more), _) => {
                    if let Some((_, value)) = attributes.last_mut() {
                        value.push_str(more);
                    }
                }
                (None, Some((name, value))) if attributes.len() < ATTRIBUTES_MAX => {
                    attributes.push((name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()));
                }
                (None, _) => {}
            }
        }
        Manifest { attributes }
    }

    /// Returns an attribute, if it says anything; build tools leave their variables in when they know no value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value.trim()).filter(|value| !value.is_empty() && !value.contains("${"))
    }
}
