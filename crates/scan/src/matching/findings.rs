//! From what holds to findings: one per flaw, with the best of what all records say of it.

use super::rules::{Hit, NameRules};
use super::subject::Subject;
use crate::knowledge::{Flaw, Record, Text, TextReader};
use crate::{Evidence, Finding, FixState, Knowledge, KnowledgeError, Package, PackageType, Severity, severity};
use std::collections::HashMap;
use std::rc::Rc;

/// Collects findings, and reads each text once.
pub(super) struct Findings<'a> {
    knowledge: &'a Knowledge,
    /// `None` where texts are left out.
    texts: Option<TextReader<'a>>,
    flaws: HashMap<u32, Rc<Flaw>>,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(knowledge: &'a Knowledge) -> Findings<'a> {
        Findings { texts: Some(knowledge.text_reader()), ..Findings::without_texts(knowledge) }
    }

    pub(super) fn without_texts(knowledge: &'a Knowledge) -> Findings<'a> {
        Findings { knowledge, texts: None, flaws: HashMap::new(), found: Vec::new() }
    }

    /// Adds the flaws of one version of one package; `hits` are by flaw.
    pub(super) fn add(
        &mut self,
        package: &Package,
        paths: &[String],
        subject: &Subject,
        rules: &NameRules<'_>,
        hits: &[Hit],
    ) -> Result<(), KnowledgeError> {
        for of_flaw in hits.chunk_by(|left, right| left.flaw == right.flaw) {
            let finding = self.finding(package, paths, subject, rules, of_flaw)?;
            self.found.extend(finding);
        }
        Ok(())
    }

    /// Takes what was added, in the order in which it was.
    pub(super) fn take(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.found)
    }

    pub(super) fn finish(mut self) -> Vec<Finding> {
        fn order(finding: &Finding) -> (PackageType, &str, &str, &str) {
            let Finding { package, id, .. } = finding;
            (package.kind, &package.name, &package.version, id)
        }
        self.found.sort_by(|left, right| order(left).cmp(&order(right)));
        self.found
    }

    fn finding(
        &mut self,
        package: &Package,
        paths: &[String],
        subject: &Subject,
        rules: &NameRules<'_>,
        hits: &[Hit],
    ) -> Result<Option<Finding>, KnowledgeError> {
        let fixes = |hit: &Hit| rules.fixed(hit, &subject.version);
        let Some(main) = hits.iter().min_by_key(|hit| fixes(hit).map_or((true, &[][..]), |(_, key)| (false, key)))
        else {
            return Ok(None);
        };
        let Some(rule) = rules.rule(main) else { return Ok(None) };
        let (flaw, record) = (self.flaw(main.flaw)?, self.knowledge.record(rule.advisory)?);
        let fixed = fixes(main).map(|(version, _)| version.to_owned());
        let of_distribution = hits.iter().filter_map(|hit| rules.rule(hit)?.severity).max();
        let said_by_distribution =
            of_distribution.map(|severity| (severity, subject.source.ecosystem().to_ascii_lowercase())).or_else(|| {
                let is_own = |(_, rater): &(Severity, String)| severity::is_own_word(rater, subject.source.ecosystem());
                record.word.clone().filter(|word| package.kind.is_distribution() && is_own(word))
            });
        let rated = self.rate(&flaw, &record, said_by_distribution)?;
        let text = self.text(&flaw, rule.advisory, &record)?;
        let mut aliases = flaw.aliases.clone();
        for hit in hits {
            if let Some(rule) = rules.rule(hit) {
                aliases.push(self.knowledge.record_id(rule.advisory)?.to_owned());
            }
        }
        aliases.sort();
        aliases.dedup();
        aliases.retain(|alias| *alias != flaw.id);
        Ok(Some(Finding {
            id: flaw.id.clone(),
            aliases,
            package: package.clone(),
            paths: paths.to_vec(),
            fix_state: if fixed.is_some() { FixState::Fixed } else { rule.standing.without_fix() },
            fixed_version: fixed,
            severity: rated.severity,
            severity_source: rated.source,
            cvss_vector: rated.vector,
            cvss_score: rated.score,
            title: text.title,
            description: text.description,
            references: text.references,
            published: record.published,
            modified: record.modified,
            epss: None,
            known_exploited: false,
            evidence: Evidence {
                advisory: record.id,
                source: subject.source.to_string(),
                name: subject.name.clone(),
                version: subject.version.text.clone(),
                range: rules.range(main, &subject.version),
            },
            suppressed: None,
        }))
    }

    fn flaw(&mut self, at: u32) -> Result<Rc<Flaw>, KnowledgeError> {
        if let Some(flaw) = self.flaws.get(&at) {
            return Ok(Rc::clone(flaw));
        }
        let flaw = Rc::new(self.knowledge.flaw(at)?);
        self.flaws.insert(at, Rc::clone(&flaw));
        Ok(flaw)
    }

    /// The distribution's word first, then the score, then anybody's word.
    fn rate(
        &self,
        flaw: &Flaw,
        record: &Record,
        said_by_distribution: Option<(Severity, String)>,
    ) -> Result<Rated, KnowledgeError> {
        let scored = match flaw.scored {
            Some(at) => Some(self.knowledge.record(at)?),
            None => Some(record.clone()),
        };
        let scored = scored.and_then(|record| Some((record.vector, record.score?.0)));
        let worded = match flaw.worded {
            Some(at) => self.knowledge.record(at)?.word,
            None => record.word.clone(),
        };
        // What is said to be no flaw (an unmaintained package) has no score to tell.
        let by_score = scored.as_ref().map(|(_, score)| (severity::of_score(*score), "cvss".to_owned()));
        let (severity, source) = match said_by_distribution.or(by_score).or(worded) {
            Some((severity, source)) => (severity, Some(source)),
            None => (Severity::Undefined, None),
        };
        let (vector, score) = scored.map_or((None, None), |(vector, score)| (vector, Some(score)));
        Ok(Rated { severity, source, vector, score })
    }

    /// What there is to read, with a title in any case.
    fn text(&mut self, flaw: &Flaw, advisory: u32, record: &Record) -> Result<Text, KnowledgeError> {
        let Some(texts) = &mut self.texts else { return Ok(Text::default()) };
        let text = best_text(self.knowledge, texts, flaw, advisory, record)?;
        Ok(Text { title: title(&text, &flaw.id), ..text })
    }
}

/// The record's own text if it is about this flaw alone, else that of one that is.
fn best_text(
    knowledge: &Knowledge,
    texts: &mut TextReader<'_>,
    flaw: &Flaw,
    advisory: u32,
    record: &Record,
) -> Result<Text, KnowledgeError> {
    let own = texts.read(record.text.0, record.text.1)?;
    if flaw.members.contains(&advisory) && !own.description.is_empty() {
        return Ok(own);
    }
    for member in &flaw.members {
        let (block, place) = knowledge.record(*member)?.text;
        let text = texts.read(block, place)?;
        if !text.description.is_empty() || !text.title.is_empty() && own.description.is_empty() {
            return Ok(text);
        }
    }
    Ok(own)
}

struct Rated {
    severity: Severity,
    source: Option<String>,
    vector: Option<String>,
    score: Option<f32>,
}

/// The record's line, or the beginning of its text, or the id.
fn title(text: &Text, id: &str) -> String {
    if !text.title.is_empty() {
        return text.title.clone();
    }
    let line = text.description.lines().next().unwrap_or_default();
    let end = line.find(". ").unwrap_or(line.len()).min(160);
    match line.get(..line.floor_char_boundary(end)) {
        Some(beginning) if !beginning.is_empty() => beginning.trim_end_matches('.').to_owned(),
        _ => id.to_owned(),
    }
}
