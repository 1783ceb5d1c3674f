use super::{Product, Statement, read_any};
use crate::feeds::FeedError;

/// The image that a document hangs on.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// Its manifest's digest: `sha256:…`.
    pub digest: &'a str,
    /// The digests of the indexes that name it: what is said of one of them is said of each of its images.
    pub indexes: &'a [String],
    /// The name of its repository, without the server's: `team/app`; empty where it has none.
    pub repository: &'a str,
}

impl Bearer<'_> {
    /// Tells whether a digest is the image's, or that of an index that names it.
    pub fn has(&self, digest: &str) -> bool {
        self.digest.eq_ignore_ascii_case(digest) || self.indexes.iter().any(|index| index.eq_ignore_ascii_case(digest))
    }

    /// Tells whether a repository, as a purl names it, is the image's. The server's name is not looked at: it has several, and an
    /// image that was copied here is still the one of which this was said.
    fn is_in(&self, named: &str) -> bool {
        let named = named.to_ascii_lowercase();
        let is_whole = named == self.repository || named.ends_with(&format!("/{}", self.repository));
        let is_last = !named.contains('/') && self.repository.rsplit('/').next() == Some(&named);
        named.is_empty() || (!self.repository.is_empty() && (is_whole || is_last))
    }
}

/// Reads what a VEX document says of the image that it hangs on. `origin` says which document it is (`referrer sha256:…`), and is kept
/// beside the author of each statement.
///
/// A statement is about the image where it names it, or an index of it, by digest or purl; its repository by a purl without a digest;
/// or no product at all: then the product is what the document hangs on. A package that is named alone is the one in this image.
/// Statements about anything else are left out.
///
/// # Errors
/// [`FeedError`], naming the statement that is wrong.
pub fn read_borne(origin: &str, bytes: &[u8], bearer: &Bearer<'_>) -> Result<Vec<Statement>, FeedError> {
    let (mut statements, _) = read_any("the document", bytes)?;
    for statement in &mut statements {
        statement.products = std::mem::take(&mut statement.products)
            .into_iter()
            .filter(|product| product.image.as_deref().is_none_or(|image| bearer.has(image)))
            .filter(|product| product.repository.as_deref().is_none_or(|named| bearer.is_in(named)))
            .map(|product| Product { image: Some(bearer.digest.to_ascii_lowercase()), repository: None, ..product })
            .collect();
        statement.author = Some(match statement.author.take() {
            Some(author) => format!("{author} ({origin})"),
            None => origin.to_owned(),
        });
    }
    statements.retain(|statement| !statement.products.is_empty());
    Ok(statements)
}

/// The repository that the purl of an image names, behind `pkg:oci/`: by `repository_url` where that is given, else by its last part.
pub(super) fn repository(rest: &str) -> Option<String> {
    let (name, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let url = qualifiers.split(['&', '#']).find_map(|pair| pair.strip_prefix("repository_url="));
    let decode =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok();
    let name = decode(name.split('#').next()?)?;
    let Some(url) = url else { return Some(name).filter(|name| !name.is_empty()) };
    let url = decode(url)?;
    let path = url.trim_end_matches('/');
    // Some give the address of the folder, others that of the repository (package-url, type `oci`).
    let is_whole = path.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&name));
    Some(if is_whole { path.to_owned() } else { format!("{path}/{name}") }).filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const INDEX: &str = "sha256:486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7";
    const OTHER: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// For which packages of the image a statement counts with these products; `*` is the whole image.
    fn counts_for(products: &str) -> Vec<String> {
        let document = format!(
            r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "timestamp": "2026-11-20T00:00:00Z",
                "statements": [{{"vulnerability": {{"name": "CVE-2099-0001"}}, {products} "status": "not_affected",
                "justification": "vulnerable_code_not_present"}}]}}"#
        );
        let indexes = [INDEX.to_owned()];
        let bearer = Bearer { digest: DIGEST, indexes: &indexes, repository: "team/app" };
        let statements = read_borne("referrer sha256:1", document.as_bytes(), &bearer).unwrap();
        let products = statements.into_iter().flat_map(|statement| statement.products);
        products
            .map(|product| {
                assert_eq!((product.image.as_deref(), product.repository), (Some(DIGEST), None));
                product.package.map_or("*".into(), |package| package.name)
            })
            .collect()
    }

    #[test]
    fn a_statement_counts_where_it_is_about_the_image_an_index_of_it_its_repository_or_nothing_that_is_named() {
        let whole = [
            String::new(),
            r#""products": [],"#.into(),
            format!(r#""products": [{{"@id": "{DIGEST}"}}],"#),
            format!(r#""products": [{{"@id": "pkg:oci/app@{DIGEST}?repository_url=registry.example.com/team"}}],"#),
            format!(r#""products": [{{"@id": "pkg:oci/app@{INDEX}"}}],"#),
            r#""products": [{"@id": "pkg:oci/app"}],"#.into(),
            r#""products": [{"@id": "pkg:oci/app?repository_url=registry.example.com/team"}],"#.into(),
            r#""products": [{"@id": "pkg:oci/app?repository_url=registry.example.com%2Fteam%2Fapp&tag=v1"}],"#.into(),
        ];
        for products in &whole {
            assert_eq!(counts_for(products), ["*"], "{products}");
        }
        let part = r#""subcomponents": [{"@id": "pkg:npm/lodash@4.17.20"}]"#;
        for product in [
            format!(r#""products": [{{"@id": "{DIGEST}", {part}}}],"#),
            format!(r#""products": [{{"@id": "pkg:oci/app", {part}}}],"#),
            format!("{part},"),
            r#""products": [{"@id": "pkg:npm/lodash@4.17.20"}],"#.into(),
        ] {
            assert_eq!(counts_for(&product), ["lodash"], "{product}");
        }
    }

    #[test]
    fn what_is_said_of_another_image_does_not_count() {
        for product in [
            OTHER.to_owned(),
            format!("pkg:oci/app@{OTHER}"),
            "pkg:oci/app@v1".into(),
            "pkg:oci/other".into(),
            "pkg:oci/app?repository_url=registry.example.com/other".into(),
            "our-product".into(),
        ] {
            assert!(counts_for(&format!(r#""products": [{{"@id": "{product}"}}],"#)).is_empty(), "{product}");
        }
    }

    #[test]
    fn which_document_said_it_is_kept_beside_the_author() {
        let document = br#"{"@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "statements": [
            {"vulnerability": {"name": "CVE-2099-0001"}, "status": "fixed"}]}"#;
        let bearer = Bearer { digest: DIGEST, indexes: &[], repository: "" };

        let statements = read_borne("referrer sha256:1", document, &bearer).unwrap();

        assert_eq!(statements[0].author.as_deref(), Some("ann (referrer sha256:1)"));
        let text = serde_json::to_string(&statements).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Statement>>(&text).unwrap(), statements);
    }
}
