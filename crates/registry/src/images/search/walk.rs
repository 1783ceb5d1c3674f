use super::{
    ImageSearch, SearchLimits, SearchPlace, SearchedRepository, by_key,
    plan::{By, Ground, STATEMENT_COST},
    properties,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, image_search,
    image_search::{AlongRow, DIGEST_LAST, NEVER, SearchRow, SortKey, SortPlace, Stretch, Way},
    tags,
};
use gantry_query::{Facts, Field, Order, SortColumn, Term};
use gantry_words::Timestamp;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// Tags that are read at a time.
const TAGS_BATCH: usize = 5_000;
/// Images of a repository that are read first, if not more are wanted.
const FIRST_BATCH: usize = 50;
/// Images that are read at a time where their annotations, of up to 64 KiB each, come with them.
const ANNOTATED_BATCH: usize = 100;
/// What stands for a digest where all images of a repository were passed.
const PAST: &str = DIGEST_LAST;
/// Labels and platforms that count for an image.
const PROPERTIES_PER_IMAGE: usize = 4;
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
    pub(super) fn new(
        rows: &'a mut Reader,
        search: &'a ImageSearch,
        limits: SearchLimits,
        is_newest_first: bool,
    ) -> Self {
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
        let order = self.search.order;
        let is_backward = order.column == SortColumn::Repository && order.is_descending;
        let is_ahead = |ground: &&Ground| {
            after.is_none_or(|after| {
                let before = after.repository.as_str().cmp(ground.repository.name.as_str());
                match if is_backward { before.reverse() } else { before } {
                    Ordering::Less => true,
                    Ordering::Equal => after.digest != PAST,
                    Ordering::Greater => false,
                }
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

    /// Goes on after a place, in the order of a column, through the images of all repositories, until so many are found; returns where it
    /// ended if no more may be looked at before that.
    pub(super) fn along(
        &mut self,
        grounds: &[Ground],
        (key, way): (SortKey, Way),
        after: Option<&SearchPlace>,
        count: usize,
    ) -> Result<Option<SearchPlace>, Fault> {
        let by_number: HashMap<i64, &Ground> = grounds.iter().map(|ground| (ground.repository.id, ground)).collect();
        let (first, last) = ends(grounds, key);
        let (from, until, digest) = match way {
            Way::Up => (first.saturating_sub(1), last, DIGEST_LAST),
            Way::Down => (last.saturating_add(1), first, ""),
        };
        let start =
            SearchPlace { repository: String::new(), number: 0, key: Some(from), text: None, digest: digest.into() };
        let mut after = match after {
            // The bounds may have moved on since the page before.
            Some(after) if is_behind(way, after.key.unwrap_or(NEVER), from) => after.clone(),
            _ => start,
        };
        let batch = if self.has_annotations { self.limits.batch.min(ANNOTATED_BATCH) } else { self.limits.batch };
        let mut size = count.clamp(FIRST_BATCH.min(batch), batch);
        loop {
            let (place, has_annotations) = (sort_place(&after), self.has_annotations);
            let read = image_search::along(self.rows, (key, way), place, until, size, has_annotations)?;
            self.spend(STATEMENT_COST + read.len());
            let is_last = read.len() < size;
            size = batch;
            if let Some(last) = read.last() {
                let (number, digest) = (last.repository, last.image.digest.clone());
                let name = by_number.get(&number).map(|ground| ground.repository.name.to_string());
                after = SearchPlace {
                    repository: name.unwrap_or_default(),
                    number,
                    key: key_along(key, last.key),
                    text: None,
                    digest,
                };
            }
            self.sift_all(&by_number, key, read)?;
            if is_last || self.found.len() >= count {
                return Ok(None);
            }
            if self.left == 0 {
                return Ok(Some(after));
            }
        }
    }

    /// Adds those of these images, of any repositories, to what was found that are meant, in this order.
    fn sift_all(&mut self, by_number: &HashMap<i64, &Ground>, key: SortKey, read: Vec<AlongRow>) -> Result<(), Fault> {
        let mut places: HashMap<(i64, String), (usize, i64)> = HashMap::with_capacity(read.len());
        let mut some: BTreeMap<i64, Vec<SearchRow>> = BTreeMap::new();
        for (place, row) in read.into_iter().enumerate() {
            if row.is_live && by_number.contains_key(&row.repository) {
                places.insert((row.repository, row.image.digest.clone()), (place, row.key));
                some.entry(row.repository).or_default().push(row.image);
            }
        }
        let first = self.found.len();
        for (number, rows) in some {
            if let Some(ground) = by_number.get(&number) {
                self.sift(ground, rows)?;
            }
        }
        let mut new: Vec<(usize, Found)> = Vec::with_capacity(self.found.len().saturating_sub(first));
        for mut one in self.found.drain(first..) {
            if let Some((place, read)) = places.get(&(one.place.number, one.place.digest.clone())) {
                // As it is sorted there, or the next page would begin elsewhere.
                one.place.key = key_along(key, *read);
                new.push((*place, one));
            }
        }
        new.sort_unstable_by_key(|(place, _)| *place);
        self.found.extend(new.into_iter().map(|(_, one)| one));
        Ok(())
    }

    /// The place after all images of a repository.
    fn end_of(&self, ground: &Ground) -> SearchPlace {
        let key = if self.is_newest_first { i64::MIN } else { i64::MAX };
        let (repository, number) = (ground.repository.name.to_string(), ground.repository.id);
        SearchPlace { repository, number, key: Some(key), text: None, digest: PAST.into() }
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
                let (repository, number) = (ground.repository.name.to_string(), ground.repository.id);
                return Ok(Some(SearchPlace {
                    repository,
                    number,
                    key: Some(*key),
                    text: None,
                    digest: digest.clone(),
                }));
            }
        }
    }

    /// Reads the next images along the time.
    fn read(&mut self, ground: &Ground, after: Option<&(i64, String)>, count: usize) -> Result<Vec<SearchRow>, Fault> {
        let (id, pushed) = (ground.repository.id, ground.pushed);
        let before = if self.is_newest_first { DIGEST_LAST } else { "" };
        let stretch = Stretch { from: pushed.from, to: pushed.to, after: before };
        match after {
            None if self.is_newest_first => image_search::newest(self.rows, id, stretch, count, self.has_annotations),
            None => image_search::oldest(self.rows, id, stretch, count, self.has_annotations),
            // What was pushed then lies outside of the bounds where ages have moved them since the page before.
            Some((key, digest)) if self.is_newest_first => {
                let after = if *key <= pushed.to { digest.as_str() } else { before };
                let stretch = Stretch { to: pushed.to.min(*key), after, ..stretch };
                image_search::newest(self.rows, id, stretch, count, self.has_annotations)
            }
            Some((key, digest)) => {
                let after = if *key >= pushed.from { digest.as_str() } else { before };
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
            By::These(digests) => return Ok(Some(digests.iter().cloned().collect())),
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
            let ordering = by_key(one, other);
            if self.is_newest_first { ordering.reverse() } else { ordering }
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
                let repository = ground.repository.clone();
                let place = place_of(search.order, (name.to_string(), repository.id), row);
                self.found.push(Found { repository, place, tagged_at: row.tagged_at });
            }
        }
        Ok(())
    }

    /// Finds out which terms hold of images by their tags, annotations, labels and platforms.
    fn marks(&mut self, ground: &Ground, open: &[&SearchRow]) -> Result<Vec<Marks>, Fault> {
        let mut marks = vec![Marks::default(); open.len()];
        if open.is_empty() {
            return Ok(marks);
        }
        if self.search.query.asks(Field::Tag) {
            self.mark_tags(ground, open, &mut marks)?;
        }
        if self.search.query.asks(Field::Label) || self.search.query.asks(Field::Platform) {
            let (query, id) = (&self.search.query, ground.repository.id);
            let (statements, read) = properties::mark(self.rows, query, id, open, &mut marks)?;
            self.spend(statements * STATEMENT_COST + read / PROPERTIES_PER_IMAGE);
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
            let is_meant = |term: &Term| term.field() == Field::Annotation && term.matches_pair(name, value);
            marks.note(self.search.query.terms(), is_meant);
        }
        Ok(())
    }

    fn spend(&mut self, cost: usize) {
        self.left = self.left.saturating_sub(cost);
    }
}

/// Which terms of a query hold, by their places: a query has no more than there are bits.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks(u64);

impl Marks {
    pub(super) fn note(&mut self, terms: &[Term], holds: impl Fn(&Term) -> bool) {
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

/// The place of an image, of a repository of a name and number.
fn place_of(order: Order, (repository, number): (String, i64), row: &SearchRow) -> SearchPlace {
    SearchPlace { repository, number, key: key(order, row), text: text(order, row), digest: row.digest.clone() }
}

/// The same in the order of a column, where what never happened has a time.
fn sort_place(place: &SearchPlace) -> SortPlace<'_> {
    SortPlace { key: place.key.unwrap_or(NEVER), digest: &place.digest, repository: place.number }
}

/// The same the other way round.
fn key_along(column: SortKey, key: i64) -> Option<i64> {
    let may_be_never = match column {
        SortKey::Tagged | SortKey::Pulled => true,
        SortKey::Pushed | SortKey::Size => false,
    };
    (!may_be_never || key != NEVER).then_some(key)
}

/// Whether reading from a key on passes `from` first.
fn is_behind(way: Way, key: i64, from: i64) -> bool {
    match way {
        Way::Up => key >= from,
        Way::Down => key <= from,
    }
}

/// The least and the greatest key that images can have that are meant.
fn ends(grounds: &[Ground], key: SortKey) -> (i64, i64) {
    let ends = |ground: &Ground| (ground.pushed.from, ground.pushed.to);
    let wider = |(from, to): (i64, i64), (other_from, other_to): (i64, i64)| (from.min(other_from), to.max(other_to));
    match key {
        SortKey::Pushed => grounds.iter().map(ends).reduce(wider).unwrap_or((0, -1)),
        SortKey::Tagged | SortKey::Pulled | SortKey::Size => (i64::MIN, i64::MAX),
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
        SortColumn::Digest | SortColumn::Type | SortColumn::Status | SortColumn::Pusher | SortColumn::Class => None,
    }
}

/// The same where that is a text, other than the digest, by which all are sorted that are equal.
fn text(order: Order, row: &SearchRow) -> Option<String> {
    let text = match order.column {
        SortColumn::Type => row.artifact_type.as_deref().unwrap_or(&row.media_type),
        SortColumn::Status => match row.storage_class.as_str() {
            "ARCHIVE" => "archived",
            "ACTIVATING" => "activating",
            _ => "active",
        },
        SortColumn::Pusher => row.pushed_by.as_str(),
        SortColumn::Class => row.storage_class.as_str(),
        SortColumn::Repository
        | SortColumn::Pushed
        | SortColumn::Tagged
        | SortColumn::Pulled
        | SortColumn::Size
        | SortColumn::Tags
        | SortColumn::Digest => return None,
    };
    Some(text.into())
}
