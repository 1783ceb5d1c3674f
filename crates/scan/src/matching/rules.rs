//! Whether a version is affected, by the rules of its name (OSV schema, section Evaluation, on keys that order as bytes).

use crate::knowledge::{Rule, Span, SpanEnd, exact};
use crate::{Knowledge, KnowledgeError, Package, Range, Standing, Until};
use std::collections::HashSet;

/// A version as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Versioned {
    pub(super) text: String,
    /// `None` where it is no version of its kind.
    key: Option<Vec<u8>>,
    exact: Vec<u8>,
    architecture: Option<String>,
    module_stream: Option<String>,
    is_modular: bool,
}

impl Versioned {
    pub(super) fn new(package: &Package, version: &str) -> Versioned {
        let scheme = package.kind.versions();
        Versioned {
            text: version.to_owned(),
            key: scheme.key(version),
            exact: exact(scheme, version),
            architecture: package.architecture.clone(),
            is_modular: package.module_stream.is_some() || version.contains(".module"),
            module_stream: package.module_stream.clone(),
        }
    }
}

/// The rules of one name, read once for all its versions.
pub(super) struct NameRules<'a> {
    rules: Vec<Read<'a>>,
    /// The numbers of the rules by their first flaw: in this order nearly all hits are sorted already.
    by_flaw: Vec<usize>,
}

struct Read<'a> {
    rule: Rule,
    spans: Vec<Span<'a>>,
    flaws: Vec<u32>,
    modules: Vec<String>,
    architectures: Vec<String>,
    is_modular: bool,
}

/// A flaw that a version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) flaw: u32,
    /// Which of the name's rules holds.
    pub(super) of_name: usize,
    /// Which of its ranges; `None` where the version is enumerated.
    pub(super) span: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts {
    /// By flaw.
    pub(super) hits: Vec<Hit>,
    /// Which of the name's rules could not be judged.
    pub(super) unknown: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Outside,
    Within(Option<usize>),
    Unknown,
}

impl<'a> NameRules<'a> {
    pub(super) fn read(knowledge: &'a Knowledge, (start, count): (u32, u32)) -> Result<NameRules<'a>, KnowledgeError> {
        let mut rules = Vec::new();
        for at in start..start.saturating_add(count) {
            let rule = knowledge.rule(at)?;
            let (first, spans) = rule.ranges;
            let spans: Vec<Span<'_>> =
                (first..first.saturating_add(spans)).map(|at| knowledge.range(at)).collect::<Result<_, _>>()?;
            let modules = knowledge.texts(rule.modules)?;
            let is_modular = !modules.is_empty() || spans.iter().any(|span| span.until.contains(".module"));
            rules.push(Read {
                rule,
                spans,
                flaws: knowledge.flaws_of(rule.advisory)?.collect(),
                modules,
                architectures: knowledge.texts(rule.architectures)?,
                is_modular,
            });
        }
        let mut by_flaw: Vec<usize> = (0..rules.len()).collect();
        by_flaw.sort_by_key(|of_name| rules[*of_name].flaws.first().copied());
        Ok(NameRules { rules, by_flaw })
    }

    /// The flaws of the rules that have one of these ids.
    pub(super) fn flaws_with(
        &self,
        knowledge: &Knowledge,
        ids: &HashSet<&str>,
    ) -> Result<HashSet<u32>, KnowledgeError> {
        let mut found = HashSet::new();
        for flaw in self.rules.iter().flat_map(|read| &read.flaws) {
            if ids.contains(knowledge.flaw_id(*flaw)?) {
                found.insert(*flaw);
            }
        }
        Ok(found)
    }

    /// Judges one version by all rules that are asked for by their flaws. Flaws that the source says are not in it are taken away.
    pub(super) fn judge(
        &self,
        knowledge: &Knowledge,
        version: &Versioned,
        is_asked: impl Fn(&[u32]) -> bool,
    ) -> Result<Verdicts, KnowledgeError> {
        let mut verdicts = Verdicts::default();
        let mut absent: Vec<u32> = Vec::new();
        let rules = self.by_flaw.iter().map(|of_name| (*of_name, &self.rules[*of_name]));
        for (of_name, read) in rules.filter(|(_, read)| is_asked(&read.flaws)) {
            match read.judge(knowledge, version)? {
                Verdict::Outside => (),
                Verdict::Within(_) if read.rule.standing == Standing::NotAffected => absent.extend(&read.flaws),
                Verdict::Within(span) => {
                    verdicts.hits.extend(read.flaws.iter().map(|flaw| Hit { flaw: *flaw, of_name, span }));
                }
                Verdict::Unknown => {
                    verdicts.unknown = Some(verdicts.unknown.map_or(of_name, |first| first.min(of_name)));
                }
            }
        }
        if !absent.is_empty() {
            verdicts.hits.retain(|hit| !absent.contains(&hit.flaw));
        }
        verdicts.hits.sort_unstable();
        Ok(verdicts)
    }

    /// Why a rule could not be judged, for people.
    pub(super) fn why_unknown(
        &self,
        knowledge: &Knowledge,
        of_name: usize,
        version: &Versioned,
    ) -> Result<String, KnowledgeError> {
        self.rules.get(of_name).map_or_else(|| Ok(String::new()), |read| read.why_unknown(knowledge, version))
    }

    pub(super) fn rule(&self, hit: &Hit) -> Option<&Rule> {
        self.rules.get(hit.of_name).map(|read| &read.rule)
    }

    /// The lowest version above the installed one that really is outside of the rule's ranges.
    pub(super) fn fixed(&self, hit: &Hit, version: &Versioned) -> Option<(&'a str, &'a [u8])> {
        let spans = &self.rules.get(hit.of_name)?.spans;
        let first = match hit.span {
            Some(at) => spans.get(at)?,
            // Enumerated: any fix above it may be the one.
            None => spans
                .iter()
                .filter(|span| span.kind == SpanEnd::Fixed && Some(span.until_key) > version.key.as_deref())
                .min_by_key(|span| span.until_key)?,
        };
        let mut span = first;
        for _ in 0..=spans.len() {
            if span.kind != SpanEnd::Fixed || span.until_key.is_empty() {
                return None;
            }
            // A fix of one branch may lie within the range of another.
            match spans.iter().find(|other| within(other, span.until_key) == Some(true)) {
                Some(other) => span = other,
                None => return Some((span.until, span.until_key)),
            }
        }
        None
    }

    /// The range that held, for people.
    pub(super) fn range(&self, hit: &Hit, version: &Versioned) -> String {
        let span = hit.span.and_then(|at| self.rules.get(hit.of_name)?.spans.get(at));
        span.map_or_else(|| format!("={}", version.text), print)
    }
}

impl Read<'_> {
    fn judge(&self, knowledge: &Knowledge, version: &Versioned) -> Result<Verdict, KnowledgeError> {
        let is_for = |architecture: &String| self.architectures.contains(architecture) || architecture == "noarch";
        if !self.architectures.is_empty() && !version.architecture.as_ref().is_none_or(is_for) {
            return Ok(Verdict::Outside);
        }
        if self.is_modular != version.is_modular {
            return Ok(Verdict::Outside);
        }
        if self.is_modular {
            let Some(stream) = version.module_stream.as_ref().filter(|_| !self.modules.is_empty()) else {
                return Ok(Verdict::Unknown);
            };
            if !self.modules.iter().any(|module| is_stream(stream, module)) {
                return Ok(Verdict::Outside);
            }
        }
        let is_said_of_all = self.rule.standing == Standing::NotAffected && self.spans.is_empty();
        if is_said_of_all && self.rule.versions.1 == 0 {
            return Ok(Verdict::Within(None));
        }
        let mut verdict = Verdict::Outside;
        for (at, span) in self.spans.iter().enumerate() {
            match version.key.as_deref().and_then(|key| within(span, key)) {
                Some(true) => return Ok(Verdict::Within(Some(at))),
                Some(false) => (),
                None => verdict = Verdict::Unknown,
            }
        }
        if self.rule.versions.1 > 0 {
            if knowledge.holds(self.rule.versions, &version.exact)? {
                return Ok(Verdict::Within(None));
            }
            if version.key.is_none() {
                return Ok(Verdict::Unknown);
            }
        }
        Ok(verdict)
    }

    fn why_unknown(&self, knowledge: &Knowledge, version: &Versioned) -> Result<String, KnowledgeError> {
        let id = knowledge.record(self.rule.advisory)?.id;
        if version.key.is_none() {
            return Ok(format!("{} is no version that can be compared with {id} and perhaps others", version.text));
        }
        if self.is_modular && (version.module_stream.is_none() || self.modules.is_empty()) {
            return Ok(format!("{id} is about a module, and the stream is not known"));
        }
        let key = version.key.as_deref().unwrap_or_default();
        let range = self.spans.iter().find(|span| within(span, key).is_none()).map(print).unwrap_or_default();
        Ok(format!("the range {range} of {id} cannot be compared with {}", version.text))
    }
}

/// `nodejs:18:8070020230322:…` is of the stream `nodejs:18`.
fn is_stream(installed: &str, module: &str) -> bool {
    installed.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// `None` where an end that would decide it is no version.
fn within(span: &Span<'_>, key: &[u8]) -> Option<bool> {
    let after = match (span.from.is_empty(), span.from_key.is_empty()) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(key >= span.from_key),
    };
    let before = match span.kind {
        SpanEnd::Open => Some(true),
        _ if span.until_key.is_empty() => None,
        SpanEnd::Fixed => Some(key < span.until_key),
        SpanEnd::Last => Some(key <= span.until_key),
    };
    match (after, before) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn print(span: &Span<'_>) -> String {
    let from = Some(span.from).filter(|from| !from.is_empty()).map(String::from);
    let until = match span.kind {
        SpanEnd::Open => Until::Open,
        SpanEnd::Fixed => Until::Fixed(span.until.into()),
        SpanEnd::Last => Until::Last(span.until.into()),
    };
    Range { from, until }.to_string()
}
