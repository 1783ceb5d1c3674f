use super::{InputError, LocalImage, Wanted, members::Members};

const MANIFEST: &str = "manifest.json";

/// One image of `manifest.json` (moby, image/spec v1.2, Combined Image JSON + Filesystem Changeset Format).
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

impl Entry {
    fn name(&self) -> Option<&str> {
        self.repo_tags.as_deref().unwrap_or_default().first().map(String::as_str)
    }

    fn is(&self, wanted: &str) -> bool {
        let names = self.repo_tags.as_deref().unwrap_or_default();
        names.iter().any(|name| name == wanted || name.rsplit_once(':').is_some_and(|(_, tag)| tag == wanted))
    }
}

/// Opens the image of a `docker save` archive.
pub(super) fn open(members: Members, wanted: &Wanted) -> Result<LocalImage, InputError> {
    let bytes = members.document(MANIFEST)?;
    let malformed = |problem: String| InputError::Malformed { name: MANIFEST.into(), problem };
    let entries: Vec<Entry> = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    let entry = choose(&entries, wanted.image.as_deref())?;
    let config = members.document(&entry.config)?;
    Ok(LocalImage {
        name: entry.name().map(str::to_owned),
        digest: None,
        config,
        indexes: Vec::new(),
        layers: entry.layers.clone(),
        attached: Vec::new(),
        members,
    })
}

fn choose<'a>(entries: &'a [Entry], wanted: Option<&str>) -> Result<&'a Entry, InputError> {
    let fitting: Vec<&Entry> = entries.iter().filter(|entry| wanted.is_none_or(|wanted| entry.is(wanted))).collect();
    if let [entry] = fitting[..] {
        return Ok(entry);
    }
    let problem = match wanted {
        Some(wanted) => format!("{} images are called {wanted}", fitting.len()),
        None => format!("it holds {} images", fitting.len()),
    };
    let names = entries.iter().map(|entry| entry.name().unwrap_or("(without a name)").to_owned()).collect();
    Err(InputError::Which { problem, names })
}
