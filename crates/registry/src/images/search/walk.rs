use super::{
    ImageSearch, SearchLimits, SearchPlace, SearchedRepository,
    plan::{By, Ground, Plan},
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, image_search,
    image_search::{SearchRow, Stretch},
    tags,
};
use gantry_query::{Facts, Field, Order, SortColumn, Term};
use gantry_words::Timestamp;
use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap},
};

/// As many images as a statement counts for.
const STATEMENT_COST: usize = 10;
/// Tags that are read at a time.
const TAGS_BATCH: usize = 5_000;
/// Images of a repository that are read first, if not more are wanted.
const FIRST_BATCH: usize = 50;
/// Images that are read at a time where their annotations, of up to 64 KiB each, come with them.
const ANNOTATED_BATCH: usize = 100;
/// What stands for a digest where all images of a repository were passed; no digest comes after it.
const PAST: &str = "~";
/// Bytes of annotations that count for an image, where they are longer than that.
const ANNOTATION_BYTES: usize = 1_024;

/// An image that is meant.
pub(super) struct Found {
    pub(super) repository: SearchedRepository,
    pub(super) place: SearchPlace,
    pub(super) tagged_at: Option<Timestamp>,
}

/// Looks at images, within its limits.
pub(super) struct Walk<'a> {
    rows: &'a mut Reader,
    search: &'a ImageSearch,
    limits: SearchLimits,
    is_newest_first: bool,
    has_annotations: bool,
    /// What may still be looked at.
    left: usize,
    looked_at: u64,
    found: Vec<Found>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(rows: &'a mut Reader, search: &'a ImageSearch, limits: SearchLimits, plan: Plan) -> Self {
        let is_newest_first = match plan {
            Plan::Walk { is_newest_first } => is_newest_first,
            Plan::Gather => true,
        };
        let has_annotations = search.query.asks(Field::Annotation);
        let left = limits.looked_at_max;
        Walk { rows, search, limits, is_newest_first, has_annotations, left, looked_at: 0, found: Vec::new() }
    }

    /// What was found, and how many images were looked at for it.
    pub(super) fn found(self) -> (Vec<Found>, u64) {
        (self.found, self.looked_at)
    }

    /// Goes on after a place until so many are found; returns where it ended if no more may be looked at before that.
    pub(super) fn until(
        &mut self,
        grounds: &[Ground],
        after: Option<&SearchPlace>,
        count: usize,
    ) -> Result<Option<SearchPlace>, Fault> {
        let is_ahead = |ground: &&Ground| {
            after.is_none_or(|after| match after.repository.as_str().cmp(ground.repository.name.as_str()) {
                Ordering::Less => true,
                Ordering::Equal => after.digest != PAST,
                Ordering::Greater => false,
            })
        };
        let mut last: Option<&Ground> = None;
        for ground in grounds.iter().filter(is_ahead) {
            if self.left == 0
                && let Some(last) = last
            {
                return Ok(Some(self.end_of(last)));
            }
            let after = after.filter(|after| after.repository == ground.repository.name.as_str());
            let ended = self.look_through(ground, after, count)?;
            if self.found.len() >= count {
                return Ok(None);
            }
            if ended.is_some() {
                return Ok(ended);
            }
            last = Some(ground);
        }
        Ok(None)
    }

    /// The place after all images of a repository.
    fn end_of(&self, ground: &Ground) -> SearchPlace {
        let key = if self.is_newest_first { i64::MIN } else { i64::MAX };
        SearchPlace { repository: ground.repository.name.to_string(), key: Some(key), digest: PAST.into() }
    }

    /// Looks through a repository; returns where it ended if no more may be looked at.
    fn look_through(
        &mut self,
        ground: &Ground,
        after: Option<&SearchPlace>,
        count: usize,
    ) -> Result<Option<SearchPlace>, Fault> {
        if let Some(digests) = self.candidates(ground)? {
            self.look_at(ground, after, &digests)?;
            return Ok(None);
        }
        let batch = if self.has_annotations { self.limits.batch.min(ANNOTATED_BATCH) } else { self.limits.batch };
        let mut after = after.map(|after| (after.key.unwrap_or_default(), after.digest.clone()));
        // Where all are meant a short page wants few of them.
        let mut size = count.saturating_sub(self.found.len()).clamp(FIRST_BATCH.min(batch), batch);
        loop {
            let read = self.read(ground, after.as_ref(), size)?;
            self.spend(STATEMENT_COST + read.len());
            let is_last = read.len() < size;
            size = batch;
            after = read.last().map(|row| (row.pushed_at.millis(), row.digest.clone()));
            self.sift(ground, read)?;
            let Some((key, digest)) = after.as_ref().filter(|_| !is_last && self.found.len() < count) else {
                return Ok(None);
            };
            if self.left == 0 {
                let repository = ground.repository.name.to_string();
                return Ok(Some(SearchPlace { repository, key: Some(*key), digest: digest.clone() }));
            }
        }
    }

    /// Reads the next images along the time.
    fn read(&mut self, ground: &Ground, after: Option<&(i64, String)>, count: usize) -> Result<Vec<SearchRow>, Fault> {
        let (id, pushed) = (ground.repository.id, ground.pushed);
        let stretch = Stretch { from: pushed.from, to: pushed.to, after: "" };
        match after {
            None if self.is_newest_first => image_search::newest(self.rows, id, stretch, count, self.has_annotations),
            None => image_search::oldest(self.rows, id, stretch, count, self.has_annotations),
            // What was pushed then lies outside of the bounds where ages have moved them since the page before.
            Some((key, digest)) if self.is_newest_first => {
                let after = if *key <= pushed.to { digest.as_str() } else { "" };
                let stretch = Stretch { to: pushed.to.min(*key), after, ..stretch };
                image_search::newest(self.rows, id, stretch, count, self.has_annotations)
            }
            Some((key, digest)) => {
                let after = if *key >= pushed.from { digest.as_str() } else { "" };
                let stretch = Stretch { from: pushed.from.max(*key), after, ..stretch };
                image_search::oldest(self.rows, id, stretch, count, self.has_annotations)
            }
        }
    }

    /// Looks up among which images of a repository all of those are that are meant; none where these are too many.
    fn candidates(&mut self, ground: &Ground) -> Result<Option<BTreeSet<String>>, Fault> {
        let (id, count) = (ground.repository.id, self.limits.candidates_max + 1);
        let digests = match &ground.by {
            By::Time => return Ok(None),
            By::Digest(prefix) => image_search::digests(self.rows, id, prefix, count)?,
            By::Tag(tag) => tags::digest(self.rows, id, tag)?.into_iter().collect(),
            By::Tags(prefix) => image_search::tagged(self.rows, id, prefix, count)?,
        };
        self.spend(STATEMENT_COST);
        Ok((digests.len() < count).then(|| digests.into_iter().collect()))
    }

    /// Looks at these images, in the order of time. There are few, so that all of them may be looked at.
    fn look_at(
        &mut self,
        ground: &Ground,
        after: Option<&SearchPlace>,
        digests: &BTreeSet<String>,
    ) -> Result<(), Fault> {
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        let batch = if self.has_annotations { ANNOTATED_BATCH } else { self.limits.batch };
        let mut seen = Vec::new();
        for some in digests.chunks(batch) {
            let read =
                image_search::among(self.rows, ground.repository.id, some.iter().copied(), self.has_annotations)?;
            self.spend(STATEMENT_COST + read.len());
            let first = self.found.len();
            self.sift(ground, read)?;
            seen.extend(self.found.drain(first..));
        }
        // Of the place before only the time is known, and the order is that of time.
        let by_time = |one: &SearchPlace, other: &SearchPlace| {
            let by_key = one.key.cmp(&other.key);
            let by_key = if self.is_newest_first { by_key.reverse() } else { by_key };
            by_key.then_with(|| one.digest.cmp(&other.digest))
        };
        if let Some(after) = after {
            seen.retain(|one: &Found| by_time(&one.place, after) == Ordering::Greater);
        }
        seen.sort_unstable_by(|one, other| by_time(&one.place, &other.place));
        self.found.append(&mut seen);
        Ok(())
    }

    /// Adds those of these images to what was found that are meant.
    fn sift(&mut self, ground: &Ground, read: Vec<SearchRow>) -> Result<(), Fault> {
        self.looked_at += read.len() as u64;
        let search = self.search;
        let (query, now, name) = (&search.query, search.now, ground.repository.name.as_str());
        let known = |row: &SearchRow, term: &Term| match term.field() {
            Field::Repository => Some(term.matches(name)),
            _ => term.holds(&facts(row), now),
        };
        let decided: Vec<_> = read.iter().map(|row| query.decide(|_, term| known(row, term))).collect();
        let open: Vec<&SearchRow> =
            read.iter().zip(&decided).filter(|(_, decided)| decided.is_none()).map(|(row, _)| row).collect();
        let mut marks = self.marks(ground, &open)?.into_iter();
        for (row, decided) in read.iter().zip(decided) {
            let is_meant = decided.or_else(|| {
                let marks = marks.next().unwrap_or_default();
                query.decide(|place, term| known(row, term).or(Some(marks.has(place))))
            });
            if is_meant == Some(true) {
                let digest = row.digest.clone();
                let (repository, key) = (ground.repository.name.to_string(), key(search.order, row));
                self.found.push(Found {
                    repository: ground.repository.clone(),
                    place: SearchPlace { repository, key, digest },
                    tagged_at: row.tagged_at,
                });
            }
        }
        Ok(())
    }

    /// Finds out which terms hold of images by their tags and annotations.
    fn marks(&mut self, ground: &Ground, open: &[&SearchRow]) -> Result<Vec<Marks>, Fault> {
        let mut marks = vec![Marks::default(); open.len()];
        if open.is_empty() {
            return Ok(marks);
        }
        if self.search.query.asks(Field::Tag) {
            self.mark_tags(ground, open, &mut marks)?;
        }
        if self.has_annotations {
            for (row, marks) in open.iter().zip(&mut marks) {
                self.mark_annotations(ground, row, marks)?;
            }
        }
        Ok(marks)
    }

    fn mark_tags(&mut self, ground: &Ground, open: &[&SearchRow], marks: &mut [Marks]) -> Result<(), Fault> {
        let search = self.search;
        let (id, terms) = (ground.repository.id, search.query.terms());
        let found = tags::of_images(self.rows, id, open.iter().map(|row| row.digest.as_str()), TAGS_BATCH)?;
        self.spend(STATEMENT_COST + found.len());
        if found.len() < TAGS_BATCH {
            let places: HashMap<&str, usize> =
                open.iter().enumerate().map(|(place, row)| (row.digest.as_str(), place)).collect();
            for (digest, tag) in &found {
                if let Some(place) = places.get(digest.as_str())
                    && let Some(marks) = marks.get_mut(*place)
                {
                    marks.note(terms, |term| term.matches(tag) && term.field() == Field::Tag);
                }
            }
            return Ok(());
        }
        // They have very many: image by image, and some at a time.
        for (row, marks) in open.iter().zip(marks) {
            let mut after = String::new();
            loop {
                let found = image_search::tags_after(self.rows, id, &row.digest, &after, TAGS_BATCH)?;
                self.spend(STATEMENT_COST + found.len());
                for tag in &found {
                    marks.note(terms, |term| term.matches(tag) && term.field() == Field::Tag);
                }
                match found.last() {
                    Some(last) if found.len() == TAGS_BATCH => after.clone_from(last),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    fn mark_annotations(&mut self, ground: &Ground, row: &SearchRow, marks: &mut Marks) -> Result<(), Fault> {
        let long;
        let text = match &row.annotations {
            Some(text) => text,
            None => {
                let found = image_search::annotations(self.rows, ground.repository.id, &row.digest)?;
                long = found.unwrap_or_default();
                self.spend(STATEMENT_COST + long.len() / ANNOTATION_BYTES);
                &long
            }
        };
        // What is no object of texts has none: it was written by a push, which reads it.
        let annotations: HashMap<String, String> = serde_json::from_str(text).unwrap_or_default();
        for (name, value) in &annotations {
            marks.note(self.search.query.terms(), |term| term.matches_annotation(name, value));
        }
        Ok(())
    }

    fn spend(&mut self, cost: usize) {
        self.left = self.left.saturating_sub(cost);
    }
}

/// Which terms of a query hold, by their places: a query has no more than there are bits.
#[derive(Clone, Copy, Default)]
struct Marks(u64);

impl Marks {
    fn note(&mut self, terms: &[Term], holds: impl Fn(&Term) -> bool) {
        for (place, term) in terms.iter().enumerate() {
            if holds(term) {
                self.0 |= bit(place);
            }
        }
    }

    fn has(self, place: usize) -> bool {
        self.0 & bit(place) != 0
    }
}

fn bit(place: usize) -> u64 {
    u32::try_from(place).ok().and_then(|place| 1u64.checked_shl(place)).unwrap_or(0)
}

fn facts(row: &SearchRow) -> Facts<'_> {
    Facts {
        digest: &row.digest,
        media_type: &row.media_type,
        artifact_type: row.artifact_type.as_deref(),
        pushed_at: row.pushed_at,
        tagged_at: row.tagged_at,
        pulled_at: row.last_pulled_at,
        bytes: u64::try_from(row.bytes).unwrap_or(0),
        tag_count: u64::try_from(row.tag_count).unwrap_or(0),
        pushed_by: &row.pushed_by,
        storage_class: &row.storage_class,
        is_held: row.is_held,
    }
}

/// What an image is sorted by.
fn key(order: Order, row: &SearchRow) -> Option<i64> {
    match order.column {
        SortColumn::Repository | SortColumn::Pushed => Some(row.pushed_at.millis()),
        SortColumn::Tagged => row.tagged_at.map(Timestamp::millis),
        SortColumn::Pulled => row.last_pulled_at.map(Timestamp::millis),
        SortColumn::Size => Some(row.bytes),
        SortColumn::Tags => Some(row.tag_count),
    }
}
