//! Which of what is told is taken: a pure function of that, of what is known, and of who tells it.

use super::{MARK, MOVES_OF_TAG_MAX, Past, PastActor, PastImage, PastSource, PastTag, PastTaken};
use gantry_env::Ids;
use gantry_metadata::past::{ImageRow, MoveRow, TagRow};
use gantry_words::{Moment, Precision, Timestamp};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// What is known of the images and tags that are told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) images: BTreeMap<String, ImageRow>,
    pub(super) tags: BTreeMap<String, TagRow>,
    /// By tag, in the order of their numbers: what imports brought, and the first move that happened here.
    pub(super) moves: BTreeMap<String, Vec<MoveRow>>,
    /// Labels that images have here, by their digests; of those of which labels are told.
    pub(super) labels: BTreeMap<String, BTreeMap<String, String>>,
    /// The greatest number of a move, by the first one that its moment has.
    pub(super) last_ids: BTreeMap<i64, i64>,
}

/// What is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Images with another push, or somebody else who did it.
    pub(super) pushed: Vec<ImageRow>,
    /// Images that were pulled later.
    pub(super) pulled: Vec<(String, Moment)>,
    /// Labels that images get besides.
    pub(super) labels: Vec<(String, Vec<(String, String)>)>,
    /// Tags as they were known, and as they are.
    pub(super) tags: Vec<(TagRow, TagRow)>,
    /// New lines of history.
    pub(super) moves: Vec<MoveRow>,
    /// Lines that are there, by their numbers, with where the tag pointed before.
    pub(super) links: Vec<(i64, Option<String>)>,
    pub(super) missing: usize,
}

impl Known {
    pub(super) fn new(
        images: Vec<ImageRow>,
        tags: Vec<TagRow>,
        moves: Vec<MoveRow>,
        last_ids: Vec<(i64, i64)>,
    ) -> Known {
        let mut by_tag = BTreeMap::<String, Vec<MoveRow>>::new();
        moves.into_iter().for_each(|line| by_tag.entry(line.name.clone()).or_default().push(line));
        Known {
            images: images.into_iter().map(|row| (row.digest.clone(), row)).collect(),
            tags: tags.into_iter().map(|row| (row.name.clone(), row)).collect(),
            moves: by_tag,
            labels: BTreeMap::new(),
            last_ids: last_ids.into_iter().collect(),
        }
    }
}

impl Plan {
    pub(super) fn taken(&self) -> PastTaken {
        let images = self.pushed.iter().map(|image| &image.digest).chain(self.pulled.iter().map(|(digest, _)| digest));
        let images: BTreeSet<&String> = images.collect();
        PastTaken { images: images.len(), tags: self.tags.len(), moves: self.moves.len(), missing: self.missing }
    }
}

/// The numbers that moves have of the moments that a past tells: the first of each, and the one behind the last.
pub(super) fn ranges_of_ids(past: &Past) -> Vec<(i64, i64)> {
    let moments = past.tags.iter().flat_map(|told| &told.earlier).map(|earlier| earlier.at.at);
    moments.collect::<BTreeSet<_>>().into_iter().map(ids_at).collect()
}

pub(super) fn ids_at(at: Timestamp) -> (i64, i64) {
    (Ids::first_at(at), Ids::first_at(Timestamp::from_millis(at.millis().saturating_add(1))))
}

/// Decides what of a past is taken that `asker` tells now.
pub(super) fn decide(past: &Past, known: Known, asker: &str, now: Timestamp) -> Plan {
    let teller = Teller { source: &past.source, asker, now };
    let mut plan = Plan::default();
    let mut images = known.images.clone();
    for told in &past.images {
        match images.get_mut(told.digest.as_str()) {
            Some(image) => {
                teller.date_image(image, told);
                let none = BTreeMap::new();
                let before = known.labels.get(told.digest.as_str()).unwrap_or(&none);
                let added = told.labels.as_ref().map(|labels| labels.added_to(before)).unwrap_or_default();
                if !added.is_empty() {
                    plan.labels.push((told.digest.to_string(), added));
                }
            }
            None => plan.missing += 1,
        }
    }
    let mut tags = known.tags.clone();
    for told in &past.tags {
        match tags.get_mut(told.tag.as_str()) {
            Some(tag) if tag.digest == told.digest.as_str() => teller.date_tag(tag, told),
            // It points elsewhere here: when it was set there says nothing of that, but its history does.
            Some(_) => {}
            None => plan.missing += 1,
        }
    }
    plan.pushed = images
        .values()
        .filter(|image| {
            let before = &known.images[&image.digest];
            (image.pushed, &image.pushed_by) != (before.pushed, &before.pushed_by)
        })
        .cloned()
        .collect();
    let pulled = images.values().filter(|image| image.pulled != known.images[&image.digest].pulled);
    plan.pulled = pulled.filter_map(|image| image.pulled.map(|pulled| (image.digest.clone(), pulled))).collect();
    plan.tags = tags
        .values()
        .map(|tag| (known.tags[&tag.name].clone(), tag.clone()))
        .filter(|(before, after)| before != after)
        .collect();
    let (mut lines, mut last_ids) = (known.moves.clone(), known.last_ids);
    for told in past.tags.iter().filter(|told| !told.earlier.is_empty()) {
        let Some(tag) = tags.get(told.tag.as_str()) else { continue };
        let line = lines.entry(tag.name.clone()).or_default();
        date_line(line, &known.tags[&tag.name], tag);
        teller.add_moves(line, tag, told, &mut last_ids);
    }
    for (tag, line) in lines {
        plan.take_line(line, known.moves.get(&tag).map(Vec::as_slice).unwrap_or_default());
    }
    plan
}

/// Dates the move in a history that set a tag as the tag is dated, unless it would then stand before an earlier one: so does what
/// writes it.
fn date_line(line: &mut [MoveRow], before: &TagRow, after: &TagRow) {
    let is_it = |row: &MoveRow| {
        row.digest.as_deref() == Some(before.digest.as_str())
            && (row.at.at, &row.actor) == (before.set.at, &before.set_by)
    };
    let Some(place) = line.iter().rposition(is_it) else { return };
    if line[..place].iter().all(|row| row.at.at <= after.set.at) {
        (line[place].at, line[place].actor) = (after.set, after.set_by.clone());
    }
}

/// Who tells a past, of which system, and when.
struct Teller<'a> {
    source: &'a PastSource,
    asker: &'a str,
    now: Timestamp,
}

impl Teller<'_> {
    fn date_image(&self, image: &mut ImageRow, told: &PastImage) {
        if let Some((pushed, by)) = self.better(image.pushed, &image.pushed_by, told.pushed, told.pushed_by.as_ref()) {
            (image.pushed, image.pushed_by) = (pushed, by);
        }
        let pulled = told.pulled.and_then(|pulled| pulled.believed(self.now));
        let latest = |pulled: &Moment| (pulled.at, Reverse(rank(pulled.precision)));
        image.pulled = [image.pulled, pulled].into_iter().flatten().max_by_key(latest);
    }

    fn date_tag(&self, tag: &mut TagRow, told: &PastTag) {
        if let Some((set, by)) = self.better(tag.set, &tag.set_by, told.set, told.set_by.as_ref()) {
            (tag.set, tag.set_by) = (set, by);
        }
    }

    /// Says when something happened, and who did it, where that is known better than before.
    fn better(
        &self,
        known: Moment,
        known_by: &str,
        told: Option<Moment>,
        by: Option<&PastActor>,
    ) -> Option<(Moment, String)> {
        let told = told.filter(|told| told.precision != Precision::Unknown)?.believed(self.now)?;
        let by = self.name(by);
        let is_better = match origin(known, known_by, self.asker) {
            Origin::Here => false,
            Origin::Brought => told.at <= known.at,
            Origin::Told => order(told, &by) < order(known, known_by),
        };
        is_better.then_some((told, by))
    }

    /// How somebody of another system is called here.
    fn name(&self, who: Option<&PastActor>) -> String {
        match who {
            Some(who) => format!("{MARK}{}:{}", self.source, who.0),
            None => format!("{MARK}{}", self.source),
        }
    }

    /// Adds the moves that are told and not there, where they fit by their times.
    fn add_moves(&self, line: &mut Vec<MoveRow>, tag: &TagRow, told: &PastTag, last_ids: &mut BTreeMap<i64, i64>) {
        let mut earlier: Vec<_> = told.earlier.iter().collect();
        earlier.sort_by(|a, b| (a.at.at, &a.digest).cmp(&(b.at.at, &b.digest)));
        for moved in earlier {
            let Some(at) = moved.at.believed(self.now).filter(|at| at.at <= tag.set.at) else { continue };
            let digest = moved.digest.as_str();
            let is_there = |row: &MoveRow| row.digest.as_deref() == Some(digest) && row.at.at == at.at;
            if line.iter().any(is_there)
                || line.iter().filter(|row| is_imported(&row.actor)).count() >= MOVES_OF_TAG_MAX
            {
                continue;
            }
            let (first, _) = ids_at(at.at);
            let id = last_ids.get(&first).map_or(first, |last| last + 1);
            // Numbers say the order of a history: each time has to stand in it as its number does.
            let fits = |row: &MoveRow| if row.id < id { row.at.at <= at.at } else { at.at <= row.at.at };
            if !line.iter().all(fits) {
                continue;
            }
            last_ids.insert(first, id);
            let place = line.partition_point(|row| row.id < id);
            let (name, actor) = (tag.name.clone(), self.name(moved.by.as_ref()));
            line.insert(place, MoveRow { name, id, digest: Some(digest.into()), previous: None, at, actor });
        }
    }
}

impl Plan {
    /// Says of each move of a tag where the tag pointed before; takes the moves that are new, or say that anew. What is behind the
    /// first move that happened here knows it already.
    fn take_line(&mut self, line: Vec<MoveRow>, known: &[MoveRow]) {
        let known: BTreeMap<i64, &MoveRow> = known.iter().map(|row| (row.id, row)).collect();
        let (mut previous, mut known_previous) = (None, None);
        for row in line {
            let digest = row.digest.clone();
            match known.get(&row.id) {
                None => self.moves.push(MoveRow { previous: previous.clone(), ..row }),
                Some(before) => {
                    let was_told = before.previous.is_none() || before.previous == known_previous;
                    if (was_told || is_imported(&before.actor)) && previous.is_some() && before.previous != previous {
                        self.links.push((row.id, previous));
                    }
                    if !is_imported(&before.actor) {
                        return;
                    }
                    known_previous = digest.clone();
                }
            }
            previous = digest;
        }
    }
}

/// Where what is known of a time comes from.
enum Origin {
    /// It was seen here, and somebody else than who asks did it.
    Here,
    /// It was seen here, and is when it was brought.
    Brought,
    /// It was told, or stands for what nobody knew.
    Told,
}

fn origin(known: Moment, by: &str, asker: &str) -> Origin {
    match known.precision {
        _ if is_imported(by) => Origin::Told,
        Precision::Estimated | Precision::Unknown => Origin::Told,
        Precision::Exact if by == asker => Origin::Brought,
        Precision::Exact => Origin::Here,
    }
}

/// The order in which times are believed, the best first; whoever names somebody knows more. It does not matter who told first, and
/// what says no more than was known is not worth writing.
fn order(at: Moment, by: &str) -> (u8, Timestamp, bool, &str) {
    let somebody = by.strip_prefix(MARK).filter(|rest| rest.contains(':')).unwrap_or_default();
    (rank(at.precision), at.at, somebody.is_empty(), somebody)
}

/// How well a time is known, the best first.
fn rank(precision: Precision) -> u8 {
    match precision {
        Precision::Exact => 0,
        Precision::Estimated => 1,
        Precision::Unknown => 2,
    }
}

fn is_imported(by: &str) -> bool {
    by.starts_with(MARK)
}
